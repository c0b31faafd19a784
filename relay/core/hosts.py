"""Names and addresses: which ones are the relay's own, and whose pages may ask. Pure: plain values come in.

Whoever runs a web site can let its name lead to this machine (DNS rebinding), and then its pages ask the relay as if
they were the relay's own: Origin and Host are equal. So a name is the relay's own only if the relay was told so.
"""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_AUTHORITY = re.compile(
    r"(?:(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?|\[(?P<six>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Authority(NamedTuple):
    """The host and the port of a URL; ``port`` is None where none was given."""

    name: str
    port: int | None


def address(text: str) -> Address | None:
    """The address that the text is, without brackets; IPv4 where it is mapped into IPv6. None: it is no address."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def authority(text: str) -> Authority | None:
    """The parts of a Host header: lower case, without the dot that may end a name. None: it is none.

    User names, zones of IPv6 and addresses of IPv6 without brackets are none: no browser sends them. Addresses of IPv4
    in IPv6 (``[::ffff:127.0.0.1]``) neither: Chromium asks there, and does not say whose page it is (Sec-Fetch-Site).
    """
    found = _AUTHORITY.fullmatch(text.lower())
    if found is None:
        return None
    name, six, port = found["name"], found["six"], found["port"]
    parsed = address(six or name)
    if six and not isinstance(parsed, ipaddress.IPv6Address):
        return None
    return Authority(name if parsed is None else str(parsed), None if port is None else int(port))


def is_loopback(name: str) -> bool:
    """Whether the name or address, as ``Authority.name``, is this machine's own for each machine."""
    parsed = address(name)
    return name == "localhost" if parsed is None else parsed.is_loopback


def parse_hosts(text: str) -> tuple[frozenset[str], list[str]]:
    """The names of a list with commas, and what in it is none."""
    names, wrong = set(), []
    for part in filter(None, map(str.strip, text.split(","))):
        found = authority(f"[{part}]" if part.count(":") > 1 and not part.startswith("[") else part)
        if found is None or found.port is not None:
            wrong.append(part)
        else:
            names.add(found.name)
    return frozenset(names), wrong


def relay_names(listens: str, hosts: str) -> frozenset[str]:
    """The names of a relay besides those of loopback. ``listens``: ``--host``, which is none where it is a wildcard."""
    parsed = address(listens)
    own = parse_hosts("" if parsed is not None and parsed.is_unspecified else listens)[0]
    return own | parse_hosts(hosts)[0]


def parse_origins(text: str) -> frozenset[str]:
    """The origins of a list with commas, as browsers write them."""
    return frozenset(part.strip().rstrip("/").lower() for part in text.split(",") if part.strip())


def is_same_place(origin: str, host: Authority) -> bool:
    """Whether a page of the origin was loaded from this host. The scheme is not compared: a proxy may add the TLS."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    usual, from_page = _DEFAULT_PORTS.get(parts.scheme), authority(parts.netloc)
    if usual is None or from_page is None or parts.path or parts.query:
        return False
    ports = [usual if place.port is None else place.port for place in (from_page, host)]
    return from_page.name == host.name and ports[0] == ports[1]


def is_own_page(origin: str, host: Authority | None, names: frozenset[str]) -> bool:
    """Whether a page of the origin is the relay's own: it came from the request's host, which is one of the names.

    An address is as good as a name of the list: no DNS can let somebody else's page come from it.
    """
    if host is None or not is_same_place(origin, host):
        return False
    return host.name in names or host.name == "localhost" or address(host.name) is not None


def home_of(url: str, names: frozenset[str]) -> str | None:
    """The origin of the relay's own pages, as browsers write it, where they are reached at ``url``: whatever Host a
    proxy puts into a request then. None without a URL, or where its name is none of the relay's."""
    parts = urlsplit(url)
    host = authority(parts.netloc)
    if host is None:
        return None
    netloc = parts.netloc if host.port != _DEFAULT_PORTS.get(parts.scheme) else parts.netloc.rpartition(":")[0]
    origin = f"{parts.scheme}://{netloc}".lower()
    return origin if is_own_page(origin, host, names) else None
