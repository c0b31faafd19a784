"""What the eyes and their starter say to each other, however the pipe cuts it, and whatever else comes through it."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.app import sight
from agent.app.sight import (
    Begin,
    DeletePersonal,
    ExportPersonal,
    Failed,
    Forget,
    FromEyes,
    Glimpse,
    Handled,
    Lesson,
    Opened,
    Remark,
    Sight,
    Teach,
    WantPictures,
)
from agent.personal.status import Taught, TeacherStatus

SHARES = st.tuples(*[st.floats(-10, 10)] * 4)
MESSAGES: st.SearchStrategy[FromEyes] = st.one_of(
    st.just(Opened()),
    st.builds(Remark, st.text(max_size=50)),
    st.builds(Failed, sentence=st.text(max_size=50), is_camera=st.booleans()),
    st.builds(
        Sight,
        emotion=st.sampled_from([None, "happy"]),
        confidence=st.floats(0, 1),
        has_face=st.booleans(),
        unread=st.none() | st.text(max_size=9),
        box=st.none() | SHARES,
    ),
    st.builds(Taught, label=st.none() | st.integers(0, 6), answers=st.integers(0, 9), sentence=st.text(max_size=50)),
    st.builds(
        TeacherStatus,
        counts=st.tuples(*[st.integers(0, 400)] * 7),
        before=st.integers(0, 400),
        after=st.integers(0, 400),
        of=st.integers(0, 400),
        in_use=st.booleans(),
        learning=st.booleans(),
        sentence=st.text(max_size=50),
    ),
    st.builds(Handled, sentence=st.text(max_size=50), done=st.booleans()),
    st.builds(Glimpse, width=st.integers(1, 320), height=st.integers(1, 320), pixels=st.binary(), box=st.none()),
)


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(1, 30), min_size=1))
def test_what_is_said_is_heard(messages: list[FromEyes], cuts: list[int]) -> None:
    stream = b"".join(sight.packed(message) for message in messages)
    unpacker, heard = sight.seen(), []
    while stream:
        chunk, stream = stream[: cuts[0]], stream[cuts[0] :]
        cuts.append(cuts.pop(0))
        heard += list(unpacker.feed(chunk))
    assert heard == messages


def test_the_largest_picture_fits() -> None:
    pixels = bytes(3 * sight.WIDEST**2)
    picture = Glimpse(width=sight.WIDEST, height=sight.WIDEST, pixels=pixels, box=(-1.5, 0.1, 1.25, 9.5))
    assert len(sight.packed(picture)) <= sight.MOST_SEEN
    assert list(sight.seen().feed(sight.packed(picture))) == [picture]


def test_what_the_eyes_are_told() -> None:
    told = [
        Begin(source="webcam", model="moodnet", fps=5),
        Begin(source="/" + "s" * 4095, model="/" + "m" * 4095, fps=5, personal="/" + "p" * 4095),
        WantPictures(True),
        Forget(),
        Teach(None),
        Teach(6),
        Lesson(label=3, since=5.5, until=0.0),
        ExportPersonal(personal="/folder", path="/file.npz"),
        DeletePersonal("/folder"),
    ]
    assert list(sight.told().feed(b"".join(map(sight.packed, told)))) == told


@given(st.lists(st.binary(max_size=40), max_size=20))
@example([b"\x00\x00\x00\x01"])
@example([b"\xff\xff\xff\xff"])
@example([b"\x00\x00\x10\x00" + b"\x91" * 4096])
@example([b"\x00\x00\x00\x02\xc1\xc1"])
def test_rubbish_is_refused_and_nothing_of_it_piles_up(chunks: list[bytes]) -> None:
    unpacker = sight.seen()
    try:
        for chunk in chunks:
            for message in unpacker.feed(chunk):
                assert isinstance(message, FromEyes)
    except ValueError:
        pass
    assert len(unpacker._rest) <= sum(map(len, chunks))


@pytest.mark.parametrize("length", [sight.MOST_SEEN + 1, 1 << 31])
def test_a_length_that_no_message_has_is_refused_before_it_comes(length: int) -> None:
    with pytest.raises(ValueError, match="are the most"):
        list(sight.seen().feed(length.to_bytes(4, "big")))


@pytest.mark.parametrize(
    "body",
    [
        {"type": "Sight", "emotion": "bored", "confidence": 0.5, "has_face": True, "unread": None, "box": None},
        {"type": "Sight", "emotion": "happy", "confidence": 7, "has_face": True, "unread": None, "box": None},
        {"type": "Glimpse", "width": 5000, "height": 1, "pixels": b"", "box": None},
        {"type": "Other"},
        [],
    ],
)
def test_what_is_no_message_is_refused(body: object) -> None:
    packed = msgspec.msgpack.encode(body)
    with pytest.raises(ValueError, match="no message"):
        list(sight.seen().feed(len(packed).to_bytes(4, "big") + packed))
