"""What people read, in the language of each: ``overlay/texts/PART.json`` has each text in every language.

The pages have the same in ``overlay/texts.js``, and the OBS script, which imports nothing of ours, in
``obs_plugin/moodcast_texts.py``; ``tests/test_texts.py`` holds the three together.
"""

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

import msgspec

from relay.common.condition import number_word

FOLDER = Path(__file__).resolve().parents[2] / "overlay" / "texts"

Language = Literal["en", "zh-TW", "zh-CN", "vi", "ru", "ja", "es", "de", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Text = str | dict[str, str]
"""A sentence; or one for each category of a number, ``count``, that the language's grammar tells apart."""


class Known(msgspec.Struct, frozen=True):
    """A language, as ``languages.json`` has it."""

    name: str
    """In itself."""
    read: bool
    """Whether somebody whose own it is has read the texts."""


def choose(wanted: str, preferred: Iterable[str]) -> Language:
    """The language to speak: ``wanted`` where it is one of ours, else the first one that is preferred.

    ``preferred``: as programs and browsers name them, best first, as in zh_TW.UTF-8 or de-AT.
    """
    for tag in (wanted, *preferred):
        name, *rest = re.split(r"[-_.@]", tag.lower())
        if name == "zh":
            return "zh-TW" if {"tw", "hk", "mo", "hant"}.intersection(rest) else "zh-CN"
        for language in LANGUAGES:
            if language == name:
                return language
    return "en"


@functools.cache
def languages() -> dict[Language, Known]:
    """All that there are, English first."""
    return msgspec.json.decode((FOLDER / "languages.json").read_bytes(), type=dict[Language, Known])


@functools.cache
def table(part: str) -> dict[str, dict[Language, Text]]:
    """Each text of a part by its key, in each language."""
    return msgspec.json.decode((FOLDER / f"{part}.json").read_bytes(), type=dict[str, dict[Language, Text]])


def category(language: Language, count: int) -> str:
    """Which form goes with a whole number from 0 to below a million, by the name that Unicode gives it."""
    match language:
        case "en" | "de" | "es":
            return "one" if count == 1 else "other"
        case "fr":
            return "one" if count < 2 else "other"
        case "ru":
            if count % 10 == 1 and count % 100 != 11:
                return "one"
            return "few" if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else "many"
        case _:
            return "other"


class Texts:
    """The texts of one language, of one part: ``texts("channels.title", relay=relay)``."""

    def __init__(self, language: Language, part: str) -> None:
        self.language: Language = language
        self._table = table(part)

    def __call__(self, key: str, **values: object) -> str:
        """The text, with ``{name}`` in it replaced by the value of that name.

        Raises:
            KeyError: there is no such text, or a value that it names is missing.
        """
        text = self._table[key][self.language]
        if isinstance(text, dict):
            text = text[category(self.language, int(str(values["count"])))]
        return re.sub(r"\{(\w+)\}", lambda gap: str(values[gap[1]]), text)

    def number(self, count: int) -> str:
        """A small number within a sentence: a word in English, digits elsewhere."""
        return number_word(count) if self.language == "en" else str(count)

    def joined(self, sentences: Iterable[str]) -> str:
        """Sentences one after the other, with a blank between them where the language has one."""
        return ("" if self.language in ("zh-TW", "zh-CN", "ja") else " ").join(sentences)
