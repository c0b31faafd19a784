"""What the screens after joining show, by what the agent's state is."""

import itertools
import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.app.state import Camera, CameraInfo, Link, Place, Said, State, Wish
from agent.desktop.menu import menu
from agent.hints import NO_FACE
from agent.unread import Unread
from agent.window import mirror, shown
from agent.window.texts import window_texts
from relay import protocol
from relay.common.condition import condition
from relay.common.printable import escaped
from relay.common.texts import Language, table
from relay.protocol import EXPRESSIONS, Away, Crowd, Hello, Label, Mood

ROOT = Path(__file__).parents[3]
ENGLISH = window_texts("en")
PLACE = Place(relay="https://mood.example.org", channel="demo")
HAPPY = Label(emotion="happy", confidence=0.87)


def said(*messages: protocol.Message) -> tuple[Said, ...]:
    return tuple(Said(float(number), protocol.encode(message).decode()) for number, message in enumerate(messages))


def state(**values: Any) -> State:
    """Of a viewer who shares their face."""
    usual: dict[str, Any] = {"place": PLACE, "link": "joined", "wish": "face", "camera": "on"}
    return State(**(usual | values))


def mood(**values: Any) -> Mood:
    shares = [0.0] * 7
    usual: dict[str, Any] = {
        "seq": 1, "time": 0.0, "visible": True, "viewers": 12, "sharing": 8, "min_viewers": 5, "crowd": "networks",
        "counts": [0] * 7, "shares": shares, "valence": 0, "resonance": 0, "trend": 0,
    }  # fmt: skip
    return Mood(**(usual | values))


def words(status: shown.ShownSharing, spoken: Language = "en") -> str:
    texts = window_texts(spoken)
    return "\n".join(shown.say(texts, one) for one in (status.headline, *status.details))


def test_what_the_relay_has_is_what_it_was_told_last() -> None:
    assert shown.shared(()) is None
    assert shown.shared(said(Hello(), HAPPY)) == HAPPY
    assert shown.shared(said(Hello(), HAPPY, Label(emotion="sad"), protocol.TapMessage(tap="heart"))) == Label(
        emotion="sad"
    )
    assert shown.shared(said(Hello(), HAPPY, Away())) is None
    assert shown.shared((*said(Hello(), HAPPY), Said(9.0, "GET /v1/channels"))) == HAPPY  # another relay's list
    assert shown.shared(said(Hello(), HAPPY, Hello())) is None  # a new connection has nothing yet


def test_a_shared_label_is_told_with_its_percentage_and_face() -> None:
    found = shown.status(state(sent=said(Hello(), HAPPY), label="sad", confidence=0.6))
    assert (found.tone, found.face) == ("good", "happy")  # what was sent, not what was seen since
    assert words(found).startswith("Happy, 87 %\nShared: this word and number.")


@pytest.mark.parametrize("wish", get_args(Wish))
@pytest.mark.parametrize("camera", get_args(Camera))
@pytest.mark.parametrize("link", get_args(Link))
@pytest.mark.parametrize("spoken", ["en", "zh-TW"])
def test_nothing_is_called_shared_but_a_face_that_is(wish: Wish, camera: Camera, link: Link, spoken: Language) -> None:
    """Whatever was sent before: without connection, paused, or without a camera, none is."""
    found = shown.status(state(wish=wish, camera=camera, link=link, sent=said(Hello(), HAPPY), label="happy"))
    assert (found.tone == "good") == ((wish, camera, link) == ("face", "on", "joined"))
    assert (found.face is not None) == (found.tone == "good")
    assert words(found, spoken)


@pytest.mark.parametrize("wish", ["paused", "taps"])
@pytest.mark.parametrize("camera", get_args(Camera))
def test_the_camera_is_called_off_once_it_is(wish: Wish, camera: Camera) -> None:
    now = state(wish=wish, camera=camera, camera_problem="unplug it" if camera == "waiting" else "")
    texts = (words(shown.status(now)), shown.say(ENGLISH, shown.in_place_of_picture(now)))
    titles = menu(now, ENGLISH).title
    for text in (*texts, titles):
        assert ("camera is off" in text) == (camera == "off")
    if camera == "waiting":
        assert "unplug it" in texts[0]


def test_a_label_that_the_relay_still_has_is_told() -> None:
    """A pause is a message as well, which may not get through."""
    now = state(wish="paused", camera="off", sent=said(Hello(), HAPPY))
    assert "is being withdrawn" in words(shown.status(now))
    assert "nothing is shared" not in words(shown.status(now))
    assert "nothing is shared" in words(shown.status(state(wish="paused", camera="off", sent=said(HAPPY, Away()))))


