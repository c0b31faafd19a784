"""Passwords and keys: in a real keyring where there can be one, else in a file of the user's alone."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agent.desktop.keys import Keys
from tests.agent.desktop.session import bus, homed, need

pytest.importorskip("keyring", reason="the agent's packages are not installed")
ROOT = Path(__file__).parents[3]
PLACE = "https://mood.example.org", "thechannel"
CODE = """
import sys
from pathlib import Path
from agent.desktop.keys import Keys

keys, place = Keys(Path(sys.argv[1])), ("https://mood.example.org", "thechannel")
"""


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    import keyring.backends.fail

    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)


def run(folder: Path, code: str, **environment: str) -> str:
    """What a process prints that keeps its keys in the folder, on a machine with this environment."""
    return subprocess.run(
        [sys.executable, "-c", CODE + textwrap.dedent(code), str(folder / "moodcast")],
        cwd=ROOT, env={**homed(folder), **environment}, capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_a_file_of_the_users_alone_has_them_and_it_is_told(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "moodcast")
    assert keys.find(*PLACE, "password").result(60) == ""
    assert keys.keep(*PLACE, "password", "s3cret").result(60) == "file"
    file = tmp_path / "moodcast" / "keys.json"
    assert keys.file == file
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    keys.keep(*PLACE, "admin", "k3y").result(60)
    keys.keep(PLACE[0], "other", "password", "0ther").result(60)
    again = Keys(tmp_path / "moodcast")
    assert again.find(*PLACE, "password").result(60) == "s3cret"
    assert again.find(*PLACE, "admin").result(60) == "k3y"
    assert again.forget(*PLACE, "password").result(60)
    assert again.find(*PLACE, "password").result(60) == ""
    assert "s3cret" not in file.read_text()
    assert again.find(PLACE[0], "other", "password").result(60) == "0ther"


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": 1}', "\udcff", "x" * 2_000_000])
def test_a_damaged_file_is_kept_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    keys = Keys(tmp_path)
    assert keys.find(*PLACE, "password").result(60) == ""
    keys.keep(*PLACE, "password", "s3cret").result(60)
    assert keys.find(*PLACE, "password").result(60) == "s3cret"
    assert (tmp_path / "keys.damaged.json").exists()


@pytest.mark.usefixtures("no_keyring")
def test_where_nothing_can_be_written_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    keys = Keys(tmp_path / "file")
    assert keys.keep(*PLACE, "password", "s3cret").result(60) == "nowhere"
    assert keys.find(*PLACE, "password").result(60) == ""


def test_without_a_bus_the_file_has_them(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        print(keys.keep(*place, "password", "s3cret").result(60))
        print(keys.find(*place, "password").result(60))
        """,
        DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere",
        DISPLAY="",
    )
    assert said.splitlines() == ["file", "s3cret"]


@pytest.mark.slow
def test_a_real_keyring_has_them_and_no_file(tmp_path: Path) -> None:
    need("gnome-keyring-daemon")
    with bus(tmp_path) as address:
        environment = {**homed(tmp_path), "DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": str(tmp_path)}
        daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert daemon.stdin
            daemon.stdin.write(b"pw")
            daemon.stdin.close()
            said = run(
                tmp_path,
                """
                print(keys.keep(*place, "admin", "k3y").result(60))
                print(keys.find(*place, "admin").result(60))
                print(repr(keys.forget(*place, "admin").result(60)))
                print(repr(keys.find(*place, "admin").result(60)))
                keys.keep(*place, "password", "s3cret").result(60)
                """,
                DBUS_SESSION_BUS_ADDRESS=address,
            )
            assert said.splitlines() == ["keyring", "k3y", "True", "''"]
            assert not (tmp_path / "moodcast").exists()
            subprocess.run(
                ["dbus-send", "--print-reply", f"--bus={address}", "--dest=org.freedesktop.secrets",
                 "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock",
                 "array:objpath:/org/freedesktop/secrets/collection/login"],
                check=True, capture_output=True, timeout=60,
            )  # fmt: skip
            locked = run(
                tmp_path,
                """
                print(repr(keys.find(*place, "password").result(60)))
                print(keys.keep(*place, "password", "an0ther").result(60))
                print(keys.find(*place, "password").result(60))
                print(keys.forget(*place, "password").result(60))
                """,
                DBUS_SESSION_BUS_ADDRESS=address,
                DISPLAY="",
            ).splitlines()
            assert locked == ["''", "file", "an0ther", "False"]
            assert json.loads((tmp_path / "moodcast" / "keys.json").read_text()) == {}
        finally:
            daemon.terminate()
            daemon.wait(30)
