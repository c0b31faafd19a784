"""The errors of all programs: one base, a code of its own for each kind, handled in one place."""

from collections.abc import Iterator

import pytest

import agent.errors
import demo.errors
import models.errors
import moodcast
import relay.errors
from relay.errors import MoodcastError, ReaderGoneError

RANGES = {
    relay.errors.RelayError: [2, 3, *range(30, 41), *range(70, 80), 141],
    agent.errors.AgentError: [*range(10, 21), *range(60, 70)],
    models.errors.ModelError: [*range(21, 30), *range(50, 60)],
    demo.errors.DemoError: range(41, 50),
}
"""The base of each program's errors, and its exit codes as in CONTRIBUTING.md; 2, 3 and 141 are everybody's."""


def kinds(base: type[MoodcastError]) -> Iterator[type[MoodcastError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_programs_errors_have_the_one_base() -> None:
    assert set(MoodcastError.__subclasses__()) == set(RANGES)
    for module in (agent.errors, demo.errors, models.errors, relay.errors):
        for name, kind in vars(module).items():
            assert not isinstance(kind, type) or not issubclass(kind, Exception) or issubclass(kind, MoodcastError), (
                name
            )


@pytest.mark.parametrize("base", RANGES, ids=lambda base: base.__name__)
def test_codes_are_of_the_programs_range_and_bases_have_none(base: type[MoodcastError]) -> None:
    assert "exit_code" not in vars(base)
    codes = [kind.exit_code for kind in kinds(base) if "exit_code" in vars(kind)]
    assert set(codes) <= set(RANGES[base])
    assert len(codes) == len(set(codes)) > 2


@pytest.mark.parametrize("kind", sorted(kinds(MoodcastError), key=lambda kind: kind.__name__))
def test_the_main_says_the_sentence_and_ends_with_the_code(
    kind: type[MoodcastError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = (
        kind("expected a cat, got a dog", 7)
        if kind is demo.errors.AgentStoppedError
        else kind("expected a cat, got a dog")
    )

    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(moodcast, "execute", fail)
    assert moodcast.main(["obs"]) == error.exit_code
    assert capsys.readouterr().err == ("" if kind is ReaderGoneError else "moodcast: expected a cat, got a dog\n")


def test_an_agent_that_stops_the_demo_passes_its_own_code_on() -> None:
    assert demo.errors.AgentStoppedError("it stopped", 15).exit_code == 15
