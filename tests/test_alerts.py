"""The alert rules: deploy/alerts.yml."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from docs import alerts
from relay.live.counters import METRICS
from relay.protocol import CODES

TESTS = Path(__file__).parent / "alerts.yml"
OTHERS = {"up", *(f"process_{name}" for name in ("cpu_seconds_total", "open_fds", "max_fds", "start_time_seconds"))}
"""Prometheus' own of each target, and those of the process that docs/metrics.md names."""
each_alert = pytest.mark.parametrize("rule", alerts.rules(), ids=lambda rule: rule["alert"])


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool: install the package prometheus")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@each_alert
def test_an_alert_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    samples = OTHERS | {row.name for row in METRICS}
    samples |= {row.name + "_bucket" for row in METRICS if row.kind == "histogram"}
    named = set(re.findall(r"\b(?:moodcast_\w+|process_\w+|up\b)", rule["expr"]))
    assert named
    assert named <= samples
    assert set(re.findall(r'[{,]name="(\w+)"', rule["expr"])) <= {code.name for code in CODES}
    labels = {"instance", "job", "name", "le", "version"} | {label for row in METRICS for label in row.labels}
    assert set(re.findall(r"(\w+)=", rule["expr"])) <= labels | {"__name__"}


@each_alert
def test_an_alert_says_what_is_what_it_costs_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "promise", "action"}
    assert all(text.strip().endswith(".") for text in rule["annotations"].values())
    # What it names is there to be looked up.
    names = {other["alert"] for other in alerts.rules()}
    assert set(re.findall(r"Moodcast[A-Z]\w+", rule["annotations"]["action"])) <= names


def test_every_alert_is_raised_by_one_of_promtools_tests() -> None:
    assert set(re.findall(r'alertname="(\w+)"', TESTS.read_text())) == {rule["alert"] for rule in alerts.rules()}


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", alerts.RULES)


def test_alerts_come_when_they_should() -> None:
    promtool("test", "rules", TESTS)
