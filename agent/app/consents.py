"""What the viewer has agreed to, per relay and channel. Pure."""

from itertools import product

from agent import consent
from agent.app.settings import Consent, Remembered
from agent.app.state import Promise


def agreed(remembered: Remembered, promise: Promise, program: str) -> Consent | None:
    """The consent that holds for a place now; None where the viewer must be asked.

    It is asked anew when the text changes (``agent.consent.digest``), and with each version of the ``program``, unless
    the viewer chose to share at once there. Who agreed to teaching, too, need not be asked again without it.
    """
    place = promise.place
    teaching, only_me = remembered.personal, remembered.personal and remembered.personal_only_me
    texts = {consent.digest(promise.welcome, *both) for both in product({True, teaching}, {True, only_me})}
    for one in remembered.consents:
        if (one.relay, one.channel) == (place.relay, place.channel) and one.text in texts:
            return one if one.at_once or one.program == program else None
    return None


def with_another(remembered: Remembered, promise: Promise, at_once: bool, program: str) -> tuple[Consent, ...]:
    """All consents, in which that to ``promise`` replaces the one for its place."""
    place = promise.place
    others = (one for one in remembered.consents if (one.relay, one.channel) != (place.relay, place.channel))
    text = consent.digest(promise.welcome, remembered.personal, remembered.personal_only_me)
    return (
        *others,
        Consent(relay=place.relay, channel=place.channel, text=text, at_once=at_once, program=program),
    )
