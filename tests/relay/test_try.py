"""The page /try over HTTP: who may ask, what is refused, and that nothing of a picture stays behind."""

import asyncio
import contextlib
import dataclasses
import io
import logging
import random
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from relay import app
from relay.config import RelaySettings
from relay.core.limits import Limits
from relay.http import decoding, try_page
from relay.store import database
from relay.trial import BadPictureError, Choice, DecodedPicture, Findings, Maker, TriedFace, UnavailableError
from tests.bombs import decoders, slow_picture
from tests.support import audience, leave, wait_until

PIXELS = random.Random(1).randbytes(20 * 30 * 3)


def png() -> bytes:
    """A picture of a face that nobody else may see."""
    file = io.BytesIO()
    Image.frombytes("RGB", (20, 30), PIXELS).save(file, "PNG")
    return file.getvalue()


PICTURE = png()
LIMITS = Limits()


@dataclasses.dataclass
class RecogniserDouble:
    """Says of every picture the same, as soon as ``go`` is set; counts what it was asked."""

    go: threading.Event = dataclasses.field(default_factory=threading.Event)
    pictures: list[DecodedPicture] = dataclasses.field(default_factory=list)
    threads: set[int] = dataclasses.field(default_factory=set)
    closed: bool = False

    def choices(self) -> list[Choice]:
        self.threads.add(threading.get_ident())
        return [Choice(name="moodnet", description="The default."), Choice(name="tiny", description="Smaller.")]

    def look(self, picture: DecodedPicture, model: str) -> Findings:
        self.threads.add(threading.get_ident())
        assert self.go.wait(20)
        self.pictures.append(picture)
        if model == "bad":
            raise BadPictureError("There is no classifier 'bad': choose another.")
        if model == "lost":
            raise UnavailableError("The classifier's file is missing: run `moodcast models fetch`.")
        if model == "bug":
            raise RuntimeError("out of order")
        corners = ((1.0, 2.0), (11.0, 2.0), (11.0, 12.0), (1.0, 12.0))
        face = TriedFace(outline=corners, probabilities=(0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1))
        times = {"load": 0.0, "find": 2.0, "classify": 3.0}
        return Findings(model=model or "moodnet", width=20, height=30, faces=(face, face), milliseconds=times)

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed = True


@contextlib.asynccontextmanager
async def serving(
    folder: Path, make: Maker | None, limits: Limits = LIMITS
) -> AsyncIterator[tuple[app.Relay, aiohttp.ClientSession]]:
    relay = await app.start(RelaySettings(port=0, data=str(folder)), limits, make)
    try:
        async with aiohttp.ClientSession(relay.url) as http:
            yield relay, http
    finally:
        await relay.stop()


