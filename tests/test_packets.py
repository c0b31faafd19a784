"""What the proof of privacy reads captures with: all that was sent is found, and what does not belong there is told."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import protocol
from relay.protocol import Hello, Label, Message
from tests.packets import Packet, Request, beyond, foreign, packets, said, sent
from tests.raw import CLOSE, PING, TEXT, Frame

AGENT, RELAY = ("10.0.0.2", 40000), ("10.0.0.1", 8765)
SYN, ACK = 0x02, 0x10
HEADERS = {"host": "10.0.0.1:8765", "user-agent": "moodcast/0.1.0"}


def segment(sequence: int, payload: bytes = b"", flags: int = ACK, target: tuple[str, int] = RELAY) -> bytes:
    """A TCP segment of the agent's as tcpdump keeps it."""
    tcp = struct.pack("!HHIIBBHHH", AGENT[1], target[1], sequence & 0xFFFFFFFF, 0, 5 << 4, flags, 0, 0, 0) + payload
    return record(0x0800, ipv4(6, tcp, target[0]))


def ipv4(number: int, body: bytes, target: str) -> bytes:
    ends = [bytes(map(int, host.split("."))) for host in (AGENT[0], target)]
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, number, 0) + b"".join(ends) + body


def record(kind: int, packet: bytes) -> bytes:
    data = struct.pack("!HHH8xH", 4, 1, 6, kind) + packet
    return struct.pack("<IIII", 0, 0, len(data), len(data)) + data


def capture(*records: bytes) -> bytes:
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 113) + b"".join(records)


def masked(frame: Frame, key: bytes) -> bytes:
    length = len(frame.payload)
    size = bytes([128 | length]) if length < 126 else struct.pack("!BH", 254, length)
    if length > 0xFFFF:
        size = struct.pack("!BQ", 255, length)
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(frame.payload))
    return bytes([128 | frame.opcode]) + size + key + payload


def text(message: Message) -> Frame:
    return Frame(TEXT, protocol.encode(message))


FRAMES = st.builds(Frame, st.sampled_from([TEXT, CLOSE, PING]), st.binary() | st.binary(min_size=126, max_size=70_000))


@given(
    frames=st.lists(st.tuples(FRAMES, st.binary(min_size=4, max_size=4)), max_size=4),
    first=st.integers(0, 0xFFFFFFFF),
    data=st.data(),
)
def test_what_was_said_is_found_however_it_was_cut_mixed_up_and_repeated(
    frames: list[tuple[Frame, bytes]], first: int, data: st.DataObject
) -> None:
    ask = b"POST /tickets HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    join = b"GET /viewer HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
    stream = ask + join + b"".join(masked(*frame) for frame in frames)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    edges = [0, *sorted(places), len(stream)]
    parts = [(begin, stream[begin:end]) for begin, end in itertools.pairwise(edges)]
    parts += data.draw(st.lists(st.sampled_from(parts), max_size=3))
    mixed = data.draw(st.permutations(parts))
    found = packets(
        capture(segment(first, flags=SYN), *(segment(first + 1 + at, part) for at, part in mixed), segment(first))
    )
    assert foreign(found, RELAY) == []
    assert sent(found) == [stream]
    assert list(said(stream)) == [
        Request("POST", "/tickets", {"host": "a", "content-length": "2"}, b"{}"),
        Request("GET", "/viewer", {"host": "a", "upgrade": "websocket"}, b""),
        *(frame for frame, _ in frames),
    ]


def test_a_byte_that_is_missing_or_changed_is_told() -> None:
    with pytest.raises(ValueError, match="missing"):
        sent(packets(capture(segment(7, flags=SYN), segment(8, b"GE"), segment(11, b" /"))))
    with pytest.raises(ValueError, match="something else"):
        sent(packets(capture(segment(7, flags=SYN), segment(8, b"GET"), segment(8, b"PUT"))))
    with pytest.raises(ValueError, match="not captured whole"):
        packets(capture(segment(7, b"GET"))[:-1])


