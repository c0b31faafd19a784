"""What people read: whole in every language, with the same gaps in each, and all of it said somewhere."""

import functools
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from relay.common import texts
from relay.common.texts import LANGUAGES, Language, Text, category
from relay.http import pages

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "overlay"
PARTS = sorted(path.stem for path in texts.FOLDER.glob("*.json") if path.stem != "languages")
SPOKEN_BY = {
    "common": ["overlay/*.js", "overlay/*.html", "overlay/viewer/*.js"],
    "overlay": ["overlay/*.js", "overlay/*.html", "relay/http/picture.py"],
    "settings": ["overlay/*.js", "overlay/*.html"],
    "dashboard": ["overlay/*.js", "overlay/*.html"],
    "session": ["overlay/session.js", "overlay/session/*.js", "overlay/dashboard.html"],
    "join": ["overlay/*.js", "overlay/*.html", "overlay/viewer/*.js"],
    "try": ["overlay/*.js", "overlay/*.html"],
}
"""Where the texts of a part are named, as ``PART.KEY``."""
CYRILLIC, KANA, HAN = "[\u0400-\u04ff]", "[\u3040-\u30ff]", "[\u4e00-\u9fff]"
LETTERS: dict[Language, str] = {"ru": CYRILLIC, "ja": f"{KANA}|{HAN}", "zh-TW": HAN, "zh-CN": HAN}
"""Of the languages that are not written in Latin ones."""


