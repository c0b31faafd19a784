"""What the screens after joining show of a ``State``. Pure: plain values in and out, with the time passed in.

A ``Words`` is a sentence of the window's texts and what goes into its gaps; ``Texts`` says it in the viewer's language.
What an error or a relay says is shown as it came, and so is English.
"""

import bisect
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from agent.app.state import CameraInfo, Said, State
from agent.hints import NO_FACE
from agent.unread import Unread
from relay.common.printable import escaped
from relay.common.texts import Texts
from relay.protocol import EXPRESSIONS, MAX_DELAY_S, Away, Expression, Hello, Label, Mood, from_viewer

Tone = Literal["good", "calm", "wait", "bad"]
"""All is well and shared; nothing is, as wished; it will be again by itself; somebody must do something."""

Action = Literal["pause", "resume", "rejoin"]
"""What the large button does."""


class Words(NamedTuple):
    """A sentence to say: its key in the window's texts, and its values."""

    key: str
    values: dict[str, object] = {}  # noqa: RUF012 - never changed
    is_literal: bool = False
    """Whether ``key`` is the sentence itself: of an error, or of the relay."""


class _Count(NamedTuple):
    """A number in a sentence, as its language writes it there."""

    number: int


def say(texts: Texts, words: Words) -> str:
    """In the viewer's language."""
    if words.is_literal:
        return words.key

    def said(value: object) -> object:
        if isinstance(value, _Count):
            return texts.number(value.number)
        return say(texts, value) if isinstance(value, Words) else value

    return texts(words.key, **{name: said(value) for name, value in words.values.items()})


class ShownSharing(NamedTuple):
    """What is shared now."""

    headline: Words
    details: tuple[Words, ...]
    tone: Tone
    face: Expression | None
    """Whose picture stands beside it."""


class ShownAudience(NamedTuple):
    """What the others show."""

    counts: Words | None
    shares: tuple[float, ...] | None
    """Seven, 0 to 1, for the bar; None while nothing is shown, when the faces rest side by side."""
    words: Words | None
    """Why nothing is; None where ``ranking`` says what is."""
    ranking: tuple[tuple[Expression, int], ...] = ()
    """The most frequent expressions, at most three, and their percentages."""


def shared(sent: Sequence[Said]) -> Label | None:
    """The label that the relay has of this viewer, by what it was told last; None after ``away`` or anew joined."""
    for said in reversed(sent):
        if not said.text.startswith("{"):  # a request
            continue
        message = from_viewer.decode(said.text)
        if isinstance(message, Label):
            return message
        if isinstance(message, Away | Hello):
            return None
    return None


def status(state: State) -> ShownSharing:
    """The line that must always be true: what goes out of this computer now."""
    if state.link != "joined":
        return _unjoined(state)
    if state.wish == "paused":
        return ShownSharing(Words("live.paused"), _ending(state) or (Words("live.paused.more"),), "calm", None)
    if state.mood is not None and state.mood.paused:
        return ShownSharing(Words("live.streamer_paused"), (Words("live.streamer_paused.more"),), "calm", None)
    if state.wish == "taps":
        return ShownSharing(Words("live.taps"), _ending(state) or (Words(_why_taps(state)),), "calm", None)
    if state.camera == "waiting":
        return ShownSharing(Words("live.camera_waiting"), _literal(state.camera_problem), "wait", None)
    if state.camera != "on":
        return ShownSharing(Words("live.camera_starting"), (), "wait", None)
    return _seen(state)


def _why_taps(state: State) -> str:
    if not state.cameras_allowed:
        return "live.barred"
    return "live.unbarred" if state.barred else "live.taps.more"


def _ending(state: State) -> tuple[Words, ...]:
    """What still goes on of a face that is no longer to be shared: usually nothing, some tenths of a second later."""
    is_told = shared(state.sent) is not None and not (state.mood is not None and state.mood.paused)
    if state.camera == "waiting" and state.camera_problem:  # it is not let go of
        camera = _literal(state.camera_problem)
    else:
        camera = () if state.camera == "off" else (Words("live.closing"),)
    return (*camera, *((Words("live.withdrawing"),) if is_told else ()))


def _unjoined(state: State) -> ShownSharing:
    problem = _literal(state.problem)
    if state.link == "ended":
        return ShownSharing(Words("live.ended"), problem, "bad", None)
    if state.link == "lost":
        return ShownSharing(Words("live.lost"), (Words("live.lost.more"), *problem), "wait", None)
    if state.link == "connecting":
        return ShownSharing(Words("live.connecting"), problem, "wait", None)
    return ShownSharing(Words("live.none"), problem, "calm", None)


def _seen(state: State) -> ShownSharing:
    hint = _hint_words(state.hint)
    label = shared(state.sent)
    if label is not None:
        values = {"label": Words(f"label.{label.emotion}"), "percent": round(100 * label.confidence)}
        return ShownSharing(Words("live.sharing", values), hint or (Words("live.sharing.more"),), "good", label.emotion)
    if state.unread is not None:
        why = Words("live.away", {"why": Words(f"unread.{state.unread.key}")})
        return ShownSharing(why, hint or (Words("live.away.more"),), "wait", None)
    if state.label is not None:  # seen a moment ago, and not sent yet
        return ShownSharing(Words("live.looking"), hint, "wait", None)
    return ShownSharing(Words("live.no_face"), hint or (Words("live.away.more"),), "wait", None)


