"""A few lines of an evaluation's numbers for the terminal. Pure."""

from typing import Any

from models.evaluation import KINDS

SMILES = {"neutral": "neutral", "happy": "smiling"}


def percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def votes(result: dict[str, Any]) -> str:
    """The accuracy against the majority of FER+."""
    return percent(result["fer_plus"]["accuracy"] if result["fer_plus"] else None)


def share(count: dict[str, Any]) -> str:
    """How many portraits were read right, with the interval."""
    if not count["of"]:
        return "-"
    low, high = count["interval"]
    return f"{count['right']} of {count['of']} ({low:.0%} to {high:.0%})"


def summary(result: dict[str, Any]) -> str:
    """The first tables of a model card without their markup; ``result`` is that of ``evaluate.evaluate``."""
    lines = [f"{result['model']['name']} on {result['split']} ({result['machine']})"]
    lines.append(f"{'':26}{'FER+':>8}{'ECE':>7}{'labels':>8}{'w/o dupl.':>11}{'UAR':>8}{'macro-F1':>10}{'ms':>7}")
    for name, row in {result["model"]["name"]: result | result["cost"], **result["yardsticks"]}.items():
        unseen = row["without_duplicates"]["accuracy"] if row["without_duplicates"] else None
        lines.append(
            f"{name:26}{votes(row):>8}{(row['fer_plus'] or row)['ece']:>7.3f}{percent(row['accuracy']):>8}"
            f"{percent(unseen):>11}{percent(row['uar']):>8}{row['macro_f1']:>10.3f}{row['ms_median']:>7.2f}"
        )
    recall = (result["fer_plus"] or result)["recall"]
    lines.append("recall: " + ", ".join(f"{name} {percent(share)}" for name, share in recall.items()))
    if result["portraits"]:
        seen = [f"{share(result['portraits'][kind])} {SMILES[kind]}" for kind in KINDS]
        lines.append(f"portraits read right: {', '.join(seen)}")
    if result["smile_rule"] and result["smile_rule"]["fer_plus"]:
        lines.append(f"FER+ with the rule for small smiles, without blendshapes: {votes(result['smile_rule'])}")
    lines += [
        f"{row['kind'] + ', ' + row['level']:26}{percent(row['fer_plus']):>8}{'':7}{percent(row['accuracy']):>8}"
        for row in result["robustness"]
    ]
    return "\n".join(lines)
