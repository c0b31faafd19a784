"""A few seconds of the fuzz target; ``python -m tests.fuzz`` runs it for longer."""

from tests.fuzz import fuzz


async def test_thousands_of_mutated_messages_leave_the_relay_serving() -> None:
    report = await fuzz(seconds=4, seed=3)
    assert report.messages >= 1000
    assert report.labels >= 3
    assert report.grown_mib < 25
    assert report.log == ""
