"""docs/alerts.md, from the rules that Prometheus reads: deploy/alerts.yml."""

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[1] / "deploy" / "alerts.yml"
_HEAD = """# Alerts

[deploy/alerts.yml](../deploy/alerts.yml) has them for Prometheus 2.42 and later: name it under `rule_files`, and
scrape the relays as the job `moodcast` ([how](operation.md#metrics)). Each alert carries these texts with it.
*Critical* is worth waking somebody during a broadcast, *warning* waits for the next morning. What the numbers are:
[metrics](metrics.md).

What Prometheus can't see: whether last night's backup was made ([its exit code](operation.md#backup) says so), the
disk's free space (node_exporter's `node_filesystem_avail_bytes`), and whether the proxy's certificate is good
(blackbox_exporter on `/readyz` through the proxy's address). Viewers who all leave at once are no alert: so ends a
stream.
"""


def rules() -> list[dict[str, Any]]:
    """The alerts, as the file has them, in its order."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def markdown() -> str:
    """The page: an alert a section."""
    text = _HEAD
    for rule in rules():
        told = rule["annotations"]
        after = f", once it has lasted for {rule['for']}" if "for" in rule else ""
        text += f"\n## {rule['alert']}\n\n"
        text += _filled(f"{rule['labels']['severity'].capitalize()}{after}. It guards: *{told['promise']}*")
        text += f"\n```\n{_lines(rule['expr'])}\n```\n\n{_filled(told['action'])}"
    return text


def _filled(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _lines(expression: str) -> str:
    """A comparison of two long sides on two lines."""
    return re.sub(r" (> .*)$", r"\n  \1", expression) if len(expression) > 110 else expression
