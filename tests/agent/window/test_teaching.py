"""The screens of teaching, by somebody at the window; what looks and learns is played."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.personal.lesson import LASTS_S, READY_S
from agent.window.texts import window_texts
from models.inference import fetch, identity
from relay.common.texts import Language
from tests.agent.window.desk import PLAIN, Desk
from tests.agent.window.test_keyboard import walk
from tests.support import wait_until

RIGHT, STOP = "Right  (Y)", "Stop  (Esc)"
QUESTION, HOW = "Is this right? If not, say what it is: F1 to F7.", "Moodcast learns from my answers"


def _remember(folder: Path, **settings: object) -> None:
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"version": 1, **settings}), "utf-8")


class Pupil(Desk):
    """Somebody at the window of an agent that they teach; see pupil.py."""

    @classmethod
    @contextlib.asynccontextmanager
    async def at_home(
        cls, folder: Path, display: str, language: Language = "en", **settings: object
    ) -> AsyncIterator["Pupil"]:
        _remember(folder, language=language, **settings)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.agent.window.pupil", str(folder)),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
            env={**os.environ, **PLAIN, "DISPLAY": display},
        )  # fmt: skip
        try:
            pupil = cls(display, process)
            await pupil.find(f" {window_texts(language)('live.settings').replace('&', '')}")
            yield pupil
            assert process.stdin
            process.stdin.close()
            assert await asyncio.wait_for(process.wait(), 60) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def asked(self) -> list[str]:
        """What the window has asked the agent for."""
        assert self.process.stdout
        await self.ask("asked")
        found: list[str] = json.loads(await asyncio.wait_for(self.process.stdout.readline(), 60))
        return found

    async def has_asked(self, *wanted: str) -> None:
        """Wait until it has asked for this, and for nothing else."""

        async def so() -> bool:
            return await self.asked() == list(wanted)

        await wait_until(so)


async def test_it_is_off_until_its_viewer_says_yes_to_what_is_kept(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display) as pupil:
        assert RIGHT not in await pupil.text()
        await pupil.press("y", "F4")
        await pupil.press("alt+t")
        await pupil.at("Teach it my face?")
        for fact in ("no picture", "are encrypted", "obfuscation", "never sent"):
            await pupil.reads(fact)
        await pupil.press("Return", "Return")
        assert await pupil.asked() == []
        await pupil.click("Yes, turn it on", "TButton")
        await pupil.reads(HOW)
        await pupil.has_asked("use True")
        await pupil.press("Escape")
        await pupil.find(RIGHT)


async def test_a_key_confirms_or_corrects_and_a_sentence_tells_what_was_kept(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.find(RIGHT)  # which waits until no key counts that is held from before
        await pupil.press("y")
        await pupil.reads("Kept: Happy. 1 answer.")
        await pupil.find(RIGHT)
        await pupil.press("F7")
        await pupil.reads("Kept: Neutral. 2 answers.")
        await pupil.click("F1", "TButton")
        await pupil.reads("Kept: Angry. 3 answers.")
        await pupil.press("1")
        await pupil.has_asked("teach None", "teach neutral", "teach angry", "tap heart")


@pytest.mark.parametrize("key", ["y", pytest.param("Return", marks=pytest.mark.nightly)])
async def test_a_key_that_is_held_gives_one_answer(display: str, tmp_path: Path, key: str) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.find(RIGHT)
        await pupil.tab_to(RIGHT)
        await pupil.xdotool("key", "--repeat", "40", "--repeat-delay", "40", key)
        await pupil.has_asked("teach None")


async def test_there_is_no_answer_while_no_face_is_read(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.find(RIGHT)
        await pupil.ask("lose")

        async def refuses() -> bool:
            return all("disabled" in one.states for one in await pupil.see() if one.text in (RIGHT, "F1", "F7"))

        await wait_until(refuses)
        await pupil.press("y", "F1")
        assert await pupil.asked() == []


async def test_the_guided_minute_shows_what_is_asked_for_and_can_be_stopped(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.press("alt+t")
        await pupil.reads(HOW)
        await pupil.press("alt+g")
        await pupil.at("The guided minute")
        assert await pupil.asked() == []  # neither camera nor minute before its viewer begins
        await pupil.press("Return", "Return")
        await pupil.reads("Get ready: Angry")
        await pupil.reads("Nothing is shared meanwhile.")
        await pupil.has_asked("preview True", "start")
        await pupil.ask(f"lesson {READY_S + 0.1}")
        await pupil.reads("Show it: Angry")
        await pupil.reads("1 of 7")
        await pupil.ask("lose")
        await pupil.reads("Your face is not seen.")
        await pupil.find(STOP)
        await pupil.press("Escape")
        await pupil.reads(HOW)
        await pupil.has_asked("preview True", "start", "stop", "preview False")


async def test_who_pauses_before_the_camera_is_on_is_not_left_waiting_for_it(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.press("alt+t")
        await pupil.reads(HOW)
        await pupil.press("alt+g")
        await pupil.at("The guided minute")
        await pupil.ask("start")
        await pupil.press("Return")
        await pupil.find(STOP)
        await pupil.has_asked("preview True")
        await pupil.ask("pause")
        await pupil.find("Start")
        await pupil.has_asked("preview True", "stop", "preview False")


async def test_after_the_guided_minute_the_camera_is_shut_and_the_count_is_told(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.press("alt+t")
        await pupil.reads(HOW)
        await pupil.press("alt+g")
        await pupil.at("The guided minute")
        await pupil.click("Start", "TButton")
        await pupil.reads("Get ready: Angry")
        await pupil.ask(f"lesson {LASTS_S - 0.5}")
        await pupil.reads("Show it: Neutral")
        await pupil.ask(f"lesson {LASTS_S + 0.1}")
        await pupil.reads("It is over. 0 answers are kept.")
        assert (await pupil.asked())[-1] == "preview False"
        await pupil.find("Start")


async def test_deleting_asks_once_more_and_tells_what_is_gone(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.find(RIGHT)
        await pupil.press("F4")
        await pupil.reads("Kept: Happy. 1 answer.")
        await pupil.press("alt+t")
        await pupil.reads(HOW)
        await pupil.press("alt+y")  # of no button that shows
        await pupil.press("alt+d")
        await pupil.focuses("No, keep them")
        await pupil.press("Return")
        await pupil.focuses("Delete everything …")
        assert await pupil.asked() == ["teach happy"]
        await pupil.press("alt+d")
        await pupil.click("Yes, delete all", "TButton")
        await pupil.reads("Deleted: the answers and the key.")
        await pupil.has_asked("teach happy", "delete")


@pytest.mark.nightly
async def test_tab_leads_to_all_there_is(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.find(RIGHT)
        walked = await walk(pupil)
        assert {("TButton", text) for text in (RIGHT, "F1", "F7", "Teach it my face")} <= set(walked)
        await pupil.press("alt+t")
        await pupil.reads(HOW)
        reached = {text for _, text in await walk(pupil)}
        assert reached == {HOW, "Export …", "Delete everything …", "Guided minute", "Back"}


@pytest.mark.parametrize("key", ["space", pytest.param("Return", marks=pytest.mark.nightly)])
async def test_a_button_that_leads_to_another_screen_is_pressed_by_key_and_no_error_is_raised(
    display: str, tmp_path: Path, key: str
) -> None:
    """Space presses it before the window hears of the key, whose widget is gone by then."""
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.tab_to("Teach it my face")
        await pupil.press(key)
        await pupil.reads(HOW)
        await pupil.tab_to("Guided minute")
        await pupil.press(key)
        await pupil.at("The guided minute")
        assert await pupil.asked() == []


async def test_a_letter_that_is_not_latin_presses_its_button_too(display: str, tmp_path: Path) -> None:
    """X calls it by a name of its own."""
    async with Pupil.at_home(tmp_path / "settings", display, "ru", personal=True) as pupil:
        await pupil.press("alt+Cyrillic_em")
        await pupil.reads(window_texts("ru")("learned.on"))


async def test_tab_leads_to_the_answers_to_the_question(display: str, tmp_path: Path) -> None:
    async with Pupil.at_home(tmp_path / "settings", display) as pupil:
        await pupil.press("alt+t")
        await pupil.at("Teach it my face?")
        await pupil.press("Tab")
        await pupil.focuses("Delete everything …")
        assert [text for _, text in await walk(pupil)] == ["Delete everything …", "Yes, turn it on", "Back"]


async def test_telling_faces_apart_is_off_and_takes_files_that_are_asked_for_first(
    display: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.press("alt+t")
        await pupil.reads("numbers that recognise your face (biometrics) are kept")
        await pupil.click("From my face alone", "TCheckbutton")
        await pupil.reads("12.7 MB")
        await pupil.press("Escape")
        await pupil.reads(HOW)
        assert await pupil.asked() == []
        await pupil.press("Escape")
    settings = json.loads((tmp_path / "settings" / "settings.json").read_text())
    assert not settings.get("personal_only_me")


async def test_with_the_files_here_it_is_turned_on_and_a_stranger_is_told(display: str, tmp_path: Path) -> None:
    if fetch.missing((identity.NETWORK, identity.LAYOUT)).entries:
        pytest.skip("the network dlib-face was not fetched (moodcast models fetch dlib-face dlib-face-layout)")
    async with Pupil.at_home(tmp_path / "settings", display, personal=True) as pupil:
        await pupil.press("alt+t")
        await pupil.click("From my face alone", "TCheckbutton")
        await pupil.has_asked("tell apart True")
        assert "This is me, too" not in await pupil.text()
        await pupil.ask("stranger")
        await pupil.reads("This does not look like who taught it")
        await pupil.click("This is me, too", "TButton")
        await pupil.has_asked("tell apart True", "enrol")
