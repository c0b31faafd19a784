"""The client against servers that send it elsewhere, and against ones that say what no relay says."""

import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from agent.client import Client
from agent.config import AgentSettings
from agent.sending import MOST_NOTES, Sender
from relay import app, protocol
from relay.common.printable import is_printable
from relay.errors import RedirectedError, RefusedError, RelayUnreachableError
from tests import strange
from tests.packets import AGENT, HEADERS, SAME
from tests.strange import Server, redirect, saying, tls
from tests.support import wait_until

ROOT = Path(__file__).parents[2]
REDIRECTS = (301, 302, 303, 307, 308)
VIEWER, TICKETS, HEALTH = "/v1/channels/demo/viewer", "/v1/channels/demo/tickets", "/healthz"


def client(url: str, notes: list[str] | None = None) -> Client:
    return Client(AgentSettings(relay=url, channel="demo"), Sender(), (notes if notes is not None else []).append)


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("path", [TICKETS, VIEWER, HEALTH])
async def test_no_redirect_to_another_relay_is_followed(path: str, status: int, relay: app.Relay) -> None:
    relay.create_channel("demo")
    async with Server().serve() as other:
        for target in (relay.url, other.url):
            answers = {path: redirect(status, target + path)}
            async with Server(answers).serve() as server:
                with pytest.raises(RedirectedError) as caught:
                    await client(server.url).check()
            assert caught.value.exit_code == 39
            assert server.url in str(caught.value)
            assert f"--relay {target}" in str(caught.value)
        assert other.asked == []


@pytest.mark.parametrize(
    "location", ["/elsewhere" + TICKETS, "", "//", "http://[", "ftp://127.0.0.1/x", "https://\u202eb"]
)
async def test_no_redirect_at_all_is_followed(location: str) -> None:
    async with Server({TICKETS: redirect(307, location)}).serve() as server:
        with pytest.raises(RedirectedError) as caught:
            await client(server.url).check()
        assert server.asked == [TICKETS]
    assert str(caught.value).isprintable()


@pytest.mark.slow
async def test_a_redirect_while_it_shares_ends_it_with_the_sentence(relay: app.Relay) -> None:
    """Also when the relay that was agreed to begins to redirect later, as after a restart."""
    relay.create_channel("demo")
    server = Server()

    async def break_off(request: web.Request) -> web.StreamResponse:
        server.answers[TICKETS] = redirect(302, relay.url + TICKETS)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    server.answers[VIEWER] = break_off
    async with server.serve():
        with pytest.raises(RedirectedError):
            await asyncio.wait_for(client(server.url).run(), 60)


@pytest.mark.slow
async def test_no_cookie_is_kept() -> None:
    """It would tie together the pseudonyms that a viewer has in one connection and the next."""
    brought: list[str | None] = []

    async def bake(request: web.Request) -> web.Response:
        brought.append(request.headers.get("Cookie"))
        return web.Response(status=503, headers={"Set-Cookie": "viewer=17; Path=/; Max-Age=9999"})

    async with Server({TICKETS: bake, VIEWER: bake}).serve() as server:
        # By name: of numeric addresses no cookie is kept in any case.
        running = asyncio.create_task(client(server.url.replace("127.0.0.1", "localhost")).run())
        await wait_until(lambda: len(brought) >= 4)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert set(brought) == {None}


