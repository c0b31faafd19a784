"""The file of answers: what went in comes out, and whatever else is put in its place is refused within bounds."""

import io
import os
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

pytest.importorskip("cryptography", reason="the extra personal is not installed")

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.personal.answers import Answer, Answers
from agent.personal.sealed import LARGEST, Exported, Kept, UnsealError, seal, unseal
from tests.agent.personal.kept import NETWORK, OTHER, answers, same

KEY = bytes(range(32))
HEADER = 18
KEPT = Kept((answers(1, 2), answers(3, network=OTHER)), (Exported("/home/me/export.json", "0" * 64),))
SEALED = seal(KEPT, KEY)
Arrays = dict[str, object]

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
lengths = st.shared(st.integers(1, 20), key="features")
any_answer = st.builds(
    Answer,
    at=st.floats(0, 4e9),
    label=st.integers(0, 6),
    features=lengths.flatmap(lambda size: npst.arrays(np.float32, size, elements=floats)),
    universal=npst.arrays(np.float32, 7, elements=st.floats(0, 1, width=32)),
    corrected=st.booleans(),
)


@given(st.lists(any_answer, min_size=1, max_size=12), st.binary(min_size=32, max_size=32))
def test_what_is_sealed_comes_out_with_the_same_key_and_no_other(found: list[Answer], key: bytes) -> None:
    kept = Answers(NETWORK, tuple(found))
    (back,) = unseal(seal(Kept((kept,)), key), key).networks
    assert same(back, kept)
    with pytest.raises(UnsealError, match="its key is another one"):
        unseal(seal(Kept((kept,)), key), key[:-1] + bytes([key[-1] ^ 1]))


def test_exports_and_all_networks_come_out() -> None:
    kept = unseal(SEALED, KEY)
    assert kept.exports == KEPT.exports
    assert all(map(same, kept.networks, KEPT.networks))
    assert unseal(seal(Kept(), KEY), KEY) == Kept()


def test_no_nonce_comes_twice() -> None:
    assert len({seal(Kept(), KEY)[HEADER : HEADER + 12] for _ in range(100)}) == 100


def test_every_flipped_bit_is_refused() -> None:
    """Of each byte one, the first ones each."""
    bits = random.Random(1)
    for place in range(len(SEALED)):
        for bit in range(8) if place < HEADER + 12 else [bits.randrange(8)]:
            changed = bytearray(SEALED)
            changed[place] ^= 1 << bit
            with pytest.raises(UnsealError):
                unseal(bytes(changed), KEY)


@given(st.integers(0, len(SEALED) - 1))
def test_a_file_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(UnsealError):
        unseal(SEALED[:length], KEY)


@given(st.binary(max_size=300))
def test_anything_else_is_refused(data: bytes) -> None:
    for before in (b"", SEALED[:HEADER], SEALED[: HEADER + 12], SEALED):
        if before or data:
            with pytest.raises(UnsealError):
                unseal(before + data if data else before[:-1], KEY)


def test_two_files_can_not_be_put_together() -> None:
    other = seal(Kept((answers(4, 5),)), KEY)
    for place in range(HEADER + 1, min(len(SEALED), len(other)), 7):
        with pytest.raises(UnsealError):
            unseal(SEALED[:place] + other[place:], KEY)


# From here on: who has the key writes what it likes.


def sealed(archive: bytes) -> bytes:
    nonce = os.urandom(12)
    return SEALED[:HEADER] + nonce + AESGCM(KEY).encrypt(nonce, archive, SEALED[:HEADER])


def npy(array: object) -> bytes:
    written = io.BytesIO()
    np.save(written, array, allow_pickle=True)  # type: ignore[arg-type]
    return written.getvalue()


