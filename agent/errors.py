"""What the agent tells its user when it can't go on, and the exit code that goes with it."""

from typing import ClassVar


class AgentError(Exception):
    """A sentence for the user: what was expected, what came, what to do. ``exit_code`` ends the program."""

    exit_code: ClassVar[int] = 19


class NoCameraError(AgentError):
    """There is no such camera, or it stopped delivering frames."""

    exit_code = 10


class CameraBusyError(AgentError):
    """The camera is there, but another program has it or this user may not open it."""

    exit_code = 11


class UnreadableVideoError(AgentError):
    """The file is missing, or holds no video or picture that can be decoded."""

    exit_code = 12


class NoFaceError(AgentError):
    """The file ended without one face in it."""

    exit_code = 13


class NoConsentError(AgentError):
    """The viewer said no, or could not be asked."""

    exit_code = 14


class MissingLibraryError(AgentError):
    """A system library that the agent needs is not installed."""

    exit_code = 15


class ScreenCaptureError(AgentError):
    """The screen can't be captured."""

    exit_code = 16


class ReportFileError(AgentError):
    """The report can't be written where it was asked for."""

    exit_code = 17
