"""The machine's sleep, told by a logind that the test plays on a bus of its own."""

import asyncio
import contextlib
import os
import select
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from tests.agent.desktop.session import bus
from tests.support import wait_until

pytest.importorskip("dbus_fast", reason="the agent's packages are not installed")
from dbus_fast import BusType, Message
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusStr, DBusUnixFd
from dbus_fast.service import ServiceInterface, dbus_method

from agent.desktop import sleep
from agent.desktop.sleep import Sleep

NAME, PATH, MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"


class Logind(ServiceInterface):
    """Grants locks, and sees whether they are held."""

    def __init__(self) -> None:
        super().__init__(MANAGER)
        self.asked: list[tuple[str, str, str]] = []
        self._ours: list[int] = []
        self._copies: list[int] = []

    @dbus_method()
    def Inhibit(self, what: DBusStr, who: DBusStr, why: DBusStr, mode: DBusStr) -> DBusUnixFd:  # noqa: N802
        self.asked.append((what, who, mode))
        ours, theirs = os.pipe()
        self._ours.append(ours)
        self._copies.append(theirs)
        asyncio.get_running_loop().call_later(0.2, self._close_copies)  # by then it is sent
        return theirs

    def is_held(self) -> bool:
        """Whether the last lock still is: a pipe whose other end is closed can be read."""
        return bool(self._ours) and not select.select([self._ours[-1]], [], [], 0)[0]

    def _close_copies(self) -> None:
        while self._copies:
            os.close(self._copies.pop())

    def close(self) -> None:
        self._close_copies()
        while self._ours:
            os.close(self._ours.pop())


class Machine:
    def __init__(self, connection: MessageBus, logind: Logind) -> None:
        self.connection, self.logind = connection, logind

    @classmethod
    @contextlib.asynccontextmanager
    async def there(cls) -> AsyncIterator["Machine"]:
        connection = await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect()
        logind = Logind()
        connection.export(PATH, logind)
        await connection.request_name(NAME)
        try:
            yield cls(connection, logind)
        finally:
            connection.disconnect()
            logind.close()

    def tell(self, begins: bool) -> None:
        self.connection.send(Message.new_signal(PATH, MANAGER, "PrepareForSleep", "b", [begins]))


class Camera:
    """Whose camera is to be shut: what it was told, and whether it is."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.is_shut = True
        self.sleep = Sleep(lambda: self.told.append("sleep"), lambda: self.told.append("wake"), lambda: self.is_shut)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Camera"]:
        running = asyncio.create_task(self.sleep.run())
        try:
            yield self
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        yield


async def test_the_machine_waits_until_the_camera_is_shut_and_all_is_as_before_after_it() -> None:
    async with Machine.there() as machine, Camera().running() as camera:
        await wait_until(machine.logind.is_held)
        assert machine.logind.asked == [("sleep", "Moodcast", "delay")]
        for round_ in (1, 2):
            camera.is_shut = False
            machine.tell(True)
            await wait_until(lambda: camera.told[-1:] == ["sleep"])
            assert machine.logind.is_held()
            camera.is_shut = True
            await wait_until(lambda: not machine.logind.is_held())
            machine.tell(False)
            await wait_until(lambda: camera.told[-1:] == ["wake"])
            await wait_until(lambda count=round_: len(machine.logind.asked) == count + 1 and machine.logind.is_held())
        assert camera.told == ["sleep", "wake"] * 2


async def test_a_camera_that_hangs_does_not_keep_the_machine_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sleep, "_SHUT_S", 0.2)
    async with Machine.there() as machine, Camera().running() as camera:
        await wait_until(machine.logind.is_held)
        camera.is_shut = False
        machine.tell(True)
        await wait_until(lambda: not machine.logind.is_held())


async def test_a_logind_that_begins_anew_is_asked_again() -> None:
    async with Camera().running() as camera:
        for _ in range(2):
            async with Machine.there() as machine:
                await wait_until(machine.logind.is_held)
                machine.tell(True)
                await wait_until(lambda: camera.told[-1:] == ["sleep"])
        async with Machine.there():  # which knows of no sleep, so it tells of no waking
            await wait_until(lambda: camera.told == ["sleep", "wake"] * 2)


async def test_who_is_not_logind_tells_nothing() -> None:
    async with Machine.there() as machine, Camera().running() as camera:
        await wait_until(machine.logind.is_held)
        stranger = await MessageBus(bus_type=BusType.SYSTEM).connect()
        for body in ([True], [False]):
            await stranger.send(Message.new_signal(PATH, MANAGER, "PrepareForSleep", "b", body))
        await stranger.send(Message.new_signal(PATH, MANAGER, "PrepareForSleep"))
        owner = Message.new_signal("/x", "org.freedesktop.DBus", "NameOwnerChanged", "sss", [NAME, "", ":1.99"])
        await stranger.send(owner)
        stranger.disconnect()
        machine.tell(True)
        await wait_until(lambda: camera.told)
        assert camera.told == ["sleep"]
        assert len(machine.logind.asked) == 1


async def test_a_bus_that_is_lost_in_the_sleep_leaves_nobody_asleep() -> None:
    async with Machine.there() as machine:
        camera = Camera()
        running = asyncio.create_task(camera.sleep.run())
        await wait_until(machine.logind.is_held)
        machine.tell(True)
        await wait_until(lambda: camera.told == ["sleep"])
        for process in psutil.Process().children():
            if process.name() == "dbus-daemon":
                process.kill()
        await asyncio.wait_for(running, 60)
        assert camera.told == ["sleep", "wake"]
        with contextlib.suppress(EOFError):
            await machine.connection.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def test_a_program_that_ends_holds_nothing() -> None:
    async with Machine.there() as machine:
        async with Camera().running():
            await wait_until(machine.logind.is_held)
        await wait_until(lambda: not machine.logind.is_held())


@pytest.mark.parametrize("address", ["nonsense", "unix:path=/nowhere"])
async def test_without_a_bus_nothing_tells_and_nothing_is_wrong(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
    await Camera().sleep.run()
