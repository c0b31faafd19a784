"""The live connections: viewers' WebSockets, and subscribers' WebSockets and Server-Sent Events."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import msgspec
from aiohttp import WSMessage, WSMsgType, hdrs, web

from relay import protocol
from relay.common.deadline import within
from relay.core.countdown import TapError
from relay.core.limits import BAD_FRAME_COST, FINE, Pace
from relay.core.tickets import TicketError
from relay.http.accept import connection_of
from relay.http.admission import GATE, learn
from relay.http.entrance import Entrance
from relay.http.requests import (
    CHANNELS,
    HUB,
    HTTPError,
    no_ticket,
    rights,
    wrong_key,
)
from relay.http.unread import limit_kernel
from relay.live.connections import LiveChannel, Packet, Streamer, Subscriber, Viewer
from relay.live.gallery import ShowError
from relay.live.hub import Hub
from relay.live.listener import NOT_A_MESSAGE, FrameListener, count, price
from relay.live.websocket import Socket, drop_slow, keep_few, transport_of
from relay.protocol import Away, Hello, Label, LookMessage, ShowMessage, Subscribe, Zero
from relay.store.channels import Right

First = TypeVar("First", bound=protocol.Message)
Proof = TypeVar("Proof")
_EXPECTED = "Expected a message `label`, `tap`, `away`, `zero`, `show` or `look`"

_NO_CAMERAS = protocol.encode(
    protocol.Error(
        code=protocol.NO_CAMERAS.number,
        message="The streamer takes taps alone in this channel: your expression does not count, turn your camera off.",
    )
)


class _LeftError(Exception):
    """The client closed before it said anything."""


# --- viewers ---------------------------------------------------------------------------------------------------------


async def viewer(request: web.Request) -> web.StreamResponse:
    """A viewer's WebSocket: hello within ten seconds, then labels, taps, away, and zero at a countdown.

    Or the streamer's, who comes with a ticket of their own.
    """
    socket = await _opened(request)
    hear = partial(_first_frame, request, socket, protocol.from_viewer, Hello)
    entrance = _entrance(request, socket, hear, partial(_admitted, request, socket))
    try:
        who, delay = await entrance.enter()
    except (HTTPError, _LeftError):  # whoever it was has been told
        return socket
    serve = _serve_streamer(request, who) if isinstance(who, Streamer) else _serve_viewer(request, who, delay)
    connection_of(request).after = partial(_stay, entrance, serve)
    return socket


async def _stay(entrance: Entrance[Any, Any], serve: Coroutine[None, None, None]) -> None:
    """Serve who was let in, until it leaves."""
    try:
        await serve
    finally:
        entrance.leave()


async def _serve_viewer(request: web.Request, viewer: Viewer, delay: float) -> None:
    hub, channel, via = request.app[HUB], request.match_info["channel"], request.app[GATE].reader(request)
    connection, socket, live = connection_of(request), viewer.socket, hub.members.join(channel, viewer, delay)
    if connection.frames is not None:  # else it was lost meanwhile
        socket.transport.set_protocol(FrameListener(connection, connection.frames, viewer, live.core))
    try:
        await socket.send(protocol.encode(hub.members.welcome(channel, via)))
        await socket.send(protocol.encode(live.core.mood))
        now = time.monotonic()
        if live.countdown and live.countdown.open_s(now):
            await socket.send(protocol.encode(live.countdown.event(now)))
        await _listen_to_viewer(socket, viewer, live, hub)
    finally:
        hub.members.leave(live, viewer)


def _admitted(request: web.Request, socket: Socket, hello: Hello) -> tuple[Viewer | Streamer, float]:
    """Who said this hello, as the ticket tells, and its delay.

    Raises:
        HTTPError: its ticket is missing, or does not do.
    """
    gate, channel = request.app[GATE], request.match_info["channel"]
    if not hello.ticket and gate.needs_ticket(request.app[CHANNELS], channel):
        raise HTTPError(protocol.NO_TICKET, no_ticket(channel))
    try:
        ticket = (
            gate.tickets.check(channel, hello.ticket, request.app[CHANNELS].seal(channel)) if hello.ticket else None
        )
    except TicketError as error:
        raise HTTPError(protocol.BAD_TICKET, str(error), retry_after=1.0) from None
    if ticket and ticket.role == "streamer":
        return Streamer(socket, hello.store), 0.0
    gate.require_place(request)
    number = ticket.number if ticket else None
    who = Viewer(socket, gate.house(request), gate.network_hash(request, channel), number, hello.name)
    return who, hello.delay


async def _listen_to_viewer(socket: Socket, viewer: Viewer, live: LiveChannel, hub: Hub) -> None:
    """Take what a viewer sends and its ``FrameListener`` leaves to be answered, until the connection ends."""
    while True:
        frame = await socket.receive()
        socket.received += 1
        socket.heard = now = time.monotonic()
        cost, problem = 1.0, ""
        if frame.type is WSMsgType.TEXT:
            try:
                message = protocol.from_viewer.decode(frame.data)
            except NOT_A_MESSAGE as error:
                problem = f"{_EXPECTED} as JSON: {error}."
            else:
                if not viewer.joined:
                    continue
                if paid := price(message, live.core):
                    count(viewer, live.core, message, now)
                    cost = paid
                elif answer := _answer(hub, live, viewer, message, now):
                    await socket.send(answer)
                elif isinstance(message, Hello):
                    problem = f"{_EXPECTED}: `hello` was said already."
        elif frame.type is WSMsgType.BINARY:
            problem = "A frame is JSON text, and this one is binary."
        elif await socket.control(frame):
            continue
        else:
            return
        if problem:
            cost = BAD_FRAME_COST
            socket.counts.refuse_frame(protocol.BAD_MESSAGE)
            await socket.send(_bad_message(problem))
        if (pace := socket.meter.spend(now, cost)) is not FINE and await _slow_down(socket, pace):
            return


def _answer(hub: Hub, live: LiveChannel, viewer: Viewer, message: protocol.Message, now: float) -> bytes:
    """Do what a viewer's message asks for; returns the answer, empty where there is none."""
    if isinstance(message, Label):
        if viewer.is_told:
            return b""
        viewer.is_told = True
        viewer.socket.counts.refuse_frame(protocol.NO_CAMERAS)
        return _NO_CAMERAS
    if isinstance(message, Zero):
        return _measured(hub, live, viewer, now)
    if isinstance(message, ShowMessage):
        return _shown(hub, live, viewer, message.on)
    if isinstance(message, LookMessage):
        hub.gallery.look(live, viewer, message.on)
    return b""


