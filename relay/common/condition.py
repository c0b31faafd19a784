"""When a mood is shown, in words: for the picture, and for the question that a viewer is asked."""

from relay.protocol import Crowd

_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def number_word(number: int) -> str:
    """A number, 0 or more: up to twelve as a word, beyond as digits."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def condition(min_viewers: int, crowd: Crowd) -> str:
    """What it takes, as in "people of five networks share".

    overlay/figures.js and obs_plugin/moodcast_core.py have the same; tests/conditions.json holds the three together.
    """
    if min_viewers == 1:
        return "somebody shares"
    number = number_word(min_viewers)
    return f"people of {number} networks share" if crowd == "networks" else f"{number} people share"
