"""What a relay promises the viewer who is asked, in words. Pure."""

import hashlib

from relay.common.condition import condition, number_word
from relay.common.printable import escaped
from relay.protocol import Welcome

_VERSION = 1
"""Of what is asked beyond the words below; a change of it has every viewer asked anew."""


def what_leaves(relay: str, channel: str, also: str = "") -> str:
    """What is sent where, and what never is. ``also``: a sentence on what else is sent."""
    return (
        "The pictures are looked at on this computer only, and kept nowhere.\n"
        "  What leaves it: one of seven words (happy, sad, ...) and how sure that is,\n"
        f"    at most twice a second, to {relay}, channel {channel}.{also}\n"
        "  What never leaves it: pictures, and the shape of your face.\n"
    )


TEACHING = (
    "  What is kept on this computer, since you teach it your face: your answers, and for each of them the numbers\n"
    "    that the network makes of your face (an embedding), which describe it, and no picture.\n"
    "    They are encrypted, with a key in your keyring; without one the key lies in a file beside them: that is\n"
    "    obfuscation, and keeps no program of yours out. They are never sent.\n"
    "    You can have them shown, exported and deleted at any time.\n"
)
"""What is asked besides where the viewer teaches the agent their face (``agent.personal``)."""

ONLY_ME = (
    "  Since it is to learn from you alone: numbers that recognise your face (biometrics) are kept with your answers,\n"
    "    encrypted like them, on this computer only, and are exported and deleted with them. Every few seconds each\n"
    "    face before the camera is compared with them; of others' faces nothing is kept for longer than a minute.\n"
)
"""And where it is to tell their face from others' (``agent.personal.whose``)."""


VOICE = (
    "  Since your voice counts, too: your microphone is open as long as you share. It hears whoever speaks near it,\n"
    "    also people who did not agree: tell them, or start without --voice. The status line says that it is open.\n"
    "    The sound is listened to on this computer only. Its last seconds lie in memory, where new ones overwrite\n"
    "    them; nothing of it is stored, and nothing of it is sent but its part in that one word.\n"
    "    It counts only while your face is seen, and only while somebody speaks. Words are not recognised.\n"
)
"""What a streamer is asked besides who has their microphone listened to (``agent.voice``)."""


def digest(welcome: Welcome, teaching: bool = False, only_me: bool = False) -> str:
    """Tells one text that a viewer agrees to from another: of a relay that promises something else, or a later release.

    The English text counts, whatever language it is read in; relay and channel are stored beside it. ``teaching``: with
    that of ``TEACHING``; and ``only_me``: with that of ``ONLY_ME``.
    """
    also = f"{TEACHING if teaching else ''}{ONLY_ME if teaching and only_me else ''}"
    text = f"{_VERSION}\n{what_leaves('RELAY', 'CHANNEL')}{who_sees_it(welcome)}{also}"
    return hashlib.sha256(text.encode()).hexdigest()


def streamers(stored: bool) -> str:
    """Who gets to see a streamer's expression, which no number of others hides."""
    keeps = (
        "It is stored too, second by second: whoever has a key of the channel can read and export it.\n"
        "    Deleting a session deletes it."
        if stored
        else "It is not stored."
    )
    return (
        "  Who sees it: you are the streamer, so your expression is shown alone, to everyone: on the broadcast,\n"
        "    and to whoever has a key of the channel, however few viewers share. It counts in no figure of theirs.\n"
        "    Whoever runs the relay gets it with your network address, and the channel's admin key to let you in.\n"
        f"    {keeps}\n"
    )


def who_sees_it(welcome: Welcome) -> str:
    """Who gets to see the expression, by what the relay promises; nobody but its operator could keep or break it."""
    least = welcome.min_viewers
    if least == 1:
        shown = "Others see even a single person's expression: yours, while nobody else shares."
    else:
        shown = f"Others see it only together with other people's: once {condition(least, welcome.crowd)}."
    if least > 1 and welcome.crowd == "viewers":
        others = number_word(least - 1)
        shown += f"\n    This relay counts connections: somebody with {others} of them could read yours alone."
    elif least == 2:
        shown += "\n    With so few, the other one can tell which is yours."
    if welcome.via:
        shown = f"It goes through a tunnel of {escaped(welcome.via)}, who can read it, too.\n    {shown}"
    return (
        "  Who sees it: whoever runs the relay gets it with your network address; you trust them with that.\n"
        f"    {shown}\n"
    )


def promises_less(welcome: Welcome, agreed: Welcome) -> bool:
    """Whether a relay shows an expression sooner than the viewer was told when asked."""
    return welcome.min_viewers < agreed.min_viewers or (welcome.crowd, agreed.crowd) == ("viewers", "networks")


def broken_promise(welcome: Welcome, agreed: Welcome) -> str:
    """What to tell a viewer whose relay promises less than when the viewer was asked."""
    now, then = (condition(one.min_viewers, one.crowd) for one in (welcome, agreed))
    return (
        f"the relay now shows your expression sooner than you agreed to: once {now}, not only once {then}. Nothing "
        "more is sent. Join again, or start the agent again, to be asked anew"
    )
