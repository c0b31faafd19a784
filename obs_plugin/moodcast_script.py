"""Moodcast's OBS script between two calls of OBS: what it has, and what its buttons do.

OBS calls everything here, on its UI thread (load, settings, buttons) or in one timer on its graphics thread; the
threads of ``moodcast_link`` only leave things to be taken. So nothing here waits for the network, but the unloading.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Optional

import obspython as obs

if TYPE_CHECKING:
    from obs_plugin import moodcast_core as core
    from obs_plugin import moodcast_highlights as highlights
    from obs_plugin import moodcast_keys as keys
    from obs_plugin import moodcast_link, moodcast_trial
    from obs_plugin import moodcast_page as page
    from obs_plugin import moodcast_settings as stored
    from obs_plugin import moodcast_sources as sources
    from obs_plugin.moodcast_hotkeys import Hotkeys
    from obs_plugin.moodcast_invite import Invite
    from obs_plugin.moodcast_parts import Part
    from obs_plugin.moodcast_relay import LocalRelay, Result
    from obs_plugin.moodcast_show import Show
    from obs_plugin.moodcast_texts import say
else:
    import moodcast_core as core  # OBS puts this file's folder on the path
    import moodcast_highlights as highlights
    import moodcast_keys as keys
    import moodcast_link
    import moodcast_page as page
    import moodcast_settings as stored
    import moodcast_sources as sources
    import moodcast_trial
    from moodcast_hotkeys import Hotkeys
    from moodcast_invite import Invite
    from moodcast_parts import Part
    from moodcast_relay import LocalRelay
    from moodcast_show import Show
    from moodcast_texts import say

_DEBOUNCE_S = 1.0
_LOOK_S = 1.0
_ADD_FIRST = f'Add the overlay first: press "{say("Add overlay to current scene")}".'
_CLOSE_S = 0.4  # for all threads together: OBS stands still meanwhile


class Script:
    """All that lives between two calls of OBS. Made in ``script_load``: OBS loads anew for each scene collection."""

    def __init__(self) -> None:
        self.settings = core.Settings.entered("", "", "", 0, 0)  # as they are typed
        self.rested = self.settings  # what link and pages follow
        self.link: Optional[moodcast_link.Link] = None
        self.note = ""  # what the last button did
        self.kind = sources.overlay_kind()
        self.pushes: Optional[bool] = None  # whether this OBS hands events to pages; None until tried
        self._doubt = core.PageDoubt()
        self._folder = Path(tempfile.mkdtemp(prefix="moodcast-")) if self.kind == sources.IMAGE else None  # mode 0700
        self._links: List[moodcast_link.Link] = []
        self._changed: Optional[float] = None
        self._looked = 0.0
        self._logged: List[str] = []
        self._shown: Optional[Path] = None
        self._sources = 0
        self.highlights = highlights.Highlights()
        self.keys = keys.Keys(keys.place(os.environ, Path.home()))
        self._filled: Optional[page.Pasted] = None  # what a button filled in, until OBS takes it into its settings
        self._new_channel = ""
        self._trial: Optional[float] = None  # since when the made-up audience plays
        self._acted = 0.0
        self._files: Optional[moodcast_trial.Files] = None
        self._threads: List[threading.Thread] = []
        self._show = Show(lambda: self.rested)
        self.local = LocalRelay(Path(__file__).parent)
        self.invite = Invite(lambda: self.rested)
        self.parts: List[Part] = [
            self._show,
            self.highlights,
            Hotkeys(self.kind, self._show.pause, self._show.mark, self.highlights.save_now, self.measure),
            self.local,
            self.invite,
        ]

    # --- settings ---

    def read(self, data: Any) -> None:
        """New settings of OBS's (``obs_data``). They come with every key typed, so link and pages wait until they
        rest."""
        self._new_channel = obs.obs_data_get_string(data, "new_channel").strip()
        if self._filled is not None:
            self._fill(data)
        self._update(stored.read(data, self.keys))

    def save(self, data: Any) -> None:
        """OBS saves its settings: without keys, which go into their file."""
        if self._filled is not None:
            self._fill(data)
        stored.keep(data, self.settings)
        self._look_at_the_key()
        self.keys.write()

    def _fill(self, data: Any) -> None:
        assert self._filled is not None
        filled = self.settings._replace(relay=self._filled.relay, channel=self._filled.channel, key=self._filled.key)
        stored.keep(data, filled._replace(admin=self.keys.find(filled.relay, filled.channel).admin, fault=""))
        self._filled = None

    def _update(self, settings: core.Settings) -> None:
        if settings != self.settings:
            self.settings, self._changed = settings, time.monotonic()

    def _adopt(self, result: Result) -> None:
        """A relay was started here, or a channel made: fill in what it told."""
        self.note = result.sentence
        obs.script_log(obs.LOG_INFO, core.plain(result.sentence))
        if not result.relay:
            return
        channel = result.channel or (self.settings.channel if result.relay == self.settings.relay else "")
        if result.display_key:
            self.keys.remember(result.relay, channel, keys.Pair(result.display_key, result.admin_key))
        pair = self.keys.find(result.relay, channel)
        self._filled = page.Pasted(result.relay, channel, pair.display)
        filled = self.settings._replace(relay=result.relay, channel=channel, key=pair.display)
        self._update(filled._replace(admin=pair.admin, fault=""))
        obs.obs_frontend_save()  # takes it into OBS's settings, on OBS's own thread

    def connect(self) -> None:
        """Follow the current settings and nothing else. A link that was refused gets a new chance."""
        self._changed = None
        self.rested = self.settings
        # No link needs the rest, so none ends for a new one.
        wanted = self.settings._replace(admin="", look=core.pictured(self.settings.look))
        if self.kind == sources.BROWSER:
            wanted = wanted._replace(look=(), width=0, height=0)  # only pictures are fetched with words in a size
        if self.link is not None:
            if self.link.settings == wanted and self.link.state != "refused":
                return
            self.link.stop()
        self._links = [link for link in self._links if not link.join(0)]
        self.link = None
        if not self.settings.problem():
            self.link = moodcast_link.Link(wanted, self._folder)
            self._links.append(self.link)

    def close(self) -> None:
        """Stop the threads, and take picture and files away."""
        for link in self._links:
            link.stop()
        threads = [thread for part in self.parts for thread in part.stop()] + self._threads
        if self._files is not None:
            self._files.close()
        if self.kind == sources.IMAGE:
            with sources.our_sources(sources.IMAGE) as ours:
                for source in ours:
                    sources.show_picture(source, None)
        until = time.monotonic() + _CLOSE_S
        for link in self._links:
            link.join(max(0.0, until - time.monotonic()))
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.keys.join(max(0.0, until - time.monotonic()))
        for part in self.parts:
            part.close()
        if self._folder is not None:
            shutil.rmtree(str(self._folder), ignore_errors=True)

    def tick(self) -> None:
        """Hand over what the link has brought, and look after the sources, which the streamer may change."""
        now = time.monotonic()
        if self._changed is not None and now - self._changed >= _DEBOUNCE_S:
            self.connect()
        for result in self.local.take():
            self._adopt(result)
        self._look_at_the_key()
        messages = self.link.take() if self.link is not None else []
        picture = self.link.picture() if self.link is not None else None
        look = now - self._looked >= _LOOK_S
        again = self.kind == sources.BROWSER and self._page_failed()
        shown = messages if self._trial is None else self._act(now)
        if shown or look or again or picture != self._shown:
            self._shown = picture
            with sources.our_sources(self.kind) as ours:
                self._sources = len(ours)
                for source in ours:
                    if again:
                        sources.press(source, "refreshnocache")
                    self._serve(source, shown, picture)
        for part in self.parts:
            part.tick(now, messages)
        if look:
            self._looked = now
            self._log()

    def _serve(self, source: Any, messages: List[core.Message], picture: Optional[Path]) -> None:
        if self.kind == sources.IMAGE:
            sources.show_picture(source, picture)
        elif self._files is not None or not self.rested.problem():
            if self._files is None:
                sources.show_page(source, self.rested, with_key=self.pushes is False)
            for message in messages:
                if self.pushes is not False:
                    self.pushes = sources.push(source, message)

    def _look_at_the_key(self) -> None:
        """Keep keys once the relay has taken the display key, and forget what turned out to be another key."""
        if self.link is None:
            return
        settings = self.link.settings
        if self.link.state == "connected":
            self.keys.write_soon()
        elif self.link.admin_key and self.keys.find(settings.relay, settings.channel).display == settings.key:
            self.keys.remember(settings.relay, settings.channel, keys.Pair("", self.settings.admin))
            self.keys.write_soon()

    def _act(self, now: float) -> List[core.Message]:
        """What the made-up audience did since the last time; at its end, the audience's own mood comes back."""
        assert self._trial is not None
        since, self._acted = self._acted, now - self._trial
        if self._acted < moodcast_trial.LASTS_S:
            return moodcast_trial.act(since, self._acted, time.time())
        self._trial, self.note = None, "The test is over."
        if self._files is not None:
            self._files.close()
            self._files, self._doubt = None, core.PageDoubt()  # the page is loaded from the relay again
        mood = self.link.last_mood if self.link is not None else None
        return [mood] if mood is not None else []

    def _page_failed(self) -> bool:
        """True once, when the relay is there for the first time and was not when the page was loaded."""
        if self.link is None:
            return False
        return self._doubt.settle(core.overlay_url(self.link.settings), self.link.state)

    def _log(self) -> None:
        """What is new, at LOG_INFO whatever it is: from LOG_WARNING on, OBS raises its Script Log over the game, and
        the keys that the streamer types go there."""
        sentences = [self.limits(), self._measuring(), self._connection() if self.link is not None else ""]
        sentences += [self.keys.problem, *(line for part in self.parts for line in part.lines())]
        lines = [core.plain(sentence) for sentence in sentences if sentence]
        for line in lines:
            if line not in self._logged:
                obs.script_log(obs.LOG_INFO, line)
        self._logged = lines

    # --- what the streamer reads ---

    def status(self) -> str:
        """The sentences of the status line."""
        lines = [self.note, self._measuring(), self.state(), self.keys.problem]
        if not self.settings.problem() and not self._sources:
            lines.append(f'No scene has the overlay yet: press "{say("Add overlay to current scene")}".')
        if self.link is not None:
            lines.append(self.link.picture_notice)
        lines += [line for part in self.parts for line in part.lines()]
        return "\n".join(core.plain(line) for line in lines if line)

    def state(self) -> str:
        """How the connection stands, and the audience."""
        if not self._is_followed():
            return core.plain(self.settings.problem() or "Connecting.")
        return core.plain(self._connection() + self._audience())

    def healthy(self) -> bool:
        connected = self.link is not None and self.link.state == "connected" and not self.link.picture_problem
        return connected and self._is_followed()

    def _is_followed(self) -> bool:
        """Whether the link is that of the relay, channel and key in the dialog: a new one waits until they rest."""
        return self.link is not None and self.link.settings[:3] == self.settings[:3]

    def limits(self) -> str:
        """What this OBS can't do, and what happens instead; empty where it can do everything."""
        if self.kind == sources.IMAGE:
            return (
                "This OBS has no browser sources (the one from obsproject.com does). The overlay is a picture instead, "
                "new up to five times a second."
            )
        if self.pushes is False:
            return (
                f"This OBS ({obs.obs_get_version_string()}) can't hand events to a browser source, that takes OBS 29.1 "
                "or newer. The page fetches them by itself, with the display key in the source's address."
            )
        return ""

    def _connection(self) -> str:
        if self.link is None:
            return self.settings.problem() or "Connecting."
        return (self.link.state == "connected" and self.link.picture_problem) or self.link.sentence

    def _measuring(self) -> str:
        return self.link.measuring if self.link is not None else ""

    def _audience(self) -> str:
        mood = self.link.mood if self.link is not None and self.healthy() else None
        sentence = core.audience(mood) if mood is not None else ""
        return f" {sentence}" if sentence else ""

    # --- what the buttons do ---

    def add(self) -> str:
        """Put the overlay into the scene that the streamer works on; returns what happened."""
        if self.settings.problem():
            return self.settings.problem()
        with sources.current_scene() as scene_source:
            if scene_source is None:
                return "There is no current scene to add the overlay to."
            return self._add_to(scene_source)

    def add_everywhere(self) -> str:
        """Put the overlay into every scene that has none; returns what happened."""
        if self.settings.problem():
            return self.settings.problem()
        with sources.every_scene() as scenes:
            sentences = [self._add_to(scene) for scene in scenes]
        added = sum(sentence.startswith("Added") for sentence in sentences)
        refused = next((sentence for sentence in sentences if sentence.startswith("OBS did not")), "")
        return refused or f"Added the overlay to {added} scenes; {len(sentences) - added} had it already."

    def _add_to(self, scene_source: Any) -> str:
        scene = obs.obs_scene_from_source(scene_source)
        place = f'scene "{obs.obs_source_get_name(scene_source)}"'
        refused = f"OBS did not take the overlay into {place}: try it once more, or in another scene."
        with sources.our_sources(self.kind) as ours:
            for source in ours:
                item = obs.obs_scene_find_source_recursive(scene, obs.obs_source_get_name(source))
                if item is not None:
                    obs.obs_sceneitem_set_visible(item, True)
                    return f"The overlay is in {place} already."
            if ours:
                if not sources.place(scene, ours[0], self.settings):
                    return refused
                return f"Added the overlay to {place}; it is the same one as in your other scenes."
        with sources.new_source(self.kind, self.settings) as source:
            if not sources.place(scene, source, self.settings):
                return refused
            self._doubt = core.PageDoubt()  # a new page, which may find no relay
            self._page_failed()  # looked at now: the next tick may come after the relay has gone
            self._serve(source, [], self._shown)
        self._sources = 1
        return f"Added the overlay to {place}. It is locked: unlock it in the list of sources to move or scale it."

    def test(self) -> str:
        """Show a reaction without viewers; returns what happened."""
        if self.settings.problem():
            return self.settings.problem()
        if not self._sources:
            return _ADD_FIRST
        if self.pushes is False:
            return "No test reaction: this OBS can't hand events to the page."
        if self.kind == sources.IMAGE:
            if self.link is None or not self.healthy():
                return "No test reaction: the relay draws it, and no picture comes from there."
            self.link.test()
            return "Sent a test reaction to the overlay."
        message = core.test_reaction(time.time())
        with sources.our_sources(self.kind) as ours:
            self.pushes = all([sources.push(source, message) for source in ours])  # noqa: C419 (each gets it)
        return "Sent a test reaction to the overlay." if self.pushes else self.limits()

    def measure(self) -> str:
        """Show a countdown that measures the viewers' delay; returns what happens."""
        if self.settings.problem():
            return self.settings.problem()
        if not self._sources:
            return _ADD_FIRST
        if self.link is None or self.link.state != "connected":
            return "No countdown: the relay isn't connected."
        self.link.measure()
        return ""

    def pause(self) -> str:
        """Pause collecting, or go on; returns what happens."""
        return self._show.pause()

    def try_everything(self) -> str:
        """Have a made-up audience play on the overlay, without a relay; returns what happens."""
        if not self._sources:
            return _ADD_FIRST
        if self.kind == sources.IMAGE:
            return (
                f'No test without the relay: it draws the picture. "{say("Send test reaction")}" shows whether it does.'
            )
        if self.pushes is False:
            return "No test: this OBS can't hand events to the page."
        if self._trial is not None:
            return "The test is running."
        if self.link is None or self.link.state != "connected":
            try:
                self._files = moodcast_trial.Files()
            except OSError as error:
                return f"No test without the relay: the overlay's files can't be shown ({error.strerror})."
            with sources.our_sources(self.kind) as ours:
                for source in ours:
                    sources.show_elsewhere(source, self.rested._replace(relay=self._files.address))
        self._trial, self._acted = time.monotonic(), 0.0
        return "A made-up audience plays on the overlay for ten seconds."

    def open_dashboard(self) -> str:
        """Open the dashboard in the browser, in a thread, as that may take its time; returns what happens."""
        if self.settings.problem():
            return self.settings.problem()
        self._open(page.address(self.settings, "dashboard"))
        return "The dashboard opens in your browser."

    def open_invitation(self) -> str:
        """Open the page that viewers get, in the browser, where the link can be copied; returns what happens."""
        if not self.invite.link:
            self.invite.renew()
            return "There is no invitation yet: what is missing stands beside it."
        self._open(self.invite.link)
        return "The page for viewers opens in your browser."

    @staticmethod
    def _open(address: str) -> None:
        threading.Thread(target=webbrowser.open, args=(address,), name="moodcast-browser", daemon=True).start()

    def start_relay(self) -> str:
        """Start a relay on this machine; returns what happens."""
        self.local.start()
        return "Starting a relay on this machine."

    def create_channel(self) -> str:
        """Make a channel on the relay of this machine and fill its keys in; returns what happens."""
        self.local.create_channel(self.local.url or self.settings.relay or stored.RELAY, self._new_channel)
        return f'Creating channel "{core.plain(self._new_channel)}".'
