"""What strange relays answer when the window asks them."""

from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agent.app import asking
from agent.app.asking import ListEntry, told
from agent.app.state import Listed
from relay.errors import RelayUnreachableError
from tests.strange import Answer, Server


def unheard(_: str) -> None:
    pass


def says(body: Any) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body)

    return answer


@given(
    st.lists(
        st.builds(ListEntry, st.text("aB0_-\n \u202e", max_size=3) | st.just("x" * 65), st.integers()), max_size=300
    )
)
def test_each_channel_is_told_once_and_can_be_one(entries: list[ListEntry]) -> None:
    listed = told(entries)
    names = [one.name for one in listed]
    assert len(set(names)) == len(names) <= 200
    for one in listed:
        assert one.name.replace("_", "a").replace("-", "a").isalnum()
        assert len(one.name) <= 64
        assert one.viewers >= 0


async def test_a_list_with_names_that_are_none() -> None:
    names = ["demo", "demo", "demo\n", "", "-no", "a b", "\u202eomed", "x" * 65, "other"]
    async with Server(
        {"/v1/channels": says({"channels": [{"name": name, "viewers": -5} for name in names]})}
    ).serve() as server:
        listing = await asking.channels(server.url, unheard)
    assert listing.channels == (Listed("demo"), Listed("other"))
    assert not listing.may_create


@pytest.mark.parametrize("channel", ["other", "demo\n", "../../metrics", "x" * 10_000])
async def test_keys_of_another_channel_than_the_wanted_are_none(channel: str) -> None:
    body = {"channel": channel, "admin_key": "a", "display_key": "d"}
    async with Server({"/v1/channels": says(body)}).serve() as server:
        with pytest.raises(RelayUnreachableError):
            await asking.create(server.url, "demo", "", unheard)