async def _serve_streamer(request: web.Request, streamer: Streamer) -> None:
    hub, channel, socket = request.app[HUB], request.match_info["channel"], streamer.socket
    live = hub.stage.enter(channel, streamer)
    try:
        await socket.send(protocol.encode(hub.members.welcome(channel)))
        await _listen_to_streamer(socket, streamer, live, hub)
    finally:
        hub.members.part(live, streamer)


async def _listen_to_streamer(socket: Socket, streamer: Streamer, live: LiveChannel, hub: Hub) -> None:
    """Take what the streamer sends until the connection ends."""
    while True:
        frame = await socket.receive()
        socket.heard = now = time.monotonic()
        problem = ""
        if frame.type is WSMsgType.TEXT:
            try:
                message = protocol.from_viewer.decode(frame.data)
            except NOT_A_MESSAGE as error:
                problem = f"Expected a `label` or `away` message as JSON: {error}."
            else:
                if isinstance(message, Label):
                    hub.stage.say(live, streamer, message.emotion, now)
                elif isinstance(message, Away):
                    hub.stage.say(live, streamer, None, now)
                else:
                    problem = f"The streamer sends `label` or `away`; `{_tag(type(message))}` is the viewers'."
        elif frame.type is WSMsgType.BINARY:
            problem = "A frame is JSON text, and this one is binary."
        elif await socket.control(frame):
            continue
        else:
            return
        if problem:
            socket.counts.refuse_frame(protocol.BAD_MESSAGE)
            await socket.send(_bad_message(problem))
        pace = socket.meter.spend(now, BAD_FRAME_COST if problem else 1.0)
        if pace is not FINE and await _slow_down(socket, pace):
            return


