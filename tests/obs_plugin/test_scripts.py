"""The OBS script's files: what OBS's Python can read, and the contract with the relay."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import obs_plugin
from obs_plugin import moodcast_clips as clips
from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_link as link
from obs_plugin import moodcast_page as page
from relay.common import texts
from tests.contract import CONTRACT, Asked, fields_of, kinds_to_a_subscriber
from tests.support import HANG_S

FOLDER = Path(obs_plugin.__file__).parent
SCRIPTS = sorted(FOLDER.glob("moodcast_*.py"))
SETTINGS = core.Settings("http://127.0.0.1:8765", "demo", "key-1", 1280, 720)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_script_keeps_to_python_3_8_and_its_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {"obspython", "obs_plugin", *(script.stem for script in SCRIPTS)}  # obs_plugin not in OBS
    assert {re.split(r"\.", name)[0] for name in imported} <= sys.stdlib_module_names | own
    assert "__future__" in imported, "annotations must not be evaluated: 3.8 knows fewer types"


def test_the_files_find_each_other_in_whatever_folder_they_are(tmp_path: Path) -> None:
    """As OBS loads them: by the folder on the path, without Moodcast installed."""
    for script in SCRIPTS:
        shutil.copy(script, tmp_path)
    code = f"import sys; sys.path.append({str(tmp_path)!r}); import moodcast_link as l; print(l.core.__file__)"
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=HANG_S)
    assert done.stdout.strip() == str(tmp_path / "moodcast_core.py"), done.stderr


def test_every_file_is_named_where_it_is_said_how_to_move_them() -> None:
    text = (FOLDER.parent / "docs" / "obs.md").read_text()
    assert [script.name for script in SCRIPTS if f"`{script.name}`" not in text] == []


# --- the dialog's language --------------------------------------------------------------------------------------------


def _said() -> set[str]:
    """What the scripts hand to ``say``, and to what hands it on, in English."""
    found = set(clips.LABELS.values())
    for script in SCRIPTS:
        for node in ast.walk(ast.parse(script.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="say"), args=[ast.Constant(value=str(text))]):
                    found.add(text)
                case ast.Call(
                    func=ast.Name(id="button" | "_group"), args=[_, ast.Constant(), ast.Constant(value=str(text)), *_]
                ):
                    found.add(text)
                case ast.Call(func=ast.Name(id="say"), args=[ast.JoinedStr()]):
                    found |= {f"Overlay {side} (pixels)" for side in ("width", "height")}
                case ast.Assign(targets=[ast.Name(id="_LABELS")], value=ast.Dict(values=labels)):
                    found |= {label.value for label in labels if isinstance(label, ast.Constant)}
    return found


def test_the_dialog_says_what_there_are_translations_for() -> None:
    assert {text["en"] for text in texts.table("obs").values()} == _said()


def test_the_options_are_called_in_every_language_what_their_table_calls_them() -> None:
    called = {key: text["en"] for key, text in texts.table("options").items()}
    for row in page.table() + json.loads((page.FOLDER / "options.json").read_text("utf-8")):
        names = {"label": row["label"], "help": row["help"]}
        names |= {f"values.{value}": words for value, words in row.get("values", {}).items()}
        own = {f"values.{language}" for language in texts.LANGUAGES} if row["name"] == "language" else set()
        assert {part: called.get(f"{row['name']}.{part}") for part in names if part not in own} == {
            part: words for part, words in names.items() if part not in own
        }
    assert {key.partition(".")[0] for key in called} == {
        row["name"] for row in json.loads((page.FOLDER / "options.json").read_text("utf-8"))
    }


def test_a_language_of_obs_is_ours_where_there_is_one(tmp_path: Path) -> None:
    assert page.translations("de-DE")["Layout"] == "Layout"
    assert page.translations("de-DE")["Admin key"] == "Admin-Schlüssel"
    assert page.translations("zh-CN")["Theme"] != page.translations("zh-TW")["Theme"] != "Theme"
    for locale in ("pt-BR", "", "en-US"):
        assert page.translations(locale)["Admin key"] == "Admin key"
    assert page.translations("de-DE", tmp_path) == {}
    (tmp_path / "texts").mkdir()
    for broken in ("[]", '{"a": 1}', '{"a": {}}', "{"):
        (tmp_path / "texts" / "obs.json").write_text(broken)
        assert page.translations("de-DE", tmp_path) == {}


# --- docs/protocol.json ----------------------------------------------------------------------------------------------


def test_it_knows_kinds_of_messages_that_there_are() -> None:
    assert set(core.KINDS) <= kinds_to_a_subscriber()


@pytest.mark.parametrize("visible", [True, False])
def test_it_reads_fields_of_a_mood_that_there_are(visible: bool) -> None:
    mood = Asked({"visible": visible, "viewers": 9, "sharing": 8, "min_viewers": 5, "crowd": "networks"})
    assert core.audience(mood)
    assert mood.names <= fields_of("mood")
    assert mood.names >= {"visible", "viewers", "sharing", "min_viewers"}


def test_pictures_are_not_fetched_for_fields_of_a_mood_that_none_shows() -> None:
    assert fields_of("mood") - set(core.looks(dict.fromkeys(fields_of("mood"), 1))) == {"seq", "time"}


def test_it_reads_fields_of_a_bye_that_there_are() -> None:
    bye = Asked({"code": 4503, "message": "later", "retry_after_s": 7})
    refused = core.farewell(SETTINGS, bye)
    assert (refused.again, refused.wait, str(refused)) == (True, 7, "The relay says: later")
    assert bye.names == {"code", "message", "retry_after_s"}
    assert bye.names <= fields_of("bye")


def test_its_test_reaction_has_the_fields_of_one() -> None:
    assert set(json.loads(core.test_reaction(1.0).text)) == fields_of("reaction")
    assert core.TEST_REACTION in CONTRACT["expressions"]


def test_fields_are_read_in_the_plain_functions_alone() -> None:
    """Else the tests above would not see which."""
    for script in SCRIPTS:
        if script.stem not in ("moodcast_core", "moodcast_clips"):
            assert not re.search(r"(fields|mood|message)(\.get\(|\[\")", script.read_text()), script.name


def test_it_comes_back_after_the_codes_that_say_so() -> None:
    for code in CONTRACT["codes"]:
        assert core.refusal(SETTINGS, code["number"], "why").again is (code["client"] == "retry"), code["name"]
    named = {code["name"]: str(core.refusal(SETTINGS, code["number"], "why")) for code in CONTRACT["codes"]}
    own = {name for name, sentence in named.items() if sentence != "The relay says: why"}
    assert own == {"wrong_key", "unknown_channel"}
    assert "Copy the admin key once more." in str(core.refusal(SETTINGS, 4401, "why", key="admin"))


def test_names_and_times_are_the_contracts() -> None:
    assert f"^{core.CHANNEL.pattern}$" == CONTRACT["channel"]
    assert CONTRACT["limits"]["longest_countdown_s"] < link.COUNTDOWN_S
