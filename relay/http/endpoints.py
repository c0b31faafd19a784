"""The relay's addresses: the table of all of them, and those that answer once: channels, history, pages."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import NamedTuple, NoReturn
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from relay import protocol
from relay.cluster.node import Node
from relay.common.release import RELEASE
from relay.common.texts import LANGUAGES
from relay.core import countdown, grid, peaks
from relay.core.channel import RECENT_S
from relay.core.limits import Ledger
from relay.http import (
    assets,
    invitations,
    keys,
    listing,
    measure,
    metrics,
    overlay_png,
    pages,
    people,
    policies,
    reading,
    rehearsal,
    sessions,
    sockets,
    try_page,
)
from relay.http.accept import connection_of
from relay.http.admission import GATE, NODE, Gate, Pages, learn
from relay.http.picture import LONGEST_TITLE, MAX_HEIGHT, MAX_WIDTH, MIN_HEIGHT, MIN_WIDTH, Pictures
from relay.http.requests import (
    CHANNELS,
    HISTORY,
    HUB,
    HTTPError,
    error_response,
    given_key,
    json_response,
    shutting_down,
)
from relay.live.hub import Hub
from relay.protocol import Code
from relay.store.archive import Archive
from relay.store.channels import Channels
from relay.store.database import DatabaseError
from relay.store.history import ClosedError, History
from relay.trial import Maker
from relay.workers.seat import Seat

log = logging.getLogger(__name__)

_MAX_BODY = 64 * 1024
"""Bytes of a request's body."""
DATABASE_RETRY_S = 5
"""Whom the database refuses is told to come back after this."""
_PREFIX = web.AppKey("prefix", str)
"""The path of the address that links begin with, as in /mood; empty without one."""
_CORS_HANDLERS = (keys.preflight, keys.issue_ticket, listing.channels)
"""What pages of ``--origins`` may read the answer of."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    *,
    channels: Channels,
    hub: Hub,
    history: History,
    archive: Archive,
    gate: Gate,
    node: Node,
    recogniser: Maker | None,
    downloads: assets.Downloads,
    base: invitations.Base,
    ledger: Ledger,
    seat: Seat | None = None,
) -> web.Application:
    """The aiohttp application over the relay's parts. ``base``: the address that links begin with. ``ledger``: where
    houses and channels are counted. ``seat``: of this process, where several are the relay.

    Where that has a path, all addresses stand below it as well: one proxy takes it off on the way, another does not.
    """
    app = web.Application(middlewares=[_answer], client_max_size=_MAX_BODY)
    app[CHANNELS], app[HUB], app[HISTORY], app[overlay_png.PICTURES] = channels, hub, history, Pictures(ledger)
    app[invitations.BASE], app[invitations.CODES] = base, invitations.Codes(ledger)
    app[GATE], app[NODE] = gate, node
    own = metrics.registry(channels, hub, history, node, RELEASE)
    app[metrics.REPORTS] = metrics.Reports(own, hub, history, seat)
    app.cleanup_ctx.append(app[metrics.REPORTS].lifetime)
    app[listing.CHANNEL_LIST] = listing.ChannelList(ledger)
    app[reading.READING] = reading.ReadingRoom(archive, ledger)
    app.cleanup_ctx.append(app[reading.READING].lifetime)
    app[assets.DOWNLOADS], app[pages.ASSETS_FROM] = downloads, downloads.elsewhere
    app.cleanup_ctx.append(app[assets.DOWNLOADS].lifetime)
    app[try_page.TRIALS] = try_page.Trials(recogniser, ledger)
    app.cleanup_ctx.append(app[try_page.TRIALS].lifetime)
    app[_PREFIX] = urlsplit(base.address).path.rstrip("/")
    for prefix in {"", app[_PREFIX]}:
        app.add_routes(
            web.route(row.method, prefix + row.path.replace("{file}", "{file:.+}"), row.handler) for row in ENDPOINTS
        )
    if app[_PREFIX]:
        app.router.add_get(app[_PREFIX], _home)
    app.on_response_prepare.append(_headers)
    return app


# --- errors and headers ----------------------------------------------------------------------------------------------


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn other sites' pages away and learn of the channel; every error becomes JSON with a code, a name, a sentence.

    One middleware for all, since each holds 600 bytes for as long as a WebSocket is open.
    """
    if hdrs.UPGRADE not in request.headers:  # a WebSocket has its first frame to wait for
        connection_of(request).work(request)
    try:
        row = ROWS.get(request.match_info.handler)
        request.app[GATE].check_site(request, row.pages if row else "any")
        await learn(request, given_key(request))
        return await handler(request)
    except HTTPError as error:
        return _http_error(request, error)
    except ClosedError:
        return _http_error(request, HTTPError(protocol.SHUTTING_DOWN, shutting_down(), retry_after=1))
    except DatabaseError as error:
        log.warning("The database refuses a request: %s", error)
        return _http_error(request, HTTPError(protocol.FAULT, error.sentence, 503, DATABASE_RETRY_S))
    except web.HTTPNotFound:
        text = f"There is nothing at {request.path}: see the protocol's documentation."
        return _error(request, protocol.NOT_FOUND, text, 404)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = _error(request, protocol.NOT_FOUND, f"{request.path} takes {allowed}, not {request.method}.", 405)
        response.headers[hdrs.ALLOW] = allowed
        return response
    except web.HTTPRequestEntityTooLarge:
        text = f"The body of a request has {_MAX_BODY} bytes at most."
        return _error(request, protocol.TOO_LARGE, text, 413)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _error(request, protocol.BAD_MESSAGE, error.text or error.reason, error.status)
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return _error(request, protocol.FAULT, "The relay failed to answer this request; its log says why.", 500)


