"""The link that invites viewers into a channel: relay, channel and at most the join password. It is public.

``https://mood.example.org/join/mychannel#password=sesame`` is a page of the relay's, which says how to join. The
password stands in the fragment, which browsers do not send. ``moodcast://join?relay=...&channel=...#password=...`` is
the same for the viewer's own machine, where the agent opens it. Pages of strangers may open that one too, so who reads
it asks before anything is done.
"""

import ipaddress
import re
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec

from relay.common import address
from relay.common.printable import is_printable
from relay.protocol import CHANNEL_PATTERN

_SCHEME = "moodcast"
"""Of the links that the agent opens."""
MAX_PASSWORD = 128
"""Characters of a join password."""
LONGEST = 4096
"""Characters of a link; the longest password takes 1536, where each of its characters takes twelve."""
_LONGEST_RELAY = 512
_MOST_FIELDS = 16
_EXAMPLE = "expected an invitation such as https://mood.example.org/join/mychannel"
_ASK = "Copy the whole link that the streamer gave out, or ask for a new one"
_MEANT = re.compile(rf"\s*{_SCHEME}:|[^?#]*/join/[^/?#]*/?\s*([?#]|$)", re.IGNORECASE)
_APP_LINK = re.compile(rf"{_SCHEME}://join/?\?([^#]*)(?:#(.*))?", re.IGNORECASE)
_LINK = re.compile(r"([^?#]*)/join/([^/?#]*)/?(?:\?[^#]*)?(?:#(.*))?")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
"""A host that systems take for an address of IPv4, if it is none in the usual way of writing."""
_NOT_ASCII = re.compile(r"(?:%[89A-F][0-9A-F])+", re.IGNORECASE)


class Invitation(msgspec.Struct, frozen=True):
    """What an invitation says. ``relay`` is as ``address.parse`` gives it.

    Raises:
        ValueError: a sentence: the relay or the channel can't be one, or the password can't stand in a link.
    """

    relay: str
    channel: str
    password: str = ""
    """Empty where the channel has none, or the link does not tell it."""

    def __post_init__(self) -> None:
        if len(self.relay) > _LONGEST_RELAY or address.parse(self.relay).relay != self.relay or not _tells(self.relay):
            raise ValueError(f"{_EXAMPLE}; this one's relay is no address of one")
        if not re.fullmatch(CHANNEL_PATTERN, self.channel):
            raise ValueError(f"{_EXAMPLE}, with a channel of at most 64 letters, digits, _ and -")
        if len(self.password) > MAX_PASSWORD or not is_printable(self.password):
            raise ValueError(
                f"expected a join password of at most {MAX_PASSWORD} characters on one line, without controls that "
                "hide or turn text"
            )

    def __repr__(self) -> str:
        return f"Invitation({self.relay!r}, {self.channel!r})"  # the password is not for logs

    @property
    def link(self) -> str:
        """The address of the page that says how to join."""
        return f"{self.relay}/join/{self.channel}{self._fragment()}"

    @property
    def app_link(self) -> str:
        """The same for the agent."""
        return f"{_SCHEME}://join?relay={quote(self.relay, safe='')}&channel={self.channel}{self._fragment()}"

    def _fragment(self) -> str:
        return f"#password={quote(self.password, safe='')}" if self.password else ""


def _tells(relay: str) -> bool:
    """Whether the address tells a reader which computer it is: not as 2130706433 does, which is 127.0.0.1."""
    host = urlsplit(relay).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return _NUMBER.fullmatch(host) is None


def is_meant(text: str) -> bool:
    """Whether the text is meant to be an invitation, right or wrong, rather than an address of a relay."""
    return _MEANT.match(text[:LONGEST]) is not None


def parse(text: str) -> Invitation:
    """The invitation that a text is, of either kind and as people paste it: with blanks around it, without https://.

    What else a link has (keys of the streamer's, say) is dropped.

    Raises:
        ValueError: a sentence; it repeats nothing of the text that could be secret.
    """
    text = text.strip()
    if len(text) > LONGEST:
        raise ValueError(f"{_EXAMPLE}; this text is longer than {LONGEST} characters")
    if not is_printable(text):
        raise ValueError(f"{_EXAMPLE}, on one line and without control characters")
    if app_link := _APP_LINK.fullmatch(text):
        said = _fields(app_link[1])
        relay, channel, fragment = said.get("relay", ""), said.get("channel", ""), app_link[2]
        if not re.match("https?://", relay, re.IGNORECASE):
            raise ValueError(f"expected the relay of an invitation to begin with https:// or http://. {_ASK}")
    elif link := _LINK.fullmatch(text):
        relay, channel, fragment = link.groups()
    else:
        raise ValueError(f"{_EXAMPLE}. {_ASK}")
    found = address.parse(_NOT_ASCII.sub(_decoded, relay))
    return Invitation(found.relay, channel, _fields(fragment or "").get("password", ""))


def _decoded(escapes: re.Match[str]) -> str:
    """Letters of other alphabets, as some programs escape them in a host's name; signs of a URL are none of them."""
    try:
        return unquote(escapes[0], errors="strict")
    except UnicodeDecodeError:
        raise ValueError(f"{_EXAMPLE}; the name of this one's computer can't be one") from None


def _fields(text: str) -> dict[str, str]:
    """The fields of a query or fragment; of several with one name, the first. A plus sign is one, and no blank."""
    try:
        found = parse_qs(text.replace("+", "%2B"), errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # and UnicodeDecodeError, which is one
        raise ValueError(f"{_EXAMPLE}; this one is damaged. {_ASK}") from None
    return {name: values[0] for name, values in found.items()}
