"""``moodcast obs``: the installation, and what the doctor finds, on folder trees as the systems have them."""

import asyncio
import errno
import json
import os
import plistlib
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import moodcast
from obs_plugin import SCRIPT, doctor, install, places, search
from obs_plugin.doctor import Facts, Finding, Python, Studio
from obs_plugin.moodcast_relay import INSTALLED
from relay import app
from relay.common import ourselves
from relay.common.release import RELEASE
from relay.errors import DataFolderError
from tests.support import free_port

ROOT = Path(SCRIPT).parents[1]
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["modules", "scripts-tool", "path", "settings", "sources", "url", "name", "key"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def write(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def on_linux(tmp_path: Path) -> places.Machine:
    return places.Machine("linux", tmp_path / "home", {"PATH": str(tmp_path / "usr" / "bin")}, tmp_path)


def on_windows(tmp_path: Path) -> places.Machine:
    roaming, local = tmp_path / "home" / "AppData" / "Roaming", tmp_path / "home" / "AppData" / "Local"
    environ = {"APPDATA": str(roaming), "LOCALAPPDATA": str(local), "PROGRAMFILES": str(tmp_path / "Program Files")}
    return places.Machine("windows", tmp_path / "home", environ, tmp_path)


def collection(path: Path, **settings: Any) -> str:
    scripts = [{"path": str(path), "settings": settings}]
    sources = [{"name": "Mood", "settings": {"moodcast": True}}]
    return json.dumps({"name": "CI", "modules": {"scripts-tool": scripts}, "sources": sources})


def files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def said(facts: Facts, kind: str) -> str:
    return "\n".join(finding.sentence for finding in doctor.findings(facts) if finding.kind == kind)


# --- installing -------------------------------------------------------------------------------------------------------


def test_script_and_overlay_are_installed_whole(tmp_path: Path) -> None:
    script = install.install(tmp_path / "data" / "obs")
    assert script.is_file()
    modules = {file.name for file in Path(SCRIPT).parent.glob("moodcast_*.py")}
    assert {file.name for file in script.parent.iterdir()} == modules | {INSTALLED}
    note = json.loads((script.parent / INSTALLED).read_text())
    overlay = script.parents[1] / "overlay"
    assert note == {
        "version": RELEASE,
        "command": ourselves.command(),
        "files": sorted(set(files(script.parents[1])) - {f"script/{INSTALLED}"}),
    }
    pages = {name for name in files(install.OVERLAY) if not name.endswith((".py", ".pyc", ".d.ts"))}
    assert set(files(overlay)) == pages
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["obs"]


def test_an_older_copy_is_replaced_with_all_that_it_had(tmp_path: Path) -> None:
    folder = tmp_path / "obs"
    script = install.install(folder)
    whole = files(folder)
    script.write_text("old")
    write(script.with_name("moodcast_gone.py"))
    write(script.parent / "__pycache__" / "moodcast_obs.cpython-311.pyc")
    install.install(folder)
    assert files(folder) == whole
    assert [file.name for file in tmp_path.iterdir()] == ["obs"]


def test_own_files_in_the_folder_stay_and_what_was_installed_goes(tmp_path: Path) -> None:
    folder = tmp_path / "obs"
    script = install.install(folder)
    note = json.loads((script.parent / INSTALLED).read_text())
    write(script.parent / INSTALLED, json.dumps({**note, "files": [*note["files"], "overlay/of-once.js"]}))
    write(folder / "overlay" / "of-once.js")
    own = {"notes.txt": "mine", "overlay/mine.css": "body {}", "own/deep/x.lua": "--"}
    for name, text in own.items():
        write(folder / name, text)
    (folder / "script" / "link").symlink_to(folder)
    write(script, "changed")
    for _ in range(2):
        install.install(folder)
        assert {name: (folder / name).read_text() for name in own} == own
        assert (folder / "script" / "link").readlink() == folder
        assert script.read_bytes() == Path(SCRIPT).read_bytes()
        assert not (folder / "overlay" / "of-once.js").exists()
        assert json.loads((script.parent / INSTALLED).read_text()) == note


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"files": 5}', '{"files": [[], null]}', "[" * 100_000, "\ud800"])
def test_an_older_copy_with_any_note_is_replaced(tmp_path: Path, note: str) -> None:
    script = install.install(tmp_path / "obs")
    whole = files(tmp_path / "obs")
    (script.parent / INSTALLED).write_bytes(note.encode("utf-8", "surrogatepass"))
    install.install(tmp_path / "obs")
    assert files(tmp_path / "obs") == whole


@pytest.mark.parametrize("kill", ["first", "second", "third"])
def test_an_installation_that_was_killed_is_put_in_order_by_the_next(tmp_path: Path, kill: str) -> None:
    """Really killed, before the first renaming, between the two, and after the second."""
    folder = tmp_path / "obs"
    install.install(folder)
    write(folder / "notes.txt", "mine")
    whole = files(folder)
    before = {"first": 1, "second": 2, "third": 3}[kill]
    program = (
        "import os, pathlib, shutil, signal, sys\n"
        "from obs_plugin import install\n"
        "replace, rmtree, calls = pathlib.Path.replace, shutil.rmtree, []\n"
        "def count(do):\n"
        "    def counted(*arguments, **options):\n"
        "        calls.append(do)\n"
        f"        if len(calls) == {before}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return do(*arguments, **options)\n"
        "    return counted\n"
        "pathlib.Path.replace, shutil.rmtree = count(replace), count(rmtree)\n"
        "install.install(pathlib.Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, folder], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert folder.exists() == (kill != "second")
    assert len(list(tmp_path.iterdir())) == 1 + (kill != "second")
    install.install(folder)
    assert files(folder) == whole
    assert [file.name for file in tmp_path.iterdir()] == ["obs"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "obs"
    install.install(folder)
    before = files(folder)

    def full(source: str, target: str, **_: Any) -> None:
        if str(target).endswith("moodcast_core.py"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr(install.shutil, "copyfile", full)
    with pytest.raises(DataFolderError, match=r"can't be installed in .*No space left.*Nothing was changed"):
        install.install(folder)
    assert files(folder) == before
    assert [file.name for file in tmp_path.iterdir()] == ["obs"]


def test_a_folder_that_can_not_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows, while a program has a file of it open; here the second of the two renamings fails."""
    folder = tmp_path / "obs"
    install.install(folder)
    before, replace = files(folder), Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise PermissionError(errno.EACCES, "Access is denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(DataFolderError, match="Access is denied"):
        install.install(folder)
    assert files(folder) == before
    assert [file.name for file in tmp_path.iterdir()] == ["obs"]


def test_where_no_folder_can_be_made_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match="can't be installed"):
        install.install(write(tmp_path / "file") / "obs")


def test_a_strangers_folder_is_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "obs" / "holiday.jpg", "picture")
    with pytest.raises(DataFolderError, match="holds something that is no installed OBS script"):
        install.install(tmp_path / "obs")
    assert file.read_text() == "picture"


def test_the_folder_is_the_users_on_every_system(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert install.target(on_linux(tmp_path)) == home / ".local/share/moodcast/obs"
    given = places.Machine("linux", home, {"XDG_DATA_HOME": str(tmp_path / "xdg")}, tmp_path)
    assert install.target(given) == tmp_path / "xdg/moodcast/obs"
    relative = places.Machine("linux", home, {"XDG_DATA_HOME": "xdg"}, tmp_path)
    assert install.target(relative) == home / ".local/share/moodcast/obs"
    assert install.target(on_windows(tmp_path)) == home / "AppData/Local/Moodcast/obs"
    mac = places.Machine("macos", home, {}, tmp_path)
    assert install.target(mac) == home / "Library/Application Support/Moodcast/obs"
    (tmp_path / "snap" / "obs-studio").mkdir(parents=True)
    assert install.target(on_linux(tmp_path)) == home / "snap/obs-studio/common/moodcast/obs"
    write(tmp_path / "usr" / "bin" / "obs")
    assert install.target(on_linux(tmp_path)) == home / ".local/share/moodcast/obs"


@pytest.mark.parametrize(
    ("system", "python"), [("linux", ""), ("windows", "Python312"), ("macos", "/Library/Frameworks")]
)
def test_the_clicks_name_the_exact_path(system: str, python: str, tmp_path: Path) -> None:
    text = install.clicks(places.Machine(system, tmp_path, {}, tmp_path), tmp_path / "moodcast_obs.py")
    assert str(tmp_path / "moodcast_obs.py") in text
    assert ("Python Settings" in text) == bool(python)
    assert python in text


def test_the_command_installs_into_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(places, "this_machine", lambda: on_linux(tmp_path))
    assert moodcast.main(["obs", "install"]) == 0
    assert Path(capsys.readouterr().out.splitlines()[0]).is_file()


# --- the doctor -------------------------------------------------------------------------------------------------------


def examined(tmp_path: Path, text: str, relay: str = "") -> Facts:
    """An OBS of Debian's kind with this scene collection."""
    program = write(tmp_path / "usr/bin/obs", "#!/bin/sh\necho 'OBS Studio - 29.0.2.1-1+b1 (linux)'\n")
    program.chmod(0o755)
    write(tmp_path / "usr/lib/x86_64-linux-gnu/obs-scripting/_obspython.so")
    config = tmp_path / "home/.config/obs-studio"
    write(config / "global.ini", "\ufeff[Basic]\nSceneCollection=CI\nSceneCollectionFile=CI\n")
    write(config / "basic/scenes/CI.json", text)
    return search.examine(on_linux(tmp_path), relay, registered="")


async def test_a_machine_that_is_well_gets_no_complaint(tmp_path: Path, relay: app.Relay) -> None:
    script = install.install(tmp_path / "installed")
    facts = await asyncio.to_thread(examined, tmp_path, collection(script, relay=relay.url))
    assert said(facts, "wrong") == ""
    assert "OBS 29.0.2 at" in said(facts, "ok")
    assert f"The relay at {relay.url} answers." in said(facts, "ok")
    assert "no browser sources" in said(facts, "note")
    write(tmp_path / "home/.config/obs-studio/plugins/obs-browser/bin/64bit/obs-browser.so")
    facts = await asyncio.to_thread(examined, tmp_path, collection(script, relay=relay.url))
    assert said(facts, "note") == ""


def test_a_backup_with_a_key_is_told_and_counts_for_nothing_else(tmp_path: Path) -> None:
    relay = f"http://127.0.0.1:{free_port()}"
    write(tmp_path / "home/.config/obs-studio/basic/scenes/CI.json.bak", collection(Path(SCRIPT), key="secret"))
    facts = examined(tmp_path, json.dumps({"name": "CI"}), relay)
    assert "OBS has not loaded the script" in said(facts, "wrong")
    assert "CI.json.bak holds a key" in said(facts, "note")
    facts = examined(tmp_path, collection(Path(SCRIPT), relay=relay), relay)
    assert "CI.json.bak holds a key" in said(facts, "note")
    assert "copies" not in said(facts, "wrong")


async def test_https_and_http_in_each_others_place_are_told(tmp_path: Path, relay: app.Relay) -> None:
    wrong = relay.url.replace("http:", "https:")
    facts = await asyncio.to_thread(examined, tmp_path, "{}", wrong)
    assert "check whether the address should begin with http://" in said(facts, "wrong")
    facts = await asyncio.to_thread(examined, tmp_path, "{}", f"{relay.url}/overlay?channel=demo#key=secret")
    assert "should be like" in said(facts, "wrong")
    assert "secret" not in str(doctor.findings(facts))


@pytest.mark.parametrize("name", ["user.ini", "global.ini", "basic/scenes/CI.json", "basic/scenes/Other.json"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "device", "huge", "garbage", "deep"])
def test_whatever_lies_where_obs_keeps_its_settings_the_doctor_ends(tmp_path: Path, name: str, kind: str) -> None:
    relay = f"http://127.0.0.1:{free_port()}"
    examined(tmp_path, collection(Path(SCRIPT), relay=relay), relay)
    file = tmp_path / "home/.config/obs-studio" / name
    file.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "loop":
        file.symlink_to(file.name)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "huge":
        file.touch()
        os.truncate(file, 1 << 40)
    else:
        file.write_bytes(b"[" * 100_000 if kind == "deep" else b"\xff\xfe[\0]\0\n=")
    facts = search.examine(on_linux(tmp_path), relay, registered="")
    wrong = said(facts, "wrong")
    assert "OBS 29.0.2 at" in said(facts, "ok")
    assert (f"{file} can't be read as a scene collection" in wrong) == (name == "basic/scenes/CI.json")
    assert (f"{file} can't be read as a scene collection" in said(facts, "note")) == (name == "basic/scenes/Other.json")
    assert "has not loaded" not in wrong


def test_no_path_in_the_settings_stops_the_doctor_or_steers_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "/a\0b\x1b[2J\u202e\ud800"
    examined(tmp_path, collection(Path(hostile) / "moodcast_obs.py", relay=f"http://{hostile}"))
    config = tmp_path / "home/.config/obs-studio"
    write(config / "user.ini", "[Python]\nPath64bit=/a\0b\n[Locations]\nSceneCollections=/a\0b\n")
    monkeypatch.setattr(places, "this_machine", lambda: on_linux(tmp_path))
    assert moodcast.main(["obs", "doctor"]) == 1  # the folder of scene collections can't be there
    write(config / "user.ini")
    assert moodcast.main(["obs", "doctor"]) == 1
    out = capsys.readouterr().out
    assert "where there is none" in out
    assert all(line.isprintable() for line in out.splitlines())
    found = search.examine(on_windows(tmp_path), registered="/a\0b")
    assert not found.studios


def test_a_folder_that_may_not_be_entered_has_no_obs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the PATH of who was root before, say. As root nothing is forbidden, so the system's answer is made up."""
    asked, see = [], os.stat

    def refuse(path: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(str(tmp_path)):
            asked.append(path)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return see(path, **options)

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(Path, "stat", refuse)  # Python 3.10 keeps the system's
    for machine in (on_linux(tmp_path), on_windows(tmp_path), places.Machine("macos", tmp_path, {}, tmp_path)):
        assert "No OBS Studio was found" in said(search.examine(machine, registered=""), "wrong")
    assert asked


def test_a_collection_without_the_overlay_is_told(tmp_path: Path) -> None:
    relay = f"http://127.0.0.1:{free_port()}"
    content = json.loads(collection(Path(SCRIPT), relay=relay))
    content["sources"] = [{"name": "Moodcast", "settings": {"url": "https://example.org"}}]  # the streamer's own
    assert "has no overlay: press" in said(examined(tmp_path, json.dumps(content)), "note")
    assert "has no overlay" not in said(examined(tmp_path, collection(Path(SCRIPT), relay=relay)), "note")


def test_a_machine_without_obs_is_told_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(places, "this_machine", lambda: on_linux(tmp_path))
    assert moodcast.main(["obs", "doctor"]) == 1
    assert "No OBS Studio was found" in capsys.readouterr().out


def test_what_is_wrong_with_the_script_is_told(tmp_path: Path) -> None:
    relay = f"http://127.0.0.1:{free_port()}"
    facts = examined(tmp_path, json.dumps({"name": "CI"}), relay)
    assert "OBS has not loaded the script" in said(facts, "wrong")
    assert "The relay is unreachable" in said(facts, "wrong")
    facts = examined(tmp_path, collection(tmp_path / "moved" / "moodcast_obs.py", relay=relay, key="secret"))
    assert "where there is none" in said(facts, "wrong")
    assert "holds a key" in said(facts, "note")
    assert "secret" not in str(doctor.findings(facts))
    facts = examined(tmp_path, collection(tmp_path, address="http://r/overlay?channel=x#key=k"), relay)
    assert "holds a key" not in said(facts, "note"), "another script's"
    facts = examined(tmp_path, collection(Path(SCRIPT), address="http://r/overlay?channel=x#key=k"), relay)
    assert "holds a key" in said(facts, "note")
    both = [{"path": str(tmp_path / name / "moodcast_obs.py"), "settings": {}} for name in "ab"]
    facts = examined(tmp_path, json.dumps({"modules": {"scripts-tool": both}}), relay)
    assert "has 2 copies of the script" in said(facts, "wrong")
    script = install.install(tmp_path / "installed")
    write(script.parent / INSTALLED, json.dumps({"version": "0.0.1"}))
    facts = examined(tmp_path, collection(script, relay=relay))
    assert "has the script of Moodcast 0.0.1" in said(facts, "note")
    address = {"settings": {"url": "http://127.0.0.1:8765/overlay?channel=x#key=k"}}
    facts = examined(tmp_path, json.dumps({"sources": [address]}), relay)
    assert "holds a key" in said(facts, "note")


@pytest.mark.parametrize("machine", [0x14C, 0x8664])
def test_windows_python_is_looked_at(machine: int, tmp_path: Path) -> None:
    there = on_windows(tmp_path)
    write(tmp_path / "Program Files/obs-studio/bin/64bit/obs64.exe")
    write(tmp_path / "Program Files/obs-studio/obs-plugins/64bit/obs-browser.dll")
    roaming = tmp_path / "home/AppData/Roaming/obs-studio"
    write(roaming / "global.ini", f"[General]\nLastVersion={32 << 24 | 1 << 16}\n")
    facts = search.examine(there, registered="")
    assert facts.studios[0].version == (32, 1, 0)
    assert "OBS was told no Python" in said(facts, "wrong")
    folder = tmp_path / "Python"
    write(roaming / "user.ini", f"[Python]\nPath64bit={folder}\n")
    assert "but there is none" in said(search.examine(there, registered=""), "wrong")
    library = b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40) + b"PE\0\0" + struct.pack("<H", machine)
    write(folder / "python3.dll")
    (folder / "python313.dll").write_bytes(library)
    wrong = said(search.examine(there, registered=""), "wrong")
    assert ("which is 3.13; this OBS takes 3.8 to 3.12" in wrong) == (machine == 0x8664)
    (folder / "python312.dll").write_bytes(library)
    facts = search.examine(there, registered="")
    if machine == 0x8664:
        assert "which is Python 3.12" in said(facts, "ok")
    else:
        assert "which has 32 bits" in said(facts, "wrong")


def test_the_registry_says_where_obs_is(tmp_path: Path) -> None:
    program = write(tmp_path / "D" / "obs" / "bin" / "64bit" / "obs64.exe")
    facts = search.examine(on_windows(tmp_path), registered=str(tmp_path / "D" / "obs"))
    assert [studio.where for studio in facts.studios] == [str(program)]


def test_macos_and_its_python_are_looked_at(tmp_path: Path) -> None:
    machine = places.Machine("macos", tmp_path / "home", {}, tmp_path)
    contents = tmp_path / "Applications/OBS.app/Contents"
    write(contents / "PlugIns/obs-browser.plugin")
    (contents / "Info.plist").write_bytes(plistlib.dumps({"CFBundleShortVersionString": "30.0.2"}))
    frameworks = tmp_path / "Library/Frameworks"
    write(frameworks / "Python.framework/Versions/3.12/lib/libpython3.12.dylib")
    write(tmp_path / "home/Library/Application Support/obs-studio/global.ini", f"[Python]\nPath64bit={frameworks}\n")
    facts = search.examine(machine, registered="")
    assert "which is 3.12; this OBS takes 3.8 to 3.11" in said(facts, "wrong")
    write(frameworks / "Python.framework/Versions/3.11/lib/libpython3.11.dylib")
    assert "which is Python 3.11" in said(search.examine(machine, registered=""), "ok")
    for broken in (
        "",
        "<plist",
        "<plist/>",
        "<plist></dict></plist>",
        "<plist><dict><integer>x</integer></dict></plist>",
    ):
        write(contents / "Info.plist", broken)
        assert "of an unknown version" in said(search.examine(machine, registered=""), "ok")


def test_flatpak_and_snap_are_found(tmp_path: Path) -> None:
    write(tmp_path / "var/lib/flatpak/app/com.obsproject.Studio/current/active/files/lib/obs-plugins/obs-browser.so")
    config = tmp_path / "home/.var/app/com.obsproject.Studio/config/obs-studio"
    write(config / "global.ini", f"[General]\nLastVersion={30 << 24 | 2 << 16 | 3}\n[Basic]\nSceneCollectionFile=CI\n")
    write(config / "basic/scenes/CI.json", collection(Path(SCRIPT)))
    (tmp_path / "snap/obs-studio").mkdir(parents=True)
    facts = search.examine(on_linux(tmp_path), f"http://127.0.0.1:{free_port()}", registered="")
    assert [(studio.kind, studio.version, studio.browser) for studio in facts.studios] == [
        ("flatpak", (30, 2, 3), True),
        ("snap", None, False),
    ]
    assert f"has the script at {SCRIPT}" in said(facts, "ok")


@pytest.mark.parametrize(
    ("version", "newest"), [((28, 0, 0), 10), ((29, 0, 2), 10), ((29, 1, 0), 11), ((30, 1, 0), 12), (None, 12)]
)
def test_the_newest_python_is_the_tables(version: doctor.Version | None, newest: int) -> None:
    assert doctor.newest_python(version) == newest
    told = Studio("program", "obs64.exe", version, True, True, "C:\\Python", (Python(newest + 1, 64),))
    assert any(finding.kind == "wrong" for finding in doctor.findings(Facts("windows", "1", "s", (told,))))
    fits = told._replace(pythons=(Python(newest, 64), Python(newest + 1, 64)))
    assert Finding("ok", f"OBS was told C:\\Python as its Python, which is Python 3.{newest}.") in doctor.findings(
        Facts("windows", "1", "s", (fits,))
    )


def test_the_docs_have_the_same_table() -> None:
    text = (Path(SCRIPT).parents[1] / "docs" / "obs.md").read_text()
    for row in ("| 30.1 and newer | 3.8 to 3.12", "| 29.1 and 30.0 | 3.8 to 3.11", "| 28 and 29.0 | 3.8 to 3.10"):
        assert row in text


@given(GARBAGE)
def test_any_scene_collection_is_read(content: Any) -> None:
    found = search.collection_of(json.dumps(content), Path("CI.json"), True)
    doctor.findings(Facts("linux", "1", "s", (), (found,)))


@given(st.text())
def test_any_settings_are_read(text: str) -> None:
    search.read_ini(text)
    search.read_ini("[Python]\n" + text)
    search.last_version(text)
    search.version_in(text)
    search.collection_of(text, Path("CI.json"), True)
