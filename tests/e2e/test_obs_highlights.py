"""Highlights in the real OBS: a moment that a relay tells is in the lists, at the right time, and in a replay."""

import asyncio
import csv
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from obs_plugin import SCRIPT
from relay import protocol
from tests.e2e.obs_moodcast import studio, switch_away_and_back
from tests.e2e.obs_studio import CANVAS, SCENE, ObsStudio, missing
from tests.support import free_port, wait_until

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

BLUE, BLACK = 0xFFFF0000, 0xFF000000  # OBS has alpha, blue, green, red


class Teller:
    """A relay that tells moments when it is asked to."""

    def __init__(self) -> None:
        self.listeners: list[web.StreamResponse] = []
        self.url = ""

    async def mood(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/mood"):
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.listeners.append(response)
        await asyncio.Event().wait()
        return response

    async def tell(self, name: str = "happy", ago: float = 0.0) -> None:
        moment = protocol.Moment(time=0.0, ago=ago, kind="expression", name=name, share=0.8, rise=0.6, score=4.0)
        for listener in self.listeners:
            await listener.write(b"event: moment\ndata: " + protocol.encode(moment) + b"\n\n")


@pytest.fixture
async def teller() -> AsyncIterator[Teller]:
    teller = Teller()
    pages = web.Application()
    pages.router.add_get("/{rest:.*}", teller.mood)
    runner = web.AppRunner(pages, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    teller.url = f"http://127.0.0.1:{port}"
    yield teller
    await runner.cleanup()


@asynccontextmanager
async def recorder(folder: Path, teller: Teller, output: str = "", **wishes: Any) -> AsyncIterator[ObsStudio]:
    """OBS with the script. ``output``: lines of its profile, for the section of simple output."""
    settings = {"relay": teller.url, "channel": "demo", "key": "k-1234", "width": CANVAS[0], "height": CANVAS[1]}
    wishes = {f"highlights_{name}": value for name, value in {"cooldown": 0, **wishes}.items()}
    async with studio(folder / "obs", {**settings, **wishes}, profile=output) as obs:
        await obs.logged('Connected to channel "demo".')
        yield obs


async def active(obs: ObsStudio) -> bool:
    return bool((await obs.request("GetRecordStatus"))["outputActive"])


async def recorded(obs: ObsStudio) -> int:
    """Milliseconds that the file has."""
    return int((await obs.request("GetRecordStatus"))["outputDuration"])


async def record(obs: ObsStudio, millis: int = 1000) -> None:
    await obs.request("StartRecord")
    await at_least(obs, millis)


async def at_least(obs: ObsStudio, millis: int) -> None:
    async def long_enough() -> bool:
        return await recorded(obs) >= millis

    await obs.until(long_enough)


async def stop(obs: ObsStudio) -> Path:
    path = Path((await obs.request("StopRecord"))["outputPath"])

    async def stopped() -> bool:
        return not await active(obs)

    await obs.until(stopped)
    return path


async def paint(obs: ObsStudio, color: int, name: str) -> None:
    await obs.request(
        "CreateInput", sceneName=SCENE, inputName=name, inputKind="color_source_v3",
        inputSettings={"color": color, "width": CANVAS[0], "height": CANVAS[1]},
    )  # fmt: skip


async def turn_blue(obs: ObsStudio) -> None:
    await paint(obs, BLUE, "flash")


async def replays(obs: ObsStudio) -> bool:
    return bool((await obs.request("GetReplayBufferStatus"))["outputActive"])


def blue_since(video: Path) -> float:
    """Seconds from the start of a video to its first blue picture."""
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-vf", "scale=1:1", "-r", "30", "-f", "rawvideo"]
    pixels = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    return next(place // 3 / 30 for place in range(0, len(pixels), 3) if pixels[place + 2] > 128)


def rows(recording: Path) -> list[dict[str, str]]:
    path = recording.with_suffix(".moodcast.csv")
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def seconds(row: dict[str, str]) -> float:
    hours, minutes, rest = row["time"].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


async def test_a_time_code_is_that_of_the_recording_within_half_a_second_also_after_a_pause(
    tmp_path: Path, teller: Teller
) -> None:
    async with recorder(tmp_path, teller) as obs:
        await record(obs, 2000)
        await obs.request("PauseRecord")
        before = await recorded(obs)
        await teller.tell("sad")
        await obs.logged("Highlight: Sadness.")
        await obs.request("ResumeRecord")
        await at_least(obs, before + 1500)
        await turn_blue(obs)
        await teller.tell()
        await obs.logged("Highlight: Laughter at 00:00:0")
        await at_least(obs, before + 4000)
        video = await stop(obs)
        (row,) = rows(video)  # what no file has is not listed
    assert (row["name"], row["share"], row["rise"]) == ("happy", "0.800", "0.600")
    assert abs(seconds(row) - blue_since(video)) < 0.5
    assert [one.name for one in video.parent.iterdir() if one.suffix == ".csv"] == [video.stem + ".moodcast.csv"]


async def test_obs_that_dies_in_mid_recording_leaves_whole_lists(tmp_path: Path, teller: Teller) -> None:
    settings = {"relay": teller.url, "channel": "demo", "key": "k-1234", "highlights_cooldown": 0}
    async with ObsStudio(tmp_path / "obs", {Path(SCRIPT): settings}) as obs:
        await obs.logged('Connected to channel "demo".')
        await record(obs)
        (video,) = obs.recordings.glob("*.mkv")

        async def five() -> bool:
            await teller.tell()
            return len(rows(video)) >= 5

        await obs.until(five)
        await obs.kill()
    assert {row["name"] for row in rows(video)} == {"happy"}
    assert len(rows(video)) >= 5
    assert video.with_suffix(".moodcast.csv").read_bytes().endswith(b"Z\r\n")


async def test_a_scene_collection_that_is_switched_in_mid_recording(tmp_path: Path, teller: Teller) -> None:
    """The script is loaded anew: it finds the time, goes on with the list, and stops what it started."""
    async with recorder(tmp_path, teller, "RecRB=true\nRecRBTime=20\n", replay=True, start=True) as obs:
        await paint(obs, BLACK, "ground")
        await record(obs, 2000)
        await obs.until(lambda: replays(obs))
        await teller.tell("sad")
        await obs.logged("Highlight: Sadness at 00:00:0")
        listeners = len(teller.listeners)
        await switch_away_and_back(obs)
        await obs.until(lambda: len(teller.listeners) > listeners)
        del teller.listeners[:-1]
        await at_least(obs, await recorded(obs) + 500)
        await turn_blue(obs)
        await teller.tell()
        await obs.logged("Highlight: Laughter at 00:00:")
        await at_least(obs, await recorded(obs) + 3000)
        video = await stop(obs)

        async def rests() -> bool:
            return not await replays(obs)

        await obs.until(rests)
        assert obs.log.count("Replay Buffer Start") == 1, "a switch leaves it alone"
        sad, happy = rows(video)
    assert (sad["name"], happy["name"]) == ("sad", "happy")
    assert abs(seconds(happy) - blue_since(video)) < 0.5, (seconds(happy), blue_since(video))


async def test_a_replay_is_saved_and_one_that_is_too_short_told(tmp_path: Path, teller: Teller) -> None:
    async with recorder(
        tmp_path, teller, "RecRB=true\nRecRBTime=6\nRecRBPrefix=Replay\n", replay=True, start=True
    ) as obs:
        await turn_blue(obs)
        await record(obs)
        await obs.until(lambda: replays(obs))
        await at_least(obs, 6000)
        await teller.tell(ago=3.0)
        await obs.logged("set at least 15 s in the settings under Output, Replay Buffer.")
        await obs.until(lambda: list(obs.recordings.glob("Replay*")))
        await stop(obs)

        async def rests() -> bool:
            return not await replays(obs)

        await obs.until(rests)


async def test_a_replay_buffer_that_is_not_enabled_is_told(tmp_path: Path, teller: Teller) -> None:
    async with recorder(tmp_path, teller, "RecRB=false\n", replay=True) as obs:
        await wait_until(lambda: teller.listeners)
        await teller.tell()
        await obs.logged("No replay: the replay buffer is not enabled in OBS.")
        assert "[Moodcast]" not in obs.log
