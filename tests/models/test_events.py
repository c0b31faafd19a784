"""Event files: checksums by their standards, and TensorBoard's own reader where it is installed."""

from pathlib import Path

import pytest

from models.training import events


def test_crc32c_check_value() -> None:
    assert events.crc32c(b"123456789") == 0xE3069283
    assert events.crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, appendix B.4


@pytest.mark.parametrize(("number", "bits"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02")])
def test_varint(number: int, bits: str) -> None:
    assert events.varint(number).hex() == bits


def test_tensorboard_reads_the_curves(tmp_path: Path) -> None:
    loader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_file_loader", reason="needs TensorBoard: pip install tensorboard"
    )
    log = events.EventLog(tmp_path)
    log.scalars(7, {"train/loss": 0.5, "validation/label": 0.25})
    log.scalars(300, {"train/loss": -2.0})
    read = list(loader.LegacyEventFileLoader(str(log.path)).Load())
    assert read[0].file_version == "brain.Event:2"
    points = [(e.step, v.tag, v.simple_value) for e in read[1:] for v in e.summary.value]
    assert points == [(7, "train/loss", 0.5), (7, "validation/label", 0.25), (300, "train/loss", -2.0)]
