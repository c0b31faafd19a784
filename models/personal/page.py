"""The study's figures as a page in Markdown, and as tables for the terminal. Pure; the keys are in docs/personal.md."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from models.evaluation.summary import percent
from models.personal.heads import HEADS
from models.personal.results import ALL

Row = Sequence[str]
STEPS = ["network", "head", "clips of each class", "personal", "common", "personal over universal, points"]
STEPS += ["personal over common, points"]


def curves_name(network: str) -> str:
    return f"{network}-curves.png"


def confusion_name(row: dict[str, Any]) -> str:
    return f"{row['network']}-{row['head']}-confusion.png"


def by_network(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {network: list(of_it) for network, of_it in groupby(rows, lambda row: str(row["network"]))}


def bands(result: dict[str, Any]) -> str:
    """What was done, in a line below a picture's title."""
    drawn = f"{_people(result['held_out'])} held out, {_times(result['draws'])}"
    return f"{drawn}; bands: 95 % intervals, bootstrap over people" if len(result["held_out"]) > 1 else drawn


def describe(result: dict[str, Any]) -> str:
    """For the terminal."""
    parts = [_done(result), _aligned(*_table_3(result)), _aligned(STEPS, _steps(result["rows"]))]
    parts += [_aligned(*_splits(result)), *_equation_5(result), *_left_out(result)]
    return "\n\n".join(parts)


def markdown(result: dict[str, Any]) -> str:
    """The page; the pictures are expected beside it."""
    parts = [f"# Learning one person: {result['set']['name']}", _done(result)]
    parts += ["- " + line for line in _left_out(result)]
    parts += ["## Universal and personal heads (the paper's table 3)", _table(*_table_3(result))]
    parts += ["A personal head learned from 80 % of a person's clips, and all are asked about the other 20 %."]
    parts += ["## Accuracy against clips of each class (its figure 5)"]
    for network, rows in by_network(result["rows"]).items():
        parts += [f"![Accuracy over {network} by clips learned from]({curves_name(network)})"]
        parts += [_table(STEPS[1:], [row[1:] for row in _steps(rows)])]
    parts += [_HOW, "## Random split and split by actor (its tables 1 and 2)", _table(*_splits(result))]
    parts += ["Universal heads. By a random split the people who are asked about were learned from, too."]
    parts += ["## What is taken for what, before and after"]
    parts += [f"![{row['network']}, {row['head']}: before and after]({confusion_name(row)})" for row in result["rows"]]
    parts += ["## Each person: from the universal head to the personal one", _table(*_persons(result))]
    if floored := _equation_5(result):
        parts += ["## Equation (5)", *floored]
    return "\n\n".join(parts) + "\n"


_HOW = """*Common* is the universal head gone on with as many clips as a personal head, dealt evenly from all people who
are held out: one head for all of them. All heads of a draw are asked about the same clips. Where a person has fewer
clips of a class, those that there are count. In brackets 95 % intervals by a bootstrap over people, whose clips go
together; with five people or fewer they are too narrow. Where takes are repetitions, as in RAVDESS, the clips that are
asked about are near copies of those that were learned from: the gain is that of such clips, not of a new day."""


def _done(result: dict[str, Any]) -> str:
    about, held_out = result["set"], result["held_out"]
    return (
        f"{about['name']} ({about['layout']}): {about['clips']} clips of {_people(about['people'])}, "
        f"{len(about['classes'])} classes. Held out: {', '.join(held_out)}. {_times(result['draws'])} of clips, seed "
        f"{result['seed']}. {result['machine']}."
    )


def _people(who: Sequence[str] | int) -> str:
    count = who if isinstance(who, int) else len(who)
    return "1 person" if count == 1 else f"{count} people"


def _times(draws: int) -> str:
    return "1 draw" if draws == 1 else f"{draws} draws"


def _left_out(result: dict[str, Any]) -> list[str]:
    return [f"Left out: {sentence}" for sentence in result["left_out"]]


def _accuracy(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "-"
    text = percent(figure["accuracy"])
    return f"{text} ({_range(figure['interval'], '.1f')})" if figure["interval"] else text


def _points(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return "-"
    text = f"{100 * figure['difference']:+.1f}"
    return f"{text} ({_range(figure['interval'], '+.1f')})" if figure["interval"] else text


def _range(interval: Sequence[float], form: str) -> str:
    low, high = (format(100 * end, form) for end in interval)
    return f"{low} to {high}"


def _table_3(result: dict[str, Any]) -> tuple[Row, list[Row]]:
    head = ["network", "head", "universal", "common", "personal", "personal over common, points"]
    rows: list[Row] = []
    for row in result["rows"]:
        last = row["curve"][-1]
        cells = [_accuracy(row["universal"]), _accuracy(last["common"]), _accuracy(last["personal"])]
        rows.append([row["network"], row["head"], *cells, _points(last["personal_over_common"])])
    return head, rows


def _steps(rows: Sequence[dict[str, Any]]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        start = _accuracy(row["universal"])
        found.append(
            [row["network"], row["head"], "0 (universal)", start, start if row["curve"][-1]["common"] else "-", "", ""]
        )
        for step in row["curve"]:
            clips = "80 %" if step["clips"] == ALL else str(step["clips"])
            cells = [_accuracy(step["personal"]), _accuracy(step["common"])]
            cells += [_points(step["personal_over_universal"]), _points(step["personal_over_common"])]
            found.append([row["network"], row["head"], clips, *cells])
    return found


def _splits(result: dict[str, Any]) -> tuple[Row, list[Row]]:
    rows: list[Row] = [
        [row["network"], row["head"], _accuracy(row["random_split"]), _accuracy(row["actor_split"])]
        for row in result["rows"]
    ]
    return ["network", "head", "random split", "split by actor"], rows


def _persons(result: dict[str, Any]) -> tuple[Row, list[Row]]:
    columns = result["rows"]
    everybody = dict.fromkeys(user for row in columns for user in row["users"])
    head = ["person", *(f"{row['network']}, {row['head']}" for row in columns)]
    return head, [[user, *(_before_after(row["users"].get(user)) for row in columns)] for user in everybody]


def _before_after(person: dict[str, Any] | None) -> str:
    return f"{percent(person['universal'])} to {percent(person['personal'])}" if person else "-"


def _equation_5(result: dict[str, Any]) -> list[str]:
    """How often the sum that equation (5) divides by was near zero, of the heads that divide by it."""
    return [
        f"{row['network']}, {HEADS[row['head']].title}: equation (5) divides by a sum that crosses zero. While heads "
        f"learned it was too near zero, and put in its place the smallest that is divided by, "
        f"{row['equation_5']['floored']:,} of {row['equation_5']['sums']:,} times."
        for row in result["rows"]
        if row["equation_5"]
    ]


def _table(head: Row, rows: Iterable[Row]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))


def _aligned(head: Row, rows: Sequence[Row]) -> str:
    """Columns as wide as their widest entry."""
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in (head, *rows))
    return "\n".join(line.rstrip() for line in lines)
