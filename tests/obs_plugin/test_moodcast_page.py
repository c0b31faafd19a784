"""The overlay's address, as it is pasted, and what a browser source gets."""

import json
import shutil
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_page as page
from obs_plugin import moodcast_trial as trial
from tests.contract import CONTRACT, fields_of
from tests.support import HANG_S

GOOD = core.Settings("http://127.0.0.1:8765", "demo", "key-1", 1280, 720)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=256)
CHANNELS = st.from_regex(core.CHANNEL, fullmatch=True)
RELAYS = st.sampled_from(
    ["http://127.0.0.1:8765", "https://relay.example.org", "https://a.example/m", "http://[::1]:9"]
)


@given(RELAYS, CHANNELS, KEYS, st.sampled_from(["overlay", "dashboard"]))
def test_a_printed_address_has_all_that_is_needed(relay: str, channel: str, key: str, name: str) -> None:
    settings = core.Settings(relay, channel, key, 1280, 720)
    found = page.pasted(f"  {page.address(settings, name)}\n")
    assert found == page.Pasted(relay, channel, key)
    assert settings.problem() == ""


@given(st.text(max_size=200))
def test_whatever_is_pasted_is_taken_or_told(text: str) -> None:
    found = page.pasted(text)
    if found.fault:
        assert found[:3] == ("", "", "")
        assert core.plain(found.fault) == found.fault.replace("<", "")
    elif found != page.Pasted():
        assert core.is_address(found.relay)
        assert core.CHANNEL.fullmatch(found.channel)


@given(st.text("abcdef0123456789", min_size=12, max_size=40), st.sampled_from([
    "http://127.0.0.1:8765/#key={}", "http://127.0.0.1:8765/overlay?channel=demo&key={}", "{}", "ftp://{}/overlay",
    "http://127.0.0.1/overlay?channel=a b#key={}", "http://127.0.0.1/overlay?channel=demo#key={} x", "http://[{}/overlay",
    "http://127.0.0.1:99999/overlay?channel=demo#key={}", "http://127.0.0.1/overlay#key={}",
]))  # fmt: skip
def test_what_is_wrong_is_told_without_the_key(key: str, wrong: str) -> None:
    found = page.pasted(wrong.format(key))
    assert found.fault
    assert key not in found.fault


def test_an_address_may_lack_its_beginning_and_name_another_relay() -> None:
    assert page.pasted("127.0.0.1:8765/overlay?channel=demo&position=top#key=key-1") == (*GOOD[:3], "")
    assert page.pasted("https://pages.example/overlay?channel=demo&relay=http://127.0.0.1:8765#key=key-1") == (
        page.Pasted(*GOOD[:3])
    )
    assert page.pasted("http://127.0.0.1:8765/overlay?channel=demo") == page.Pasted(GOOD.relay, "demo")


@pytest.mark.parametrize(
    ("before", "after", "typed"),
    [
        ("", "h", True), ("ab", "abc", True), ("abc", "ac", True), ("abc", "axc", True), ("aa", "aaa", True),
        ("abc", "abc", True), ("", "http://relay", False), ("key=one", "key=two", False), ("abc", "", False),
    ],
)  # fmt: skip
def test_typing_is_told_from_pasting(before: str, after: str, typed: bool) -> None:
    assert page.is_typing(before, after) is typed


# --- what a browser source gets ---------------------------------------------------------------------------------------