def test_problems_of_the_connection_are_told_as_they_came() -> None:
    problem = "the relay is gone: ask the streamer"
    assert problem in words(shown.status(state(link="ended", problem=problem)))
    assert problem in words(shown.status(state(link="lost", problem=problem)))
    assert shown.status(state(link="ended")).tone == "bad"
    assert "goes on trying" in words(shown.status(state(link="lost")))


def test_a_streamers_pause_is_told() -> None:
    assert words(shown.status(state(sent=said(HAPPY), mood=mood(paused=True)))).startswith("The streamer has paused")


def test_why_a_camera_is_waited_for() -> None:
    found = words(shown.status(state(camera="waiting", camera_problem="close the other program")))
    assert found == "Waiting for the camera\nclose the other program"


@pytest.mark.parametrize("reason", Unread)
def test_why_a_face_is_not_read_is_told_in_both_languages(reason: Unread) -> None:
    away = state(sent=said(Hello(), Away()), unread=reason)
    assert words(shown.status(away)).startswith(f"Away: {reason.words}")
    hinted = msgspec.structs.replace(away, hint=reason.hint)
    assert words(shown.status(hinted)) == f"Away: {reason.words}\n{reason.hint}"
    assert not re.search("[a-z]{3}", words(shown.status(hinted), "zh-TW"))


def test_hints_are_told_in_both_languages() -> None:
    away = state(sent=said(Hello(), Away()), hint=NO_FACE)
    assert words(shown.status(away)) == f"Away: no face\n{NO_FACE}"
    assert not re.search("[a-z]{3}", words(shown.status(away), "zh-TW"))
    assert words(shown.status(msgspec.structs.replace(away, hint="Another one."))) == "Away: no face\nAnother one."


def test_an_audience_that_is_shown() -> None:
    shares = [0.0, 0.0, 0.125, 0.5, 0.0, 0.125, 0.25]
    found = shown.audience(mood(shares=shares))
    assert found.shares == tuple(shares)
    assert found.counts
    assert shown.say(ENGLISH, found.counts) == "12 watching · 8 sharing"
    assert found.ranking == (("happy", 50), ("neutral", 25), ("fear", 13))
    assert found.words is None


@pytest.mark.parametrize("case", json.loads((ROOT / "tests" / "conditions.json").read_text()))
def test_an_audience_that_is_not_shown_says_what_it_takes(case: dict[str, Any]) -> None:
    """As the overlay does; in Chinese with digits."""
    least, crowd = case["min_viewers"], case.get("crowd", "viewers")
    found = shown.audience(mood(visible=False, sharing=0, min_viewers=least, crowd=crowd))
    assert found.shares is None
    assert found.words
    assert shown.say(ENGLISH, found.words) == f"Shown once {condition(least, crowd)}"
    assert re.findall(r"\d+", shown.say(window_texts("zh-TW"), found.words)) == ([str(least)] if least > 1 else [])
    assert found.counts
    assert "sharing" not in shown.say(ENGLISH, found.counts)  # nobody is told yet that anybody shares


@pytest.mark.parametrize("crowd", get_args(Crowd))
def test_an_audience_that_the_streamer_paused(crowd: Crowd) -> None:
    found = shown.audience(mood(visible=False, paused=True, crowd=crowd))
    assert found.words
    assert shown.say(ENGLISH, found.words) == "Paused by the streamer"


def test_pausing_comes_before_all_else() -> None:
    """A camera may be open whatever became of the connection."""
    for link, wish in itertools.product(get_args(Link), ("face", "taps")):
        assert shown.action(state(link=link, wish=wish)) == "pause"
    assert shown.action(state(wish="paused")) == "resume"
    assert {shown.action(state(wish="paused", link=link)) for link in ("none", "ended")} == {"rejoin"}


def test_taps_reach_somebody_or_cant_be_made() -> None:
    assert shown.may_tap(state())
    assert shown.may_tap(state(wish="taps"))
    assert not shown.may_tap(state(wish="paused"))
    assert not shown.may_tap(state(link="lost"))
    assert not shown.may_tap(state(mood=mood(paused=True)))


def test_who_may_be_shown() -> None:
    assert shown.may_be_shown(state(grid_allowed=True), "Mei") is None
    for refused, name in ((state(grid_allowed=True), ""), (state(), "Mei"), (state(link="lost"), "Mei")):
        reason = shown.may_be_shown(refused, name)
        assert reason
        assert shown.say(ENGLISH, reason)
    assert shown.may_be_shown(state(shown=True), "") is None  # who is shown can always withdraw


