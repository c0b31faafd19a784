"""States of an agent in a channel with the longest texts that each of them has."""

import time
from collections.abc import Iterator

import msgspec

from agent.app.state import Person, Place, Said, State
from agent.hints import NO_FACE
from agent.personal.lesson import LASTS_S, READY_S, GuidedMinute
from agent.personal.status import Taught, TeacherStatus
from agent.unread import Unread
from relay.protocol import EXPRESSIONS, Hello, Label, Mood, encode

LONG = (
    "The relay at https://a-very-long-name-of-a-relay.mood.example.org:8443/behind/a/prefix can't be reached (Cannot "
    "connect to host: [Errno 111] Connect call failed ('203.0.113.7', 8443)). It is tried again until it is back."
)
PLACE = Place(relay="https://a-very-long-name-of-a-relay.mood.example.org:8443/prefix", channel="W" * 64)
USUAL = State(place=PLACE, link="joined", wish="face", camera="on", grid_allowed=True)


def mood(**values: object) -> Mood:
    """Of as many as a channel can have, who show what has the longest names."""
    shares = [1 / 7] * 7
    usual: dict[str, object] = {
        "seq": 1, "time": 0.0, "visible": True, "viewers": 100_000, "sharing": 100_000, "min_viewers": 12,
        "crowd": "networks", "counts": [1] * 7, "shares": shares, "valence": 0, "resonance": 0, "trend": 0,
    }  # fmt: skip
    return Mood(**(usual | values))  # type: ignore[arg-type]


def taught_states() -> Iterator[tuple[str, State]]:
    """Of an agent that learns a face, and of its guided minute, which comes first."""
    learned = TeacherStatus(counts=(400,) * 7, before=1000, after=1000, of=1000, in_use=True, sentence=LONG)
    base = msgspec.structs.replace(
        USUAL, label="disgust", confidence=1.0, mood=mood(), personal=learned, previewed=True
    )

    def other(**values: object) -> State:
        return msgspec.structs.replace(base, **values)

    yield "camera waiting", other(camera="waiting", camera_problem=LONG)
    for number in range(len(EXPRESSIONS)):
        for after in (0.1, READY_S + 0.1):
            moment = GuidedMinute(0.0).moment(number * LASTS_S / len(EXPRESSIONS) + after)
            yield f"lesson {number} {after}", other(lesson=moment, label=None if number == 1 else "happy")
    yield "refused", other(taught=Taught(label=None, answers=0, sentence=LONG))
    for number in range(len(EXPRESSIONS)):
        yield f"kept {number}", other(taught=Taught(label=number, answers=1, sentence=LONG))
    yield "unknown", other(personal=None)
    for name, status in (
        ("learning", {"learning": True}), ("not better", {"in_use": False}), ("few", {"in_use": False, "of": 0}),
        ("none", {"in_use": False, "of": 0, "counts": (0,) * 7}), ("locked", {"in_use": False, "notice": LONG}),
        ("stranger", {"whose": "stranger"}), ("unenrolled", {"whose": "unenrolled", "notice": LONG}),
    ):  # fmt: skip
        yield name, other(personal=msgspec.structs.replace(learned, **status))


def all_states() -> Iterator[tuple[str, State]]:
    """Each with a name."""

    def other(**values: object) -> State:
        return msgspec.structs.replace(USUAL, **values)

    for link in ("none", "connecting", "lost", "ended"):
        yield link, other(link=link, wish="paused", camera="off", problem=LONG, place=None if link == "none" else PLACE)
    for wish in ("paused", "taps"):
        yield wish, other(wish=wish, camera="off", mood=mood(), notice=LONG)
    yield "camera starting", other(camera="starting")
    yield "camera waiting", other(camera="waiting", camera_problem=LONG, previewed=True)
    for emotion in EXPRESSIONS:
        said = tuple(Said(0.0, encode(one).decode()) for one in (Hello(name="W" * 40), Label(emotion=emotion)))
        yield emotion, other(label=emotion, confidence=1.0, sent=said * 100, labels=1_000_000, mood=mood())
    for reason in Unread:
        yield reason.key, other(unread=reason, hint=reason.hint)
    yield "no face", other(hint=NO_FACE)
    yield "no cameras", other(wish="taps", camera="off", cameras_allowed=False, mood=mood(cameras=False, visible=False))
    yield "cameras again", other(wish="taps", camera="off", barred=True, mood=mood())
    yield "streamer's pause", other(mood=mood(paused=True, visible=False))
    for crowd, least in (("networks", 1), ("networks", 12), ("viewers", 12), ("networks", 1000), ("viewers", 1000)):
        yield f"{least} {crowd}", other(mood=mood(visible=False, crowd=crowd, min_viewers=least))
    zero = time.monotonic() + 3600
    yield "countdown", other(countdown=zero, mood=mood())
    yield "measured", other(countdown=zero, measured=60, mood=mood())
    for name in ("W" * 40, "寬" * 40, "W W " * 10):
        people = tuple(Person(name, emotion) for emotion in (*EXPRESSIONS, None))
        yield f"people {name[:2]}", other(people=people * 6, more=100_000, shown=True)
