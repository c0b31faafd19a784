"""What a simulated show's moments are, by the rule of ``relay.core.moments`` and by the one before it.

python -m benchmarks.moments [--hours 3] [--viewers 120] [--seed 1]

A show of so many hours for an audience that varies: each viewer has an own disposition, lag and delay, laughter comes
and goes all the time, and a few tap without reason. Planted are moments of each expression and of each tap, of 25 to
70 % of the audience for 3 to 8 seconds; between them is no event. Told is which of them are found (recall) and which of
those found are planted (precision), in what is told live, among the session's highlights and among all its peaks, and
how late. ``--demo`` counts the peaks of the demo's scripted show in its place.
"""

import argparse
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast
from unittest import mock

from demo.show import SimulatedViewer
from relay.core import moments, peaks
from relay.core.audience import Member
from relay.core.channel import Channel
from relay.core.moments import Rise
from relay.core.timeline import Slice, StoredMoment
from relay.protocol import EXPRESSIONS, NEUTRAL, TAPS, Expression, Moment, Reaction, Tap

TICK_S = 0.5
Deed = Expression | Tap
"""What a viewer shows or taps."""
KINDS: tuple[Deed, ...] = (*EXPRESSIONS[:NEUTRAL], *EXPRESSIONS[NEUTRAL + 1 :], *TAPS)
NEAR_S = 6.0
"""What is found so near to a planted moment is that one."""
WEIGHTS = (0.01, 0.01, 0.01, 0.25, 0.02, 0.03, 0.67)
"""Of an audience to which nothing happens; of laughter, these are multiplied with a number that changes."""


class Planted(NamedTuple):
    """A moment that there is."""

    at: float
    seconds: float
    name: Deed
    share: float


def old_rule(before: Sequence[float], share: float, sharing: int) -> Rise | None:
    """As it was before 2026-11-27: the rise divided by the usual spread, without a cap."""
    if len(before) < 10:
        return None
    usual = moments.median(before)
    rise = share - usual
    if rise < 0.15 or rise * sharing < 3:
        return None
    deviation = 1.4826 * moments.median(sorted(abs(other - usual) for other in before))
    chance = (usual * sharing + 0.5) / (sharing + 1)
    score = rise / max(deviation, (chance * (1 - chance) / sharing) ** 0.5, 0.03)
    return Rise(rise, score) if score >= 5 else None


def plant(chance: random.Random, seconds: float) -> list[Planted]:
    """A moment every 40 to 160 seconds, of the expressions and taps in turn."""
    found, at, number = list[Planted](), 60.0, 0
    while at < seconds - 30:
        name = KINDS[number % len(KINDS)]
        found.append(Planted(at, chance.uniform(3, 8), name, chance.uniform(0.25, 0.7)))
        at += chance.uniform(40, 160)
        number += 1
    return found


def varied(chance: random.Random, planted: list[Planted], viewers: int) -> Callable[[float], list[Deed | None]]:
    """What each viewer shows as time goes on; None: nothing new."""
    lags = [0.2 + chance.gammavariate(2, 0.4) for _ in range(viewers)]
    taken: list[set[int]] = [
        {index for index in range(len(planted)) if chance.random() < planted[index].share} for _ in range(viewers)
    ]
    laughter, state = 1.0, {"next": 0}

    def step(now: float) -> list[Deed | None]:
        nonlocal laughter
        laughter = min(2.5, max(0.2, laughter + chance.gauss(0, 0.08)))
        weights = [*WEIGHTS[:3], WEIGHTS[3] * laughter, *WEIGHTS[4:]]
        while state["next"] < len(planted) and now > planted[state["next"]].at + planted[state["next"]].seconds + 5:
            state["next"] += 1
        index = state["next"]
        here = planted[index] if index < len(planted) else None
        shown = list[Deed | None]()
        for lag, takes in zip(lags, taken, strict=True):
            since = now - lag - here.at if here else -1.0
            if here and index in takes and 0 <= since < here.seconds:
                taps_again = here.name in EXPRESSIONS or since < TICK_S or chance.random() < 0.4
                shown.append(here.name if taps_again else None)
            elif chance.random() < 0.001:
                shown.append(chance.choice(TAPS))
            elif chance.random() < 0.06 or (here and index in takes and 0 <= since - here.seconds < 2 * TICK_S):
                shown.append(chance.choices(EXPRESSIONS, weights)[0])
            else:
                shown.append(None)
        return shown

    return step


