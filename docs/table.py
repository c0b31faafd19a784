"""docs/table.md: size, cost and speed of networks, beside the papers' numbers and the official builds'.

What ``python -m benchmarks.table`` measures becomes rows here, and rows become text. Needs no torch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.zoo import networks
from models.zoo.entry import Architecture

STUDY = (
    "c3d",
    "r3d18",
    "former-dfer",
    "ial",
    "poster-v2",
    "videomae",
    "mae-dfer",
    "mae-dfer-ca",
    "mae-dfer-ca-pc",
    "mmnet",
)
"""Those of the study's tables, in its order."""
MICRO = ("dtscnn", "micro-attention", "apex-resnet10", "spot-cnn", "atnet", "akmnet")
"""Those of the lecture on micro-expressions, in its order."""

TOLERANCE = 0.01
"""Of multiplications. Parameters have none."""
UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}

Row = dict[str, Any]


def chosen(names: Sequence[str], everything: bool) -> list[Architecture]:
    """The entries of these names, or all of the registry, or those of the study and below them the lecture's.

    Raises:
        UnknownModelError: there is no entry of a name.
    """
    if everything:
        return list(networks.listed().values())
    return [networks.get(name) for name in names or STUDY + MICRO]


def printed(number: str) -> float | None:
    """A number as papers print it, ``58 M``; None where nothing is printed."""
    if not number:
        return None
    digits, unit = number.split()
    return float(digits) * UNITS[unit]


def row(entry: Architecture, params: int, gmacs: float) -> Row:
    """What is known of a network beside what was counted of ours.

    Deviations are shares of the official build's number (0.01: ours has 1 % more), after what ours leaves out on
    purpose; None where the official build was not measured.
    """
    left_out, left_out_gmacs = sum(entry.left_out.values()), sum(entry.left_out_gmacs.values())
    published, published_gmacs = printed(entry.published), printed(entry.published_gmacs)
    params_deviation = (params + left_out) / entry.official - 1 if entry.official else None
    gmacs_deviation = (gmacs + left_out_gmacs) / entry.official_gmacs - 1 if entry.official_gmacs else None
    return {
        "name": entry.name,
        "params": params,
        "gmacs": gmacs,
        "ms": None,
        "paper_params": published and round(published),
        "paper_gmacs": published_gmacs and published_gmacs / 1e9,
        "official_params": entry.official,
        "official_gmacs": entry.official_gmacs,
        "left_out_params": left_out,
        "left_out_gmacs": left_out_gmacs,
        "params_deviation": params_deviation,
        "gmacs_deviation": gmacs_deviation,
        "deviates": bool(params_deviation) or abs(gmacs_deviation or 0) > TOLERANCE,
        "frames": entry.frames,
        "size": entry.size,
    }


HEAD = ("name", "parameters", "official", "off by", "paper", "GMAC", "official", "off by", "paper", "ms")
WIDTHS = (15, 11, 11, 7, 6, 6, 8, 7, 6, 7)


def line(cells: Sequence[str]) -> str:
    """One line of the table on a terminal."""
    name, *rest = cells
    return f"{name:<{WIDTHS[0]}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(rest, WIDTHS[1:], strict=True))


def cells(found: Row) -> list[str]:
    """A row as it is shown; ``LEGEND`` explains the marks."""
    entry = networks.get(found["name"])
    return [
        found["name"],
        f"{found['params']:,}",
        f"{found['official_params']:,}" if found["official_params"] else "",
        share(found["params_deviation"], 0, found["left_out_params"]),
        paper(entry.published, found["params"]),
        f"{found['gmacs']:.2f}",
        f"{found['official_gmacs']:.2f}" if found["official_gmacs"] else "",
        share(found["gmacs_deviation"], TOLERANCE, found["left_out_gmacs"]),
        paper(entry.published_gmacs, found["gmacs"] * 1e9),
        f"{found['ms']:.1f}",
    ]


LEGEND = (
    "Off by: from the official build's number, after what ours leaves out (with a star; listed below). "
    "!: more than it may be. #: the paper's number is not ours, rounded"
)


def share(deviation: float | None, tolerance: float, left_out: float) -> str:
    """A deviation in per cent, marked."""
    if deviation is None:
        return ""
    mark = "!" if abs(deviation) > tolerance else "*" if left_out else ""
    return f"{abs(100 * deviation):.1f}%{mark}"


def paper(number: str, ours: float) -> str:
    """A printed number, marked where ours does not round to it."""
    value = printed(number)
    if value is None:
        return ""
    digits, unit = number.split()
    last = UNITS[unit] / 10 ** len(digits.partition(".")[2])
    return number + ("#" if abs(ours - value) > last / 2 else "")


def notes(found: Iterable[Row]) -> list[str]:
    """What the stars stand for, a sentence for each network."""
    told = []
    for name in (each["name"] for each in found):
        entry = networks.get(name)
        parts = []
        if entry.left_out:
            parts.append(f"leaves out {sum(entry.left_out.values()):,} dead parameters ({_listed(entry.left_out)})")
        if entry.left_out_gmacs:
            parts.append(f"saves {sum(entry.left_out_gmacs.values()):.2f} GMAC ({', '.join(entry.left_out_gmacs)})")
        if entry.remark:
            parts.append(entry.remark)
        if parts:
            told.append(f"{name}: {'; '.join(parts)}.")
    return told


def _listed(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{part} {size:,}" for part, size in parts.items())


def markdown(found: Sequence[Row]) -> str:
    """The table for a page, with its notes."""
    text = f"| {' | '.join(HEAD)} |\n|---|{'---:|' * (len(HEAD) - 1)}\n"
    text += "".join(f"| {' | '.join(cells(each))} |\n" for each in found)
    return text.replace("*", "\\*") + f"\n{LEGEND}.\n\n" + "".join(f"- {note}\n" for note in notes(found))
