"""What the admin sees and says of the viewers who chose to be shown to the others: names, and no labels."""

import msgspec
from aiohttp import web

from relay import protocol
from relay.core.grid import NAME_LENGTH, name_of
from relay.http.requests import HUB, HTTPError, authorize, authorized_body, json_response


class _NewHidden(msgspec.Struct):
    """Body of ``PUT .../hidden``."""

    name: str
    hidden: bool


async def shown(request: web.Request) -> web.Response:
    """Who is shown, and which names the admin hides."""
    name = authorize(request, "admin")
    channel = request.app[HUB].members.channels.get(name)
    people = [person.name for person in channel.view.people] if channel else []
    hidden = channel.hidden.names if channel else ()
    return json_response({"people": people, "more": channel.view.more if channel else 0, "hidden": hidden})


async def hide(request: web.Request) -> web.Response:
    """Show nobody by this name, or do so again."""
    expected = '{"name": "...", "hidden": true} or false'
    channel, body = await authorized_body(request, "admin", _NewHidden, expected)
    name = name_of(body.name)
    if not name:
        raise HTTPError(
            protocol.BAD_MESSAGE, f"Expected a name of 1 to {NAME_LENGTH} printable characters on one line."
        )
    try:
        request.app[HUB].gallery.hide(channel, name, body.hidden)
    except ValueError as error:
        raise HTTPError(protocol.BAD_MESSAGE, str(error)) from None
    return json_response({"name": name, "hidden": body.hidden})
