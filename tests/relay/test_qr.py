"""QR codes are read by the readers that there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.common.invitation import MAX_PASSWORD, Invitation
from relay.core import qr

PAIRS = {"\u2588": (255, 255), "\u2580": (255, 0), "\u2584": (0, 255), " ": (0, 0)}
"""What a half block shows on dark ground: the upper and the lower square."""
LONGEST = Invitation("https://" + ".".join(["a" * 60] * 4), "a" * 64, "\U0001f642" * MAX_PASSWORD).link


def read(lines: list[str]) -> str:
    cv2 = pytest.importorskip("cv2", reason="no OpenCV: install moodcast[agent]")
    rows = [[PAIRS[sign][half] for sign in line] for line in lines for half in (0, 1)]
    picture = np.kron(np.array(rows, np.uint8), np.ones((8, 8), np.uint8))
    return str(cv2.QRCodeDetector().detectAndDecode(picture)[0])


@pytest.mark.parametrize("text", ["https://mood.example.org/join/mychannel", "http://[::1]:8765/join/a#password=%20"])
def test_what_a_terminal_shows_is_read(text: str) -> None:
    assert read(qr.terminal(text)) == text


@settings(max_examples=20)
@given(st.integers(0, MAX_PASSWORD))
def test_every_invitation_has_a_picture_in_the_space_that_it_is_given(length: int) -> None:
    link = Invitation("https://mood.example.org", "mychannel", "\u91cc" * length).link
    drawn = qr.drawn(link).svg
    assert drawn.startswith("<svg ")
    assert "viewBox" in drawn
    assert " width=" not in drawn
    assert "password" not in drawn
    assert len({len(line) for line in qr.terminal(link)}) == 1


def test_the_longest_invitation_has_a_picture() -> None:
    assert len(LONGEST) > 1800
    assert len(qr.drawn(LONGEST).svg) < 100_000
