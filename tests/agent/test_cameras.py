"""Cameras by name, as a system with these would tell of them."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent import cameras


def plugged(folder: Path, devices: dict[str, tuple[str, str]]) -> Path:
    """A folder as Linux has it: name and index of each device."""
    for device, (name, index) in devices.items():
        (folder / device).mkdir()
        (folder / device / "name").write_text(name + "\n")
        (folder / device / "index").write_text(index + "\n")
    return folder


def test_a_camera_with_two_devices_is_one_camera(tmp_path: Path) -> None:
    folder = plugged(tmp_path, {"video0": ("HD Webcam", "0"), "video1": ("HD Webcam", "1"), "video10": ("Cam", "0")})
    assert cameras.named(folder) == [("webcam:0", "HD Webcam"), ("webcam:10", "Cam")]


def test_two_cameras_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folder = plugged(tmp_path, {"video2": ("HD Webcam", "0"), "video0": ("HD Webcam", "0"), "video4": ("Other", "0")})
    assert cameras.named(folder) == [
        ("webcam:0", "HD Webcam (video0)"),
        ("webcam:2", "HD Webcam (video2)"),
        ("webcam:4", "Other"),
    ]


def test_what_tells_nothing_has_a_number(tmp_path: Path) -> None:
    (tmp_path / "video3").mkdir()  # as while it is being unplugged
    (tmp_path / "v4l-subdev0").mkdir()
    assert cameras.named(tmp_path) == [("webcam:3", "Camera (video3)")]
    assert cameras.named(tmp_path / "missing") == []


def test_a_name_can_not_steer_what_shows_it(tmp_path: Path) -> None:
    folder = plugged(tmp_path, {"video0": ("a\x1b[2J", "0"), "video1": ("x" * 5000, "0")})
    assert [device.name for device in cameras.named(folder)] == ["Camera (video0)", "x" * 80]


NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12), max_size=6)


@given(names=NAMES)
@example(names=["a", "a (video0)", "a"])
def test_no_two_are_called_the_same(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("devices")
    found = cameras.named(plugged(folder, {f"video{number}": (name, "0") for number, name in enumerate(names)}))
    assert (
        len(found) == len({device.name for device in found}) == len({device.source for device in found}) == len(names)
    )
    assert all(cameras.number_of(device.source) == number for number, device in enumerate(found))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("webcam", 0), ("webcam:2", 2), ("webcam:", None), ("webcam:x", None), ("screen", None), ("webcam2", None)],
)
def test_camera_names(name: str, expected: int | None) -> None:
    assert cameras.number_of(name) == expected
