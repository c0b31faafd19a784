"""What a viewer is asked to agree to, in their language. Pure.

The facts are those of ``agent.consent``, whose English text is the one that is remembered as agreed to; a change there
takes one here (tests/agent/window/test_agreement.py).
"""

from typing import Literal, NamedTuple

from agent.app.settings import Remembered
from agent.app.state import Place, Promise
from agent.cameras import number_of
from relay.common.printable import escaped
from relay.common.texts import Texts
from relay.protocol import Welcome

Kind = Literal["camera", "screen", "file"]


class Paragraph(NamedTuple):
    """A heading, what it is about, and whether it is a warning."""

    heading: str
    text: str
    careful: bool = False


def kind_of(source: str) -> Kind:
    """What the faces come from; ``source`` as the settings have it."""
    if number_of(source) is not None:
        return "camera"
    return "screen" if source == "screen" else "file"


def paragraphs(texts: Texts, promise: Promise, remembered: Remembered, unencrypted: bool) -> list[Paragraph]:
    """What is asked. ``unencrypted``: whether others on the way can read what is sent."""
    place, welcome = promise.place, promise.welcome
    words = [texts("consent.words" if welcome.cameras else "consent.barred_words", **_where(place))]
    also = "_".join(name for name in ("name", "delay") if getattr(remembered, name))
    if also:
        words.append(texts(f"consent.{also}", name=remembered.name, delay=f"{remembered.delay:g}"))
    leaves = [
        Paragraph(texts("consent.leaves"), texts.joined(words)),
        *([Paragraph("", texts("relay.unencrypted"), careful=True)] if unencrypted else []),
    ]
    said = [Paragraph(texts("consent.notice"), f"“{escaped(welcome.notice)}”")] if welcome.notice else []
    if not welcome.cameras:
        what = Paragraph(texts("consent.what"), texts("consent.barred"))
        who = texts.joined([*_readers(texts, welcome), *_taps_shown(texts, welcome)])
        return [what, *leaves, Paragraph(texts("consent.who"), who), *said]
    return [
        Paragraph(texts("consent.what"), texts(f"consent.{kind_of(remembered.camera)}", file=remembered.camera)),
        *leaves,
        Paragraph(texts("consent.never"), texts("consent.pictures")),
        *_taught(texts, remembered),
        Paragraph(texts("consent.who"), texts.joined([*_readers(texts, welcome), *_shown(texts, welcome)])),
        Paragraph(texts("consent.stop"), texts("consent.pause")),
        *said,
    ]


def _taught(texts: Texts, remembered: Remembered) -> list[Paragraph]:
    """What is kept of a face that is taught: it was agreed to before, and is part of this."""
    kept = texts.joined([texts(f"teach.{part}") for part in ("keeps", "where", "never", "end")])
    if remembered.personal_only_me:
        kept = texts.joined([kept, texts("learned.only_me_keeps")])
    return [Paragraph(texts("teach.name"), kept)] if remembered.personal else []


def _where(place: Place) -> dict[str, str]:
    return {"relay": place.relay, "channel": place.channel}


def _readers(texts: Texts, welcome: Welcome) -> list[str]:
    """Who gets it all, whatever is shown."""
    via = [texts("consent.via", via=escaped(welcome.via))] if welcome.via else []
    return [texts("consent.operator"), *via]


def _taps_shown(texts: Texts, welcome: Welcome) -> list[str]:
    """When others see taps where no expressions are taken."""
    if welcome.min_viewers == 1:
        return []
    counted = "consent.barred_networks" if welcome.crowd == "networks" else "consent.barred_people"
    return [texts(counted, number=texts.number(welcome.min_viewers))]


def _shown(texts: Texts, welcome: Welcome) -> list[str]:
    """When others see the expression, as ``consent.who_sees_it`` says it."""
    least = welcome.min_viewers
    if least == 1:
        return [texts("consent.single")]
    counted = "consent.networks" if welcome.crowd == "networks" else "consent.people"
    said = [texts(counted, count=least, number=texts.number(least))]
    if welcome.crowd == "viewers":
        said.append(texts("consent.connections", others=texts.number(least - 1)))
    elif least == 2:
        said.append(texts("consent.two"))
    return said
