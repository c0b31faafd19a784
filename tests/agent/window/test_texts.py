"""The window's words: all of them said somewhere, letters to press that are one button's alone, the right language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.window import texts
from relay.common.texts import LANGUAGES, Language, table

ROOT = Path(__file__).parents[3]
ALL = table("window")
TOGETHER = [
    "relay.paste go.back go.next",
    "channels.join channels.create go.back",
    "create.go go.back",
    "keys.done keys.keep keys.list",
    "password.show password.keep channels.join go.back",
    "consent.at_once consent.yes_camera consent.taps consent.no",
    "consent.at_once consent.yes_screen consent.taps consent.no",
    "consent.at_once consent.yes_file consent.taps consent.no",
    "invitation.no channels.join",
    "fetch.go fetch.stop go.back",
    "live.settings live.elsewhere live.people live.sent live.teach",
    "teach.yes learned.delete go.back",
    "learned.export learned.delete learned.lesson go.back",
    "lesson.start go.back",
    "sent.copy go.back",
    "start.other go.again",
]
"""Buttons of one screen that a letter presses."""


def said(folder: Path) -> Iterator[str]:
    """Keys that the files of a folder name, whole or, with ``*``, from where on only the running program knows them."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr) and isinstance(begin := node.values[0], ast.Constant):
                yield f"{begin.value}*"


def form(key: str, language: Language) -> str:
    text = ALL[key][language]
    return text if isinstance(text, str) else text.get("other") or text["many"]


@pytest.mark.parametrize("key", ALL)
def test_a_button_has_a_letter_in_every_language_or_in_none(key: str) -> None:
    counts = {
        one.count("&") for text in ALL[key].values() for one in ([text] if isinstance(text, str) else text.values())
    }
    assert counts in ({0}, {1})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("keys", TOGETHER)
def test_a_letter_presses_one_button(keys: str, language: Language) -> None:
    found = [re.findall(r"&(\w)", form(key, language).lower()) for key in keys.split()]
    letters = [letter for one in found for letter in one]
    assert len(letters) == len(found)
    assert len(set(letters)) == len(letters), letters


def test_each_text_is_said_somewhere() -> None:
    found = set(said(ROOT / "agent"))
    begins = tuple(one[:-1] for one in found if re.fullmatch(r"[a-z_]+(\.[a-z_]+)*\.\*", one))
    assert [key for key in ALL if key not in found and not key.startswith(begins)] == []


@pytest.mark.parametrize(
    ("choice", "environment", "spoken"),
    [
        ("auto", {"LANG": "zh_TW.UTF-8"}, "zh-TW"),
        ("auto", {"LANG": "en_US.UTF-8", "LC_ALL": "zh_HK"}, "zh-TW"),
        ("auto", {"LANGUAGE": "zh_Hant:en", "LANG": "en_US"}, "zh-TW"),
        ("auto", {"LANGUAGE": "", "LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ("auto", {"LANG": "de_DE.UTF-8"}, "de"),
        ("auto", {"LANGUAGE": "pt:fr_CA:en"}, "fr"),
        ("auto", {"LANG": "C.UTF-8"}, "en"),
        ("auto", {}, "en"),
        ("en", {"LANG": "zh_TW.UTF-8"}, "en"),
        ("zh-TW", {}, "zh-TW"),
        ("ja", {"LANG": "de_DE.UTF-8"}, "ja"),
    ],
)
def test_the_language_is_that_of_the_settings_or_of_the_environment(
    choice: str, environment: dict[str, str], spoken: str
) -> None:
    assert texts.spoken(choice, environment) == spoken
