"""Who is shown on the grid, and whether with a label. First of all: what those who see it can compute of the others."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.audience import Member
from relay.core.channel import Channel
from relay.core.grid import (
    MOST_HIDDEN,
    NAME_LENGTH,
    GridPart,
    Hidden,
    Rounds,
    View,
    key,
    name_of,
    newer,
)
from relay.core.snapshot import Snapshot, total
from relay.protocol import EXPRESSIONS, MOST_PEOPLE, Expression, Mood, People

GRANT = 1_800_000_000.0
A_TICK_S = 0.5


class Seen(NamedTuple):
    """What there is to see at a tick."""

    mood: Mood
    people: People


class Play:
    """A channel on some nodes, whose viewers do as they are told."""

    def __init__(self, min_viewers: int = 5, nodes: int = 1, weight: int = 8) -> None:
        self.min_viewers = min_viewers
        self.nodes = [Channel("demo", min_viewers, 15.0, weight) for _ in range(nodes)]
        self.grant, self.hidden = GRANT, Hidden()
        self.now, self.seq = 100.0, 0
        self.members: dict[str, Member] = {}
        self.homes: dict[str, Channel] = {}
        self.seen: list[Seen] = []

    def join(self, name: str, network: str = "", label: Expression | None = None, shown: bool = False) -> None:
        network = network or f"network of {name}"
        self.members[name] = Member(network, network.encode()[:32])
        self.homes[name] = self.nodes[len(self.members) % len(self.nodes)]
        self.homes[name].join(self.members[name], 0.0, self.now)
        if label:
            self.label(name, label)
        if shown:
            assert self.show(name)

    def leave(self, name: str) -> None:
        self.homes[name].leave(self.members.pop(name))

    def label(self, name: str, label: Expression) -> None:
        self.homes[name].label(self.members[name], label, self.now)

    def away(self, name: str) -> None:
        self.homes[name].withdraw(self.members[name])

    def show(self, name: str) -> bool:
        self.seq += 1
        return self.homes[name].roster.show(self.members[name], name, self.grant, GRANT + self.seq)

    def hide(self, name: str) -> None:
        self.homes[name].roster.hide(self.members[name])

    def pause(self, paused: bool) -> None:
        for node in self.nodes:
            if paused:
                node.pause(member for name, member in self.members.items() if self.homes[name] is node)
            else:
                node.resume(self.now)

    def tick(self, ticks: int = 1) -> View:
        """Brings all nodes up to date, which must agree; returns what is shown after the last of the ticks."""
        for _ in range(ticks):
            self.now += A_TICK_S
            own: list[tuple[Snapshot, GridPart | None]] = []
            for node in self.nodes:
                node.grid = self.grant
                own.append((node.snapshot(self.now), node.grid_part(self.hidden)))
            whole = total(snapshot for snapshot, _ in own)
            views = []
            for number, node in enumerate(self.nodes):
                node.tick(whole, self.now, self.now)
                views.append(node.view([own[number], *own[:number], *own[number + 1 :]], self.hidden, self.now))
            assert len(set(views)) == 1
            self.seen.append(Seen(self.nodes[0].mood, views[0].message()))
        return views[0]

    @property
    def labels(self) -> dict[str, str | None]:
        """By name, as the lookers were told last."""
        return {person.name: person.emotion for person in self.seen[-1].people.people}


def crowd(play: Play, unshown: int, label: Expression = "neutral") -> None:
    for number in range(unshown):
        play.join(f"unshown {number}", label=label)


# --- who is shown ----------------------------------------------------------------------------------------------------


def test_shown_is_who_asks_for_it_and_with_a_label_where_that_tells_nothing_of_others() -> None:
    play = Play()
    crowd(play, 6)
    play.join("ann", label="happy", shown=True)
    play.join("ben", label="sad")
    play.tick(4)
    assert play.labels == {"ann": "happy"}
    play.show("ben")
    play.away("ann")
    play.tick()
    assert play.labels == {"ann": None, "ben": "sad"}


@pytest.mark.parametrize(("unshown", "told"), [(0, True), (1, False), (4, False), (5, False), (6, True)])
@pytest.mark.parametrize("nodes", [1, 3])
def test_labels_are_told_if_nobody_is_unshown_or_a_crowd(unshown: int, told: bool, nodes: int) -> None:
    play = Play(min_viewers=5, nodes=nodes)
    for number in range(9):
        play.join(f"shown {number}", label="happy", shown=True)
    crowd(play, unshown)
    play.tick(4)
    assert play.seen[-1].mood.visible
    assert set(play.labels.values()) == {"happy" if told else None}
    assert len(play.labels) == 9


def test_the_unshown_of_one_network_are_no_crowd() -> None:
    play = Play(min_viewers=2)
    for name in ("ann", "ben"):
        play.join(name, label="happy", shown=True)
    for number in range(8):
        play.join(f"unshown {number}", network="one", label="sad")
    play.tick(4)
    assert play.seen[-1].mood.visible
    assert play.labels == {"ann": None, "ben": None}


def test_a_network_of_which_one_is_shown_and_another_is_not_is_one_of_the_unshown() -> None:
    play = Play(min_viewers=2)
    play.join("ann", "one", "happy", shown=True)
    for name, network in (("x", "one"), ("y", "two"), ("z", "three")):
        play.join(name, network, "sad")
    play.tick(4)
    assert play.labels == {"ann": "happy"}
    play.away("x")
    play.tick()
    assert play.labels == {"ann": None}


def test_while_the_mood_is_hidden_names_alone_are_told() -> None:
    play = Play(min_viewers=5)
    for number in range(4):
        play.join(f"shown {number}", label="happy", shown=True)
    play.tick(4)
    assert not play.seen[-1].mood.visible
    assert set(play.labels.values()) == {None}


def test_names_alone_at_once_and_labels_again_after_a_while() -> None:
    play = Play(min_viewers=2)
    play.join("ann", label="happy", shown=True)
    crowd(play, 3)
    play.tick(4)
    told = []
    for tick in range(8):
        if tick == 1:
            play.away("unshown 0")
        elif tick == 3:
            play.label("unshown 0", "neutral")
        play.tick()
        told.append(play.labels["ann"] is not None)
    assert told == [True, False, False, False, False, True, True, True]


def test_in_a_pause_nobody_is_shown_and_afterwards_who_was_before() -> None:
    play = Play(min_viewers=2)
    play.join("ann", label="happy", shown=True)
    crowd(play, 3)
    play.tick(4)
    play.pause(True)
    play.tick()
    assert play.labels == {}
    play.pause(False)
    play.tick()
    assert play.labels == {"ann": None}


def test_who_is_shown_no_more_is_gone_at_once() -> None:
    play = Play(min_viewers=1)
    play.join("ann", label="happy", shown=True)
    play.join("ben", label="happy", shown=True)
    play.tick(4)
    play.hide("ann")
    play.tick()
    assert play.labels == {"ben": None}  # with a label, ann's would be the rest
    play.leave("ben")
    play.tick()
    assert play.labels == {}


def test_when_the_streamer_takes_the_grid_back_all_must_choose_anew() -> None:
    play = Play(min_viewers=1)
    play.join("ann", label="happy", shown=True)
    play.tick()
    for grant in (0.0, GRANT + 1):
        play.grant = grant
        play.tick()
        assert play.labels == {}
    play.show("ann")
    play.tick()
    assert [*play.labels] == ["ann"]
    play.grant += 1  # back and given again between two ticks
    play.tick()
    assert play.labels == {}


def test_a_node_that_has_not_heard_of_it_shows_nobody_to_the_others() -> None:
    play = Play(min_viewers=1, nodes=2)
    play.join("ann", label="happy", shown=True)
    old = play.nodes[1]
    old.grid = GRANT
    part = old.grid_part(Hidden())
    assert part is not None
    assert [person.name for person in part.people] == ["ann"]
    new = play.nodes[0]
    new.grid = GRANT + 1
    snapshot = old.snapshot(play.now)
    new.tick(snapshot, play.now, play.now)
    assert new.view([(snapshot, part)], Hidden(), play.now) == View()


# --- how many --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [1, 3])
def test_48_are_shown_those_who_came_first_and_the_others_are_counted(nodes: int) -> None:
    play = Play(min_viewers=1, nodes=nodes)
    for number in range(60):
        play.join(f"{number}", label="happy", shown=True)
    view = play.tick(4)
    assert [*play.labels] == [f"{number}" for number in range(MOST_PEOPLE)]
    assert view.more == 12
    assert set(play.labels.values()) == {"happy"}  # 12 others are a crowd
    play.leave("3")
    play.tick()
    assert [*play.labels][-1] == "48"


@pytest.mark.parametrize("nodes", [1, 3])
def test_the_one_for_whom_there_is_no_room_is_not_read_by_the_rest(nodes: int) -> None:
    play = Play(min_viewers=1, nodes=nodes)
    for number in range(MOST_PEOPLE + 1):
        play.join(f"{number}", label="happy", shown=True)
    play.tick(4)
    assert set(play.labels.values()) == {None}


@pytest.mark.parametrize("nodes", [1, 2])
def test_one_network_does_not_fill_the_grid(nodes: int) -> None:
    play = Play(min_viewers=1, nodes=nodes, weight=3)
    for number in range(50):
        play.join(f"{number}", network="one", label="happy")
        play.show(f"{number}")
    play.join("ann", label="sad", shown=True)
    play.tick(4)
    assert len(play.labels) == 4
    assert "ann" in play.labels


def test_a_place_that_is_left_is_free_and_asking_twice_takes_no_second() -> None:
    play = Play(weight=2)
    for name in ("a", "b", "c"):
        play.join(name, network="one")
    assert [play.show(name) for name in ("a", "a", "b", "c")] == [True, True, True, False]
    play.hide("a")
    play.hide("a")
    assert play.show("c")
    play.leave("b")
    assert play.show("a")
    play.grant += 1
    play.join("d", network="one")
    assert [play.show(name) for name in ("c", "d", "a")] == [True, True, False]


# --- whom the admin hides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_name_that_is_hidden_is_not_shown_nor_its_label_told_by_the_rest(nodes: int) -> None:
    play = Play(min_viewers=2, nodes=nodes)
    for name in ("ann", "Ben", "cat"):
        play.join(name, label="happy", shown=True)
    play.tick(4)
    assert set(play.labels.values()) == {"happy"}
    play.hidden = play.hidden.then("BEN ", True, GRANT)
    view = play.tick()
    assert play.labels == {"ann": None, "cat": None}
    assert view.more == 0
    play.hidden = play.hidden.then("ben", False, GRANT)
    play.tick()
    assert [*play.labels] == ["ann", "Ben", "cat"]


@given(st.text(max_size=60))
def test_names_are_shown_on_a_line_or_not_at_all(text: str) -> None:
    name = name_of(text)
    assert name in ("", text.strip())
    assert len(name) <= NAME_LENGTH
    assert name.isprintable() or not name.isascii()
    assert not any(control in name for control in "\x00\n\r\x1b\u202e\u2028")
    assert 1 <= len(key(name)) <= NAME_LENGTH


@given(st.text(max_size=50))
def test_case_width_and_blanks_make_no_other_name(name: str) -> None:
    assert key(f" {name}\t") == key(name)
    assert key("\uff21nn  B") == key("ann b") == key("ANN B")


@pytest.mark.parametrize(
    "name",
    ["\u3164", "\u2800", "\u115f \uffa0", "\u0301", " \ufe0f", "\u034f", "z" + 7 * "\u0335", "a" + 19 * "\u0301\ufe0f"],
)
def test_a_name_of_which_nothing_is_seen_or_that_covers_others_is_none(name: str) -> None:
    assert name_of(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "Ann", "\u738b\u5c0f\u660e", "\u0e19\u0e49\u0e33", "e\u0302\u0301", "\u05e9\u05c1\u05bc\u05b8\u0596",
        "\u0645\u06cc\u200c\u062e", "1\ufe0f\u20e3", "\u2764\ufe0f", "\U0001f469\u200d\U0001f680",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ],
)  # fmt: skip
def test_what_people_are_called_is_a_name(name: str) -> None:
    assert name_of(name) == name


@pytest.mark.parametrize("name", ["ann\ufe0f", "a\u200dnn", "an\u3164n", "\uff21nn\u034f", "ann\u2800"])
def test_what_is_not_seen_makes_no_other_name(name: str) -> None:
    assert key(name) == key("Ann")
    assert key(key(name)) == key(name)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 100))))
def test_the_last_word_on_a_name_holds_whatever_the_clock_says(words: list[tuple[str, bool, float]]) -> None:
    hidden, expected = Hidden(), dict[str, bool]()
    for name, is_hidden, unix in words:
        before, hidden = hidden, hidden.then(name, is_hidden, unix)
        expected[name] = is_hidden
        assert newer(before, hidden) == newer(hidden, before) == hidden
    assert set(hidden.names) == {name for name, is_hidden in expected.items() if is_hidden}
    assert newer(hidden, None) == hidden


def test_so_many_names_are_hidden_and_no_more() -> None:
    hidden = Hidden()
    for number in range(MOST_HIDDEN):
        hidden = hidden.then(f"{number}", True, GRANT)
    assert hidden.then("0", True, GRANT).names.count("0") == 1
    with pytest.raises(ValueError, match="hidden"):
        hidden.then("one more", True, GRANT)


# --- when it is told -------------------------------------------------------------------------------------------------


def view_of(*names: str) -> View:
    play = Play(min_viewers=1)
    for name in names:
        play.join(name, shown=True)
    return play.tick()


def told(rounds: Rounds, *news: tuple[float, View], allowed: bool = True) -> list[bool]:
    return [rounds.update(view, allowed, now) for now, view in news]


def test_every_two_seconds_and_soon_after_somebody_is_gone() -> None:
    two, one = view_of("ann", "ben"), view_of("ann")
    two = two._replace(people=(one.people[0], two.people[1]))
    rounds = Rounds()
    assert told(rounds, (100.0, one), (100.5, two), (101.9, two), (102.0, two)) == [True, False, False, True]
    assert told(rounds, (102.4, one), (102.5, one), (104.4, one), (104.5, one)) == [False, True, False, True]


def test_who_comes_and_goes_as_fast_as_can_be_makes_it_no_more_than_twice_a_second() -> None:
    two, one = view_of("ann", "ben"), view_of("ann")
    two = two._replace(people=(one.people[0], two.people[1]))
    rounds = Rounds()
    count = sum(rounds.update((one, two)[tick % 2], True, 100.0 + tick * 0.05) for tick in range(2000))
    assert count <= 201


def test_of_a_grid_that_was_taken_back_they_are_told_once_that_nobody_is_there() -> None:
    rounds = Rounds()
    assert told(rounds, (100.0, view_of("ann"))) == [True]
    assert told(rounds, (100.5, View()), (101.0, View()), (200.0, View()), allowed=False) == [True, False, False]
    assert told(Rounds(), (100.0, View()), allowed=False) == [False]


# --- what nobody learns ----------------------------------------------------------------------------------------------

LABELS = st.sampled_from(EXPRESSIONS)
NAMES = [f"honest {number}" for number in range(8)]
ACTS = st.lists(
    st.tuples(
        st.sampled_from([*["label", "away", "show", "hide", "leave", "out of sight"] * 4, "pause", "grant"]),
        st.integers(0, 30), LABELS,
    ),
    max_size=3,
)  # fmt: skip
ROUNDS = st.lists(ACTS, min_size=4, max_size=14)


def act(play: Play, names: list[str], what: str, number: int, label: Expression) -> None:
    """One of these does something; who is gone comes again."""
    name = names[number % len(names)]
    if what == "pause":
        play.pause(number % 2 == 0)
    elif what == "grant":
        play.grant = 0.0 if play.grant and number % 2 else GRANT + number
    elif what == "out of sight":
        play.hidden = play.hidden.then(name, number % 2 == 0, GRANT)
    elif name not in play.members:
        play.join(name)
    elif what == "label":
        play.label(name, label)
    elif what == "away":
        play.away(name)
    elif what == "leave":
        play.leave(name)
    elif what == "hide":
        play.hide(name)
    elif play.grant:
        play.show(name)


def left_over(seen: Seen, known: Iterable[str | None]) -> Counter[str]:
    """What an attacker computes: the mood, less the people, less what they ``know`` of themselves."""
    rest = Counter(dict(zip(EXPRESSIONS, seen.mood.counts, strict=True)))
    rest.subtract(Counter(person.emotion for person in seen.people.people if person.emotion))
    rest.subtract(Counter(label for label in known if label))
    return +rest


@pytest.mark.slow
@given(st.integers(2, 5), st.integers(1, 2), ROUNDS, st.data())
def test_mood_less_people_less_oneself_is_nobody_or_people_of_two_networks(
    min_viewers: int, nodes: int, rounds: list[list[tuple[str, int, Expression]]], data: st.DataObject
) -> None:
    """The attacker sees all, and takes part from as many networks as can be, one less than ``min_viewers``. However
    all of them come, go, choose to be shown and take that back, and whatever the streamer does."""
    play = Play(min_viewers, nodes)
    mine = [f"mine {number}" for number in range(min_viewers - 1)]
    unshown = data.draw(st.integers(0, 4))
    for number, name in enumerate(NAMES):
        play.join(name, label=data.draw(LABELS), shown=number >= unshown)
    for name in mine:
        play.join(name, label="neutral", shown=data.draw(st.integers(0, 3)) == 3)
    play.tick(3)
    for acts in rounds:
        for what, number, label in acts:
            act(play, [*NAMES, *mine], what, number, label)
        view = play.tick(data.draw(st.integers(1, 4)))
        seen = play.seen[-1]
        if not view.tells:
            assert not any(play.labels.values())
            continue
        assert seen.mood.visible
        on_grid = {person.name for person in view.people}
        honest = {
            name for name in set(NAMES) & play.members.keys()
            if play.members[name].expression is not None and name not in on_grid
        }  # fmt: skip
        own = [play.members[name].expression for name in mine if name in play.members and name not in on_grid]
        known = [EXPRESSIONS[expression] for expression in own if expression is not None]
        assert left_over(seen, known).total() == len(honest)
        assert len({play.members[name].network for name in honest}) != 1


@given(
    st.integers(3, 6), st.integers(1, 2), st.lists(LABELS, min_size=9, max_size=9), st.integers(0, 9),
    st.sampled_from(["away", "leave", "show"]),
)  # fmt: skip
def test_nor_is_one_read_who_stays_when_another_goes(
    min_viewers: int, nodes: int, faces: list[Expression], unshown: int, what: str
) -> None:
    """The mood goes on then, since those on the grid keep it up, and their labels of just before are still known: by an
    attacker from two networks less than ``min_viewers``."""
    play = Play(min_viewers, nodes)
    mine = [f"mine {number}" for number in range(min_viewers - 2)]
    for name in mine:
        play.join(name, label="neutral")
    for number in range(8):
        play.join(f"shown {number}", label="happy", shown=True)
    honest = [f"honest {number}" for number in range(unshown)]
    for name, face in zip(honest, faces, strict=False):
        play.join(name, label=face)
    before = play.tick(4)
    if not honest:
        return
    act(play, honest, what, 0, "neutral")
    after = play.tick()
    assert play.seen[-1].mood.visible
    rest = left_over(play.seen[-1]._replace(people=play.seen[-2].people), ["neutral"] * len(mine))
    if before.tells:
        assert (rest.total() if what != "show" else rest.total() - 1) >= 2
    assert before.tells == (unshown + len(mine) > min_viewers)
    assert after.tells == (unshown - 1 + len(mine) > min_viewers)


@pytest.mark.slow
@given(st.integers(1, 5), st.integers(1, 2), ROUNDS, st.lists(st.tuples(LABELS, LABELS), min_size=14, max_size=14))
def test_what_two_who_are_not_shown_show_can_be_exchanged_and_nobody_sees_it(
    min_viewers: int, nodes: int, rounds: list[list[tuple[str, int, Expression]]],
    faces: list[tuple[Expression, Expression]],
) -> None:  # fmt: skip
    """Whatever all others do meanwhile, one of the two hidden by the admin as well: no mood, no people and no time at
    which these come tells which of the two showed what."""

    def watch(first: int) -> list[Seen]:
        play = Play(min_viewers, nodes)
        for name in NAMES:
            play.join(name, label="neutral", shown=True)
        play.join("x")
        play.join("y", shown=True)
        play.hidden = play.hidden.then("y", True, GRANT)
        for acts, pair in zip(rounds, faces, strict=False):
            play.label("x", pair[first])
            play.label("y", pair[1 - first])
            for what, number, label in acts:
                act(play, NAMES, what, number, label)
            play.tick(2)
        return play.seen

    assert watch(0) == watch(1)


@pytest.mark.slow
@given(st.integers(2, 5), ROUNDS, st.data())
def test_another_label_of_one_who_is_not_shown_changes_the_moods_numbers_alone(
    min_viewers: int, rounds: list[list[tuple[str, int, Expression]]], data: st.DataObject
) -> None:
    """Who is shown, when, and with which label is the same whatever the others show."""
    faces = [data.draw(st.tuples(LABELS, LABELS)) for _ in rounds]

    def watch(first: int) -> list[People]:
        play = Play(min_viewers)
        for name in NAMES:
            play.join(name, label="neutral", shown=True)
        play.join("x")
        for acts, pair in zip(rounds, faces, strict=True):
            play.label("x", pair[first])
            for what, number, label in acts:
                act(play, NAMES, what, number, label)
            play.tick(2)
        return [seen.people for seen in play.seen]

    assert watch(0) == watch(1)
