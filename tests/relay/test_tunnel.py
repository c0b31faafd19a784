"""A relay behind a tunnel that it has started: a stand-in for the program on PATH, attacks through it and past it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from relay import app, check, protocol, settings
from relay.app import Relay
from relay.config import RelaySettings
from relay.core.tunnels import PROGRAMS
from relay.errors import SettingsError
from relay.protocol import Bye, Error, Hello, Label, Subscribe, Welcome
from relay.tunnel import keeper
from tests.support import HANG_S, SOON, Client, request, subscribe, wait_until
from tests.terminals import open_terminal
from tests.tunnels import HOSTS, StandIn, parent_of

ROOT = Path(__file__).parents[2]
BOTH = pytest.mark.parametrize("program", list(PROGRAMS))
HEADERS = {name: program.header for name, program in PROGRAMS.items()}
FORGED = [("Cf-Connecting-Ip", "198.51.100.66"), ("X-Forwarded-For", "198.51.100.66"), ("X-Real-IP", "198.51.100.66")]
Headers = list[tuple[str, str]]


class Way:
    """The way in through the tunnel, or to the port where it ends, or to the relay's own."""

    def __init__(self, url: str, host: str, address: str = "", headers: Headers | None = None) -> None:
        """``address``: which the client has, as the stand-in is told."""
        self.url = url
        lines = [("Host", host)] if host else []
        lines += [("Test-Client", address)] if address else []
        self.headers = CIMultiDict([*lines, *(headers or [])])

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status, and JSON or text."""
        given = CIMultiDict([*self.headers.items(), *headers.items()])
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, json=body, headers=given) as response,
        ):
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())

    async def ticket(self) -> tuple[int, Any]:
        return await self.ask("POST", "/v1/channels/demo/tickets", {})

    async def open(self, path: str, first: protocol.Message, **headers: str) -> Client:
        """A WebSocket that has said its first word."""
        session = aiohttp.ClientSession()
        given = CIMultiDict([*self.headers.items(), *headers.items()])
        try:
            client = Client(session, await session.ws_connect(self.url + path, headers=given))
        except BaseException:
            await session.close()
            raise
        await client.send(first)
        return client

    async def subscriber(self, key: str) -> Client:
        return await self.open("/v1/channels/demo/mood", Subscribe(key=key))

    async def join(self, ticket: str, **headers: str) -> Client:
        """A viewer who has said hello."""
        return await self.open("/v1/channels/demo/viewer", Hello(ticket=ticket), **headers)

    async def viewer(self) -> Client:
        """One who is let in and shares."""
        status, issued = await self.ticket()
        assert status == 201, issued
        client = await self.join(issued["ticket"])
        assert isinstance(await client.receive(), Welcome)
        await client.send(Label(emotion="happy"))
        await client.ws.send_str("{}")  # its answer tells that the label was heard
        await client.receive_until(lambda message: isinstance(message, Error))
        return client


class Behind:
    """A relay behind its tunnel."""

    def __init__(self, relay: Relay, program: str, stand_in: StandIn) -> None:
        self.relay, self.program, self.stand_in = relay, program, stand_in

    def through(self, address: str, *headers: tuple[str, str], host: str = "") -> Way:
        port = self.stand_in.starts()[-1]["port"]
        return Way(f"http://127.0.0.1:{port}", host or HOSTS[self.program], address, list(headers))

    def past(self, *headers: tuple[str, str], host: str = "") -> Way:
        """To the port where the tunnel ends, as any program on the machine could."""
        port = self.stand_in.starts()[-1]["leads_to"]
        return Way(f"http://127.0.0.1:{port}", host or HOSTS[self.program], "", list(headers))

    def at_home(self, *headers: tuple[str, str], host: str = "") -> Way:
        """To the relay's own port."""
        return Way(self.relay.url, host, "", list(headers))


