"""The rule for small smiles: what it may move, and which way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.inference import registry, smile
from models.inference.blendshapes import BLENDSHAPES
from models.inference.smile import HAPPY, NEUTRAL, SmileRule
from relay.protocol import EXPRESSIONS

OTHERS = [k for k in range(len(EXPRESSIONS)) if k not in (HAPPY, NEUTRAL)]
UNHAPPY = [EXPRESSIONS.index(name) for name in ("angry", "disgust", "fear", "sad")]
RULES = {name: entry.smile_rule for name, entry in registry.WEIGHTS.items() if entry.smile_rule}
weights = st.floats(-20, 20)
rules = st.builds(SmileRule, st.floats(0, 20), st.floats(0, 20), weights, st.floats(0, 20), weights, st.floats(0.01, 1))
unit = st.floats(0, 1)


def normal(shares: list[float]) -> NDArray[np.float64]:
    whole = np.array(shares)
    return whole / whole.sum()


answers = st.lists(unit, min_size=7, max_size=7).filter(lambda shares: sum(shares) > 0.01).map(normal)


def shapes(left: float, right: float | None = None) -> NDArray[np.float32]:
    found = np.zeros(len(BLENDSHAPES), np.float32)
    found[BLENDSHAPES.index("mouthSmileLeft")] = left
    found[BLENDSHAPES.index("mouthSmileRight")] = left if right is None else right
    return found


mouths = st.none() | st.builds(shapes, unit, unit)


@given(rules, answers, mouths)
def test_only_happy_and_neutral_share_anew(
    rule: SmileRule, answer: NDArray[np.float64], mouth: NDArray[np.float32] | None
) -> None:
    found = smile.decided(rule, answer, mouth)
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1, abs=1e-9)
    assert (found[OTHERS] == answer[OTHERS]).all()
    assert found[HAPPY] + found[NEUTRAL] == pytest.approx(answer[HAPPY] + answer[NEUTRAL], abs=1e-12)


@given(rules, answers, unit, unit)
def test_a_wider_smile_never_makes_a_face_less_happy(
    rule: SmileRule, answer: NDArray[np.float64], one: float, other: float
) -> None:
    less, more = sorted((one, other))
    faint, plain = (smile.decided(rule, answer, shapes(width)) for width in (less, more))
    assert faint[HAPPY] <= plain[HAPPY] + 1e-12


@given(rules, answers, mouths, unit)
def test_more_of_the_network_s_happy_never_makes_a_face_less_happy(
    rule: SmileRule, answer: NDArray[np.float64], mouth: NDArray[np.float32] | None, share: float
) -> None:
    happier = answer.copy()
    happier[HAPPY] += share * answer[NEUTRAL]
    happier[NEUTRAL] -= share * answer[NEUTRAL]
    before, after = smile.decided(rule, answer, mouth), smile.decided(rule, happier, mouth)
    assert before[HAPPY] <= after[HAPPY] + 1e-12


@given(rules, answers, mouths)
def test_an_expression_that_is_likelier_than_both_together_stays_the_label(
    rule: SmileRule, answer: NDArray[np.float64], mouth: NDArray[np.float32] | None
) -> None:
    if answer[OTHERS].max() > answer[HAPPY] + answer[NEUTRAL]:
        assert int(smile.decided(rule, answer, mouth).argmax()) == int(answer.argmax())


@given(rules, answers, mouths)
def test_no_smile_is_found_in_an_unhappy_face(
    rule: SmileRule, answer: NDArray[np.float64], mouth: NDArray[np.float32] | None
) -> None:
    """Who cries pulls the corners of the mouth, too."""
    if answer[UNHAPPY].sum() >= rule.unhappy and answer[HAPPY] > 1e-5 and answer[NEUTRAL] > 1e-5:
        found = smile.decided(rule, answer, mouth)
        assert found[HAPPY] <= answer[HAPPY] + 1e-9


@given(rules, st.lists(st.tuples(answers, unit), min_size=1, max_size=5))
def test_many_faces_at_once_are_each_as_alone(rule: SmileRule, faces: list[tuple[NDArray[np.float64], float]]) -> None:
    rows, mouths = np.stack([answer for answer, _ in faces]), np.stack([shapes(width) for _, width in faces])
    for kind in (mouths, None):
        together = smile.decided(rule, rows, kind)
        for i, row in enumerate(rows):
            assert together[i] == pytest.approx(smile.decided(rule, row, None if kind is None else kind[i]), abs=1e-12)


@given(answers, mouths)
def test_without_a_rule_nothing_is_moved(answer: NDArray[np.float64], mouth: NDArray[np.float32] | None) -> None:
    assert (smile.decided(None, answer, mouth) == answer).all()


@pytest.mark.parametrize("name", RULES)
def test_a_shipped_rule_sees_what_a_viewer_sees(name: str) -> None:
    rule = RULES[name]

    def label(happy: float, width: float | None) -> str:
        answer = np.full(7, 0.002)
        answer[HAPPY], answer[NEUTRAL] = happy, 0.99 - happy
        mouth = None if width is None else shapes(width)
        return EXPRESSIONS[int(smile.decided(rule, answer, mouth).argmax())]

    assert label(0.85, 0.6) == "happy"
    assert label(0.25, 0.25) == "happy"  # a closed smile, which the network takes for a resting face
    assert label(0.02, 0.0) == "neutral"
    assert label(0.002, 0.5) == "neutral"  # corners that rest high, and nothing else that smiles
    assert label(0.6, None) == "happy"
    assert label(0.05, None) == "neutral"


@pytest.mark.parametrize("name", RULES)
def test_a_shipped_rule_takes_no_sob_for_a_smile(name: str) -> None:
    crying = np.zeros(7)
    crying[UNHAPPY], crying[HAPPY], crying[NEUTRAL] = 0.15, 0.06, 0.34
    found = smile.decided(RULES[name], crying, shapes(0.8))
    assert int(found.argmax()) == NEUTRAL


def test_only_our_networks_have_a_rule() -> None:
    """What others made is taken as it is, and so is a file."""
    assert set(RULES) == {"moodnet", "moodnet-tiny", "moodnet-clip"}
    assert registry.smile_rule("emotieffnet-b0") is None
    assert registry.smile_rule("runs/mine/network.onnx") is None
