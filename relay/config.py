"""Settings of the relay: one row each, see ``relay.settings``."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from relay.common import address, discreet
from relay.common.invitation import Invitation
from relay.core import hosts
from relay.core.limits import HOUSE_WEIGHT
from relay.core.tunnels import DOCS, PROGRAMS
from relay.protocol import SLOWEST_TICK_S, Crowd
from relay.settings import SECRET, Understood

_ASSETS_URL = re.compile(r"https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*", re.ASCII)
_LEAST_CROWD = 3
"""Of two who share, each knows its own face, and so the other's."""


def _public_url(text: str) -> Understood:
    """What ``--public-url`` says: the address, and the name in it, which is one of the relay's own.

    An address by number needs no name, and localhost is none.

    Raises:
        ValueError: a sentence.
    """
    if not text:
        return Understood({})
    found = address.parse(text)
    if not re.fullmatch("https?://[^?#]*", text.strip(), re.IGNORECASE):
        raise ValueError("expected an address that begins with https:// or http:// and has no ? or #")
    Invitation(found.relay, "channel")  # what is no address that a link can have
    host = _host_of(found.relay)
    named = hosts.address(host) is None and not hosts.is_loopback(host)
    return Understood({"public_url": found.relay} | ({"hosts": host} if named else {}))


def _assets_url(text: str) -> Understood:
    """What ``--assets-url`` says, in a form that addresses begin with and a page's policy can name.

    Raises:
        ValueError: a sentence.
    """
    found = text.strip().rstrip("/")
    if found and not _ASSETS_URL.fullmatch(found):
        raise ValueError(
            "expected an address as in https://files.example.org/moodcast, of letters, digits and - . _ ~ /, whose "
            f"host has a name; got {text!r}"
        )
    return Understood({"assets_url": found} if found else {})


