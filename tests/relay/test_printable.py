"""Strangers' text in sentences and on terminals. Which texts are printable: tests/relay/test_markers.py."""

from hypothesis import given
from hypothesis import strategies as st

from relay.common.printable import escaped, is_printable


def test_printable_text_stays_and_the_rest_is_shown_as_escapes() -> None:
    assert escaped("Zoë 👩‍🚀 (C:\\new)") == "Zoë 👩‍🚀 (C:\\new)"
    assert escaped("a\n\x1b[2J\u202eb\u200b\udc80\U000e0041") == "a\\n\\x1b[2J\\u202eb\\u200b\\udc80\\U000e0041"
    assert escaped("x" * 600) == "x" * 500 + "..."


@given(st.text())
def test_the_escaped_text_is_always_printable_and_short(text: str) -> None:
    assert is_printable(escaped(text, 100))
    assert len(escaped(text, 100)) <= 1003 + 3
