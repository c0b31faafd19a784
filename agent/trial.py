"""What the relay's page /try is given: a recogniser, or the sentence that says why there is none."""

from relay.errors import MoodcastError
from relay.trial import PictureRecogniser, UnavailableError


def recogniser() -> PictureRecogniser:
    """A recogniser of still pictures (``relay.trial.Maker``).

    Raises:
        UnavailableError: a package, a system library or a file is missing.
    """
    try:
        from agent.stills import StillRecogniser  # the relay does without the packages that this imports

        return StillRecogniser()
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"Recognising needs the agent's packages, and {error.name} is not installed. In Moodcast's folder: "
            "pipx install --force '.[agent]' (or pip install '.[agent]'), then start the relay again."
        ) from error
    except MoodcastError as error:
        raise UnavailableError(error.sentence()) from error