async def test_no_request_tells_which_libraries_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where those are installed that unpack more kinds of answers, aiohttp says so by itself."""
    richer = {**aiohttp.ClientRequest.DEFAULT_HEADERS, "Accept-Encoding": "gzip, deflate, br, zstd"}
    monkeypatch.setattr(aiohttp.ClientRequest, "DEFAULT_HEADERS", richer)
    brought: list[dict[str, str]] = []

    async def note(request: web.Request) -> web.Response:
        brought.append({name.lower(): value for name, value in request.headers.items()})
        return web.json_response({"ticket": "t"}, status=201)

    async with Server({TICKETS: note, VIEWER: note, HEALTH: note}).serve() as server:
        with pytest.raises(RelayUnreachableError):
            await client(server.url).check()
    assert len(brought) >= 2
    for headers in brought:
        assert headers.keys() <= HEADERS
        assert {name: headers.get(name, value) for name, value in SAME.items()} == SAME
        assert AGENT.fullmatch(headers["user-agent"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strange.certificate(tmp_path_factory.mktemp("certificate"))


async def checked(url: str, **environment: str) -> str:
    """What ``check`` raises, in a process of its own with these variables and no other."""
    code = (
        "import asyncio, sys; from agent.client import Client; from agent.config import AgentSettings\n"
        "from agent.sending import Sender\n"
        "try: asyncio.run(Client(AgentSettings(relay=sys.argv[1], channel='demo'), Sender(), print).check())\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, url, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return out.decode()


@pytest.mark.parametrize("path", [TICKETS, VIEWER])
async def test_no_redirect_from_https_to_http_is_followed(path: str, certificate: Path, relay: app.Relay) -> None:
    relay.create_channel("demo")
    server = Server({path: redirect(302, relay.url + path)})
    async with server.serve(tls(certificate)):
        said = await checked(server.url, SSL_CERT_FILE=str(certificate))
        assert said.startswith("RedirectedError ")
    assert server.asked[-1] == path


async def test_no_proxy_of_the_environment_is_used() -> None:
    """What the viewer agreed to is one address, and plain http would go through a proxy readable."""
    async with Server().serve() as proxy, Server().serve() as server:
        variables = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
        assert "no Moodcast relay" in await checked(server.url, **dict.fromkeys(variables, proxy.url))
        assert server.asked
        assert proxy.asked == []


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


NONSENSE = {
    "bytes": bytes(range(256)) * 4,
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "terminal controls as status": b"HTTP/1.1 200 \x1b[2J\x1b]0;hello\x07\r\n\r\n",
    "terminal controls as header": b"HTTP/1.1 200 OK\r\n\x1b[2J: \x1b[31m\r\n\r\n",
    "terminal controls as target": http("302 Found", b"", "Location: https://\x1b[2J.example/"),
    "endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
    "no gzip": http("201 Created", b"abcde", "Content-Encoding: gzip"),
    "no text": http("201 Created", b'{"ticket":"\xff\xff"}'),
    "no json": http("201 Created", bytes(range(256))),
    "nested json": http("201 Created", b'{"x":' + b"[" * 4000),
    "list": http("201 Created", b"[]"),
    "wrong types": http("201 Created", b'{"ticket":{"error":7}}'),
}


@pytest.mark.parametrize("words", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_for_an_answer_is_a_sentence(words: bytes) -> None:
    async with saying(words) as address:
        with pytest.raises((RelayUnreachableError, RedirectedError)) as caught:
            await client(f"http://{address}").check()
    assert is_printable(str(caught.value))
    assert len(str(caught.value)) < 400
    assert "message=" not in str(caught.value)  # no programmers' words


async def test_the_wrong_scheme_is_told(certificate: Path) -> None:
    async with saying(http("400 Bad Request", b"")) as address:
        with pytest.raises(RelayUnreachableError, match=f"no https on this port; try http://{address}"):
            await client(f"https://{address}").check()
    pages = [
        b"<html>The plain HTTP request was sent to HTTPS port</html>",  # nginx
        b"Client sent an HTTP request to an HTTPS server.\n",  # Caddy
        b"<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.</p>",  # Apache
    ]
    for words in (*(http("400 Bad Request", page) for page in pages), b"\x15\x03\x01\x00\x02\x02\x46"):
        async with saying(words) as address:
            with pytest.raises(RelayUnreachableError, match=f"expects https on this port; try https://{address}"):
                await client(f"http://{address}").check()
    async with saying(b"", tls(certificate)) as address:
        with pytest.raises(RelayUnreachableError, match=f"if it expects https, try https://{address}"):
            await client(f"http://{address}").check()
        with pytest.raises(RelayUnreachableError, match="certificate can't be verified") as caught:
            await client(f"https://{address}").check()
        assert "http://" not in str(caught.value)


FRAMES = {
    "nested": '{"type":"error","x":' + "[" * 20000,
    "bytes": bytes(range(256)),
    "large": '{"type":"error","code":4400,"message":"' + "x" * 100_000 + '"}',
    "numbers": '{"type":"welcome","channel":1e999,"viewer":[],"tick_ms":"soon","min_viewers":-1}',
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
async def test_nonsense_for_a_welcome_is_a_sentence(frame: str | bytes) -> None:
    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
        await socket.close()
        return socket

    async with Server({VIEWER: talk}).serve() as server:
        notes: list[str] = []
        with pytest.raises(RelayUnreachableError) as caught:
            await client(server.url, notes).check()
    assert is_printable(str(caught.value))
    assert notes == []


STEERING = "Hi.\n\rmoodcast: all is well \x1b[2J\x1b]0;title\x07\u202egpj.exe\u2066\u200b"


async def test_what_a_relay_says_can_not_steer_the_terminal() -> None:
    """Neither its objections, nor its good-bye, nor its answer to who asks for a ticket."""

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(protocol.encode(protocol.Error(code=4400, message=STEERING)).decode())
        await socket.send_str(protocol.encode(protocol.Bye(code=4400, message=STEERING)).decode())
        await socket.close(code=4400)
        return socket

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": 4400, "message": STEERING}}, status=400)

    for answers in ({VIEWER: talk}, {TICKETS: refuse}):
        async with Server(answers).serve() as server:
            notes: list[str] = []
            with pytest.raises(RefusedError) as caught:
                await client(server.url, notes).check()
        for text in (str(caught.value), *notes):
            assert is_printable(text)
            assert "all is well \\x1b[2J" in text
        assert len(notes) == (VIEWER in answers)


@pytest.mark.parametrize("agreed", [False, True])
async def test_what_a_relay_says_can_not_flood_the_terminal(agreed: bool) -> None:
    """Neither before the viewer is asked nor while sharing, whatever kind of message makes the agent say something."""
    welcome = protocol.Welcome(channel="demo", viewer="v", tick_ms=250, min_viewers=1)

    async def babble(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        messages: list[protocol.Message] = [welcome] if agreed else []
        for number in range(100):
            messages.append(protocol.Error(code=4400, message=f"Look here, {number}!"))
            messages.append(protocol.Delay(seconds=number))
            messages.append(protocol.Countdown(seconds=5, time=number, zero=number + 5))
        for message in [*messages, protocol.Bye(code=4400, message="All said.")]:
            await socket.send_str(protocol.encode(message).decode())
        await socket.close(code=4400)
        return socket

    async with Server({VIEWER: babble}).serve() as server:
        notes: list[str] = []
        agent = client(server.url, notes)
        agent.on_countdown = lambda: notes.append("press Enter")
        with pytest.raises(RefusedError, match="All said"):
            await (agent.run() if agreed else agent.check())
    assert notes[0] == "the relay says: Look here, 0!"
    assert len(notes) == MOST_NOTES
