"""When the OBS script tells the relay that a broadcast runs, and which scenes become markers."""

from hypothesis import given
from hypothesis import strategies as st

from obs_plugin import moodcast_broadcast as broadcast
from relay.common.printable import is_printable
from relay.http.sessions import MARKER_LENGTH


def told(state: str, running: bool = False) -> broadcast.Broadcast:
    """A broadcast of which the relay has said how things are."""
    show = broadcast.Broadcast()
    show.run(running)
    show.status(state)
    return show


def test_nothing_is_told_before_the_relay_is_heard() -> None:
    show = broadcast.Broadcast()
    show.run(True)
    assert show.step(100.0) is None
    show.status("auto")
    assert show.step(100.0) == "open"


def test_a_state_is_told_once_and_renewed_each_minute() -> None:
    show = told("auto", running=True)
    assert show.step(0.0) == "open"
    show.answered("open", 1.0)
    assert [second for second in range(1, 200) if show.step(float(second))] == [60, 120, 180]
    assert show.follows


def test_it_ends_with_the_broadcast_and_a_pause_with_it() -> None:
    show = told("auto", running=True)
    show.step(0.0)
    show.answered("open", 0.1)
    show.pause()
    assert show.step(1.0) == "paused"
    show.answered("paused", 1.1)
    show.run(False)
    assert show.step(2.0) == "ended"
    show.answered("ended", 2.1)
    show.run(True)
    assert show.step(3.0) == "open"


def test_a_pause_survives_a_script_that_is_loaded_again() -> None:
    show = told("paused", running=True)
    assert (show.step(0.0), show.paused) == (None, True)
    show.pause()
    assert show.step(1.0) == "open"


def test_a_restarted_relay_is_told_anew() -> None:
    show = told("auto", running=True)
    show.step(0.0)
    show.answered("open", 0.1)
    assert show.step(10.0) is None
    show.status("auto")
    assert show.step(10.1) == "open"
    assert show.step(20.0) is None, "the answer is awaited"


def test_what_somebody_else_tells_the_relay_holds() -> None:
    show = told("auto", running=True)
    show.step(0.0)
    show.answered("open", 0.1)
    show.status("paused")
    assert (show.step(10.0), show.paused) == (None, True)
    show.status("open")
    assert (show.step(20.0), show.paused) == (None, False)


def test_a_session_of_another_obs_is_not_ended() -> None:
    show = told("open")
    assert show.step(0.0) is None
    show.status("auto")
    assert show.step(1.0) == "ended"
    show.answered("ended", 1.1)
    show.status("open")
    assert all(show.step(float(second)) is None for second in range(2, 300))


def test_a_relay_that_refuses_is_left_in_peace_until_it_says_something() -> None:
    show = told("auto", running=True)
    show.step(0.0)
    show.refuse("Wrong key.", 0.1)
    assert all(show.step(float(second)) is None for second in range(1, 300))
    show.status("auto")
    assert show.step(300.0) == "open"


def test_what_did_not_arrive_in_time_is_told_again() -> None:
    show = told("auto", running=True)
    show.step(0.0)
    show.lost()
    assert show.step(1.0) == "open"


ACTS = st.sampled_from(["run", "stop", "pause", "auto", "open", "paused", "ended", "answer", "refuse", "lost"])


@given(st.lists(st.tuples(ACTS, st.floats(0, 100))))
def test_whatever_happens_it_settles(acts: list[tuple[str, float]]) -> None:
    """It says only what it wants, and never floods the relay: no state twice within two seconds without a cause."""
    show, now = broadcast.Broadcast(), 0.0
    for act, later in acts:
        now += later
        if act in ("run", "stop"):
            show.run(act == "run")
        elif act == "pause":
            show.pause()
        elif act == "answer":
            show.answered(show.wanted, now)
        elif act == "refuse":
            show.refuse("no", now)
        elif act == "lost":
            show.lost()
        else:
            show.status(act)
        state = show.step(now)
        assert state in (None, show.wanted)
        assert show.step(now) is None


def test_the_last_scene_of_two_seconds_becomes_a_marker() -> None:
    scenes = broadcast.Scenes()
    scenes.begin("Start")
    scenes.change("Game")
    assert scenes.due(0.0) == "Scene: Game"
    for name in ("Camera", "Pause", "Break"):
        scenes.change(name)
        assert scenes.due(1.0) == ""
    assert scenes.due(2.0) == "Scene: Break"
    scenes.change("Game")
    scenes.change("Break")
    assert scenes.due(9.0) == "", "it is shown again before anybody was told"


@given(st.text())
def test_a_marker_is_one_that_the_relay_takes(name: str) -> None:
    text = broadcast.marker("Scene: " + name)
    assert 1 <= len(text) <= MARKER_LENGTH
    assert is_printable(text)
    assert text == text.strip()
