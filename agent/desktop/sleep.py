"""The machine's sleep on Linux: the camera is shut before it, and all is as before after waking.

logind says when, and waits for who holds a lock of the kind ``delay``, five seconds at most unless its owner set more.
Elsewhere, and without logind, nothing tells: then the camera comes back as one that was unplugged does.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable

from dbus_fast import BusType, DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

from agent.desktop.bus import call, hear

_LOGIND = "org.freedesktop.login1"
_BUS = "org.freedesktop.DBus"
_PATH, _MANAGER = "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
_SHUT_S = 3.0
"""The camera has so long to be shut; then the machine sleeps all the same."""
_LOOK_S = 0.05
_log = logging.getLogger(__name__)


class Sleep:
    """``sleep`` and ``wake`` are called in the loop of ``run``; ``is_shut`` tells whether the camera is."""

    def __init__(self, sleep: Callable[[], None], wake: Callable[[], None], is_shut: Callable[[], bool]) -> None:
        self._sleep, self._wake, self._is_shut = sleep, wake, is_shut
        self._lock: int | None = None
        self._owner = ""
        """Of logind's name on the bus: any user's program may send a signal that looks like its own."""
        self._heard: asyncio.Queue[bool | None] = asyncio.Queue()

    async def run(self) -> None:
        """Until cancelled, or until the bus is gone, which it is for good when the machine goes down."""
        try:
            await self._on_the_bus()
        except Exception as error:  # no trouble of the bus may end the agent
            _log.debug("nothing tells of the machine's sleep: %s: %s", type(error).__name__, error)
        finally:
            self._let_go()

    async def _on_the_bus(self) -> None:
        bus = MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True)
        try:
            await bus.connect()
            bus.add_message_handler(self._hear)
            await hear(bus, f"type='signal',sender='{_LOGIND}',interface='{_MANAGER}',member='PrepareForSleep'")
            await hear(bus, f"type='signal',sender='{_BUS}',member='NameOwnerChanged',arg0='{_LOGIND}'")
            with contextlib.suppress(DBusError):  # nobody has it yet
                self._owner = (await call(bus, _BUS, "/org/freedesktop/DBus", "GetNameOwner", "s", [_LOGIND])).body[0]
            await self._follow(bus)
        finally:
            with contextlib.suppress(Exception):  # it may never have been connected
                bus.disconnect()

    async def _follow(self, bus: MessageBus) -> None:
        await self._hold(bus)
        gone = asyncio.create_task(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
        gone.add_done_callback(lambda _: self._heard.put_nowait(None))
        is_asleep = False
        try:
            while not gone.done():
                begins = await self._heard.get()
                if begins:
                    is_asleep = True
                    self._sleep()
                    await self._until_shut()
                    self._let_go()
                    continue
                if begins is False or is_asleep:  # nobody else will tell that it has woken
                    is_asleep = False
                    self._wake()
                if not gone.done():  # a logind that began anew knows of no lock
                    self._let_go()
                    await self._hold(bus)
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await gone

    def _hear(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "PrepareForSleep" and message.sender == self._owner:
            self._heard.put_nowait(bool(message.body[0]))
        elif message.member == "NameOwnerChanged" and message.sender == _BUS and message.body[0] == _LOGIND:
            self._owner = message.body[2]
            if self._owner:
                self._heard.put_nowait(None)

    async def _hold(self, bus: MessageBus) -> None:
        """Have the machine wait for us before its next sleep, where logind grants that."""
        try:
            why = ["sleep", "Moodcast", "Gives the camera back", "delay"]
            answer = await call(bus, _LOGIND, _PATH, "Inhibit", "ssss", why, interface=_MANAGER)
            self._lock = answer.unix_fds[answer.body[0]]
        except Exception as error:
            _log.debug("the machine's sleep waits for nobody: %s", error)

    async def _until_shut(self) -> None:
        for _ in range(round(_SHUT_S / _LOOK_S)):
            if self._is_shut():
                return
            await asyncio.sleep(_LOOK_S)

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