def _measured(hub: Hub, live: LiveChannel, viewer: Viewer, now: float) -> bytes:
    """The answer to a tap at zero."""
    try:
        return protocol.encode(hub.countdowns.tap_zero(live, viewer, now))
    except TapError as error:
        return protocol.encode(protocol.Error(code=protocol.NO_COUNTDOWN.number, message=str(error)))


def _shown(hub: Hub, live: LiveChannel, viewer: Viewer, on: bool) -> bytes:
    """The answer to who wants to be shown, or no more; empty where it is done."""
    try:
        hub.gallery.show(live, viewer, on)
    except ShowError as error:
        return protocol.encode(protocol.Error(code=protocol.NOT_SHOWN.number, message=str(error)))
    return b""


async def _slow_down(socket: Socket, pace: Pace) -> bool:
    """Warn a client who sends too much, or close it; returns whether it was closed."""
    socket.counts.refuse_frame(protocol.TOO_FAST)
    text = f"At most {protocol.MAX_LABELS_PER_S:g} labels a second may come, and no frames that mean nothing: "
    if pace is Pace.CLOSE:
        await socket.refuse(protocol.TOO_FAST, text + "far more did.")
        return True
    error = protocol.Error(code=protocol.TOO_FAST.number, message=text + "send less, or be closed.")
    await socket.send(protocol.encode(error))
    return False


async def _opened(request: web.Request) -> Socket:
    """The request's WebSocket."""
    hub = request.app[HUB]
    socket = Socket(hub.counts, hub.limits.close)
    connection_of(request).socket = socket
    await socket.prepare(request)
    return socket


def _entrance(
    request: web.Request,
    socket: Socket,
    hear: Callable[[], Awaitable[First]],
    check: Callable[[First], Proof],
) -> Entrance[First, Proof]:
    """For who shows a first frame, which ``hear`` waits for."""
    return Entrance(request, hear, check, partial(_refuse, socket))


async def _refuse(socket: Socket, error: HTTPError) -> None:
    await socket.refuse(error.code, str(error), error.retry_after or 0.0)


async def _first_frame(
    request: web.Request, socket: Socket, decoder: msgspec.json.Decoder[Any], expected: type[First]
) -> First:
    """The first frame, which must be of the expected type and in time.

    Raises:
        HTTPError: it is not.
        _LeftError: it will never come.
    """
    tag, timeout = _tag(expected), request.app[HUB].limits.hello
    try:
        frame = await within(timeout, _data_frame(socket))
    except asyncio.TimeoutError:
        text = f"The first frame, `{tag}`, did not come within {timeout:g} seconds: send it at once."
        raise HTTPError(protocol.NO_HELLO, text, retry_after=1.0) from None
    if frame.type is WSMsgType.BINARY:
        problem = f"The first frame must be a `{tag}` message as JSON text."
    elif frame.type is not WSMsgType.TEXT:
        raise _LeftError
    else:
        try:
            message = decoder.decode(frame.data)
            if isinstance(message, expected):
                return message
            problem = f"this one is `{_tag(type(message))}`"
        except NOT_A_MESSAGE as error:
            problem = str(error)
        problem = f"The first frame must be a `{tag}` message as JSON: {problem}."
    socket.counts.refuse_frame(protocol.BAD_MESSAGE)
    raise HTTPError(protocol.BAD_MESSAGE, problem)


async def _data_frame(socket: Socket) -> WSMessage:
    """The next frame that is neither ping nor pong."""
    while True:
        frame = await socket.receive()
        socket.received += 1
        socket.heard = time.monotonic()
        if not await socket.control(frame):
            return frame


def _tag(message: type[protocol.Message]) -> str:
    return str(message.__struct_config__.tag)


def _bad_message(text: str) -> bytes:
    return protocol.encode(protocol.Error(code=protocol.BAD_MESSAGE.number, message=text))


# --- subscribers -----------------------------------------------------------------------------------------------------


async def mood(request: web.Request) -> web.StreamResponse:
    """The channel's events: on a WebSocket where the client asks for one, else as Server-Sent Events."""
    if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
        return await _mood_socket(request)
    return await _mood_stream(request)


