"""What the relay's page /try is given: a recogniser, or the sentence that says why there is none."""

from agent.errors import AgentError
from models.errors import ModelError
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
    except (AgentError, ModelError) as error:
        raise UnavailableError(sentence(error)) from error


def sentence(error: AgentError | ModelError) -> str:
    """What the error says, as a sentence of its own."""
    text = str(error)
    return text[:1].upper() + text[1:].rstrip(".") + "."
