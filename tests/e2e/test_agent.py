"""The real agent, as its user starts it, on real faces and against the real relay."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from agent import priority
from agent.face import StillFaceFinder
from agent.recognition import Recogniser
from benchmarks import spoilt_portraits
from models.inference import registry
from relay import app, protocol
from relay.protocol import EXPRESSIONS, Mood
from tests.e2e.agent_program import ROOT, command, outcome, running, weights
from tests.support import count_of, free_port, request, subscribe

DATA = ROOT.parent / "shared" / "data"
LONDON = DATA / "photos" / "london"
SAD_THEN_HAPPY = DATA / "video" / "WolfgangLanger_Pexels.mp4"

pytestmark = pytest.mark.usefixtures("agent_files")


async def test_the_portrait_becomes_a_happy_viewer_until_ctrl_c(relay: app.Relay, tmp_path: Path) -> None:
    keys, report = relay.create_channel("demo"), tmp_path / "report.json"
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        arguments = command(relay.url, weights("portrait"), "--yes", "--report", str(report))
        async with running(*arguments) as agent:
            await audience.mood(lambda mood: count_of(mood, "happy") == 1, timeout=60)
            assert agent.stdout
            said = b""
            while not re.search(
                r"^happy [01]\.\d\d · sent \d+ labels? · \d\.\d fps · \d+% of a core · Ctrl-C stops$",
                said.decode(),
                re.MULTILINE,
            ):
                line = await asyncio.wait_for(agent.stdout.readline(), 60)
                assert line, said
                said += line
            agent.send_signal(signal.SIGINT)
            _, errors = await asyncio.wait_for(agent.communicate(), 60)
            await audience.mood(lambda mood: mood.viewers == 0)
    assert agent.returncode == 0
    assert errors.decode() == ""
    summary = json.loads(report.read_text())
    assert summary["stopped"] == "interrupted"
    assert summary["source"] == str(weights("portrait"))
    assert summary["labels"] == summary["by_expression"]["happy"] >= 1
    assert summary["frames_taken"] >= summary["frames"] > summary["frames_without_face"] == 0
    assert set(summary["stage_ms"]) == {"capture", "face", "classify"}


def face_finders_threads(process: int) -> list[int]:
    threads = [int(task.name) for task in Path(f"/proc/{process}/task").iterdir()]
    return [thread for thread in threads if "mediapipe" in Path(f"/proc/{thread}/comm").read_text()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="this system does not tell threads' priorities")
async def test_it_gives_way_to_other_programs(relay: app.Relay) -> None:
    """In all its threads, those of the face finder too; and nobody else does."""
    keys = relay.create_channel("demo")
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        running(*command(relay.url, weights("portrait"), "--yes")) as agent,
    ):
        await audience.mood(lambda mood: mood.sharing == 1, timeout=60)
        busy = face_finders_threads(agent.pid)
        assert busy
        assert {os.getpriority(os.PRIO_PROCESS, number) for number in (agent.pid, *busy)} == {max(priority.NICE, ours)}
    assert os.getpriority(os.PRIO_PROCESS, 0) == ours


async def test_a_face_that_leaves_withdraws_its_label_and_the_film_ends(
    relay: app.Relay, film: Path, tmp_path: Path
) -> None:
    keys, report = relay.create_channel("demo"), tmp_path / "report.json"
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        running(*command(relay.url, film, "--yes", "--report", str(report))) as agent,
    ):
        await audience.mood(lambda mood: count_of(mood, "happy") == 1, timeout=60)
        await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0, timeout=60)
        out, _ = await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 0
    assert "away" in out.decode()
    summary = json.loads(report.read_text())
    assert summary["stopped"] == "end"
    assert 0 < summary["frames_without_face"] < summary["frames"]


async def test_a_masked_face_is_away_and_the_viewer_alone_is_told_why(relay: app.Relay, tmp_path: Path) -> None:
    keys, report = relay.create_channel("demo"), tmp_path / "report.json"
    picture = np.asarray(Image.open(weights("portrait")).convert("RGB"))
    with contextlib.closing(StillFaceFinder(registry.path("face_landmarker"))) as finder:
        [face] = finder.find(picture)
    masked = spoilt_portraits.masked(picture, face.points, np.random.default_rng(0), "blue", folds=True)
    Image.fromarray(masked).save(tmp_path / "masked.png")
    async with await subscribe(relay.url, "demo", keys.display_key) as audience:
        arguments = command(relay.url, tmp_path / "masked.png", "--yes", "--report", str(report))
        async with running(*arguments) as agent:
            assert agent.stdout
            said = b""
            while b"away, something covers your mouth" not in said:
                line = await asyncio.wait_for(agent.stdout.readline(), 60)
                assert line, said
                said += line
            await audience.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0, timeout=60)
            agent.send_signal(signal.SIGINT)
            await asyncio.wait_for(agent.communicate(), 60)
    summary = json.loads(report.read_text())
    assert (summary["labels"], summary["frames_without_face"]) == (0, 0)
    assert {why: number for why, number in summary["frames_unread"].items() if number} == {"covered": summary["frames"]}


@pytest.mark.skipif(not LONDON.is_dir(), reason=f"the London portraits are not at {LONDON}")
def test_smiling_portraits_are_happy_and_neutral_ones_neutral() -> None:
    found: dict[str, Counter[str]] = {}
    for expression in ("happy", "neutral"):
        recogniser = Recogniser(registry.DEFAULT)
        found[expression] = Counter()
        for i, file in enumerate(sorted(LONDON.glob(f"*_{expression}.jpg"))):
            probabilities = recogniser.look(np.asarray(Image.open(file).convert("RGB")), 1000 * i).probabilities
            found[expression][EXPRESSIONS[int(np.argmax(probabilities))] if probabilities else "no face"] += 1
        recogniser.close()
    assert found["happy"].total() == found["neutral"].total() == 60
    assert found["happy"]["happy"] >= 36, found
    assert found["neutral"]["neutral"] >= 54, found


@pytest.mark.skipif(not SAD_THEN_HAPPY.is_file(), reason=f"the video is not at {SAD_THEN_HAPPY}")
async def test_the_audience_sees_her_cry_first_and_laugh_later(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    moods: list[Mood] = []

    def left(mood: Mood) -> bool:
        moods.append(mood)
        return mood.viewers == 0

    async with (
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        running(*command(relay.url, SAD_THEN_HAPPY, "--yes")) as agent,
    ):
        await audience.mood(lambda mood: mood.sharing == 1, timeout=60)
        await audience.mood(left, timeout=60)
        await asyncio.wait_for(agent.communicate(), 60)
    assert agent.returncode == 0
    # The first label comes about 0.4 s after the film's first frame.
    began = moods[0].time - 0.4

    def share(expression: protocol.Expression, start: float, end: float) -> float:
        part = [mood for mood in moods if start <= mood.time - began < end]
        return sum(count_of(mood, expression) for mood in part) / len(part)

    assert share("sad", 0, 6) > 0.5
    assert share("happy", 10, 19) > 0.5


@pytest.mark.parametrize(
    "case",
    [
        *("channel", "camera", "no cameras", "no face", "no consent"),
        *(pytest.param(one, marks=pytest.mark.nightly) for one in ("invitation", "relay", "video", "model", "report")),
    ],
)
async def test_what_goes_wrong_is_a_sentence_and_an_exit_code(case: str, relay: app.Relay, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    if case == "invitation":
        await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "new"})
    if case == "no cameras":
        await request(relay.url, "PATCH", "demo", keys.admin_key, {"cameras": False})
    portrait, nowhere = weights("portrait"), f"http://127.0.0.1:{free_port()}"
    old = [sys.executable, "-m", "moodcast", "agent", "--relay", f"{relay.url}/join/demo#password=s3cret"]
    text, wall = tmp_path / "talk.mp4", tmp_path / "wall.avi"
    text.write_text("this is no film\n" * 100)
    writer = cv2.VideoWriter(str(wall), cv2.VideoWriter_fourcc(*"MJPG"), 5, (320, 240))
    for _ in range(3):
        writer.write(np.full((240, 320, 3), 100, np.uint8))
    writer.release()
    arguments, code, sentence = {
        "channel": (command(relay.url, portrait, "--yes", channel="other"), 31, "no channel 'other'"),
        "invitation": ([*old, "--source", str(portrait), "--yes"], 37, "an invitation ends when it changes"),
        "relay": (command(nowhere, portrait, "--yes"), 30, f"no Moodcast relay answers at {nowhere}"),
        "camera": (command(relay.url, "webcam:99", "--yes"), 10 if sys.platform == "linux" else 11, "camera 99"),
        "no cameras": (command(relay.url, portrait, "--yes"), 20, "takes no cameras in the channel 'demo'"),
        "video": (command(relay.url, text, "--yes"), 12, "talk.mp4 holds no video or picture"),
        "no face": (command(relay.url, wall, "--yes"), 13, "no face was found in"),
        "no consent": (command(relay.url, portrait), 14, "consent is needed"),
        "model": (command(relay.url, portrait, "--yes", "--model", "nosuch"), 21, "nosuch"),
        "report": (command(relay.url, portrait, "--yes", "--report", str(tmp_path / "no" / "r.json")), 17, "report"),
    }[case]
    returned, _, errors = await outcome(*arguments)
    assert returned == code, errors
    assert errors.startswith("moodcast: ")
    assert sentence in errors
    assert "Traceback" not in errors
    assert "s3cret" not in errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
async def test_a_full_disk_ends_only_the_report(relay: app.Relay) -> None:
    """It shares as long as it is wanted; that the report is missing is said at the end."""
    keys = relay.create_channel("demo")
    arguments = command(relay.url, weights("portrait"), "--yes", "--report", "/dev/full")
    audience = await subscribe(relay.url, "demo", keys.display_key)
    async with audience, running(*arguments) as agent:
        await audience.mood(lambda mood: mood.sharing == 1, timeout=60)
        agent.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(agent.communicate(), 60)
        await audience.mood(lambda mood: mood.viewers == 0)
    assert agent.returncode == 17
    assert b"the report can't be written to /dev/full: No space left on device" in errors
    assert b"Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe is closed as POSIX has it")
@pytest.mark.parametrize("agreed", [False, True], ids=["before the capture", "while it shares"])
async def test_it_ends_when_nobody_reads_what_it_says_any_more(agreed: bool, relay: app.Relay, film: Path) -> None:
    """As `moodcast agent | head -2` does: nobody would see that it goes on, and what it sends."""
    keys = relay.create_channel("demo")
    async with (
        await subscribe(relay.url, "demo", keys.display_key) as audience,
        running(*command(relay.url, film, "--yes", "--loop")) as agent,
    ):
        assert agent.stdout
        assert agent.stderr
        if agreed:
            await audience.mood(lambda mood: mood.sharing == 1, timeout=60)
        agent.stdout._transport.close()  # type: ignore[attr-defined]  # asyncio has no other way
        errors = await asyncio.wait_for(agent.stderr.read(), 60)
        assert await asyncio.wait_for(agent.wait(), 60) == 141
        assert errors == b""
        await audience.mood(lambda mood: mood.viewers == 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
async def test_nothing_is_captured_where_the_question_can_not_be_written(relay: app.Relay, tmp_path: Path) -> None:
    relay.create_channel("demo")
    report = tmp_path / "report.json"
    arguments = " ".join(command(relay.url, weights("portrait"), "--yes", "--report", str(report)))
    code, _, errors = await outcome("sh", "-c", f"exec {arguments} >/dev/full")
    assert code == 3
    assert errors.startswith("moodcast: the standard output can't be written to (No space left on device)")
    assert not report.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a signal is sent as POSIX has it")
@pytest.mark.parametrize(
    "module",
    [
        *("argparse", "mediapipe.tasks"),
        *(pytest.param(one, marks=pytest.mark.nightly) for one in ("msgspec", "aiohttp.client", "cv2", "numpy.linalg")),
    ],
)
async def test_ctrl_c_while_libraries_load_shows_no_traceback(module: str, relay: app.Relay) -> None:
    relay.create_channel("demo")
    program, *arguments = command(relay.url, weights("portrait"), "--yes")
    async with running(program, "-X", "importtime", *arguments) as agent:  # tells each module that has been loaded
        assert agent.stderr
        errors = line = b""
        while not re.search(rf"\| +{re.escape(module)}$", line.decode().rstrip()):
            line = await asyncio.wait_for(agent.stderr.readline(), 60)
            assert line, errors
            errors += line
        agent.send_signal(signal.SIGINT)
        errors += await asyncio.wait_for(agent.stderr.read(), 60)
        assert await asyncio.wait_for(agent.wait(), 60) == 130
    told = [line for line in errors.decode().splitlines() if not line.startswith("import time:") and line]
    assert len(told) == 1
    assert "topped" in told[0]