def lying(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def archive(members: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", packed) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return written.getvalue()


def usual() -> dict[str, bytes]:
    """The members of a good file of one network with two answers."""
    one = seal(Kept((answers(1, 2),)), KEY)
    nonce = one[HEADER : HEADER + 12]
    with zipfile.ZipFile(io.BytesIO(AESGCM(KEY).decrypt(nonce, one[HEADER + 12 :], one[:HEADER]))) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


class Boom:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return pytest.fail, ("a pickle was run",)


HUGE = "{'descr': '<f4', 'fortran_order': False, 'shape': (400, 20000000000), }"
DEEP = "(" * 100
WRONG = {
    "objects": {"0.features.npy": npy(np.array([Boom()], object))},
    "a pickle": {"0.features.npy": npy(np.array([Boom()], object))[80:]},
    "a lying header": {"0.features.npy": lying(HUGE)},
    "a lying header of the names": {"about.npy": lying(HUGE.replace("<f4", "|u1"), b"{}")},
    "a negative shape": {"0.features.npy": lying(HUGE.replace("20000000000", "-1"), bytes(8))},
    "a shape that overflows": {"0.features.npy": lying(HUGE.replace("400, 20000000000", "2, 9223372036854775808"))},
    "a shape that is none": {"0.features.npy": lying(HUGE.replace("400, 20000000000", "True, None"))},
    "nested brackets": {"0.features.npy": lying(DEEP)},
    "an expression": {"0.features.npy": lying("__import__('os').abort()")},
    "another type": {"0.features.npy": npy(np.ones((2, 8), ">f4"))},
    "doubles": {"0.features.npy": npy(np.ones((2, 8)))},
    "columns first": {"0.features.npy": npy(np.asfortranarray(np.ones((2, 8), np.float32)))},
    "one row more": {"0.features.npy": npy(np.ones((3, 8), np.float32))},
    "no row": {name: npy(np.ones(0, np.uint8)) for name in usual() if name.startswith("0")},
    "a row of rows": {"0.at.npy": npy(np.ones((2, 1)))},
    "no number": {"0.features.npy": npy(np.full((2, 8), np.nan, np.float32))},
    "no label": {"0.label.npy": npy(np.array([1, 7], np.uint8))},
    "a later format": {"0.at.npy": b"\x93NUMPY\x03\x00" + npy(np.ones(2))[8:]},
    "no magic word": {"0.at.npy": b"NUMPY" * 9},
    "nothing": {"0.at.npy": b""},
    "an array more": {"1.at.npy": npy(np.ones(2))},
    "a path": {"../../evil.npy": npy(np.ones(2))},
    "no JSON": {"about.npy": npy(np.frombuffer(b"{", np.uint8))},
    "other JSON": {"about.npy": npy(np.frombuffer(b'{"networks":["x"],"exports":[]}', np.uint8))},
    "many networks": {
        "about.npy": npy(np.frombuffer(b'{"networks":[%s],"exports":[]}' % b",".join([b'"%064d"' % 0] * 5), np.uint8))
    },
}


@pytest.mark.parametrize("members", [pytest.param(members, id=name) for name, members in WRONG.items()])
def test_what_only_looks_like_answers_is_refused_within_little_memory(members: dict[str, bytes]) -> None:
    data = sealed(archive(usual() | members))
    assert peak(lambda: refused(data)) < 1 << 20


def test_a_packed_array_is_refused_before_it_is_unpacked() -> None:
    features = npy(np.zeros((2, 5_000_000), np.float32))
    data = sealed(archive(usual() | {"0.features.npy": features}, zipfile.ZIP_DEFLATED))
    assert len(data) < 1 << 20
    assert peak(lambda: refused(data)) < 4 << 20


def test_an_archive_of_very_many_arrays_is_refused_before_they_are_listed() -> None:
    data = sealed(archive(usual() | {str(number): b"" for number in range(20_000)}))
    assert peak(lambda: refused(data)) < 3 * len(data)


def test_a_huge_file_is_refused_unopened() -> None:
    with pytest.raises(UnsealError, match="is larger than"):
        unseal(SEALED + bytes(LARGEST), KEY)


def refused(data: bytes) -> None:
    with pytest.raises(UnsealError):
        unseal(data, KEY)


def peak(work: Callable[[], object]) -> int:
    """Bytes that it took at once, NumPy's too."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
