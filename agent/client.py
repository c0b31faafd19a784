"""The agent's connection to the relay: a thin aiohttp shell around ``agent.sending``."""

import asyncio
import contextlib
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias, TypeVar

import aiohttp
import msgspec
from yarl import URL

from agent import consent, trouble
from agent.config import AgentSettings
from agent.errors import NoConsentError
from agent.sending import Allowance, Backoff, Notes, Sender
from relay.common import discreet
from relay.common.deadline import end, within
from relay.common.printable import escaped
from relay.common.release import RELEASE
from relay.errors import (
    RedirectedError,
    RefusedError,
    RelayError,
    RelayUnreachableError,
    UnknownChannelError,
    WrongKeyError,
    WrongPasswordError,
)
from relay.protocol import (
    MAX_DELAY_S,
    NOT_SHOWN,
    UNKNOWN_CHANNEL,
    WRONG_KEY,
    WRONG_PASSWORD,
    Bye,
    Countdown,
    Delay,
    Error,
    Expression,
    FromRelay,
    Hello,
    Label,
    LookMessage,
    Message,
    Mood,
    Role,
    ShowMessage,
    Tap,
    TapMessage,
    Welcome,
    Zero,
    encode,
    from_relay,
    retries,
)

# A string, since aiohttp's class is generic for type checkers only.
WebSocket: TypeAlias = "aiohttp.ClientWebSocketResponse[bool]"

CONNECT_S = 10.0
_PROGRAM = f"moodcast/{RELEASE}"
_PING_S = 15.0
_CLOSE_S = 0.5
_MAX_ANSWER_BYTES = 4096
_NOT_IT = "this is not it (an invitation ends when it changes)"
_HIDDEN = "…"
"""In place of a password or ticket, where a viewer reads what was sent."""
_MAX_MESSAGE_BYTES = 1 << 16
"""The longest message of the relay that is read; its own are below 1 KiB."""


