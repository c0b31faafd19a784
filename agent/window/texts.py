"""The window's words in the viewer's language, from ``overlay/texts/window.json``."""

from collections.abc import Mapping

from relay.common.texts import Language, Texts, choose


def spoken(choice: str, environment: Mapping[str, str]) -> Language:
    """The language of the window: ``choice`` is that of the settings, where ``auto`` takes the environment's.

    As programs do: the first of LANGUAGE, LC_ALL, LC_MESSAGES and LANG that is set says it. LANGUAGE may be a list.
    """
    wanted = next(filter(None, (environment.get(name) for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return choose(choice, wanted.split(":"))


def window_texts(language: Language) -> Texts:
    return Texts(language, "window")
