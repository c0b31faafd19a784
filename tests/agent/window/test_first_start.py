"""The first start, by somebody at the window: real clicks and keys, the real agent, a real relay."""
# ruff: noqa: RUF001  # the marks of Chinese are meant

import asyncio
import json
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web
from PIL import Image

from relay import app
from relay.app import Relay
from relay.common.texts import LANGUAGES
from relay.config import RelaySettings
from tests import support
from tests.agent.window.desk import Desk
from tests.strange import Server, redirect
from tests.support import HANG_S, free_port, request, subscribe, wait_until

RELAY = "Where do you watch?"


async def listed(relay: Relay, name: str, password: str = "") -> Any:
    """A new channel that strangers are told of; its keys."""
    keys = relay.create_channel(name)
    status, _ = await support.request(relay.url, "PATCH", name, keys.admin_key, {"listed": True})
    assert status == 200
    if password:
        status, _ = await support.request(relay.url, "PUT", f"{name}/password", keys.admin_key, {"password": password})
        assert status == 200
    return keys


async def to_the_relay(desk: Desk, address: str) -> None:
    """From the first screen to the answer of a relay."""
    await desk.at("Welcome to Moodcast")
    await desk.press("Return")
    await desk.at(RELAY)
    await desk.write(address)
    await desk.press("Return")


async def to_new_keys(desk: Desk, address: str) -> list[str]:
    """From the first screen to the keys of a channel ``mine``, which are shown: the admin's and the display's."""
    await to_the_relay(desk, address)
    await desk.at("Channels")
    await desk.press("alt+c")
    await desk.at("Create a channel")
    await desk.write("mine")
    await desk.press("Return")
    await desk.at("mine is yours")

    async def both() -> list[str]:
        keys = await shown_keys(desk)
        return keys if len(keys) == 2 else []

    return await wait_until(both)


async def shown_keys(desk: Desk) -> list[str]:
    """Those that are on the screen."""
    return [one.text for one in await desk.see() if one.kind == "TEntry"]


async def has_kind(desk: Desk, kind: str) -> bool:
    return any(one.kind == kind for one in await desk.see())


async def ticked(desk: Desk) -> bool:
    return any("selected" in one.states for one in await desk.see() if one.kind == "TCheckbutton")


async def is_focused(desk: Desk, kind: str) -> bool:
    return any(one.focused and one.kind == kind for one in await desk.see())


def settings(folder: Path) -> Any:
    return json.loads((folder / "settings.json").read_text("utf-8"))


