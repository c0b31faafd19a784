"""What it takes before a mood is shown, in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.common.condition import condition
from relay.protocol import Mood, Welcome, encode, from_relay

CONDITIONS = json.loads((Path(__file__).parents[1] / "conditions.json").read_text("utf-8"))


def from_old_relay(message: Mood | Welcome) -> Any:
    """The message as a relay sent it that did not tell what it counts."""
    fields = json.loads(encode(message))
    del fields["crowd"]
    return from_relay.decode(json.dumps(fields))


def welcome(case: dict[str, Any]) -> Welcome:
    return Welcome(channel="demo", viewer="v", tick_ms=250, **{k: v for k, v in case.items() if k != "text"})


@pytest.mark.parametrize("case", CONDITIONS, ids=str)
def test_the_words_are_those_of_the_pages_and_the_obs_script(case: dict[str, Any]) -> None:
    said = welcome(case) if "crowd" in case else from_old_relay(welcome(case))
    assert condition(said.min_viewers, said.crowd) == case["text"]


def test_a_relay_always_tells_what_it_counts_and_one_that_does_not_counts_viewers() -> None:
    told = welcome({"min_viewers": 5, "crowd": "networks"})
    assert json.loads(encode(told))["crowd"] == "networks"
    assert from_relay.decode(encode(told)) == told
    mood = Mood(
        seq=1, time=1, visible=False, viewers=0, sharing=0, min_viewers=5, crowd="networks", counts=[0] * 7,
        shares=[0.0] * 7, valence=0, resonance=0, trend=0,
    )  # fmt: skip
    for message in (told, mood):
        assert from_old_relay(message).crowd == "viewers", "it would promise more than the relay keeps"
