"""The proof on synthetic people: who learns from whom, on looks that are made up."""

import numpy as np
import pytest

from benchmarks import personal_synth
from benchmarks.personal_synth import COUNTS, KINDS, TAUGHT, Indices, Looks
from relay.protocol import EXPRESSIONS

CLIPS = TAUGHT + 2


@pytest.fixture(scope="module")
def looks() -> Looks:
    """Twelve people whose features say the expression, each in an order of its own; and three looks a clip."""
    rng = np.random.default_rng(0)
    people, classes = [f"{i:02}" for i in range(12)], len(EXPRESSIONS)
    labels = np.tile(np.repeat(np.arange(classes), CLIPS), len(people))
    subjects = np.repeat(people, classes * CLIPS)
    order = {who: rng.permutation(classes) for who in people}
    own = np.array([order[who][label] for who, label in zip(subjects.tolist(), labels.tolist(), strict=True)])
    features = np.repeat(3 * np.eye(classes)[own], 3, 0) + rng.normal(0, 0.1, (3 * len(labels), classes))
    return Looks(
        features.astype(np.float32),
        np.full((3 * len(labels), classes), 1 / classes, np.float32),
        np.tile([False, True, True], len(labels)),
        np.arange(1, len(labels) + 1) * 3,
        labels,
        subjects,
    )


def test_what_is_held_is_averaged(looks: Looks) -> None:
    assert looks.means(looks.features) == pytest.approx(looks.features.reshape(-1, 3, 7)[:, 1:].mean(1), abs=1e-6)


def test_nobody_is_asked_about_what_a_head_has_learned(looks: Looks) -> None:
    people = sorted(set(looks.subjects.tolist()))
    seen: dict[tuple[str, int], list[tuple[Indices, Indices]]] = {}

    def adapt(kind: str, learn: Indices, ask: Indices) -> Indices:
        asked, taught = set(looks.subjects[ask].tolist()), set(looks.subjects[learn].tolist())
        assert not set(learn.tolist()) & set(ask.tolist())
        assert (asked == taught) if kind == "personal" else not asked & taught
        count = len(learn) // len(EXPRESSIONS) // (len(taught) if kind == "pooled" else 1)
        assert (np.bincount(looks.labels[learn]) == len(learn) // len(EXPRESSIONS)).all()
        seen.setdefault((kind, count), []).append((learn, ask))
        return looks.labels[ask]

    wrong = (looks.labels + 1) % len(EXPRESSIONS)
    right = personal_synth.play(looks, people, wrong, adapt, 1, KINDS)
    assert set(seen) == {(kind, count) for kind in KINDS for count in COUNTS}
    for kind, count in seen:
        asked = np.concatenate([ask for _, ask in seen[kind, count]])
        assert sorted(asked.tolist()) == sorted(np.concatenate([ask for _, ask in seen["personal", 1]]).tolist())
        assert (right[f"{kind} {count}"] == 1).all()
    assert (right["universal"] == 0).all()
    for (few, _), (many, _) in zip(seen["personal", 1], seen["personal", 5], strict=True):
        assert set(few.tolist()) < set(many.tolist())
    for learn, _ in seen["common", 5]:
        for label in range(len(EXPRESSIONS)):
            assert len(set(looks.subjects[learn][looks.labels[learn] == label].tolist())) == 5


def test_who_differs_from_all_others_is_learned_alone(looks: Looks) -> None:
    people = sorted(set(looks.subjects.tolist()))
    features, logits = looks.means(looks.features), np.log(looks.means(looks.probabilities))
    adapt = personal_synth.residual(looks, features, logits, dict.fromkeys(KINDS, 0.1))
    row = personal_synth.ProofRow("", personal_synth.play(looks, people, logits.argmax(1), adapt, 1, KINDS), {})
    found = personal_synth.figures(row)
    assert found["personal 1"].mean > 0.99
    assert found["personal - common 1"].low > 0.3
    assert found["universal"].low <= found["universal"].mean <= found["universal"].high
    assert "| personal - common | +" in personal_synth.table("x", found)