@pytest.mark.relay(min_viewers=5)
async def test_from_an_empty_folder_to_a_channel_that_is_joined(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = await listed(relay, "filmnight")
    async with Desk.opened(tmp_path / "settings", display) as desk:
        await desk.at("Welcome to Moodcast")
        await desk.type("Kim")
        await desk.focuses("Kim")
        await desk.click("Continue", "TButton")
        await desk.at(RELAY)
        await desk.write(relay.url)
        await desk.click("Continue", "TButton")
        await desk.at("Channels")
        await desk.click("filmnight fewer than 5", "row")
        await desk.find("filmnight", "TEntry")
        await desk.click("Join", "TButton")
        await desk.at("Share your expression with filmnight?")
        text = await desk.text()
        for fact in (relay.url, "channel filmnight", "Kim", "once people of five networks share", "Pictures, and"):
            assert fact in text
        subscriber = await subscribe(relay.url, "filmnight", keys.display_key)
        assert (await subscriber.mood()).viewers == 0
        await desk.click("Taps only, no camera", "TButton")
        await subscriber.mood(lambda mood: mood.viewers == 1)
        await subscriber.close()
    stored = settings(tmp_path / "settings")
    assert (stored["name"], stored["relay"], stored["channel"]) == ("Kim", relay.url, "filmnight")
    assert stored.get("consents", []) == []


async def test_the_camera_is_not_touched_before_a_yes(relay: Relay, display: str, tmp_path: Path) -> None:
    """Whatever opens the camera is a process of its own, so without one nothing is open."""
    relay.create_channel("filmnight")
    Image.new("RGB", (320, 240)).save(tmp_path / "face.png")  # in place of a camera, which few machines of tests have
    (tmp_path / "settings.json").write_text(json.dumps({"camera": str(tmp_path / "face.png")}))
    async with Desk.opened(tmp_path, display) as desk:
        program = psutil.Process(desk.process.pid)
        await to_the_relay(desk, f"{relay.url}/join/filmnight")
        await desk.at("Share your expression with filmnight?")
        await desk.press("Return", "Return", "Escape")
        await desk.at(RELAY)
        assert program.children() == []
        await desk.press("Return")
        await desk.at("Share your expression with filmnight?")
        await desk.press("Return")  # a Return too many agrees to nothing
        assert "Share your expression with filmnight?" in await desk.text()
        assert program.children() == []
        await desk.click("Yes, read this file", "TButton")
        await wait_until(program.children)
    (consent,) = settings(tmp_path)["consents"]
    assert (consent["relay"], consent["channel"], consent.get("at_once", False)) == (relay.url, "filmnight", False)


async def test_where_the_streamer_takes_no_cameras_it_is_taps_that_are_asked_about(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    keys = relay.create_channel("filmnight")
    change = {"cameras": False, "notice": "Tap along & <b>laugh</b>!"}
    assert (await request(relay.url, "PATCH", "filmnight", keys.admin_key, change))[0] == 200
    async with Desk.opened(tmp_path, display) as desk:
        program = psutil.Process(desk.process.pid)
        await to_the_relay(desk, f"{relay.url}/join/filmnight")
        await desk.at("Join filmnight with taps?")
        text = await desk.text()
        assert "The streamer says" in text
        assert "\u201cTap along & <b>laugh</b>!\u201d" in text
        assert "turn the camera on" not in text
        await desk.press("Return")  # a Return too many agrees to nothing
        assert "Join filmnight with taps?" in await desk.text()
        await desk.click("Join with taps", "TButton")
        await desk.reads("takes no cameras here")
        assert program.children() == []
    stored = settings(tmp_path)
    assert (stored.get("taps_only", False), stored.get("consents", [])) == (False, [])


async def test_wrong_addresses_are_told_at_the_field(relay: Relay, display: str, tmp_path: Path) -> None:
    server = Server({"/v1/channels": redirect(302, relay.url)})
    async with server.serve(), Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, "mood example")
        await desk.reads("without spaces")
        await desk.press("ctrl+a", "BackSpace", "Return")
        await desk.reads("Type or paste the address")
        nobody = f"127.0.0.1:{free_port()}"
        await desk.write(nobody)
        await desk.press("Return")
        await desk.reads(f"No Moodcast relay answers at http://{nobody}")
        await desk.write(server.url)
        await desk.press("Return")
        await desk.reads("sends on to another address")

        async def page(_: web.Request) -> web.Response:
            return web.Response(text="<html>A page</html>", content_type="text/html")

        server.answers["/v1/channels"] = page
        await desk.write(f"{server.url}/")
        await desk.press("Return")
        await desk.reads("No Moodcast relay answers")
        assert await is_focused(desk, "TEntry")


async def test_a_channel_that_is_not_there_and_one_with_a_password(relay: Relay, display: str, tmp_path: Path) -> None:
    await listed(relay, "secret", password="sesame")
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, relay.url)
        await desk.at("Channels")
        await desk.find("secret fewer than 5 password", "row")
        await desk.press("Tab")
        await desk.write("nosuch")
        await desk.press("Return")
        await desk.reads("has no channel nosuch")
        await desk.write("no such")
        await desk.press("Return")
        await desk.reads("letters, digits, _ and -")
        await desk.write("secret")
        await desk.press("Return")
        await desk.at("secret has a password")
        await desk.write("wrong")
        await desk.press("Return")
        await desk.reads("That is not the password of secret")
        await desk.write("sesame")
        await desk.click("Keep it on this computer, for the next start", "TCheckbutton")
        await desk.press("Return")
        await desk.at("Share your expression with secret?")
        await desk.press("alt+t")
        await wait_until(lambda: (tmp_path / "keys.json").exists())
    async with Desk.opened(tmp_path, display) as desk:
        await desk.at("Share your expression with secret?")  # nobody asks for it again
        await desk.press("Escape")
        await desk.at(RELAY)
        await desk.write(f"{relay.url}/join/secret")
        await desk.press("Return")
        await desk.at("Share your expression with secret?")
    assert "sesame" not in (tmp_path / "settings.json").read_text("utf-8")


