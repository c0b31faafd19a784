"""`moodcast window` as its user has it: on a desktop with a window manager, with a panel whose tray the test plays."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import platformdirs
import psutil
import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.protocol.event import ClientMessage

from agent.app.app import App
from agent.app.state import Place
from agent.errors import SecondStartError
from relay import app
from relay.config import RelaySettings
from tests.agent.desktop.session import bus, homed, need, screen, xdotool
from tests.e2e.agent_program import weights
from tests.support import SOON, count_of, free_port, request, subscribe, wait_until

pytest.importorskip("dbus_fast", reason="the agent's packages are not installed")
from tests.agent.desktop.test_sleep import Machine
from tests.agent.desktop.test_sni import Panel

ROOT = Path(__file__).parents[2]
PAUSE, SHARE, SHOW, QUIT = 3, 5, 7, 8
"""Lines of the menu."""

MANAGED = "_NET_SUPPORTING_WM_CHECK"
"""What a window manager sets once it answers keys and requests."""


class Desktop:
    """Where it is started, and what is seen there."""

    def __init__(self, folder: Path, display: str, address: str) -> None:
        self.folder, self.display = folder, display
        self.prefix: Sequence[str] = ()
        """A command that runs it, as a tracer does."""
        self.environment = {
            **homed(folder), "DISPLAY": display, "DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": str(folder),
            "DBUS_SYSTEM_BUS_ADDRESS": address, "XDG_DATA_HOME": str(folder / "data"), "LANG": "C.UTF-8",
            "LANGUAGE": "", "XDG_CACHE_HOME": str(platformdirs.user_cache_path()),
        }  # fmt: skip

    @contextlib.asynccontextmanager
    async def started(self, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await self.start(*options)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def start(self, *options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.prefix, sys.executable, str(ROOT / "moodcast.py"), "window", *options,
            env=self.environment, cwd=self.folder,
        )  # fmt: skip

    async def end_of(self, *options: str) -> int:
        """The exit code of another start."""
        return await asyncio.wait_for((await self.start(*options)).wait(), 60)

    async def windows(self, title: str, *how: str) -> list[str]:
        """Those with a title; ``--onlyvisible``: that are neither hidden nor minimised."""
        return (await xdotool(self.display, "search", *how, "--name", f"^{title}$")).split()

    async def is_seen(self, title: str = "Moodcast") -> bool:
        return bool(await self.windows(title, "--onlyvisible"))

    async def is_minimised(self) -> bool:
        for window in await self.windows("Moodcast"):
            command = ["xprop", "-display", self.display, "-id", window, "WM_STATE"]
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            out, _ = await process.communicate()
            if b"Iconic" in out:
                return True
        return False

    async def close_window(self) -> None:
        """By what a pager asks the window manager for: keys of a busy machine may come before it listens to them."""
        (self.closed,) = await self.windows("Moodcast", "--onlyvisible")
        await xdotool(self.display, "windowactivate", "--sync", self.closed)
        screen = Display(self.display)
        kind, window = (
            screen.intern_atom("_NET_CLOSE_WINDOW"),
            screen.create_resource_object("window", int(self.closed)),
        )
        request = ClientMessage(window=window, client_type=kind, data=(32, [0, 2, 0, 0, 0]))
        screen.screen().root.send_event(request, X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        screen.sync()  # a request that is still under way as its sender goes may be lost
        screen.close()

    async def answer(self, key: str) -> None:
        """Press it in the question that closing the window led to, once that has the keyboard."""

        async def has_keyboard() -> bool:
            active = (await xdotool(self.display, "getactivewindow")).strip()
            return active != self.closed and active in await self.windows("Moodcast", "--onlyvisible")

        await wait_until(has_keyboard)
        await xdotool(self.display, "key", key)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    need("openbox", "xdotool", "xprop")
    pytest.importorskip("tkinter", reason="this Python has no Tk")
    pytest.importorskip("sv_ttk", reason="the agent's packages are not installed")
    with screen("900x900") as display, bus(tmp_path) as address:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        environment = {**os.environ, "DISPLAY": display}
        manager = subprocess.Popen(["openbox"], env=environment, stderr=subprocess.DEVNULL)
        while "window id" not in subprocess.check_output(["xprop", "-root", MANAGED], env=environment, text=True):
            assert manager.poll() is None, "openbox has ended"
        try:
            yield Desktop(tmp_path, display, address)
        finally:
            manager.terminate()
            manager.wait(30)


async def remember(desktop: Desktop, url: str, key: str, at_once: bool) -> None:
    """The settings of somebody who was in the channel before, and agreed; their camera is a picture."""
    agent = App(desktop.folder / "config" / "moodcast")
    agent.change(camera=str(weights("portrait")))
    agent.start()
    promise = await asyncio.wrap_future(agent.promises(Place(relay=url, channel="demo")))
    agent.agree(promise, at_once)
    agent.join(promise)
    await wait_until(lambda: agent.state().link == "joined")
    assert agent.close()
    async with await subscribe(url, "demo", key) as audience:
        await audience.mood(lambda mood: mood.viewers == 0)


def eyes(process: asyncio.subprocess.Process) -> list[int]:
    """Processes that look, of this one."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(process.pid).children() if child.cmdline()[-1:] == ["eyes"]]
    return []


