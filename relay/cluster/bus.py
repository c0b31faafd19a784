"""The bus between nodes: one Redis topic on which each hears all, itself included. It may break at any time.

Nobody waits for it: what is to be said lies in a slot (the newest report alone) and a bounded queue (news), and a task
of its own sends. That a node hears itself is the proof that the whole way works, whatever half of it died silently.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from relay.common.deadline import end, within
from relay.errors import SettingsError

log = logging.getLogger(__name__)

_ANSWER_S = 2.0
"""Redis must accept a connection and answer a command in this time."""
_WAITING_NEWS = 1000
"""News that wait while Redis is away; of more the oldest go."""
_FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
_WAIT_GROWTH = 1.25
"""Between attempts to connect: a restarted Redis is back within a second, and nodes are few, so that one away for hours
can be asked every five seconds."""

REFUSED = "Redis refuses its user or password"
SILENT = "Redis does not answer"


class Bus:
    """A connection to the other nodes that repairs itself, from when it is made until ``stop``."""

    def __init__(self, url: str, topic: str, silence: float, receive: Callable[[bytes], None]) -> None:
        """``silence``: seconds without a message, its own ones included, after which the connection counts as dead.
        ``receive``: takes each message, on the event loop.

        Raises:
            SettingsError: the URL can't be used, or the driver is missing.
        """
        self._topic, self._silence, self._receive = topic, silence, receive
        self._client = _client(url)
        self.connected = asyncio.Event()
        """Set while messages go through."""
        self.connections = 0
        """How often that began."""
        self.trouble = ""
        """Why they do not, once that is known."""
        self.down_since = time.monotonic()
        self._state: list[bytes] = []
        self._news: deque[bytes] = deque(maxlen=_WAITING_NEWS)
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._stay_connected(), name="bus")

    def put_state(self, messages: list[bytes]) -> None:
        """Send these soon; what waits from an earlier call is dropped."""
        self._state = messages
        self._wake.set()

    def put_news(self, message: bytes) -> None:
        """Send this soon, or when Redis is back."""
        self._news.append(message)
        self._wake.set()

    async def stop(self, last: bytes) -> None:
        """Send the news that wait and a last message, if that goes without waiting for long, and disconnect."""
        await end(self._task)
        if self.connected.is_set():
            with contextlib.suppress(*_failures(), asyncio.TimeoutError):
                await within(_ANSWER_S, self._publish([*self._news, last]))
        with contextlib.suppress(*_failures()):
            await self._client.aclose()

    async def _publish(self, messages: list[bytes]) -> None:
        for message in messages:
            await self._client.publish(self._topic, message)

    async def _stay_connected(self) -> None:
        attempts = 0
        while True:
            before = time.monotonic()
            try:
                await self._serve()
            except _failures() as error:
                self._broken(error)
            if time.monotonic() - before > LONGEST_WAIT_S:
                attempts = 0  # it worked for a while
            wait = min(LONGEST_WAIT_S, _FIRST_WAIT_S * _WAIT_GROWTH**attempts)
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 (a jitter, no secret)
            attempts += 1

    async def _serve(self) -> None:
        """Subscribe, listen and send until one of the two ends."""
        async with self._client.pubsub() as subscription:
            await subscription.subscribe(self._topic)
            self._wake.set()
            tasks = [asyncio.create_task(self._listen(subscription)), asyncio.create_task(self._send())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end(*tasks)
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _listen(self, subscription: Any) -> None:
        while True:
            message = await subscription.get_message(timeout=self._silence)
            if message is None:
                raise TimeoutError(f"nothing was heard for {self._silence:g} s, not even this node itself")
            if message["type"] == "message":
                if not self.connected.is_set():
                    log.info("The bus between the nodes works.")
                    self.trouble = ""
                    self.connections += 1
                    self.connected.set()
                self._receive(message["data"])

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._news:
                message = self._news[0]
                await self._client.publish(self._topic, message)
                if self._news and self._news[0] is message:  # it was not dropped meanwhile
                    self._news.popleft()
            parts, self._state = self._state, []
            await self._publish(parts)

    def _broken(self, error: Exception) -> None:
        trouble = REFUSED if _refused(error) else SILENT
        if self.connected.is_set():
            self.connected.clear()
            self.down_since = time.monotonic()
        if trouble != self.trouble:
            log.warning("The bus between the nodes is down, this one goes on alone: %s (%s)", trouble, error)
            self.trouble = trouble


def _client(url: str) -> Any:
    try:
        import redis.asyncio as driver  # only who runs several nodes has it
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        text = f"--cluster needs the driver of Redis ({error}): install it with `pip install 'moodcast[cluster]'`."
        raise SettingsError(text) from error
    try:
        # No retries of its own: it would retry a command on a connection that has lost its subscription.
        return driver.Redis.from_url(
            url, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S, retry=Retry(NoBackoff(), 0)
        )
    except ValueError:
        raise SettingsError(
            "--cluster: expected an address as in redis://USER:PASSWORD@HOST:6379, rediss:// (TLS) or unix:///PATH; "
            "what came can't be taken apart."  # nor shown, since it may have the password
        ) from None


async def try_out(url: str) -> str:
    """What is wrong with a Redis, in a few words; empty if it answers.

    Raises:
        SettingsError: as ``Bus``.
    """
    client = _client(url)
    try:
        await client.ping()
    except _failures() as error:
        return REFUSED if _refused(error) else SILENT
    finally:
        await client.aclose()
    return ""


def _failures() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return RedisError, OSError, asyncio.TimeoutError, TimeoutError


def _refused(error: Exception) -> bool:
    from redis import exceptions

    return isinstance(error, (exceptions.AuthenticationError, exceptions.AuthorizationError)) or (
        isinstance(error, exceptions.ResponseError) and "NOAUTH" in str(error).upper()
    )
