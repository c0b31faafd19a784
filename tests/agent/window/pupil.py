"""The window of an agent that is taught, in a process of its own: ``python -m tests.agent.window.pupil FOLDER``.

Nothing looks: what the face shows, and what becomes of answers, is made up here. Lines on standard input: ``see`` as
for child.py; ``asked`` answers with what the window asked the agent for; ``lesson`` and a number of seconds has the
guided minute be so far; ``lose`` has the face unseen, ``stranger`` another's seen, ``start`` the camera
not on yet, and ``pause`` is what pausing makes of it all. The end of the input ends it.
"""

import json
import sys
import threading
import tkinter
from concurrent.futures import Future
from pathlib import Path

import msgspec

from agent.app.app import App
from agent.app.state import Place, State
from agent.desktop.keys import Keys
from agent.personal.lesson import GuidedMinute
from agent.personal.status import Taught, TeacherStatus
from agent.window.shell import Window
from relay.protocol import EXPRESSIONS, Expression, Tap
from tests.agent.window.child import end_at_errors, tell

PLACE = Place(relay="https://mood.example.org", channel="demo")


class PupilApp(App):
    """Its viewer shares a face that is happy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[str] = []
        self._read = threading.Event()
        self.now = State(place=PLACE, link="joined", wish="face", camera="on", label="happy", confidence=0.9)

    def state(self) -> State:
        now = self.now
        self._read.set()
        return now

    def be_seen(self) -> None:
        """Wait until the window has been shown the state as it is."""
        self._read.clear()
        assert self._read.wait(60)

    def change_state(self, **values: object) -> None:
        self.now = msgspec.structs.replace(self.now, **values)

    def use_personal(self, on: bool) -> None:
        self.asked.append(f"use {on}")
        self.change(personal=on)

    def tell_apart(self, on: bool) -> None:
        self.asked.append(f"tell apart {on}")
        self.change(personal_only_me=on)

    def enrol_me(self) -> None:
        self.asked.append("enrol")
        self.change_state(personal=TeacherStatus(whose="theirs"))

    def tap(self, kind: Tap) -> None:
        self.asked.append(f"tap {kind}")

    def preview(self, on: bool) -> None:
        self.asked.append(f"preview {on}")
        self.change_state(previewed=on)

    def teach(self, label: Expression | None) -> None:
        self.asked.append(f"teach {label}")
        truth = EXPRESSIONS.index(label or "happy")
        counts = list(self.now.personal.counts if self.now.personal else (0,) * 7)
        counts[truth] += 1
        self.change_state(
            taught=Taught(label=truth, answers=1, sentence="x"), personal=TeacherStatus(counts=tuple(counts))
        )

    def start_lesson(self) -> None:
        self.asked.append("start")
        self.reach(0.1)

    def stop_lesson(self) -> None:
        self.asked.append("stop")
        self.change_state(lesson=None)

    def reach(self, seconds: float) -> None:
        """The lesson is so far."""
        self.change_state(lesson=GuidedMinute(0.0).moment(seconds))

    def export_personal(self, path: Path) -> "Future[str]":
        self.asked.append(f"export {path.name}")
        return _done(f"Exported to {path.name}.")

    def delete_personal(self) -> "Future[str]":
        self.asked.append("delete")
        self.change_state(personal=TeacherStatus())
        return _done("Deleted: the answers and the key.")


def _done(sentence: str) -> "Future[str]":
    future: Future[str] = Future()
    future.set_result(sentence)
    return future


def answer(root: tkinter.Tk, window: Window, app: PupilApp) -> None:
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "asked":
            sys.stdout.write(json.dumps(app.asked) + "\n")
            sys.stdout.flush()
        elif word == "lesson":
            app.reach(float(rest))
        elif word == "stranger":
            app.change_state(personal=TeacherStatus(whose="stranger"))
        elif word == "start":
            app.change_state(camera="starting", label=None)
        elif word == "pause":
            app.be_seen()
            app.change_state(wish="paused", camera="off", label=None, previewed=False)
        elif word == "lose":
            app.change_state(label=None)
        else:
            root.after(0, tell, root)
    window.quit()


def main() -> None:
    folder = Path(sys.argv[1])
    app = PupilApp(folder)
    app.start()
    window = Window(app, Keys(folder))
    window._way_in.begin = window._surface.home  # type: ignore[method-assign]  # it has joined already
    root = tkinter._default_root  # type: ignore[attr-defined]
    end_at_errors(root)
    threading.Thread(target=answer, args=(root, window, app), daemon=True).start()
    window.run()
    app.close()


if __name__ == "__main__":
    main()
