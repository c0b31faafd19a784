"""Answers made up for tests, and keys that lie in memory."""

import os

import numpy as np

from agent.personal.answers import Answer, Answers
from agent.personal.key import KeyVaultError, PersonalKey

NETWORK, OTHER = "a" * 64, "b" * 64


def answer(number: int, label: int | None = None, features: int = 8) -> Answer:
    """The ``number``-th of many, each another; its label too, unless it is given."""
    random = np.random.default_rng(number)
    universal = random.dirichlet(np.ones(7)).astype(np.float32)
    embedding = random.normal(size=features).astype(np.float32)
    return Answer(
        1_800_000_000.0 + number, number % 7 if label is None else label, embedding, universal, number % 2 == 0
    )


def answers(*numbers: int, network: str = NETWORK) -> Answers:
    return Answers(network, tuple(answer(number) for number in numbers))


def same(one: Answers | None, other: Answers) -> bool:
    """Whether all fields of all answers are the same, and their order."""
    assert one is not None
    return one.network == other.network and [a.digest for a in one.answers] == [a.digest for a in other.answers]


class Drawer:
    """A ``KeyVault`` in memory. ``key`` may be taken out; ``problem`` makes all that is asked of it fail."""

    def __init__(self, is_protected: bool = True) -> None:
        self.key: PersonalKey | None = None
        self.problem = ""
        self.is_protected = is_protected

    def find(self) -> PersonalKey | None:
        self._fail()
        return self.key

    def make(self) -> PersonalKey:
        self._fail()
        self.key = PersonalKey(os.urandom(32), self.is_protected)
        return self.key

    def remove(self) -> None:
        self._fail()
        self.key = None

    def _fail(self) -> None:
        if self.problem:
            raise KeyVaultError(self.problem)
