"""What Moodcast's OBS script decides and says, as plain functions: no network, no thread, nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import re
import socket
import ssl
import struct
import urllib.parse
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

KINDS = ("mood", "reaction", "moment", "rehearsal", "face", "countdown", "status", "bye")
PAGE_SIDES = {"width": (160, 7680), "height": (60, 4320)}
PICTURE_SIDES = {"width": (160, 1920), "height": (60, 1080)}  # what the relay draws
CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
RELAY = re.compile(r"https?://[^\x00-\x20\x7f/?#@<>\"'\\]+(?:/[a-z0-9._~/-]*)?", re.IGNORECASE)
KEY = re.compile(r"[!-~]{1,256}")
_NEAR_4 = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
_NEAR = [ipaddress.ip_network(text) for text in (*_NEAR_4, "::1/128", "fc00::/7", "fe80::/10")]
MAX_EVENT_BYTES = 65536
LONGEST_ASKED_S = 60.0  # a relay that asks for a longer wait is not believed: a show goes on meanwhile
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 2.0
LONGEST_LINE = 300
MARK = "moodcast"  # in the settings of the sources that the script makes, so that a renamed one is still found
TEST_REACTION = "happy"
_PLAIN_HTTP_ON_A_TLS_PORT = re.compile(rb"https (port|server)|plain http", re.IGNORECASE)  # nginx, Apache, Caddy
_TLS_ALERT = "\x15\x03"  # how a TLS server answers what is no TLS (RFC 8446, section 5.1)
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Settings(NamedTuple):
    """What the streamer entered.

    ``width`` and ``height`` are the overlay's, in pixels; ``admin`` is the admin key or empty; ``look`` has the options
    of the overlay that were chosen in the dialog, empty where it is the usual; ``fault`` says what is wrong with the
    address that was pasted.
    """

    relay: str
    channel: str
    key: str
    width: int
    height: int
    admin: str = ""
    look: Tuple[Tuple[str, str], ...] = ()
    fault: str = ""

    @classmethod
    def entered(cls, relay: str, channel: str, key: str, width: int, height: int) -> Settings:
        """As typed or pasted: spaces around go, and ``http://`` or ``https://`` may be left out."""
        relay = relay.strip().rstrip("/")
        if relay and "://" not in relay:
            relay = ("http://" if _is_near(relay) else "https://") + relay
        return cls(relay, channel.strip(), key.strip(), width, height)

    def problem(self) -> str:
        """What is missing or wrong, as a sentence; empty when nothing is."""
        if self.fault:
            return self.fault
        if not self.channel and not self.key:
            return "Paste the overlay's address, which the relay printed when the channel was made."
        if not self.relay:
            return "Enter the relay's address, for instance http://127.0.0.1:8765."
        if not is_address(self.relay):
            # Whoever pastes the overlay's whole address pastes the key as well: don't repeat it.
            return (
                "The relay's address should be like http://127.0.0.1:8765 or https://relay.example.org, without "
                f"anything after it; got {re.split('[?#@<]', self.relay)[0][:80]}..."
            )
        if not self.channel:
            return "Enter the channel's name."
        if CHANNEL.fullmatch(self.channel) is None:
            return "The channel's name may have letters, digits, - and _ (at most 64, a letter or digit first)."
        if not self.key:
            return (
                "The channel's display key is missing: paste the overlay's whole address, which the relay printed when "
                "the channel was made."
            )
        if KEY.fullmatch(self.key) is None:
            return "The display key has characters that no key has; copy it once more, without spaces or quotes."
        return ""


def pictured(look: Tuple[Tuple[str, str], ...]) -> Tuple[Tuple[str, str], ...]:
    """What of the overlay's chosen options the relay's picture can show; it knows no browser's language."""
    return tuple((name, value) for name, value in look if name in ("language", "title") and value not in ("", "auto"))


def is_address(text: str) -> bool:
    """Whether the text is the address of a server: http or https, host, port and path at most."""
    try:
        parts = urllib.parse.urlsplit(text)
        if "[" in parts.netloc:
            ipaddress.IPv6Address(parts.hostname or "")  # Python looks itself from 3.11 on
        return bool(RELAY.fullmatch(text) and parts.hostname and parts.port != 0)
    except ValueError:
        return False


