"""Sources: real files, a real (virtual) screen, and cameras that are not there."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from agent import cameras, sources
from agent.errors import CameraBusyError, NoCameraError, ScreenCaptureError, UnreadableVideoError
from agent.sources import FrameSource, Still, Video, open_file, open_source

ROOT = Path(__file__).parents[2]
LEVELS = (20, 70, 120, 170, 220)
"""Grey of each frame of the films below, so that a frame tells its number."""
FPS = 10


@pytest.fixture
def gif(tmp_path: Path) -> Path:
    path = tmp_path / "film.gif"
    frames = [Image.new("L", (64, 48), level) for level in LEVELS]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1000 // FPS, loop=0)
    return path


@pytest.fixture
def avi(tmp_path: Path) -> Path:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (64, 48))
    for level in LEVELS:
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def number(source: FrameSource) -> int | None:
    """Which frame of the film the source shows now; None at its end."""
    frame = source.read()
    if frame is None:
        return None
    assert frame.shape == (48, 64, 3)
    assert frame.dtype == np.uint8
    return min(range(len(LEVELS)), key=lambda i: abs(LEVELS[i] - int(frame.mean())))


@pytest.mark.parametrize("film", ["gif", "avi"])
def test_a_video_plays_at_its_own_speed_however_often_one_looks(film: str, request: pytest.FixtureRequest) -> None:
    clock = Clock()
    video = Video(request.getfixturevalue(film), loop=False, clock=clock)
    assert number(video) == 0
    clock.now += 0.05
    assert number(video) == 0
    clock.now += 0.1
    assert number(video) == 1
    clock.now += 0.2
    assert number(video) == 3  # frame 2 came and went unseen
    clock.now += 0.1
    assert number(video) == 4
    clock.now += 0.1
    assert number(video) is None
    video.close()


def test_a_looped_video_starts_again(gif: Path) -> None:
    clock = Clock()
    video = Video(gif, loop=True, clock=clock)
    assert number(video) == 0
    for _ in range(3):
        clock.now += 0.45
        assert number(video) == 4
        clock.now += 0.1
        assert number(video) == 0
    video.close()


def noise() -> Image.Image:
    """So that no format makes a short file of it."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97], ids=lambda share: f"{share:.0%}")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_picture_that_ends_too_early_is_refused(kind: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / "face"
    noise().save(path, kind)
    whole = path.read_bytes()
    assert isinstance(open_file(path, loop=False), Still)
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UnreadableVideoError, match=f"(is a broken {kind} picture|holds no video or picture)"):
        open_file(path, loop=False)


@pytest.mark.parametrize(
    "content", [b"", b"hello " * 100, bytes(1000), b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_no_picture_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(content)
    with pytest.raises(UnreadableVideoError, match=r"face\.jpg (is a broken|holds no video)"):
        open_file(tmp_path / "face.jpg", loop=False)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that can't be read")
def test_a_file_that_can_not_be_read_is_told_as_such() -> None:
    with pytest.raises(UnreadableVideoError, match="/proc/self/mem can't be read: Input/output error"):
        open_file(Path("/proc/self/mem"), loop=False)


def test_too_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise().save(tmp_path / "face.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnreadableVideoError, match="too many pixels"):
        open_file(tmp_path / "face.png", loop=False)


@pytest.mark.parametrize("kind", ["MPO", "TIFF"])
def test_several_pictures_in_a_file_are_no_film(kind: str, tmp_path: Path) -> None:
    """Phones write such JPEG files: the picture, and the same again for something else."""
    noise().save(tmp_path / "face", kind, save_all=True, append_images=[noise()])
    assert isinstance(open_file(tmp_path / "face", loop=False), Still)


@pytest.mark.parametrize("film", ["film.gif", "film.avi", "film.mpg"])
def test_a_film_that_ends_too_early_plays_as_far_as_it_goes(film: str, tmp_path: Path) -> None:
    """As a recording does that was stopped by a crash."""
    path = tmp_path / film
    if film == "film.gif":
        noise().save(path, save_all=True, append_images=[noise().rotate(90 * i) for i in range(9)], duration=100)
    else:
        code = {"film.avi": "MJPG", "film.mpg": "PIM1"}[film]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, (80, 60))
        for i in range(10):
            writer.write(np.asarray(noise().rotate(90 * i)))
        writer.release()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    clock = Clock()
    video = open_file(path, loop=False)
    assert isinstance(video, Video)
    video._clock = clock
    frames = 0
    while video.read() is not None:
        frames += 1
        clock.now += 0.05
        assert frames < 100
    assert frames > 0


def test_colours_arrive_as_rgb(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (250, 10, 10)).save(tmp_path / "red.png")
    writer = cv2.VideoWriter(str(tmp_path / "red.avi"), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (64, 48))
    writer.write(np.full((48, 64, 3), (10, 10, 250), np.uint8))  # OpenCV writes BGR
    writer.release()
    for name in ("red.png", "red.avi"):
        frame = open_file(tmp_path / name, loop=False).read()
        assert frame is not None
        assert frame[..., 0].mean() > 200
        assert frame[..., 2].mean() < 50


def test_a_picture_never_ends(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30), (1, 2, 3, 255)).save(tmp_path / "face.png")
    picture = open_source(str(tmp_path / "face.png"), loop=False)
    assert isinstance(picture, Still)
    for _ in range(3):
        frame = picture.read()
        assert frame is not None
        assert frame.shape == (30, 40, 3)


def test_a_phone_photo_is_turned_upright_and_a_huge_one_made_smaller(tmp_path: Path) -> None:
    sideways = Image.new("RGB", (3000, 1500))
    exif = sideways.getexif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees
    sideways.save(tmp_path / "phone.jpg", exif=exif)
    frame = open_file(tmp_path / "phone.jpg", loop=False).read()
    assert frame is not None
    assert frame.shape == (1280, 640, 3)


def test_a_picture_is_known_by_its_content(tmp_path: Path, gif: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "face", "PNG")
    assert isinstance(open_file(tmp_path / "face", loop=False), Still)
    assert isinstance(open_file(gif, loop=False), Video)


@pytest.mark.parametrize("content", [b"this is no film\n" * 50, b"", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200])
def test_a_file_that_is_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableVideoError, match=r"talk\.mp4 holds no video or picture.*MP4") as caught:
        sources.check(str(path))
    assert caught.value.exit_code == 12


