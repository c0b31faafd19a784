"""Which release of Moodcast runs. Its number is written down in pyproject.toml alone."""

from importlib.metadata import PackageNotFoundError, version


def installed() -> str:
    """The number, as in ``0.1.0``; ``unknown`` where a folder of sources is run that is not installed."""
    try:
        return version("moodcast")
    except PackageNotFoundError:
        return "unknown"


RELEASE = installed()
