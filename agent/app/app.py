"""The running agent without a face: one thread with an event loop for the relay, one process for the eyes."""

import asyncio
import time
from concurrent.futures import Future
from pathlib import Path

import msgspec

from agent import cameras, trouble
from agent.app import asking, consents
from agent.app.board import StateBoard
from agent.app.looking import CameraWatch
from agent.app.settings import Consent, Remembered, SettingsFile
from agent.app.sight import Begin, DeletePersonal, ExportPersonal, FromEyes, Sight
from agent.app.state import (
    Camera,
    CameraInfo,
    ChannelListing,
    CreatedChannel,
    Picture,
    Place,
    Promise,
    State,
    Wish,
)
from agent.app.teaching import Teaching
from agent.app.worker import Worker
from agent.client import Client
from agent.config import AgentSettings
from agent.errors import NoConsentError
from agent.sending import Sender
from agent.smoothing import Reading
from relay.common.release import RELEASE
from relay.errors import MoodcastError
from relay.protocol import EXPRESSIONS, Delay, Expression, FromRelay, Mood, Tap, Welcome

_ORDER_S = 0.5
"""At the end, after the camera is back: for the goodbye to the relay."""
_SAVED_S = 0.3


class App:
    """What the window, the tray icon and the program without either steer.

    Every method may be called from any thread and returns at once, ``close`` within about a second. What takes longer
    is told by a future, whose error is a ``MoodcastError`` with a sentence for the viewer. Each run begins paused.
    """

    def __init__(self, folder: Path, personal: Path | None = None) -> None:
        """``folder``: of the settings file, made where it is missing. Nothing is opened or sent before ``start``.

        ``personal``: where the viewer's answers are kept; a folder in ``folder`` where that is not told.
        """
        self._file, self._personal = SettingsFile(folder), str(personal or folder / "personal")
        self._board = StateBoard(State(delay=self._file.now.delay))
        self._watch = CameraWatch(self._see, self._camera)
        self._teaching = Teaching(self._watch, self._board.set, self._mute)
        self._worker = Worker(self._watch.run, self._cut)
        self.loop = self._worker.loop
        """Runs between ``start`` and ``close``; for what else waits for sockets, such as the tray icon."""
        self.refused: dict[str, str] = {}
        """Of settings that could not be carried out: why. Filled by who carries them out."""
        self._promise: Promise | None = None
        self._client: Client | None = None
        self._running: asyncio.Task[None] | None = None
        self._sender = Sender()
        self._labels_before = self._wishes = 0
        self._has_reading = self._is_mirrored = self._is_asleep = False

    def start(self) -> None:
        """Begin to run. Nothing is captured or sent yet; see ``resume``."""
        self._worker.start()

    def close(self) -> bool:
        """Stop sharing, give the camera back, leave the channel, end. Call it once, also after an error.

        Returns whether the camera is back for sure; False where even the end of the eyes' process did not come in time.
        A look-up of a name may still go on in a thread: end the process as ``agent.stopping.leave`` does.
        """
        was_started = self._worker.is_running()
        self._worker.finish(_ORDER_S)
        if not was_started:
            return self._file.close(_SAVED_S)
        is_back = self._watch.close()
        self._worker.join(_ORDER_S)
        self._file.close(_SAVED_S)
        return is_back

    def state(self) -> State:
        """All of it at this moment."""
        client = self._client
        state = msgspec.structs.replace(self._board.now, lesson=self._teaching.moment(), labels=self._labels_before)
        if client is None:
            return state
        countdown = client.countdown
        return msgspec.structs.replace(
            state,
            labels=self._labels_before + client.labels.total(),
            countdown=countdown,
            measured=state.measured if countdown is not None else None,
            shown=client.is_shown,
        )

    def picture(self) -> Picture | None:
        """The newest picture while ``mirror`` or ``preview`` is on and the camera too; None otherwise."""
        return self._watch.picture()

    @property
    def remembered(self) -> Remembered:
        """The settings as they are now."""
        return self._file.now

    def change(self, **values: object) -> None:
        """Set fields of ``remembered``, at once and in the file. All count from now on; for another name or delay the
        channel is joined anew.

        Raises:
            ValueError: a sentence: there is no such field, or it can't have this value.
        """
        before = self._file.now
        self._file.change(**values)
        self._worker.post(self._change, before, self._file.now)

    def warnings(self) -> tuple[str, ...]:
        """Sentences on the settings file: that it was damaged and is kept aside, that it can't be written, ..."""
        return self._file.warnings()

    def channels(self, relay: str) -> "Future[ChannelListing]":
        """What a relay lists; ``relay`` as ``agent.address.parse`` gives it.

        The future raises:
            RelayUnreachableError: nothing answers, or no Moodcast relay.
            RefusedError: it is of a version that has no list, or asks to wait.
            RedirectedError: it sends us to another address.
        """
        return self._worker.future(asking.channels(relay, self._board.tell))

    def promises(self, place: Place) -> "Future[Promise]":
        """Join for a moment, share nothing, leave, and say what the relay promises.

        The future raises:
            RelayUnreachableError, UnknownChannelError, WrongPasswordError, RefusedError, RedirectedError
        """
        return self._worker.future(self._promises(place))

    def agree(self, promise: Promise, at_once: bool = False) -> None:
        """The viewer agrees to share their expression there; remembered. ``at_once``: by itself at start, too."""
        self._file.change(consents=consents.with_another(self._file.now, promise, at_once, RELEASE))

    def join(self, promise: Promise) -> None:
        """Stay in the channel, instead of the one before. What is shared there: nothing, until ``share``."""
        self._promise = promise
        self._file.change(relay=promise.place.relay, channel=promise.place.channel)
        self._worker.shut(self._join, promise)

    def leave(self) -> None:
        """Out of the channel; the camera is shut."""
        self._promise = None
        self._worker.shut(self._leave)

    def resume(self, password: str = "") -> "Future[Promise | None]":
        """Join the last place again, as at login; ``password``: of its channel, if it has one.

        Shares only where the viewer chose "share at once" for the channel and its text is still the same. Where they
        have not agreed to the text as it is now, the channel is not joined. The future gives what ``promises`` does,
        None without a last place, and raises what ``promises`` does.
        """
        return self._worker.future(self._resume(password))

    def share(self, wish: Wish) -> None:
        """What is shared from now on. ``paused`` shuts the camera and withdraws the label at once.

        But for ``face``, the camera is shut within about a second also where the event loop hangs. While the channel
        takes no cameras, ``face`` is ``taps``, and stays so until the viewer wishes for the face anew.

        Raises:
            NoConsentError: ``face`` without having joined, or without having agreed to the text of this place.
        """
        if wish == "face" and self._board.now.cameras_allowed:
            promise = self._promise
            if promise is None:
                raise NoConsentError("there is no channel to share with: join one first")
            if self._consent(promise) is None:
                raise NoConsentError("you have not agreed to share your expression with this channel: join it again")
        self._wishes += 1
        if wish == "paused":
            self._board.set(wish=wish)  # at once: nobody is to wonder whether the button was pressed
        (self._worker.post if wish == "face" else self._worker.shut)(self._share, wish)

    def create(self, relay: str, channel: str, key: str = "") -> "Future[CreatedChannel]":
        """Make a channel, as its admin; ``key`` is the relay's create key, needed elsewhere than on its own machine.

        The future raises:
            RelayUnreachableError, RedirectedError: see ``channels``.
            WrongKeyError: the relay does not let us make one.
            RefusedError: the name is taken or can't be one, or the relay asks to wait.
        """
        return self._worker.future(asking.create(relay, channel, key, self._board.tell))

    def enlist(self, relay: str, created: CreatedChannel, on: bool) -> "Future[None]":
        """Have a channel of one's own told to everybody who asks its relay, or no more.

        The future raises what that of ``create`` does.
        """
        return self._worker.future(asking.enlist(relay, created.channel, created.admin_key, on, self._board.tell))

    def cameras(self) -> "Future[tuple[CameraInfo, ...]]":
        """Those that are there now; none is opened to find out."""
        return self._worker.future(self._cameras())

    def mirror(self, on: bool) -> None:
        """Whether ``picture`` is kept up to date while the face is shared. It opens no camera."""
        self._worker.post(self._mirror, on)

    def preview(self, on: bool) -> None:
        """Whether ``picture`` is kept up to date whatever is shared: this opens the camera, until it is off.

        So it takes the viewer's click on something that says so. Pausing, taps alone and ``leave`` end it: a camera is
        shut then, whoever has forgotten that it is looked at.
        """
        is_last_use = not on and self._board.now.wish != "face"
        (self._worker.shut if is_last_use else self._worker.post)(self._preview, on)

    def tap(self, kind: Tap) -> None:
        """A reaction, unless paused, or not joined. Those beyond what the relay takes are dropped."""
        self._worker.post(self._tap, kind)

    def tap_zero(self) -> None:
        """The countdown's zero is seen now. Nothing without ``State.countdown``."""
        self._worker.post(self._tap_zero)

    def forget_resting(self) -> None:
        """What the face looks like at rest is learned anew."""
        self._worker.post(self._watch.forget)

    def use_personal(self, on: bool) -> None:
        """Whether the viewer, who agreed to ``agent.consent.TEACHING``, teaches the agent their face, and it is used.

        Off, nothing more is learned, and what was learned stays until ``delete_personal``.
        """
        self._change_agreed(personal=on)

    def tell_apart(self, on: bool) -> None:
        """Whether the viewer, who agreed to ``agent.consent.ONLY_ME``, is told from others where they teach it."""
        self._change_agreed(personal_only_me=on)

    def _change_agreed(self, **settings: bool) -> None:
        """Change what the viewer agreed to just now; the consent to a channel stays one."""
        promise = self._promise
        given = None if promise is None else self._consent(promise)
        self.change(**settings)
        if promise is not None and given is not None:
            self.agree(promise, given.at_once)

    def enrol_me(self) -> None:
        """Who is seen now is who taught it; see ``State.taught``."""
        self._worker.post(self._teaching.enrol)

    def teach(self, label: Expression | None) -> None:
        """What the viewer's face shows now; None: the expression shown last is right. See ``State.taught``."""
        self._worker.post(self._teaching.teach, None if label is None else EXPRESSIONS.index(label))

    def start_lesson(self) -> None:
        """Begin the guided minute (``State.lesson``); no label is sent while it goes on. It takes the camera."""
        self._worker.post(self._teaching.start_lesson)

    def stop_lesson(self) -> None:
        """Break it off."""
        self._worker.post(self._teaching.stop_lesson)

    def export_personal(self, path: Path) -> "Future[str]":
        """Write what was learned to a file that anybody can read. Gives a sentence, raises AgentError with one."""
        return self._worker.future(self._teaching.handled(ExportPersonal(personal=self._personal, path=str(path))))

    def delete_personal(self) -> "Future[str]":
        """Forget all that was learned, and the key and file of it. Gives a sentence, raises AgentError with one."""
        return self._worker.future(self._teaching.handled(DeletePersonal(self._personal)))

    def show_me(self, on: bool) -> None:
        """Be shown, by name and expression, to everybody who opens the grid, or no more, at once. It takes a name.

        It ends with leaving the channel, and with the run.
        """
        self._worker.post(self._show_me, on)

    def open_grid(self, on: bool) -> None:
        """Whether ``State.people`` is wanted."""
        self._worker.post(self._open_grid, on)

    def sleep(self) -> None:
        """The machine is about to sleep: the camera is shut, the label withdrawn."""
        self._worker.shut(self._sleep)

    def wake(self) -> None:
        """It is awake again: all as before."""
        self._worker.post(self._wake)

    def _cut(self) -> None:
        if self._watch.cut():
            self._board.set(camera="off", camera_problem="")

    # What follows runs in the event loop alone.

    def _consent(self, promise: Promise) -> Consent | None:
        return consents.agreed(self._file.now, promise, RELEASE)

    async def _promises(self, place: Place) -> Promise:
        client = Client(self._settings(place), Sender(), lambda _: None, advice=trouble.WINDOW)
        client.on_said = self._board.tell
        promise = Promise(place=place, welcome=await client.check(), agreed=False)
        return msgspec.structs.replace(promise, agreed=self._consent(promise) is not None)

    async def _resume(self, password: str) -> Promise | None:
        now = self._file.now
        if not now.relay or not now.channel:
            return None
        wishes = self._wishes
        promise = await self._promises(Place(relay=now.relay, channel=now.channel, password=password))
        given = self._consent(promise)
        if given is not None and self._promise is None:  # else the viewer has joined meanwhile
            self.join(promise)
            if given.at_once:
                self._worker.post(self._share_again, wishes)
        return promise

    def _share_again(self, wishes: int) -> None:
        if wishes == self._wishes:  # the viewer has not paused meanwhile
            self._share(self._file.now.resumed)

    async def _cameras(self) -> tuple[CameraInfo, ...]:
        return tuple(CameraInfo(*device) for device in await asyncio.to_thread(cameras.found))

    def _settings(self, place: Place) -> AgentSettings:
        now = self._file.now
        return AgentSettings(
            relay=place.relay, channel=place.channel, password=place.password, name=now.name, delay=now.delay
        )

    def _join(self, promise: Promise) -> None:
        self._share("paused")
        self._connect(promise)

    def _connect(self, promise: Promise) -> None:
        """As the settings are now; what is shared stays."""
        self._part()
        self._board.set(place=promise.place, link="connecting", grid_allowed=promise.welcome.grid)
        self._take_cameras(promise.welcome.cameras)
        self._sender = Sender()
        self._sender.mute(self._teaching.muted_until)
        settings, agreed = self._settings(promise.place), promise.welcome
        client = Client(settings, self._sender, self._board.note, agreed, trouble.WINDOW)
        client.on_said, client.on_heard, client.on_lost = self._board.tell, self._hear, self._board.lose
        self._client = client
        self._running = self.loop.create_task(self._stay(client))

    async def _stay(self, client: Client, after: "asyncio.Task[bool] | None" = None) -> None:
        """In the channel until told otherwise; ``after``: the end of its connection before."""
        if after is not None:
            await asyncio.wait({after})
        try:
            await client.run()
        except MoodcastError as error:
            problem = error.sentence()
        except Exception as error:  # it must not end without a word
            problem = f"The connection to the relay failed ({type(error).__name__}: {error}). Join again."
        if client is self._client:
            self._promise = None
            self._share("paused")
            self._part()
            self._board.set(link="ended", problem=problem)

    def _leave(self) -> None:
        self._share("paused")
        self._part()
        self._board.set(place=None)

    def _part(self) -> None:
        """From the relay, and from all that it told."""
        if self._client is not None:
            self._labels_before += self._client.labels.total()
        self._hang_up()
        self._client = None
        self._has_reading = False
        self._board.set(link="none", problem="", notice="", grid_allowed=False, cameras_allowed=True, measured=None)
        self._board.forget_audience()

    def _hang_up(self) -> "asyncio.Task[bool] | None":
        """End the connection, whatever becomes of who waits for that."""
        running, self._running = self._running, None
        return None if running is None else self._worker.end(running)

    def _change(self, before: Remembered, now: Remembered) -> None:
        self._board.set(delay=now.delay, personal=self._board.now.personal if now.personal else None)
        self._look()
        is_same = (before.name, before.delay) == (now.name, now.delay)
        if self._promise is not None and self._client is not None and not is_same:
            self._connect(self._promise)

    def _take_cameras(self, allowed: bool) -> None:
        """The channel's admin takes cameras, or no more: then the viewer's is shut, until they wish for it anew."""
        if allowed != self._board.now.cameras_allowed:
            self._board.set(cameras_allowed=allowed)
            if not allowed and self._board.now.wish == "face":
                self._share("face")

    def _share(self, wish: Wish) -> None:
        barred = wish == "face" and not self._board.now.cameras_allowed
        if barred:
            wish = "taps"
        self._board.set(wish=wish, barred=barred)
        if wish != "face":  # the camera is shut, whoever looks through it
            self._board.set(previewed=False)
            self._withdraw()
        self._look()

    def _withdraw(self) -> None:
        """The label that the relay may have."""
        if self._has_reading:
            self._observe(None)
            self._has_reading = False

    def _observe(self, reading: Reading | None) -> None:
        self._has_reading = True
        self._sender.observe(time.monotonic(), reading)
        if self._client is not None:
            self._client.wake()

    def _look(self) -> None:
        """Have looked through the camera what is to be looked at now."""
        is_shared = self._board.now.wish == "face" and self._promise is not None
        is_previewed = self._board.now.previewed
        if self._is_asleep or not (is_shared or is_previewed):
            self._watch.want(None)
            self._teaching.close_eyes()
            return
        now, pictures = self._file.now, is_previewed or self._is_mirrored
        personal = self._personal if now.personal else ""
        begin = Begin(
            source=now.camera, model=now.model, fps=now.fps, pictures=pictures, personal=personal,
            only_me=now.personal_only_me,
        )  # fmt: skip
        self._watch.want(begin)

    def _mute(self, until: float) -> None:
        """Nothing that is seen before ``until`` (time.monotonic) is for the relay, and what it has is withdrawn."""
        self._sender.mute(until)
        if self._client is not None:
            self._client.wake()

    def _see(self, message: FromEyes) -> None:
        self._teaching.hear(message)
        self._board.see(message)
        if isinstance(message, Sight) and self._board.now.wish == "face":
            self._observe(None if message.emotion is None else Reading(message.emotion, message.confidence))

    def _camera(self, camera: Camera, problem: str) -> None:
        self._board.set(camera=camera, camera_problem=problem, label=None, confidence=0.0, unread=None, hint="")
        if camera != "on":
            self._teaching.close_eyes()
            self._board.close_eyes()
        self._withdraw()

    def _hear(self, message: FromRelay) -> None:
        if isinstance(message, Delay):
            self._file.change(delay=float(message.seconds))
        self._board.hear(message)
        if isinstance(message, Welcome | Mood):
            self._take_cameras(message.cameras)

    def _mirror(self, on: bool) -> None:
        self._is_mirrored = on
        self._look()

    def _preview(self, on: bool) -> None:
        self._board.set(previewed=on)
        self._look()

    def _tap(self, kind: Tap) -> None:
        if self._client is not None and self._board.now.wish != "paused":
            self._client.tap(kind)

    def _tap_zero(self) -> None:
        if self._client is not None:
            self._client.tap_zero()

    def _show_me(self, on: bool) -> None:
        if self._client is not None:
            if on and not self._file.now.name:
                self._board.note("to be shown takes a name: choose one in the settings")
            else:
                self._client.show(on)

    def _open_grid(self, on: bool) -> None:
        if not on:
            self._board.set(people=(), more=0)
        if self._client is not None:
            self._client.look(on)

    def _sleep(self) -> None:
        self._is_asleep = True
        self._withdraw()
        self._look()

    def _wake(self) -> None:
        self._is_asleep = False
        self._look()
        if self._client is not None:  # its connection is dead, which it would notice only later
            ending = self._hang_up()
            self._running = self.loop.create_task(self._stay(self._client, ending))