def forms(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def gaps(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@functools.cache
def categories(language: Language) -> set[str]:
    return {category(language, count) for count in range(1000)}


def each_text() -> Iterator[tuple[str, str, dict[Language, Text]]]:
    for part in PARTS:
        for key, text in texts.table(part).items():
            yield part, key, text


def faults(text: dict[Language, Text]) -> Iterator[str]:
    """What is wrong with one text."""
    if tuple(text) != LANGUAGES:
        yield f"has {', '.join(text)}"
        return
    for language, said in text.items():
        if isinstance(said, dict) and (set(said) != categories(language) or len(said) == 1):
            yield f"{language} has the forms {', '.join(said)}"
        for form in forms(said):
            if not form.strip() or (form != form.strip() and form != ", "):
                yield f"{language} begins or ends with a blank, or is empty"
            if gaps(form) - {"count"} != gaps(forms(text["en"])[-1]) - {"count"}:
                yield f"{language} has other gaps than English"
            if form.count("**") % 2 or form.count("`") % 2 or re.search(r"[<>]|&\w+;", form):
                yield f"{language} has a mark that is open, or HTML"
            if sorted(re.findall("`.*?`", form)) != sorted(re.findall("`.*?`", forms(text["en"])[-1])):
                yield f"{language} has other typed words than English"
            for letters in (CYRILLIC, KANA, HAN):
                if re.search(letters, form) and letters not in LETTERS.get(language, ""):
                    yield f"{language} has letters of another language"
    if "count" in gaps("".join(forms(text["en"]))) and not all(
        "count" in gaps("".join(forms(one))) for one in text.values()
    ):
        yield "not every language tells the number"


def test_every_language_has_every_text_with_the_same_gaps_and_its_own_plurals() -> None:
    assert [f"{part}.{key}: {fault}" for part, key, text in each_text() for fault in faults(text)] == []


def test_a_translation_is_one() -> None:
    """Russian, Japanese and Chinese have letters of their own: a text of several words without one is still English."""
    found = []
    for part, key, text in each_text():
        for language, letters in LETTERS.items():
            for form in forms(text[language]):
                bare = re.sub(r"\{\w+\}|`.*?`|https?://\S+", "", form)
                if re.search(r"[A-Za-z]+ [A-Za-z]+", bare) and not re.search(letters, bare):
                    found.append(f"{part}.{key} {language}: {form}")
    assert found == []


def test_the_relay_serves_them() -> None:
    assert all(pages.find(f"texts/{part}.json") for part in (*PARTS, "languages"))


def test_the_languages_are_known() -> None:
    known = texts.languages()
    assert tuple(known) == LANGUAGES
    assert [language for language, one in known.items() if one.read] == ["en"], "who has read it? Say so in the commit"
    script = (PAGES / "texts.js").read_text("utf-8")
    listed = re.search(r"LANGUAGES = (\[.*?\]);", script)
    assert listed
    assert json.loads(listed[1]) == list(LANGUAGES)


@pytest.mark.parametrize("case", json.loads((ROOT / "tests" / "languages.json").read_text("utf-8")), ids=str)
def test_the_language_is_the_one_wanted_or_the_first_preferred(case: dict[str, Any]) -> None:
    assert texts.choose(case["wanted"], case["preferred"]) == case["chosen"]


@pytest.mark.parametrize(
    ("named", "chosen"),
    [("zh_TW.UTF-8", "zh-TW"), ("zh_Hant", "zh-TW"), ("zh_CN", "zh-CN"), ("de_AT.UTF-8@euro", "de"), ("vi_VN", "vi")],
)
def test_systems_name_languages_otherwise_than_browsers(named: str, chosen: str) -> None:
    assert texts.choose("auto", [named]) == chosen


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_for_a_number_is_the_one_that_the_language_has(language: Language) -> None:
    known = json.loads((ROOT / "tests" / "plurals.json").read_text("utf-8"))[language]
    assert {count: category(language, int(count)) for count in known} == known


def test_values_are_put_in_once_and_numbers_choose_the_form() -> None:
    say = texts.Texts("ru", "common")
    assert "21 человек" in say("shown_once.viewers", count=21, number="21")
    assert "22 человека" in say("shown_once.viewers", count=22, number="22")
    assert "12 человек" in say("shown_once.viewers", count=12, number="12")
    assert texts.Texts("en", "common")("share", percent="{word}", word="x") == "{word} x"
    with pytest.raises(KeyError):
        say("share", percent="5")
    with pytest.raises(KeyError):
        say("no.such.text")


def named(patterns: list[str]) -> set[str]:
    """Keys that files name, whole, or with a ``*`` where only the running program knows on."""
    found: set[str] = set()
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        source = path.read_text("utf-8")
        found.update(re.findall(r"""["'`]([a-z]+(?:\.[\w-]+)+)["'`]""", source))
        found.update(f"{begin}*" for begin in re.findall(r"`([a-z]+\.[\w.-]*)\$\{", source))
    return found


@pytest.mark.parametrize("part", [part for part in PARTS if part in SPOKEN_BY])
def test_each_text_is_said_somewhere_and_each_that_is_said_is_there(part: str) -> None:
    there = {f"{part}.{key}" for key in texts.table(part)}
    said = {one for one in named(SPOKEN_BY[part]) if one.startswith(f"{part}.") and not one.endswith((".js", ".json"))}
    families = {one for one in said if any(key.startswith(f"{one}.") for key in there)}  # whose last word comes later
    begins = (*(one[:-1] for one in said if one.endswith("*")), *(f"{one}." for one in families))
    whole = {one for one in said if not one.endswith("*")} - families
    assert whole - there == set(), "said, and there is no such text"
    assert {key for key in there - whole if not key.startswith(begins)} == set(), "nobody says it"
    assert [begin for begin in begins if not any(key.startswith(begin) for key in there)] == []


class Said(HTMLParser):
    """What a page's HTML says in English where a script says it in the reader's language."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._key = self._tag = self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, attribute in (("title", "title"), ("label", "aria-label"), ("placeholder", "placeholder")):
            if f"data-say-{name}" in given:
                self.found.append((given[f"data-say-{name}"], given.get(attribute, "")))
        if self._key:
            assert tag in ("b", "code"), f"{self._key} would lose its <{tag}>"
            self._text += "**" if tag == "b" else "`"
        elif "data-say" in given:
            self._key, self._tag, self._text = given["data-say"], tag, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._key and tag == self._tag:
            self.found.append((self._key, re.sub(r"\s+", " ", self._text).strip()))
            self._key = ""
        elif self._key:
            self._text += "**" if tag == "b" else "`"


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.html")), ids=lambda path: path.stem)
def test_the_english_of_a_page_is_that_of_its_texts(page: Path) -> None:
    said = Said()
    said.feed(page.read_text("utf-8"))

    def english(key: str) -> Any:
        part, _, rest = key.partition(".")
        return texts.table(part)[rest]["en"]

    assert [(key, text) for key, text in said.found if english(key) != text] == []
