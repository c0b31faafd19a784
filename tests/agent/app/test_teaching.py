"""Teaching the running agent, with a real relay and a real process for its eyes, which look at a picture of a face."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar, cast

import numpy as np
import pytest

from agent.app import sight, teaching
from agent.app.app import App
from agent.app.learner import EyesLearner
from agent.app.looking import CameraWatch
from agent.app.sight import Begin, DeletePersonal, ExportPersonal, Failed, FromEyes, Handled, Lesson, Teach, ToEyes
from agent.app.teaching import BROKEN_OFF, NO_EYES, Teaching
from agent.errors import AgentError
from agent.personal import lesson
from agent.personal.key import DesktopVault
from agent.personal.status import Taught, TeacherStatus
from agent.personal.store import Store
from agent.personal.teacher import Teacher
from models.errors import ModelError
from models.inference import identity, registry
from relay import app
from relay.common import ourselves
from relay.protocol import EXPRESSIONS
from tests.agent.app.test_app import eyes, joined, running, sent
from tests.e2e.agent_program import weights
from tests.support import count_of, subscribe, wait_until

HAPPY = EXPRESSIONS.index("happy")


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have one."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[App]:
    with running(tmp_path / "settings") as started:
        yield started


@pytest.fixture
def quick_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guided minute of about ten seconds."""
    turn = 1.4
    times = {"READY_S": 0.2, "HOLD_S": turn - 0.2, "_SETTLE_S": 0.0, "_TURN_S": turn}
    for name, value in {**times, "LASTS_S": turn * len(EXPRESSIONS)}.items():
        monkeypatch.setattr(lesson, name, value)


def answers(agent: App) -> int:
    status = agent.state().personal
    return sum(status.counts) if status else 0


async def taught(agent: App) -> Taught:
    """The sentence of an answer that is given now."""
    before = agent.state().taught
    agent.teach(None)
    await wait_until(lambda: agent.state().taught is not before)
    found = agent.state().taught
    assert found is not None
    return found


async def looking(agent: App) -> None:
    agent.use_personal(True)
    agent.preview(True)
    await wait_until(lambda: agent.state().label == "happy")


async def test_nothing_is_kept_before_it_is_turned_on(agent: App, tmp_path: Path) -> None:
    agent.preview(True)
    await wait_until(lambda: agent.state().label == "happy")
    assert await taught(agent) == NO_EYES
    agent.start_lesson()
    await asyncio.sleep(0)
    assert agent.state().lesson is None
    assert agent.state().personal is None
    assert not (tmp_path / "settings" / "personal").exists()


async def test_an_answer_is_kept_shown_exported_and_deleted(agent: App, tmp_path: Path) -> None:
    await looking(agent)
    first = await taught(agent)
    assert (first.label, first.answers) == (HAPPY, 1)
    agent.teach("surprise")
    await wait_until(lambda: answers(agent) == 2)
    status = agent.state().personal
    assert status is not None
    assert status.counts[EXPRESSIONS.index("surprise")] == 1
    file = tmp_path / "settings" / "personal" / "answers.sealed"
    await wait_until(file.exists)
    said = await asyncio.wrap_future(agent.export_personal(tmp_path / "mine.json"))
    assert str(tmp_path / "mine.json") in said
    assert await asyncio.wrap_future(agent.delete_personal())
    await wait_until(lambda: answers(agent) == 0)
    assert not file.exists()
    assert not (tmp_path / "mine.json").exists()


async def test_with_the_camera_off_what_is_kept_is_exported_and_deleted_too(agent: App, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="nothing to export"):
        await asyncio.wrap_future(agent.export_personal(tmp_path / "mine.json"))
    await looking(agent)
    await taught(agent)
    file = tmp_path / "settings" / "personal" / "answers.sealed"
    await wait_until(file.exists)
    agent.preview(False)
    await wait_until(lambda: agent.state().camera == "off" and not eyes())
    await asyncio.wrap_future(agent.export_personal(tmp_path / "mine.json"))
    assert json.loads((tmp_path / "mine.json").read_bytes())
    await asyncio.wrap_future(agent.delete_personal())
    assert not file.exists()
    assert agent.state().personal is None
    await wait_until(lambda: not eyes())