def _http_error(request: web.Request, error: HTTPError) -> web.Response:
    response = _error(request, error.code, str(error), error.status)
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after))
    if error.code is protocol.FULL:
        response.force_close()  # who found no room takes none up either
    return response


def _error(request: web.Request, code: Code, message: str, status: int) -> web.Response:
    request.app[HUB].counts.requests_refused[code.number] += 1
    return error_response(code, message, status)


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    if response.status == 101:  # no browser keeps a WebSocket, and each header costs memory as long as it is open
        return
    headers = response.headers
    # Pages are looked up again each time, so that an update reaches an OBS that runs for weeks; data is never kept.
    is_data = request.path.removeprefix(request.app[_PREFIX]).startswith("/v1/")
    headers.setdefault(hdrs.CACHE_CONTROL, "no-store" if is_data else "no-cache")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers.setdefault(pages.POLICY, policies.OF_ALL_ELSE)
    # Pages of allowed sites may read what becomes of their request for a ticket, and nothing else (CORS).
    origin = request.headers.get(hdrs.ORIGIN)
    if origin and request.match_info.handler in _CORS_HANDLERS and request.app[GATE].allows_origin(request, "listed"):
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin


# --- pages -----------------------------------------------------------------------------------------------------------


async def _home(request: web.Request) -> NoReturn:
    raise web.HTTPFound(f"{request.app[_PREFIX]}/dashboard")


async def _health(request: web.Request) -> web.Response:
    return json_response({"status": "ok", "version": RELEASE, **request.app[metrics.REPORTS].workers()})


