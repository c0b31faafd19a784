"""The pages and their files, as they lie in the folder at this moment: an edited or new one needs no restart."""

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import hdrs, web

from relay.http import policies

POLICY = "Content-Security-Policy"
ASSETS_FROM = web.AppKey("assets_from", str)
"""``--assets-url``."""
FOLDER = Path(__file__).resolve().parents[2] / "overlay"
FILE = re.compile(r"(?:[A-Za-z0-9_-]{1,64}/){0,2}[A-Za-z0-9_-]{1,64}\.(?:css|html|js|json|png|svg|woff2)")
"""Names that may be asked for: none that leads out of the folder, is hidden, or takes long to look up."""


def find(name: str) -> Path | None:
    """The file that /static/NAME serves, or None: no such file, no such kind of file, or a symbolic link."""
    if FILE.fullmatch(name) is None:
        return None
    try:
        path = FOLDER.resolve(strict=True) / name  # where it lies now
        return path if path.resolve(strict=True) == path and path.is_file() else None
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return None


def serve(
    request: web.Request, name: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.FileResponse:
    """One of the pages, with its policy."""
    policy = policies.of_page(name, request.query.get("relay", ""), request.app[ASSETS_FROM])
    return web.FileResponse(FOLDER / name, status=status, headers={POLICY: policy, **(headers or {})})


def page(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of an address that shows one of the pages."""

    async def show(request: web.Request) -> web.StreamResponse:
        return serve(request, name)

    return show


async def static(request: web.Request) -> web.StreamResponse:
    name = request.match_info["file"]
    path = find(name)
    if path is None:
        raise web.HTTPNotFound
    if path.suffix == ".html":
        return serve(request, name)
    headers = {POLICY: policies.of_file(name, request.app[ASSETS_FROM])}
    if path.suffix == ".woff2":
        headers[hdrs.CONTENT_TYPE] = "font/woff2"  # which aiohttp can't tell
    return web.FileResponse(path, headers=headers)