@pytest.mark.parametrize("stream", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n\r\nmore"])
def test_what_is_no_request_is_told(stream: bytes) -> None:
    with pytest.raises(ValueError, match="expected a request"):
        list(said(stream))


@pytest.mark.parametrize("frame", [b"\x81\x01a", b"\xc1\x81\0\0\0\0a", b"\x81\x82\0\0\0\0a", b"\x01\x81\0\0\0\0a"])
def test_what_is_no_whole_masked_frame_is_told(frame: bytes) -> None:
    with pytest.raises(ValueError, match="expected a whole masked frame"):
        list(said(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n" + frame))


def test_packets_to_others_are_told() -> None:
    udp = struct.pack("!HHHH", 5000, 53, 13, 0) + b"a.com"
    found = packets(
        capture(
            segment(0, b"GET", target=("10.0.0.1", 443)),
            record(0x0800, ipv4(17, udp, "192.0.2.53")),
            record(0x0800, ipv4(1, b"\x08\0", "192.0.2.1")),
            record(0x86DD, bytes([0x60, 0, 0, 0, 0, 8, 58, 255, *bytes(15), 1, *bytes(15), 2, 128, *bytes(7)])),
            record(0x86DD, bytes([0x60, 0, 0, 0, 0, 8, 58, 255, *bytes(15), 1, *bytes(15), 2, 135, *bytes(7)])),
            record(0x88CC, b"lldp"),
        )
    )
    told = [line.split(": b")[0] for line in foreign(found, RELAY)]
    assert told == [
        "tcp to 10.0.0.1 port 443",
        "udp to 192.0.2.53 port 53",
        "IP protocol 1 to 192.0.2.1 port 0",
        "IP protocol 58 to ::2 port 0",
        "protocol 0x88cc to  port 0",
    ]
    assert foreign([Packet(True, "arp", AGENT, ("10.0.0.9", 0), b"")], RELAY)
    assert not foreign([Packet(True, "arp", AGENT, ("10.0.0.1", 0), b"")], RELAY)


@pytest.mark.parametrize(
    "one",
    [
        text(Hello(agent="moodcast/0.1.0")),
        text(Label(emotion="happy", confidence=0.5)),
        Frame(CLOSE, b"\x03\xe8"),
        Frame(PING, b""),
        Request("GET", "/healthz", HEADERS, b""),
        Request("POST", "/v1/channels/demo/tickets", HEADERS, b'{"password": "x"}'),
    ],
)
def test_what_an_agent_says_is_in_the_contract(one: Request | Frame) -> None:
    assert beyond(one) == ""


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (Frame(TEXT, b'{"type":"label","emotion":"happy","landmarks":[1,2]}'), "no fields of the contract: landmarks"),
        (Frame(TEXT, b'{"type":"label","emotion":"bored"}'), "no message"),
        (Frame(TEXT, b'{"type":"picture"}'), "no message"),
        (Frame(2, b"\xff\xd8\xff"), "no frame"),
        (Frame(CLOSE, b"\x03\xe8and my face"), "no frame"),
        (Frame(PING, b"face"), "no frame"),
        (Request("GET", "/v1/channels/demo/sessions", HEADERS, b""), "no request"),
        (Request("GET", "/healthz?face=1", HEADERS, b""), "no request"),
        (Request("GET", "/healthz", {**HEADERS, "cookie": "a=b"}, b""), "no headers of an agent: cookie"),
        (Request("GET", "/healthz", {"user-agent": "Python/3.11 aiohttp/3.13"}, b""), "no agent's name"),
        (Request("GET", "/healthz", {**HEADERS, "accept-encoding": "gzip, br"}, b""), "not what every agent says"),
        (Request("POST", "/v1/channels/demo/tickets", HEADERS, b'{"face": 1}'), "no body"),
        (Request("POST", "/v1/channels/demo/tickets", HEADERS, b"[1]"), "no body"),
    ],
)
def test_what_goes_beyond_the_contract_is_told(one: Request | Frame, wrong: str) -> None:
    assert beyond(one).startswith(wrong)
