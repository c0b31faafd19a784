"""The screens of a channel that was joined, by somebody at the window: the real agent, a real relay, a real face."""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from relay import protocol
from relay.app import Relay
from relay.protocol import Expression, LookMessage, People, Reaction, ShowMessage
from tests.agent.window.desk import Desk, ending
from tests.e2e.agent_program import weights
from tests.support import Viewer, count_of, leave, request, subscribe, wait_until

PAUSE, RESUME, SETTINGS = "  Pause  (Ctrl+P)", "  Resume  (Ctrl+P)", " Settings"
WORDS: dict[str, Expression] = {"Happy": "happy", "Neutral": "neutral", "Surprised": "surprise", "Sad": "sad"}


def _remember(folder: Path, **settings: object) -> None:
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"version": 1, **settings}), "utf-8")


class Home(Desk):
    """Somebody at the window of an agent in the channel ``demo``; its camera is a portrait."""

    @classmethod
    @contextlib.asynccontextmanager
    async def joined(
        cls, relay: Relay, folder: Path, display: str, wish: str = "face", **settings: object
    ) -> AsyncIterator["Home"]:
        _remember(folder, camera=str(weights("portrait")), language="en", **settings)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.agent.window.joined", str(folder), relay.url, wish),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
            env={**os.environ, "DISPLAY": display},
        )  # fmt: skip
        async with ending(process):
            yield cls(display, process)

    async def told(self) -> Any:
        """The agent's state, and whether it was asked for pictures (``mirrored``)."""
        assert self.process.stdout
        await self.ask("tell")
        return json.loads(await asyncio.wait_for(self.process.stdout.readline(), 60))

    async def becomes(self, **wanted: object) -> None:
        """Wait until the agent's state has these values."""

        async def is_so() -> bool:
            told = await self.told()
            return all(told[name] == value for name, value in wanted.items())

        await wait_until(is_so)

    def eyes(self) -> list[psutil.Process]:
        """The processes that look through its camera."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                found += [child] if child.cmdline()[-1:] == ["eyes"] else []
        return found

    async def label(self) -> Expression:
        """The expression that the window says is shared, once it says so."""

        async def said() -> str:
            found = re.search(rf"^({'|'.join(WORDS)}), \d+ %$", await self.text(), re.MULTILINE)
            return found[1] if found else ""

        return WORDS[await wait_until(said)]


async def test_the_label_on_the_window_is_the_one_that_the_relay_has(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    keys = relay.create_channel("demo")
    async with (
        Home.joined(relay, tmp_path / "settings", display) as home,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        shown = await home.label()
        assert (await audience.mood(lambda mood: mood.sharing == 1)).counts[protocol.EXPRESSIONS.index(shown)] == 1
        await home.reads("1 watching · 1 sharing")
        await home.reads("100 % ")


async def test_pause_shuts_the_camera_and_resume_opens_it_by_mouse_and_by_keys(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    keys = relay.create_channel("demo")
    async with (
        Home.joined(relay, tmp_path / "settings", display) as home,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await home.label()
        assert len(home.eyes()) == 1
        await home.click(PAUSE)
        await audience.mood(lambda mood: mood.sharing == 0)
        await wait_until(lambda: home.eyes() == [])
        await home.reads("The camera is off and nothing is shared.")
        await home.find(RESUME)
        await home.press("ctrl+p")
        await home.label()
        await home.click(SETTINGS, "TButton")
        await home.reads("Keyboard")
        await home.press("ctrl+p")  # on every screen
        await home.becomes(wish="paused", camera="off")
        await wait_until(lambda: home.eyes() == [])
        assert not (await home.told())["has_picture"]


async def test_no_picture_is_asked_for_while_it_is_hidden_or_the_window_is(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    relay.create_channel("demo")
    async with Home.joined(relay, tmp_path / "settings", display) as home:
        await home.becomes(mirrored=True)
        await home.label()  # what comes and goes moves what lies beside it
        await home.click("Hide picture")
        await home.becomes(mirrored=False)
        await home.label()  # which goes on
        await home.click("Show picture")
        await home.becomes(mirrored=True)
        await home.ask("hide")
        await home.becomes(mirrored=False)
        assert (await home.told())["wish"] == "face"
        await home.ask("show")
        await home.becomes(mirrored=True)


async def test_the_picture_comes_back_however_quickly_the_tray_pauses_and_resumes(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    relay.create_channel("demo")
    async with Home.joined(relay, tmp_path / "settings", display) as home:
        await home.becomes(has_picture=True)
        for wishes in ("paused face", "taps face", "paused taps face"):
            await home.ask(f"wish {wishes}")
            await home.becomes(wish="face", camera="on", has_picture=True)


async def test_taps_reach_the_audience_by_mouse_and_by_keys(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with (
        Home.joined(relay, tmp_path / "settings", display, "taps") as home,
        await Viewer.connect(relay.url) as other,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await other.label("neutral")  # reactions are shown while somebody shares
        await home.reads("The camera is off. What you tap below is shared.")
        assert home.eyes() == []

        async def seen(name: str) -> None:
            await audience.receive_until(
                lambda event: isinstance(event, Reaction) and (event.kind, event.name) == ("tap", name)
            )

        await home.click("1", "TButton")
        await seen("heart")
        await home.press("3")
        await seen("clap")
        await home.click(PAUSE)
        await home.becomes(wish="paused")
        said = (await home.told())["sent"]
        await home.press("5")

        async def disabled() -> bool:
            return all("disabled" in one.states for one in await home.see() if one.text in set("12345"))

        await wait_until(disabled)
        assert (await home.told())["sent"] == said


async def test_taps_only_shuts_the_camera(relay: Relay, display: str, tmp_path: Path) -> None:
    relay.create_channel("demo")
    async with Home.joined(relay, tmp_path / "settings", display) as home:
        await home.label()
        await home.click("Taps only", "TCheckbutton")
        await home.becomes(wish="taps", camera="off")
        await wait_until(lambda: home.eyes() == [])
        await home.press("ctrl+p")
        await home.becomes(wish="paused")
        await home.find(RESUME)
        await home.press("ctrl+p")
        await home.becomes(wish="taps")  # as before, not the face
        await home.click("Taps only", "TCheckbutton")
        await home.label()


async def test_what_was_sent_is_listed_to_the_letter(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with (
        Home.joined(relay, tmp_path / "settings", display) as home,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        shown = await home.label()
        await home.click("What was sent", "TButton")

        async def listed() -> list[str]:
            (text,) = [one.text for one in await home.see() if one.kind == "Text"]
            return [line.split("  ", 1)[1] for line in text.splitlines()]

        async def has(kind: str) -> bool:
            return any(f'"type":"{kind}"' in line for line in await listed())

        await wait_until(lambda: has("hello"))
        await wait_until(lambda: has("label"))
        await home.press("ctrl+p")
        await wait_until(lambda: has("away"))
        await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0)

        async def is_all() -> bool:
            return await listed() == [said["text"] for said in (await home.told())["sent"]]

        await wait_until(is_all)
        lines = await listed()
        labels = [json.loads(line) for line in lines if '"type":"label"' in line]
        assert {label["emotion"] for label in labels} == {shown}
        assert not re.search("picture|pixels|landmark|shapes", " ".join(lines))


async def test_a_viewer_is_shown_in_the_grid_while_they_wish(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    status, _ = await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
    assert status == 200
    async with (
        Home.joined(relay, tmp_path / "settings", display, name="Mei") as home,
        await Viewer.connect(relay.url) as other,
    ):
        await other.send(LookMessage(on=True))

        async def names(*wanted: str) -> None:
            await other.receive_until(
                lambda event: isinstance(event, People) and [person.name for person in event.people] == [*wanted]
            )

        await home.label()
        await names()
        await home.click("Who is shown", "TButton")
        await home.reads("Nobody is shown now.")
        await home.reads("Everybody who opens this page sees your name, Mei, and your expression; the channel's admin")
        await home.click("Show me", "TCheckbutton")
        await names("Mei")
        await home.find("Mei", "TLabel")
        await home.click("Show me", "TCheckbutton")
        await names()
        await home.press("Escape")
        await home.find(PAUSE)


async def test_the_grid_says_how_many_more_are_shown_than_it_has_room_for(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    keys = relay.create_channel("demo")
    status, _ = await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
    assert status == 200
    shown = [await Viewer.connect(relay.url, name=f"viewer {number}") for number in range(protocol.MOST_PEOPLE + 2)]
    for viewer in shown:
        await viewer.send(ShowMessage(on=True))
    async with Home.joined(relay, tmp_path / "settings", display, "taps") as home:
        await home.click("Who is shown", "TButton")
        await home.reads("And 2 more, for whom there is no room here.")
        await shown[0].close()
        await home.reads("And one more, for whom there is no room here.")
        await shown[1].close()

        async def all_fit() -> bool:
            return "viewer 49" in (text := await home.text()) and "no room" not in text

        await wait_until(all_fit)
        await leave(shown)


async def test_the_grid_takes_a_name_and_the_admins_leave(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with Home.joined(relay, tmp_path / "settings", display, "taps") as home:
        await home.click("Who is shown", "TButton")
        await home.reads("The channel's admin has not allowed this list.")
        status, _ = await request(relay.url, "PATCH", "demo", keys.admin_key, {"grid": True})
        assert status == 200
        await home.reads("Being shown needs a name")
        assert any("disabled" in one.states for one in await home.see() if one.text == "Show me")


async def test_the_delay_is_measured(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with Home.joined(relay, tmp_path / "settings", display, "taps") as home:
        await home.find(PAUSE)
        status, _ = await request(relay.url, "POST", "demo/countdown", keys.display_key, {"seconds": 3})
        assert status < 300
        await home.find("Tap at 0  (Space)")

        async def has_zero() -> bool:
            told = await home.told()
            await home.press("space")  # too early, it says so, and can be tapped again
            return told["measured"] is not None

        await wait_until(has_zero)

        async def says_so() -> bool:
            return f"you see the stream {(await home.told())['measured']} s late" in await home.text()

        await wait_until(says_so)
        assert (await home.told())["wish"] == "taps"  # Space pressed nothing else


async def test_the_preview_opens_the_camera_only_while_it_is_looked_at(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    relay.create_channel("demo")
    async with Home.joined(relay, tmp_path / "settings", display, "paused") as home:
        await home.click(SETTINGS, "TButton")
        await home.reads("The preview opens the camera.")
        assert home.eyes() == []
        await home.click("Show preview", "TCheckbutton")
        await wait_until(lambda: len(home.eyes()) == 1)
        await home.becomes(camera="on")
        assert not [said for said in (await home.told())["sent"] if "label" in said["text"]]
        await home.click("Show preview", "TCheckbutton")
        await wait_until(lambda: home.eyes() == [])
        for wishes in ("taps", "paused", "taps paused"):  # from the tray, however quickly
            await home.click("Show preview", "TCheckbutton")
            await home.becomes(camera="on", previewed=True)
            await home.ask(f"wish {wishes}")
            await wait_until(lambda: home.eyes() == [])

            async def is_off() -> bool:
                return any(one.text == "Show preview" and "selected" not in one.states for one in await home.see())

            await wait_until(is_off)
        await home.click("Show preview", "TCheckbutton")
        await home.becomes(camera="on")
        await home.press("Escape")
        await home.find(RESUME)
        await wait_until(lambda: home.eyes() == [])


async def test_another_language_and_theme_leave_everything_where_it_was(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    relay.create_channel("demo")
    async with Home.joined(relay, tmp_path / "settings", display, "paused", theme="dark") as home:
        await home.click(SETTINGS, "TButton")
        await home.xdotool("search", "--name", "^Moodcast$", "windowsize", "100", "100")
        await home.reads("Keyboard")
        await home.settled()

        async def chosen(text: str, keys: list[str], word: str) -> None:
            """By these keys in the list of what has the focus: now it has this text, elsewhere stands the word."""
            await home.settled()
            left, top, *_ = (await home.focused()).box
            await home.press(*keys)
            await home.focuses(text)
            await home.reads(word)
            await home.settled()
            assert (await home.focused()).box[:2] == (pytest.approx(left, abs=60), pytest.approx(top, abs=1))

        await home.tab_to("English")
        await chosen("繁體中文 *", ["Down", "Down", "Return"], "外觀")
        await chosen("English", ["Down", "Up", "Return"], "Appearance")
        await home.press("shift+Tab")
        await home.focuses("Dark")
        await chosen("Light", ["Down", "Down", "Return"], "Appearance")


async def test_a_switch_that_cant_be_switched_goes_back_and_says_why(
    relay: Relay, display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.create_channel("demo")
    (tmp_path / "config").touch()  # no folder
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with Home.joined(relay, tmp_path / "settings", display, "paused") as home:
        await home.click(SETTINGS, "TButton")
        switch = "Start at login, paused"
        assert "selected" not in (await home.find(switch)).states
        await home.click(switch, "TCheckbutton")
        assert "selected" in (await home.find(switch)).states
        await home.ask("follow")
        await home.reads(f"This can't be switched here: Not a directory ({tmp_path / 'config' / 'autostart'}).")
        assert "selected" not in (await home.find(switch)).states
        (tmp_path / "config").unlink()
        await home.click(switch, "TCheckbutton")
        await home.ask("follow")

        async def is_done() -> bool:
            return "can't be switched" not in await home.text()

        await wait_until(is_done)
        assert "selected" in (await home.find(switch)).states
        assert (tmp_path / "config" / "autostart" / "moodcast.desktop").exists()


async def test_leaving_the_channel(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with (
        Home.joined(relay, tmp_path / "settings", display) as home,
        await subscribe(relay.url, "demo", keys.display_key) as audience,
    ):
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        await home.click(SETTINGS, "TButton")
        await home.reads("Camera")

        async def there() -> bool:
            await home.press("shift+Tab")
            return any(one.focused and one.text == "Leave the channel" for one in await home.see())

        await wait_until(there)
        await home.press("space")
        await audience.mood(lambda mood: mood.viewers == 0)
        await home.becomes(link="none", wish="paused")
        await wait_until(lambda: home.eyes() == [])
