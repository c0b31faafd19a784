"""What the relay and its clients tell their user, and the exit code that goes with it.

The base of all programs' errors is here as well: of what is ours, this is what all of them may import.
"""

from typing import ClassVar


class MoodcastError(Exception):
    """A sentence for the user: what was expected, what came, what to do. ``exit_code`` ends the program.

    Each program has a base of its own below this one; what is raised are kinds of those, each with its code.
    """

    exit_code: ClassVar[int] = 1

    def sentence(self) -> str:
        """What the error says, as a sentence that stands alone."""
        text = str(self)
        return text[:1].upper() + text[1:].rstrip(".") + "."


class RelayError(MoodcastError):
    """Of the relay, and of what talks to one."""


class SettingsError(RelayError):
    """One or more options are wrong; the message lists every one."""

    exit_code = 2


class OutputError(RelayError):
    """What a command prints can't be written: the standard output is closed, or its disk is full."""

    exit_code = 3


class ReaderGoneError(RelayError):
    """What was to read a command's output has ended, as `head` does; nothing is said about it."""

    exit_code = 141
    """As a shell reports a program that SIGPIPE ended."""


class RelayUnreachableError(RelayError):
    """Nothing answers at the relay's address, or what answers is no Moodcast relay."""

    exit_code = 30
    reason = ""
    """Why, for the end of a sentence; empty where that is in the message alone."""


class UnknownChannelError(RelayError):
    """The relay does not know the channel."""

    exit_code = 31


class WrongKeyError(RelayError):
    """The relay refused the key for this channel."""

    exit_code = 32


class PortInUseError(RelayError):
    """Another program listens on the relay's port."""

    exit_code = 33


class DataFolderError(RelayError):
    """The data folder can't be created or written."""

    exit_code = 34


class RefusedError(RelayError):
    """The relay ended the connection for good for another reason (a close code in the "stop" range)."""

    exit_code = 35


class AddressError(RelayError):
    """The relay can't listen at the host or port it was given, for another reason than a busy port."""

    exit_code = 36


class WrongPasswordError(RelayError):
    """The channel has a join password, and none or another one was given."""

    exit_code = 37


class DatabaseServerError(RelayError):
    """The PostgreSQL database can't be reached, read or written."""

    exit_code = 38


class DatabaseInUseError(RelayError):
    """Another relay has the database, and one of both does not share it (--cluster)."""

    exit_code = 40


class WorkersError(RelayError):
    """The workers of a relay (--processes) end again and again."""

    exit_code = 70


class RedirectedError(RelayError):
    """The relay's address redirects to another one, which nobody agreed to."""

    exit_code = 39


class BackupError(RelayError):
    """No copy of the database was made (--backup)."""

    exit_code = 71