def _is_near(relay: str) -> bool:
    """Whether an address without a scheme is of this machine or a private network; the key of no other goes unencrypted
    by default. relay/common/address.py has the same rule: ``tests/test_copies.py`` compares them."""
    host = ""
    try:
        host = urllib.parse.urlsplit("http://" + relay).hostname or ""
        number = ipaddress.ip_address(host)
    except ValueError:  # a name, or nothing that could be a host
        return host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")
    number = getattr(number, "ipv4_mapped", None) or number
    return any(number in network for network in _NEAR if network.version == number.version)


def fitted(width: int, height: int, most: Tuple[int, int]) -> Tuple[int, int]:
    """The canvas's size, made smaller in its proportions where it is larger than the overlay can be."""
    scale = min(1.0, most[0] / width, most[1] / height)
    return round(width * scale), round(height * scale)


def overlay_url(
    settings: Settings, current: str = "", with_key: bool = False, changes: Optional[Dict[str, str]] = None
) -> str:
    """Address of the overlay page for a browser source.

    Options of the page that the streamer added to the source's ``current`` address are kept.

    Args:
        with_key: for an OBS that can't push: the page then takes the events from the relay by itself. The key stands in
            the fragment, which browsers don't send.
        changes: options that are set whatever stands there; an empty one is taken away.
    """
    options = {"channel": settings.channel}
    if not with_key:
        options["source"] = "obs"
    with contextlib.suppress(ValueError):
        parts = urllib.parse.urlsplit(current)
        if parts.path.endswith("/overlay"):
            pairs = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
            options.update({name: value for name, value in pairs if name not in ("channel", "source")})
    options.update(changes or {})
    options = {name: value for name, value in options.items() if value or name not in (changes or {})}
    fragment = "#key=" + urllib.parse.quote(settings.key, safe="") if with_key else ""
    return f"{settings.relay}/overlay?{urllib.parse.urlencode(options)}{fragment}"


class PageDoubt:
    """Whether the page in a browser source has to be loaded again, as it was loaded while the relay was down.

    A page that has loaded once goes on through later failures, so only the first connection counts: loading it again
    during a show would make it flicker.
    """

    def __init__(self) -> None:
        self._address = ""
        self._failed = False
        self._settled = False

    def settle(self, address: str, state: str) -> bool:
        """Tell the page's address and the state of the link; True once, when the page should be loaded again."""
        if address != self._address:
            self._address, self._failed, self._settled = address, False, False
        if self._settled:
            return False
        self._failed = self._failed or state == "retrying"
        self._settled = state == "connected"
        return self._settled and self._failed


def backoff(attempt: int, chance: float, asked: float = 0.0) -> float:
    """Seconds to wait before a new attempt: 0.5 before the first (0), doubling to 2.5, times 0.5 to 1 by ``chance``.

    So the overlay is back within three seconds of the relay. The page's rule (``overlay/connection.js``) is the same;
    ``tests/test_copies.py`` compares the lengths.

    Args:
        chance: 0 to 1.
        asked: seconds that the relay asked for, see ``asked_wait``; the longer wait of both holds.
    """
    return max(asked, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt, 10)) * (0.5 + chance / 2))


