"""What a failed connection means for the viewer. Pure: from what went wrong to words.

Whatever answers at an address is a stranger until it has said welcome, and so is what it says.
"""

import os
import re
import socket
import ssl
from typing import NamedTuple

import aiohttp
from yarl import URL

from relay.common.printable import escaped

PLAIN_HTTP_ON_A_TLS_PORT = re.compile(rb"https (port|server)|plain http", re.IGNORECASE)
"""In the pages that nginx, Apache and Go's servers (Caddy) answer with status 400."""
_TLS_ALERT = r"\x15\x03"
"""How a TLS server answers what is no TLS (RFC 8446, section 5.1), as aiohttp quotes it."""

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
"""What OpenSSL makes of an answer that is no TLS, in its various versions."""


class Advice(NamedTuple):
    """What a viewer is told to do about it, as they give it: behind "ask the streamer for it"."""

    address: str
    channel: str
    password: str
    moved: str
    """With the relay's new address behind it."""
    keep: str
    """With the seconds of a measured delay behind it."""


TERMINAL = Advice(
    " (--relay)",
    " and give it with --channel",
    ", and give it with --password or as MOODCAST_PASSWORD in the environment",
    "start the agent with --relay",
    "To keep that, start the agent with --delay",
)
WINDOW = Advice("", "", "", "give that as its address:", "Kept are")


def reason(error: Exception, url: URL) -> str:
    """Why the server at ``url`` could not be talked to, for the end of a sentence."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate can't be verified ({_certificate_problem(error.certificate_error)})"
    if isinstance(error, aiohttp.ClientConnectorError):
        if getattr(error.os_error, "reason", "") in _NO_TLS:
            return f"there is no https on this port; try {_other_scheme(url)}"
        return _system_problem(error.os_error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        hint = f"; if it expects https, try {_other_scheme(url)}" if url.scheme == "http" else ""
        return f"it ended the connection without an answer{hint}"
    if isinstance(error, aiohttp.ClientResponseError) and url.scheme == "http" and _TLS_ALERT in error.message:
        return expects_https(url)
    if isinstance(error, (aiohttp.ClientResponseError, aiohttp.ClientPayloadError)):
        return "what answers there is no Moodcast relay (its answer is no proper HTTP)"
    return escaped(str(error) or type(error).__name__)


def expects_https(url: URL) -> str:
    """As ``reason``, where a server says that it was to be asked over https."""
    return f"it expects https on this port; try {_other_scheme(url)}"


def _other_scheme(url: URL) -> URL:
    """The same server's address with https in place of http, or http in place of https."""
    return url.origin().with_scheme("http" if url.scheme == "https" else "https")


def redirected(response: aiohttp.ClientResponse, do: Advice) -> str:
    """The sentence about a redirect; its target is shown as far as it is the address of a server."""
    asked = response.url.origin()
    try:
        target = response.url.join(URL(response.headers.get(aiohttp.hdrs.LOCATION, ""))).origin()
    except ValueError:
        advice = "Ask the streamer for the relay's address"
    else:
        advice = f"If the streamer says that the relay is there, {do.moved} {target}"
        if target == asked:
            advice = "Ask the streamer for the relay's address: this one leads to other pages of the same server"
    return (
        f"the relay {asked} sends the agent to another address (HTTP status {response.status}), which is refused: you "
        f"would share with another relay than the one you named. {advice}"
    )


def _system_problem(error: OSError) -> str:
    """What the system says, without asyncio's "Connect call failed" around it."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return escaped(error.strerror or "the connection broke before it was made")
    words = os.strerror(error.errno)
    return words[:1].lower() + words[1:]


def _certificate_problem(error: Exception) -> str:
    return escaped(error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error))
