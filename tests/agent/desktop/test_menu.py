"""What the tray says of a state, and what can be clicked."""

import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.app.state import Camera, Link, Place, State, Wish
from agent.desktop import menu, pictures
from relay.protocol import EXPRESSIONS

PLACE = Place(relay="https://mood.example.org", channel="thechannel", password="s3cret")
states = st.builds(
    State,
    place=st.sampled_from([None, PLACE]),
    link=st.sampled_from(typing.get_args(Link)),
    problem=st.sampled_from(["", "The relay is gone."]),
    wish=st.sampled_from(typing.get_args(Wish)),
    camera=st.sampled_from(typing.get_args(Camera)),
    camera_problem=st.sampled_from(["", "Another program has it."]),
    label=st.sampled_from([None, *EXPRESSIONS]),
)


def say(key: str, **values: object) -> str:
    return " ".join([key, *(str(value) for value in values.values() if value)])


def shown(**values: typing.Any) -> menu.Menu:
    return menu.menu(State(**{"place": PLACE, "link": "joined", **values}), say)


def clickable(menu_: menu.Menu) -> set[str]:
    return {item.act for item in menu_.items if item and item.act and item.enabled}


@given(states)
def test_pause_window_and_quit_are_always_within_reach(state: State) -> None:
    assert clickable(menu.menu(state, say)) >= {"paused", "show", "quit"}


@given(states)
def test_no_icon_says_paused_while_the_camera_is_on(state: State) -> None:
    found = menu.menu(state, say)
    if state.camera in ("starting", "on"):
        assert found.sign in ("sharing", "trouble")
        assert found.title.split(" ")[0] not in ("tray.is_paused", "tray.is_taps")
    if state.wish == "paused" and state.camera == "off" and state.link != "ended":
        assert found.sign == "paused"


@given(states, states)
def test_all_menus_have_the_same_lines(one: State, other: State) -> None:
    lines = [[item and item.act for item in menu.menu(state, say).items] for state in (one, other)]
    assert lines[0] == lines[1]


@given(states)
def test_the_one_that_is_wished_is_chosen_and_the_password_is_nowhere(state: State) -> None:
    found = menu.menu(state, say)
    assert [item.act for item in found.items if item and item.chosen] == [state.wish]
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("values", "sign", "title"),
    [
        ({}, "paused", "tray.is_paused"),
        ({"wish": "taps"}, "taps", "tray.is_taps"),
        ({"wish": "face", "camera": "on", "label": "happy"}, "sharing", "tray.is_sharing label.happy"),
        ({"wish": "face", "camera": "on"}, "sharing", "tray.is_away"),
        ({"wish": "face", "camera": "starting"}, "sharing", "tray.is_starting"),
        ({"wish": "face", "camera": "waiting"}, "trouble", "tray.is_without_camera"),
        ({"wish": "face", "camera": "on", "link": "lost"}, "trouble", "tray.is_lost"),
        ({"camera": "on"}, "sharing", "tray.is_camera_alone"),
        ({"link": "ended"}, "trouble", "tray.is_ended"),
    ],
)
def test_each_state_has_its_sign_and_words(values: dict[str, typing.Any], sign: str, title: str) -> None:
    found = shown(**values)
    assert (found.sign, found.title) == (sign, title)
    assert found.items[0] == menu.Item(title, enabled=False)


def test_without_a_channel_nothing_can_be_shared() -> None:
    assert clickable(shown(place=None, link="none")) == {"paused", "show", "quit"}
    assert clickable(shown()) == {"paused", "taps", "face", "show", "quit"}


def test_the_tooltip_has_channel_and_problem() -> None:
    lines = shown(wish="face", camera="waiting", camera_problem="Another program has it.").tooltip.splitlines()
    assert lines == ["tray.is_without_camera", "thechannel", "Another program has it."]


def test_the_signs_differ_in_form_too() -> None:
    greys = [pictures.draw(sign, 22).convert("LA").tobytes() for sign in typing.get_args(menu.Sign)]
    assert len(set(greys)) == 4
    assert len(pictures.argb("paused", 22)) == 22 * 22 * 4
    assert pictures.argb("paused", 22)[0] == 0  # a corner: transparent, and alpha comes first
    assert pictures.png("paused", 22).startswith(b"\x89PNG")