def test_without_decoders_of_films_none_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a packaged program with a small OpenCV (docs/packaging.md)."""
    monkeypatch.setattr("cv2.videoio_registry.hasBackend", lambda backend: False)
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200)
    with pytest.raises(UnreadableVideoError, match="expected a file such as JPEG, PNG or AVI of JPEG pictures; this"):
        sources.check(str(path))


def test_no_decoder_complains_beside_our_sentence(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 200)
    command = [sys.executable, "-m", "moodcast", "agent", "--channel", "x", "--source", "talk.mp4", "--yes"]
    run = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert run.returncode == 12
    assert re.fullmatch(r"moodcast: talk\.mp4 holds no video.*\n", run.stderr)


def test_a_damaged_picture(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    Image.effect_noise((200, 200), 50).save(whole)
    (tmp_path / "half.png").write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(UnreadableVideoError, match=r"half\.png"):
        sources.check(str(tmp_path / "half.png"))


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideoError, match=r"expected webcam, .* but .*film\.mp4 does not exist"):
        sources.check(str(tmp_path / "film.mp4"))
    with pytest.raises(UnreadableVideoError, match="is a folder"):
        sources.check(str(tmp_path))


linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no device files to look at")


@linux
def test_no_camera_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    with pytest.raises(NoCameraError, match="no camera is connected") as caught:
        sources.check("webcam")
    assert caught.value.exit_code == 10


@linux
def test_another_camera_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "video2").touch()
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    with pytest.raises(NoCameraError, match="webcam:2"):
        sources.check("webcam")


@linux
def test_a_camera_that_is_there_but_does_not_open_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "video63").touch()
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    sources.check("webcam:63")
    with pytest.raises(CameraBusyError, match="close the program that uses it") as caught:
        open_source("webcam:63", loop=False)
    assert caught.value.exit_code == 11


@linux
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may open everything")
def test_a_camera_that_we_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "video0").touch(mode=0)
    monkeypatch.setattr(cameras, "DEVICES", tmp_path)
    with pytest.raises(CameraBusyError, match="usermod -aG video"):
        sources.check("webcam")


def test_a_camera_is_drained_while_waiting_and_its_loss_is_told(avi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A film stands in for the device: it delivers its frames, then nothing more, like a camera that is unplugged."""
    real = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: real(str(avi)))
    camera = open_source("webcam", loop=False)
    assert number(camera) == 0
    with pytest.raises(NoCameraError, match="stopped delivering pictures"):
        camera.wait(3600, threading.Event())
    camera.close()


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual X screen of 320x200.

    It does not begin anew when its last client goes: the next one would find the connection cut.
    """
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (apt package xvfb)")
    readable, writable = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writable), "-screen", "0", "320x200x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writable],
        stderr=subprocess.DEVNULL,
    )
    os.close(writable)
    with os.fdopen(readable) as file:
        yield ":" + file.readline().strip()
    server.terminate()
    server.wait()


@linux
def test_the_screen(display: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", display)
    sources.check("screen")
    screen = open_source("screen", loop=False)
    frame = screen.read()
    screen.close()
    assert frame is not None
    assert frame.shape == (200, 320, 3)


@linux
def test_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":65000")
    with pytest.raises(ScreenCaptureError, match="desktop session") as caught:
        sources.check("screen")
    assert caught.value.exit_code == 16


def test_waiting_ends_when_the_agent_stops(gif: Path) -> None:
    stop = threading.Event()
    stop.set()
    video = open_file(gif, loop=True)
    video.wait(3600, stop)
    video.close()
