"""The lists of highlights beside a recording, written by a thread of their own. It knows nothing of OBS.

Standard library only, Python 3.8 or newer, as OBS runs whatever Python the streamer has.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import itertools
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Deque, Dict, Iterator, NamedTuple, Optional, Set

if TYPE_CHECKING or __package__:
    from obs_plugin import moodcast_clips as clips
else:
    import moodcast_clips as clips  # OBS puts this file's folder on the path

_AGAIN_S = 3.0
MOST_WAITING = 1000
_MOST_NAMES = 1000


class _Line(NamedTuple):
    recording: str
    ending: str
    head: str
    text: str

    @property
    def file(self) -> str:
        return self.recording + self.ending


class Lists:
    """Writes ``NAME.moodcast.csv`` and ``NAME.moodcast.txt`` beside the recording ``NAME.mkv``, line by line.

    A line is in the file as a whole or not at all. One that can't be written waits in memory and is tried again;
    ``problem`` says so meanwhile. A file that was there before is left alone: the name then gets a number.
    """

    def __init__(self) -> None:
        self.problem = ""
        self._lost = 0
        self._waiting: Deque[_Line] = collections.deque()
        self._changed = threading.Condition()
        self._failed: Set[str] = set()  # files, until all are tried again
        self._stop = False
        self._files: Dict[str, Path] = {}  # by recording and ending
        self._chapters: Dict[str, float] = {}  # the last of each recording
        self._resumed = ""
        self.thread = threading.Thread(target=self._work, name="moodcast-lists", daemon=True)
        self.thread.start()

    def add(self, recording: str, moment: clips.Moment, seconds: float, utc: float) -> None:
        """A moment, so many seconds into the recording; ``utc`` is Unix time. Returns at once."""
        lines = [_Line(recording, ".moodcast.csv", clips.HEADER, clips.csv_line(moment, seconds, utc))]
        if clips.chapter_due(seconds, self._chapters.get(recording, 0.0)):
            self._chapters[recording] = seconds
            if len(self._chapters) > _MOST_NAMES:
                del self._chapters[next(iter(self._chapters))]
            chapter = clips.chapter_line(moment, seconds)
            lines.append(_Line(recording, ".moodcast.txt", clips.FIRST_CHAPTER, chapter))
        with self._changed:
            self._waiting.extend(lines)
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popleft()
                self._lost += 1
            self._changed.notify()

    def resume(self, recording: str, seconds: float) -> None:
        """The recording runs for so many seconds: what a script that was unloaded has listed of it goes on."""
        self._resumed, self._chapters[recording] = recording, seconds

    def stop(self) -> None:
        """Ask the thread to write what waits, as far as the folder takes it, and to end; returns at once."""
        with self._changed:
            self._stop = True
            self._changed.notify()

    def lost(self) -> int:
        """How many lines could not be written, once the thread has ended."""
        return len(self._waiting) + self._lost

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stop:
                    self._changed.wait()
                line = self._next()
                if line is None:
                    if self._stop:
                        return
                    self._changed.wait_for(lambda: self._stop or self._next() is not None, _AGAIN_S)
                    self._failed.clear()
                    continue
            try:
                self._write(line)
            except (OSError, ValueError) as error:  # ValueError: a NUL in the name
                self._failed.add(line.file)
                self._tell(line, error)
            else:
                with self._changed, contextlib.suppress(ValueError):  # there was no room for it meanwhile
                    self._waiting.remove(line)
                if not self._failed:
                    self.problem = ""

    def _next(self) -> Optional[_Line]:
        """The oldest line of a file that takes lines: a disk that is gone for good keeps no other recording's."""
        return next((line for line in self._waiting if line.file not in self._failed), None)

    def _tell(self, line: _Line, error: Exception) -> None:
        folder = Path(line.recording).parent
        reason = getattr(error, "strerror", None) or "no proper file name"
        lost = f" {self._lost} lines did not fit into the memory and are lost." if self._lost else ""
        self.problem = (
            f"Can't write the list of highlights into {folder} ({reason}): make room or let OBS write there. "
            f"{len(self._waiting)} lines wait and are tried again.{lost}"
        )

    def _write(self, line: _Line) -> None:
        path = self._files.get(line.file)
        if path is None:
            stem = clips.list_stem(line.recording)
            path = _begun(stem, line.ending, line.head) if line.recording == self._resumed else None
            path = path or _claim(stem, line.ending)
            if len(self._files) >= 2 * _MOST_NAMES:
                self._files.clear()
            self._files[line.file] = path
        append(path, line.head, line.text)


def _names(stem: str, ending: str) -> Iterator[Path]:
    for number in range(1, _MOST_NAMES):
        yield Path(stem + (f"-{number}" if number > 1 else "") + ending)


def _claim(stem: str, ending: str) -> Path:
    """A new, empty file that nobody else has; numbered where there is one."""
    for path in _names(stem, ending):
        with contextlib.suppress(FileExistsError):
            path.open("xb").close()
            return path
    raise FileExistsError(errno.EEXIST, "too many lists of this name are there")


def _begun(stem: str, ending: str, head: str) -> Optional[Path]:
    """The newest list of this name, if it is one."""
    there = list(itertools.takewhile(Path.is_file, _names(stem, ending)))
    if not there:
        return None
    with there[-1].open("rb") as file:
        return there[-1] if file.read(len(head)) == head.encode() else None


def append(path: Path, head: str, text: str) -> None:
    """A line at the end, after ``head`` where the file is empty: all of it or nothing.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    with path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        data = ((head if before == 0 else "") + text).encode()
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(before)
            raise
