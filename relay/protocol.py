"""The wire contract: every message, close code and limit, defined once. ``docs/protocol.md`` is generated from here.

All frames are JSON text. Expressions stand in one order everywhere; ``counts`` and ``shares`` are lists in that order.
"""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

VERSION = 1

Expression = Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
EXPRESSIONS: tuple[Expression, ...] = get_args(Expression)
NEUTRAL = EXPRESSIONS.index("neutral")

Tap = Literal["heart", "laugh", "clap", "wow", "cry"]
TAPS: tuple[Tap, ...] = get_args(Tap)

MAX_FRAME_BYTES = 4096
HELLO_TIMEOUT_S = 10.0
MAX_LABELS_PER_S = 2.0
HEARTBEAT_S = 5.0
"""A viewer repeats its current label at least this often."""
MOOD_HEARTBEAT_S = 2.0
"""Viewers get the mood at least this often, whether it changed or not."""
LABEL_TTL_S = 15.0
"""A label that was not repeated for this long expires."""
MAX_DELAY_S = 120
"""The longest delay of a stream that is reckoned with."""
SLOWEST_TICK_S = 5.0
"""A subscriber gets a mood at least this often."""
STALE_S = 6.0
"""Who has heard nothing for this long shows no longer what was told last as if it were of now."""

SHORTEST_COUNTDOWN_S, LONGEST_COUNTDOWN_S = 3, 30

PEOPLE_S = 2.0
"""Who looks at the grid is told so often who is shown there."""
MOST_PEOPLE = 48
"""So many are shown there at once."""

State = Literal["auto", "open", "paused", "ended"]
"""Of a channel's session: what the streamer, or a script, last said; "auto" where nobody did."""
LEASE_S = 300.0
"""What was said of a session and is not renewed for this long holds no more."""

MOST_NOTICE = 280
"""Characters of what a streamer tells viewers before they join."""
MOST_VIA = 80
"""Characters of a firm's name."""

Role = Literal["viewer", "streamer"]
"""What a ticket lets its holder be: one of the audience, or the streamer, whose face is shown alone."""

Crowd = Literal["networks", "viewers"]
"""What `min_viewers` counts: networks (an IPv4 address, or an IPv6 /48) from which somebody shares, or viewers."""

Counted = Annotated[
    Crowd,
    Meta(
        description="What `min_viewers` counts: networks from which somebody shares, or viewers. A relay always tells; "
        "old ones, which didn't, count viewers."
    ),
]

Cameras = Annotated[
    bool,
    Meta(
        description="Whether the streamer takes what cameras see. False: taps alone; labels don't count, and whoever "
        "has a camera on turns it off at once."
    ),
]

CHANNEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