def test_a_countdown() -> None:
    assert shown.calibration(state(), 5) == "nothing"
    assert shown.calibration(state(countdown=10.0), 5) == "open"
    assert shown.calibration(state(countdown=10.0, measured=0), 5) == "measured"
    assert shown.calibration(state(countdown=10.0, measured=3), 11) == "nothing"


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)), st.integers(1, 8))
def test_the_list_of_what_was_sent_follows_it(first: list[int], more: list[int], most: int) -> None:
    """What is left of the old and what is new make what there is, also where the same was said twice."""
    everything = [Said(float(number), str(value)) for number, value in enumerate(first + more)]
    before = tuple(everything[: len(first)][-most:])
    now = tuple(everything[-most:])
    gone, new = shown.news(before, now)
    assert before[gone:] + new == now


def test_foreign_names_stay_on_one_line() -> None:
    assert shown.shortened("Mei", 5, len) == "Mei"
    assert shown.shortened("Alexandra", 5, len) == "Alex…"
    assert shown.shortened("a\nb", 9, len) == "a\\nb"


@given(st.text(max_size=60), st.integers(0, 300))
def test_a_name_is_as_long_as_fits(name: str, width: int) -> None:
    def measure(text: str) -> int:
        return sum(9 if letter in "WM" else 4 for letter in text)

    line = shown.shortened(name, width, measure)
    whole = escaped(name)
    if measure(whole) <= width:
        assert line == whole
    else:
        kept = line.removesuffix("…")
        assert whole.startswith(kept)
        assert measure(line) <= width or len(kept) == 1
        assert measure(f"{whole[: len(kept) + 1]}…") > width or len(kept) + 1 == len(whole)


def test_the_camera_that_is_set_is_always_listed() -> None:
    two = (CameraInfo("webcam:0", "One"), CameraInfo("webcam:1", "Two"))
    for source, number in (("webcam", 0), ("webcam:1", 1)):
        listed = shown.cameras(two, source)
        assert (listed, shown.chosen(listed, source)) == (two, number)
    listed = shown.cameras(two, "film.mp4")
    assert listed[shown.chosen(listed, "film.mp4")].name == "film.mp4"


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("7", 7), ("2,5", 2.5), ("120", 120), ("121", None), ("-1", None), ("", None),
    ("nan", None), ("inf", None), ("a", None)],
)  # fmt: skip
def test_a_delay_as_typed(text: str, seconds: float | None) -> None:
    assert shown.delay_of(text) == seconds


def test_all_labels_have_a_name() -> None:
    assert {f"label.{name}" for name in EXPRESSIONS} <= table("window").keys()


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(1, 2000), st.integers(1, 2000))
def test_a_picture_fits_its_room(width: int, height: int, across: int, down: int) -> None:
    fitted = mirror.fitted(width, height, (across, down), 2.0)
    assert 1 <= fitted[0] <= max(across, 1)
    assert 1 <= fitted[1] <= max(down, 1)
    assert fitted[0] <= 2 * width + 1


def test_the_frame_lies_on_the_face_as_in_a_mirror() -> None:
    assert mirror.place_of((0.1, 0.2, 0.4, 0.6), (100, 50), False) == pytest.approx((10, 10, 40, 30))
    assert mirror.place_of((0.1, 0.2, 0.4, 0.6), (100, 50), True) == pytest.approx((60, 10, 90, 30))
    assert mirror.place_of((-0.5, -1, 2, 2), (100, 50), True) == (0, 0, 100, 50)


def test_why_the_camera_is_off_is_told_where_the_streamer_takes_none() -> None:
    barred = state(
        wish="taps", camera="off", cameras_allowed=False, barred=True, mood=mood(cameras=False, visible=False)
    )
    assert "takes no cameras here. Yours is off" in words(shown.status(barred))
    assert shown.audience(barred.mood).words == shown.Words("audience.taps_only")
    again = msgspec.structs.replace(barred, cameras_allowed=True)
    assert "takes cameras again. Yours stays off" in words(shown.status(again))
    chosen = msgspec.structs.replace(again, barred=False)
    assert "takes" not in words(shown.status(chosen))
    for now, enabled in ((barred, False), (again, True)):
        (item,) = [item for item in menu(now, ENGLISH).items if item and item.act == "face"]
        assert item.enabled == enabled
