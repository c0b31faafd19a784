"""Highlights in the real OBS: a moment that a relay tells is in the lists, at the right time, and in a replay."""

import asyncio
import csv
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from obs_plugin import SCRIPT
from relay import app, protocol
from relay.config import RelaySettings
from relay.protocol import Expression
from tests.e2e.obs_moodcast import settings_for, studio, switch_away_and_back
from tests.e2e.obs_studio import CANVAS, SCENE, ObsStudio, missing
from tests.support import SOON, Viewer, free_port, subscribe, wait_until

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

DELAY_S = 3.0
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
        await obs.request("PauseRecord")  # which OBS does on its UI thread, some time after it has answered
        await obs.call("sentences", None)
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


async def test_what_real_viewers_saw_late_is_listed_where_it_happened(tmp_path: Path) -> None:
    """The real relay: viewers of a stream that is three seconds late begin to laugh at what the streamer did."""
    table = RelaySettings(
        port=free_port(), data=str(tmp_path / "relay"), tick_ms=50, min_viewers=1, proxies=1, require_tickets="off"
    )
    relay = await app.start(table, SOON)
    settings = {**settings_for(relay), "highlights_cooldown": 1}
    addresses = [f"198.51.{number}.1" for number in range(12)]
    async with AsyncExitStack() as stack:
        stack.push_async_callback(relay.stop)
        obs = await stack.enter_async_context(studio(tmp_path / "obs", settings))
        await obs.logged('Connected to channel "demo".')
        viewers = [
            await stack.enter_async_context(await Viewer.connect(relay.url, address=address, delay=DELAY_S))
            for address in addresses
        ]
        page = await stack.enter_async_context(await subscribe(relay.url, "demo", settings["key"]))

        async def show(name: Expression, until: float) -> None:
            """So long, in milliseconds of the recording: a label is forgotten that isn't told again."""
            while (now := await recorded(obs)) < until:
                for viewer in viewers:
                    await viewer.label(name)
                await at_least(obs, min(int(until), now + 2000))

        await obs.request("StartRecord")
        await show("neutral", 15_000)  # the minute before
        await turn_blue(obs)
        happened = time.time()
        await show("neutral", await recorded(obs) + 1000 * DELAY_S)
        told = asyncio.create_task(page.receive_until(lambda message: isinstance(message, protocol.Moment)))
        stack.callback(told.cancel)
        await show("happy", await recorded(obs) + 6000)
        moment = await told
        await obs.logged("Highlight: Laughter at 00:00:")
        video = await stop(obs)
        (row,) = rows(video)
    assert (row["kind"], row["name"]) == ("expression", "happy")
    assert moment.ago > DELAY_S
    # The relay takes a moment to notice, and a busy machine to record: how late both were, its own clock tells.
    assert abs(seconds(row) - blue_since(video) - (moment.time - happened)) < 0.5, (row, moment, happened)


@pytest.mark.nightly
async def test_also_where_the_encoder_ran_before_the_recording_and_holds_pictures_back(
    tmp_path: Path, teller: Teller
) -> None:
    shared = "RecQuality=Stream\nUseAdvanced=true\nx264Settings=rc-lookahead=40\nRecRB=true\nRecRBTime=20\n"
    async with recorder(tmp_path, teller, shared) as obs:
        await paint(obs, BLACK, "ground")  # else OBS asks whether to begin
        await obs.request("StartReplayBuffer")

        async def replay() -> int:
            (output,) = [
                one for one in (await obs.request("GetOutputList"))["outputs"] if one["outputKind"] == "replay_buffer"
            ]
            status = await obs.request("GetOutputStatus", outputName=output["outputName"])
            return int(status["outputDuration"])

        async def fills() -> bool:
            return await replay() > 1000

        await obs.until(fills)
        await record(obs, 2000)
        await turn_blue(obs)
        await teller.tell()
        await obs.logged("Highlight: Laughter at 00:00:0")
        await at_least(obs, await recorded(obs) + 3000)
        video = await stop(obs)
        await obs.request("StopReplayBuffer")  # else OBS asks whether to quit

        async def rests() -> bool:
            return not await replays(obs)

        await obs.until(rests)
        (row,) = rows(video)
    assert abs(seconds(row) - blue_since(video)) < 0.5, (seconds(row), blue_since(video))


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


