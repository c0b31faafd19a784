"""The pages' requests in a real Chromium, to a relay that sends them elsewhere."""

from pathlib import Path

import pytest
from aiohttp import web

from tests.e2e.conftest import OpenPage
from tests.strange import Server, redirect

OVERLAY = Path(__file__).parents[2] / "overlay"
CALLS = {
    "/v1/channels/demo/marker": "m = await import('/static/requests.js'); await m.request('demo', 'KEY', 'marker')",
    "/v1/try": "m = await import('/static/recognise.js'); await m.look(new Blob(['picture']), 'moodnet')",
}


async def file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(OVERLAY / request.path.rpartition("/")[2])


FILES = {f"/static/{path.name}": file for path in OVERLAY.glob("*.js")}


async def page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><link rel=icon href=data:,>", content_type="text/html")


async def welcome(_: web.Request) -> web.Response:
    """What a stranger's server says so that a browser hands it everything."""
    allowed = {f"Access-Control-Allow-{what}": "*" for what in ("Origin", "Headers", "Methods")}
    return web.Response(text="{}", headers=allowed | {"Access-Control-Allow-Headers": "*, Authorization"})


@pytest.mark.parametrize("path", CALLS)
async def test_neither_keys_nor_pictures_follow_a_redirect(path: str, open_page: OpenPage) -> None:
    async with Server({path: welcome}).serve() as other:
        async with Server({"/": page, path: redirect(307, other.url + path), **FILES}).serve() as server:
            tab = await open_page(server.url, expected=("Failed to load resource", "redirect"))
            said = await tab.evaluate(
                f"(async () => {{ try {{ const {CALLS[path]}; }} catch (e) {{ return e.message; }} }})()"
            )
        assert path in server.asked
        assert other.asked == []
    assert said.startswith("The relay does not answer")


async def test_a_page_comes_back_where_the_relay_is_busy(open_page: OpenPage) -> None:
    asked = 0

    async def busy(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked < 3:
            body = {"error": {"code": 4502, "name": "full", "message": "Come back."}}
            return web.json_response(body, status=503, headers={"Retry-After": "0.05"})
        return web.json_response({"asked": asked})

    async with Server({"/": page, "/v1/channels/demo/sessions/1": busy, **FILES}).serve() as server:
        tab = await open_page(server.url, expected=("Failed to load resource",))
        said = await tab.evaluate(
            "(async () => { const m = await import('/static/requests.js');"
            " return await (await m.request('demo', 'KEY', 'sessions/1')).json(); })()"
        )
    assert said == {"asked": 3}
