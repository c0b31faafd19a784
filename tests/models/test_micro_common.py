"""Two sets under the same classes: the three of the challenge, else what both name, else a sentence."""

import pytest

from models.clips import layouts
from models.errors import DatasetError
from models.micro.common import THREE, common
from relay.protocol import EXPRESSIONS


def test_any_words_for_the_three_kinds_are_brought_to_them() -> None:
    found = common(EXPRESSIONS, THREE)
    assert found.classes == THREE
    told = dict(zip(EXPRESSIONS, found.first, strict=True))
    assert told == {"angry": 0, "disgust": 0, "fear": 0, "happy": 1, "sad": 0, "surprise": 2, "neutral": -1}
    assert found.second == (0, 1, 2)


def test_the_published_sets_share_three_classes() -> None:
    found = common(layouts.LAYOUTS["casme2"].classes, layouts.LAYOUTS["samm"].classes)
    assert found.classes == THREE
    assert dict(zip(layouts.LAYOUTS["casme2"].classes, found.first, strict=True))["others"] == -1
    assert dict(zip(layouts.LAYOUTS["samm"].classes, found.second, strict=True))["contempt"] == 0


def test_without_all_three_only_what_both_name_is_kept() -> None:
    assert common(("Happiness", "sadness", "tense"), ("tense", "happy")) == (("happy", "tense"), (0, -1, 1), (1, 0))


def test_sets_with_nothing_to_tell_apart_are_told() -> None:
    with pytest.raises(DatasetError, match="one has left, right, and the other right, up"):
        common(("left", "right"), ("right", "up"))
