"""Running the demo: relay, one real agent, a simulated crowd, and what it all measured."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import sys
import tempfile
import time
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from agent import stopping, trial
from demo import crowd, screenshot
from demo.config import DEFAULT_PORT, DemoSettings
from demo.errors import AgentStoppedError, ReportError, ScreenshotError
from demo.show import scene_at
from models.inference import bar, registry
from models.inference.assets import BrowserFiles
from obs_plugin import SCRIPT
from relay import app, protocol
from relay.common import ourselves
from relay.common.condition import condition
from relay.common.deadline import within
from relay.config import RelaySettings
from relay.protocol import EXPRESSIONS, Mood, Subscribe

CHANNEL, PROBE_CHANNEL = "demo", "demo-latency"
NO_AGENT: dict[str, Any] = {"labels": 0, "by_expression": {}, "fps": 0.0, "stage_ms": {}}
"""The report of an agent that did not come to anything."""


@dataclass
class Measured:
    """What the demo counted."""

    mood_events: int = 0
    latencies: list[float] = field(default_factory=list)
    mood: Mood | None = None

    def report(self, settings: DemoSettings, source: str, agent: dict[str, Any]) -> dict[str, Any]:
        """The report file's content."""
        return {
            "agent": {key: agent[key] for key in ("labels", "by_expression", "fps", "stage_ms")},
            "latency_ms": percentiles(self.latencies),
            "mood_events": self.mood_events,
            "viewers": settings.viewers,
            "source": source,
        }


def percentiles(latencies: list[float]) -> dict[str, float | None]:
    """p50 and p99 in milliseconds of latencies in seconds; None without at least two."""
    if len(latencies) < 2:
        return {"p50": None, "p99": None}
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {"p50": round(cuts[49] * 1000, 1), "p99": round(cuts[98] * 1000, 1)}


def run(settings: DemoSettings) -> int:
    """Blocks until Ctrl-C or ``settings.seconds`` have passed; returns the exit code."""
    for file in filter(None, (settings.report, settings.screenshot)):
        if not Path(file).resolve().parent.is_dir():
            raise ReportError(f"expected a folder for {file}, but {Path(file).resolve().parent} does not exist")
    if settings.screenshot:
        screenshot.find_browser()
    source, shown = choose_source(settings)
    bar.fetched(registry.LANDMARKER)  # here, where it is seen: the agent's output is not
    return asyncio.run(Demo(settings, source, shown).run())


def choose_source(settings: DemoSettings) -> tuple[str, str]:
    """The agent's ``--source`` and what the report calls it."""
    if settings.video:
        return settings.video, settings.video
    if has_webcam() and (settings.yes or consents()):
        return "webcam", "webcam"
    step("No webcam in use: the agent watches the packaged portrait (or give --video FILE)")
    return str(bar.fetched("portrait")), "portrait"


def has_webcam() -> bool:
    """Whether a camera is attached. Only Linux tells without opening it; elsewhere there usually is one."""
    return any(Path("/dev").glob("video*")) if sys.platform == "linux" else True


def consents() -> bool:
    """Ask before the camera is ever opened; without a terminal to ask on, the answer is no."""
    if not sys.stdin.isatty():
        return False
    print("May the demo's agent watch you through the webcam? Its pictures stay in this machine's memory;")
    return input(
        "only labels such as `happy 0.87` go to the relay, which runs on this machine too. [y/N] "
    ).lower() in (
        "y",
        "yes",
    )


def audience(mood: Mood) -> str:
    """The audience in half a line: how many share, and the most frequent expressions, where they are shown."""
    if not mood.visible:
        return f"shown once {condition(mood.min_viewers, mood.crowd)}"
    shares = sorted(zip(mood.shares, EXPRESSIONS, strict=True), reverse=True)[:3]
    return f"{mood.sharing:4} sharing   " + "  ".join(f"{share:4.0%} {name}" for share, name in shares)


def step(sentence: str) -> None:
    """One line of progress."""
    print(f"  {sentence}", flush=True)


