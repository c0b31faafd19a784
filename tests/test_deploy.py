"""The files an operator starts from: image, compose file, proxy, systemd unit."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import yaml

from relay import app, protocol, settings
from relay.app import Relay
from relay.config import RelaySettings
from tests.support import Viewer, free_port, request, wait_until

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "compose.yaml"
FILES = [ROOT / "Dockerfile", COMPOSE, ROOT / "deploy" / "moodcast-relay.service"]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return loaded


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_an_option_of_the_relay(path: Path) -> None:
    known = {option.variable for option in settings.options(RelaySettings)}
    named = set(re.findall(r"MOODCAST_[A-Z_]+", path.read_text()))
    assert named
    assert named <= known


def test_the_values_in_the_compose_file_are_good_ones(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            option = variable.removeprefix("MOODCAST_").lower()
            if variable.startswith("MOODCAST_") and not value.startswith("${"):
                settings.check(RelaySettings, option, value)
        # No secret has a value here, and none goes without.
        secrets = [key for key in service.get("environment", {}) if re.search("PASSWORD|_KEY", key)]
        assert all(service["environment"][key].startswith("${") for key in secrets), name


def test_only_the_proxy_can_be_reached_and_starts_after_what_it_needs(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    nodes = [name for name, service in services.items() if "build" in service]
    assert set(services["proxy"]["depends_on"]) == set(nodes)
    upstreams = re.findall(r"([\w-]+):8765", (ROOT / "deploy" / "Caddyfile").read_text())
    assert upstreams == nodes
    for name in nodes:
        assert set(services[name]["depends_on"]) == {"redis", "postgres"}
        drain = float(services[name]["environment"]["MOODCAST_DRAIN_SECONDS"])
        assert float(services[name]["stop_grace_period"].removesuffix("s")) > drain + 10


def test_images_are_pinned(services: dict[str, Any]) -> None:
    named = [service["image"] for service in services.values() if "build" not in service]
    named += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert all(re.search(r":\d+\.\d+", image) for image in named)


def test_the_image_does_not_run_as_root_and_has_no_build_tools() -> None:
    last = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]
    assert "\nUSER moodcast\n" in last
    assert "pip install" not in last
    assert "dev" not in re.findall(r"'\.\[(.+)\]'", (ROOT / "Dockerfile").read_text())[0].split(",")


async def test_the_images_health_check_asks_a_relay(relay: Relay) -> None:
    text = (ROOT / "Dockerfile").read_text()
    found = re.search(r'CMD \["/opt/moodcast/bin/python", "-c", (".+")\]$', text, re.MULTILINE)
    assert found
    for port, healthy in ((relay.url.rsplit(":", 1)[1], True), (str(free_port()), False)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", json.loads(found[1]),
            env=os.environ | {"MOODCAST_PORT": port}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert (await process.wait() == 0) is healthy


# --- the systemd unit ------------------------------------------------------------------------------------------------

UNIT = ROOT / "deploy" / "moodcast-relay.service"


def unit() -> dict[str, list[str]]:
    """The unit's settings; some come several times."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def systemd_analyze(*arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze: install systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_unit_is_a_sandbox() -> None:
    table = systemd_analyze("security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"Overall exposure level.*: ([\d.]+)", table)
    assert found
    assert float(found[1]) < 3.0


def test_a_full_relay_fits_below_the_units_limits() -> None:
    """16 KiB a viewer are measured (README), and the kernel takes half as much."""
    viewers = RelaySettings().max_connections
    high, most = (int(unit()[name][0][:-1]) << (20 if unit()[name][0].endswith("M") else 30) for name in LIMITS)
    assert viewers * 24 * 1024 < high < most
    assert int(unit()["LimitNOFILE"][0]) > viewers


def test_as_many_workers_as_there_may_be_have_room_for_their_threads() -> None:
    """asyncio's own, 32 at most, and those that parts of the relay keep to themselves."""
    own = sum(
        sum(map(int, re.findall(r"ThreadPoolExecutor\((\d+)", path.read_text())))
        + len(re.findall(r"threading\.Thread\(", path.read_text()))
        for path in (ROOT / "relay").rglob("*.py")
    )
    assert int(unit()["TasksMax"][0]) > 99 * (32 + own)


LIMITS = ("MemoryHigh", "MemoryMax")


def allowed_calls() -> set[str]:
    """The system calls that the unit's filter lets through."""
    sets: dict[str, list[str]] = {}
    for line in systemd_analyze("syscall-filter", "--no-pager").splitlines():
        if line.startswith("@"):
            members = sets.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())

    def expanded(name: str) -> set[str]:
        return set().union(*map(expanded, sets[name])) if name.startswith("@") else {name}

    allowed: set[str] = set()
    for value in unit()["SystemCallFilter"]:
        names = set().union(*map(expanded, value.removeprefix("~").split()))
        allowed = allowed - names if value.startswith("~") else allowed | names
    return allowed


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace: install the package strace")
async def test_a_relay_needs_no_call_that_the_unit_forbids(tmp_path: Path) -> None:
    """From its start to its end, with a session stored, a picture drawn, and a try to fetch what browsers read faces
    with; nor memory to write and run."""
    allowed, trace, port = allowed_calls(), tmp_path / "trace", free_port()
    command = [
        "strace", "-f", "-qq", "-o", str(trace), sys.executable, "-m", "moodcast", "relay", "--port", str(port),
        "--data", str(tmp_path / "data"), "--channel", "demo", "--min-viewers", "1",
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name != "MOODCAST_NO_FETCH"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "npm_config_registry": "http://127.0.0.1:9"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    while b"Display key" not in (line := await process.stdout.readline()):
        assert line, "the relay did not start"
    url, key = f"http://127.0.0.1:{port}", line.decode().split()[-1]
    async with await Viewer.connect(url) as viewer:
        await viewer.label("happy")

        async def stored() -> bool:
            status, body = await request(url, "GET", "demo/sessions/1", key)
            return status == 200 and bool(body["moments"])

        await wait_until(stored, 60)
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{url}/v1/channels/demo/overlay.png") as response,
        ):
            assert response.status == 200
    while b"is not ready" not in (line := await process.stderr.readline()):
        assert line, "the relay said nothing of the files that it could not fetch"
    assert b"could not fetch 'vision_bundle'" in line
    psutil.Process(process.pid).children()[0].terminate()  # strace would not pass the signal on
    await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    calls = re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)[( ](.*)$", trace.read_text(errors="replace"), re.MULTILINE)
    assert {"epoll_wait", "accept4", "pwrite64", "setpriority"} <= {name for name, _ in calls}
    as_root = {"fchown"}  # SQLite's, where it runs as root, which the unit's relay does not
    assert {name for name, _ in calls} - allowed <= as_root
    assert [
        call for call in calls if "PROT_EXEC" in call[1] and ("PROT_WRITE" in call[1] or call[0] == "mprotect")
    ] == []


# --- the proxy -------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def proxy(folder: Path, *relays: Relay) -> AsyncIterator[str]:
    """A real Caddy with our configuration in front of the relays; its https address."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("no Caddy: install the package caddy")
    port = free_port()
    environment = os.environ | {
        "SITE": "localhost", "HTTPS_PORT": str(port), "HTTP_PORT": str(free_port()), "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config"),
        "UPSTREAMS": " ".join(relay.url.removeprefix("http://") for relay in relays),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        program, "run", "--config", str(ROOT / "deploy" / "Caddyfile"), "--adapter", "caddyfile",
        env=environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


def _session() -> aiohttp.ClientSession:
    """Believes Caddy's own certificate, and says what a client could lie about."""
    headers = {"X-Forwarded-For": "203.0.113.9"}
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False), headers=headers)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url + "/readyz") as response:
            return response.status == 200
    except (aiohttp.ClientError, ssl.SSLError, OSError):
        return False


