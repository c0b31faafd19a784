"""What supervisor and worker tell each other."""

import os

from hypothesis import given
from hypothesis import strategies as st

from relay.common.leash import Leash
from relay.config import RelaySettings
from relay.workers import orders
from relay.workers.orders import BeginWork, TunnelTold

BEGIN = BeginWork(
    settings=RelaySettings(create_key="x" * 20, hosts="mood.example.org", asset_rate=0.25),
    number=1,
    of=3,
    folder="/a folder",
    introduces=True,
)


def test_a_worker_is_told_its_settings_by_its_input_alone_and_answers_there() -> None:
    ours, theirs = os.pipe()
    back, forth = os.pipe()
    before = orders.SUPERVISOR
    try:
        os.write(theirs, orders.line(BEGIN))
        orders.SUPERVISOR = ours
        assert orders.begin() == BEGIN
        os.close(theirs)
        assert orders.begin() is None
        orders.SUPERVISOR = forth
        orders.answer()
        assert os.read(back, 100) == orders.READY
        os.close(back)
        orders.answer()  # nobody hears it
    finally:
        orders.SUPERVISOR = before
        os.close(ours)
        os.close(forth)


@given(st.text(max_size=60), st.text(max_size=60), st.booleans(), st.integers(1, 40))
def test_what_is_told_of_the_tunnel_passes_the_leash_whole(host: str, before: str, announce: bool, cut: int) -> None:
    told = TunnelTold(host=host, before=before, announce=announce)
    text = b"hold\n" + orders.line(told)
    leash = Leash()
    lines = [line for piece in (text[:cut], text[cut:]) for line in leash.feed(piece, 0.0)]
    assert [orders.tunnel(line) for line in lines] == [told]


@given(st.binary(max_size=100))
def test_other_lines_tell_nothing_of_it(line: bytes) -> None:
    told = orders.tunnel(line)
    assert told is None or isinstance(told, TunnelTold)
