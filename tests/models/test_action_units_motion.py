"""Action units of portraits that move one unit at a time, followed by the real face stage."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent import face_stage
from benchmarks import action_units as motion
from models.clips import synth
from models.clips.action_units import UNITS_BY_NUMBER
from models.clips.warp import FaceMesh
from models.errors import ModelMissingError
from models.inference import registry
from models.inference.face_stage import TrackFaces

LONDON = Path(__file__).parents[2] / ".." / "shared" / "data" / "photos" / "london"
QUICK = ("AU01", "AU12")


def weights(name: str) -> Path:
    try:
        return registry.path(name)
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def look() -> Iterator[TrackFaces]:
    weights("face_landmarker")
    with face_stage.tracking("tests") as found:
        yield found


def mesh(file: Path) -> FaceMesh:
    with face_stage.finding("tests") as find:
        return synth.load_portraits({"me": file}, find, motion.SIZE)["me"]


def correlation(who: FaceMesh, number: str, look: TrackFaces, clock: Iterator[int]) -> float:
    found = motion.told(motion.filmed(who, number, None), look, clock).units
    place = list(UNITS_BY_NUMBER).index(number)
    return motion.rank_correlation(motion.course()[motion.RESTING :], found[motion.RESTING :, place])


def test_what_moves_is_told_in_order_of_its_strength(look: TrackFaces) -> None:
    who, clock = mesh(weights("portrait")), itertools.count(0, motion.FRAME_MS)
    found = {number: correlation(who, number, look, clock) for number in QUICK}
    assert min(found.values()) >= motion.ENOUGH, found


@pytest.mark.nightly
@pytest.mark.skipif(not LONDON.is_dir(), reason="the London portraits are not here")
def test_every_unit_is_told_in_order_of_its_strength_on_several_people(look: TrackFaces) -> None:
    people = [mesh(file) for file in list(synth.find_portraits(LONDON).values())[10:14]]
    clock = itertools.count(0, motion.FRAME_MS)
    for number in UNITS_BY_NUMBER:
        found = [correlation(who, number, look, clock) for who in people]
        assert np.mean(found) >= motion.ENOUGH, (number, found)


def test_a_unit_that_openface_does_not_have_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        motion.main(["AU12", "AU99"])
    assert "expected one of AU01, " in capsys.readouterr().err


def test_a_head_sways_as_far_as_in_the_synthetic_set() -> None:
    poses = np.array([(p.turn, p.roll, p.scale - 1, p.x, p.y) for p in motion._swaying(71, np.random.default_rng(0))])
    assert (np.abs(poses) <= [0.10, 0.04, 0.03, 0.02, 0.02]).all()
    assert (np.ptp(poses, axis=0) > 0.5 * np.array([0.10, 0.04, 0.03, 0.02, 0.02])).all()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 400], 1),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        ([1, 2, 3], [7, 7, 7], 0),
        ([1, 2, 2, 4], [1, 3, 2, 4], 0.9487),
    ],
)
def test_rank_correlation_is_spearmans(one: list[float], other: list[float], expected: float) -> None:
    assert motion.rank_correlation(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)