async def test_a_relay_that_is_older_than_the_list_is_joined_by_name(display: str, tmp_path: Path) -> None:
    async def refuse(_: web.Request) -> web.Response:
        error = {"code": 4404, "message": "no such path", "action": "stop"}
        return web.json_response({"error": error}, status=405)

    async with Server({"/v1/channels": refuse}).serve() as server, Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, server.url)
        await desk.at("Channels")
        await desk.reads("older than the list")
        assert await is_focused(desk, "TEntry")


async def test_the_list_is_brought_up_to_date_while_it_is_looked_at(relay: Relay, display: str, tmp_path: Path) -> None:
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, relay.url)
        await desk.at("Channels")
        await desk.reads("No channel is listed here now")
        await listed(relay, "later")
        await desk.find("later fewer than 5", "row")


async def test_a_long_list_shows_that_it_goes_on(relay: Relay, display: str, tmp_path: Path) -> None:
    for number in range(40):
        await listed(relay, f"friday-night-film-club-{number:02}")
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, relay.url)
        await desk.at("Channels")
        await wait_until(lambda: has_kind(desk, "TScrollbar"))
        await desk.press(*["Down"] * 39)
        await desk.find("friday-night-film-club-39", "TEntry")
        await desk.find("friday-night-film-club-39 fewer than 5", "row")


async def test_keys_alone_lead_through_and_back(relay: Relay, display: str, tmp_path: Path) -> None:
    await listed(relay, "first")
    await listed(relay, "second")
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, relay.url)
        await desk.at("Channels")
        await desk.press("Down", "Tab")
        await wait_until(lambda: is_focused(desk, "TEntry"))
        assert (await desk.focused()).text in ("first", "second")
        for name in ("Back", "Create a channel …", "Join"):
            await desk.press("Tab")
            await desk.focuses(name)
        await desk.press("shift+Tab", "shift+Tab", "space")
        await desk.at(RELAY)
        await desk.press("Escape")
        await desk.at("Welcome to Moodcast")
        await desk.press("alt+n")
        await desk.at(RELAY)


async def test_a_channel_of_ones_own(relay: Relay, display: str, tmp_path: Path) -> None:
    async with Desk.opened(tmp_path, display) as desk:
        keys = await to_new_keys(desk, relay.url)
        status, _ = await support.request(relay.url, "GET", "mine", keys[0])
        assert status == 200
        await desk.click("Keep both on this computer", "TButton")
        await wait_until(lambda: (tmp_path / "keys.json").exists())
        await desk.reads("Not listed")
        await desk.press("alt+l")
        await desk.reads("Listed: its name")
        _, opened = await support.request(relay.url, "GET", "mine", keys[0])
        assert opened["listed"]
        await desk.press("alt+d")
        await desk.at("Channels")
        await desk.find("mine", "TEntry")
    assert set(json.loads((tmp_path / "keys.json").read_text()).values()) == set(keys)


