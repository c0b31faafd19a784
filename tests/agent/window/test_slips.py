"""What a slip of the hand does not do: keys held down, clicks too many, a link that opens at the wrong moment."""

import json
from pathlib import Path

import psutil
from PIL import Image

from agent.window.texts import window_texts
from relay.app import Relay
from tests.agent.window.desk import Desk
from tests.agent.window.test_first_start import RELAY, shown_keys, to_new_keys, to_the_relay
from tests.support import subscribe, wait_until

CONSENT = "Share your expression with filmnight?"


async def test_keys_that_are_told_once_stay_until_their_owner_has_them(
    relay: Relay, display: str, tmp_path: Path
) -> None:
    async with Desk.opened(tmp_path, display) as desk:
        keys = await to_new_keys(desk, relay.url)
        await desk.reads("First copy both keys")
        await desk.press("Return", "alt+d", "Escape", "ctrl+p")  # a Return too many, and what else leads on elsewhere
        await desk.ask("invite moodcast://join?relay=https%3A%2F%2Fmood.example.org&channel=there")
        await desk.settled()
        assert await shown_keys(desk) == keys
        await desk.click("Copy", "TButton")
        await desk.reads("Copied")
        await desk.press("alt+d")  # one of two
        await desk.settled()
        assert await shown_keys(desk) == keys
        await desk.click("Keep both on this computer", "TButton")
        await desk.click("Done, I have the keys", "TButton")
        await desk.at("You are invited")  # it has waited


async def test_pausing_twice_pauses(relay: Relay, display: str, tmp_path: Path) -> None:
    relay.create_channel("filmnight")
    async with Desk.opened(tmp_path, display) as desk:
        await desk.at("Welcome to Moodcast")
        await desk.press("ctrl+p")  # there is nothing to resume yet
        await to_the_relay(desk, f"{relay.url}/join/filmnight")
        await desk.at(CONSENT)
        await desk.press("alt+t")
        await desk.reads("What you tap below is shared")
        await desk.press("ctrl+p", "ctrl+p", "ctrl+p", "ctrl+p")
        await desk.reads("nothing is shared")
        await desk.settled()
        await desk.reads("nothing is shared")

        await desk.find("  Resume  (Ctrl+P)")
        await desk.press("ctrl+p")
        await desk.reads("What you tap below is shared")


async def test_a_return_too_many_opens_no_camera(relay: Relay, display: str, tmp_path: Path) -> None:
    """Also where the viewer has agreed before, and is not asked again."""
    keys = relay.create_channel("filmnight")
    Image.new("RGB", (320, 240)).save(tmp_path / "face.png")
    (tmp_path / "settings.json").write_text(json.dumps({"camera": str(tmp_path / "face.png")}))
    subscriber = await subscribe(relay.url, "filmnight", keys.display_key)
    async with Desk.opened(tmp_path, display) as desk:
        program = psutil.Process(desk.process.pid)
        await to_the_relay(desk, f"{relay.url}/join/filmnight")
        await desk.at(CONSENT)
        await desk.press("alt+y")
        await wait_until(program.children)
        await desk.press("ctrl+p")
        await wait_until(lambda: not program.children())
        await desk.press("alt+c")
        await desk.at(RELAY)
        await desk.press(*["Return"] * 30)
        await desk.reads("nothing is shared")
        await desk.press("Return", "space")
        await desk.settled()
        assert program.children() == []
        await subscriber.mood(lambda mood: mood.viewers == 1 and mood.sharing == 0)
    await subscriber.close()


async def test_the_widest_texts_fit_the_least_window(relay: Relay, display: str, tmp_path: Path) -> None:
    relay.create_channel("filmnight")
    for language in ("en", "zh-TW"):
        say = window_texts(language)  # type: ignore[arg-type]
        (tmp_path / language).mkdir()
        async with Desk.opened(tmp_path / language, display, LANGUAGE=language.replace("-", "_")) as desk:
            await desk.settled()
            if language == "zh-TW" and say("name.title") not in await desk.text():
                continue  # no font has the signs
            await desk.xdotool("search", "--name", "^Moodcast$", "windowsize", "100", "100")
            await desk.press("Return")
            await desk.at(say("relay.title"))
            await desk.write(relay.url)
            await desk.press("Return")
            await desk.at(say("channels.title"))
            await desk.press("alt+c")
            await desk.at(say("create.title"))
            await desk.write(f"mine-{language}")
            await desk.press("Return")
            await desk.at(say("keys.title", channel=f"mine-{language}"))
            await fits(desk)
            await desk.press("alt+k")
            await wait_until(
                lambda desk=desk, say=say: is_enabled(desk, say("keys.done").split("(")[0].replace("&", ""))
            )
            await desk.press("alt+d")
            await desk.at(say("channels.title"))
            await desk.write("filmnight")
            await desk.press("Return")
            await desk.at(say("consent.title", channel="filmnight"))
            await fits(desk)
            await desk.press("alt+t")
            await desk.reads(say("live.taps.more"))
            await fits(desk)
            await desk.press("alt+s")
            await desk.at(say("settings.title"))
            await fits(desk)
            await desk.press("Escape", "alt+h")
            await desk.at(say("people.title"))
            await fits(desk)


async def is_enabled(desk: Desk, text: str) -> bool:
    return any(one.text.startswith(text) and "disabled" not in one.states for one in await desk.see())


async def fits(desk: Desk) -> None:
    """Nothing that is read is wider than its place."""
    await desk.settled()
    read = ("TButton", "TCheckbutton", "TLabel")
    assert [one for one in await desk.see() if one.kind in read and one.needs > one.box[2]] == []
