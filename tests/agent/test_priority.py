"""The agent's own priority, where a system sets one."""

import os

import pytest

from agent import priority

pytestmark = pytest.mark.skipif(os.name != "posix", reason="of POSIX systems")


class System:
    """A system's ``nice``, which forbids it or not."""

    def __init__(self, niceness: int, forbids: bool = False) -> None:
        self.niceness, self._forbids = niceness, forbids

    def nice(self, by: int) -> int:
        if self._forbids:
            raise PermissionError("not in this sandbox")
        self.niceness += by
        return self.niceness


@pytest.mark.parametrize(("before", "after"), [(-5, 10), (0, 10), (10, 10), (19, 19)])
def test_it_is_lowered_once_and_never_raised(monkeypatch: pytest.MonkeyPatch, before: int, after: int) -> None:
    system = System(before)
    monkeypatch.setattr(os, "nice", system.nice)
    priority.lower()
    priority.lower()
    assert system.niceness == after


def test_where_it_is_forbidden_the_agent_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(0, forbids=True)
    monkeypatch.setattr(os, "nice", system.nice)
    priority.lower()
    assert system.niceness == 0
