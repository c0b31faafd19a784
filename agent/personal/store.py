"""Where a viewer's answers lie: one sealed file in a folder of theirs alone, and what they had exported from it."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import platformdirs

from agent import packages
from agent.files import beside, leave_no_core, own_folder, read_plain, write_whole
from agent.personal import exports
from agent.personal.answers import Answers, Enrolled
from agent.personal.key import KeyVault, KeyVaultError, PersonalKey, reason
from agent.personal.sealed import (
    LARGEST,
    MOST_EXPORTS,
    MOST_NETWORKS,
    Exported,
    Kept,
    UnsealError,
    require_known,
    seal,
    unseal,
)

_NAME, _LOCK = "answers.sealed", "answers.lock"
_PATIENCE_S = 150.0
"""For another program that is at the file, and may ask its user for a keyring's password, twice."""
_BIOMETRICS = "and embeddings that recognise it, "
_OPEN_KEY = (
    "Your answers are encrypted, but their key lies in a file beside them, since no keyring of the system has it: that "
    "is obfuscation, not protection. Whoever can read your files can read them."
)


class StoreError(Exception):
    """Answers can't be read, kept, exported or removed; a sentence for the viewer. What was kept is as before."""


@dataclass(frozen=True)
class Loaded:
    """What is kept of one network's answers."""

    answers: Answers | None
    """None where they can't be read."""
    sentence: str
    """For the viewer: why they can't be read and what to do, or that their key lies open; else empty."""
    aside: int = 0
    """How many more are kept, on faces that other networks read."""
    enrolled: Enrolled | None = None
    """Whose answers they are, where that is told."""


def usual_folder() -> Path:
    """Of this user's answers, for window and terminal alike."""
    return platformdirs.user_data_path("moodcast") / "personal"


