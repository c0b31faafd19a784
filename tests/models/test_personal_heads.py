"""Trained heads as files: what is written comes back, whatever else is there is refused with a sentence."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from models import atomic
from models.errors import TrainingError, UnknownModelError
from models.personal import heads
from models.personal.heads import HeadState

STATE = HeadState(
    "linear",
    ("happy", "sad"),
    {"fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "fc.bias": np.zeros(2, np.float32)},
    floored=3,
    sums=40,
)


def test_a_head_comes_back_as_it_was(tmp_path: Path) -> None:
    heads.save(STATE, tmp_path / "runs" / "head.npz")
    found = heads.load(tmp_path / "runs" / "head.npz")
    assert dataclasses.replace(found, arrays={}) == dataclasses.replace(STATE, arrays={})
    assert found.width == 3
    assert found.arrays.keys() == STATE.arrays.keys()
    for name, array in STATE.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)


def stored(**arrays: object) -> bytes:
    data = io.BytesIO()
    np.savez(data, **arrays)  # type: ignore[arg-type]
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no head that can be read"),
        (b"PK\3\4 and no more", "no head that can be read"),
        (b"no archive", "no head that can be read"),
        (stored(a=np.zeros(3)), "no head that can be read"),
        (stored(told=np.array("{}")), "no head that can be read"),
        (stored(told=np.array([{"version": 1}], object)), "no head that can be read"),
        (stored(told=np.array('{"version": 1, "head": "linear", "classes": []}')), "no head that can be read"),
        (
            stored(told=np.array('{"version": 2, "head": "linear", "classes": []}'), **STATE.arrays),
            "expected a head of version 1",
        ),
    ],
)
def test_what_is_no_head_is_refused(tmp_path: Path, data: bytes, complaint: str) -> None:
    file = tmp_path / "head.npz"
    file.write_bytes(data)
    with pytest.raises(TrainingError, match=complaint) as refused:
        heads.load(file)
    assert "unsafely" not in str(refused.value)  # numpy's advice for what is no archive


def test_a_head_with_one_wrong_bit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "head.npz"
    heads.save(STATE, file)
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\1\2") + 10] ^= 0x20  # of how the first entry is said to be compressed
    file.write_bytes(data)
    with pytest.raises(TrainingError, match=r"no head that can be read \(That compression method"):
        heads.load(file)


def test_a_head_that_is_not_there_or_not_known(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"there is no .*: train it first"):
        heads.load(tmp_path / "head.npz")
    heads.save(dataclasses.replace(STATE, head="cubic"), tmp_path / "head.npz")
    with pytest.raises(UnknownModelError, match="got 'cubic'"):
        heads.load(tmp_path / "head.npz")


def test_a_full_disk_leaves_the_head_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "head.npz"
    heads.save(STATE, file)
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write", full)
    with pytest.raises(TrainingError, match=r"can't write .*: No space left on device"):
        heads.save(dataclasses.replace(STATE, floored=0), file)
    assert file.read_bytes() == before
