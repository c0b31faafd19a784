"""What clip networks say of faces that come by, with real files in ONNX Runtime."""

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.readers import ClipReader, MemoryReader, StillReader, reader
from models.inference.contract import ClipSpec
from models.inference.infer import ClipClassifier, FaceByFace, load, load_still
from tests.bright import FRAMES, HAPPY, SIDE, face, happiness, network
from tests.slow import network as network_of_minutes
from tests.support import wait_until


@pytest.fixture
def whole(tmp_path: Path) -> ClipReader:
    found = reader(load(str(network(tmp_path / "whole.onnx", ClipSpec(FRAMES, 0.2, every=2)))))
    assert isinstance(found, ClipReader)
    return found


@pytest.fixture
def by_face(tmp_path: Path) -> MemoryReader:
    found = reader(load(str(network(tmp_path / "by_face.onnx", ClipSpec(FRAMES, 0.2, features=1)))))
    assert isinstance(found, MemoryReader)
    return found


def test_both_kinds_of_clip_network_answer_alike_on_whole_clips(whole: ClipReader, by_face: MemoryReader) -> None:
    clips = np.random.default_rng(0).integers(60, 200, (5, FRAMES, SIDE, SIDE)).astype(np.uint8)
    answers = [kind(found.network).batch(clips) for kind, found in ((ClipClassifier, whole), (FaceByFace, by_face))]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)
    assert answers[0][0, HAPPY] == pytest.approx(happiness(clips[0].mean()), abs=1e-3)


def test_a_still_network_gets_a_reader_of_stills() -> None:
    assert isinstance(reader(load_still("moodnet")), StillReader)


def test_each_face_counts_with_those_before_it(by_face: MemoryReader) -> None:
    seen = []
    for i, brightness in enumerate([100, 140, 140, 160]):
        answer = by_face.read(0.2 * i, face(brightness))
        assert answer is not None
        seen.append(answer[HAPPY])
    means = [100, 110, 120, 135]
    assert seen == pytest.approx([happiness(mean) for mean in means], abs=1e-4)
    assert by_face.calls == 4


def test_between_two_frames_of_a_clip_the_last_answer_counts(by_face: MemoryReader) -> None:
    first = by_face.read(0.0, face(100))
    assert by_face.read(0.05, face(255)) == first
    assert by_face.calls == 1


def test_faces_of_before_a_gap_are_forgotten(by_face: MemoryReader, whole: ClipReader) -> None:
    for found in (by_face, whole):
        for i in range(6):
            found.read(0.2 * i, face(100))
        answer = found.read(9.0, face(200))
        assert answer is not None
        assert answer[HAPPY] == pytest.approx(happiness(200), abs=1e-4)


def test_a_clip_is_asked_about_every_few_frames(whole: ClipReader) -> None:
    answers = [whole.read(0.2 * i, face(brightness)) for i, brightness in enumerate([100, 255, 140, 255, 140])]
    assert whole.calls == 3
    assert answers[1] == answers[0]
    assert answers[3] == answers[2]
    assert answers[4] is not None
    assert answers[4][HAPPY] == pytest.approx(happiness((255 + 140 + 255 + 140) / 4), abs=1e-4)


def test_a_slow_network_holds_up_no_frame(whole: ClipReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer comes with a later face; one of another sight is not taken."""
    whole._patience_s = 0.0
    free, real = threading.Event(), whole._classifier.batch
    monkeypatch.setattr(whole._classifier, "batch", lambda clips: (free.wait(10), real(clips))[1])
    assert [whole.read(0.2 * i, face(100)) for i in range(5)] == [None] * 5
    assert whole.read(9.0, face(200)) is None  # another sight, while the clip of the first is still worked on
    free.set()
    found = []
    for i in range(1, 1000):
        answer = whole.read(9.0 + 0.2 * i, face(200))
        if answer is not None:
            found.append(answer[HAPPY])
            break
        threading.Event().wait(0.005)
    assert found == pytest.approx([happiness(200)], abs=1e-4)


async def test_what_fails_in_the_thread_beside_ends_the_capture(
    whole: ClipReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(clips: NDArray[np.uint8]) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(whole._classifier, "batch", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        await wait_until(lambda: whole.read(0.0, face(100)))


async def test_closing_ends_the_clip_that_is_worked_on(tmp_path: Path) -> None:
    """Else the program can't end in good order."""
    slow = reader(load(str(network_of_minutes(tmp_path / "slow.onnx", ClipSpec(2, 0.2)))))
    assert slow.read(0.0, face(100)) is None
    slow.close()
    assert slow.calls == 0
    await wait_until(lambda: all(thread.name != "clip" for thread in threading.enumerate()))