def query(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


class Source:
    """A browser source, as far as the script sees it."""

    def __init__(self, last: dict[str, Any] | None, **found: Any) -> None:
        self.last = last
        self.found: dict[str, Any] = {"url": "", "width": 0, "height": 0, **found}

    def serve(self, settings: core.Settings, with_key: bool = False) -> None:
        self.found, self.last = page.wanted(settings, self.found, self.last, with_key)


def test_a_new_source_has_the_settings_size_and_look() -> None:
    source = Source({})
    source.serve(GOOD._replace(look=(("position", "top"),)))
    assert (source.found["width"], source.found["height"]) == (1280, 720)
    assert query(source.found["url"]) == {"channel": "demo", "source": "obs", "position": "top"}


def test_what_is_remembered_of_an_address_with_a_key_has_its_options_and_no_key() -> None:
    source = Source({})
    source.serve(GOOD, with_key=True)
    source.found["url"] = source.found["url"].replace("#", "&position=top#")
    source.serve(GOOD, with_key=True)
    assert source.found["url"].endswith(f"&position=top#key={GOOD.key}")
    assert GOOD.key not in str(source.last)
    source.found["url"] = "https://obsproject.com/browser-source"  # as OBS loads it: nothing was saved
    source.serve(GOOD)
    assert query(source.found["url"])["position"] == "top"
    assert GOOD.key not in source.found["url"]


def test_a_size_that_the_streamer_gave_the_source_stays_until_the_dialogs_changes() -> None:
    source = Source({})
    source.serve(GOOD)
    source.found.update(width=640, height=200)
    source.serve(GOOD)
    assert (source.found["width"], source.found["height"]) == (640, 200)
    source.serve(GOOD._replace(height=300))
    assert (source.found["width"], source.found["height"]) == (640, 300)


def test_options_typed_into_the_sources_address_stay_until_the_dialogs_change() -> None:
    source = Source({})
    source.serve(GOOD._replace(look=(("position", "top"),)))
    source.found["url"] = source.found["url"].replace("position=top", "position=bottom&title=Hi")
    source.serve(GOOD._replace(look=(("position", "top"),)))
    assert query(source.found["url"])["position"] == "bottom"
    source.serve(GOOD._replace(look=(("position", "top"), ("bar", "off"))))
    assert query(source.found["url"]) == {
        "channel": "demo", "source": "obs", "position": "bottom", "title": "Hi", "bar": "off",
    }  # fmt: skip
    source.serve(GOOD._replace(look=(("position", ""), ("bar", "off"))))
    assert "position" not in query(source.found["url"])


def test_a_source_of_an_older_script_keeps_its_size_and_options() -> None:
    source = Source(None, url="http://127.0.0.1:8765/overlay?channel=demo&source=obs&scale=2", width=800, height=90)
    source.serve(GOOD)
    assert (source.found["width"], source.found["height"]) == (800, 90)
    assert query(source.found["url"])["scale"] == "2"


@given(
    st.lists(st.tuples(st.sampled_from(["position", "title", "scale"]), st.sampled_from(["", "top", "2"])), max_size=3)
)
def test_what_is_served_again_changes_nothing(look: list[tuple[str, str]]) -> None:
    source = Source({})
    settings = GOOD._replace(look=tuple(look))
    source.serve(settings)
    found, last = source.found, source.last
    source.serve(settings)
    assert (source.found, source.last) == (found, last)


@pytest.mark.parametrize(
    ("canvas", "size"),
    [
        ((1280, 720), (1280, 720)),
        ((1080, 1920), (608, 1080)),
        ((3840, 2160), (1920, 1080)),
        ((1920, 1080), (1920, 1080)),
    ],
)
def test_a_picture_has_the_canvas_proportions(canvas: tuple[int, int], size: tuple[int, int]) -> None:
    assert core.fitted(*canvas, (1920, 1080)) == size


def test_the_dialog_offers_what_the_table_says_of_the_look() -> None:
    rows = page.table()
    assert {"position", "scale", "bar", "reactions", "title"} <= {row["name"] for row in rows}
    assert not {"channel", "relay", "source"} & {row["name"] for row in rows}


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '[{"look": true}]', "null"])
def test_without_a_table_that_can_be_read_nothing_is_offered(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "options.json").write_text(content)
    assert page.table(tmp_path) == []


# --- ten seconds of a made-up audience --------------------------------------------------------------------------------


def test_the_made_up_audience_acts_once_whatever_the_steps() -> None:
    whole = trial.act(0.0, trial.LASTS_S, 1.0)
    steps = [message for step in range(100) for message in trial.act(step / 10, (step + 1) / 10, 1.0)]
    assert sorted(message.text for message in whole) == sorted(message.text for message in steps)
    for message in whole:
        assert message.fields.keys() <= fields_of(message.kind)
        assert core.message_of(message.kind, message.text) == message
    moods = [message.fields for message in whole if message.kind == "mood"]
    assert all(len(mood["counts"]) == len(mood["shares"]) == len(CONTRACT["expressions"]) for mood in moods)
    assert all(abs(sum(mood["shares"]) - 1) < 1e-6 for mood in moods)
    leading = {CONTRACT["expressions"][mood["shares"].index(max(mood["shares"][:-1]))] for mood in moods}
    assert leading == {"happy", "surprise"}
    names = {message.fields["name"] for message in whole if message.kind == "reaction"}
    assert names <= {*CONTRACT["expressions"], *CONTRACT["taps"]}


def test_the_files_are_served_under_their_secret_name_alone(tmp_path: Path) -> None:
    shutil.copytree(page.FOLDER, tmp_path / "overlay")
    (tmp_path / "secret.json").write_text("{}")
    files = trial.Files(tmp_path / "overlay")
    try:

        def get(path: str) -> bytes:
            with urllib.request.urlopen(files.address + path, timeout=HANG_S) as answer:
                return bytes(answer.read())

        assert b"<title>Moodcast overlay" in get("/overlay?channel=demo&source=obs")
        assert json.loads(get("/static/options.json")) == json.loads((page.FOLDER / "options.json").read_text())
        assert get("/static/pictures/happy.svg")
        for path in ("/../overlay", "/static/../secret.json", "/static/%2e%2e/secret.json", "/static/", "/",
                     "/static/x.js", "/static//etc/passwd", "/static/__init__.py", "x/overlay"):  # fmt: skip
            with pytest.raises(HTTPError, match="404"):
                get(path)
    finally:
        files.close().join(HANG_S)
    with pytest.raises(OSError, match=r"refused|reset"):
        get("/overlay")


def test_without_the_files_there_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"overlay\.html"):
        trial.Files(tmp_path)
