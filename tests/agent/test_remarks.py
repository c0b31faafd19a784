"""What is said of the network and of the picture; see test_proportions.py for the latter."""

from agent import remarks
from models.inference.contract import ClipSpec


def test_of_a_still_network_there_is_nothing_to_say() -> None:
    assert remarks.about_model("moodnet", None, missed_card=False) == []
    assert remarks.Remarks(None).due(3.0, 1.0) == []


def test_a_clip_network_says_how_long_faces_stay_in_memory() -> None:
    (sentence,) = remarks.about_model("somewhere/net.onnx", ClipSpec(8, 0.2), missed_card=False)
    assert sentence.startswith(
        "net.onnx looks at clips: the last 8 faces, 0.2 s apart. They stay in memory for these 1.4"
    )
    (sentence,) = remarks.about_model("moodnet-clip", ClipSpec(8, 0.2, features=256), missed_card=False)
    assert "What it made of them stays in memory" in sentence


def test_a_card_that_can_not_be_used_is_told() -> None:
    (sentence,) = remarks.about_model("moodnet", None, missed_card=True)
    assert "graphics card can't be used" in sentence


def test_late_labels_are_told_where_a_clip_takes_longer_than_the_time_to_the_next() -> None:
    clip = ClipSpec(16, 0.16, every=4)
    told = remarks.Remarks(clip)
    assert told.due(0.6, 1.0) == []
    assert "takes 2.4 s" in told.due(2.4, 1.0)[0]
    assert told.due(2.5, 1.0) == []  # once is enough