async def ask(
    http: aiohttp.ClientSession, picture: bytes, query: str = "", **headers: str
) -> tuple[int, dict[str, object], str]:
    """Status, JSON and ``Retry-After`` of a picture's answer."""
    headers = {"Content-Type": "image/jpeg"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.post(f"/v1/try{query}", data=io.BytesIO(picture), headers=headers) as response:
        return response.status, await response.json(), response.headers.get("Retry-After", "")


async def sentence(http: aiohttp.ClientSession, picture: bytes, query: str = "", **headers: str) -> tuple[int, str]:
    status, answer, _ = await ask(http, picture, query, **headers)
    error = answer["error"]
    assert isinstance(error, dict)
    return status, str(error["message"])


async def test_a_picture_is_looked_at_in_one_thread_that_ends_with_the_relay(tmp_path: Path) -> None:
    recogniser = RecogniserDouble()
    recogniser.go.set()
    async with serving(tmp_path, lambda: recogniser) as (_, http):
        async with http.get("/v1/try") as response:
            about = await response.json()
        assert [model["name"] for model in about["models"]] == ["moodnet", "tiny"]
        assert about["unavailable"] == ""
        assert about["max_bytes"] == try_page.MAX_PICTURE
        status, findings, _ = await ask(http, PICTURE, "?model=tiny")
        assert (status, findings["model"], findings["width"], findings["height"]) == (200, "tiny", 20, 30)
        faces = findings["faces"]
        assert isinstance(faces, list)
        assert [face["probabilities"][3] for face in faces] == [0.9, 0.9]
        assert faces[0]["outline"] == [[1, 2], [11, 2], [11, 12], [1, 12]]
        times = findings["milliseconds"]
        assert isinstance(times, dict)
        assert set(times) == {"load", "decode", "find", "classify"}
        assert times["decode"] > 0
    assert recogniser.pictures == [DecodedPicture(20, 30, PIXELS)]
    assert recogniser.closed
    assert len(recogniser.threads - {threading.get_ident()}) == 1


@pytest.mark.parametrize("header", ["Forwarded", "X_Forwarded_For"])
async def test_who_comes_from_elsewhere_is_told_why_there_is_nothing(tmp_path: Path, header: str) -> None:
    recogniser = RecogniserDouble()
    async with serving(tmp_path, lambda: recogniser) as (_, http):
        proxied = {header.replace("_", "-"): "for=192.0.2.1"}
        status, text = await sentence(http, PICTURE, **{header: "for=192.0.2.1"})
        assert status == 403
        assert "no picture leaves the computer" in text
        async with http.get("/v1/try", headers=proxied) as response:
            assert response.status == 403
        async with http.get("/try", headers=proxied) as response:  # whose browser looks itself
            assert response.status == 200
            assert response.content_type == "text/html"
    assert recogniser.pictures == []


async def test_the_page_may_talk_to_its_relay_alone(tmp_path: Path) -> None:
    async with serving(tmp_path, None) as (_, http), http.get("/try") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "connect-src 'self'", "img-src 'self'"} <= set(policy)
        assert "unsafe" not in " ".join(policy).replace("'wasm-unsafe-eval'", "")  # what reads faces is WebAssembly
        assert response.headers["Permissions-Policy"] == "camera=(self)"


async def test_what_is_no_picture_is_refused_with_a_sentence(tmp_path: Path) -> None:
    recogniser = RecogniserDouble()
    recogniser.go.set()
    async with serving(tmp_path, lambda: recogniser) as (_, http):
        assert await sentence(http, b"bad") == (400, decoding.REFUSALS["unknown"])
        assert recogniser.pictures == []
        assert await sentence(http, PICTURE, "?model=bad") == (400, "There is no classifier 'bad': choose another.")
        assert await sentence(http, PICTURE, "?model=lost") == (
            501,
            "The classifier's file is missing: run `moodcast models fetch`.",
        )
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert await sentence(http, PICTURE, Content_Type=kind) == (
                415,
                f"Expected a picture, as image/jpeg for example, not {kind}.",
            )
        large = PICTURE.ljust(try_page.MAX_PICTURE, b"x")
        assert (await ask(http, large))[0] == 200
        assert await sentence(http, large + b"x") == (413, "Expected a picture of 10 MB at most.")


async def test_a_large_picture_of_unknown_length_is_cut_off(tmp_path: Path) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield bytes(1_000_000)

    async with serving(tmp_path, RecogniserDouble) as (_, http):
        with contextlib.suppress(aiohttp.ClientConnectionError):  # it may be cut off while it still sends
            async with http.post("/v1/try", data=parts(), headers={"Content-Type": "image/png"}) as response:
                assert response.status == 413