async def ahead(obs: ObsStudio) -> float:
    """Seconds that the file has, less the clock's: the less, the longer pictures are in the encoder."""
    now = time.monotonic()
    return await recorded(obs) / 1000 - now


async def test_a_scene_collection_that_is_switched_in_mid_recording(tmp_path: Path, teller: Teller) -> None:
    """The script is loaded anew: it finds the time, goes on with the list, and stops what it started.

    It can only tell the time by the pictures that are out, so it is as late as a busy machine's encoder.
    """
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
        found = await ahead(obs)
        await turn_blue(obs)
        await teller.tell()
        await obs.logged("Highlight: Laughter at 00:00:")
        found = min(found, await ahead(obs))
        usual = [found]
        for _ in range(6):
            await at_least(obs, await recorded(obs) + 500)
            usual.append(await ahead(obs))
        late = max(usual) - found
        video = await stop(obs)

        async def rests() -> bool:
            return not await replays(obs)

        await obs.until(rests)
        assert obs.log.count("Replay Buffer Start") == 1, "a switch leaves it alone"
        sad, happy = rows(video)
    assert (sad["name"], happy["name"]) == ("sad", "happy")
    assert abs(seconds(happy) - blue_since(video)) < 0.5 + late, (seconds(happy), blue_since(video), late)


async def test_a_disk_that_is_pulled_out_in_mid_recording_loses_no_line(tmp_path: Path, teller: Teller) -> None:
    """OBS itself ends the recording then, for want of room."""
    settings = {"relay": teller.url, "channel": "demo", "key": "k-1234"}
    async with ObsStudio(tmp_path / "obs", {Path(SCRIPT): settings}) as obs:
        await obs.logged('Connected to channel "demo".')
        await record(obs, 8000)
        away = obs.recordings.with_name("away")
        obs.recordings.rename(away)
        await teller.tell(ago=7.0)
        await obs.logged("Highlight: Laughter at 00:00:0")
        await obs.logged(f"Can't write the list of highlights into {obs.recordings} (No such file or directory)")
        away.rename(obs.recordings)
        (video,) = obs.recordings.glob("*.mkv")
        await obs.until(lambda: rows(video))
        await obs.kill()  # it shows a window of its own about the disk


async def test_the_streamers_own_hotkey_takes_no_cooldown(tmp_path: Path, teller: Teller) -> None:
    async with recorder(tmp_path, teller, cooldown=3600) as obs:
        await record(obs)
        (video,) = obs.recordings.glob("*.mkv")
        for count in (1, 2):
            await obs.request("TriggerHotkeyByName", hotkeyName="moodcast_save")
            await obs.until(lambda count=count: len(rows(video)) == count)
        assert await stop(obs) == video
    assert [(row["kind"], row["name"], row["share"]) for row in rows(video)] == [("mark", "saved", "")] * 2


async def test_quitting_in_mid_recording_leaves_whole_lists(tmp_path: Path, teller: Teller) -> None:
    if shutil.which("xdotool") is None:
        pytest.skip("no xdotool, which answers what OBS asks (apt install xdotool)")
    answer = ("xdotool", "search", "--name", "^Exit OBS", "key", "--window", "%@", "Return")
    settings = {"relay": teller.url, "channel": "demo", "key": "k-1234"}
    async with ObsStudio(tmp_path / "obs", {Path(SCRIPT): settings}) as obs:
        await obs.logged('Connected to channel "demo".')
        await record(obs)
        (video,) = obs.recordings.glob("*.mkv")
        for _ in range(3):
            await obs.request("TriggerHotkeyByName", hotkeyName="moodcast_save")
        await obs.logged("Highlight: Saved by the streamer at")
        quitting = asyncio.create_task(obs.quit())
        while not quitting.done():  # it asks whether to end the recording
            process = await asyncio.create_subprocess_exec(*answer, env={**os.environ, "DISPLAY": obs.display})
            await process.wait()
            await asyncio.wait([quitting], timeout=0.5)
        assert await quitting == 0
    assert len(rows(video)) == 3
    assert "Unloaded python script: moodcast_obs.py" in obs.log


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