class _Lost(Exception):  # noqa: N818  # not an error for the user: the client comes back
    """The connection failed or ended in a way that says: try again. ``retry_after_s`` is the relay's hint, or 0."""

    def __init__(self, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class _Refusal(msgspec.Struct):
    code: int
    message: str


class _TicketAnswer(msgspec.Struct):
    """What a relay says to who asks for a ticket."""

    __repr__ = discreet.shown

    ticket: str = ""
    role: Role = "viewer"
    error: _Refusal | None = None


class _Health(msgspec.Struct):
    """What a relay says of itself; every field is required."""

    status: Any
    version: Any


Told = TypeVar("Told", bound=msgspec.Struct)


class Client:
    """One viewer's client. ``check`` joins once; ``run`` stays, and comes back after every loss."""

    def __init__(
        self,
        settings: AgentSettings,
        sender: Sender,
        note: Callable[[str], None],
        agreed: Welcome | None = None,
        advice: trouble.Advice = trouble.TERMINAL,
    ) -> None:
        """``note`` gets sentences for the user: what the relay objects to, when it is lost, what it has measured.

        ``agreed``: what the relay promised when the viewer was asked, if that was before; else ``check`` finds it out.
        """
        self._settings, self._advice = settings, advice
        self._sender = sender
        self._note = note
        self._notes = Notes()
        self._delay = settings.delay
        self._asked_for = 0.0
        self._open_until = -math.inf
        self._first: deque[Message] = deque()
        """What goes out before the next label; none of it is kept for another connection."""
        self._allowance = Allowance()
        self._is_shown = self._is_looking = self._may_be_shown = False
        self._granted = 0.0
        self._wake = asyncio.Event()
        self._url = URL(settings.relay) / "v1/channels" / settings.channel / "viewer"
        self._welcomed_at: float | None = None
        self._agreed = agreed
        self.connected = False
        self.paused = False
        """Whether the streamer has paused: the relay takes no label then."""
        self.on_countdown: Callable[[], None] = lambda: None
        """Called when a countdown begins that the viewer may answer with ``tap_zero``."""
        self.on_said: Callable[[str], None] = lambda _: None
        """Called with each message to the relay, to the letter, but for a ticket and a password."""
        self.on_heard: Callable[[FromRelay], None] = lambda _: None
        """Called with each message of the relay, after what the client makes of it."""
        self.on_lost: Callable[[str], None] = lambda _: None
        """Called each time that the relay is lost, or can't be reached, with the reason."""
        self.labels: Counter[Expression] = Counter()
        """Labels sent, by expression."""

    def wake(self) -> None:
        """The sender has something new; call it in the event loop's thread."""
        self._wake.set()

    def tap_zero(self) -> None:
        """The viewer sees the countdown reach 0. Without one nothing happens. Call it in the event loop's thread."""
        if self.connected and time.monotonic() < self._open_until:
            self._say(Zero())

    @property
    def countdown(self) -> float | None:
        """Until when (``time.monotonic``) ``tap_zero`` does something; None where it does nothing."""
        return self._open_until if self.connected and time.monotonic() < self._open_until else None

    def tap(self, kind: Tap) -> bool:
        """Send a reaction, unless not connected, or more than the relay takes. Call it in the event loop's thread."""
        if not self.connected or self.paused or not self._allowance.tap(time.monotonic()):
            return False
        self._say(TapMessage(tap=kind))
        return True

    @property
    def is_shown(self) -> bool:
        """Whether the viewer is shown on the grid, as far as is known here."""
        return self._is_shown and self._may_be_shown

    def show(self, on: bool) -> None:
        """Be shown on the grid, also after a new connection, until the streamer takes it back; or no more."""
        if on != self._is_shown and (self._may_be_shown or not on):
            self._is_shown = on
            self._say(ShowMessage(on=on))

    def look(self, on: bool) -> None:
        """Hear who is shown on the grid, also after a new connection; or no more."""
        if on != self._is_looking:
            self._is_looking = on
            if self._may_be_shown:  # else the relay may be older than the grid
                self._say(LookMessage(on=on))

    def _say(self, message: Message) -> None:
        if self.connected:
            self._first.append(message)
            self._wake.set()

    async def check(self) -> Welcome:
        """Join, and leave again.

        Raises:
            RelayUnreachableError: nothing answers, or what answers is no Moodcast relay.
            UnknownChannelError, WrongKeyError, WrongPasswordError, RefusedError: the relay does not want us.
            RedirectedError: it sends us to another address.
        """
        async with open_session(self._advice) as session, contextlib.AsyncExitStack() as opened:
            try:
                _, welcome = await self._join(session, opened)
            except _Lost as lost:
                raise unreachable(self._settings.relay, lost, self._advice) from lost
            self._agreed = welcome
            return welcome

    async def run(self) -> NoReturn:
        """Send what the sender says until cancelled.

        Raises:
            UnknownChannelError, WrongKeyError, WrongPasswordError, RefusedError: the relay ended it for good.
            NoConsentError: it promises less than when the viewer was asked.
            RedirectedError: it sends us to another address.
        """
        backoff = Backoff()
        async with open_session(self._advice) as session:
            while True:
                try:
                    await self._share(session)
                except _Lost as lost:
                    lasted = 0.0 if self._welcomed_at is None else time.monotonic() - self._welcomed_at
                    if self.connected:
                        self._note(f"lost the relay ({lost}); trying again until it is back")
                    wait = backoff.wait(lasted, lost.retry_after_s)
                    reason = str(lost)
                finally:
                    self.connected = self.paused = self._may_be_shown = False
                    self._first.clear()
                    self._welcomed_at = None
                    self._sender.closed()
                self.on_lost(reason)
                await asyncio.sleep(wait)

    async def _share(self, session: aiohttp.ClientSession) -> NoReturn:
        """One connection, from hello to its loss."""
        async with contextlib.AsyncExitStack() as opened:
            socket, welcome = await self._join(session, opened)
            if self._agreed and self._settings.role == "viewer" and consent.promises_less(welcome, self._agreed):
                raise NoConsentError(consent.broken_promise(welcome, self._agreed))
            self._welcomed_at = time.monotonic()
            self.connected, self._allowance = True, Allowance()
            # A choice is for the grid that it was made for, which may have been taken back and given again meanwhile.
            self._is_shown = self._is_shown and 0 < welcome.granted == self._granted
            self._granted = welcome.granted
            self._allow(welcome.grid)
            self._sender.opened(welcome.heartbeat_s)
            self.on_heard(welcome)
            tasks = [asyncio.create_task(self._listen(socket)), asyncio.create_task(self._send(socket))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end(*tasks)
        failures = [error for task in tasks if task.done() and not task.cancelled() and (error := task.exception())]
        # A refusal that was heard tells more than a send that failed because of it.
        failures.sort(key=lambda failure: not isinstance(failure, RelayError))
        raise failures[0] if failures else _Lost("the connection broke")

    async def _join(
        self, session: aiohttp.ClientSession, opened: contextlib.AsyncExitStack
    ) -> tuple[WebSocket, Welcome]:
        """Connect, say hello, await the welcome; ``opened`` will close the socket."""
        try:
            ask = self._ticket if self._settings.role == "viewer" else self._streamers_ticket
            ticket = await within(CONNECT_S, ask(session))
            socket = await within(CONNECT_S, self._connect(session, opened))
        except aiohttp.WSServerHandshakeError as error:
            raise await self._refusal(session, error.status) from error
        except asyncio.TimeoutError as error:
            raise _Lost(f"no answer within {CONNECT_S:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _Lost(trouble.reason(error, self._url)) from error
        try:
            await socket.send_str(encode(hello(self._settings, ticket, self._delay)).decode())
            self._tell(hello(self._settings, _HIDDEN if ticket else "", self._delay))
            return socket, await within(CONNECT_S, self._welcome(socket))
        except asyncio.TimeoutError as error:
            raise _Lost(f"it did not say welcome within {CONNECT_S:.0f} s") from error

    async def _ticket(self, session: aiohttp.ClientSession) -> str:
        """A ticket for the channel. Empty where the answer is none of a relay that has them; joining tells why."""
        body = {"password": self._settings.password} if self._settings.password else {}
        self._tell_asked("POST", self._url.with_name("tickets"), f'{{"password": "{_HIDDEN}"}}' if body else "{}")
        async with session.post(self._url.with_name("tickets"), json=body) as response:
            said = await response.content.read(_MAX_ANSWER_BYTES)
            answer = decoded(said, _TicketAnswer)
            if answer is None:
                if response.status == 400 and trouble.PLAIN_HTTP_ON_A_TLS_PORT.search(said):
                    raise _Lost(trouble.expects_https(self._url))
                return ""
            if answer.error and response.status not in (404, 405):
                hint = response.headers.get(aiohttp.hdrs.RETRY_AFTER, "")
                raise self._ended(answer.error.code, answer.error.message, float(hint) if hint.isdecimal() else 0.0)
            return answer.ticket

    async def _streamers_ticket(self, session: aiohttp.ClientSession) -> str:
        """A ticket of the streamer. Without one nobody joins: they would be counted as a viewer."""
        headers = {aiohttp.hdrs.AUTHORIZATION: f"Bearer {self._settings.admin_key}"}
        self._tell_asked("POST", self._url.with_name("tickets"), '{"role": "streamer"}')
        async with session.post(self._url.with_name("tickets"), json={"role": "streamer"}, headers=headers) as response:
            answer = decoded(await response.content.read(_MAX_ANSWER_BYTES), _TicketAnswer)
            if answer is None:
                raise _Lost(f"what answers there is no Moodcast relay (HTTP status {response.status})")
            if answer.error:
                raise self._ended(answer.error.code, answer.error.message)
            if answer.role != "streamer" or not answer.ticket:
                raise RefusedError(
                    f"the relay {self._settings.relay} is older than --role streamer and would count you as a viewer: "
                    "have it upgraded"
                )
            return answer.ticket

    async def _connect(self, session: aiohttp.ClientSession, opened: contextlib.AsyncExitStack) -> WebSocket:
        timeout = aiohttp.ClientWSTimeout(ws_close=_CLOSE_S)
        self._tell_asked("GET", self._url)
        socket = await session.ws_connect(
            self._url, heartbeat=_PING_S, timeout=timeout, max_msg_size=_MAX_MESSAGE_BYTES
        )
        opened.push_async_callback(socket.close)  # here, since a caller who is cancelled never gets it
        return socket

    async def _welcome(self, socket: WebSocket) -> Welcome:
        while True:
            message = await self._receive(socket)
            if isinstance(message, Welcome):
                return message

    async def _listen(self, socket: WebSocket) -> NoReturn:
        while True:
            message = await self._receive(socket)
            if isinstance(message, Mood):
                self._allow(message.grid)
                if self.paused and not message.paused:
                    self._sender.forgotten()
                    self.wake()
                self.paused = message.paused
            elif isinstance(message, Countdown):
                self._open_until = time.monotonic() + message.zero - message.time + MAX_DELAY_S
                if message.zero != self._asked_for:  # after a new connection the relay tells of it again
                    self._asked_for = message.zero
                    self._if_it_may(self.on_countdown)
            elif isinstance(message, Delay):
                self._delay = float(message.seconds)
                self._if_it_may(
                    self._note,
                    f"You see the stream {message.seconds} s later than it happens; when the countdown is over, your "
                    f"expressions are put to the moment that you saw. {self._advice.keep} {message.seconds}.",
                )
            elif isinstance(message, Error) and message.code == NOT_SHOWN.number:
                self._is_shown = False
            self.on_heard(message)

    def _allow(self, grid: bool) -> None:
        """The streamer allows the grid, or no more; then whoever was shown has to choose it anew."""
        if grid and not self._may_be_shown:
            if self._is_shown:
                self._say(ShowMessage(on=True))
            if self._is_looking:
                self._say(LookMessage(on=True))
        self._may_be_shown = grid
        self._is_shown = self._is_shown and grid

    async def _send(self, socket: WebSocket) -> None:
        while True:
            self._wake.clear()
            while self._first:
                message = self._first.popleft()
                if not isinstance(message, TapMessage):  # a tap is paid for
                    self._allowance.spend(time.monotonic())
                await self._write(socket, message)
            now = time.monotonic()
            step = self._sender.next(now)
            if step is None or step.at > now:
                with contextlib.suppress(asyncio.TimeoutError):
                    await within(None if step is None else step.at - now, self._wake.wait())
                continue
            label = self._sender.take(now)
            assert label is not None
            self._allowance.spend(now)
            await self._write(socket, label)
            if isinstance(label, Label):
                self.labels[label.emotion] += 1

    async def _write(self, socket: WebSocket, message: Message) -> None:
        try:
            await socket.send_str(encode(message).decode())
        except (aiohttp.ClientError, OSError) as error:
            raise _Lost(trouble.reason(error, self._url)) from error
        self._tell(message)

    def _tell(self, message: Message) -> None:
        self.on_said(encode(message).decode())

    def _tell_asked(self, method: str, url: URL, body: str = "") -> None:
        self.on_said(asked(method, url, body))

    async def _receive(self, socket: WebSocket) -> FromRelay:
        """The relay's next message; its end becomes ``_Lost`` or a ``RelayError``. Unknown messages are skipped."""
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                message = from_relay.decode(frame.data)
            except (msgspec.DecodeError, RecursionError):
                continue  # A newer relay may say more than this agent understands.
            if isinstance(message, Bye):
                raise self._ended(message.code, message.message, message.retry_after_s)
            if isinstance(message, Error):
                self._if_it_may(self._note, f"the relay says: {escaped(message.message)}")
            return message
        raise self._ended(socket.close_code or aiohttp.WSCloseCode.ABNORMAL_CLOSURE, "the connection broke")

    def _if_it_may(self, say: Callable[..., None], *sentence: str) -> None:
        """The relay would have the agent say something."""
        if self._notes.passes(time.monotonic()):
            say(*sentence)

    async def _refusal(self, session: aiohttp.ClientSession, status: int) -> Exception:
        """What an HTTP status instead of a WebSocket means; that depends on whether a Moodcast relay said it."""
        if status in (401, 403, 404) and await self._is_relay(session):
            return self._ended((UNKNOWN_CHANNEL if status == 404 else WRONG_KEY).number, f"HTTP status {status}")
        return _Lost(f"what answers there is no Moodcast relay (HTTP status {status})")

    async def _is_relay(self, session: aiohttp.ClientSession) -> bool:
        try:
            url, timeout = URL(self._settings.relay) / "healthz", aiohttp.ClientTimeout(total=CONNECT_S)
            self._tell_asked("GET", url)
            async with session.get(url, timeout=timeout) as response:
                return decoded(await response.content.read(_MAX_ANSWER_BYTES), _Health) is not None
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError):
            return False

    def _ended(self, code: int, reason: str, retry_after_s: float = 0.0) -> Exception:
        """What a close code means: come back, or tell the user why not. ``reason`` are the server's words."""
        reason = escaped(reason)
        if retries(code):
            return _Lost(reason, retry_after_s)
        channel, relay = self._settings.channel, self._settings.relay
        if code == UNKNOWN_CHANNEL.number:
            return UnknownChannelError(
                f"the relay {relay} has no channel {channel!r}: ask the streamer for its exact name"
                f"{self._advice.channel} (capitals count)"
            )
        if code == WRONG_PASSWORD.number:
            return WrongPasswordError(
                f"the channel {channel!r} of {relay} has a join password, and "
                f"{_NOT_IT if self._settings.password else 'none was given'}: ask the streamer for it"
                f"{self._advice.password}"
            )
        if code == WRONG_KEY.number:
            return WrongKeyError(f"the relay {relay} does not let us into the channel {channel!r}: {reason}")
        return RefusedError(f"the relay {relay} ended the connection for good (code {code}): {reason}")


def unreachable(relay: str, reason: object, advice: trouble.Advice) -> RelayUnreachableError:
    """The error where nothing answers at an address, or no Moodcast relay; ``reason`` ends its first sentence."""
    error = RelayUnreachableError(
        f"no Moodcast relay answers at {relay}: {reason}. Ask the streamer for the address{advice.address} and whether "
        "the relay runs"
    )
    error.reason = str(reason)
    return error


def asked(method: str, url: URL, body: str = "") -> str:
    """A request to the relay, for who reads what was sent; ``body`` without what is secret."""
    return f"{method} {url.path} {body}".rstrip()


def hello(settings: AgentSettings, ticket: str, delay: float) -> Hello:
    """The first message of a connection; ``delay`` in seconds, as it was set or measured."""
    return Hello(agent=_PROGRAM, ticket=ticket, name=settings.name, delay=delay, store=settings.store_face)


def open_session(advice: trouble.Advice) -> aiohttp.ClientSession:
    """A session of which every request, also that for a socket, refuses to be redirected, and that takes no cookies.

    The viewer agreed to one address. The handler is called for each redirect that aiohttp would follow, before it does.
    A cookie would tell the relay that two connections, and so two pseudonyms, are of one viewer; so would, in a small
    audience, the versions of Python and aiohttp that aiohttp tells of itself, and which libraries it finds to unpack
    answers with.
    """

    async def refuse(_: aiohttp.ClientSession, __: object, redirect: aiohttp.TraceRequestRedirectParams) -> None:
        redirect.response.close()
        raise RedirectedError(trouble.redirected(redirect.response, advice))

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    headers = {aiohttp.hdrs.USER_AGENT: _PROGRAM, aiohttp.hdrs.ACCEPT_ENCODING: "gzip, deflate"}
    return aiohttp.ClientSession(trace_configs=[trace], cookie_jar=aiohttp.DummyCookieJar(), headers=headers)


def decoded(body: bytes, kind: type[Told]) -> Told | None:
    """A server's JSON; None where it is none of this kind, nested too deeply, or no text at all."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
