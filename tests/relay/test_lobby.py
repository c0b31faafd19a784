"""Which connection goes where there is one too many."""

from hypothesis import given
from hypothesis import strategies as st

from relay.http.lobby import Lobby

STEPS = st.lists(
    st.tuples(st.sampled_from(["come", "come", "work", "rest", "stay", "leave", "replace"]), st.integers(0, 9))
)


@given(STEPS, st.integers(1, 6), st.integers(1, 6))
def test_the_oldest_of_the_larger_group_goes_and_who_was_let_in_stays(
    steps: list[tuple[str, int]], most: int, most_idle: int
) -> None:
    """Against a slow model: who is open, doing what since when. Who must go leaves at once."""
    lobby: Lobby[int] = Lobby(most, most_idle)
    doing: dict[int, tuple[str, int]] = {}
    for now, (step, which) in enumerate(steps):
        ones = sorted(doing)
        one = ones[which % len(ones)] if ones and step != "come" else now
        out = None
        if step == "come":
            doing[one] = "idle", now
            out = lobby.come(one)
        elif one not in doing:
            continue
        elif step == "rest" and doing[one][0] != "idle":
            doing[one] = "idle", now
            out = lobby.rest(one)
        elif step == "work" and doing[one][0] != "working":
            doing[one] = "working", now
            lobby.work(one)
        elif step == "stay":
            doing[one] = "in", now
            lobby.stay(one)
        elif step == "leave":
            del doing[one]
            lobby.leave(one)
        elif step == "replace":
            del doing[one]
            lobby.replace(one, now)
            doing[now] = "idle", now
        idle = sorted((since, each) for each, (what, since) in doing.items() if what == "idle")
        working = sorted((since, each) for each, (what, since) in doing.items() if what == "working")
        if out is not None:
            assert step in ("come", "rest")
            from_idle = len(idle) > max(most_idle, 1) or len(idle) > len(working)
            assert out == (idle if from_idle else working)[0][1]
            del doing[out]
            lobby.leave(out)
        elif step == "come":
            assert len(doing) <= most
            assert len(idle) <= most_idle
        assert len(lobby) == len(doing)
        assert sorted(lobby.idle()) == sorted(each for each, (what, _) in doing.items() if what == "idle")


SEVERAL = st.lists(
    st.tuples(st.sampled_from(["come", "come", "come", "work", "rest", "leave"]), st.integers(0, 2), st.integers(0, 9)),
    max_size=120,
)


@given(st.lists(st.integers(0, 3), min_size=3, max_size=3), SEVERAL, st.integers(0, 12), st.integers(1, 12))
def test_several_workers_hold_no_more_than_one_and_who_fills_one_shuts_nobody_out_of_another(
    staying: list[int], steps: list[tuple[str, int, int]], left: int, most_idle: int
) -> None:
    most = sum(staying) + left
    lobbies: list[Lobby[int]] = [
        Lobby(most, most_idle, workers=3, elsewhere=lambda here=here: sum(staying) - here)  # type: ignore[misc]
        for here in staying
    ]
    for lobby, here in zip(lobbies, staying, strict=True):
        for one in range(-here, 0):
            lobby.come(one)
            lobby.stay(one)
    waiting: list[list[int]] = [[], [], []]
    for now, (step, number, which) in enumerate(steps):
        lobby, mine = lobbies[number], waiting[number]
        one, out = mine[which % len(mine)] if mine else None, None
        if step == "come":
            mine.append(now)
            out = lobby.come(now)
            assert (out == now) == (left < 3), "a newcomer goes itself only where its worker has no place for anyone"
        elif step == "leave" and one is not None:
            mine.remove(one)
            lobby.leave(one)
        elif step == "work" and one is not None:
            lobby.work(one)
        elif step == "rest" and one is not None:
            out = lobby.rest(one)
        if out is not None:
            mine.remove(out)
            lobby.leave(out)
        assert sum(map(len, lobbies)) <= most
        assert all(len(list(lobby.idle())) <= -(-most_idle // 3) for lobby in lobbies)


def test_a_worker_takes_no_more_than_it_has_descriptors() -> None:
    lobby: Lobby[int] = Lobby(100, 100, here=2)
    assert [lobby.come(one) for one in range(4)] == [None, None, 0, 1]
