"""The client against servers that send it elsewhere, and against ones that say what no relay says."""

import asyncio
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from agent.client import Client
from agent.config import AgentSettings
from agent.sending import Sender
from relay import app
from relay.errors import RedirectedError
from tests.strange import Server, redirect
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
            await asyncio.wait_for(client(server.url).run(), 30)


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for 127.0.0.1, signed by itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed (apt package openssl)")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


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
