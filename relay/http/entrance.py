"""The one way in for connections that stay, viewers and subscribers: a rule that stands here holds at each door."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, TypeVar

from aiohttp import web

from relay import protocol
from relay.http.accept import connection_of
from relay.http.admission import COME_BACK_S, GATE
from relay.http.requests import HTTPError, existing_channel, refuse_while_draining

Said = TypeVar("Said")
Proof = TypeVar("Proof")


class Entrance(Generic[Said, Proof]):
    """Lets in who may stay, until it leaves or the ``async with`` block ends, and gives what the client has proved.

    While a client has not said who it is, it counts for its house alone: strangers would fill channel and relay.
    """

    # No generator of contextlib's: its frame would be kept for as long as each subscriber is here.
    __slots__ = ("_channel", "_check", "_hear", "_house", "_refuse", "_request")

    def __init__(
        self,
        request: web.Request,
        hear: Callable[[], Awaitable[Said]],
        check: Callable[[Said], Proof],
        refuse: Callable[[HTTPError], Awaitable[None]],
    ) -> None:
        """``hear`` waits for what the client has to say, and ``check`` tells what that proves; both may raise.
        ``refuse`` tells the client why it can't stay."""
        self._request, self._hear, self._check, self._refuse = request, hear, check, refuse
        self._channel = request.match_info["channel"]
        self._house = request.app[GATE].house(request)

    async def enter(self) -> Proof:
        """Go through all rules. Who is in has to ``leave``.

        Raises:
            HTTPError: the client may not stay, and was told. Also what ``hear`` and ``check`` raise.
        """
        request, connections, arrived = self._request, self._request.app[GATE].connections, False
        try:
            self._is_open()
            self._make_sure(connections.arrive(self._channel, self._house))
            arrived = True
            said = await self._hear()
            self._is_open()  # still
            proof = self._check(said)
            self._make_sure(connections.enter(self._channel))
        except BaseException as error:
            try:
                if isinstance(error, HTTPError):
                    await self._refuse(error)
            finally:
                if arrived:
                    connections.depart(self._house)
            raise
        connection_of(request).stay()
        del self._hear, self._check, self._refuse  # they hold what the client said
        return proof

    def _is_open(self) -> None:
        """The relay takes someone new, and the channel is there."""
        refuse_while_draining(self._request)
        existing_channel(self._request)

    @staticmethod
    def _make_sure(full: str | None) -> None:
        """There is room, or ``full`` says that there is none."""
        if full:
            raise HTTPError(protocol.FULL, full, retry_after=COME_BACK_S)

    def leave(self) -> None:
        """Who was let in is here no more."""
        connections = self._request.app[GATE].connections
        connections.leave(self._channel)
        connections.depart(self._house)

    async def __aenter__(self) -> Proof:
        return await self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.leave()
