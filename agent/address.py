"""What a viewer types or pastes to name a relay: its address, a link to one of its pages, or an invitation. Pure."""

import ipaddress
import re

from yarl import URL

from relay.common import address, invitation
from relay.common.address import RelayAddress
from relay.settings import Understood

_HOLDS_KEY = (
    "the link that you gave as the relay's address holds a key of the streamer's channel: the agent neither needs nor "
    "keeps it, so don't pass the link on"
)
_KEY = re.compile(r"[?&#]key=")


def option(text: str) -> Understood:
    """What ``--relay`` says: the relay, and channel and join password of a link. Raises ValueError as ``parse``.

    This is how the row of ``AgentSettings`` is read.
    """
    found = parse(text)
    named = {"relay": found.relay, "channel": found.channel, "password": found.password}
    return Understood({name: value for name, value in named.items() if value}, _HOLDS_KEY if found.holds_key else "")


def parse(text: str) -> RelayAddress:
    """The relay and, of a link, its channel; of an invitation, the join password as well. A key is dropped.

    Raises:
        ValueError: a sentence; it repeats nothing of the text that could be secret.
    """
    if not invitation.is_meant(text):
        return address.parse(text)
    invited = invitation.parse(text)
    return RelayAddress(invited.relay, invited.channel, bool(_KEY.search(text)), invited.password)


def readable_on_the_way(relay: str) -> bool:
    """Whether the address is unencrypted and not on this computer."""
    url = URL(relay)
    if url.scheme == "https" or url.host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(url.host or "").is_loopback
    except ValueError:
        return True
