"""The window of an agent that was in a channel before: ``python -m tests.agent.window.joined FOLDER RELAY WISH``.

Its viewer has agreed, and but for ``paused`` to share at once. Lines on standard input: ``see`` as for child.py;
``tell`` answers with what the agent shares, whether it was asked for pictures of that, and whether it has one; ``wish``
and a wish as the tray has them; ``hide`` and ``show``; ``follow`` does what the desktop is to do. The end of the
input ends it.
"""

import asyncio
import json
import sys
import threading
import tkinter
from pathlib import Path
from typing import Any

import msgspec

from agent.app.app import App
from agent.app.state import Place
from agent.desktop.keys import Keys
from agent.desktop.places import DesktopPlaces
from agent.window.shell import Window
from tests.agent.window.child import end_at_errors, tell


class WatchedApp(App):
    """Notes what the window asks it for."""

    mirrored = False

    def mirror(self, on: bool) -> None:
        self.mirrored = on
        super().mirror(on)

    def told(self) -> dict[str, Any]:
        """The state, and what was asked for."""
        state = msgspec.to_builtins(msgspec.structs.replace(self.state(), unread=None, mood=None))
        return {**state, "mirrored": self.mirrored, "has_picture": self.picture() is not None}


def answer(root: tkinter.Tk, window: Window, app: WatchedApp, places: DesktopPlaces) -> None:
    for line in sys.stdin:
        if line.strip() == "tell":
            sys.stdout.write(json.dumps(app.told()) + "\n")
            sys.stdout.flush()
        elif line.strip() == "hide":
            window.hide()
        elif line.strip() == "show":
            window.show()
        elif line.startswith("wish "):
            for wish in line.split()[1:]:
                app.share(wish)  # type: ignore[arg-type]
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), app.loop).result(60)  # until all of it has come
        elif line.strip() == "follow":
            places.follow()
        else:
            root.after(0, tell, root)
    window.quit()


def main() -> None:
    folder, relay, wish = sys.argv[1:]
    app = WatchedApp(Path(folder))
    app.start()
    promise = app.promises(Place(relay=relay, channel="demo")).result(60)
    app.agree(promise, at_once=wish != "paused")
    app.change(relay=relay, channel="demo", taps_only=wish == "taps")
    window = Window(app, Keys(Path(folder)))
    root = tkinter._default_root  # type: ignore[attr-defined]
    end_at_errors(root)
    threading.Thread(target=answer, args=(root, window, app, DesktopPlaces(app)), daemon=True).start()
    window.run()
    app.close()


if __name__ == "__main__":
    main()
