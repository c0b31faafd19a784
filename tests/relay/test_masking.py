"""Before the reader of frames: what goes through, however it was cut."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from relay.live.masking import NO_FRAME, MaskedOnly

LENGTHS = st.integers(0, 200) | st.sampled_from([125, 126, 127, 65_535, 65_536, 70_000])


@st.composite
def frames(draw: st.DrawFn, masked: bool) -> bytes:
    """A frame of any kind; a long head is also used where a short one would do."""
    length = draw(LENGTHS)
    forms = [form for form, most in ((0, 125), (126, 65_535), (127, 2**63 - 1)) if length <= most]
    form = draw(st.sampled_from(forms))
    head = bytes((draw(st.integers(0, 255)), 128 * masked + (form or length)))
    head += length.to_bytes({0: 0, 126: 2, 127: 8}[form], "big") if form else b""
    return head + (draw(st.binary(min_size=4, max_size=4)) if masked else b"") + b"\x01" * length


class Kept:
    """A reader that keeps what it gets."""

    def __init__(self) -> None:
        self.got = bytearray()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.got += data
        return False, b""

    def feed_eof(self) -> None:
        pass


def passed(data: bytes, places: list[int]) -> bytes:
    """What the reader got of data that came in pieces."""
    reader = Kept()
    guard = MaskedOnly(reader)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    for a, b in itertools.pairwise(edges):
        guard.feed_data(data[a:b])
    return bytes(reader.got)


ALL_MASKED = st.lists(frames(masked=True), max_size=5).map(b"".join)
CUTS = st.lists(st.integers(0, 10**6), max_size=20)


@given(ALL_MASKED, CUTS)
def test_masked_frames_go_through_as_they_are(data: bytes, places: list[int]) -> None:
    assert passed(data, places) == data


@given(ALL_MASKED, frames(masked=False), st.binary(max_size=50), CUTS)
def test_in_place_of_a_frame_without_a_mask_comes_what_no_reader_takes(
    data: bytes, frame: bytes, after: bytes, places: list[int]
) -> None:
    assert passed(data + frame + after, places).startswith(data + NO_FRAME)


@given(st.lists(st.binary(max_size=40)))
def test_it_never_fails_nor_keeps_more_than_a_head(parts: list[bytes]) -> None:
    guard = MaskedOnly(Kept())
    for part in parts:
        guard.feed_data(part)
        assert len(guard._waiting) < 10
