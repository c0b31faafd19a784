"""What the viewer has agreed to, per relay and channel. Pure."""

from collections.abc import Sequence

from agent.app.settings import Consent
from agent.app.state import Place


def agreed(consents: Sequence[Consent], place: Place, text: str, program: str) -> Consent | None:
    """The consent that holds for a place now; None where the viewer must be asked.

    It is asked anew when the ``text`` changes (``agent.consent.digest``), and with each version of the ``program``,
    unless the viewer chose to share at once there.
    """
    for one in consents:
        if (one.relay, one.channel, one.text) == (place.relay, place.channel, text):
            return one if one.at_once or one.program == program else None
    return None


def with_another(consents: Sequence[Consent], new: Consent) -> tuple[Consent, ...]:
    """All of them, in which ``new`` replaces the one for its place."""
    others = (one for one in consents if (one.relay, one.channel) != (new.relay, new.channel))
    return (*others, new)