async def test_after_the_login_it_shares_where_that_was_chosen_and_the_tray_pauses_it(
    desktop: Desktop, relay: app.Relay
) -> None:
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, desktop.started("--background") as one:
        assert not eyes(one)  # no panel yet, so nothing would tell of it
        async with Panel.there() as panel:
            await audience.mood(lambda mood: count_of(mood, "happy") == 1)
            assert not await desktop.is_seen()
            looking = eyes(one)
            assert looking
            await panel.click(PAUSE)
            await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0)
            await wait_until(lambda: not any(map(psutil.pid_exists, looking)))
            await panel.click(SHARE)
            await audience.mood(lambda mood: count_of(mood, "happy") == 1)
            assert await desktop.end_of("--pause") == 0
            await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0)
            await panel.click(QUIT)
            assert await asyncio.wait_for(one.wait(), 60) == 0
            await audience.mood(lambda mood: mood.viewers == 0)


async def test_after_the_login_it_is_paused_where_nothing_else_was_chosen(desktop: Desktop, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=False)
    audience, started = await subscribe(relay.url, "demo", keys.display_key), desktop.started("--background")
    async with Panel.there(), audience, started as one:
        await audience.mood(lambda mood: mood.viewers == 1)
        assert not eyes(one)
        assert not await desktop.is_seen()
        loaded = " ".join(part.path for part in psutil.Process(one.pid).memory_maps())
        assert "_tkinter" in loaded
        # What looks is the eyes', and the keyring's is for who has something in it.
        assert [name for name in ("cv2", "mediapipe", "onnxruntime", "cryptography") if f"/{name}/" in loaded] == []


async def test_after_the_login_it_shares_in_a_channel_whose_password_was_kept(
    desktop: Desktop, relay: app.Relay
) -> None:
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    status, _ = await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"})
    assert status == 200
    kept = desktop.folder / "config" / "moodcast" / "keys.json"
    kept.write_text(json.dumps({f"password of demo at {relay.url}": "sesame"}))
    audience, started = await subscribe(relay.url, "demo", keys.display_key), desktop.started("--background")
    async with Panel.there(), audience, started:
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)


async def test_the_second_start_shows_the_first(desktop: Desktop) -> None:
    async with Panel.there() as panel, desktop.started("--background") as one:
        await wait_until(lambda: panel.watcher.items)
        assert not await desktop.is_seen()
        assert await desktop.end_of("--background") == 0
        assert not await desktop.is_seen()
        assert await desktop.end_of() == 0
        await wait_until(desktop.is_seen)
        assert await desktop.end_of("--invitation=moodcast://join?relay=http%3A%2F%2F127.0.0.1%3A1&channel=x") == 0
        assert one.returncode is None
    assert await desktop.end_of("--pause") == 0  # none runs, which is no error


