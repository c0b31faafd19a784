"""Where lines of Chinese end."""
# ruff: noqa: RUF001  # the marks are meant

from hypothesis import given
from hypothesis import strategies as st

from agent.window.lines import laid

TEXTS = st.text(alphabet="中繼伺服器，。（）「」：Moodcast 5 https://", max_size=60)


def test_a_word_of_another_writing_begins_no_line_of_its_own() -> None:
    assert laid("開啟 Moodcast 會開啟您的攝影機。", 13, len) == "開啟 Moodcast 會\n開啟您的攝影機。"


def test_no_line_begins_with_a_mark_that_closes() -> None:
    assert laid("影像不會留存，永遠。", 6, len) == "影像不會留\n存，永遠。"


def test_each_line_is_laid_by_itself() -> None:
    assert laid("連線中斷。\nThe relay is lost.", 10, len) == "連線中斷。\nThe relay is lost."


def test_english_is_left_to_tk() -> None:
    assert laid("Pictures, and the shape of your face.", 5, len) == "Pictures, and the shape of your face."


@given(TEXTS, st.integers(1, 40))
def test_nothing_is_lost_and_no_line_is_wider_than_it_must_be(text: str, width: int) -> None:
    found = laid(text, width, len)
    assert [*"".join(found.split())] == [*"".join(text.split())]
    for line in found.split("\n"):
        assert len(line) <= width or laid(line, width, len) == line
