"""The contract: what is decoded, what is refused, what the codes say."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import protocol
from relay.protocol import Away, Hello, Label, Mood, TapMessage

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"hello"}', Hello()),
        ('{"type":"hello","agent":"x/1","delay":3.5,"later":[1]}', Hello(agent="x/1", delay=3.5)),
        ('{"type":"label","emotion":"happy"}', Label(emotion="happy")),
        ('{"type":"label","emotion":"sad","confidence":0.25}', Label(emotion="sad", confidence=0.25)),
        ('{"type":"label","emotion":"sad","confidence":1.7}', Label(emotion="sad", confidence=1.7)),
        ('{"type":"hello","delay":500}', Hello(delay=500)),
        ('{"type":"hello","delay":-1e308}', Hello(delay=-1e308)),
        ('{"type":"tap","tap":"heart"}', TapMessage(tap="heart")),
        ('{"type":"away"}', Away()),
    ],
)
def test_messages_of_viewers(text: str, message: protocol.FromViewer) -> None:
    assert protocol.from_viewer.decode(text) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "happy",
        "[]",
        "null",
        "{}",
        '{"type":"label"}',
        '{"type":"label","emotion":"bored"}',
        '{"type":"label","emotion":3}',
        '{"type":"label","emotion":"happy","confidence":true}',
        '{"type":"label","emotion":"happy","confidence":null}',
        '{"type":"label","emotion":"happy","confidence":NaN}',
        '{"type":"label","emotion":"happy","confidence":"high"}',
        '{"type":"tap","tap":"boo"}',
        '{"type":"hello","delay":"3"}',
        '{"type":"hello","delay":Infinity}',
        '{"type":"hello","name":"' + 41 * "x" + '"}',
        '{"type":"mood"}',
        '{"type":"subscribe","key":"k"}',
        '{"type":"away"} {"type":"away"}',
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        protocol.from_viewer.decode(text)


@given(st.text(st.characters(codec="utf-8")) | json_values.map(json.dumps))
def test_no_text_breaks_the_decoder(data: str) -> None:
    try:
        message = protocol.from_viewer.decode(data)
    except msgspec.MsgspecError:
        return
    assert isinstance(message, Hello | Label | TapMessage | Away)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["hello", "label", "tap", "away"])},
        optional=dict.fromkeys(("agent", "ticket", "name", "delay", "emotion", "confidence", "tap"), json_values),
    )
)
def test_a_message_that_is_taken_is_within_its_bounds(fields: dict[str, object]) -> None:
    try:
        message = protocol.from_viewer.decode(json.dumps(fields))
    except msgspec.ValidationError:
        return
    if isinstance(message, Hello):
        assert math.isfinite(message.delay)
        assert len(message.name) <= 40
    if isinstance(message, Label):
        assert message.emotion in protocol.EXPRESSIONS
        assert math.isfinite(message.confidence)


def test_events_survive_the_wire() -> None:
    mood = Mood(
        seq=3, time=1.5, visible=True, viewers=9, sharing=8, min_viewers=5, counts=[0, 0, 0, 6, 0, 0, 2],
        shares=[0, 0, 0, 0.75, 0, 0, 0.25], valence=0.75, resonance=0.75, trend=-0.1,
    )  # fmt: skip
    assert protocol.from_relay.decode(protocol.encode(mood)) == mood


def test_codes_are_unique_and_their_range_says_whether_to_retry() -> None:
    numbers = [code.number for code in protocol.CODES]
    assert len(set(numbers)) == len(numbers)
    assert not protocol.WRONG_KEY.retry
    assert protocol.SHUTTING_DOWN.retry
    assert protocol.retries(1006)