async def test_an_invitation_from_outside_asks_and_leaves_all_else_as_it_is(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    keys = {name: relay.create_channel(name) for name in ("here", "there")}
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, f"{relay.url}/join/here")
        await desk.at("Share your expression with here?")
        await desk.press("alt+t")
        here = await subscribe(relay.url, "here", keys["here"].display_key)
        there = await subscribe(relay.url, "there", keys["there"].display_key)
        await here.mood(lambda mood: mood.viewers == 1)
        await desk.ask("invite moodcast://join?relay=nowhere")
        await desk.reads("This invitation does not work")
        await desk.press("Escape")
        link = f"moodcast://join?relay={relay.url.replace(':', '%3A').replace('/', '%2F')}&channel=there"
        await desk.ask(f"invite {link}")
        await desk.at("You are invited")
        for words in ("there", relay.url, "You are in here"):
            await desk.reads(words)
        await desk.press("Return")  # meant for another program
        assert "You are invited" in await desk.text()
        await desk.click("Join", "TButton")
        await desk.at("Share your expression with there?")
        assert (await here.mood()).viewers == 1
        await desk.press("Escape")  # no, and all is as before
        await desk.reads("Taps only")
        assert (await here.mood()).viewers == 1
        await desk.ask(f"invite {link}")
        await desk.at("You are invited")
        await desk.press("alt+j")
        await desk.at("Share your expression with there?")
        await desk.click("Taps only, no camera", "TButton")
        await there.mood(lambda mood: mood.viewers == 1)
        await here.mood(lambda mood: mood.viewers == 0)
        await here.close()
        await there.close()


async def test_an_invitation_waits_until_new_keys_were_seen(relay: Relay, display: str, tmp_path: Path) -> None:
    """They are shown this once, and any page may open an invitation."""
    relay.create_channel("there")
    async with Desk.opened(tmp_path, display) as desk:
        await to_new_keys(desk, relay.url)
        await desk.ask("invite moodcast://join?relay=nowhere")
        await desk.ask(f"invite {relay.url}/join/there")
        await desk.settled()
        assert "mine is yours" in await desk.text()
        await desk.press("alt+k")
        await desk.click("Done, I have the keys", "TButton")
        await desk.at("You are invited")
        await desk.reads("there")


async def test_keys_are_shown_though_their_screen_was_left_while_they_came(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def channels(request: web.Request) -> web.Response:
        if request.method == "POST":
            asked.set()
            await go_on.wait()
            return web.json_response({"channel": "mine", "admin_key": "a" * 43, "display_key": "d" * 43})
        return web.json_response({"channels": [], "may_create": True})

    async with Server({"/v1/channels": channels}).serve() as server, Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, server.url)
        await desk.at("Channels")
        await desk.press("alt+c")
        await desk.at("Create a channel")
        await desk.write("mine")
        await desk.press("Return")
        await asyncio.wait_for(asked.wait(), HANG_S)
        await desk.ask(f"invite {relay.url}/join/there")
        await desk.at("You are invited")
        go_on.set()
        await desk.find("a" * 43, "TEntry")


async def test_resuming_with_the_face_asks_where_only_taps_were_agreed_to(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    relay.create_channel("filmnight")
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, f"{relay.url}/join/filmnight")
        await desk.at("Share your expression with filmnight?")
        await desk.press("alt+t")
        await desk.click("Taps only", "TCheckbutton")
        await desk.at("Share your expression with filmnight?")
        await desk.press("Escape")
        await desk.find("Taps only", "TCheckbutton")


async def test_the_next_start_joins_the_same_channel_again(relay: Relay, display: str, tmp_path: Path) -> None:
    keys = relay.create_channel("filmnight")
    subscriber = await subscribe(relay.url, "filmnight", keys.display_key)
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, f"{relay.url}/join/filmnight")
        await desk.at("Share your expression with filmnight?")
        await desk.click("Yes, turn the camera on", "TButton")
        await subscriber.mood(lambda mood: mood.viewers == 1)
    await subscriber.mood(lambda mood: mood.viewers == 0)
    async with Desk.opened(tmp_path, display) as desk:
        await subscriber.mood(lambda mood: mood.viewers == 1)
        assert psutil.Process(desk.process.pid).children() == []  # paused, the camera shut
    await subscriber.close()