def _hint_words(hint: str) -> tuple[Words, ...]:
    """A hint in the viewer's language, where it is one of ``agent.hints``."""
    if hint == NO_FACE:
        return (Words("hint.no_face"),)
    known = {reason.hint: reason.key for reason in Unread}
    return (Words(f"hint.{known[hint]}"),) if hint in known else _literal(hint)


def _literal(sentence: str) -> tuple[Words, ...]:
    return (Words(sentence, is_literal=True),) if sentence else ()


def audience(mood: Mood | None) -> ShownAudience:
    """How many watch and what they show, or why that is not shown."""
    if mood is None:
        return ShownAudience(None, None, Words("audience.unknown"))
    watching = Words("audience.watching", {"viewers": mood.viewers})
    if mood.paused:
        return ShownAudience(watching, None, Words("audience.paused"))
    if not mood.visible:
        return ShownAudience(watching, None, _condition_words(mood) if mood.cameras else Words("audience.taps_only"))
    counts = Words("audience.sharing", {"viewers": mood.viewers, "sharing": mood.sharing})
    return ShownAudience(counts, tuple(mood.shares), None, ranking(mood.shares))


def _condition_words(mood: Mood) -> Words:
    """What it takes before a mood is shown; as the overlay says it."""
    if mood.min_viewers == 1:
        return Words("audience.hidden.one")
    return Words(f"audience.hidden.{mood.crowd}", {"count": mood.min_viewers, "number": _Count(mood.min_viewers)})


def ranking(shares: Sequence[float]) -> tuple[tuple[Expression, int], ...]:
    """The three most frequent of the expressions that anybody shows, with percentages rounded as on the overlay."""
    shown = sorted((index for index, share in enumerate(shares) if share > 0), key=lambda index: -shares[index])
    return tuple((EXPRESSIONS[index], int(100 * shares[index] + 0.5)) for index in shown[:3])


def shortened(text: str, width: int, measure: Callable[[str], int]) -> str:
    """A name that somebody else chose, on one line and, as far as one letter allows, no wider than this, in pixels."""
    line = escaped(text)
    if measure(line) <= width:
        return line
    most = bisect.bisect(range(1, len(line)), width, key=lambda letters: measure(f"{line[:letters]}…"))
    return f"{line[: max(most, 1)]}…"


def action(state: State) -> Action:
    """Pausing always comes first: a camera may be open whatever has become of the relay."""
    if state.wish != "paused":
        return "pause"
    return "rejoin" if state.link in ("none", "ended") else "resume"


def may_tap(state: State) -> bool:
    """Whether a reaction would reach the others now."""
    paused_there = state.mood is not None and state.mood.paused
    return state.link == "joined" and state.wish != "paused" and not paused_there


def beside_face(state: State) -> Words | None:
    """What stands beside the face in the picture; None for nothing."""
    if state.label is None:
        return None
    return Words("live.beside", {"label": Words(f"label.{state.label}"), "percent": round(100 * state.confidence)})


def in_place_of_picture(state: State) -> Words:
    """Where the viewer's own picture would be."""
    if state.wish == "face":
        return Words("live.no_picture.waiting" if state.camera == "waiting" else "live.no_picture.starting")
    return Words(f"live.no_picture.{state.wish}" if state.camera == "off" else "live.closing")


def news(before: tuple[Said, ...], now: tuple[Said, ...]) -> tuple[int, tuple[Said, ...]]:
    """How many of what was listed before are gone from its beginning, and what is new at its end."""
    gone = next(gone for gone in range(len(before) + 1) if before[gone:] == now[: len(before) - gone])
    return gone, now[len(before) - gone :]


def clock(said: Said) -> str:
    """When it was said, by this computer's clock."""
    return f"{datetime.fromtimestamp(said.time):%H:%M:%S}"


Calibration = Literal["nothing", "open", "measured"]
"""Of the delay: no countdown runs, its zero may be tapped, or was."""


def calibration(state: State, now: float) -> Calibration:
    """What there is to do about the streamer's countdown. ``now``: ``time.monotonic``."""
    if state.countdown is None or now > state.countdown:
        return "nothing"
    return "open" if state.measured is None else "measured"


def may_be_shown(state: State, name: str) -> Words | None:
    """Why the viewer can't be shown in the grid; None where they can. Who is shown can always withdraw."""
    if state.shown:
        return None
    if state.link != "joined":
        return Words("people.unjoined")
    if not state.grid_allowed:
        return Words("people.forbidden")
    return None if name else Words("people.nameless")


def cameras(found: tuple[CameraInfo, ...], now: str) -> tuple[CameraInfo, ...]:
    """Those to choose from: with the source that is set, which may be none of those found."""
    return found if any(camera.id == _camera(now) for camera in found) else (*found, CameraInfo(now, now))


def chosen(listed: tuple[CameraInfo, ...], now: str) -> int:
    """Which of these is set."""
    return next(number for number, camera in enumerate(listed) if camera.id in (now, _camera(now)))


def _camera(source: str) -> str:
    return "webcam:0" if source == "webcam" else source


def delay_of(text: str) -> float | None:
    """Seconds as typed, 0 to ``MAX_DELAY_S``; None for anything else."""
    try:
        seconds = float(text.replace(",", "."))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= MAX_DELAY_S else None