def asked_wait(value: Any) -> float:
    """Seconds that a relay asks to wait: from a number or a text, 60 at most; 0 for whatever makes no sense."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(seconds, LONGEST_ASKED_S) if seconds > 0 else 0.0


def plain(text: str) -> str:
    """One line that OBS can show and log, whatever the text is made of: of ``LONGEST_LINE`` characters at most.

    OBS draws the status line as rich text where it finds a tag, and its log raises at a NUL byte.
    """
    line = "".join(" " if letter.isspace() else letter for letter in text if letter.isspace() or letter.isprintable())
    line = re.sub("[<>]", "", line).strip()
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 3] + "..."


class SseParser:
    """Server-sent events from bytes (WHATWG HTML, 9.2.6), however they were cut. Memory is bounded; never raises."""

    def __init__(self) -> None:
        self._rest = b""
        self._kind = ""
        self._data: List[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> List[Tuple[str, str]]:
        """(event, data) of each event that is complete now. Longer ones than ``MAX_EVENT_BYTES`` are left out."""
        block = self._rest + chunk
        # A carriage return at the very end may be half of a line end: it waits for the next byte.
        waiting = b"\r" if block.endswith(b"\r") else b""
        lines = re.split(rb"\r\n|\n|\r", block[: len(block) - len(waiting)])
        self._rest = lines.pop()[: MAX_EVENT_BYTES + 1] + waiting
        events = []
        for line in lines:
            if line:
                self._field(line)
                continue
            if self._data and self._size <= MAX_EVENT_BYTES:
                events.append((self._kind or "message", "\n".join(self._data)))
            self._kind, self._data, self._size = "", [], 0
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        text = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            self._size += len(line)
            if self._size <= MAX_EVENT_BYTES:
                self._data.append(text.decode("utf-8", "replace"))
        elif name == b"event":
            self._kind = text.decode("utf-8", "replace")


class Message(NamedTuple):
    """One event of the relay: its type, its fields and the JSON text that the page gets."""

    kind: str
    fields: Dict[str, Any]
    text: str


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def message_of(kind: str, data: str) -> Optional[Message]:
    """The message of an event, written anew as JSON; None for anything that is not a known message."""
    try:
        fields = json.loads(data, parse_constant=_no_constant)
        if kind in KINDS and isinstance(fields, dict) and fields.get("type") == kind:
            return Message(kind, fields, json.dumps(fields, allow_nan=False))
    except (ValueError, RecursionError):
        pass
    return None


def answer_of(body: bytes) -> Optional[Dict[str, Any]]:
    """The fields of an answer of the relay; None for anything that is no JSON object."""
    try:
        fields = json.loads(body, parse_constant=_no_constant)
        return fields if isinstance(fields, dict) else None
    except (ValueError, RecursionError):
        return None


def state_of(status: Dict[str, Any]) -> str:
    """What a status, or an answer about the session, says of it: open, paused, ended or auto.

    Old relays say nothing, and know auto alone.
    """
    state = status.get("state")
    return state if state in ("open", "paused", "ended") else "auto"


def test_reaction(now: float) -> Message:
    """A reaction that no viewer made, in the form of the relay's. ``now`` is Unix time in seconds."""
    fields = {"type": "reaction", "time": now, "kind": "expression", "name": TEST_REACTION, "strength": 0.5, "count": 1}
    return Message("reaction", fields, json.dumps(fields))


def condition(least: int, crowd: Any) -> str:
    """What it takes before anything is shown, as in "people of five networks share".

    A relay that does not tell what it counts (``crowd``) is an old one, and counts viewers. The same is in
    ``relay/common/condition.py`` and ``overlay/figures.js``; ``tests/conditions.json`` holds the three together.
    """
    if least == 1:
        return "somebody shares"
    number = _NUMBERS[least] if least < len(_NUMBERS) else str(least)
    return f"people of {number} networks share" if crowd == "networks" else f"{number} people share"


def audience(mood: Dict[str, Any]) -> str:
    """How many viewers there are, and what is shown of them; empty where a mood's numbers are none.

    How many are connected is told always: else nobody could tell a relay that viewers don't reach from one that waits.
    """
    numbers: List[Any] = [mood.get(name) for name in ("viewers", "sharing", "min_viewers")]
    viewers, sharing, least = numbers
    # OBS draws the status line as rich text where it finds a tag: nothing but numbers may get there.
    if not all(type(number) is int and 0 <= number < 10**9 for number in numbers):
        return ""
    if mood.get("visible"):
        return f"{sharing} of {viewers} viewers share their expression."
    if mood.get("paused") is True:
        return f"Viewers connected: {viewers}. Paused by you: nothing is shown or stored."
    if mood.get("cameras") is False:
        return f"Viewers connected: {viewers}. They take part with taps alone: you forbid cameras."
    return f"Viewers connected: {viewers}. Shown once {condition(least, mood.get('crowd'))}."


ADMIN_RIGHT = (
    "That is the channel's admin key, which may read and delete its history: it isn't used to show the overlay, and "
    "isn't kept. Paste the overlay's address, which has the display key."
)


