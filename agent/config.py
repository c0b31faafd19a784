"""The agent's options: one table for the command line, the environment, the checks and the docs."""

from typing import Annotated

import msgspec
from msgspec import Meta

from agent import address
from relay.common import discreet
from relay.common.invitation import MAX_PASSWORD
from relay.common.printable import escaped, is_printable
from relay.protocol import CHANNEL_PATTERN, MAX_DELAY_S, Role
from relay.settings import SECRET, UNSEEN

ADMIN_KEY_PATTERN = r"^[!-~]{0,256}$"
"""What can be sent in a header: letters, digits and signs, without blanks."""


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The viewer's agent: reads the expression of your face on this computer, shares one word of it with a channel."""

    __repr__ = discreet.shown

    relay: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^/?#@]+(/[^?#@]*)?$",
            description="Address of the relay, as in https://mood.example.org; an invitation or a link to one of its "
            "pages will do.",
            extra={"read": address.option},
        ),
    ] = "http://127.0.0.1:8765"
    channel: Annotated[
        str,
        Meta(
            pattern=f"^$|{CHANNEL_PATTERN}",
            description="Channel to join; the streamer tells its name (letters, digits, _ and -, at most 64). Without "
            "any option the window opens, where there can be one; else the agent asks for the channel in the terminal.",
        ),
    ] = ""
    password: Annotated[
        str,
        Meta(
            max_length=MAX_PASSWORD,
            description="Join password of the channel, if it has one; the streamer tells it. Better given in the "
            "environment, where other users of the machine can't see it.",
            extra=SECRET,
        ),
    ] = ""
    role: Annotated[
        Role,
        Meta(
            description="Whose face it is: viewer, shown only together with others, or streamer, shown alone, to "
            "everyone. The streamer needs the channel's admin key.",
        ),
    ] = "viewer"
    admin_key: Annotated[
        str,
        Meta(
            pattern=ADMIN_KEY_PATTERN,
            description="The channel's admin key, with --role streamer; without it the agent asks for it in the "
            "terminal, and does not show what is typed.",
            extra=UNSEEN,
        ),
    ] = ""
    store_face: Annotated[
        bool,
        Meta(description="With --role streamer: store your expression with each session, beside the audience's."),
    ] = False
    voice: Annotated[
        str,
        Meta(
            description="With --role streamer: listen to your microphone, too, with this voice network (an ONNX file "
            "that learned from recorded speech; `moodcast models export` writes it). One label is made of face and "
            "voice. No sound is stored or sent. Empty: no microphone."
        ),
    ] = ""
    source: Annotated[
        str,
        Meta(
            min_length=1,
            description="Where faces come from: webcam, webcam:N for camera N, screen, or a video or picture file.",
        ),
    ] = "webcam"
    model: Annotated[
        str,
        Meta(
            min_length=1,
            description="Expression classifier, for faces or clips: a name of the weights registry, or an ONNX file.",
        ),
    ] = "moodnet"
    fps: Annotated[
        int,
        Meta(
            ge=1,
            le=30,
            description="Frames looked at per second while the face changes; one a second while nothing does.",
        ),
    ] = 5
    name: Annotated[str, Meta(max_length=40, description="Display name for the relay; empty to stay nameless.")] = ""
    delay: Annotated[
        float, Meta(ge=0, le=MAX_DELAY_S, description="Seconds by which you see the stream later than it happens.")
    ] = 0.0
    yes: Annotated[
        bool,
        Meta(description="Consent in advance, instead of being asked: to fetching model files, and to the capture."),
    ] = False
    explain: Annotated[
        bool,
        Meta(
            description="Show for ten seconds what would be sent, to the letter. Nothing is sent and nobody contacted; "
            "it needs no channel."
        ),
    ] = False
    personal: Annotated[
        bool,
        Meta(
            description="Teach it your face: say what you show, and it learns that. Kept on this computer only, "
            "encrypted: numbers that describe your face, and your answers. Deleted with --personal-delete."
        ),
    ] = False
    personal_only_me: Annotated[
        bool,
        Meta(
            description="With --personal: learn from your face alone, and read others' as everybody's. Keeps numbers "
            "that recognise your face (biometrics) with your answers. Takes a network that is fetched once you agree."
        ),
    ] = False
    personal_export: Annotated[
        str, Meta(description="File to write what it has learned of your face to, and end; see --personal.")
    ] = ""
    personal_delete: Annotated[
        bool, Meta(description="Delete what it has learned of your face, with its key and exports, and end.")
    ] = False
    loop: Annotated[bool, Meta(description="Play a video file again when it ends.")] = False
    report: Annotated[str, Meta(description="File to write a JSON summary to at the end; empty for none.")] = ""
    headless: Annotated[bool, Meta(description="Never open a window: go on in the terminal.")] = False
    plain: Annotated[
        bool,
        Meta(
            description="Write a new line when what is sent changes, in place of one line that is rewritten all the "
            "time: for screen readers."
        ),
    ] = False

    def problems(self) -> list[str]:
        """Sentences on values that a check of one option by itself does not find."""
        wrong = []
        if not is_printable(self.name):
            wrong.append(
                "--name: expected a name of printable characters on one line, without controls that hide or turn text, "
                f"got {escaped(self.name)}"
            )
        if self.store_face and self.role != "streamer":
            wrong.append("--store-face: a viewer's expression is never stored alone; it is for --role streamer.")
        if self.delay and self.role == "streamer":
            wrong.append("--delay: a streamer is where the stream is made, so there is none; it is for viewers.")
        if self.voice and self.role != "streamer":
            wrong.append("--voice: a viewer is never listened to; it is for --role streamer.")
        if self.voice and self.explain:
            wrong.append("--voice: --explain shows what would be sent, and that is the same; give one of them.")
        if self.personal_only_me and not self.personal:
            wrong.append("--personal-only-me: it is about whose face is taught; give it with --personal.")
        if self.personal_export and self.personal_delete:
            wrong.append("--personal-delete: it deletes exports, too; give it without --personal-export.")
        return wrong


class WindowSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The viewer's agent in a window, with an icon in the tray: join a channel, see what is shared, pause."""

    __repr__ = discreet.shown

    invitation: Annotated[
        str,
        Meta(
            max_length=4096,
            description="Link of an invitation to open; `-` reads it from the standard input. Its relay and channel "
            "are shown, and you are asked, before anything is done with it.",
            extra=SECRET,
        ),
    ] = ""
    background: Annotated[
        bool, Meta(description="Begin with the window closed, as after the login: paused, the camera shut.")
    ] = False
    pause: Annotated[
        bool,
        Meta(description="Pause the Moodcast that runs already, and end: for a key or a button of your desktop."),
    ] = False
