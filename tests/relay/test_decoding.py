"""Picture files in the decoder's process: what comes out, and what a file can't make it do."""

import asyncio
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from relay.http import decoder, decoding
from relay.http.decoder import MAX_NEED, MAX_PIXELS, MAX_SCANS, WORKING_SIDE, scans
from relay.http.decoding import REFUSALS, TOO_LONG, Decoding
from relay.trial import BadPictureError
from tests.bombs import bomb, decoders, file_of, slow_picture
from tests.support import wait_until

ORIENTATION = 0x0112


def empty_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims this size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def run_decoder(file: bytes) -> tuple[bytes, int]:
    """What it says of a file, and the most bytes of memory that it had. Linux alone."""
    program = (
        "import re; from pathlib import Path; from relay.http import decoder; decoder.main();"
        "print('\\n', re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, input=len(file).to_bytes(4, "big") + file + b"!", capture_output=True, check=True)
    return run.stdout, 1024 * int(run.stdout.split()[-1])


async def refusal(file: bytes) -> str:
    with pytest.raises(BadPictureError) as error:
        await Decoding().decode(file)
    return str(error.value)


@pytest.mark.parametrize(("kind", "mode"), [
    ("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB"), ("GIF", "P"),
])  # fmt: skip
async def test_a_picture_of_every_kind_comes_out_as_rgb(kind: str, mode: str) -> None:
    image = Image.linear_gradient("L").resize((300, 200)).convert(mode)
    picture = await Decoding().decode(file_of(image, kind))
    assert (picture.width, picture.height, len(picture.rgb)) == (300, 200, 3 * 300 * 200)
    top, bottom = picture.rgb[:3], picture.rgb[-3:]
    assert max(top) < 20
    assert min(bottom) > 235
    assert decoders() == []


async def test_a_large_picture_is_shrunk_and_a_turned_one_set_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = await Decoding().decode(file_of(Image.new("RGB", (6000, 3000)), "JPEG", exif=exif))
    assert (picture.width, picture.height) == (WORKING_SIDE // 2, WORKING_SIDE)


@pytest.mark.parametrize("case", ["text", "nothing", "pdf", "tiff", "cut jpeg", "cut png", "cut webp", "noise"])
async def test_a_bad_file_gets_a_sentence(case: str) -> None:
    small = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    files = {
        "text": b"this is no picture\n" * 100,
        "nothing": b"",
        "pdf": b"%PDF-1.7\n" + bytes(1000),
        "tiff": file_of(small, "TIFF"),
        "cut jpeg": file_of(small, "JPEG")[:700],
        "cut png": file_of(small, "PNG")[:100],
        "cut webp": file_of(small, "WEBP")[:100],
        "noise": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8,
    }
    assert await refusal(files[case]) in (REFUSALS["unknown"], REFUSALS["broken"])


@pytest.mark.parametrize("size", [(8000, 7000), (20_000, 7000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
async def test_a_small_file_that_claims_a_huge_picture_is_not_decoded(size: tuple[int, int]) -> None:
    assert size[0] * size[1] > MAX_PIXELS
    assert await refusal(empty_png(*size)) == REFUSALS["pixels"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [("WEBP", "RGB", {"lossless": True, "method": 0}), ("PNG", "RGBA", {}), ("JPEG", "RGB", {"progressive": True})],
)
async def test_what_takes_much_memory_is_refused_before_it_does(kind: str, mode: str, options: dict[str, Any]) -> None:
    assert await refusal(file_of(Image.new(mode, (7000, 7000)), kind, **options)) == REFUSALS["memory"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory's high water mark from /proc")
@pytest.mark.parametrize(("kind", "size", "options"), [
    ("JPEG", (8000, 6000), {}), ("JPEG", (6000, 4000), {"progressive": True, "subsampling": 0}),
    ("PNG", (7000, 5000), {}), ("WEBP", (3400, 3400), {}), ("GIF", (7000, 7000), {}),
])  # fmt: skip
def test_the_memory_that_a_picture_takes_is_what_was_said(
    kind: str, size: tuple[int, int], options: dict[str, Any]
) -> None:
    file = file_of(Image.linear_gradient("L").resize(size).convert("RGB"), kind, **options)
    output, peak = run_decoder(file)
    need = int(output.partition(b"\n")[0].split()[1])
    assert peak < 30_000_000 + len(file) + need
    assert need <= MAX_NEED


async def test_a_jpeg_of_very_many_scans_is_not_decoded() -> None:
    assert (await Decoding().decode(bomb(50))).width == 64
    assert await refusal(bomb(2000)) == REFUSALS["scans"]


async def test_a_large_jpeg_may_have_fewer_scans() -> None:
    assert await refusal(bomb(50, 5000)) == REFUSALS["scans"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory's high water mark from /proc")
def test_a_head_that_never_ends_takes_little_memory() -> None:
    small = file_of(Image.new("RGB", (32, 32)), "JPEG")
    output, peak = run_decoder(small[:2] + 2_000_000 * b"\xff\xfe\0\2" + small[2:])
    assert output.startswith(b"refused memory")
    assert peak < 110_000_000


def test_scans_are_counted_where_the_decoder_sees_them() -> None:
    small = Image.new("RGB", (32, 32))
    assert scans(file_of(small, "JPEG")) == 1
    own = scans(file_of(small, "JPEG", progressive=True))
    assert own > 1
    assert scans(bomb(20, 32)) == own + 20
    assert scans(bomb(20, 32).replace(b"\xff\xda", b"\xff\x01\xff\xda")) == own + 20  # a marker without a length
    exif = Image.Exif()
    exif[0x010E] = "\xff\xda" * 500  # in a description they are none
    assert scans(file_of(small, "JPEG", exif=exif)) == 1
    assert scans(file_of(small, "JPEG") + b"\xff\xda\0\2" * 500) == 1  # nor after the end
    assert scans(bomb(10 * MAX_SCANS, 32)) == MAX_SCANS + 1


@given(st.binary(max_size=500))
def test_scans_of_anything_are_counted(file: bytes) -> None:
    assert 0 <= scans(file) <= min(MAX_SCANS + 1, file.count(b"\xda"))


async def test_a_decoder_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "PATIENCE_S", 0.0)
    assert await refusal(bomb(1)) == TOO_LONG
    assert decoders() == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit: there the time limit holds")
async def test_a_decoder_that_works_too_much_is_killed_by_the_system() -> None:
    busy = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from relay.http import decoder; decoder._bound('RLIMIT_CPU', 1)\nwhile True: pass",
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await busy.wait() < 0


async def test_who_is_cancelled_leaves_no_process_behind() -> None:
    decode = asyncio.create_task(Decoding().decode(slow_picture()))
    await wait_until(decoders)
    decode.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decode
    assert decoders() == []


async def test_large_pictures_wait_for_each_other_and_small_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lent: list[int] = []
    memory = Decoding._memory

    def watched(self: Decoding, size: int) -> Any:
        lent.append(size)
        return memory(self, size)

    monkeypatch.setattr(Decoding, "_memory", watched)
    together = Decoding()
    async with together._memory(MAX_NEED):
        large = asyncio.create_task(together.decode(file_of(Image.new("RGB", (4000, 3000)), "JPEG")))
        await wait_until(lambda: len(lent) == 2)
        assert (await together.decode(bomb(1))).width == 64
        assert not large.done()
    assert (await large).width == WORKING_SIDE


async def test_who_needs_the_least_memory_is_the_first() -> None:
    decoding, order = Decoding(), []

    async def have(size: int) -> None:
        async with decoding._memory(size):
            order.append(size)
            await asyncio.sleep(0)

    async with decoding._memory(MAX_NEED):
        waiting = [asyncio.create_task(have(size)) for size in (MAX_NEED, 100_000_000, 30_000_000, 150_000_000)]
        await asyncio.sleep(0)
        waiting[2].cancel()  # who gives up holds nobody up
    await asyncio.wait(waiting)
    assert order == [100_000_000, 150_000_000, MAX_NEED]


@pytest.mark.slow
async def test_the_end_of_a_decoder_is_no_surprise(caplog: pytest.LogCaptureFixture) -> None:
    broken = bomb(1)[:500]
    for _ in range(10):
        await asyncio.gather(Decoding().decode(bomb(1)), refusal(broken), refusal(bomb(2000)))
    assert decoders() == []
    assert not caplog.records


def test_the_decoder_needs_no_more_than_pillow() -> None:
    """It starts for each picture, so it starts fast, and has nothing of the relay's to give away."""
    program = "import sys, relay.http.decoder; print(*sys.modules)"
    folder = Path(decoder.__file__).parent.parent
    run = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert not {"aiohttp", "numpy", "msgspec", "cv2", "mediapipe"} & set(run.stdout.split())
