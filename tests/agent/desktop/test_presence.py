"""A closed window leaves nothing going on without a sign of it."""

from hypothesis import given
from hypothesis import strategies as st

from agent.desktop import presence

seconds = st.floats(0, 1000)


@given(st.booleans(), st.booleans(), st.booleans())
def test_only_an_icon_lets_a_closed_window_go_on(is_in_tray: bool, close_to_tray: bool, is_sharing: bool) -> None:
    found = presence.closing(is_in_tray, close_to_tray, is_sharing)
    assert (found == "hide") == (is_in_tray and close_to_tray)
    assert (found == "ask") == (found != "hide" and is_sharing)


@given(seconds, seconds, st.booleans())
def test_a_hidden_window_comes_back_when_no_icon_tells_of_it_for_a_while(
    hidden: float, untold: float, was_in_tray: bool
) -> None:
    comes = presence.must_return(hidden, untold, was_in_tray)
    assert comes or min(hidden, untold) < presence.PANEL_S
    assert not comes or min(hidden, untold) >= presence.LOST_S
    assert not (untold == 0 and comes)


def test_a_panel_has_longer_at_login_than_after_its_restart() -> None:
    assert presence.must_return(presence.LOST_S, presence.LOST_S, was_in_tray=True)
    assert not presence.must_return(presence.LOST_S, presence.LOST_S, was_in_tray=False)