async def _mood_socket(request: web.Request) -> web.StreamResponse:
    socket = await _opened(request)
    entrance = _entrance(request, socket, partial(_subscription, request, socket), partial(_subscriber_right, request))
    try:
        right = await entrance.enter()
    except (HTTPError, _LeftError):
        return socket
    serve = _serve_subscriber(socket, request.app[HUB], request.match_info["channel"], right)
    connection_of(request).after = partial(_stay, entrance, serve)
    return socket


async def _subscription(request: web.Request, socket: Socket) -> Subscribe:
    first = await _first_frame(request, socket, protocol.from_subscriber, Subscribe)
    await learn(request, first.key)
    return first


def _subscriber_right(request: web.Request, first: Subscribe) -> Right:
    """What the key allows.

    Raises:
        HTTPError: it does not open the channel.
    """
    channel = request.match_info["channel"]
    right = request.app[CHANNELS].right(channel, first.key)
    if right is None:
        raise HTTPError(protocol.WRONG_KEY, wrong_key(channel))
    return right


async def _serve_subscriber(socket: Socket, hub: Hub, channel: str, right: Right) -> None:
    limit_kernel(socket.transport, hub.limits.stalled)
    subscriber = hub.members.subscribe(channel, right, socket)
    writer = asyncio.create_task(_write_socket(socket, hub, subscriber))
    try:
        while (await _data_frame(socket)).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            socket.counts.refuse_frame(protocol.BAD_MESSAGE)
            await socket.send(_bad_message("A subscriber listens: nothing is expected after `subscribe`."))
            pace = socket.meter.spend(time.monotonic(), BAD_FRAME_COST)
            if pace is not FINE and await _slow_down(socket, pace):
                return
    finally:
        hub.members.unsubscribe(channel, subscriber)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer


async def _write_socket(socket: Socket, hub: Hub, subscriber: Subscriber) -> None:
    """Send what could not be sent at once."""
    later = asyncio.get_running_loop().call_later
    while packet := await subscriber.next():
        # A timer, since a task for each send (asyncio.wait) costs three times as much as the send itself.
        timer = later(hub.limits.slow_reader, lambda: hub.members.spawn(drop_slow(socket)))
        await socket.send(packet.json)
        timer.cancel()
    if subscriber.ended:
        await socket.bye(subscriber.code, subscriber.ended.json)


async def _mood_stream(request: web.Request) -> web.StreamResponse:
    channel, right = rights(request)
    async with Entrance(request, _nothing, lambda _: right, _as_an_answer):
        return await _stream(request, channel, right)


async def _nothing() -> None:
    """What a client says whose request said it all."""


async def _as_an_answer(error: HTTPError) -> None:
    """The middleware tells of it."""


async def _stream(request: web.Request, channel: str, right: Right) -> web.StreamResponse:
    hub = request.app[HUB]
    # X-Accel-Buffering for nginx; what the key may do for who was given the wrong one of the two.
    headers = {hdrs.CONTENT_TYPE: "text/event-stream", "X-Accel-Buffering": "no", "Moodcast-Right": right}
    response = web.StreamResponse(headers=headers)
    writer = await response.prepare(request)
    assert writer is not None
    if request.method == hdrs.METH_HEAD:  # aiohttp would let a body through, as the next answer
        return response
    transport = transport_of(request)
    keep_few(transport)
    limit_kernel(transport, hub.limits.stalled)
    transport.set_write_buffer_limits(high=0)

    async def write(data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await response.write(data)
            await writer.drain()

    later = asyncio.get_running_loop().call_later
    subscriber = hub.members.subscribe(channel, right)
    try:
        await write(b"retry: 2000\n\n")
        while (packet := await subscriber.next()) and not transport.is_closing():
            timer = later(hub.limits.slow_reader, transport.abort)
            await write(_sse(packet))
            timer.cancel()
        if subscriber.ended:
            hub.counts.closes[subscriber.code] += 1
            await write(_sse(subscriber.ended))
    finally:
        hub.members.unsubscribe(channel, subscriber)
    return response


def _sse(packet: Packet) -> bytes:
    number = b"" if packet.seq is None else b"id: %d\n" % packet.seq
    return b"event: %s\n%sdata: %s\n\n" % (packet.name.encode(), number, packet.json)
