"""What must be written down a second time, in the pages, OBS's script and the agent, is the same there.

What of the wire contract that they read is compared with docs/protocol.json; ``tests/relay/test_look.py`` compares the
picture with the page, and ``tests/conditions.json`` holds the words of the condition together.
"""

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent import address, sending
from agent.config import AgentSettings
from demo.config import DEFAULT_PORT
from obs_plugin import moodcast_clips as clips
from obs_plugin import moodcast_core as core
from obs_plugin import moodcast_link as link
from obs_plugin import moodcast_wire as wire
from relay import app, protocol
from relay.common import texts
from relay.config import RelaySettings
from relay.core import channel, countdown
from relay.http import endpoints, keys, picture, sessions

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "overlay"
PORT = RelaySettings().port


def constant(script: str, name: str) -> float:
    """The number that a page's script gives a constant."""
    (found,) = re.findall(
        rf"^(?:export )?const {name} = ([\d._]+);", (PAGES / f"{script}.js").read_text(), re.MULTILINE
    )
    return float(found)


def html(page: str, element: str, attribute: str) -> str:
    """An attribute of the one element of a page that begins so."""
    (tag,) = re.findall(rf"<{element}[^>]*>", (PAGES / f"{page}.html").read_text())
    (value,) = re.findall(rf'\b{attribute}="([^"]*)"', tag)
    return str(value)


def bound(table: type[msgspec.Struct], field: str, name: str) -> Any:
    """A bound of a setting or of a message's field, such as ``max_length``."""
    kind = get_type_hints(table, include_extras=True)[field]
    (value,) = {found for meta in get_args(kind) if (found := getattr(meta, name, None)) is not None}
    return value


def test_the_name_of_a_channel() -> None:
    whole = protocol.CHANNEL_PATTERN.removeprefix("^").removesuffix("$")
    assert core.CHANNEL.pattern == whole
    assert f"CHANNEL_PATTERN = /{protocol.CHANNEL_PATTERN}/;" in (PAGES / "contract.js").read_text()
    assert bound(AgentSettings, "channel", "pattern") == f"^$|{protocol.CHANNEL_PATTERN}"  # asked for, if empty
    typed, longest = (html("dashboard", r"input\s+name=\"channel\"", name) for name in ("pattern", "maxlength"))
    assert whole == typed.replace(r"\-", "-").replace("]*", f"]{{0,{int(longest) - 1}}}")


def test_when_a_mood_is_old() -> None:
    assert constant("overlay", "STALE_MS") == 1000 * protocol.STALE_S
    assert link.STALE_S == protocol.STALE_S
    slowest = bound(RelaySettings, "tick_ms", "le") / 1000
    assert slowest == protocol.SLOWEST_TICK_S < protocol.STALE_S
    # A dead line is noticed later than that, so that what is shown is taken for old before the page comes back.
    assert constant("connection", "SILENCE_S") > protocol.STALE_S
    assert protocol.STALE_S < wire.READ_TIMEOUT_S


def test_how_long_things_are_shown() -> None:
    assert link.REACTION_S == channel.RECENT_S < link.MOVING_S
    assert constant("countdown", "SHOWN_MS") == 1000 * countdown.SHOWN_S
    assert constant("countdown", "LEAST_S") == countdown.LEAST_REST_S
    assert constant("countdown", "MOST_S") == protocol.LONGEST_COUNTDOWN_S
    shown = (constant("countdown", "SHOWN_MS") + constant("countdown", "FADE_MS")) / 1000
    assert protocol.LONGEST_COUNTDOWN_S + shown == link.COUNTDOWN_S


def test_how_long_a_relay_may_ask_a_client_to_stay_away() -> None:
    assert constant("connection", "LONGEST_ASKED_S") == core.LONGEST_ASKED_S < sending.LONGEST_HINT_S
    assert constant("connection", "FIRST_DELAY_S") == core.FIRST_WAIT_S
    assert constant("connection", "LONGEST_DELAY_S") == core.LONGEST_WAIT_S
    assert constant("connection", "LASTED_S") == link.LASTED_S


def test_the_sizes_of_pictures() -> None:
    assert core.PICTURE_SIDES == {
        "width": (picture.MIN_WIDTH, picture.MAX_WIDTH),
        "height": (picture.MIN_HEIGHT, picture.MAX_HEIGHT),
    }
    for side, (least, most) in core.PICTURE_SIDES.items():
        assert (core.PAGE_SIDES[side][0], core.PAGE_SIDES[side][1] >= most) == (least, True)


