"""The invitation in the OBS script's dialog, against the real relay and against strange ones."""

import base64
import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_invite
from obs_plugin.moodcast_invite import Invite, code
from relay import app
from relay.config import RelaySettings
from relay.core import qr
from tests.support import free_port, request, wait_until

LINK = "https://mood.example.org/join/mychannel"
LETTERS = st.text(alphabet="<>&\"'=/ abhref:\n\x00\u202e", max_size=60)


@contextmanager
def following(settings: core.Settings) -> Iterator[Invite]:
    """The part as OBS drives it, ended as the script ends it."""
    invite = Invite(lambda: settings)
    try:
        yield invite
    finally:
        for thread in invite.stop():
            thread.join(20)
            assert not thread.is_alive()


def shown(invite: Invite, *messages: core.Message) -> str:
    invite.tick(time.monotonic(), list(messages))
    return invite.text()


def settings_for(relay: str, admin: str) -> core.Settings:
    return core.Settings.entered(relay, "demo", "display", 1280, 720)._replace(admin=admin)


async def test_with_the_admin_key_the_dialog_has_link_and_code(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    with following(settings_for(relay.url, keys.admin_key)) as invite:
        assert "refresh the status" in shown(invite)
        await wait_until(lambda: shown(invite) and invite.link)
        assert invite.link == f"{relay.url}/join/demo"
        text = shown(invite)
        assert f'<a href="{invite.link}">' in text
        assert "Only this machine can open the invitation" in text
        found = re.search('<img src="data:image/png;base64,(.+?)">', text)
        assert found
        assert base64.b64decode(found[1]) == code(qr.drawn(invite.link).rows)
        assert "join password" not in text
        await request(relay.url, "PUT", "demo/password", keys.admin_key, {"password": "sesame"})
        invite.renew()
        await wait_until(lambda: "Viewers are asked for the join password" in shown(invite))
        assert keys.admin_key not in shown(invite)


async def test_what_stands_in_the_way_is_told(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    with following(settings_for(relay.url, "")) as invite:
        assert shown(invite) == "Takes the channel&#x27;s admin key. The dashboard makes an invitation, too."
    with following(settings_for(relay.url, keys.display_key)) as invite:
        await wait_until(lambda: shown(invite).startswith("No invitation."))
        assert keys.display_key not in shown(invite)


async def test_who_asks_again_and_again_hinders_nothing(relay: app.Relay) -> None:
    keys = relay.create_channel("demo")
    with following(settings_for(relay.url, keys.admin_key)) as invite:

        def asked_again() -> str:
            invite.renew()
            shown(invite)
            return invite.link

        await wait_until(asked_again)
        assert len(invite._threads) <= 2


async def test_a_relay_that_was_away_is_asked_once_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moodcast_invite, "_LASTS_S", 0.1)
    port, data = free_port(), str(tmp_path)
    running = await app.start(RelaySettings(port=port, data=data))
    admin = running.create_channel("demo").admin_key
    await running.stop()
    with following(settings_for(f"http://127.0.0.1:{port}", admin)) as invite:
        await wait_until(lambda: shown(invite).startswith("No invitation."))
        running = await app.start(RelaySettings(port=port, data=data))
        monkeypatch.setattr(moodcast_invite, "_LASTS_S", 60.0)
        await wait_until(lambda: shown(invite, core.Message("status", {}, "")) and invite.link)
        await running.stop()
    assert invite.link == f"http://127.0.0.1:{port}/join/demo"


def test_the_code_is_a_picture_that_is_read() -> None:
    cv2 = pytest.importorskip("cv2", reason="no OpenCV: install moodcast[agent]")
    with Image.open(io.BytesIO(code(qr.drawn(LINK).rows))) as picture:
        assert 120 < picture.width == picture.height <= 168
        drawn = np.array(picture.convert("L"))
    assert cv2.QRCodeDetector().detectAndDecode(drawn)[0] == LINK


@given(
    st.integers(1, 60).flatmap(
        lambda side: st.lists(st.text("01", min_size=side, max_size=side), min_size=side, max_size=side)
    )
)
def test_every_square_stands_where_the_relay_says(rows: list[str]) -> None:
    with Image.open(io.BytesIO(code(rows))) as picture:
        scale = picture.width // len(rows)
        drawn = np.array(picture.convert("L"))[scale // 2 :: scale, scale // 2 :: scale]
    assert [["1" if value == 0 else "0" for value in row] for row in drawn] == [list(row) for row in rows]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(JUNK)
def test_what_are_no_rows_is_no_picture(rows: Any) -> None:
    assert code(rows) == b"" or set("".join(rows)) <= {"0", "1"}
    assert code(["1" * 186] * 186) == b""
    assert code(["10", "1"]) == b""


@given(JUNK | LETTERS.map("https://".__add__) | LETTERS, LETTERS, JUNK, st.sampled_from([None, True, 1, "<b>"]))
def test_a_strange_relay_gets_no_drawing_into_the_dialog(link: Any, note: str, rows: Any, password: Any) -> None:
    invite = Invite(lambda: settings_for("https://h.example", ""))
    invite._invited = {"link": link, "note": note, "rows": rows, "password": password, "svg": "<svg onload='x'>"}
    tags = re.sub(
        r'<a href="https?://[^"<> ]*">|</a>|<br>|<img src="data:image/png;base64,[A-Za-z0-9+/=]+">', "", invite.text()
    )
    assert "<" not in tags
    assert ">" not in tags
    assert "\x00" not in tags