def free_port(settings: DemoSettings) -> int:
    """The port asked for; by default the well-known one, or 0 (any) where that is taken."""
    if settings.port:
        return settings.port
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            return 0
    return DEFAULT_PORT


class Demo:
    """One run of the demo."""

    def __init__(self, settings: DemoSettings, source: str, shown_source: str) -> None:
        self.settings, self.source, self.shown_source = settings, source, shown_source
        self.measured = Measured()
        self.stop = asyncio.Event()
        self.failure: Exception | None = None

    async def run(self) -> int:
        for number in stopping.heeded():
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
                asyncio.get_running_loop().add_signal_handler(number, self.stop.set)
        with tempfile.TemporaryDirectory(prefix="moodcast-demo-") as folder:
            settings = RelaySettings(port=free_port(self.settings), data=folder, no_fetch=self.settings.no_fetch)
            files = BrowserFiles(ourselves.command("models", "assets"))
            relay = await app.start(settings, recogniser=trial.recogniser, assets=files)
            try:
                step(f"Relay listens at {relay.url}")
                agent = await self.perform(relay, Path(folder) / "agent.json")
            finally:
                await relay.stop()
        if self.failure is not None:
            raise self.failure
        self.write_report(agent)
        return 0

    async def perform(self, relay: app.Relay, agent_report: Path) -> dict[str, Any]:
        """Everything that runs on the relay; returns the agent's own report."""
        keys = relay.create_channel(CHANNEL)
        probe_keys = relay.create_channel(PROBE_CHANNEL)
        overlay = f"{relay.url}/overlay?channel={CHANNEL}#key={keys.display_key}"
        agent = await self.start_agent(relay.url, agent_report)
        # The crowd's sockets all start here; without a limit a slow machine would time out on the handshakes.
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            began = time.monotonic()
            jobs = [crowd.follow(http, relay.url, CHANNEL, began, seed) for seed in range(self.settings.viewers)]
            jobs.append(crowd.probe(http, relay.url, PROBE_CHANNEL, probe_keys.display_key, self.measured.latencies))
            jobs.append(self.subscribe(http, relay.url, keys.display_key))
            jobs += [self.watch_agent(agent), self.hear(agent)]
            tasks = [asyncio.create_task(self.guarded(job)) for job in jobs]
            try:
                step(f"{self.settings.viewers} simulated viewers join and follow a show")
                self.announce(relay.url, overlay, keys.display_key)
                tasks.append(asyncio.create_task(self.guarded(self.narrate(began))))
                await self.run_for(self.settings.seconds, overlay)
            except ScreenshotError as error:
                self.failure = self.failure or error
            finally:  # whatever came up, the agent is stopped in order
                self.stop.set()
                report = await self.stop_agent(agent, agent_report)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            return report

    async def run_for(self, seconds: float, overlay: str) -> None:
        """Wait until the demo is over; take the screenshot towards its end, so that the show is well under way."""
        began = time.monotonic()
        if self.settings.screenshot:
            await self.stopped_within(max(2.0, seconds - 6) if seconds else 15)
            if self.failure is None:
                await screenshot.photograph(overlay, Path(self.settings.screenshot))
                step(f"Screenshot written to {self.settings.screenshot}")
        await self.stopped_within(max(0.0, seconds - (time.monotonic() - began)) if seconds else None)

    async def stopped_within(self, seconds: float | None) -> None:
        """Wait for Ctrl-C or a failure, for so long at most; None: for ever."""
        with contextlib.suppress(asyncio.TimeoutError):
            await within(seconds, self.stop.wait())

    async def guarded(self, job: Any) -> None:
        """Run a part of the demo; its failure ends the whole."""
        try:
            await job
        except Exception as error:
            if not self.stop.is_set():
                self.failure = error
                self.stop.set()

    def announce(self, url: str, overlay: str, key: str) -> None:
        print(f"\n  Overlay     {overlay}")
        print(f"  Dashboard   {url}/dashboard?channel={CHANNEL}#key={key}")
        print(f"  Try it      {url}/try  (the recogniser, with pictures or your webcam)")
        print(f"  OBS script  {SCRIPT}")
        print("              (OBS: Tools > Scripts > +; then paste the overlay's address)")
        print("\n  Ctrl-C stops.\n" if not self.settings.seconds else "", flush=True)
        if not self.settings.no_browser:
            webbrowser.open(overlay)

    async def narrate(self, began: float) -> None:
        """Tell on the terminal what the show does and how the crowd takes it."""
        live, said = sys.stdout.isatty(), ""
        while True:
            await asyncio.sleep(0.5)
            scene, mood = scene_at(time.monotonic() - began), self.measured.mood
            if mood is None or (not live and scene.name == said):
                continue
            said = scene.name
            line = f"  {time.monotonic() - began:5.0f} s  {scene.name:<12} {audience(mood)}"
            print(f"\r{line:<79}" if live else line, end="" if live else "\n", flush=True)

    async def subscribe(self, http: aiohttp.ClientSession, url: str, key: str) -> None:
        """Follow the demo's channel as an overlay does."""
        async with http.ws_connect(crowd.mood_address(url, CHANNEL), compress=0) as subscriber:
            await crowd.send(subscriber, Subscribe(key=key))
            async for frame in subscriber:
                event = protocol.from_relay.decode(frame.data)
                if isinstance(event, Mood):
                    self.measured.mood_events += 1
                    self.measured.mood = event

    async def start_agent(self, url: str, report: Path) -> asyncio.subprocess.Process:
        """The real agent, a process of its own as on a viewer's machine."""
        options = ["--relay", url, "--channel", CHANNEL, "--source", self.source, "--loop", "--yes"]
        step(f"Agent watches {self.shown_source}")
        return await asyncio.create_subprocess_exec(
            *ourselves.command("agent", *options, "--report", str(report)),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            # Ctrl-C on the terminal reaches the demo alone, which then stops the agent in order.
            start_new_session=True,
        )  # fmt: skip

    async def watch_agent(self, agent: asyncio.subprocess.Process) -> None:
        """Pass on what the agent says; fail when it ends before the demo does."""
        assert agent.stderr is not None
        said = []
        async for line in agent.stderr:
            said.append(line.decode(errors="replace").rstrip())
        code = await agent.wait()
        sentence = "\n".join(said[-5:]) or "it gave no reason"
        raise AgentStoppedError(f"the agent stopped with exit code {code}: {sentence}", code or 1)

    async def hear(self, agent: asyncio.subprocess.Process) -> None:
        """Read what the agent shows, so that it ends where nobody does: it must not outlive a demo that is killed."""
        assert agent.stdout is not None
        async for _ in agent.stdout:
            pass

    async def stop_agent(self, agent: asyncio.subprocess.Process, report: Path) -> dict[str, Any]:
        """Ask the agent to stop and read the report it writes."""
        if agent.returncode is None:
            agent.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            try:
                await within(10, agent.wait())
            except asyncio.TimeoutError:
                agent.kill()
                await agent.wait()
        try:
            text = await asyncio.to_thread(report.read_text)
        except FileNotFoundError:  # stopped before it had begun; if it failed, watch_agent has said so
            return NO_AGENT
        result: dict[str, Any] = json.loads(text)
        return result

    def write_report(self, agent: dict[str, Any]) -> None:
        """Print the summary; write the report file if one was asked for."""
        report = self.measured.report(self.settings, self.shown_source, agent)
        latency = report["latency_ms"]
        print(
            f"\n  The agent sent {agent['labels']} labels at {agent['fps']:.1f} frames/s; "
            f"{self.measured.mood_events} mood events; label to subscriber "
            f"p50 {latency['p50']} ms, p99 {latency['p99']} ms"
        )
        if self.settings.report:
            try:
                Path(self.settings.report).write_text(json.dumps(report, indent=2) + "\n")
            except OSError as error:
                raise ReportError(f"could not write the report {self.settings.report}: {error.strerror}") from error
            step(f"Report written to {self.settings.report}")
