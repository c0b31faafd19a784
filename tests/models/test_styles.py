"""Personal styles of synthetic people: one seed and one name, one style; it shows in all of a person's clips."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import moodcast
from models.clips import motions, styles, synth, warp
from models.clips.styles import SHARED, Style
from models.errors import ModelMissingError
from models.inference import registry
from relay.protocol import EXPRESSIONS


def face(seed: int = 0) -> warp.FaceMesh:
    """Points anywhere: what moves them needs no portrait."""
    points = np.random.default_rng(seed).uniform(20, 80, (warp.MESH, 2))
    rest = np.concatenate([points, np.zeros((40, 2))])
    return warp.FaceMesh(np.zeros((100, 100, 3), np.uint8), rest, np.zeros((0, 3), np.int32), 60.0)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[NDArray[np.float64]]:
    """The meshes that would be drawn."""
    seen: list[NDArray[np.float64]] = []

    def draw(of: warp.FaceMesh, mesh: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
        seen.append(mesh.copy())
        return np.zeros((size, size, 3), np.uint8)

    monkeypatch.setattr(warp, "render", draw)
    return seen


def play(who: warp.FaceMesh, expression: str, seed: int, style: Style) -> None:
    role = synth.Role(expression, "me", 0.8, 16, 2, 7, 10, 14)
    list(synth.perform(who, role, 32, np.random.default_rng(seed), style))


@pytest.mark.parametrize(
    ("expression", "seed", "known"),
    [
        ("angry", 1, (47.38137, 21.412292, 0.20308)),
        ("happy", 2, (47.049271, 21.800053, 0.376441)),
        ("neutral", 3, (47.019752, 21.25783, 0.150301)),
    ],
)
def test_without_a_style_a_face_moves_as_before_there_were_styles(
    moved: list[NDArray[np.float64]], expression: str, seed: int, known: tuple[float, ...]
) -> None:
    play(face(), expression, seed, SHARED)
    motion = np.stack(moved)
    assert (motion.mean(), motion.std(), np.abs(np.diff(motion, axis=0)).mean()) == pytest.approx(known, abs=2e-6)


def flat(style: Style) -> Mapping[tuple[str, str], float]:
    found = {(name, action): s for name, actions in style.expressions.items() for action, s in actions.items()}
    for kind, strengths in (("side", style.side), ("rest", style.rest)):
        found |= {(kind, action): strength for action, strength in strengths.items()}
    return found


@given(subject=st.text(max_size=20), seed=st.integers(0, 2**40))
def test_a_style_is_of_possible_size_and_always_the_same(subject: str, seed: int) -> None:
    style = styles.draw(subject, seed)
    assert style == styles.draw(subject, seed)
    assert tuple(style.expressions) == tuple(styles.VARIANTS)
    assert set(style.expressions) == set(EXPRESSIONS)
    for name, actions in style.expressions.items():
        (variant,) = (one for one in styles.VARIANTS[name] if set(one) == set(actions))
        for action, strength in actions.items():
            assert 0.45 * variant[action] <= strength + 1e-3
            assert strength - 1e-3 <= 1.5 * variant[action]
    assert max(map(abs, style.side.values())) <= styles.SIDE + styles.SIDE_OF_ACTION
    assert len(style.rest) == styles.RESTING_ACTIONS
    assert all(styles.RESTING[0] <= strength <= styles.RESTING[1] for strength in style.rest.values())
    everything = {action for actions in style.expressions.values() for action in actions} | style.rest.keys()
    assert everything | style.side.keys() <= motions.ACTIONS.keys()


def test_variants_are_told_apart_by_their_actions() -> None:
    for name, variants in styles.VARIANTS.items():
        assert variants[0] == motions.PROTOTYPES[name]
        assert len({frozenset(variant) for variant in variants}) == len(variants)


def test_people_differ_by_name_and_by_seed() -> None:
    names = [f"{i:03}" for i in range(60)]
    drawn = [flat(styles.draw(name, seed)) for name in names for seed in (0, 1)]
    assert len({tuple(sorted(one.items())) for one in drawn}) == len(drawn)
    for name in set(EXPRESSIONS) - {"neutral"}:  # all variants are somebody's
        assert len({frozenset(styles.draw(who, 0).expressions[name]) for who in names}) == len(styles.VARIANTS[name])


def test_the_resting_face_is_in_neutral_clips_and_in_every_clip_of_a_person(moved: list[NDArray[np.float64]]) -> None:
    who = face()
    resting = Style(motions.PROTOTYPES, {}, {"brow lowerer": 0.5})
    held = synth.resting(who.face, resting) - who.face
    np.testing.assert_allclose(held, 0.5 * motions.displacement(who.face, "brow lowerer"), atol=1e-12)
    for seed, expression in enumerate(("neutral", "happy", "neutral")):
        for style in (SHARED, resting):
            play(who, expression, seed, style)
        calm, own = np.stack(moved[:16]), np.stack(moved[16:])
        moved.clear()
        # The head's pose turns and scales what is held, and the lids shut over it: most of it is there, in each frame.
        share = ((own - calm)[:, : warp.MESH] * held).sum((1, 2)) / (held**2).sum() / who.tile
        assert share.min() > 0.8
        assert share.max() < 1.2


def test_one_side_moves_more() -> None:
    who = face().face
    strengths = {"lip corner puller": 1.0}
    even, lopsided = (
        np.linalg.norm(synth.pulls(who, strengths, np.random.default_rng(0), {"lip corner puller": side}), axis=1)
        for side in (0, 0.4)
    )
    right = who[:, 0] > 0.6
    left = who[:, 0] < 0.4
    assert (lopsided[right] >= even[right]).all()
    assert (lopsided[left] <= even[left]).all()
    assert lopsided[right].sum() > 1.2 * even[right].sum()


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        registry.path("face_landmarker")
        registry.path("portrait")
    except ModelMissingError as missing:
        pytest.skip(str(missing))
    command = ["models", "synth", "--clips", "7", "--size", "32", "--pictures"]
    sets: dict[str, Any] = {}
    for name, more in (("plain", []), ("own", ["--styles"]), ("again", ["--styles"])):
        assert moodcast.main([*command, str(tmp_path / name), *more]) == 0
        files = (file for file in (tmp_path / name).rglob("*") if file.is_file())
        sets[name] = {file.relative_to(tmp_path / name).as_posix(): file.read_bytes() for file in files}
    assert sets["own"] == sets["again"]
    assert set(sets["own"]) == {*sets["plain"], synth.STYLES}
    assert sets["own"][synth.TABLE] == sets["plain"][synth.TABLE]  # the same roles, played otherwise
    neutral = next(name for name in sets["plain"] if name.startswith("neutral"))
    assert sets["own"][neutral] != sets["plain"][neutral]
    ((subject, told),) = json.loads(sets["own"][synth.STYLES]).items()
    assert Style(**told) == styles.draw(subject, 0)
    assert moodcast.main(["models", "clips", str(tmp_path / "own")]) == 0
    assert "7 clips" in capsys.readouterr().out
