"""The method of Churaev and Savchenko 2023: heads learn many people, then go on with one; nothing else moves."""

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="heads need torch: make test TRAIN=1, or pip install '.[train]'")

from models.errors import TrainingError, UnknownModelError  # noqa: E402
from models.personal import adaptation, heads  # noqa: E402
from models.personal.adaptation import predict, train_personal, train_universal  # noqa: E402
from models.personal.features import FeatureClips  # noqa: E402
from models.personal.heads import HEADS, HeadState  # noqa: E402

EVERY = pytest.mark.parametrize("head", HEADS)
CLASSES = ("angry", "happy", "neutral")


def people(subjects: int = 4, turned: bool = False, width: int = 24, each: int = 6) -> FeatureClips:
    """Clips of three classes, each raising its own features in some frames; ``turned``: they mean the next class."""
    rng = np.random.default_rng(3)
    features, labels = [], []
    for _ in range(subjects * each):
        for label in range(len(CLASSES)):
            frames = rng.normal(0, 0.3, (int(rng.integers(3, 9)), width)).astype(np.float32)
            frames[: len(frames) // 2 + 1, label :: len(CLASSES)] += 2
            features.append(frames)
            labels.append((label + turned) % len(CLASSES))
    names = [f"s{i // (each * len(CLASSES))}" for i in range(len(labels))]
    return FeatureClips(features, np.array(labels), names, CLASSES, [f"c{i}" for i in range(len(labels))])


def of(clips: FeatureClips, *subjects: str) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(clips.subjects, subjects))


def right(state: HeadState, clips: FeatureClips, indices: NDArray[np.int64]) -> float:
    return float((predict(state, clips, indices).argmax(1) == clips.labels[indices]).mean())


@pytest.fixture(autouse=True)
def quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small features need larger steps than the paper's."""
    monkeypatch.setattr(adaptation, "LEARNING_RATE", 1e-2)


@EVERY
def test_a_head_learns_a_small_set_and_knows_strangers(head: str) -> None:
    clips = people()
    state = train_universal(head, clips, of(clips, "s0", "s1"), seed=1)
    assert right(state, clips, of(clips, "s0", "s1")) == 1
    assert right(state, clips, of(clips, "s2", "s3")) > 0.9


@EVERY
def test_a_personal_head_learns_whom_the_universal_one_gets_wrong(head: str) -> None:
    many, odd = people(), people(turned=True)
    state = train_universal(head, many, of(many, "s0", "s1", "s2"), seed=1)
    learn, test = of(odd, "s3")[:9], of(odd, "s3")[9:]
    before = {name: array.copy() for name, array in state.arrays.items()}
    personal = train_personal(state, odd, learn, seed=1)
    assert right(state, odd, test) < 0.2
    assert right(personal, odd, test) > 0.9
    assert all(np.array_equal(state.arrays[name], array) for name, array in before.items())
    assert {name for name, array in personal.arrays.items() if not np.array_equal(array, before[name])} == set(before)


@pytest.mark.parametrize(("head", "epochs"), [("linear", 70), ("single", 50), ("self", 50), ("self-softmax", 50)])
def test_epochs_are_the_papers(head: str, epochs: int) -> None:
    clips = people(subjects=1, each=1)
    state = train_universal(head, clips, [0, 1, 2], seed=1)
    same = train_universal(head, clips, [0, 1, 2], seed=1, epochs=20)
    personal, again = train_personal(state, clips, [0, 1], seed=1), train_personal(state, clips, [0, 1], 1, epochs)
    for one, other in ((state, same), (personal, again)):
        for name, array in one.arrays.items():
            np.testing.assert_array_equal(array, other.arrays[name])


def test_the_seed_decides_and_leaves_torchs_own_chance_alone() -> None:
    clips = people(subjects=1)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (train_universal("single", clips, of(clips, "s0"), seed, epochs=1) for seed in (1, 1, 2))
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(one.arrays["fc.weight"], same.arrays["fc.weight"])
    assert not np.array_equal(one.arrays["fc.weight"], other.arrays["fc.weight"])


def test_a_clips_answer_does_not_depend_on_the_clips_beside_it() -> None:
    clips = people()
    for head in HEADS:
        state = train_universal(head, clips, of(clips, "s0"), seed=1, epochs=1)
        together = predict(state, clips, range(len(clips.labels)))
        np.testing.assert_allclose(together.sum(1), 1, rtol=1e-5)
        alone = np.concatenate([predict(state, clips, [i]) for i in range(5)])
        np.testing.assert_allclose(together[:5], alone, rtol=1e-4, atol=1e-6)
        assert predict(state, clips, []).shape == (0, len(CLASSES))


def test_sums_of_equation_5_are_counted_of_the_printed_head_alone() -> None:
    clips = people(subjects=1)
    learn = of(clips, "s0")
    assert train_universal("self-softmax", clips, learn, seed=1, epochs=2).sums == 0
    state = train_universal("self", clips, learn, seed=1, epochs=2)
    assert state.sums == 2 * len(learn)
    flat = FeatureClips(
        [np.zeros_like(one) for one in clips.features], clips.labels, clips.subjects, CLASSES, clips.clips
    )
    assert train_universal("self", flat, learn, seed=1, epochs=2).floored == 2 * len(learn)
    assert train_personal(state, clips, learn, seed=1, epochs=3).sums == 3 * len(learn)


def test_what_cannot_be_trained_is_a_sentence() -> None:
    clips = people(subjects=1)
    with pytest.raises(UnknownModelError, match="expected the name of a head"):
        train_universal("quadratic", clips, [0], seed=1)
    with pytest.raises(TrainingError, match="expected clips to learn from, got none"):
        train_universal("linear", clips, [], seed=1)
    state = train_universal("linear", clips, [0, 1], seed=1, epochs=1)
    with pytest.raises(TrainingError, match="expected 24 features and the classes angry"):
        train_personal(state, people(subjects=1, width=12), [0], seed=1)
    with pytest.raises(TrainingError, match="no head 'single'"):
        predict(HeadState("single", CLASSES, state.arrays), clips, [0])
    lost = FeatureClips([np.full((2, 24), np.nan, np.float32)], np.array([0]), ["s"], CLASSES, ["c"])
    with pytest.raises(TrainingError, match="is no number in epoch 1"):
        train_universal("linear", lost, [0], seed=1)


def test_universal_heads_learn_at_the_papers_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert adaptation.LEARNING_RATE == 1e-4
    assert heads.UNIVERSAL_EPOCHS == 20