async def test_turned_on_again_it_knows_what_it_was_taught(agent: App, tmp_path: Path) -> None:
    await looking(agent)
    await taught(agent)
    await wait_until((tmp_path / "settings" / "personal" / "answers.sealed").exists)
    agent.use_personal(False)
    assert await taught(agent) == NO_EYES  # at once
    await wait_until(lambda: agent.state().personal is None)
    agent.use_personal(True)
    await wait_until(lambda: answers(agent) == 1)


async def test_the_audience_does_not_see_the_faces_of_a_lesson(
    agent: App, relay: app.Relay, quick_minute: None
) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        agent.use_personal(True)
        await joined(agent, relay.url)
        agent.share("face")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        began = time.monotonic()
        agent.start_lesson()
        await wait_until(lambda: agent.state().lesson is not None)
        await audience.mood(lambda mood: mood.sharing == 0)
        labels = agent.state().labels
        await wait_until(lambda: agent.state().lesson is None)
        until = agent._teaching.muted_until
        assert until >= began + lesson.LASTS_S + lesson.REST_S
        then = agent.state().labels
        assert then == labels or time.monotonic() >= until
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert time.monotonic() >= until
    counts = agent.state().personal
    assert counts is not None
    assert sum(counts.counts) > 1  # a busy machine may not look in each of the turns, which are short here
    assert {message["type"] for message in sent(agent)} <= {"hello", "label", "away"}


async def test_pausing_ends_a_lesson_and_the_looking(agent: App, relay: app.Relay) -> None:
    relay.create_channel("demo")
    agent.use_personal(True)
    await joined(agent, relay.url)
    agent.share("face")
    await wait_until(lambda: agent.state().label == "happy")
    agent.start_lesson()
    await wait_until(lambda: agent.state().lesson is not None)
    process = eyes()[0]
    agent.share("paused")
    await wait_until(lambda: agent.state().camera == "off")
    assert agent.state().lesson is None
    assert agent.state().taught == BROKEN_OFF
    assert not process.is_running()  # and with it what was seen in the last minute
    assert await taught(agent) == NO_EYES
    agent.share("face")
    await wait_until(lambda: agent.state().label == "happy")
    assert agent.state().lesson is None


