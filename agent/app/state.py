"""What the window, the tray icon and the tests see of a running agent. Plain values: no sockets, no cameras, no Tk."""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.personal.lesson import LessonMoment
from agent.personal.status import Taught, TeacherStatus
from agent.unread import Unread
from relay.protocol import Expression, Mood, Welcome

Wish = Literal["face", "taps", "paused"]
"""What the viewer wants to share: the face's label and taps, taps alone, nothing. Each run begins ``paused``."""
Link = Literal["none", "connecting", "joined", "lost", "ended"]
"""To the relay. ``lost`` comes back by itself, ``ended`` does not: ``State.problem`` says why."""
Camera = Literal["off", "starting", "on", "waiting"]
"""``off`` is released, its light too. ``waiting``: it is missing, taken or failed, and tried again by itself."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of a relay, as invitations name it."""

    relay: str
    """As ``agent.address.parse`` gives it: SCHEME://HOST[:PORT][/PREFIX]."""
    channel: str
    password: str = ""
    """The join password; empty without one."""

    def __repr__(self) -> str:
        return f"Place({self.relay!r}, {self.channel!r})"  # the password is not for logs


class Said(msgspec.Struct, frozen=True):
    """A message to the relay, as it went out."""

    time: float
    """Unix time in seconds."""
    text: str
    """A message as JSON, or a request: its method, path and content. To the letter, but … for a password or ticket."""


class Person(msgspec.Struct, frozen=True):
    """Somebody who chose to be shown to everybody who opens the grid."""

    name: str
    emotion: Expression | None
    """None while it may not be told, or nothing is shared."""


class Picture(msgspec.Struct, frozen=True):
    """The newest frame, to be looked at by its owner alone."""

    pixels: NDArray[np.uint8]
    """RGB (H, W, 3), at most 320 wide."""
    box: tuple[float, float, float, float] | None
    """Left, top, right, bottom of the face, each 0 to 1 of the picture; None without one."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All of it at one moment."""

    place: Place | None = None
    """The channel that was joined, or is about to be."""
    link: Link = "none"
    problem: str = ""
    """Why it is lost or has ended, and what to do; one sentence or more."""
    notice: str = ""
    """What the relay has objected to last, or the agent; a sentence."""
    wish: Wish = "paused"
    camera: Camera = "off"
    previewed: bool = False
    """Whether the viewer looks through it, whatever is shared; see ``App.preview``."""
    camera_problem: str = ""
    """Why it is ``waiting``, and what to do."""
    label: Expression | None = None
    """What the newest frames show, smoothed; None while nobody is there or nothing can be read."""
    confidence: float = 0.0
    unread: Unread | None = None
    """Why nothing can be read."""
    hint: str = ""
    """What would help; empty while all is well."""
    personal: TeacherStatus | None = None
    """What was learned of this face, as the eyes told last; None while nothing is to be, and before they told."""
    taught: Taught | None = None
    """What became of the newest answer, or of a guided minute that was broken off."""
    lesson: LessonMoment | None = None
    """What the guided minute asks for now; None without one. While it goes on, and a moment longer, no label is sent.
    """
    sent: tuple[Said, ...] = ()
    """The newest of what the relay was told since the start, at most 200, oldest first."""
    labels: int = 0
    """Labels sent since the start."""
    mood: Mood | None = None
    """The audience, as the relay told it last; None while not joined."""
    countdown: float | None = None
    """Until when (``time.monotonic``) a tap at the countdown's zero is taken; None without one."""
    measured: int | None = None
    """Seconds that the tap at this countdown's zero has measured; None before it, and without a countdown."""
    delay: float = 0.0
    """Seconds by which this viewer sees the stream late, measured or set."""
    grid_allowed: bool = False
    """Whether the channel's admin allows the grid."""
    cameras_allowed: bool = True
    """Whether the channel's admin takes cameras; else ``face`` is no wish that can be had."""
    barred: bool = False
    """Whether the viewer wished to share the face when the admin took no cameras, and has wished for nothing since."""
    shown: bool = False
    """Whether this viewer is shown in it."""
    people: tuple[Person, ...] = ()
    """Who is, while it is open here; at most 48."""
    more: int = 0
    """How many more are, beyond these."""


class Listed(msgspec.Struct, frozen=True):
    """A channel that its admin has listed."""

    name: str
    viewers: int = 0
    """Rounded down to a multiple of five."""
    password: bool = False
    """Whether it asks for one."""


class ChannelListing(msgspec.Struct, frozen=True, kw_only=True):
    """What a relay tells strangers of its channels; those that are not listed are not told."""

    relay: str
    channels: tuple[Listed, ...] = ()
    """Most viewers first."""
    may_create: bool = False
    """Whether this computer may make one without the relay's create key."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What the viewer is asked about: the relay has told, and nothing is shared yet."""

    place: Place
    welcome: Welcome
    """When an expression is shown there; ``agent.consent.promise`` says it in words."""
    agreed: bool
    """Whether the viewer has agreed to this very text before, and need not be asked again."""


class CreatedChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A new channel and its keys, which the relay tells this once."""

    channel: str
    admin_key: str
    display_key: str

    def __repr__(self) -> str:
        return f"CreatedChannel({self.channel!r})"  # keys are not for logs


class CameraInfo(msgspec.Struct, frozen=True):
    """A camera to choose."""

    id: str
    """For ``Remembered.camera``: webcam:N."""
    name: str
    """Unlike those of all others."""
