"""A capture of packets (tcpdump's), down to what a program said in them: requests and frames of WebSockets. Pure.

Whatever does not fit the form that is expected here is told, never skipped: this reads proofs.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import NamedTuple

import msgspec

from relay import protocol
from tests.raw import CLOSE, PING, PONG, TEXT, Frame

LINUX_COOKED = 113
"""The link type of pcap files that are written with ``tcpdump -i any -y LINUX_SLL``."""
_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, 0x0806
_TCP, _UDP, _ICMP6 = 6, 17, 58
_OUTGOING = 4
_SYN = 0x02
_NEIGHBOURS = 131, 132, 133, 135, 136, 143
"""ICMPv6 types by which a system finds its neighbours (RFC 2710, 3810, 4861); no program sends them."""

Address = tuple[str, int]
"""IP address and port."""


class Packet(NamedTuple):
    """One packet. ``kind``: ``tcp``, ``udp``, ``arp``, ``neighbours``, or what else it is."""

    outgoing: bool
    kind: str
    source: Address
    target: Address
    payload: bytes
    sequence: int = 0
    """Of the first byte of the payload, for TCP; a SYN counts as a byte before it."""


def packets(capture: bytes) -> list[Packet]:
    """All of a pcap file (link type ``LINUX_COOKED``), in their order; ValueError where it is another or cut off."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(capture[:4])
    if order is None or len(capture) < 24:
        raise ValueError("this is no pcap file")
    (link,) = struct.unpack_from(f"{order}I", capture, 20)
    if link != LINUX_COOKED:
        raise ValueError(f"expected link type {LINUX_COOKED}, got {link}")
    found, at = [], 24
    while at < len(capture):
        kept, length = struct.unpack_from(f"{order}8xII", capture, at)
        if kept != length or at + 16 + kept > len(capture):
            raise ValueError("a packet was not captured whole")
        found.append(_packet(capture[at + 16 : at + 16 + kept]))
        at += 16 + kept
    return found


def _packet(data: bytes) -> Packet:
    kind, protocol_number = struct.unpack_from("!H12xH", data)
    outgoing, rest = kind == _OUTGOING, data[16:]
    nowhere = ("", 0)
    if protocol_number == _ARP:
        asked = str(ip_address(rest[24:28]))
        return Packet(outgoing, "arp", (str(ip_address(rest[14:18])), 0), (asked, 0), b"")
    if protocol_number == _IPV4:
        header, length, number = 4 * (rest[0] & 15), int.from_bytes(rest[2:4], "big"), rest[9]
        ends = str(ip_address(rest[12:16])), str(ip_address(rest[16:20]))
    elif protocol_number == _IPV6:
        header, length, number = 40, 40 + int.from_bytes(rest[4:6], "big"), rest[6]
        ends = str(ip_address(rest[8:24])), str(ip_address(rest[24:40]))
        if number == 0:  # hop-by-hop options, before the reports of groups
            number, header = rest[40], 40 + 8 * (1 + rest[41])
    else:
        return Packet(outgoing, f"protocol {protocol_number:#06x}", nowhere, nowhere, rest)
    return _transported(outgoing, number, ends, rest[header:length])


def _transported(outgoing: bool, number: int, ends: tuple[str, str], body: bytes) -> Packet:
    if number == _ICMP6 and body[0] in _NEIGHBOURS:
        return Packet(outgoing, "neighbours", (ends[0], 0), (ends[1], 0), b"")
    if number not in (_TCP, _UDP):
        return Packet(outgoing, f"IP protocol {number}", (ends[0], 0), (ends[1], 0), body)
    ports = struct.unpack_from("!HH", body)
    source, target = (ends[0], ports[0]), (ends[1], ports[1])
    if number == _UDP:
        return Packet(outgoing, "udp", source, target, body[8:])
    sequence, offset, flags = struct.unpack_from("!I4xBB", body, 4)
    return Packet(outgoing, "tcp", source, target, body[4 * (offset >> 4) :], sequence + bool(flags & _SYN))


def foreign(captured: Sequence[Packet], relay: Address) -> list[str]:
    """The packets that are neither of a TCP connection to the relay nor the system's search for its neighbours, in
    words; ``relay`` may be asked for by ARP, nobody else."""
    return [
        f"{packet.kind} to {packet.target[0]} port {packet.target[1]}: {packet.payload[:80]!r}"
        for packet in captured
        if not (packet.kind == "tcp" and relay in (packet.source, packet.target))
        and not (packet.kind == "arp" and relay[0] in (packet.source[0], packet.target[0]))
        and packet.kind != "neighbours"
    ]


def sent(captured: Sequence[Packet]) -> list[bytes]:
    """All that was sent on each TCP connection, in the order of their first packets.

    ValueError where something of it is missing, or was sent once more with other content.
    """
    connections: dict[tuple[Address, Address], list[Packet]] = {}
    for packet in captured:
        if packet.kind == "tcp" and packet.outgoing:
            connections.setdefault((packet.source, packet.target), []).append(packet)
    return [_joined(segments) for segments in connections.values()]


