"""The way into a channel: which screen comes after which."""

from collections.abc import Callable

from msgspec.structs import replace

from agent.app.state import ChannelListing, CreatedChannel, Place, Promise
from agent.window.channels import ChannelsScreen
from agent.window.consent import ConsentScreen
from agent.window.create import CreateScreen
from agent.window.door import Door, knock
from agent.window.fetch import FetchScreen
from agent.window.invitation import BrokenInvitationScreen, InvitationScreen
from agent.window.keys import KeysScreen
from agent.window.name import NameScreen
from agent.window.password import PasswordScreen
from agent.window.relay import RelayScreen
from agent.window.start import StartScreen
from agent.window.surface import Surface
from models.inference import fetch
from relay.common import invitation
from relay.common.invitation import Invitation


class WayIn:
    """From the first start, from the live screen or from an invitation to a channel that is joined.

    No relay is asked for anything before the model files are here.
    """

    def __init__(self, surface: Surface) -> None:
        self._surface, self._app = surface, surface.app
        self._address = surface.app.remembered.relay
        """What stands in the field for it."""

    def begin(self) -> None:
        """The screen that the window opens with."""
        if self._app.remembered.channel:
            self._with_files(self._start)
        else:
            self._welcome()

    def again(self) -> None:
        """Another channel than the one that is joined."""
        self._with_files(self._relay)

    def consent(self) -> None:
        """To the channel that is joined already, so far with taps alone."""
        place, screen = self._app.state().place, self._surface.screen
        if place is None or screen is None:
            self.again()
        else:
            home = self._surface.home  # says what is wrong with the relay, too
            knock(self._door(home), screen, place, lambda _: home())

    def invited(self, text: str) -> None:
        """Show what an invitation from outside is to, and ask."""
        try:
            found = invitation.parse(text)
        except ValueError as error:
            why = str(error)
            self._surface.show(lambda: BrokenInvitationScreen(self._surface, why, self._out))
        else:
            self._with_files(lambda: self._ask(found))

    def _start(self) -> None:
        """In the channel of the last run again; what is shared there is as ``App.resume`` says."""

        def opened(promise: Promise) -> None:
            if promise.agreed:
                self._surface.home()  # resuming has joined it
            else:
                door.open(promise)

        door = self._door(self._relay)
        resumed = Door(opened, door.locked)
        self._surface.show(lambda: StartScreen(self._surface, resumed, self._relay))

    def _out(self) -> None:
        """Back to what was before: the channel that is joined, or the beginning."""
        if self._app.state().place:
            self._surface.home()
        else:
            self.begin()

    def _welcome(self) -> None:
        self._surface.show(lambda: NameScreen(self._surface, lambda: self._with_files(self._relay)))

    def _with_files(self, then: Callable[[], None]) -> None:
        """Have the model files here, before ``then``."""
        needed = fetch.missing(fetch.agents(self._app.remembered.model))
        if needed.entries:
            self._surface.show(lambda: FetchScreen(self._surface, needed, then, self._out))
        else:
            then()

    def _relay(self) -> None:
        back = self._surface.home if self._app.state().place else self._welcome
        door = self._door(self._relay)

        def typed(text: str) -> None:
            self._address = text

        self._surface.show(lambda: RelayScreen(self._surface, door, self._channels, back, self._address, typed))

    def _channels(self, listing: ChannelListing, why: str = "", name: str = "") -> None:
        """``why`` there is no list; ``name`` of the channel to join."""

        def show() -> None:
            self._channels(listing, why)

        door = self._door(show)
        self._surface.show(
            lambda: ChannelsScreen(self._surface, door, listing, lambda: self._create(listing), self._relay, name, why)
        )

    def _create(self, listing: ChannelListing) -> None:
        def made(created: CreatedChannel) -> None:
            self._surface.show(
                lambda: KeysScreen(
                    self._surface, listing.relay, created, lambda: self._channels(listing, name=created.channel)
                )
            )

        self._surface.show(lambda: CreateScreen(self._surface, listing, made, lambda: self._channels(listing)))

    def _ask(self, found: Invitation) -> None:
        door = self._door(self._out)
        self._surface.show(lambda: InvitationScreen(self._surface, door, found, self._out))

    def _door(self, back: Callable[[], None]) -> Door:
        """Into a channel; ``back`` is where a viewer goes who does not want to."""

        def opened(promise: Promise) -> None:
            if promise.agreed:
                self._app.join(promise)
                self._surface.home()
            else:
                self._surface.show(lambda: ConsentScreen(self._surface, promise, self._surface.home, back))

        def ask(place: Place) -> None:
            self._surface.show(lambda: PasswordScreen(self._surface, Door(opened, ask), place, back))

        def locked(place: Place) -> None:
            screen = self._surface.screen
            if place.password or screen is None:
                ask(place)
                return

            def kept(password: str) -> None:
                if password:
                    knock(Door(opened, ask), screen, replace(place, password=password), lambda _: ask(place))
                else:
                    ask(place)

            found = self._surface.keys.find(place.relay, place.channel, "password")
            screen.wait(found, kept, lambda _: ask(place))

        return Door(opened, locked)