async def test_a_start_while_the_first_ends_is_no_start_in_vain(desktop: Desktop) -> None:
    async with Panel.there() as panel, desktop.started("--background") as one:
        await wait_until(lambda: panel.watcher.items)
        one.terminate()
        async with desktop.started() as next_one:
            assert await asyncio.wait_for(one.wait(), 60) == 0
            await wait_until(desktop.is_seen)
            assert next_one.returncode is None


async def test_where_it_cant_be_known_whether_it_runs_nothing_is_claimed(desktop: Desktop) -> None:
    (desktop.folder / "moodcast").touch()  # where the folder of the lock would be
    assert await desktop.end_of("--pause") == SecondStartError.exit_code


async def test_no_process_list_has_the_links_password_for_longer_than_a_moment(desktop: Desktop) -> None:
    called = asyncio.Event()

    def answered(_: asyncio.StreamReader, caller: asyncio.StreamWriter) -> None:
        called.set()
        caller.close()

    async with await asyncio.start_server(answered, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = f"moodcast://join?relay=http%3A%2F%2F127.0.0.1%3A{port}&channel=x#password=s3cret"
        async with desktop.started("--invitation", link) as one:
            await wait_until(desktop.is_seen)
            assert no_process_tells("s3cret")
            assert psutil.Process(one.pid).cmdline()[-2:] == ["window", "--invitation=-"]
            assert not called.is_set()
            await wait_until(lambda: pressed(desktop, "alt+j", called=called))  # it has come all the same
            assert no_process_tells("s3cret")
            one.terminate()
            assert await asyncio.wait_for(one.wait(), 60) == 0


async def pressed(desktop: Desktop, *keys: str, called: asyncio.Event) -> bool:
    """Press keys in the window, again and again, until it has called somebody."""
    (window,) = await desktop.windows("Moodcast", "--onlyvisible")
    await xdotool(desktop.display, "windowactivate", "--sync", window, "key", *keys)
    return called.is_set()


def no_process_tells(secret: str) -> bool:
    """Nothing that this user's programs were started with, words and environment, has it."""
    told: list[str] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            told += [*process.cmdline(), *process.environ().values()]
    return not any(secret in text for text in told)


async def test_a_closed_window_goes_on_in_the_tray_and_is_back_when_the_tray_is_gone(desktop: Desktop) -> None:
    async with Panel.there() as panel, desktop.started() as one:
        await wait_until(desktop.is_seen)
        await panel.shows()
        await desktop.close_window()
        await desktop.answer("Return")  # the first time it says where it goes on
        await wait_until(lambda: not_seen(desktop))
        await panel.click(SHOW)
        await wait_until(desktop.is_seen)
        await desktop.close_window()
        await wait_until(lambda: not_seen(desktop))
        assert not await desktop.is_minimised()
        panel.connection.disconnect()
        await wait_until(desktop.is_minimised)
        assert one.returncode is None


async def not_seen(desktop: Desktop) -> bool:
    return not await desktop.is_seen()


async def test_without_a_tray_a_closed_window_is_the_end_and_while_sharing_it_asks(
    desktop: Desktop, relay: app.Relay
) -> None:
    keys = relay.create_channel("demo")
    async with desktop.started() as one:
        await wait_until(desktop.is_seen)
        await desktop.close_window()
        assert await asyncio.wait_for(one.wait(), 60) == 0
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, desktop.started() as one:
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        await desktop.close_window()
        await desktop.answer("Escape")
        await wait_until(lambda: not_asked(desktop))
        assert one.returncode is None
        assert eyes(one)
        await desktop.close_window()
        await desktop.answer("Return")
        assert await asyncio.wait_for(one.wait(), 60) == 0
        await audience.mood(lambda mood: mood.viewers == 0)


async def not_asked(desktop: Desktop) -> bool:
    """Whether there is one window alone."""
    return len(await desktop.windows("Moodcast", "--onlyvisible")) == 1


async def test_in_the_background_without_a_tray_it_is_minimised_before_it_shares(
    desktop: Desktop, relay: app.Relay
) -> None:
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, desktop.started("--background") as one:
        while not eyes(one):
            seen_before = await desktop.is_minimised()
        assert seen_before
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)


