"""A relay in a running event loop: started, asked, stopped."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import msgspec
from aiohttp import web

from relay import logs, machine
from relay.assets import AssetStore
from relay.cluster.node import Node, join, new_identity
from relay.common.invitation import Invitation
from relay.common.release import RELEASE
from relay.config import RelaySettings
from relay.core.clock import Clock
from relay.core.limits import ALONE, Ledger, Limits
from relay.core.tunnels import PROGRAMS, Tunnel
from relay.errors import DataFolderError
from relay.http import endpoints, invitations
from relay.http.accept import Doorway, Visitor
from relay.http.acceptor import Acceptor
from relay.http.admission import Gate
from relay.http.assets import Downloads
from relay.http.lobby import Lobby
from relay.http.shelf import Shelf
from relay.live.drain import leaving_s
from relay.live.hub import Hub
from relay.live.means import Means
from relay.store import database
from relay.store.archive import Archive
from relay.store.channels import ChannelKeys, Channels
from relay.store.claim import Claim, claim_database
from relay.store.history import History
from relay.store.leases import give_back
from relay.trial import Maker
from relay.tunnel import keeper
from relay.tunnel.keeper import Keeper
from relay.workers.ports import listen, url_of
from relay.workers.seat import Seat, bus_of

log = logging.getLogger(__name__)


class Relay:
    """A running relay. Made by ``start``."""

    def __init__(
        self,
        url: str,
        base: invitations.Base,
        *,
        acceptors: Sequence[Acceptor],
        doorway: Doorway,
        runner: web.AppRunner,
        hub: Hub,
        channels: Channels,
        history: History,
        node: Node,
        claim: Claim,
        tunnel: Keeper | None,
        way_in: Tunnel | None,
    ) -> None:
        self.url = url
        """Where it listens, as in ``http://127.0.0.1:8765``."""
        self.base = base
        """What its links for viewers begin with."""
        self.tunnel = tunnel
        """The one that it keeps itself."""
        self.way_in = way_in
        """What is known of a tunnel, whoever keeps it."""
        self._acceptors = acceptors
        self._doorway = doorway
        self._runner = runner
        self._hub = hub
        self._channels = channels
        self._history = history
        self._node = node
        self._claim = claim
        self._stopped = False

    def create_channel(self, name: str) -> ChannelKeys:
        """Make a channel; its keys are shown this once.

        Raises:
            ValueError: the name is no channel name.
            FileExistsError: the channel exists.
            DataFolderError: the database can't be written.
        """
        try:
            return self._channels.create(name)
        except database.DatabaseError as error:
            raise DataFolderError(f"The channel {name!r} can't be stored ({error}). {error.sentence}") from error

    def has_channel(self, name: str) -> bool:
        """Whether the channel exists."""
        return name in self._channels

    def invitation(self, channel: str) -> tuple[str, list[str]]:
        """The link for a channel's viewers, and what to tell about it to whoever gives it out."""
        notes = [self.base.note]
        if self._channels.has_password(channel):
            notes.append(
                "The channel has a join password, which the relay can't put into the invitation: viewers are asked for "
                "it, or the dashboard makes an invitation with it."
            )
        return Invitation(self.base.address, channel).link, [note for note in notes if note]

    def connections(self, channel: str) -> tuple[int, int]:
        """How many viewers and subscribers the channel has."""
        return self._hub.members.connections(channel)

    async def drain(self, seconds: float) -> None:
        """Take nobody new, and send everyone away within ``seconds``: each is told when to come back."""
        totals = self._hub.members.totals()
        clients = totals.viewers + totals.subscribers
        log.info("drain begins", extra={"clients": clients, "seconds": round(leaving_s(clients, seconds), 1)})
        await self._hub.drain(seconds)
        log.info("drain ends")

    async def stop(self) -> None:
        """Say bye to every client, close, and write the history to its end. A second call does nothing."""
        if self._stopped:
            return
        self._stopped = True
        for acceptor in self._acceptors:
            await acceptor.close()
        self._doorway.close()
        await self._hub.stop()
        await self._node.stop()
        # Before the requests that are still being answered: none of them keeps the history from its end.
        await asyncio.to_thread(self._history.close)
        await self._runner.cleanup()
        if self.tunnel is not None:  # through which the last ones have been told
            await self.tunnel.close()
        await asyncio.to_thread(self._node.close)
        await asyncio.to_thread(self._claim.release)


async def start(
    settings: RelaySettings,
    limits: Limits = Limits(),  # noqa: B008 (an immutable tuple)
    recogniser: Maker | None = None,
    clock: Clock | None = None,
    assets: AssetStore | None = None,
    seat: Seat | None = None,
    tunnel_port: int = 0,
) -> Relay:
    """Start a relay in the running event loop. ``recogniser`` makes one for the page /try; ``clock``: the machine's;
    ``assets``: what viewers' browsers read faces with. ``seat``: where this process is one of several that are the
    relay, which share its port; where another process keeps a tunnel, ``tunnel_port`` is that at which it ends.

    Raises:
        PortInUseError: another program listens on the port.
        AddressError: the host or port can't be listened at for another reason.
        DataFolderError: the data folder can't be made or written.
        DatabaseServerError: the same for PostgreSQL.
        DatabaseInUseError: another relay has the database.
        SettingsError: the nodes of a cluster can't be joined in this way, or there is no program for the tunnel.
    """
    logs.keep_addresses_out()
    for warning in settings.warnings() if seat is None else ():
        log.warning("%s", warning)
    workers = seat.of if seat else 1
    room = machine.room_for(settings.max_connections, workers)
    if room < settings.max_connections:
        # The default is a number that nobody asked this machine for.
        level = logging.INFO if settings.max_connections == RelaySettings().max_connections else logging.WARNING
        if seat is None or seat.number == 0:
            log.log(level, "%s", machine.shortage(settings.max_connections, room))
        settings = msgspec.structs.replace(settings, max_connections=room)
    async with contextlib.AsyncExitStack() as undo:
        relay = await _put_together(settings, limits, recogniser, clock or Clock(), assets, seat, tunnel_port, undo)
        undo.pop_all()  # from here on ``stop`` does it
    kind = "postgresql" if settings.database else "sqlite"
    log.info("relay starts", extra={"version": RELEASE, "url": relay.url, "database": kind})
    return relay