def scripted(chance: random.Random, viewers: int) -> Callable[[float], list[Deed | None]]:
    """The demo's show."""
    crowd = [SimulatedViewer(random.Random(chance.random())) for _ in range(viewers)]
    return lambda now: [viewer.step(now)[0] for viewer in crowd]


def play(step: Callable[[float], list[Deed | None]], viewers: int, seconds: float) -> tuple[list[Moment], Slice, float]:
    """The moments that are told, the history of the show, and how long the ticks took in all."""
    channel = Channel("show", 5, label_ttl=1e9)
    members = [Member(number, str(number).encode()) for number in range(viewers)]
    for member in members:
        channel.join(member, 0.0, 0.0)
    told, stored, reactions, took = list[Moment](), list[StoredMoment](), list[Reaction](), 0.0
    now = 0.0
    while now < seconds:
        for member, label in zip(members, step(now), strict=True):
            if label in TAPS:
                channel.tap(member, cast("Tap", label), now)
            elif label:
                channel.label(member, cast("Expression", label), now)
        began = time.perf_counter()
        reactions += channel.tick(channel.snapshot(now), now, now)
        took += time.perf_counter() - began
        if channel.moment:
            told.append(channel.moment)
        if channel.mood.visible and now == int(now):
            counts = tuple(channel.mood.counts)
            stored.append(
                StoredMoment(
                    time=int(now), viewers=viewers, sharing=sum(counts), counts=counts, valence=0.0, resonance=0.0
                )
            )
        now += TICK_S
    return told, Slice(moments=stored, reactions=reactions), took


def names(found: Sequence[peaks.Peak | Moment]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(one.name for one in found).most_common()) or "none"


def near(one: peaks.Peak | Moment, real: Planted) -> bool:
    return one.name == real.name and -2 <= one.time - real.at <= real.seconds + NEAR_S


def rates(found: Sequence[peaks.Peak | Moment], planted: list[Planted]) -> tuple[str, str]:
    """Recall and precision: how many of the planted are found, and of the found how many are planted."""
    hit = sum(any(near(one, real) for one in found) for real in planted)
    true = sum(any(near(one, real) for real in planted) for one in found)
    return f"{hit} of {len(planted)}", f"{true} of {len(found)}"


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3.0, help="length of the show (default: 3)")
    parser.add_argument("--viewers", type=int, default=120, help="of the audience (default: 120)")
    parser.add_argument("--seed", type=int, default=1, help="of the chance (default: 1)")
    parser.add_argument("--demo", action="store_true", help="the demo's scripted show")
    arguments = parser.parse_args()
    chance, seconds = random.Random(arguments.seed), 3600 * arguments.hours
    planted = [] if arguments.demo else plant(chance, seconds)
    step = scripted(chance, arguments.viewers) if arguments.demo else varied(chance, planted, arguments.viewers)
    told, whole, took = play(step, arguments.viewers, seconds)
    every = peaks.find_peaks([whole])
    with mock.patch.object(peaks, "rise_of", old_rule):
        every_old = peaks.find_peaks([whole])
    print("| | recall | precision | of which kind |\n|---|---|---|---|")
    for label, found in (
        ("the strongest 20, before", every_old[: peaks.MOST]), ("the strongest 20", every[: peaks.MOST]),
        ("highlights", peaks.highlights(every)), ("all peaks, before", every_old), ("all peaks", every),
        ("told live", told),
    ):  # fmt: skip
        print(row(label, *rates(found, planted), names(found)))
    if planted:
        print("\n| | recall | precision | live: recall | precision |\n|---|---|---|---|---|")
        for name in KINDS:
            real = [one for one in planted if one.name == name]
            cells = [rates([one for one in found if one.name == name], real) for found in (every, told)]
            print(row(name, *cells[0], *cells[1]))
    if told:
        late = [moment.ago for moment in told]
        print(f"told after it was noticed: median {statistics.median(late):.1f} s, at most {max(late):.1f} s")
    print(f"ticks: {took / (seconds / TICK_S) * 1e6:.0f} microseconds each")


if __name__ == "__main__":
    main()
