"""The relay's address as people type or paste it. Pure: from text to address, nothing is looked up."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from yarl import URL

from relay.common.printable import escaped, is_printable

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_EXAMPLES = "expected an address such as https://mood.example.org or 127.0.0.1:8765"

NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?")
"""Of a host, in lower case: labels as RFC 1123 has them, and with the underscore that home networks use."""
PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")
"""What a proxy may put in front of the relay's own paths."""
_PAGE = re.compile(r"/(overlay|dashboard|try|healthz|v1(/.*)?)?$")
"""The relay's own paths, as they end the address of one of its pages."""
_NEAR = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
         "::1/128", "fc00::/7", "fe80::/10"),
    )
)  # fmt: skip
"""This machine, and the networks that no route on the internet leads to (RFC 1918, 3927, 4193, 4291)."""


class RelayAddress(NamedTuple):
    """``relay`` is SCHEME://HOST:PORT, with a path where a proxy put the relay below one; names are in ASCII, as they
    are looked up. ``channel`` is the one that the text names, or empty; ``holds_key`` whether a key was in the text;
    ``password`` the join password of an invitation, or empty.
    """

    relay: str
    channel: str = ""
    holds_key: bool = False
    password: str = ""

    def __repr__(self) -> str:
        return f"RelayAddress({self.relay!r}, {self.channel!r}, {self.holds_key!r})"  # the password is not for logs


def parse(text: str) -> RelayAddress:
    """The address in a text such as ``127.0.0.1:9200``, ``mood.example.org`` or a link to the overlay.

    Without a scheme it is http for this machine and private networks, and https for all others. ws and wss count as
    http and https. A key is dropped.

    Raises:
        ValueError: a sentence; it repeats nothing of the text that could be secret.
    """
    text = text.strip()
    if not is_printable(text) or re.search(r"[\s\\<>\"']", text):
        raise ValueError(f"{_EXAMPLES}, without spaces, quotes or control characters in it")
    begin = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    scheme = _SCHEMES.get(begin[1].lower(), "") if begin else None
    if scheme == "":
        raise ValueError(f"{_EXAMPLES}, but this one begins with {escaped(text[: begin.end()], 20) if begin else ''}")
    rest = _bracketed(text[begin.end() :] if begin else text)
    try:
        parts = urlsplit(f"http://{rest}")
        host = _host(parts.hostname or "")
    except ValueError:
        raise ValueError(f"{_EXAMPLES}, but the name of its computer is missing or can't be one") from None
    if "@" in parts.netloc:
        raise ValueError(
            "expected an address without a user and password before the @: the relay asks for none (the join password "
            "of a channel is given with --password)"
        )
    port = _port(parts.netloc)
    prefix = _PAGE.sub("", parts.path.rstrip("/"))
    if not PREFIX.fullmatch(prefix):
        raise ValueError(f"{_EXAMPLES}, or a link to the overlay; what comes after the computer's name is neither")
    query, fragment = parse_qs(parts.query), parse_qs(parts.fragment)
    if scheme is None:
        scheme = "http" if is_near(host) else "https"
    relay = URL.build(scheme=scheme, host=host, port=port, path=prefix)
    return RelayAddress(str(relay).rstrip("/"), query.get("channel", [""])[0], "key" in query or "key" in fragment)


def is_near(host: str) -> bool:
    """Whether the host is this machine or in a private network, as far as its name or number tells."""
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")
    return any(number in network for network in _NEAR if network.version == number.version)


def _bracketed(rest: str) -> str:
    """An IPv6 address that was typed without brackets, and nothing with it, gets them."""
    try:
        return f"[{ipaddress.IPv6Address(rest.rstrip('/'))}]"
    except ValueError:
        return rest


def _host(host: str) -> str:
    """In ASCII and lower case. Raises ValueError where it can't be one."""
    if ":" in host:
        number = ipaddress.IPv6Address(host)
        return str(number.ipv4_mapped or number)
    name = (URL.build(scheme="http", host=host).raw_host or "").lower()
    if not NAME.fullmatch(name):
        raise ValueError
    return name


def _port(netloc: str) -> int | None:
    """What comes after the host's colon; None without one."""
    found = re.search(r":([^:\]]*)$", netloc)
    if not found:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", found[1]) or not 1 <= int(found[1]) <= 65535:
        raise ValueError(
            f"expected a port from 1 to 65535 after the colon of the address, not {escaped(found[1], 20)!r}"
        )
    return int(found[1])
