"""What goes wrong with model files, each as a sentence for the user and an exit code."""

from relay.errors import MoodcastError


class ModelError(MoodcastError):
    """Of model files, networks and their data."""


class UnknownModelError(ModelError):
    """No entry of the registry has this name."""

    exit_code = 21


class ModelMissingError(ModelError):
    """The file of a registered model is not on this machine yet."""

    exit_code = 22


class ChecksumMismatchError(ModelError):
    """A file's sha256 is not the registered one."""

    exit_code = 23


class FetchError(ModelError):
    """No source of a file could be read."""

    exit_code = 24


class ModelContractError(ModelError):
    """A network's input or output is not what its registry entry says."""

    exit_code = 25


class MissingTorchError(ModelError):
    """Building or training a network needs torch, which is not installed."""

    exit_code = 26


class RecipeError(ModelError):
    """A recipe of `moodcast models train` is wrong; the message lists every field."""

    exit_code = 27


class DatasetError(ModelError):
    """A folder is not the data set that it should be, or a clip of it can't be read or stored."""

    exit_code = 28


class TrainingError(ModelError):
    """A training can't begin, go on or be stored."""

    exit_code = 29


class EvaluationError(ModelError):
    """What an evaluation is to read or write is not what it should be."""

    exit_code = 50


class MissingVideoError(ModelError):
    """Reading or writing video files needs PyAV, which is not installed."""

    exit_code = 52


class ConversionError(ModelError):
    """An official checkpoint can't be read, or is not one of the network that was named."""

    exit_code = 51
