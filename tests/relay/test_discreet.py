"""No value that holds a password or a key shows it where it is printed."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import get_type_hints

import msgspec
import pytest

import agent
import relay
from relay.common.discreet import SECRETS


def holders(kind: type[msgspec.Struct] = msgspec.Struct) -> Iterator[type[msgspec.Struct]]:
    """All classes of ours with a text in one of these fields."""
    for one in kind.__subclasses__():
        if one.__module__.partition(".")[0] in ("agent", "relay") and any(
            get_type_hints(one)[name] is str for name in SECRETS & {*one.__struct_fields__}
        ):
            yield one
        yield from holders(one)


def test_whatever_holds_a_secret_does_not_show_it() -> None:
    for package in (agent, relay):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            try:
                importlib.import_module(module.name)
            except ImportError:  # of a desktop that is not this one
                continue
    found = {*holders()}
    assert {"AgentSettings", "WindowSettings", "Hello", "Place", "ChannelKeys"} <= {one.__name__ for one in found}
    for one in found:
        fields = dict.fromkeys(SECRETS & {*one.__struct_fields__}, "s3cret")
        names = [field.name for field in msgspec.structs.fields(one) if field.required]
        required = {name: "http://x" if name == "relay" else "x" for name in names}
        value = one(**{**required, **fields})
        assert "s3cret" not in repr(value), one
        assert "s3cret" not in f"{[value]} {value!s}", one


@pytest.mark.parametrize("password", ["", "sesame"])
def test_the_rest_is_shown(password: str) -> None:
    from agent.config import AgentSettings

    told = repr(AgentSettings(channel="demo", password=password))
    assert "channel='demo'" in told
    assert ("password=…" if password else "password=''") in told