def test_the_lengths_of_texts() -> None:
    assert html("dashboard", r"input id=\"marker\"", "maxlength") == str(sessions.MARKER_LENGTH)
    assert html("dashboard", r"input(?= maxlength=\"\d+\" spellcheck)", "maxlength") == str(sessions.NAME_LENGTH)
    longest = bound(protocol.Subscribe, "key", "max_length")
    assert core.KEY.pattern == f"[!-~]{{1,{longest}}}"
    assert html("dashboard", r"input name=\"key\"", "maxlength") == str(longest)
    assert bound(AgentSettings, "name", "max_length") == bound(protocol.Hello, "name", "max_length")
    assert bound(AgentSettings, "password", "max_length") == bound(keys.Password, "password", "max_length")


def test_chapters_of_the_dashboard_are_those_of_the_obs_script() -> None:
    said = texts.table("session")
    named = {key.partition(".")[2]: text["en"] for key, text in said.items() if key.startswith("moment.")}
    assert named == {name: label for (_, name), label in clips.LABELS.items()}
    assert f"{clips.time_code(0)[:8]} {said['start']['en']}\n" == clips.FIRST_CHAPTER
    source = (PAGES / "session" / "chapters.js").read_text("utf-8")
    assert f'"{clips.HEADER.strip()}"' in source
    assert f"LEAST_CHAPTER_S = {clips._LEAST_CHAPTER_S:g};" in source


def test_what_viewers_may_do() -> None:
    for family, names in (("expression", protocol.EXPRESSIONS), ("tap", protocol.TAPS), ("deed", protocol.TAPS)):
        keys = [key.partition(".")[2] for key in texts.table("common") if key.startswith(f"{family}.")]
        assert tuple(keys) == names


def test_the_relays_port() -> None:
    assert DEFAULT_PORT == PORT
    assert AgentSettings(channel="x").relay == f"http://127.0.0.1:{PORT}"
    for file in ("obs_plugin/moodcast_obs.py", "obs_plugin/moodcast_link.py", "README.md", "relay/common/address.py"):
        assert set(re.findall(r"127\.0\.0\.1:(\d+)", (ROOT / file).read_text())) <= {str(PORT), "9200"}, file
    docker = (ROOT / "Dockerfile").read_text()
    assert f"MOODCAST_PORT={PORT} " in docker
    assert f"EXPOSE {PORT}\n" in docker
    assert set(re.findall(r"relay-\d:(\d+)", (ROOT / "deploy" / "Caddyfile").read_text())) == {str(PORT)}


def test_the_relays_pages_are_known_as_such_where_one_is_pasted() -> None:
    pages = {row.path for row in endpoints.ENDPOINTS} & {"/", "/overlay", "/dashboard", "/try", "/healthz"}
    assert len(pages) == 5
    for path in pages | {row.path for row in endpoints.ENDPOINTS if row.path.startswith("/v1/")}:
        assert address.parse(f"https://relay.example{path.replace('{', '').replace('}', '')}").relay == (
            "https://relay.example"
        )


async def test_a_new_channels_keys_are_keys_to_the_script(relay: app.Relay) -> None:
    made = relay.create_channel("demo")
    for key in (made.display_key, made.admin_key):
        assert core.Settings.entered(relay.url, "demo", key, 1280, 720).problem() == ""


NEAR = ["localhost", "127.0.0.1", "10.1.2.3", "192.168.1.5", "169.254.9.9", "[::1]", "[fd00::5]", "[fe80::1]"]
ODD = ["0.0.0.0", "100.64.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "[::]", "[2001:db8::1]", "[::ffff:10.0.0.1]"]
HOSTS = st.one_of(
    st.ip_addresses().map(lambda found: f"[{found}]" if found.version == 6 else str(found)),
    st.sampled_from([*NEAR, *ODD, "LOCALHOST", "localhost.", "127.0.0.1.", "cats.localhost", "localhost.example"]),
    st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,5}){1,2}", fullmatch=True),
)


@given(HOSTS, st.sampled_from(["", ":8765"]))
def test_an_address_without_a_scheme_is_understood_the_same_by_agent_and_script(host: str, port: str) -> None:
    try:
        understood = address.parse(host + port).relay
    except ValueError:
        return  # the agent looks at names more closely
    scheme = core.Settings.entered(host + port, "demo", "key", 1280, 720).relay.partition(":")[0]
    assert understood.partition(":")[0] == scheme
