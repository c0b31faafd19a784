"""docs/protocol.json is the contract that the relay keeps."""

import json

import pytest

from docs import protocol_files
from relay import protocol
from tests.contract import CONTRACT

MESSAGES = [
    protocol.Mood(
        seq=1, time=1.0, visible=True, viewers=1, sharing=1, min_viewers=1, counts=[1] * 7, shares=[0.1] * 7,
        valence=0.0, resonance=0.0, trend=0.0,
    ),
    protocol.Reaction(time=1.0, kind="tap", name="heart", strength=0.5, count=1),
    protocol.Moment(time=1.0, ago=4.5, kind="expression", name="happy", share=0.6, rise=0.4, score=7.5),
    protocol.Rehearsal(time=1.0, kind="tap", name="heart"),
    protocol.Status(channel="demo", tick_ms=250),
    protocol.Bye(code=4503, message="later", retry_after_s=1.0),
    protocol.Welcome(channel="demo", viewer="x", tick_ms=250, min_viewers=5),
]  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_the_relay_sends_has_the_fields_of_the_file(message: protocol.Message) -> None:
    sent = json.loads(protocol.encode(message))
    schema = CONTRACT["messages"][sent["type"]]
    assert set(sent) == set(schema["properties"])
    assert set(schema["required"]) <= set(sent)


def test_every_message_goes_in_some_direction_and_is_described() -> None:
    directions = [name for names in CONTRACT["directions"].values() for name in names]
    assert set(directions) == set(CONTRACT["messages"])
    known = {protocol_files.tag(kind) for kind in protocol.Message.__subclasses__()}
    assert known == set(CONTRACT["messages"])
    for schema in CONTRACT["messages"].values():
        assert all(part.get("description") for name, part in schema["properties"].items() if name != "type")


def test_every_code_says_whether_to_come_back() -> None:
    numbers = {code["number"]: code["client"] for code in CONTRACT["codes"]}
    assert set(numbers) == {code.number for code in protocol.CODES}
    assert all((client == "retry") is protocol.retries(number) for number, client in numbers.items())


def test_limits_have_their_units() -> None:
    assert CONTRACT["limits"]["max_frame_bytes"] == protocol.MAX_FRAME_BYTES
    assert CONTRACT["limits"]["label_ttl_s"] == protocol.LABEL_TTL_S
    assert all(name.endswith(("_s", "_bytes")) for name in CONTRACT["limits"])
