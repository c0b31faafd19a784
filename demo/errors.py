"""What goes wrong in the demo."""

from relay.errors import MoodcastError


class DemoError(MoodcastError):
    """Of the demo."""


class NoBrowserError(DemoError):
    """Nothing to photograph the overlay with."""

    exit_code = 41


class ScreenshotError(DemoError):
    """The overlay could not be photographed."""

    exit_code = 43


class AgentStoppedError(DemoError):
    """The real agent ended before the demo did; its own words and exit code are passed on."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code  # type: ignore[misc]  # the agent's own


class ReportError(DemoError):
    """The report or the screenshot can't be written where it should go."""

    exit_code = 42
