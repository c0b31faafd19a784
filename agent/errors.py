"""What the agent tells its user when it can't go on, and the exit code that goes with it."""

from relay.errors import MoodcastError


class AgentError(MoodcastError):
    """Of the agent."""


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


class NoWindowError(AgentError):
    """No window can be opened, and there is no terminal to go on in."""

    exit_code = 18


class NoCamerasError(AgentError):
    """The streamer takes taps alone, no cameras, in this channel; or does so from now on."""

    exit_code = 20


class NoFeaturesError(AgentError):
    """The model can't be taught a face: it tells no features that a head of one's own could be fitted to."""

    exit_code = 60


class AnswersError(AgentError):
    """What the agent was taught of a face can't be read, exported or deleted."""

    exit_code = 61


class NoMicrophoneError(AgentError):
    """There is no microphone, or one that leaves out what voice networks hear."""

    exit_code = 62


class MicrophoneBusyError(AgentError):
    """The microphone is there, but can't be opened: another program has it, or this user may not."""

    exit_code = 63


class SecondStartError(AgentError):
    """Moodcast runs already, and does not answer; or whether it runs can't be known."""

    exit_code = 19
