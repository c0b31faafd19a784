"""The switches of the settings and what the desktop has: the one follows the other."""

import sys
from pathlib import Path

import msgspec
import pytest

from agent.app.settings import Remembered
from agent.desktop import autostart, scheme
from agent.desktop.places import DesktopPlaces


class Settings:
    def __init__(self) -> None:
        self.remembered = Remembered()
        self.refused: dict[str, str] = {}

    def change(self, **values: object) -> None:
        self.remembered = msgspec.structs.replace(self.remembered, **values)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def files(home: Path) -> set[str]:
    return {file.relative_to(home).as_posix() for file in home.rglob("*.desktop")}


def test_nothing_is_written_before_a_switch_is_on_and_what_is_switched_off_is_gone(home: Path) -> None:
    app = Settings()
    places = DesktopPlaces(app)
    places.follow()
    assert not list(home.iterdir())
    app.change(start_at_login=True)
    places.follow()
    assert files(home) == {"config/autostart/moodcast.desktop"}
    app.change(start_at_login=False, open_links=True)
    places.follow()
    assert files(home) == {"data/applications/moodcast.desktop"}
    app.change(open_links=False)
    places.follow()
    assert files(home) == set()


def test_what_the_desktop_has_removed_stays_so_and_what_it_has_is_our_path_of_now(home: Path) -> None:
    app = Settings()
    app.change(start_at_login=True, open_links=True)
    scheme.register()
    entry = home / "data" / "applications" / "moodcast.desktop"
    entry.write_text("[Desktop Entry]\nExec=/where/it/was\n")
    DesktopPlaces(app)
    assert not app.remembered.start_at_login
    assert not autostart.is_enabled()
    assert app.remembered.open_links
    assert "/where/it/was" not in entry.read_text()


def test_what_cant_be_written_switches_itself_off_and_says_why(home: Path) -> None:
    app = Settings()
    places = DesktopPlaces(app)
    (home / "config").write_text("no folder")
    app.change(start_at_login=True)
    places.follow()
    assert not app.remembered.start_at_login
    assert app.refused == {"start_at_login": f"Not a directory ({home / 'config' / 'autostart'})"}
    (home / "config").unlink()
    app.change(start_at_login=True)
    places.follow()
    assert app.remembered.start_at_login
    assert not app.refused


def test_what_cant_be_removed_stays_on_and_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Settings()
    places = DesktopPlaces(app)
    app.change(start_at_login=True)
    places.follow()

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", unlink)
    app.change(start_at_login=False)
    places.follow()
    assert app.remembered.start_at_login
    assert "Permission denied" in app.refused["start_at_login"]
