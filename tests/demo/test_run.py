"""What the demo tells on the terminal."""

from demo.run import audience
from relay.protocol import Mood


def mood(visible: bool) -> Mood:
    return Mood(
        seq=1, time=1, visible=visible, viewers=9, sharing=8, min_viewers=5, crowd="networks",
        counts=[0, 0, 0, 6, 0, 0, 2], shares=[0.0, 0, 0, 0.75, 0, 0, 0.25], valence=0.75, resonance=0.5, trend=0,
    )  # fmt: skip


def test_the_audience_is_told_as_far_as_it_is_shown() -> None:
    assert audience(mood(visible=False)) == "shown once people of five networks share"
    assert audience(mood(visible=True)).startswith("   8 sharing    75% happy   25% neutral")