def _host_of(url: str) -> str:
    """As ``hosts.Authority.name``."""
    return (urlsplit(url).hostname or "").rstrip(".")


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Options of ``moodcast relay``."""

    __repr__ = discreet.shown

    host: Annotated[str, Meta(min_length=1, description="Address to listen on; 0.0.0.0 for the whole network.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")] = 8765
    hosts: Annotated[
        str,
        Meta(
            description="Names that the relay is reached by, through a proxy, a tunnel or the network, as in "
            "mood.example.org,mylaptop.local. Pages opened by another name get nothing, since anyone can let a name of "
            "theirs lead here."
        ),
    ] = ""
    public_url: Annotated[
        str,
        Meta(
            description="Address that viewers reach the relay by, as in https://mood.example.org, with a path where a "
            "proxy puts it below one. Invitations begin with it; without it they begin with the address that the relay "
            "listens on. Its name counts as one of --hosts where that is not given.",
            extra={"read": _public_url},
        ),
    ] = ""
    tunnel: Annotated[
        str,
        Meta(
            pattern=rf"^({'|'.join(PROGRAMS)})?$",
            description="Program that gives the relay a public https address, where none leads to it: cloudflared or "
            "tailscale, which has to be installed. The relay starts it, prints link and QR code, and ends it.",
        ),
    ] = ""
    data: Annotated[
        str, Meta(description="Folder of the database (channels, history); empty for the user's data folder.")
    ] = ""
    database: Annotated[
        str,
        Meta(
            pattern=r"^(postgres(ql)?://.+)?$",
            description="PostgreSQL database for channels and history, as in `postgresql://USER@HOST/NAME`, with the "
            "password in PGPASSWORD or ~/.pgpass (extra `postgres`); empty for SQLite in the data folder.",
        ),
    ] = ""
    cluster: Annotated[
        str,
        Meta(
            pattern=r"^((rediss?|unix)://.+)?$",
            description="Redis through which several relays work as one, as in `redis://:PASSWORD@HOST:6379` "
            "(rediss:// with TLS, unix:// for a socket; extra `cluster`). All of them share one database. Better given "
            "in the environment, where other users of the machine can't see the password.",
            extra=SECRET,
        ),
    ] = ""
    processes: Annotated[
        str,
        Meta(
            pattern=r"^(auto|[1-9][0-9]?)$",
            description="Processes that are this relay together, each of which can use one core: a number, or auto for "
            "the cores that it may use. On Linux; several tell each other what they count through the Redis of "
            "--cluster, or one that the relay starts itself (redis-server has to be installed; extra `cluster`).",
        ),
    ] = "1"
    channel: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,63})?$",
            description="Create this channel if it is missing and print its keys once. "
            "A letter or digit, then up to 63 letters, digits, _ or -.",
        ),
    ] = ""
    tick_ms: Annotated[
        int, Meta(ge=50, le=int(1000 * SLOWEST_TICK_S), description="Milliseconds between two mood events.")
    ] = 250
    min_viewers: Annotated[
        int,
        Meta(
            ge=1,
            le=1000,
            description="While people of fewer networks than this share, nothing is shown or stored; see --crowd.",
        ),
    ] = 5
    crowd: Annotated[
        Crowd,
        Meta(
            description="What --min-viewers counts: networks (an IPv4 address, or an IPv6 /48) from which somebody "
            "shares, so that nobody is the crowd by connecting often; or viewers, for a lecture hall or a LAN party "
            "behind one address.",
        ),
    ] = "networks"
    retention_days: Annotated[
        int, Meta(ge=0, le=36500, description="Delete sessions that ended more days ago than this; 0 keeps them all.")
    ] = 0
    log_format: Annotated[
        Literal["text", "json"],
        Meta(description="Lines of the log, on standard error: text, or json with one object a line."),
    ] = "text"
    drain_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=600,
            description="On SIGTERM, say goodbye to a crowd over at most so many seconds; SIGINT (Ctrl-C) or a second "
            "signal stops at once.",
        ),
    ] = 5.0
    create_key: Annotated[
        str,
        Meta(
            pattern=r"^(\S{16,256})?$",
            description="Key that creates channels from elsewhere than this machine (16 characters or more); empty: "
            "nobody can. Better given in the environment, where other users of the machine can't see it.",
            extra=SECRET,
        ),
    ] = ""
    metrics_key: Annotated[
        str,
        Meta(
            pattern=r"^(\S{16,256})?$",
            description="Key that reads /metrics from elsewhere than this machine (16 characters or more); empty: "
            "nobody can. Better given in the environment.",
            extra=SECRET,
        ),
    ] = ""
    origins: Annotated[
        str,
        Meta(
            pattern=r"^(\*|https?://[^/\s,]+/?(,\s*https?://[^/\s,]+/?)*)?$",
            description="Web sites whose pages may open WebSockets and get tickets besides the relay's own, as in "
            "https://a.example,https://b.example; * for all.",
        ),
    ] = ""
    proxies: Annotated[
        int,
        Meta(
            ge=0,
            le=10,
            description="Proxies in front that append to X-Forwarded-For. Without the right number all viewers seem to "
            "have the proxy's address; with too many they can choose theirs.",
        ),
    ] = 0
    max_connections: Annotated[
        int, Meta(ge=1, description="Viewers and subscribers at once; more are told to come back later.")
    ] = 100_000
    max_per_channel: Annotated[int, Meta(ge=1, description="Viewers and subscribers at once in a channel.")] = 60_000
    max_per_address: Annotated[
        int,
        Meta(
            ge=1,
            description="Connections at once from an address (IPv6: /64); where only this machine can connect, it has "
            "no such limit.",
        ),
    ] = 100
    address_weight: Annotated[
        int,
        Meta(
            ge=1,
            description="Viewers of one address (IPv6: /64) that count in a channel's mood; where only this machine "
            "can connect, it has no such limit.",
        ),
    ] = HOUSE_WEIGHT
    require_tickets: Annotated[
        Literal["auto", "on", "off"],
        Meta(
            description="Whether viewers need a ticket, which `moodcast agent` fetches by itself: on, off, or auto "
            "(off where only this machine can connect). A channel with a join password always needs one.",
        ),
    ] = "auto"
    no_fetch: Annotated[
        bool,
        Meta(
            description="Neither fetch nor compress what viewers' browsers read faces with: pages get what was fetched "
            "before, by `moodcast models fetch --browser`."
        ),
    ] = False
    asset_rate: Annotated[
        float,
        Meta(
            ge=0,
            le=10_000,
            description="Megabytes a second that all browsers together may load what they read faces with, 9 MB each "
            "at their first visit; 0 for no limit. The default is what an upload of 10 Mbit/s has left beside a stream "
            "of 6. Where only this machine can connect, there is none.",
        ),
    ] = 0.5
    assets_url: Annotated[
        str,
        Meta(
            description="Address of a static host that has what `moodcast models assets DIR` wrote, as in "
            "https://files.example.org/moodcast: browsers load the large files from there, and check them. Scripts "
            "come from the relay all the same.",
            extra={"read": _assets_url},
        ),
    ] = ""
    check: Annotated[
        bool,
        Meta(description="Check the options, the port, the database and the system's limits, say what is, and exit."),
    ] = False
    backup: Annotated[
        str,
        Meta(description="Copy the database into this new file, also while a relay writes it, and exit (SQLite)."),
    ] = ""

    @property
    def public(self) -> bool:
        """Whether others than this machine can connect: directly, or through a proxy or tunnel."""
        return self.proxies > 0 or bool(self.hosts or self.tunnel) or not hosts.is_loopback(self.host)

    def problems(self) -> list[str]:
        """What can't stand together; the relay does not start."""
        problems = []
        if wrong := hosts.parse_hosts(self.hosts)[1]:
            problems.append(
                "--hosts: expected names as in mood.example.org,mylaptop.local, without scheme, port and path, not "
                f"{', '.join(map(repr, wrong))}."
            )
        if self.create_key and self.create_key == self.metrics_key:
            problems.append(
                "--create-key and --metrics-key are the same: who may read metrics could make channels. Give two."
            )
        for flag, given in (("--public-url", self.public_url), ("--proxies", self.proxies)):
            if self.tunnel and given:
                problems.append(
                    f"--tunnel {self.tunnel} and {flag}: the tunnel itself says what the relay's address is and where "
                    f"viewers come from, and {flag} says it of another way in. Leave one of them out ({DOCS})."
                )
        return problems

    def warnings(self) -> list[str]:
        """What is allowed, and may not be meant."""
        warnings = []
        if self.proxies and not self.hosts:
            warnings.append(
                "--proxies without --hosts: the relay knows no name that the proxy gives it. Pages opened there get "
                "nothing, and a relay on loopback refuses all who ask by such a name. Give it, as in --hosts "
                "mood.example.org."
            )
        if self.hosts and not self.proxies and hosts.is_loopback(self.host):
            warnings.append(
                "--hosts on a relay that listens on loopback means a proxy or tunnel, and none is declared: all who "
                "come through it count as one address and one network. Say --proxies 1 if it sends X-Forwarded-For."
            )
        if not hosts.is_loopback(self.host) and not self.proxies:
            warnings.append(
                "--host lets other machines connect, and no proxy is declared: without TLS keys, tickets and labels "
                "travel in clear. Put a proxy with TLS in front, and say so with --proxies 1."
            )
        if self.public_url:
            warnings += self._about_public_url()
        if self.assets_url.startswith("http:") and self.public_url.startswith("https:"):
            warnings.append(
                f"--assets-url {self.assets_url}: a page that came by https loads nothing by http. Give an https "
                "address."
            )
        if self.public and self.require_tickets == "off":
            also = " from any web page (--origins *)" if self.origins == "*" else ""
            warnings.append(
                f"--require-tickets off on a relay that others can reach: everyone may vote{also}, as often as "
                "--max-per-address allows. Leave it at auto."
            )
        if self.public and self.min_viewers < _LEAST_CROWD:
            warnings.append(
                f"--min-viewers {self.min_viewers}: with so few, the mood shows what a single viewer's face does. "
                f"Give {_LEAST_CROWD} or more."
            )
        if self.crowd == "viewers":
            warnings.append(
                "--crowd viewers: connections count, not networks, so one person with "
                f"{self.min_viewers - 1} of them reads the face of the only other viewer. Right only where all viewers "
                "share one address and are trusted."
            )
        if self.max_connections < self.max_per_channel != RelaySettings().max_per_channel:
            warnings.append(
                f"--max-per-channel {self.max_per_channel} is more than --max-connections {self.max_connections}, "
                "which counts all channels together: the lower number holds."
            )
        if self.database and self.data:
            warnings.append("--data says where SQLite keeps its file, and is not used with --database.")
        return warnings

    def _about_public_url(self) -> list[str]:
        warnings, host = [], _host_of(self.public_url)
        if self.public_url.startswith("http:") and not address.is_near(host):
            warnings.append(
                f"--public-url {self.public_url}: without TLS, passwords and labels can be read along the way, and "
                "nobody can tell whether it is your relay that answers. Put a proxy with TLS in front, and give its "
                "https address."
            )
        known = host in hosts.relay_names(self.host, self.hosts) or hosts.is_loopback(host)
        if not known and (hosts.address(host) is None or hosts.is_loopback(self.host)):
            warnings.append(
                f"--public-url names {host}, which is none of --hosts: pages opened there get nothing. Add it there."
            )
        return warnings
