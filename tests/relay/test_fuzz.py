"""A few seconds of the fuzz target; ``python -m tests.fuzz`` runs it for longer."""

import pytest

from tests.fuzz import LEAST_LABELS, LEAST_MESSAGES, fuzz


@pytest.mark.slow
async def test_thousands_of_mutated_messages_leave_the_relay_serving() -> None:
    report = await fuzz(seconds=4, seed=3)
    assert report.messages >= LEAST_MESSAGES
    assert report.labels >= LEAST_LABELS
    assert report.grown_mib < 25
    assert report.log == ""