@pytest.mark.parametrize(
    "name", ["SIGTERM", *(pytest.param(one, marks=pytest.mark.nightly) for one in ("SIGINT", "SIGHUP"))]
)
async def test_told_to_stop_it_leaves_nothing_behind(desktop: Desktop, relay: app.Relay, name: str) -> None:
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, desktop.started() as one:
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        looking = eyes(one)
        one.send_signal(getattr(signal, name))
        assert await asyncio.wait_for(one.wait(), 60) == 0
        await wait_until(lambda: not any(map(psutil.pid_exists, looking)))
        await audience.mood(lambda mood: mood.viewers == 0)


async def test_clicked_while_it_ends_it_ends_without_a_word(
    desktop: Desktop, capfd: pytest.CaptureFixture[str]
) -> None:
    async with Panel.there() as panel:
        for _ in range(4):
            panel.watcher.items.clear()
            async with desktop.started("--background") as one:
                await wait_until(lambda: panel.watcher.items)
                await panel.look("Title")
                capfd.readouterr()
                one.terminate()
                with contextlib.suppress(AssertionError):  # what it no longer answers
                    while one.returncode is None:
                        await panel.click(PAUSE)
                assert await asyncio.wait_for(one.wait(), 60) == 0
            assert capfd.readouterr().err == ""


async def test_killed_it_leaves_no_camera_open_and_the_next_start_begins(desktop: Desktop, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        for _ in range(2):
            async with desktop.started() as one:
                await audience.mood(lambda mood: count_of(mood, "happy") == 1)
                looking = eyes(one)
                one.kill()
                await one.wait()
                await wait_until(lambda looking=looking: not any(map(psutil.pid_exists, looking)))
                await audience.mood(lambda mood: mood.viewers == 0)


async def test_a_relay_that_comes_later_is_found(desktop: Desktop, tmp_path: Path) -> None:
    settings = RelaySettings(port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1)
    relay = await app.start(settings, SOON)
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    await relay.stop()
    async with desktop.started() as one:
        await wait_until(desktop.is_seen)
        assert not eyes(one)
        relay = await app.start(settings, SOON)
        await wait_until(lambda: eyes(one))
        await relay.stop()


async def test_told_to_stop_it_gives_the_camera_back_while_the_screen_hangs(desktop: Desktop, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    servers = [child for child in psutil.Process().children() if child.name() == "Xvfb"]
    async with await subscribe(relay.url, "demo", keys.display_key) as audience, desktop.started() as one:
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        looking = eyes(one)
        for server in servers:
            server.suspend()
        try:
            one.terminate()
            assert await asyncio.wait_for(one.wait(), 60) == 0
            await wait_until(lambda: not any(map(psutil.pid_exists, looking)))
        finally:
            for server in servers:
                server.resume()


async def test_it_sleeps_with_the_machine(desktop: Desktop, relay: app.Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", desktop.environment["DBUS_SYSTEM_BUS_ADDRESS"])
    keys = relay.create_channel("demo")
    await remember(desktop, relay.url, keys.display_key, at_once=True)
    audience = await subscribe(relay.url, "demo", keys.display_key)
    async with audience, Machine.there() as machine, desktop.started() as one:
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        machine.tell(True)
        await wait_until(lambda: not machine.logind.is_held())
        assert not eyes(one)
        await audience.mood(lambda mood: mood.sharing == 0)
        machine.tell(False)
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
