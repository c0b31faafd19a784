"""What a viewer's frames come to, however they arrive: the short way and aiohttp's are one to those who send."""

import asyncio
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import protocol
from relay.app import Relay
from relay.core.limits import BURST, Meter, Pace
from relay.live.listener import unmasked
from relay.protocol import Away, Label, TapMessage
from tests.raw import PING, PONG, TEXT, RawClient, masked
from tests.support import SOON, wait_until

pytestmark = pytest.mark.relay(min_viewers=1, crowd="viewers", limits=SOON)
HAPPY, SAD = (masked(protocol.encode(Label(emotion=name))) for name in ("happy", "sad"))


def in_two(message: bytes) -> bytes:
    """A message in two frames."""
    first, second = masked(message[:5]), masked(message[5:], 0)
    return bytes((TEXT,)) + first[1:] + bytes((0x80,)) + second[1:]


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=125))
def test_a_mask_comes_off_as_it_went_on(mask: bytes, payload: bytes) -> None:
    there = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    assert unmasked(bytearray(mask), bytearray(there)) == payload


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from([0.2, 1.0, 10.0])), max_size=300))
def test_what_can_be_afforded_is_what_would_be_fine(steps: list[tuple[float, float]]) -> None:
    """Two meters, of which one is asked first, come to the same."""
    asked, spent, now = Meter(0.0), Meter(0.0), 0.0
    for wait, cost in steps:
        now += wait
        if not asked.afford(now, cost):
            assert asked.spend(now, cost) == spent.spend(now, cost)
        else:
            assert spent.spend(now, cost) is Pace.FINE


@pytest.mark.parametrize("seed", range(4))
async def test_frames_count_in_their_order_however_they_are_cut(relay: Relay, seed: int) -> None:
    """Whole, in pieces, many in one packet, with pings between them: the last label is the one that counts."""
    chance = random.Random(seed)
    relay.create_channel("demo")
    kinds = [HAPPY, in_two(protocol.encode(Label(emotion="angry"))), masked(b"", PING), masked(b"{}"), SAD]
    async with await RawClient.viewer(relay.url) as client:
        for number in range(6):
            sent = b"".join(chance.choices(kinds, k=6)) + masked(b"%d" % number, PING) + (HAPPY, SAD)[number % 2]
            cuts = sorted(chance.choices(range(len(sent)), k=chance.choice([0, 1, 3])))
            for a, b in itertools.pairwise([0, *cuts, len(sent)]):
                await client.send(sent[a:b])
                await asyncio.sleep(0)
            while (frame := await client.frame()).opcode != PONG or frame.payload != b"%d" % number:
                pass
            wanted = protocol.EXPRESSIONS.index(("happy", "sad")[number % 2])
            await wait_until(lambda: _counts(relay, wanted))  # noqa: B023


def _counts(relay: Relay, expression: int) -> bool:
    (viewer,) = relay._hub.members.channels["demo"].viewers
    return viewer.member.expression == expression


async def test_who_is_away_counts_no_more(relay: Relay) -> None:
    relay.create_channel("demo")
    async with await RawClient.viewer(relay.url) as client:
        await client.send(HAPPY)
        await wait_until(lambda: _counts(relay, protocol.EXPRESSIONS.index("happy")))
        await client.send(masked(protocol.encode(Away())))
        await wait_until(lambda: relay._hub.members.channels["demo"].core.mood.sharing == 0)


async def test_labels_and_taps_without_end_are_warned_of_and_closed(relay: Relay) -> None:
    """In one packet, by frames that all can go the short way."""
    relay.create_channel("demo")
    async with await RawClient.viewer(relay.url) as client:
        await client.send(HAPPY * round(BURST + 2) + masked(protocol.encode(TapMessage(tap="heart"))))
        while b'"error"' not in (frame := await client.frame()).payload:
            pass
        assert str(protocol.TOO_FAST.number).encode() in frame.payload
        await client.send(HAPPY * 300)
        assert (await client.until_close())[-1].code == protocol.TOO_FAST.number


async def test_a_label_that_is_no_text_ends_the_connection(relay: Relay) -> None:
    """Also where the bytes that are no UTF-8 stand in a field that means nothing."""
    relay.create_channel("demo")
    async with await RawClient.viewer(relay.url) as client:
        await client.send(masked(b'{"type":"label","emotion":"happy","x":"\xff"}'))
        assert (await client.until_close())[-1].code == protocol.BAD_MESSAGE.number
    assert relay._hub.counts.labels == 0


async def test_buffers_of_connections_do_not_mix(relay: Relay) -> None:
    """All of them share one: halves of frames of two viewers, sent by turns."""
    relay.create_channel("demo")
    async with await RawClient.viewer(relay.url) as one, await RawClient.viewer(relay.url) as other:
        for _ in range(5):
            for at in (slice(0, 9), slice(9, None)):
                for client, frame in ((one, HAPPY), (other, SAD)):
                    await client.send(frame[at])
                    await asyncio.sleep(0)
        await wait_until(lambda: relay._hub.counts.labels == 10)
        mood = relay._hub.members.channels["demo"].core
        await wait_until(lambda: mood.mood.counts == [0, 0, 0, 1, 1, 0, 0])