class Store:
    """A viewer's answers and their file.

    Any thread may call, and other programs of the same user may be at it. Every method blocks: for the disk, for these
    programs, and for a keyring that asks its user.
    """

    def __init__(self, folder: Path, vault: KeyVault) -> None:
        """``folder``: see ``usual_folder``; made once something is kept.

        Raises:
            MissingLibraryError: what encrypts is not installed.
        """
        with packages.needed_by('"teach it my face"'):
            import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401  # else the first answer would find out
        leave_no_core()  # it would have answers and key
        self._folder, self._vault = folder, vault
        self._file = folder / _NAME
        self._known: set[bytes] = set()
        """Digests of answers that the file has had: what of them is there no more, somebody has removed."""

    def load(self, network: str) -> Loaded:
        """The answers on faces that ``network`` (its sha256) read; removes what a kill in the midst of writing left."""
        if not self._folder.exists():
            return Loaded(Answers(network), "")
        try:
            with self._alone():
                kept, key = self._opened()
        except StoreError as error:
            return Loaded(None, str(error))
        return _loaded(network, kept, key)

    def save(self, answers: Answers, enrolled: Enrolled | None = None) -> Loaded:
        """Keep what is new in them, and return all that is kept: other programs' too, without what these removed.

        ``enrolled`` is added to what is enrolled, and replaces what another network made.

        Raises:
            StoreError: it can't be; a full disk among others. What was kept is as before.
        """
        with self._alone():
            kept, key = self._opened()
            found = {one.network: one for one in kept.networks}
            new = [one for one in answers.answers if one.digest not in self._known]
            found[answers.network] = found.get(answers.network, Answers(answers.network)).joined(new)
            # Of too many networks' answers, those that nothing was added to for longest go.
            by_age = sorted((one for one in found.values() if one.answers), key=lambda one: one.answers[-1].at)
            before = kept.enrolled
            if enrolled and before and before.network == enrolled.network:
                enrolled = before.joined(enrolled)
            kept = replace(kept, networks=tuple(by_age[-MOST_NETWORKS:]), enrolled=enrolled or before)
            key = self._written(kept, key)
        return _loaded(answers.network, kept, key)

    def export(self, path: Path) -> str:
        """Write all answers into a new JSON file that anybody can read, and return a sentence on it.

        It has labels, times and embeddings, no picture, and mode 0600. Where it lies is remembered, for ``delete``.

        Raises:
            StoreError: there is nothing, or a file of that name; it can't be written; there are ``MOST_EXPORTS``.
        """
        try:
            path = path.expanduser().absolute()
        except RuntimeError as error:  # there is no such user
            raise StoreError(f"The answers can't be exported to {path} ({error}).") from None
        if path.parent == self._folder.absolute():  # as answers.key it would be taken for one
            raise StoreError(f"The answers can't be exported into their own folder, {self._folder}. Choose another.")
        with self._alone():
            kept, key = self._opened()
            if key is None or not (kept.networks or kept.enrolled):
                raise StoreError("There are no answers yet, so there is nothing to export.")
            if there := [one for one in (path, beside(path)) if os.path.lexists(one)]:
                raise StoreError(f"There is a file {there[0]} already. Choose another name: nothing is overwritten.")
            others = tuple(one for one in kept.exports if os.path.lexists(one.path))
            if len(others) >= MOST_EXPORTS:
                raise StoreError(f"There are {MOST_EXPORTS} exports already. Remove some of these files first.")
            text = exports.text(kept)
            try:
                new = msgspec.convert({"path": str(path), "sha256": hashlib.sha256(text).hexdigest()}, Exported)
                # Remembered first: what a kill in the midst of it leaves is known then.
                self._written(replace(kept, exports=(*others, new)), key)
                write_whole(text, path)
            except ValueError:
                raise StoreError(
                    f"The answers can't be exported to {str(path)!r}: no file can have that name, or it is too long."
                ) from None
            except OSError as error:
                self._written(replace(kept, exports=others), key)
                raise StoreError(f"The answers can't be exported to {path} ({reason(error)}).") from None
        return (
            f"{sum(len(one.answers) for one in kept.networks)} answers are in {path}: labels, times, and the embedding "
            f"of your face at each, {_BIOMETRICS if kept.enrolled else ''}for whoever gets that file. No picture is in "
            "it. Deleting your answers deletes it too, as long as it lies there."
        )

    def delete(self) -> str:
        """Remove the file, the exports that are still as they were written, what was left of writing, and the key.

        Returns a sentence: that all is gone, or what is not.

        Raises:
            StoreError: nothing was deleted.
        """
        try:
            with self._alone():
                return self._deleted()
        except StoreError as error:
            raise StoreError(f"Nothing was deleted. {error}") from None

    def _deleted(self) -> str:
        left = []
        exported: tuple[Exported, ...] = ()
        try:
            exported = self._opened()[0].exports
        except StoreError:
            left.append("exports, if you made any, since the file that knew them could not be read")
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"The file of your answers, {self._file}, stays ({reason(error)}).") from None
        left += filter(None, map(exports.removed, exported))
        try:
            self._vault.remove()
        except KeyVaultError as error:
            left.append(f"the key, which opens nothing any more: {error}")
        if left:
            return f"Your answers are deleted, but look yourself after {'; after '.join(left)}."
        return "Your answers are deleted: their file, its key, and what was exported."

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other program of this user's is at the file meanwhile. Raises StoreError."""
        from filelock import FileLock, Timeout

        try:
            own_folder(self._folder)
            lock = FileLock(self._folder / _LOCK, timeout=_PATIENCE_S, mode=0o600)
            lock.acquire()
        except Timeout:
            raise StoreError(
                "Another Moodcast has been busy with your answers for minutes. End it, then try again."
            ) from None
        except (OSError, NotImplementedError) as error:  # NotImplementedError: a file system without locks
            raise StoreError(f"The folder of your answers, {self._folder}, can't be used ({reason(error)}).") from None
        try:
            with contextlib.suppress(OSError):  # writing will tell
                beside(self._file).unlink(missing_ok=True)  # of a kill in the midst of writing
            yield
        finally:
            lock.release()

    def _opened(self) -> tuple[Kept, PersonalKey | None]:
        """What the file has, and its key; nothing and None where there is no file. Raises StoreError."""
        try:
            data = read_plain(self._file, LARGEST + 1)
            require_known(data)
            key = self._vault.find()
            if key is None:
                raise self._unread(
                    "can't be opened: its key is neither in the system's keyring nor in a file beside it",
                    "Log in where that keyring is",
                )
            kept = unseal(data, key.secret)
        except FileNotFoundError:
            return Kept(), None
        except OSError as error:
            raise self._unread(f"can't be read ({reason(error)})", "Put that right") from None
        except UnsealError as error:
            raise self._unread(str(error), "Put back a good copy of it") from None
        except KeyVaultError as error:
            raise self._unread(f"can't be opened: {error}", "Put that right, and start Moodcast again") from None
        self._known |= {answer.digest for one in kept.networks for answer in one.answers}
        for one in kept.exports:
            exports.clear(one)
        return kept, key

    def _unread(self, what: str, advice: str) -> StoreError:
        return StoreError(
            f"The file of your answers, {self._file}, {what}. So the network as it is for everybody is used, and "
            f"nothing is added; the file was left as it is. {advice}, or delete your answers to begin anew."
        )

    def _written(self, kept: Kept, key: PersonalKey | None) -> PersonalKey:
        """Write the file, with a new key where there is none. Raises StoreError."""
        try:
            key = key or self._vault.make()
            write_whole(seal(kept, key.secret), self._file)
        except OSError as error:
            advice = " Make room on that disk." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
            raise StoreError(
                f"Your answers can't be written to {self._file} ({reason(error)}).{advice} Those kept before are still "
                "there; new ones hold until Moodcast ends."
            ) from None
        except KeyVaultError as error:
            raise StoreError(f"Your answers can't be kept: {error}.") from None
        self._known |= {answer.digest for one in kept.networks for answer in one.answers}
        return key


def _loaded(network: str, kept: Kept, key: PersonalKey | None) -> Loaded:
    found = {one.network: one for one in kept.networks}
    answers = found.pop(network, Answers(network))
    aside = sum(len(one.answers) for one in found.values())
    return Loaded(answers, "" if key is None or key.is_protected else _OPEN_KEY, aside, kept.enrolled)