async def test_sharing_begins_by_itself_only_where_that_was_ticked(relay: Relay, display: str, tmp_path: Path) -> None:
    relay.create_channel("filmnight")
    Image.new("RGB", (320, 240)).save(tmp_path / "face.png")
    (tmp_path / "settings.json").write_text(json.dumps({"camera": str(tmp_path / "face.png")}))
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, f"{relay.url}/join/filmnight")
        await desk.at("Share your expression with filmnight?")
        await desk.press("alt+s")
        await wait_until(lambda: ticked(desk))
        await desk.press("alt+y")
        await wait_until(psutil.Process(desk.process.pid).children)
    async with Desk.opened(tmp_path, display) as desk:
        await wait_until(psutil.Process(desk.process.pid).children)


@pytest.mark.parametrize(
    "language",
    ["en", "zh_TW", *(pytest.param(one, marks=pytest.mark.nightly) for one in LANGUAGES if one not in ("en", "zh-TW"))],
)
async def test_as_small_as_it_gets_all_can_be_reached(
    relay: Relay, display: str, tmp_path: Path, language: str
) -> None:
    relay.create_channel("filmnight")
    async with Desk.opened(tmp_path, display, LANGUAGE=language) as desk:
        await desk.settled()
        await desk.press("Return")
        await desk.settled()
        await desk.write(f"{relay.url}/join/filmnight")
        await desk.press("Return")
        await wait_until(lambda: has_kind(desk, "TCheckbutton"))
        await desk.xdotool("search", "--name", "^Moodcast$", "windowsize", "100", "100")
        await desk.settled()
        await desk.press("Tab")
        await wait_until(lambda: is_focused(desk, "TCheckbutton"))
        await desk.settled()
        seen = await desk.see()
        _, top, width, height = seen[0].box
        assert (width, height) == (440, 420)
        assert [
            one for one in seen if one.kind in ("TButton", "TCheckbutton", "TLabel") and one.needs > one.box[2]
        ] == []
        tick = await desk.focused()
        buttons = [one.box for one in seen if one.kind == "TButton"]
        assert tick.box[1] >= top
        assert tick.box[1] + tick.box[3] <= min(box[1] for box in buttons)
        assert max(box[1] + box[3] for box in buttons) <= top + height


async def test_damaged_settings_are_told(display: str, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"name": "Kim"')
    async with Desk.opened(tmp_path, display) as desk:
        await desk.at("Welcome to Moodcast")
        await desk.reads("settings.damaged")


async def test_a_start_without_the_relay_waits_for_it(display: str, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (tmp_path / "settings.json").write_text(json.dumps({"relay": url, "channel": "filmnight"}))
    async with Desk.opened(tmp_path, display) as desk:
        await desk.reads(f"No Moodcast relay answers at {url}")
        await desk.reads("Trying again by itself.")
        relay = await app.start(RelaySettings(port=port, data=str(tmp_path / "relay"), min_viewers=1))
        relay.create_channel("filmnight")
        await desk.at("Share your expression with filmnight?")
        await relay.stop()


async def test_an_invitation_ends_with_its_password(relay: Relay, display: str, tmp_path: Path) -> None:
    await listed(relay, "secret", password="new")
    async with Desk.opened(tmp_path, display) as desk:
        await to_the_relay(desk, f"{relay.url}/join/secret#password=old")
        await desk.at("secret has a password")
        await desk.reads("That is not the password of secret")
        await desk.write("new")
        await desk.press("Return")
        await desk.at("Share your expression with secret?")


async def test_all_is_said_in_chinese_too(relay: Relay, display: str, tmp_path: Path) -> None:
    relay.create_channel("filmnight")
    async with Desk.opened(tmp_path, display, LANGUAGE="zh_TW") as desk:
        if "歡迎" not in await desk.text():
            pytest.skip("no font with Chinese signs is installed (apt install fonts-noto-cjk)")
        await desk.at("歡迎使用 Moodcast")
        await desk.press("Return")
        await desk.at("您要加入哪裡？")
        await desk.write(f"{relay.url}/join/filmnight")
        await desk.press("alt+n")
        await desk.at("要和 filmnight 分享您的表情嗎？")
        text = await desk.text()
        assert "影像" in text
        assert "即使只有一個人分享" in text