async def _put_together(
    settings: RelaySettings,
    limits: Limits,
    recogniser: Maker | None,
    clock: Clock,
    assets: AssetStore | None,
    seat: Seat | None,
    tunnel_port: int,
    undo: contextlib.AsyncExitStack,
) -> Relay:
    """The parts of a relay, each from those before it. ``undo``: what to do where one can't be made."""
    program = PROGRAMS.get(settings.tunnel)
    tunnel, path = (Tunnel(program), keeper.find(program)) if program else (None, "")
    listener = listen(settings.host, settings.port, shared=seat is not None)
    undo.callback(listener.close)
    inner = listen("127.0.0.1", tunnel_port, shared=seat is not None) if tunnel else None
    if inner:
        undo.callback(inner.close)
    port = listener.getsockname()[1]
    if seat and settings.cluster == bus_of(seat.folder):
        claim = Claim(lambda: None)  # who started the workers has it
    else:
        claim = await asyncio.to_thread(claim_database, settings.data, settings.database, bool(settings.cluster), port)
    undo.push_async_callback(asyncio.to_thread, claim.release)
    place = await asyncio.to_thread(database.prepare, settings.data, settings.database)
    channels = await asyncio.to_thread(Channels, place)
    identity = new_identity(port, seat) if settings.cluster else None
    if seat and identity:
        await asyncio.to_thread(give_back, place, seat.succeed(identity.holder))
    history = await asyncio.to_thread(History, place, identity.holder if identity else "")
    undo.push_async_callback(asyncio.to_thread, history.close)
    ticket_key = await asyncio.to_thread(database.secret, place, "tickets")
    network_key = await asyncio.to_thread(database.secret, place, "networks")
    ledger = _ledger(seat, network_key, settings.max_connections)
    node = await join(settings, limits, identity, place, channels, history.learn, ledger)
    undo.push_async_callback(asyncio.to_thread, node.close)
    undo.push_async_callback(node.stop)
    hub = Hub(
        Means(
            settings=settings, limits=limits, history=history, node=node, channels=channels, clock=clock, ledger=ledger,
        )
    )  # fmt: skip
    gate = Gate(settings, ticket_key, network_key, limits.ticket_ttl, tunnel, ledger)
    base = invitations.Base(settings.public_url or url_of(listener), tunnel)
    runner = web.AppRunner(
        endpoints.application(
            channels=channels,
            hub=hub,
            history=history,
            archive=Archive(place),
            gate=gate,
            node=node,
            recogniser=recogniser,
            downloads=Downloads(
                Shelf(assets, not settings.no_fetch, elsewhere=seat is not None and seat.number > 0), settings, ledger
            ),
            base=base,
            ledger=ledger,
            seat=seat,
        ),
        shutdown_timeout=1.0,
        handle_signals=False,
    )
    await runner.setup()
    undo.push_async_callback(runner.cleanup)
    doorway = _doorway(runner, settings, gate, hub, ledger)
    acceptors, kept = [Acceptor(listener, doorway)], None
    if tunnel and inner:
        acceptors.append(Acceptor(inner, doorway.for_tunnel()))
        kept = None if tunnel_port else Keeper(tunnel, path, inner.getsockname()[1])
    relay = Relay(
        url_of(listener),
        base,
        acceptors=acceptors,
        doorway=doorway,
        runner=runner,
        hub=hub,
        channels=channels,
        history=history,
        node=node,
        claim=claim,
        tunnel=kept,
        way_in=tunnel,
    )
    hub.start()
    return relay


def _ledger(seat: Seat | None, key: bytes, connections: int) -> Ledger:
    """Where the relay counts what clients take: with the other workers, where this process is one of several."""
    if seat is None:
        return ALONE
    from relay.workers.ledger import SharedLedger  # Windows has neither workers nor what it needs

    return SharedLedger(seat, key, min(connections, machine.places_here()))


def _doorway(runner: web.AppRunner, settings: RelaySettings, gate: Gate, hub: Hub, ledger: Ledger) -> Doorway:
    """What stands before the application, which was set up."""
    assert runner.server is not None
    lobby: Lobby[Visitor] = Lobby(
        machine.places(settings.max_connections),
        machine.idle_places(settings.max_connections),
        machine.places_here(),
        ledger.workers,
        gate.connections.elsewhere,
    )
    return Doorway(
        runner.server,
        places=gate.doors,
        house_of=gate.peer_house,
        head_s=hub.limits.request,
        stalled_s=hub.limits.stalled,
        counts=hub.counts,
        lobby=lobby,
    )