def _joined(segments: Sequence[Packet]) -> bytes:
    first, said = segments[0].sequence, bytearray()
    places = [((packet.sequence - first) & 0xFFFFFFFF, packet.payload) for packet in segments if packet.payload]
    for at, payload in sorted(places):
        if at == 0xFFFFFFFF:  # a keep-alive repeats the last byte before, here that of the SYN
            continue
        if at > len(said):
            raise ValueError(f"{at - len(said)} bytes after the first {len(said)} are missing")
        known = min(len(payload), len(said) - at)
        if said[at : at + known] != payload[:known]:
            raise ValueError("something was sent again, and it was something else")
        said += payload[known:]
    return bytes(said)


class Request(NamedTuple):
    """Of HTTP/1.1."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes


def said(stream: bytes) -> Iterator[Request | Frame]:
    """What a client said on one connection; ValueError where any of it is neither."""
    while stream:
        head, end, stream = stream.partition(b"\r\n\r\n")
        begin, *lines = head.decode("ascii").split("\r\n")
        line = re.fullmatch(r"([A-Z]+) (\S+) HTTP/1\.1", begin)
        if not end or line is None:
            raise ValueError(f"expected a request of HTTP, got {head[:80]!r}")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(stream) < length or "transfer-encoding" in headers:
            raise ValueError(f"the body of {begin} is not of a known length")
        yield Request(line[1], line[2], headers, stream[:length])
        stream = stream[length:]
        if headers.get("upgrade") == "websocket":
            yield from _frames(stream)
            return


def _frames(stream: bytes) -> Iterator[Frame]:
    while stream:
        first, second = stream[:2]
        form = {126: "!2xH", 127: "!2xQ"}.get(second & 127)
        length = struct.unpack_from(form, stream)[0] if form else second & 127
        at = struct.calcsize(form) if form else 2
        payload, mask = stream[at + 4 : at + 4 + length], stream[at : at + 4]
        if not second & 128 or len(payload) < length or first & 0xF0 != 0x80:
            raise ValueError(f"expected a whole masked frame of a WebSocket, got {stream[:80]!r}")
        key = mask * (length // 4 + 1)
        yield Frame(first & 15, bytes(a ^ b for a, b in zip(payload, key, strict=False)))
        stream = stream[at + 4 + length :]


REQUESTS = {
    ("GET", "/healthz"): frozenset[str](),
    ("GET", "/v1/channels"): frozenset[str](),
    ("POST", "/v1/channels/demo/tickets"): frozenset({"password"}),
    ("GET", "/v1/channels/demo/viewer"): frozenset[str](),
}
"""What a viewer's agent may ask its relay for, in the channel ``demo``, and the fields that its body may have."""
HEADERS = frozenset(
    {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "connection",
        "upgrade",
        "sec-websocket-version",
        "sec-websocket-key",
    }
)
"""And the headers it may send; ``user-agent`` is the program's name and version."""
AGENT = re.compile(r"moodcast/[\w.+]+")
SAME = {
    "accept": "*/*",
    "accept-encoding": "gzip, deflate",
    "connection": "Upgrade",
    "content-type": "application/json",
    "sec-websocket-version": "13",
    "upgrade": "websocket",
}
"""What these say, where they are sent, on whichever machine: nothing of it."""


def beyond(one: Request | Frame) -> str:
    """What is wrong with a thing that a viewer's agent said, measured by the contract; empty where nothing is."""
    return _beyond_request(one) if isinstance(one, Request) else _beyond_frame(one)


def _beyond_request(request: Request) -> str:
    fields = REQUESTS.get((request.method, request.path))
    if fields is None:
        return f"no request of an agent: {request.method} {request.path}"
    if more := request.headers.keys() - HEADERS:
        return f"no headers of an agent: {', '.join(sorted(more))}"
    if not AGENT.fullmatch(request.headers.get("user-agent", "")):
        return f"no agent's name: {request.headers.get('user-agent')}"
    if odd := [name for name, value in SAME.items() if request.headers.get(name, value) != value]:
        return f"not what every agent says: {', '.join(f'{name}: {request.headers[name]}' for name in odd)}"
    body = msgspec.json.decode(request.body) if request.body else {}
    if not isinstance(body, dict) or body.keys() - fields:
        return f"no body of an agent: {request.body!r}"
    return ""


def _beyond_frame(frame: Frame) -> str:
    if frame.opcode == TEXT:
        try:
            message = protocol.from_viewer.decode(frame.payload)
        except msgspec.DecodeError as error:
            return f"no message of the contract ({error}): {frame.payload!r}"
        known = {field.encode_name for field in msgspec.structs.fields(message)} | {"type"}
        if more := msgspec.json.decode(frame.payload).keys() - known:
            return f"no fields of the contract: {', '.join(sorted(more))}"
        return ""
    if frame.opcode == CLOSE and len(frame.payload) == 2:
        return ""
    if frame.opcode in (PING, PONG) and not frame.payload:
        return ""
    return f"no frame of an agent: {frame}"