class RefusedError(Exception):
    """The relay said no: a sentence, whether trying again can help, and the seconds it asks to wait before."""

    def __init__(self, sentence: str, again: bool, wait: float = 0.0) -> None:
        super().__init__(sentence)
        self.again = again
        self.wait = wait


def refusal(settings: Settings, code: int, said: str, wait: float = 0.0, key: str = "display") -> RefusedError:
    """What an error or bye of the relay with a code of the contract means for the streamer.

    Args:
        wait: that the relay asks for, in seconds.
        key: which one went with the request, ``display`` or ``admin``.
    """
    if code == 4401:
        sentence = f'Wrong key: it does not open channel "{settings.channel}". Copy the {key} key once more.'
    elif code == 4404:
        sentence = f'This relay has no channel "{settings.channel}". Check the name, or create the channel there.'
    else:
        sentence = plain("The relay says: " + said)
    return RefusedError(sentence, not 4000 <= code <= 4499, wait)


def farewell(settings: Settings, bye: Dict[str, Any]) -> RefusedError:
    """What a bye of the relay means for the streamer; ``bye``: its fields, of which none is certain."""
    code, said = bye.get("code"), str(bye.get("message"))
    return refusal(settings, code if isinstance(code, int) else 0, said, asked_wait(bye.get("retry_after_s")))


def refused_answer(
    settings: Settings, status: int, body: bytes, wait: float = 0.0, key: str = "display"
) -> RefusedError:
    """What an HTTP answer other than 200 means for the streamer. ``wait`` and ``key``: as for ``refusal``."""
    try:
        error = json.loads(body)["error"]
        return refusal(settings, int(error["code"]), str(error["message"]), wait, key)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        if 300 <= status < 400:
            return RefusedError(f"{settings.relay} sends elsewhere (HTTP {status}): enter the final address.", True)
        if status == 400 and _PLAIN_HTTP_ON_A_TLS_PORT.search(body):
            return RefusedError(f"{settings.relay} expects https: try {_with_https(settings.relay)}.", True)
        return RefusedError(f"What answers at {settings.relay} is no Moodcast relay (HTTP {status}).", True)


def _with_https(relay: str) -> str:
    return "https" + relay[relay.index(":") :]


def trouble(settings: Settings, error: Exception) -> str:
    """What a failed connection means for the streamer, and what to do."""
    relay = settings.relay
    plain_http = relay[:5].lower() == "http:"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {relay} can't be verified ({plain(str(error.verify_message))}). On macOS run "
            '"Install Certificates.command" of your Python; else check the relay\'s certificate.'
        )
    if isinstance(error, ssl.SSLError):
        return f"No https at {relay}: check whether the address should begin with http://."
    if isinstance(error, socket.gaierror):
        return f"There is no computer of the name in {relay}: check the address and the network."
    if isinstance(error, http.client.RemoteDisconnected):
        hint = f" If it expects https, try {_with_https(relay)}." if plain_http else ""
        return f"{relay} ended the connection without an answer.{hint}"
    if isinstance(error, http.client.BadStatusLine) and plain_http and _TLS_ALERT in str(error):
        return f"{relay} expects https: try {_with_https(relay)}."
    if isinstance(error, http.client.IncompleteRead):
        return "The connection to the relay broke."
    if isinstance(error, (http.client.HTTPException, ValueError)):
        return f"What answers at {relay} is no Moodcast relay (its answer is no proper HTTP)."
    reason = "no answer in time" if isinstance(error, socket.timeout) else plain(getattr(error, "strerror", None) or "")
    why = f" ({reason})" if reason else ""
    return f"The relay is unreachable at {relay}{why}: check the address and that the relay runs."


def is_picture(body: bytes, width: int, height: int) -> bool:
    """Whether the bytes begin as a PNG of just this size, before OBS is made to decode them."""
    return body[:8] == b"\x89PNG\r\n\x1a\n" and body[16:24] == struct.pack(">II", width, height)


def looks(mood: Dict[str, Any]) -> Dict[str, Any]:
    """The part of a mood event that a picture can show."""
    rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in mood.items()}
    return {name: value for name, value in rounded.items() if name not in ("seq", "time")}
