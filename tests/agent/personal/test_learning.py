"""What is learned of a viewer: used where answers that it did not learn from are read better, and nowhere else."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.personal.answers import MOST_ANSWERS, Answer
from agent.personal.learning import APART_S, ENOUGH, learn
from relay.protocol import EXPRESSIONS

HAPPY, SAD, SURPRISE, NEUTRAL = (EXPRESSIONS.index(name) for name in ("happy", "sad", "surprise", "neutral"))
FEATURES = 16
BEGAN = 1_800_000_000.0


def answer(at: float, label: int, universal: int, face: int | None = None, seed: int = 0, sure: float = 0.6) -> Answer:
    """At ``at`` (s) a face that looks as ``face`` does (else as its label), which the network takes for ``universal``.

    A face has a direction of its own in the features, and a little of chance.
    """
    looks = label if face is None else face
    features = np.zeros(FEATURES) + 0.3
    features[looks] += 2.0
    features += np.random.default_rng([round(at), seed]).normal(0, 0.15, FEATURES)
    probabilities = np.full(7, (1 - sure) / 6)
    probabilities[universal] = sure
    return Answer(BEGAN + at, label, features.astype(np.float32), probabilities.astype(np.float32), label != universal)


def resting_sad(count: int, gap: float = 100.0) -> list[Answer]:
    """Of a viewer whose calm face is taken for a sad one, and who smiles in between."""
    return [
        answer(gap * number, HAPPY, HAPPY) if number % 3 == 2 else answer(gap * number, NEUTRAL, SAD)
        for number in range(count)
    ]


def refined(answers: Sequence[Answer], of: Answer) -> NDArray[np.float64]:
    head = learn(answers).head
    assert head is not None
    found: NDArray[np.float64] = head.probabilities(of.features[None], of.universal[None])[0]
    return found


RANDOM = st.lists(
    st.tuples(
        st.floats(0, 2000),
        st.integers(0, 6),
        st.integers(0, 6),
        st.integers(0, 6) | st.none(),
        st.floats(0.2, 0.95),
    ),
    min_size=1,
    max_size=14,
).map(
    lambda rows: [
        answer(at, label, universal, face, seed, sure) for seed, (at, label, universal, face, sure) in enumerate(rows)
    ]
)


TAUGHT = learn(resting_sad(12))


@given(RANDOM)
def test_it_is_used_only_if_better_by_two_and_of_more_than_one_expression(answers: list[Answer]) -> None:
    learned = learn(answers)
    assert 0 <= max(learned.before, learned.after) <= learned.of <= len(answers)
    if learned.head is not None:
        assert learned.after >= learned.before + ENOUGH
        assert len({one.label for one in answers}) > 1


@given(RANDOM, st.randoms())
def test_the_same_answers_teach_the_same_in_whatever_order_they_come(answers: list[Answer], random: Random) -> None:
    shuffled = random.sample(answers, len(answers))
    one, other = learn(answers), learn(shuffled)
    assert (one.before, one.after, one.of, one.sentence) == (other.before, other.after, other.of, other.sentence)
    assert (one.head is None) == (other.head is None)
    if one.head is not None and other.head is not None:
        np.testing.assert_array_equal(one.head.difference.weights, other.head.difference.weights)


@given(RANDOM, st.permutations(range(7)))
def test_no_expression_is_treated_otherwise_than_another(answers: list[Answer], order: list[int]) -> None:
    turned = []
    for one in answers:
        universal = np.empty(7, np.float32)
        universal[order] = one.universal
        turned.append(Answer(one.at, order[one.label], one.features, universal, one.corrected))
    first, second = learn(answers), learn(turned)
    assert (first.before, first.after, first.of) == (second.before, second.after, second.of)
    if first.head is not None and second.head is not None:
        one = answers[0]
        found = first.head.probabilities(one.features[None], one.universal[None])[0]
        found_turned = second.head.probabilities(one.features[None], turned[0].universal[None])[0]
        np.testing.assert_allclose(found_turned[order], found, atol=1e-6)


@given(RANDOM)
def test_what_it_says_are_probabilities_whatever_the_face(answers: list[Answer]) -> None:
    head = TAUGHT.head
    assert head is not None
    features = np.stack([*(one.features for one in answers), np.zeros(FEATURES), np.full(FEATURES, 1e6)])
    universal = np.concatenate([np.stack([one.universal for one in answers]), np.eye(7)[:2]])
    found = head.probabilities(features, universal)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_a_calm_face_that_is_taken_for_a_sad_one_is_learned() -> None:
    learned = learn(resting_sad(12))
    assert (learned.before, learned.after, learned.of) == (4, 12, 12)
    assert learned.sentence == (
        "What was learned from you is used: of 12 answers that were left out, it gets 12 right, and the network for "
        "everybody 4."
    )
    calm, smile = answer(7777, NEUTRAL, SAD), answer(7777, HAPPY, HAPPY)
    assert refined(resting_sad(12), calm).argmax() == NEUTRAL
    assert refined(resting_sad(12), smile).argmax() == HAPPY


def test_expressions_that_were_neither_taught_nor_corrected_keep_their_probabilities() -> None:
    surprised = answer(7777, SURPRISE, SURPRISE)
    found = refined(resting_sad(12), surprised)
    others = [label for label in range(7) if label not in (HAPPY, SAD, NEUTRAL)]
    np.testing.assert_allclose(found[others], surprised.universal[others], atol=1e-6)


def test_few_answers_change_little_and_more_change_more() -> None:
    calm = answer(7777, NEUTRAL, SAD)
    few, many = (refined(resting_sad(count), calm)[NEUTRAL] for count in (4, 40))
    assert calm.universal[NEUTRAL] < few < many


def test_nothing_taught_is_said() -> None:
    learned = learn(())
    assert (learned.head, learned.of, learned.sentence) == (None, 0, "Nothing is taught yet.")


def test_of_one_expression_alone_nothing_is_learned() -> None:
    """Else every face would be it."""
    learned = learn([answer(100.0 * number, NEUTRAL, SAD) for number in range(20)])
    assert learned.head is None
    assert learned.sentence.startswith("So far every answer says neutral.")


def test_answers_of_one_minute_are_copies_and_prove_nothing() -> None:
    learned = learn(resting_sad(12, gap=APART_S / 13))
    assert (learned.head, learned.of) == (None, 0)
    assert learned.sentence.startswith("All answers are of one minute.")


def test_copies_of_one_moment_count_once() -> None:
    alone = resting_sad(3, gap=200.0)
    copies = [
        answer(200.0 * number + second, one.label, int(one.universal.argmax()))
        for number, one in enumerate(alone)
        for second in range(10)
    ]
    learned, of_one_each = learn(copies), learn(alone)
    assert (learned.before, learned.after, learned.of) == (of_one_each.before, of_one_each.after, 3)


def test_an_answer_is_not_judged_by_a_head_that_knows_the_minute_before() -> None:
    """Two answers 10 s apart lie in two minutes by the clock, and are copies still."""
    since = APART_S - 5
    learned = learn([answer(0, HAPPY, HAPPY), answer(since, NEUTRAL, SAD), answer(since + 10, NEUTRAL, SAD)])
    assert (learned.after, learned.of) == (learned.before, learned.of)


def test_answers_that_contradict_each_other_are_not_used() -> None:
    """One face, called otherwise each time."""
    turns = np.random.default_rng(0).integers(0, 7, 40)
    learned = learn([answer(100.0 * n, int(label), SAD, face=SAD) for n, label in enumerate(turns)])
    assert learned.head is None
    assert "not used" in learned.sentence
    assert "two people" in learned.sentence


def test_two_people_who_teach_in_turn_change_nothing_for_the_worse() -> None:
    """One's calm face is the other's sad one, so that whatever the network calls it, it is right half the time."""
    both = []
    for number in range(30):
        face = NEUTRAL if number % 3 else HAPPY
        said = {NEUTRAL: (NEUTRAL, SAD)[number % 2], HAPPY: HAPPY}[face]
        both.append(answer(100.0 * number, said, face, face=face))
    learned = learn(both)
    assert learned.head is None
    assert "not used" in learned.sentence


@pytest.mark.parametrize("count", [1, 2, MOST_ANSWERS])
def test_any_number_of_answers_is_learned_from(count: int) -> None:
    learned = learn(resting_sad(count))
    assert learned.of in (0, count)
    assert (learned.head is not None) == (count == MOST_ANSWERS)
