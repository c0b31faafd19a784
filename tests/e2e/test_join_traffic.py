"""What leaves the browser of a viewer who shares, from the page's load to its end: every byte, as a proxy gets it."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import async_playwright

from relay import protocol
from tests import packets
from tests.e2e import fake_camera as camera
from tests.e2e.join_visit import Visit, reading_relay
from tests.e2e.recording_proxy import RecordingProxy, Sent
from tests.packets import Frame, Request
from tests.support import count_of, subscribe

CHROMIUMS_OWN = {
    "accounts.google.com", "android.clients.google.com", "content-autofill.googleapis.com", "update.googleapis.com",
    "www.google.com",
}  # fmt: skip
"""Chromium asks these by itself, whatever page is open; the one for autofill, where it has a form."""
REQUESTS = re.compile(
    r"GET /join/demo|GET /favicon\.ico|GET /static/[\w./-]+|GET /v1/assets|GET /assets/[0-9a-f]{16}/[\w.-]+"
    r"|GET /v1/channels/demo/viewer|POST /v1/channels/demo/tickets"
)
HEADERS = {
    "accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "content-type",
    "host", "if-modified-since", "if-none-match", "origin", "pragma", "referer", "sec-ch-ua", "sec-ch-ua-mobile",
    "sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-storage-access",
    "sec-fetch-user", "sec-websocket-extensions", "sec-websocket-key", "sec-websocket-version", "upgrade",
    "upgrade-insecure-requests", "user-agent", "priority",
}  # fmt: skip
"""What a browser may say of itself: all but cookies and keys."""
LONGEST_HEADER = 200
PICTURES = [b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"ftyp", b"\x1aE\xdf\xa3", b"data:image", b"data:video", b"blob:"]
"""How JPEG, PNG, WebP, MP4 and WebM begin, and addresses of such."""
NUMBERS = re.compile(rb"(?:-?\d+(?:\.\d+)?(?:e-?\d+)?[,\s]+){8}")
"""As a list of landmarks would be written."""


def smuggled(said: bytes) -> list[bytes]:
    """Signs of pictures or of a face's shape, plain or in base64."""
    words = re.findall(rb"[A-Za-z0-9+/_-]{120,}", said)
    encoded = [base64.b64encode(begin)[:3] for begin in PICTURES]
    signs = [begin for begin in PICTURES if begin in said] + [word for word in words if word[:3] in encoded]
    return signs + NUMBERS.findall(said)


def beyond(sent: Sent) -> list[str]:
    """What of a connection is more than the page may say; empty where nothing is."""
    found = []
    for one in sent.said():
        if isinstance(one, Request):
            if not REQUESTS.fullmatch(f"{one.method} {one.path}"):
                found.append(f"no request of the page: {one.method} {one.path}")
            if one.body not in (b"", b"{}"):
                found.append(f"a body: {one.body!r}")
            found += [f"header {name}" for name in one.headers.keys() - HEADERS]
            found += [f"long {name}" for name, value in one.headers.items() if len(value) > LONGEST_HEADER]
        elif problem := packets.beyond(one):
            found.append(problem)
    found += [f"smuggled: {sign!r}" for sign in smuggled(bytes(sent.up))]
    return found


def _texts(sent: Sent) -> list[str]:
    return [one.payload.decode() for one in sent.said() if isinstance(one, Frame) and one.opcode == 1]


def test_smuggled_pictures_and_landmarks_are_noticed() -> None:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (48, 48, 3), np.uint8)).save(file, "JPEG")
    for stolen in (
        file.getvalue(),
        base64.b64encode(file.getvalue()),
        b"data:image/png;base64,AAAA",
        json.dumps({"face": [0.1234, 0.5678] * 5}).encode(),
    ):
        sent = Sent("relay:1", bytearray(b"POST /v1/channels/demo/tickets HTTP/1.1\r\n"))
        sent.up += f"Host: relay\r\nContent-Length: {len(stolen)}\r\n\r\n".encode() + stolen
        assert len(beyond(sent)) == 2, stolen[:40]
    honest = b'{"type":"label","emotion":"happy","confidence":0.98}'
    assert smuggled(honest + b'{"type":"hello","agent":"moodcast-page","ticket":"eyJ-' + b"x" * 90 + b'"}') == []


@pytest.mark.nightly
async def test_nothing_but_contract_messages_leaves_the_browser(tmp_path: Path) -> None:
    """And the page tells each of them to the letter."""
    seen = camera.film(tmp_path / "film.y4m", [*camera.moving(camera.portrait()), *[camera.nobody()] * 30])
    async with (
        reading_relay(tmp_path / "relay", min_viewers=1) as relay,
        RecordingProxy(relay.url).serve() as proxy,
        async_playwright() as playwright,
        camera.chromium_with_camera(
            playwright, seen, "accept", f"--proxy-server={proxy.url}", "--proxy-bypass-list=<-loopback>"
        ) as browser,
    ):
        keys = relay.create_channel("demo")
        async with await subscribe(relay.url, "demo", keys.display_key) as audience:
            visit = await Visit.open(browser, relay.url)
            before = len(proxy.sent)
            await visit.share()
            await audience.mood(lambda mood: count_of(mood, "happy") == 1)
            await visit.page.locator("#taps button").first.click()
            await audience.receive_until(lambda message: isinstance(message, protocol.Reaction))
            await audience.mood(lambda mood: (mood.viewers, mood.sharing) == (1, 0))
            await audience.mood(lambda mood: count_of(mood, "happy") == 1)
            told = await visit.sent()
            await visit.page.locator("#stop").click()
            await audience.mood(lambda mood: mood.viewers == 0)
            await visit.page.close()
    assert before, "the page itself was loaded through the proxy"
    assert {host.partition(":")[0] for host in proxy.elsewhere()} <= CHROMIUMS_OWN
    assert {problem for sent in proxy.to_relay() for problem in beyond(sent)} == set()
    [socket] = [sent for sent in proxy.to_relay() if len(sent.said()) > 1]
    texts = _texts(socket)
    ticket = json.loads(texts[0])["ticket"]
    sent = [text.replace(ticket, "…") for text in texts]
    # Requests stand there too: one or more for tickets, as the first one may be asked for twice, and one for the line.
    messages = [re.sub(r"^[^{]*", "", line) for line in told if "/v1/channels/demo/" not in line]
    assert messages == sent[: len(messages)], (told, sent)
    labels = [text for text in texts if '"label"' in text]
    assert labels
    assert max(len(text) for text in texts[1:]) < 64
    assert sum(len(text) for text in texts) < 2000, "of half a minute with a camera"