@contextlib.asynccontextmanager
async def behind(stand_in: StandIn, program: str, data: Path, **options: Any) -> AsyncIterator[Behind]:
    """A relay in which each house counts once, and one is enough."""
    given = {"tick_ms": 50, "min_viewers": 1, "address_weight": 1} | options
    relay = await app.start(RelaySettings(port=0, data=str(data / "relay"), tunnel=program, **given), SOON)
    try:
        await wait_until(lambda: stand_in.starts() and not relay.base.note)
        yield Behind(relay, program, stand_in)
    finally:
        await relay.stop()


async def sharing(relay: Relay, key: str, viewers: int) -> int:
    """How many of so many viewers, who have all sent a label, count."""
    async with await subscribe(relay.url, "demo", key) as audience:
        await audience.mood(lambda mood: mood.viewers == viewers and mood.visible)
        await audience.mood()
        return (await audience.mood()).sharing


# --- whose address counts --------------------------------------------------------------------------------------------


@BOTH
async def test_viewers_count_by_the_address_that_the_tunnel_tells(
    program: str, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will_serve(program)
    async with behind(stand_in, program, tmp_path) as there, contextlib.AsyncExitStack() as opened:
        key = there.relay.create_channel("demo").display_key
        for way in (
            there.through("203.0.113.7"),
            there.through("203.0.113.7", *FORGED),  # a client writes what it likes
            there.through("203.0.113.7", (HEADERS[program], "192.0.2.1"), (HEADERS[program], "192.0.2.2")),
            there.through("203.0.113.7", (HEADERS[program].upper(), "127.0.0.1"), ("Forwarded", "for=192.0.2.3")),
            there.through("2001:db8:1:2::3"),
            there.through("2001:db8:1:2::4", *FORGED),  # the same /64
        ):
            await opened.enter_async_context(await way.viewer())
        assert await sharing(there.relay, key, 6) == 2
        await opened.enter_async_context(await there.through("198.51.100.1").viewer())
        assert await sharing(there.relay, key, 7) == 3


@BOTH
async def test_of_a_header_that_comes_twice_the_last_counts(program: str, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.will_serve(program, header="twice")  # were it not to overwrite what the client sent
    async with behind(stand_in, program, tmp_path) as there, contextlib.AsyncExitStack() as opened:
        key = there.relay.create_channel("demo").display_key
        for number in range(3):
            way = there.through("203.0.113.7", (HEADERS[program], f"192.0.2.{number}"), (HEADERS[program], "x"))
            await opened.enter_async_context(await way.viewer())
        assert await sharing(there.relay, key, 3) == 1


@pytest.mark.parametrize("crowd", ["networks", "viewers"])
async def test_whom_the_tunnel_does_not_place_looks_on_and_is_not_counted(
    crowd: str, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will_serve("cloudflared", header="none")
    async with behind(stand_in, "cloudflared", tmp_path, crowd=crowd) as there:
        keys = there.relay.create_channel("demo")
        ways = [
            there.through("203.0.113.7", *FORGED),  # which the stand-in drops; others stay
            there.past(),
            there.past(("X-Forwarded-For", "203.0.113.7"), ("True-Client-IP", "203.0.113.7")),
            there.past(("Cf-Connecting-Ip", "somewhere")),
            there.past(("Cf-Connecting-Ip", "")),
        ]
        for way in ways:
            assert (await way.ask("GET", "/join/demo"))[0] == 200
            status, answer = await way.ask(
                "GET", "/v1/channels/demo/sessions", Authorization=f"Bearer {keys.display_key}"
            )
            assert (status, answer) == (200, {"sessions": []})
            status, refused = await way.ticket()
            assert (status, refused["error"]["code"]) == (403, protocol.FORBIDDEN.number)
            assert "where you come from" in refused["error"]["message"]
            stolen = (await there.at_home().ticket())[1]["ticket"]
            client = await way.join(stolen)
            bye = await client.receive_until(lambda message: isinstance(message, Bye))
            assert bye.code == protocol.FORBIDDEN.number
            await client.close()
        assert there.relay.connections("demo") == (0, 0)


async def test_those_whom_it_does_not_place_are_one_house_with_limits(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.will_serve("cloudflared")
    async with (
        behind(stand_in, "cloudflared", tmp_path, max_per_address=2) as there,
        contextlib.AsyncExitStack() as opened,
    ):
        key = there.relay.create_channel("demo").display_key
        for way in (there.past(), there.past(("Cf-Connecting-Ip", "x"))):
            client = await opened.enter_async_context(await way.subscriber(key))
            await client.mood()
        for way in (there.past(("Cf-Connecting-Ip", "y")), there.past(("X-Forwarded-For", "203.0.113.7"))):
            client = await opened.enter_async_context(await way.subscriber(key))
            bye = await client.receive_until(lambda message: isinstance(message, Bye))
            assert bye.code == protocol.FULL.number
        for way in (there.through("203.0.113.7"), there.at_home()):
            client = await opened.enter_async_context(await way.subscriber(key))
            await client.mood()


# --- past the tunnel -------------------------------------------------------------------------------------------------


@BOTH
async def test_the_header_means_nothing_at_the_relays_own_port(program: str, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.will_serve(program)
    async with behind(stand_in, program, tmp_path) as there, contextlib.AsyncExitStack() as opened:
        key = there.relay.create_channel("demo").display_key
        for number in range(3):
            way = there.at_home((HEADERS[program], f"203.0.113.{number}"))
            assert (await way.ask("GET", "/metrics"))[0] == 403  # it only loses by it
            await opened.enter_async_context(await way.viewer())
        await opened.enter_async_context(await there.at_home().viewer())
        assert await sharing(there.relay, key, 4) == 1


async def test_a_program_of_the_machine_can_claim_an_address_and_nothing_more(
    stand_in: StandIn, tmp_path: Path
) -> None:
    """As before any proxy that is declared: who reaches the port where it ends can say where they come from.

    Whoever runs programs there could do worse: the relay's own port counted each of their connections for itself where
    no other machine can connect, and the relay's memory and database are theirs if the user is the same.
    """
    stand_in.will_serve("cloudflared")
    async with behind(stand_in, "cloudflared", tmp_path) as there, contextlib.AsyncExitStack() as opened:
        key = there.relay.create_channel("demo").display_key
        for number in range(2):
            way = there.past(("Cf-Connecting-Ip", f"203.0.113.{number}"))
            await opened.enter_async_context(await way.viewer())
            assert (await way.ask("GET", "/metrics"))[0] == 403
        assert await sharing(there.relay, key, 2) == 2


OWNERS = [("POST", "/v1/channels", {"channel": "mine"}), ("GET", "/metrics", None), ("GET", "/v1/try", None)]


@BOTH
async def test_nobody_is_the_owner_through_the_tunnel_nor_where_it_ends(
    program: str, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will_serve(program)
    key = "k" * 20
    async with behind(stand_in, program, tmp_path, create_key=key) as there:
        home = (HEADERS[program], "127.0.0.1")
        ways = [there.through("127.0.0.1"), there.through("127.0.0.1", home), there.past(), there.past(home)]
        ways += [there.past(host=name) for name in ("localhost", "127.0.0.1", "[::1]")]
        for way in ways:
            for method, path, body in OWNERS:
                status, answer = await way.ask(method, path, body)
                assert status in (401, 403), (way.url, path, answer)
        for method, path, body in OWNERS[:2]:  # at home it goes on as before
            assert (await there.at_home().ask(method, path, body))[0] in (200, 201)
        made = await there.through("203.0.113.7").ask(
            "POST", "/v1/channels", {"channel": "theirs"}, Authorization=f"Bearer {key}"
        )
        assert made[0] == 201


@BOTH
async def test_its_name_and_its_pages_are_the_relays_own_there_and_nowhere_else(
    program: str, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will_serve(program)
    host = HOSTS[program]
    async with behind(stand_in, program, tmp_path) as there:
        there.relay.create_channel("demo")
        for name in ("localhost", "127.0.0.1", "evil.example", f"evil.{host}", f"{host}.evil.example", "[::1]"):
            for way in (there.through("203.0.113.7", host=name), there.past(host=name)):
                assert (await way.ask("GET", "/join/demo"))[0] == 403
                assert (await way.ask("GET", "/healthz"))[0] == 200  # for probes, by any name
        assert (await there.at_home(host=host).ask("GET", "/join/demo"))[0] == 403  # DNS rebinding

        page = there.through("203.0.113.7")
        _, issued = await page.ask("POST", "/v1/channels/demo/tickets", {}, Origin=f"https://{host}")
        async with await page.join(issued["ticket"], Origin=f"https://{host}") as viewer:
            assert isinstance(await viewer.receive(), Welcome)
        for origin in (f"http://{host}", f"https://{host}:8443", f"https://evil.{host}", there.relay.url, "null"):
            status, _ = await page.ask("POST", "/v1/channels/demo/tickets", {}, Origin=origin)
            assert status == 403, origin
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await page.join(issued["ticket"], Origin=origin)
        for site in ("cross-site", "same-site"):
            headers = {"Origin": f"https://{host}", "Sec-Fetch-Site": site}
            assert (await page.ask("POST", "/v1/channels/demo/tickets", {}, **headers))[0] == 403
        status, _ = await there.at_home().ask("POST", "/v1/channels/demo/tickets", {}, Origin=f"https://{host}")
        assert status == 403


@pytest.mark.parametrize(("program", "via"), [("cloudflared", "Cloudflare"), ("tailscale", "")])
async def test_viewers_are_told_which_firm_can_read_their_labels(
    program: str, via: str, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will_serve(program)
    async with behind(stand_in, program, tmp_path) as there:
        there.relay.create_channel("demo")
        for way, told in ((there.through("203.0.113.7"), via), (there.at_home(), "")):
            issued = (await way.ticket())[1]
            assert issued["via"] == told
            async with await way.join(issued["ticket"]) as viewer:
                welcome = await viewer.receive()
                assert isinstance(welcome, Welcome)
                assert welcome.via == told


# --- its address -----------------------------------------------------------------------------------------------------


@BOTH
async def test_invitations_begin_with_its_address_and_a_new_one_is_told(
    program: str, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "pause_s", lambda failures: 0.01)
    stand_in.will_serve(program)
    old, new = HOSTS[program], f"other-{HOSTS[program]}"
    async with behind(stand_in, program, tmp_path) as there:
        relay, keeping = there.relay, there.relay.tunnel
        assert keeping
        admin = relay.create_channel("demo").admin_key
        assert relay.invitation("demo") == (f"https://{old}/join/demo", [])
        _, invited = await request(relay.url, "POST", "demo/invitation", admin, {})
        assert (invited["link"], invited["note"]) == (f"https://{old}/join/demo", "")
        assert f"https://{old}" in str(keeping.news.get_nowait())

        stand_in.will_serve(program, new)
        os.kill(stand_in.starts()[-1]["pid"], signal.SIGKILL)
        await wait_until(lambda: len(stand_in.starts()) == 2 and relay.base.address == f"https://{new}")
        ended, opened = str(keeping.news.get_nowait()), str(keeping.news.get_nowait())
        assert ended.startswith(f"{program} has ended (exit code 137)")
        assert f"https://{new}" in opened
        assert "another address than before" in opened
        assert relay.invitation("demo") == (f"https://{new}/join/demo", [])
        assert (await there.through("203.0.113.7", host=new).ticket())[0] == 201
        assert (await there.through("203.0.113.7", host=old).ticket())[0] == 403


async def test_without_an_address_nothing_is_answered_and_links_say_so(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_QUIET_S", 0.05)
    asks = "https://login.tailscale.com/f/funnel?node=n1"
    stand_in.will(lines=["Funnel is not enabled on your tailnet.", "To enable, visit:", "", f"    {asks}"])
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path / "relay"), tunnel="tailscale"), SOON)
    try:
        assert relay.tunnel
        silent = str(await asyncio.wait_for(relay.tunnel.news.get(), HANG_S))
        await wait_until(stand_in.starts)
        assert asks in silent or "It says nothing" in silent  # it may have had no time yet
        relay.create_channel("demo")
        link, notes = relay.invitation("demo")
        assert link == f"{relay.url}/join/demo"
        assert ["The tunnel has no address at the moment" in note for note in notes] == [True]
        there = Behind(relay, "tailscale", stand_in)
        for host in ("", HOSTS["tailscale"], "login.tailscale.com", "localhost"):
            for way in (there.through("203.0.113.7", host=host), there.past(host=host)):
                assert (await way.ask("GET", "/join/demo"))[0] == 403
    finally:
        await relay.stop()


HOSTILE = {
    "nothing": [],
    "one huge line": ["x" * 3_000_000],
    "many lines": [f"line {number}" for number in range(20_000)],
    "escape sequences": ["\x1b[2J\x1b]0;owned\x07 \u202e \x9b31m", "| \x1b[1mhttps://a-b.trycloudflare.com\x1b[0m |"],
    "addresses that are none": ["| https://evil.example |", "| https://api.trycloudflare.com |", "| https:// |"],
}


@pytest.mark.parametrize("lines", HOSTILE.values(), ids=list(HOSTILE))
async def test_hostile_output_is_no_address_and_is_quoted_as_text(
    lines: list[str], stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will(lines=lines, exit=7)
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path / "relay"), tunnel="cloudflared"), SOON)
    try:
        assert relay.tunnel
        told = str(await asyncio.wait_for(relay.tunnel.news.get(), HANG_S))
        assert "exit code 7" in told
        assert told.isprintable()
        assert len(told) < 3000
        assert relay.base.address == relay.url
    finally:
        await relay.stop()


async def test_of_two_addresses_the_first_counts(stand_in: StandIn, tmp_path: Path) -> None:
    lines = [f"| https://{name}.trycloudflare.com |" for name in ("first-one", "other-one")]
    stand_in.will(lines=lines)
    async with behind(stand_in, "cloudflared", tmp_path) as there:
        assert there.relay.base.address == "https://first-one.trycloudflare.com"
        assert (await there.through("203.0.113.7", host="other-one.trycloudflare.com").ask("GET", "/"))[0] == 403


# --- its end, and what the program tells -----------------------------------------------------------------------------

RUN = "import sys; from relay import program; from relay.config import RelaySettings; " \
    "sys.exit(program.run(RelaySettings(port=0, data=sys.argv[1], channel='demo', tunnel=sys.argv[2])))"  # fmt: skip


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, marks=pytest.mark.nightly),
        signal.SIGTERM,
        pytest.param(signal.SIGHUP, marks=pytest.mark.nightly),
        signal.SIGKILL,
    ],
)
async def test_it_ends_with_the_relay_however_that_ends(
    number: signal.Signals, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will_serve("cloudflared")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, str(tmp_path / "data"), "cloudflared",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    await wait_until(lambda: stand_in.runs() or process.returncode is not None)
    process.send_signal(number)
    _, err = await asyncio.wait_for(process.communicate(), HANG_S)
    assert b"Traceback" not in err
    await wait_until(lambda: not stand_in.runs())
    assert len(stand_in.starts()) == 1


async def test_viewers_are_told_goodbye_through_it(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.will_serve("cloudflared")
    async with behind(stand_in, "cloudflared", tmp_path) as there:
        there.relay.create_channel("demo")
        viewer = await there.through("203.0.113.7").viewer()
        stopping = asyncio.create_task(there.relay.stop())
        bye = await viewer.receive_until(lambda message: isinstance(message, Bye))
        assert bye.code == protocol.SHUTTING_DOWN.number
        await stopping
        await viewer.close()


async def test_one_that_does_not_want_to_end_is_killed(stand_in: StandIn, tmp_path: Path) -> None:
    (stand_in.folder / "cloudflared").write_text(
        f'#!/bin/sh\ntrap "" TERM\necho "{{\\"pid\\": $$}}" >> "{stand_in.folder}/starts.jsonl"\n'
        "while true; do sleep 0.2; done\n"
    )
    relay = await app.start(RelaySettings(port=0, data=str(tmp_path / "relay"), tunnel="cloudflared"), SOON)
    await wait_until(stand_in.runs)
    await relay.stop()
    await wait_until(lambda: not stand_in.runs())


async def test_a_killed_guard_leaves_nothing_behind_either(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "GRACE_S", 0.2)
    stand_in.will_serve("cloudflared")
    async with behind(stand_in, "cloudflared", tmp_path):
        (pid,) = stand_in.runs()
        os.kill(parent_of(pid), signal.SIGKILL)
    await wait_until(lambda: not stand_in.runs())


async def test_the_program_tells_link_and_picture(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.will_serve("cloudflared")
    ours, theirs = open_terminal()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, str(tmp_path / "data"), "cloudflared", stdout=theirs,
        stderr=asyncio.subprocess.DEVNULL, cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "80"},
    )  # fmt: skip
    os.close(theirs)
    told, loop = b"", asyncio.get_running_loop()
    link = f"https://{HOSTS['cloudflared']}/join/demo"
    try:
        while link.encode() not in told:
            told += await asyncio.wait_for(loop.run_in_executor(None, os.read, ours, 65536), HANG_S)
    finally:
        process.kill()
        await process.wait()
        os.close(ours)
    text = told.decode().replace("\r\n", "\n")
    assert "cloudflared is being started" in text
    assert text.index("Admin key") < text.index("\u2588") < text.index("The tunnel begins at") < text.index(link)
    assert "Cloudflare carries it and could read the labels" in text
    assert "127.0.0.1:8765/join" not in text
    await wait_until(lambda: not stand_in.runs())


async def test_a_relay_that_obs_starts_takes_it_from_the_environment_and_tells_it_in_the_log(
    stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.will_serve("tailscale")
    options = {"MOODCAST_TUNNEL": "tailscale", "MOODCAST_PORT": "0", "MOODCAST_DATA": str(tmp_path / "data")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "moodcast.py", "obs", "relay", cwd=ROOT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | options,
    )  # fmt: skip
    assert process.stdin
    assert process.stderr
    log = b""
    while b"tunnel opens" not in log:
        line = await asyncio.wait_for(process.stderr.readline(), HANG_S)
        assert line, log
        log += line
    assert f"address=https://{HOSTS['tailscale']}".encode() in log
    process.stdin.close()  # OBS has ended
    out, err = await asyncio.wait_for(process.communicate(), HANG_S)
    assert len(out.splitlines()) == 1
    assert out.startswith(b"http://127.0.0.1:")
    assert b"Traceback" not in err
    await wait_until(lambda: not stand_in.runs())


@BOTH
def test_a_program_that_is_not_installed_is_named_with_what_to_do(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    values = RelaySettings(port=0, data=str(tmp_path / "relay"), tunnel=program)
    with pytest.raises(SettingsError, match=f"no program {program} on this machine") as error:
        asyncio.run(app.start(values))
    assert "install" in str(error.value)
    assert error.value.exit_code == 2
    assert not (tmp_path / "relay").exists()
    origins = {option.name: "default" for option in settings.options(RelaySettings)}
    assert check.run(values, origins) == 2
    assert f"problem: --tunnel {program}" in capsys.readouterr().out