Seven = Annotated[list[int], Meta(min_length=7, max_length=7)]
SevenShares = Annotated[list[float], Meta(min_length=7, max_length=7)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all messages; ``type`` names the class in lower case. Unknown fields are ignored."""


# --- viewer -> relay -------------------------------------------------------------------------------------------------


class Hello(Message, tag="hello", frozen=True, kw_only=True):
    """First frame of a viewer, within 10 s of the connection."""

    agent: Annotated[str, Meta(max_length=64, description="Program and version, as in `moodcast/0.1.0`.")] = ""
    ticket: Annotated[
        str, Meta(max_length=1024, description="Viewer ticket; open channels take everyone without one.")
    ] = ""
    name: Annotated[
        str,
        Meta(
            max_length=40,
            description="Display name, if the viewer wants one. It is told to nobody before `show` asks for that.",
        ),
    ] = ""
    delay: Annotated[
        float,
        Meta(
            description="Seconds by which the viewer sees the stream later than it happens, "
            f"0 to {MAX_DELAY_S:g}; what is beyond counts as the nearest of these."
        ),
    ] = 0.0
    store: Annotated[
        bool, Meta(description="Whether the streamer's `face` is stored with the session; means nothing of a viewer.")
    ] = False

    def __repr__(self) -> str:
        return f"Hello({self.agent!r})"  # the ticket is not for logs


class Label(Message, tag="label", frozen=True, kw_only=True):
    """The viewer's current expression: on change (at most 2 a second) and as a heartbeat. Replaces the one before.

    Where `welcome` or `mood` say that there are no `cameras`, it does not count, and the first one of a connection is
    answered with an `error`.
    """

    emotion: Annotated[Expression, Meta(description="One of the seven expressions.")]
    # Without bounds to check: this is decoded thousands of times a second, and nothing is reckoned with it.
    confidence: Annotated[
        float, Meta(description="Of the classifier, 0 to 1; what is beyond counts as the nearest of these.")
    ] = 1.0


class TapMessage(Message, tag="tap", frozen=True, kw_only=True):
    """A manual reaction."""

    tap: Annotated[Tap, Meta(description="Which one: `heart`, `laugh`, `clap`, `wow` or `cry`.")]


class Away(Message, tag="away", frozen=True, kw_only=True):
    """No face, or paused: withdraws the label at once."""


class Zero(Message, tag="zero", frozen=True, kw_only=True):
    """Tapped when the `countdown` reached zero on the viewer's screen. The relay answers `delay`, or an `error`."""


class ShowMessage(Message, tag="show", frozen=True, kw_only=True):
    """Whether the viewer is shown on the grid, by its name and with its label, to everybody who opens it.

    Each connection begins unshown. Where the streamer does not allow the grid, or `hello` had no name that fits on a
    line, an `error` answers. `away` leaves the name there without a label; `on: false` takes both away at once. Who was
    shown when the streamer took the grid back and gave it again hears an `error`, and is shown no more.
    """

    on: Annotated[bool, Meta(description="True: show me. False: no more.")]


class LookMessage(Message, tag="look", frozen=True, kw_only=True):
    """Whether the viewer has the grid open: `people` comes while it has, and the streamer allows it."""

    on: Annotated[bool, Meta(description="True: tell me who is there. False: no more.")]


# --- relay -> viewer -------------------------------------------------------------------------------------------------


class Welcome(Message, tag="welcome", frozen=True, kw_only=True):
    """Answer to `hello`: from now on labels count."""

    channel: Annotated[str, Meta(description="The channel joined.")]
    viewer: Annotated[str, Meta(description="This connection's pseudonym, new each time.")]
    tick_ms: Annotated[int, Meta(description="Milliseconds between two mood events.")]
    heartbeat_s: Annotated[float, Meta(description="Repeat the current label at least this often.")] = HEARTBEAT_S
    label_ttl_s: Annotated[float, Meta(description="A label not repeated for this long expires.")] = LABEL_TTL_S
    min_viewers: Annotated[
        int, Meta(ge=1, description="While fewer than this share, nothing is shown; `crowd` says of what.")
    ]
    crowd: Counted = "viewers"
    grid: Annotated[bool, Meta(description="Whether the streamer allows the grid, as in `mood`.")] = False
    granted: Annotated[
        float,
        Meta(
            description="Since when (Unix time) the grid is allowed; 0 where it is not. Who was shown before and finds "
            "another time here chose it for a grid that was taken back, and has to choose anew."
        ),
    ] = 0.0
    cameras: Cameras = True
    notice: Annotated[
        str,
        Meta(
            max_length=MOST_NOTICE,
            description="What the streamer tells who thinks of joining: plain text on one line, to be shown as theirs, "
            "before consent and below the program's own words; empty without one.",
        ),
    ] = ""
    via: Annotated[
        str,
        Meta(
            max_length=MOST_VIA,
            description="The firm that can read what this viewer sends, since it comes through a tunnel whose TLS ends "
            "there; empty where none is known.",
        ),
    ] = ""
    version: Annotated[int, Meta(description="Version of this contract.")] = VERSION


class Error(Message, tag="error", frozen=True, kw_only=True):
    """Something in the last frame was wrong. The connection stays open unless a `bye` follows."""

    code: Annotated[int, Meta(description="A number of the table of codes.")]
    message: Annotated[str, Meta(description="What was expected, what came, what to do.")]


class Bye(Message, tag="bye", frozen=True, kw_only=True):
    """The relay is about to close the connection with the same code."""

    code: Annotated[int, Meta(description="A number of the table of codes; its range says retry or stop.")]
    message: Annotated[str, Meta(description="Why, and what to do.")]
    retry_after_s: Annotated[
        float, Meta(description="Codes that say retry: wait about this long, times a random 0.5 to 1.5.")
    ] = 0.0


class Delay(Message, tag="delay", frozen=True, kw_only=True):
    """Answer to `zero`: the measured delay, which applies as one of `hello` does when the countdown is over."""

    seconds: Annotated[int, Meta(ge=0, le=MAX_DELAY_S, description="For the next `hello` of this viewer, too.")]


class PersonShown(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the grid."""

    name: Annotated[str, Meta(description="As its `hello` said.")]
    emotion: Annotated[
        Expression | None, Meta(description="Their label; null where they have none, and where none may be told.")
    ]


class People(Message, tag="people", frozen=True, kw_only=True):
    """Who is shown on the grid, to who said `look`: every 2 s, and soon after somebody is shown no more.

    Labels are told only while the mood is visible and those who share without being shown here are nobody, or people of
    more networks (or viewers: as `crowd` says) than `min_viewers`. Else the mood less the people would be a few faces,
    and names alone are told. In a pause nobody is.
    """

    people: Annotated[
        list[PersonShown],
        Meta(max_length=MOST_PEOPLE, description="At most 48, who came first: `name`, and `emotion` or null."),
    ]
    more: Annotated[int, Meta(ge=0, description="How many more would be shown if there was room.")] = 0


# --- relay -> subscribers (and viewers) ------------------------------------------------------------------------------


class Subscribe(Message, tag="subscribe", frozen=True, kw_only=True):
    """First frame of a WebSocket subscriber, within 10 s. SSE subscribers send `Authorization: Bearer KEY` instead."""

    key: Annotated[str, Meta(max_length=256, description="The channel's display key.")]

    def __repr__(self) -> str:
        return "Subscribe()"  # the key is not for logs


class Mood(Message, tag="mood", frozen=True, kw_only=True):
    """The whole state of a channel, every tick; to viewers once a second while it changes, else every two.

    A lost one repairs itself with the next. A relay that is busy tells viewers less often.
    """

    seq: Annotated[int, Meta(ge=0, description="Grows by one with each mood event of the channel.")]
    time: Annotated[float, Meta(description="Unix time in seconds.")]
    visible: Annotated[
        bool,
        Meta(
            description="False while fewer than `min_viewers` share, or while `paused`, or without `cameras`: counts, "
            "shares and figures are then zero."
        ),
    ]
    viewers: Annotated[int, Meta(ge=0, description="Connected viewers.")]
    sharing: Annotated[int, Meta(ge=0, description="Viewers with a current label.")]
    min_viewers: Annotated[
        int, Meta(ge=1, description="So many must share before anything is shown; `crowd` says what.")
    ]
    crowd: Counted = "viewers"
    counts: Annotated[Seven, Meta(description="Viewers per expression.")]
    shares: Annotated[SevenShares, Meta(description="`counts` divided by `sharing`.")]
    valence: Annotated[
        float, Meta(ge=-1, le=1, description="Share of happy minus shares of angry, disgust, fear, sad.")
    ]
    resonance: Annotated[float, Meta(ge=0, le=1, description="Chance-corrected agreement of the expressive viewers.")]
    trend: Annotated[float, Meta(ge=-2, le=2, description="Valence now minus its mean over the last ten seconds.")]
    paused: Annotated[
        bool, Meta(description="The streamer has paused: labels and taps are not taken, nothing is shown or stored.")
    ] = False
    grid: Annotated[
        bool,
        Meta(
            description="The streamer allows viewers to be shown by name to each other (`show`, `people`). Once it was "
            "false, who was shown is no more, and has to choose anew."
        ),
    ] = False
    cameras: Cameras = True


class Reaction(Message, tag="reaction", frozen=True, kw_only=True):
    """A burst: many viewers changed to one expression together, or tapped.

    Without `cameras` there are taps alone, told once people of `min_viewers` networks (or viewers: as `crowd` says) are
    connected; `strength` is then the share of those.
    """

    time: Annotated[float, Meta(description="Unix time in seconds.")]
    kind: Annotated[Literal["expression", "tap"], Meta(description="What `name` names.")]
    name: Annotated[str, Meta(description="An expression or a tap.")]
    strength: Annotated[Fraction, Meta(description="Share of the sharing viewers who took part, 0 to 1.")]
    count: Annotated[int, Meta(ge=1, description="How many viewers took part.")]


class Moment(Message, tag="moment", frozen=True, kw_only=True):
    """The audience stands out of the minute before: worth a highlight. Told once, at most 3 s after it shows.

    The viewers see the stream late. What they reacted to happened at the streamer's at `time`, by the relay's clock, or
    `ago` seconds before this message, by any.
    """

    time: Annotated[float, Meta(description="Unix time in seconds, at the streamer's.")]
    ago: Annotated[float, Meta(ge=0, description="Seconds that had passed since then when this was sent.")]
    kind: Annotated[Literal["expression", "tap"], Meta(description="What `name` names.")]
    name: Annotated[str, Meta(description="An expression or a tap.")]
    share: Annotated[Fraction, Meta(description="Share of the sharing viewers who showed or tapped it, 0 to 1.")]
    rise: Annotated[Fraction, Meta(description="By how much that is more than is usual in the minute before.")]
    score: Annotated[float, Meta(ge=0, description="How far it stands out, to rank moments by.")]


class Marker(Message, tag="marker", frozen=True, kw_only=True):
    """The streamer marked this moment of the session."""

    time: Annotated[float, Meta(description="Unix time in seconds.")]
    text: Annotated[str, Meta(description="What the streamer wrote, 1 to 200 characters on one line.")]


class Rehearsal(Message, tag="rehearsal", frozen=True, kw_only=True):
    """The streamer tries the overlay out: a reaction that nobody had, to be shown as such, and stored nowhere.

    It tells nothing of the audience, so it comes while the mood is hidden, too.
    """

    time: Annotated[float, Meta(description="Unix time in seconds.")]
    kind: Annotated[Literal["expression", "tap"], Meta(description="What `name` names.")]
    name: Annotated[str, Meta(description="An expression or a tap.")]


class Countdown(Message, tag="countdown", frozen=True, kw_only=True):
    """The streamer measures the viewers' delay: the overlay counts down, and viewers say `zero` when they see the 0.

    Clocks differ: count from the arrival of this message, `zero` minus `time` seconds.
    """

    time: Annotated[float, Meta(description="Unix time in seconds of this message.")]
    seconds: Annotated[
        int, Meta(ge=SHORTEST_COUNTDOWN_S, le=LONGEST_COUNTDOWN_S, description="From which number is counted.")
    ]
    zero: Annotated[float, Meta(description="Unix time at which it reaches zero; the same in each message about it.")]


class Face(Message, tag="face", frozen=True, kw_only=True):
    """The streamer's own expression, which they show alone and to everyone; it is part of no count.

    On subscription, on change, and every 5 s while the streamer is connected. One not repeated for 15 s is over.
    """

    time: Annotated[float, Meta(description="Unix time in seconds.")]
    emotion: Annotated[
        Expression | None, Meta(description="One of the seven expressions; null while the streamer shows none.")
    ]
    delay: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_DELAY_S,
            description="Seconds by which the audience as a whole (the median) sees the stream later: its mood is "
            "about the `face` of so long ago. 0 while the mood is not visible.",
        ),
    ]


class Status(Message, tag="status", frozen=True, kw_only=True):
    """On subscription and whenever the relay's condition changes."""

    channel: Annotated[str, Meta(description="The channel.")]
    session: Annotated[int | None, Meta(description="Number of the running session, if one runs.")] = None
    state: Annotated[
        State,
        Meta(
            description="Of the session: `open`, `paused` or `ended` by the streamer, or `auto`: it begins by itself."
        ),
    ] = "auto"
    tick_ms: Annotated[int, Meta(description="Milliseconds between two mood events.")]
    warnings: Annotated[list[str], Meta(description="Sentences for the streamer; empty when all is well.")] = []


FromViewer = Hello | Label | TapMessage | Away | Zero | ShowMessage | LookMessage
ToViewer = Welcome | Mood | People | Countdown | Delay | Error | Bye
Event = Mood | Reaction | Moment | Marker | Rehearsal | Countdown | Face | Status
FromRelay = Welcome | Delay | Error | Bye | People | Event

from_viewer: msgspec.json.Decoder[FromViewer] = msgspec.json.Decoder(FromViewer)
from_subscriber: msgspec.json.Decoder[Subscribe] = msgspec.json.Decoder(Subscribe)
from_relay: msgspec.json.Decoder[FromRelay] = msgspec.json.Decoder(FromRelay)
encode = msgspec.json.Encoder().encode


# --- codes -----------------------------------------------------------------------------------------------------------


class Code(msgspec.Struct, frozen=True):
    """A numbered reason. 4000 to 4499: stop, retrying can't help. 4500 to 4999: retry, with backoff and jitter."""

    number: int
    name: str
    meaning: str
    http_status: int = 400

    @property
    def retry(self) -> bool:
        return retries(self.number)


BAD_MESSAGE = Code(4400, "bad_message", "The frame is not a message of this contract.", 400)
WRONG_KEY = Code(4401, "wrong_key", "The key is missing or does not open this channel.", 401)
FORBIDDEN = Code(4403, "forbidden", "This may not be asked from where the client is.", 403)
UNKNOWN_CHANNEL = Code(4404, "unknown_channel", "There is no such channel on this relay.", 404)
NOT_FOUND = Code(4405, "not_found", "There is nothing at this address.", 404)
WRONG_PASSWORD = Code(4406, "wrong_password", "The channel's join password is missing or wrong.", 403)
NO_TICKET = Code(4407, "no_ticket", "The channel takes viewers with a ticket only.", 403)
CHANNEL_EXISTS = Code(4409, "channel_exists", "A channel of this name exists already.", 409)
REPLACED = Code(4410, "replaced", "The ticket was used again: its newer connection counts.", 409)
NO_COUNTDOWN = Code(4411, "no_countdown", "There was no countdown's zero to tap at, or it is too far away.", 409)
NOT_SHOWN = Code(
    4412, "not_shown", "The viewer can't be shown on the grid: it is not allowed, or there is no name.", 409
)
NO_CAMERAS = Code(4414, "no_cameras", "The channel takes taps alone: the label does not count.", 409)
TOO_LARGE = Code(4413, "too_large", "The frame is larger than 4 KiB, or the request than its limit.", 413)
TOO_FAST = Code(4429, "too_fast", "Far more frames came than may come, or too many wrong ones.", 429)
NO_HELLO = Code(4500, "no_hello", "The first frame, or the rest of a request, did not come within 10 seconds.", 408)
SLOW_READER = Code(4501, "slow_reader", "The client reads more slowly than events come.", 503)
FULL = Code(4502, "full", "The relay, the channel or the client's network has as many connections as it may.", 503)
SHUTTING_DOWN = Code(4503, "shutting_down", "The relay stops or restarts.", 503)
BAD_TICKET = Code(4504, "bad_ticket", "The ticket is expired, forged or for another channel: get a new one.", 403)
TOO_OFTEN = Code(4505, "too_often", "Too many tickets, passwords, states of a session or test reactions: wait.", 429)
COUNTING = Code(4506, "counting", "Viewers may still answer to the last countdown.", 409)
FAULT = Code(4510, "fault", "The relay failed to answer; its log says why.", 500)
CODES = (
    BAD_MESSAGE, WRONG_KEY, FORBIDDEN, UNKNOWN_CHANNEL, NOT_FOUND, WRONG_PASSWORD, NO_TICKET, CHANNEL_EXISTS,
    REPLACED, NO_COUNTDOWN, NOT_SHOWN, TOO_LARGE, NO_CAMERAS, TOO_FAST, NO_HELLO, SLOW_READER, FULL, SHUTTING_DOWN,
    BAD_TICKET, TOO_OFTEN, COUNTING, FAULT,
)  # fmt: skip


def retries(code: int) -> bool:
    """Whether a client that was closed with this code should come back.

    Ordinary WebSocket codes (1000 to 2999, and None for a broken connection seen as 1006) mean: yes.
    """
    return not 4000 <= code <= 4499


def fields(message: type[Message]) -> list[tuple[str, str, str]]:
    """(name, JSON type, description) of each field of a message, for the generated documentation."""
    schema: dict[str, Any] = msgspec.json.schema(message)["$defs"][message.__name__]["properties"]
    return [(name, _type_name(part), part.get("description", "")) for name, part in schema.items() if name != "type"]


def _type_name(part: dict[str, Any]) -> str:
    if "enum" in part:
        return "one of " + ", ".join(f"`{value}`" for value in part["enum"])
    if "anyOf" in part:
        return " or ".join(_type_name(option) for option in part["anyOf"])
    if "$ref" in part:
        return "object"
    if part.get("type") == "array":
        length = f"{part['minItems']} " if "minItems" in part else ""
        return f"list of {length}{_type_name(part['items'])}"
    return str(part.get("type", "any"))
