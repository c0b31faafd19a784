"""Starting at login and by a link: the files and registry values, read by the desktops' own programs."""

import asyncio
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desktop import autostart, registry, scheme
from agent.desktop.entry import entry
from tests.agent.desktop.session import need
from tests.support import wait_until

LINK = "moodcast://join?relay=https%3A%2F%2Fmood.example.org&channel=x#password=a%20b"
STRANGE = 'a b"c`d$e\\f&g'
"""Without a per cent sign: GLib finds no program with one in its path."""
NOTE = """#!{python}
import json, os, sys
with open({out!r} + ".part", "w") as file:
    json.dump(sys.argv[1:], file)
os.rename({out!r} + ".part", {out!r})
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux desktop's home of its own."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in (("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.delenv("DISPLAY", raising=False)
    return tmp_path


@pytest.fixture
def program(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In place of ours, one in a folder whose name has all that means something to a shell; it notes what it gets."""
    folder = home / STRANGE
    folder.mkdir()
    (folder / "moodcast").write_text(NOTE.format(python=sys.executable, out=str(home / "got.json")))
    (folder / "moodcast").chmod(0o755)
    for module in (autostart, scheme):
        monkeypatch.setattr(module, "command", lambda *words: [str(folder / "moodcast"), *words])
    return home / "got.json"


def got(file: Path) -> str:
    asyncio.run(wait_until(file.exists))
    return file.read_text()


def test_nothing_is_there_before_it_is_asked_for_and_nothing_stays(home: Path) -> None:
    assert not autostart.is_enabled()
    assert not scheme.is_registered()
    autostart.enable()
    scheme.register()
    assert autostart.is_enabled()
    assert scheme.is_registered()
    autostart.disable()
    scheme.unregister()
    autostart.disable()  # once more does no harm
    scheme.unregister()
    left = [file for file in home.rglob("*") if file.is_file() and file.read_bytes().strip()]
    assert [file.name for file in left] == ["mimeapps.list"]
    assert left[0].read_text().strip() == "[Default Applications]"


def test_the_entries_are_valid(home: Path) -> None:
    need("desktop-file-validate")
    autostart.enable()
    scheme.register()
    for file in (
        home / "config" / "autostart" / "moodcast.desktop",
        home / "data" / "applications" / "moodcast.desktop",
    ):
        run = subprocess.run(["desktop-file-validate", str(file)], capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Linux desktops have these files")
def test_a_desktop_really_starts_it_at_login_closed(home: Path, program: Path) -> None:
    need("gio")
    autostart.enable()
    subprocess.run(["gio", "launch", str(home / "config" / "autostart" / "moodcast.desktop")], check=True, timeout=60)
    assert got(program) == '["window", "--background"]'


@pytest.mark.skipif(sys.platform == "win32", reason="Linux desktops have these files")
def test_a_desktop_really_opens_our_links_here(home: Path, program: Path) -> None:
    need("gio")
    (home / "config").mkdir()
    (home / "config" / "mimeapps.list").write_text("[Default Applications]\ntext/html=browser.desktop\n")
    scheme.register()
    told = subprocess.run(["gio", "mime", "x-scheme-handler/moodcast"], capture_output=True, text=True, check=True)
    assert "moodcast.desktop" in told.stdout.splitlines()[0]
    subprocess.run(["gio", "open", LINK], check=True, timeout=60)
    assert got(program) == f'["window", "--invitation={LINK}"]'
    program.unlink()
    subprocess.run(
        ["gio", "launch", str(home / "data" / "applications" / "moodcast.desktop")], check=True, timeout=60
    )  # as from the menu of applications
    assert got(program) == '["window", "--invitation="]'
    scheme.unregister()
    assert (home / "config" / "mimeapps.list").read_text() == "[Default Applications]\ntext/html=browser.desktop\n"


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \\\"'`$%=;#[]"), min_size=1))
def test_any_word_is_read_back_as_it_was(word: str) -> None:
    """As the specification says it is read: escapes of the file, quotes and escapes of the words, then field codes."""
    line = next(line for line in entry("x", ["/bin/true", word], {}).splitlines() if line.startswith("Exec="))
    text = line.removeprefix("Exec=").replace("\\\\", "\0").replace("\\s", " ").replace("\0", "\\")
    assert text.startswith("/bin/true ")
    quoted = text.removeprefix("/bin/true ")
    if quoted.startswith('"'):
        assert quoted.endswith('"')
        found, letters = "", iter(quoted[1:-1])
        for letter in letters:
            assert letter not in '"`$'
            found += next(letters) if letter == "\\" else letter
    else:
        found = quoted
        assert not set(found) & set(" \"'\\><~|&;$*?#()`")
    assert found.replace("%%", "\0").count("%") == 0
    assert found.replace("%%", "%") == word


def test_a_word_that_cant_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="without control characters"):
        entry("x", ["/bin/a\nExec=evil"], {})


@given(
    st.lists(st.sampled_from(["", "[Default Applications]", "text/html=a.desktop", "# note", "[Added Associations]"]))
)
def test_what_others_chose_stays_as_it_is(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    chosen = scheme.with_default(text)
    assert chosen.splitlines().count("x-scheme-handler/moodcast=moodcast.desktop") == 1
    assert scheme.with_default(chosen) == chosen
    left = scheme.without_default(chosen)
    assert left in (text, text + "[Default Applications]\n")


def test_a_file_of_other_bytes_and_rights_keeps_them(home: Path) -> None:
    file = home / "dotfiles" / "mimeapps.list"
    file.parent.mkdir()
    file.write_bytes(b"# caf\xe9\n")
    file.chmod(0o600)
    (home / "config").mkdir()
    (home / "config" / "mimeapps.list").symlink_to(file)
    scheme.register()
    assert file.read_bytes().startswith(b"# caf\xe9\n[Default Applications]\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert (home / "config" / "mimeapps.list").is_symlink()


def test_where_it_cant_be_written_it_says_so(home: Path) -> None:
    (home / "config").write_text("no folder")
    with pytest.raises(OSError, match="config"):
        autostart.enable()


def test_macos_and_windows_get_the_same_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autostart, "command", lambda *words: ["/Applications/Mood cast", *words])
    monkeypatch.setattr(scheme, "command", lambda *words: ["C:\\Mood cast\\moodcast.exe", *words])
    agent = plistlib.loads(autostart.plist())
    assert agent["ProgramArguments"] == ["/Applications/Mood cast", "window", "--background"]
    assert agent["RunAtLoad"] is True
    assert "KeepAlive" not in agent  # who quits it has quit it
    run = autostart.run_value()
    assert run.key == r"Software\Microsoft\Windows\CurrentVersion\Run"
    assert run.text == '"/Applications/Mood cast" window --background'
    values = {(value.key, value.name): value.text for value in scheme.values()}
    assert values[r"Software\Classes\moodcast", "URL Protocol"] == ""
    opened = values[r"Software\Classes\moodcast\shell\open\command", ""]
    assert opened == '"C:\\Mood cast\\moodcast.exe" window "--invitation=%1"'


def test_windows_opens_no_console(tmp_path: Path) -> None:
    for name in ("python.exe", "pythonw.exe"):
        (tmp_path / name).touch()
    assert registry.command_line([str(tmp_path / "python.exe"), "x"]).endswith("pythonw.exe x")
    (tmp_path / "pythonw.exe").unlink()
    assert registry.command_line([str(tmp_path / "python.exe"), "x"]).endswith("python.exe x")