@pytest.mark.relay(proxies=1, max_per_address=2)
async def test_clients_come_through_the_proxy(relay: Relay, tmp_path: Path) -> None:
    keys = relay.create_channel("demo")
    async with proxy(tmp_path, relay) as url, _session() as session:
        await wait_until(lambda: _answers(session, url), 60)
        async with session.post(f"{url}/v1/channels", json={"channel": "other"}) as response:
            assert response.status == 403  # this is not the relay's own machine
        async with session.post(f"{url}/v1/channels/demo/tickets", json={}) as response:
            ticket = (await response.json())["ticket"]
        # Two are what one address may have; the one that the client made up is not believed.
        watching = {"Authorization": f"Bearer {keys.display_key}"}
        async with (
            session.get(f"{url}/v1/channels/demo/mood", headers=watching) as events,
            session.ws_connect(f"{url}/v1/channels/demo/viewer") as viewer,
        ):
            await viewer.send_str(protocol.encode(protocol.Hello(ticket=ticket)).decode())
            assert (await viewer.receive_json())["type"] == "welcome"
            made_up = {"X-Forwarded-For": "198.51.100.1"}
            async with session.ws_connect(f"{url}/v1/channels/demo/viewer", headers=made_up) as third:
                assert (await third.receive_json())["code"] == protocol.FULL.number
            await viewer.send_str(protocol.encode(protocol.Label(emotion="happy")).decode())
            async for line in events.content:
                if line.startswith(b'data: {"type":"mood"') and b'"visible":true' in line:
                    break


async def test_a_node_that_says_goodbye_gets_nobody_new(tmp_path: Path) -> None:
    nodes = []
    for name in ("one", "two"):
        options = {"port": 0, "data": str(tmp_path / name), "proxies": 1}
        nodes.append(await app.start(RelaySettings(**options)))  # type: ignore[arg-type]
        nodes[-1].create_channel("demo")
    async with proxy(tmp_path, *nodes) as url, _session() as session:
        await wait_until(lambda: _answers(session, url), 60)
        await nodes[0].drain(0)

        async def all_taken() -> bool:
            return all([await _taken(session, url) for _ in range(10)])

        await wait_until(all_taken, 60)
    for node in nodes:
        await node.stop()


async def _taken(session: aiohttp.ClientSession, url: str) -> bool:
    async with session.post(f"{url}/v1/channels/demo/tickets", json={}) as response:
        return response.status != protocol.SHUTTING_DOWN.http_status  # a ticket, or none since there were many