async def test_a_lesson_that_is_broken_off_mutes_a_moment_longer(agent: App, relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        agent.use_personal(True)
        await joined(agent, relay.url)
        agent.share("face")
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        agent.start_lesson()
        await audience.mood(lambda mood: mood.sharing == 0)
        stopped = time.monotonic()
        agent.stop_lesson()
        await wait_until(lambda: agent.state().taught == BROKEN_OFF)
        agent.change(name="Zoë")  # which joins anew, with another sender
        await audience.mood(lambda mood: count_of(mood, "happy") == 1)
        assert time.monotonic() >= stopped + lesson.REST_S


async def test_who_turns_it_on_in_a_channel_has_agreed_for_it_and_is_asked_elsewhere(
    agent: App, relay: app.Relay
) -> None:
    relay.create_channel("demo")
    await joined(agent, relay.url)
    agent.use_personal(True)
    agent.share("face")  # raises nothing
    agent.share("paused")
    agent.use_personal(False)
    agent.share("face")
    agent.change(personal=True)  # but not by the way of the question
    with pytest.raises(AgentError):
        agent.share("face")


async def test_a_network_without_features_says_so_and_reads_as_ever(agent: App) -> None:
    agent.change(model="moodnet-clip")
    agent.use_personal(True)
    agent.preview(True)
    await wait_until(lambda: "can't be taught" in agent.state().notice)  # on a slow machine others come later
    await wait_until(lambda: agent.state().label == "happy")
    refused = await taught(agent)
    assert refused.answers == 0
    assert "can't be taught" in refused.sentence
    assert (status := agent.state().personal) is not None
    assert status.notice == refused.sentence


class Helper:
    """In place of a process that does what is asked with the camera off; it answers when a test has it."""

    started: ClassVar[list["Helper"]] = []

    def __init__(self, first: ToEyes, heard: "Heard", ended: Callable[["Helper"], None]) -> None:
        self.first, self.is_ended = first, False
        self._heard, self._ended = heard, ended
        self.started.append(self)

    def answer(self, sentence: str) -> None:
        self._heard(self, Handled(sentence=sentence, done=True))

    def end(self) -> bool:
        self.is_ended = True
        self._ended(self)
        return True


class Watch:
    """In place of the eyes: what they were told; None while they are shut."""

    def __init__(self) -> None:
        self.told: list[ToEyes] | None = None

    @property
    def learns(self) -> bool:
        return self.told is not None

    def say_to_learner(self, message: ToEyes) -> bool:
        if self.told is not None:
            self.told.append(message)
        return self.told is not None


Heard = Callable[[Helper, FromEyes], None]
EXPORT, DELETE = ExportPersonal(personal="personal", path="mine.json"), DeletePersonal("personal")


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def asked(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> Teaching:
    monkeypatch.setattr(teaching, "EyesProcess", Helper)
    monkeypatch.setattr(Helper, "started", [])
    return Teaching(cast(CameraWatch, watch), lambda **_: None, lambda _: None)


async def test_a_camera_that_is_missing_keeps_nobody_from_deleting(asked: Teaching) -> None:
    """It is told of once a second, while who deletes has just been started."""
    deleting = asyncio.create_task(asked.handled(DELETE))
    await wait_until(lambda: Helper.started)
    asked.close_eyes()
    await asyncio.sleep(0)
    (helper,) = Helper.started
    assert not helper.is_ended
    helper.answer("Gone.")
    assert await deleting == "Gone."
    assert helper.is_ended


@pytest.mark.parametrize("is_open", [False, True])
async def test_who_asks_twice_gets_both_answers(asked: Teaching, watch: Watch, is_open: bool) -> None:
    watch.told = [] if is_open else None
    exporting, deleting = (asyncio.create_task(asked.handled(message)) for message in (EXPORT, DELETE))
    await wait_until(lambda: (watch.told or Helper.started)[1:])
    for number, sentence in enumerate(("Written.", "Gone.")):
        if is_open:
            asked.hear(Handled(sentence=sentence, done=True))
        else:
            Helper.started[number].answer(sentence)
    assert [await exporting, await deleting] == ["Written.", "Gone."]


async def test_what_is_asked_of_eyes_that_are_shut_then_is_told(asked: Teaching, watch: Watch) -> None:
    watch.told = []
    deleting = asyncio.create_task(asked.handled(DELETE))
    await wait_until(lambda: watch.told)
    asked.close_eyes()
    with pytest.raises(AgentError, match="did not answer"):
        await deleting


@pytest.mark.parametrize("is_stopped", [False, True])
async def test_the_last_expression_counts_though_the_camera_is_turned_off_once_the_minute_is_over(
    asked: Teaching, watch: Watch, quick_minute: None, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    """By whoever sees that it is; and who ends it in its last moment has not broken it off."""
    now = 0.0
    monkeypatch.setattr(teaching, "time", SimpleNamespace(monotonic=lambda: now))
    told: list[object] = []
    monkeypatch.setattr(asked, "_tell", lambda **values: told.extend(values.values()))
    watch.told = []
    asked.start_lesson()
    for number in range(1, len(EXPRESSIONS) + 1):
        now = lesson._TURN_S * number - 0.01
        last = asked.moment()
        now += 0.02
        if is_stopped and number == len(EXPRESSIONS):
            asked.stop_lesson()
        await wait_until(lambda many=number: len(watch.told or ()) == many)
    assert [one.label for one in watch.told if isinstance(one, Lesson)] == [*range(len(EXPRESSIONS))]
    if not is_stopped:
        assert asked.moment() == last  # until it is known what was kept
        asked.hear(TeacherStatus())
    await wait_until(lambda: asked.moment() is None)
    assert BROKEN_OFF not in told


def test_what_was_answered_just_before_the_end_is_done_first() -> None:
    calls: list[str] = []

    class Slow:
        def teach(self, *_: object) -> Taught:
            time.sleep(0.01)
            calls.append("taught")
            return Taught(label=HAPPY, answers=1, sentence="Learned.")

        def status(self) -> TeacherStatus:
            return TeacherStatus()

        def close(self) -> None:
            calls.append("closed")

    learner = EyesLearner(lambda _: None)
    learner.teacher = cast(Teacher, Slow())
    for _ in range(3):
        learner.hear(Teach(None))
    learner.close()
    assert calls == ["taught"] * 3 + ["closed"]


async def test_without_the_network_that_tells_faces_apart_nothing_is_learned_and_a_sentence_says_so(
    agent: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    file = registry.path(registry.LANDMARKER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    there = tmp_path / "cache" / "moodcast" / "weights"
    there.mkdir(parents=True)
    (there / file.name).symlink_to(file)
    agent.tell_apart(True)
    await looking(agent)
    assert "dlib-face" in agent.state().notice
    assert (await taught(agent)).answers == 0


async def test_who_answers_first_is_enrolled_and_known(agent: App) -> None:
    require_identity()
    agent.tell_apart(True)
    await looking(agent)
    await wait_until(lambda: (status := agent.state().personal) and status.whose == "unenrolled")
    assert (await taught(agent)).answers == 1
    await wait_until(lambda: (status := agent.state().personal) and status.whose == "theirs")
    agent.enrol_me()
    await wait_until(lambda: (said := agent.state().taught) and "known as you look now" in said.sentence)


def require_identity() -> None:
    try:
        identity.load()
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("only_me", [False, True])
async def test_no_embedding_comes_out_of_the_eyes(only_me: bool, tmp_path: Path) -> None:
    """All bytes that they say, while they are taught and export: what was stored is in none of them."""
    if only_me:
        require_identity()
    process = await asyncio.create_subprocess_exec(
        *ourselves.command("eyes"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    folder, everything, messages = tmp_path / "personal", bytearray(), []
    unpacker = sight.seen()

    async def until(kind: type[FromEyes], whose: str = "") -> None:
        assert process.stdout is not None
        while not any(
            isinstance(message, kind) and whose in ("", getattr(message, "whose", "")) for message in messages
        ):
            chunk = await process.stdout.read(1 << 16)
            everything.extend(chunk)
            messages.extend(unpacker.feed(chunk))
            assert not any(isinstance(message, Failed) for message in messages)

    try:
        source = str(weights("portrait"))
        begin = Begin(source=source, model="moodnet", fps=10, personal=str(folder), only_me=only_me)
        process.stdin.write(sight.packed(begin))
        await until(sight.Sight)
        if only_me:
            await until(TeacherStatus, "unenrolled")
        process.stdin.write(sight.packed(Teach(HAPPY)))
        await until(Taught)
        await until(TeacherStatus)
        await wait_until((folder / "answers.sealed").exists)
        process.stdin.write(sight.packed(ExportPersonal(personal=str(folder), path=str(tmp_path / "mine.json"))))
        await until(Handled)
    finally:
        process.stdin.close()
        await process.wait()
    loaded = Store(folder, DesktopVault(folder)).load(registry.get("moodnet").sha256)
    assert loaded.answers is not None
    (answer,) = loaded.answers.answers
    assert (loaded.enrolled is not None) == only_me
    enrolled = [] if loaded.enrolled is None else [loaded.enrolled.embeddings.ravel()]
    numbers = np.concatenate([answer.features, answer.universal, *enrolled])
    numbers = numbers[numbers != 0]
    assert len(numbers) > 50
    sealed = (folder / "answers.sealed").read_bytes()
    for kind in ("<f4", ">f4", "<f8", ">f8"):
        assert not any(number.tobytes() in everything + sealed for number in numbers.astype(kind))