async def test_a_picture_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with serving(tmp_path, RecogniserDouble, Limits(request=0.2)) as (relay, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(relay.url.rpartition(":")[2]))
        writer.write(
            b"POST /v1/try HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nhalf"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_too_many_at_once_are_told_to_come_back(tmp_path: Path) -> None:
    recogniser = RecogniserDouble()
    async with serving(tmp_path, lambda: recogniser) as (_, http):
        asked = [asyncio.create_task(ask(http, PICTURE)) for _ in range(try_page.MAX_PICTURES + 2)]

        def refused() -> list[tuple[int, dict[str, object], str]]:
            return [task.result() for task in asked if task.done()]

        await wait_until(lambda: len(refused()) == 2)
        assert [(status, retry) for status, _, retry in refused()] == [(503, "1")] * 2
        async with http.get("/healthz") as response:
            assert response.status == 200  # the relay goes on while it looks
        recogniser.go.set()
        assert (
            sorted(status for status, _, _ in await asyncio.gather(*asked)) == [200] * try_page.MAX_PICTURES + [503] * 2
        )
        assert (await ask(http, PICTURE))[0] == 200


async def test_for_who_left_nothing_is_decoded(tmp_path: Path) -> None:
    async with serving(tmp_path, RecogniserDouble) as (_, http):
        asked = asyncio.create_task(ask(http, slow_picture()))
        await wait_until(decoders)
        (process,) = decoders()
        process.suspend()  # it would need all its time
        asked.cancel()
        await wait_until(lambda: not decoders())


async def test_the_history_is_closed_before_a_picture_is_waited_for(tmp_path: Path) -> None:
    recogniser = RecogniserDouble()
    settings = RelaySettings(port=0, data=str(tmp_path), tick_ms=50, min_viewers=1)
    relay = await app.start(settings, recogniser=lambda: recogniser)
    relay.create_channel("demo")
    viewers = await audience(relay.url, "demo", ["happy"])

    def ended() -> list[object]:
        with database.opened(tmp_path / database.FILE) as file:
            return [row[0] for row in file.execute("SELECT ended FROM sessions").fetchall()]

    await wait_until(lambda: ended() == [None])
    async with aiohttp.ClientSession(relay.url) as http:
        asked = asyncio.create_task(ask(http, PICTURE))
        await wait_until(lambda: recogniser.threads)
        stopped = asyncio.create_task(relay.stop())
        await leave(viewers)
        await wait_until(lambda: "history" not in {thread.name for thread in threading.enumerate()})
        assert ended() not in ([], [None])
        assert not stopped.done()
        recogniser.go.set()
        await stopped
        with contextlib.suppress(aiohttp.ClientConnectionError):
            await asked


@pytest.mark.slow
async def test_a_stopping_relay_ends_its_decoders(tmp_path: Path) -> None:
    recogniser = RecogniserDouble()
    recogniser.go.set()
    async with serving(tmp_path, lambda: recogniser) as (relay, http):
        asked = asyncio.create_task(ask(http, slow_picture()))
        (decoder,) = await wait_until(decoders)
        decoder.suspend()  # it does not end by itself
        await relay.stop()
        await wait_until(lambda: not decoders())  # a busy system takes a while to end what is killed
        with contextlib.suppress(aiohttp.ClientConnectionError):
            await asked


async def test_without_a_recogniser_the_page_says_why_and_looks_again(tmp_path: Path) -> None:
    sentences = ["Recognising needs the agent's packages."]

    def make() -> RecogniserDouble:
        if sentences:
            raise UnavailableError(sentences.pop())
        return RecogniserDouble()

    async with serving(tmp_path, make) as (_, http):
        async with http.get("/v1/try") as response:
            about = await response.json()
            assert (about["models"], about["unavailable"]) == ([], "Recognising needs the agent's packages.")
        async with http.get("/v1/try") as response:  # it was installed in the meantime
            assert len((await response.json())["models"]) == 2
    async with serving(tmp_path, None) as (_, http):
        status, text = await sentence(http, PICTURE)
        assert (status, text) == (501, try_page.NO_RECOGNISER)


async def test_nothing_of_a_picture_is_logged_or_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    recogniser = RecogniserDouble()
    recogniser.go.set()
    async with serving(tmp_path, lambda: recogniser) as (_, http):
        for picture, model in ((PICTURE, "tiny"), (PICTURE[:-20], "tiny"), (PICTURE, "lost")):
            await ask(http, picture, f"?model={model}")
        assert caplog.text.count("ERROR") == 0
        status, _, _ = await ask(http, PICTURE, "?model=bug")
        assert status == 500
    assert "out of order" in caplog.text  # a fault is told, and without what the picture was
    captured = capfd.readouterr()
    for text in (caplog.text, captured.out, captured.err):
        assert not re.search("IHDR|tiny|moodnet|probabilities", text)
    assert not any(secret in content for content in contents(tmp_path) for secret in (PICTURE[50:], PIXELS[:50]))


def contents(folder: Path) -> list[bytes]:
    """Of every file in the folder."""
    files = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    assert files
    return files