async def _ready(request: web.Request) -> web.Response:
    """Whether clients should be sent here; ``exclude`` in the query names reasons that don't matter to who asks."""
    excluded = request.query.getall("exclude", ())
    reasons = {"draining": shutting_down()} if request.app[HUB].come_back_s is not None else {}
    if warning := request.app[metrics.REPORTS].history_warning():
        reasons["history"] = warning
    reasons = {name: text for name, text in reasons.items() if name not in excluded}
    return json_response({"status": "not ready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200)


# --- the table -------------------------------------------------------------------------------------------------------


class Endpoint(NamedTuple):
    """An address of the relay; docs/protocol.md shows this table."""

    method: str
    path: str
    handler: Handler
    pages: Pages
    """Whose web pages may ask."""
    access: str
    text: str


ENDPOINTS = (
    Endpoint(
        "GET", "/healthz", _health, "whoever", "open", '`{"status": "ok", "version": "..."}` while the relay runs. '
        "With `--processes` also `workers`, how many processes it is, and `silent`, how many of them do not tell how "
        "they are: those are being replaced, or frozen.",
    ),
    Endpoint(
        "GET", "/readyz", _ready, "whoever", "open",
        '200 with `{"status": "ready", "reasons": {}}` where clients may be sent here. 503 with a sentence for each '
        "reason where not: `draining` while the relay says goodbye before it stops, `history` while the database "
        "refuses (the live mood goes on). `?exclude=history` leaves that one out.",
    ),
    Endpoint(
        "GET", "/metrics", metrics.metrics, "opened", "the owner, or metrics key",
        "The relay's own figures in Prometheus' text format; docs/metrics.md lists them.",
    ),
    Endpoint(
        "GET", "/v1/channels", listing.channels, "listed", "open",
        'The channels whose streamer lets everybody see them: `{"channels": [{"name", "viewers", "password"}], '
        f'"may_create"}}`, those with the most viewers first and at most {listing.MOST_CHANNELS}. `viewers` is rounded '
        f"down to multiples of {listing.VIEWERS_STEP} and some seconds old, `password` says whether joining takes one, "
        "and `may_create` whether who asks may make channels without a key. A network that asks too often is told when "
        "to come back (429, `Retry-After`).",
    ),
    Endpoint(
        "POST", "/v1/channels", keys.create_channel, "own", "the owner, or create key",
        'Body `{"channel": "NAME"}`, type `application/json`. Answers 201 with `channel`, `admin_key` and '
        "`display_key`. The keys are shown this once; the relay keeps their hashes.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}", listing.about, "own", "admin key",
        'What is set for the channel: `{"channel", "listed", "grid", "cameras", "notice", "password"}`. `listed`: '
        "everybody is told of it. `grid`: viewers may be shown by name to each other. `cameras`: false where the "
        "channel takes taps alone. `notice`: what viewers are told before they join, as the streamer's words. "
        "`password`: joining takes one.",
    ),
    Endpoint(
        "PATCH", "/v1/channels/{channel}", listing.change, "own", "admin key",
        'Body `{"listed": true}`, `{"grid": true}`, `{"cameras": false}`, `{"notice": "TEXT"}` or several; a new '
        "channel is not listed, has no grid and no notice, and takes cameras. Answers as `GET` does. All hold at once, "
        "on all nodes. Without the grid nobody is shown, and whoever was has to choose anew when it comes back. "
        "Without cameras labels are withdrawn and count no more. A notice is plain text on one line, at most "
        f"{protocol.MOST_NOTICE} characters; empty takes it away.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/people", people.shown, "own", "admin key",
        'The names of who is shown on the grid, on all nodes: `{"people": ["..."], "more", "hidden": ["..."]}`; `more` '
        "would be shown if there was room. Nobody's label: whoever wants to see those looks as a viewer does.",
    ),
    Endpoint(
        "PUT", "/v1/channels/{channel}/hidden", people.hide, "own", "admin key",
        'Body `{"name": "...", "hidden": true}`: nobody by this name is shown on the grid, until `false` takes that '
        "back, or nobody is in the channel and no session runs. Upper and lower case are the same. At most "
        f"{grid.MOST_HIDDEN} names.",
    ),
    Endpoint(
        "POST", "/v1/channels/{channel}/keys", keys.rotate, "own", "admin key",
        'Replaces a key: body `{"rotate": "admin"}` or `{"rotate": "display"}`. Answers with `channel` and the new '
        "`admin_key` or `display_key`, shown this once; who reads with the old one is closed.",
    ),
    Endpoint(
        "PUT", "/v1/channels/{channel}/password", keys.set_password, "own", "admin key",
        'Sets the join password, without which no viewer gets a ticket: body `{"password": "TEXT"}`, at most 128 '
        "characters; empty removes it. Those inside stay.",
    ),
    Endpoint(
        "POST", "/v1/channels/{channel}/invitation", invitations.invite, "own", "admin key",
        'The link for viewers: body `{}`, or `{"password": "TEXT"}` to have the join password in it, type '
        '`application/json`. Answers with `{"link", "app_link", "svg", "rows", "password", "note"}`: the address of '
        "the page `/join`, the same for the agent (`moodcast:`), a QR code of the former as an SVG file and as rows of "
        "1 (dark) and 0, whether the channel has a join password, and a sentence where only the relay's own machine "
        "could open the link (else empty). A wrong password is refused (403, `wrong_password`), and too many of them "
        "as those of tickets are (429, `Retry-After`). Links begin with `--public-url`, or with the address of the "
        "relay's tunnel while that is open, else with the one that the relay listens on.",
    ),
    Endpoint(
        "POST", "/v1/channels/{channel}/tickets", keys.issue_ticket, "listed", "open, or join password, or admin key",
        'A ticket for `hello`: body `{}` or `{"password": "TEXT"}`, type `application/json`. Answers 201 with '
        "`ticket`, `expires_in_s` and `role`, and with what `welcome` says of `min_viewers`, `crowd`, `grid`, "
        "`cameras`, `notice` and `via`. The ticket is good for one connection at a time: of two, the newer stays. A "
        'network that asks too often is told when to come back (429, `Retry-After`). With the admin key and `{"role": '
        '"streamer"}` it is the ticket of the streamer, whose `face` is shown alone.',
    ),
    Endpoint(
        "OPTIONS", "/v1/channels/{channel}/tickets", keys.preflight, "listed", "open",
        "Allows the pages of `--origins` to ask for tickets (CORS); answers 204, or 403 to all others.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/viewer", sockets.viewer, "listed", "open, or ticket",
        "WebSocket of a viewer: `hello` first, then `label`, `tap`, `away`, `zero`, `show`, `look`. "
        "`welcome`, `mood`, `people`, `countdown`, `delay`, `error`, `bye` come back.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/mood", sockets.mood, "listed", "display key",
        "Events of the channel: a WebSocket if asked to upgrade (first frame `subscribe`), else Server-Sent Events. "
        "Their header `Moodcast-Right` tells which key it was: `display` or `admin`.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/overlay.png", overlay_png.picture, "own", "display key",
        f"The overlay as a transparent PNG. Query: `width` ({MIN_WIDTH} to {MAX_WIDTH}, default 1280) and `height` "
        f"({MIN_HEIGHT} to {MAX_HEIGHT}, default 720), in pixels. To try it out, `reaction` (an expression or a tap) "
        f"adds one that no viewer made to this answer alone, `age` seconds (0 to {RECENT_S:g}, default 0) after it "
        f"began. `language` ({', '.join(LANGUAGES)}; default en) and `title` (one line, {LONGEST_TITLE} characters at "
        "most) are as on the page; what no font of the relay's machine can write is left out, and told in the header "
        f"`Moodcast-Notice`. {Pictures.A_CHANNEL} of a channel are drawn at once; who asks for more is told to come "
        "back (503, `Retry-After`).",
    ),
    Endpoint(
        "DELETE", "/v1/channels/{channel}", sessions.delete_channel, "own", "admin key",
        "Delete the channel with its keys and its whole history. Answers 204; whoever is connected gets a `bye`.",
    ),
    Endpoint(
        "PUT", "/v1/channels/{channel}/session", sessions.set_state, "own", "admin key",
        'Body `{"state": "open"}`: a session runs, viewers or not; one that began by itself ends, one that was paused '
        "goes on. `paused`: no label or tap counts and nothing is shown or stored; the session stays. `ended`: none "
        "runs. `auto`: it begins with the first viewer, and ends some time after the last. Answers with "
        '`{"state", "session", "started", "lease_s"}`: number and Unix time of the session, null where none runs (yet, '
        "where another node begins it). Say it again within "
        f"{protocol.LEASE_S:g} seconds: `open` and `ended` become `auto` without, and so does `paused` when nobody is "
        "in the channel. Who changes it too often is told when to come back (429, `Retry-After`).",
    ),
    Endpoint(
        "POST", "/v1/channels/{channel}/markers", sessions.mark, "own", "admin key",
        'Mark this moment of the running session. Body `{"text": "..."}`, 1 to 200 characters on one line. Answers 201 '
        "with the `marker`, which subscribers get as well.",
    ),
    Endpoint(
        "POST", "/v1/channels/{channel}/rehearsal", rehearsal.rehearse, "own", "admin key",
        'Try the overlay out: body `{}` or `{"name": "..."}`, an expression or a tap (default `heart`), type '
        "`application/json`. Answers 201 with the `rehearsal`, which subscribers get as well, also while the mood is "
        "hidden or paused: overlays show it as a test, and it is stored nowhere. Who asks too often is told when to "
        "come back (429, `Retry-After`).",
    ),
    Endpoint(
        "POST", "/v1/channels/{channel}/countdown", measure.start, "own", "display key",
        f'Measure the viewers\' delay: the overlay counts down. Body `{{}}` or `{{"seconds": {countdown.USUAL_S}}}` '
        f"({protocol.SHORTEST_COUNTDOWN_S} to {protocol.LONGEST_COUNTDOWN_S}), type `application/json`. Answers 201 "
        "with the `countdown`, which subscribers and viewers get as well. Viewers may answer for "
        f"{protocol.MAX_DELAY_S} seconds after its zero; until then there is no other (409, `Retry-After`).",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/countdown", measure.result, "own", "display key",
        'What the last countdown has measured: `{"zero", "open_s", "answers", "median", "min_viewers", "crowd"}`, '
        "namely the Unix time of its zero (null if there was none), the seconds for which viewers may still answer, "
        "how many of those present have, and the median of their delays in seconds. While fewer than `min_viewers` "
        "networks (or viewers: as `crowd` says) have answered, these two are 0 and null.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/sessions", reading.listed, "own", "display key",
        'Stored sessions, newest first: `{"sessions": [{"number", "name", "started", "ended", "seconds"}]}`.',
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/sessions/{number}.csv", reading.as_csv, "own", "display key",
        "The session as a CSV file (RFC 4180, UTF-8), one row a second; its columns stand below. An answer that "
        "breaks off is not the whole.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/sessions/{number}.json", reading.as_json, "own", "display key",
        "The session as a file with the JSON of the next row.",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/sessions/{number}", reading.one, "own", "display key",
        'One session, or the running one where `number` is `current`: `{"session": {...}, "moments": [{"time", '
        '"viewers", "sharing", "counts", "valence", "resonance"}], "reactions": [...], "markers": [...]}`, with a '
        "moment for each second of a visible mood, told once, when all have seen it, and reactions and markers as in "
        f"the messages. {reading.A_CHANNEL} sessions of a channel are read at once, in whichever form, and "
        f"{reading.AT_ONCE} of the relay; who asks for more is told to come back (503, `Retry-After`).",
    ),
    Endpoint(
        "GET", "/v1/channels/{channel}/sessions/{number}/peaks", reading.peaks, "own", "display key",
        f"The session's strongest moments, at most {peaks.MOST}, strongest first; of each expression, and of the taps, "
        f"the {peaks.SHARE} strongest are among them. With `?all=1` all that stand out, at most {peaks.ALL}: "
        '`{"peaks": [{"time", "kind", "name", "share", "strength", "score"}]}`. `kind` and `name` as of a reaction; '
        "`share` of the viewers showed it, which is `strength` more than the median of the minute before; `score` "
        "ranks them. Those of a running session are some seconds old.",
    ),
    Endpoint(
        "PATCH", "/v1/channels/{channel}/sessions/{number}", sessions.rename, "own", "admin key",
        'Name the session. Body `{"name": "..."}`, up to 100 characters on one line; empty takes the name away.',
    ),
    Endpoint(
        "DELETE", "/v1/channels/{channel}/sessions/{number}", sessions.delete, "own", "admin key",
        "Delete all of the session. Answers 204. Where it is the running one, a new one begins.",
    ),
    Endpoint("GET", "/", _home, "any", "open", "Goes on to the dashboard."),
    Endpoint("GET", "/static/{file}", pages.static, "any", "open", "Scripts, styles and pictures of the pages."),
    Endpoint(
        "GET", "/overlay", pages.page("overlay.html"), "any", "open",
        "The overlay's page: `/overlay?channel=NAME#key=KEY`."
    ),
    Endpoint(
        "GET", "/dashboard", pages.page("dashboard.html"), "any", "open",
        "The dashboard: `/dashboard?channel=NAME#key=KEY`.",
    ),
    Endpoint(
        "GET", "/settings/{name}", pages.page("settings.html"), "any", "open",
        "The page on which the overlay's look is set: `/settings/NAME#key=KEY`. It is the same for every name."
    ),
    Endpoint(
        "GET", "/settings/", pages.page("settings.html"), "any", "open",
        "The same page for no channel, as a shared look opens it."
    ),
    Endpoint(
        "GET", "/join/{name}", pages.page("join.html"), "any", "open",
        "The page that an invitation opens, which says how to join: `/join/NAME#password=TEXT`. It is the same for "
        "every name.",
    ),
    Endpoint(
        "GET", "/v1/assets", assets.about, "own", "open",
        'What a page reads faces with: `{"state", "advice", "raw", "transfer", "files": {KEY: {"url", "sha256", '
        '"bytes"}}}`. `state` is `ready`, `loading` while the relay fetches them, or `missing`, and then `advice` says '
        "what its owner has to run. `raw` bytes in all, of which `transfer` come to whoever asks with this "
        "`Accept-Encoding`. The addresses are relative to this one, or those of `--assets-url`.",
    ),
    Endpoint(
        "GET", "/assets/licences.txt", assets.licences, "any", "open", "The licences of these files."
    ),
    Endpoint(
        "GET", "/assets/{sum}/{name}", assets.download, "own", "open",
        "One of these files, compressed with br or gzip where the client takes it; what is there never changes. All "
        "downloads together are as fast as `--asset-rate` allows, each of them as fast as the others. "
        f"{assets.A_HOUSE} of a network are sent at once, and {assets.AT_ONCE} of the relay; who asks for more is told "
        "to come back (503, `Retry-After`).",
    ),
    Endpoint(
        "GET", "/try", try_page.page, "any", "open", "The page on which to try the recogniser, in the browser itself."
    ),
    Endpoint(
        "GET", "/v1/try", try_page.about, "own", "the owner",
        'What /try offers: `{"models": [{"name", "description"}], "unavailable", "max_bytes"}`, the default first. '
        "Where nothing can be recognised there are no models, and `unavailable` says why.",
    ),
    Endpoint(
        "POST", "/v1/try", try_page.look, "own", "the owner",
        "The expressions in a picture. Body: a JPEG, PNG, WebP or GIF file of up to "
        f"{try_page.MAX_PICTURE // 1_000_000} MB, type `image/...`; query: `model` (default: the first). Answers with "
        '`{"model", "width", "height", "faces": [{"outline", "probabilities", "unread"}], "milliseconds": {"load", '
        '"decode", "find", "classify"}}`: faces row by row, `outline` the four corners of what the classifier saw in a '
        "picture of `width` by `height` pixels, `probabilities` in the order of the expressions, `unread` why a viewer "
        "with such a face would make no vote (`unsure`, `covered`, `upside_down`, `chin_outside`, `face_outside`; "
        "empty for one that would). Nothing of it is "
        f"kept. More than {try_page.MAX_PICTURES} at once are told to come back (503, `Retry-After`).",
    ),
)  # fmt: skip
ROWS = {row.handler: row for row in ENDPOINTS}
