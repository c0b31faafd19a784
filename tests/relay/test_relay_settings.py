"""The settings table of the relay, from the command line and the environment."""

import argparse

import pytest

from relay import settings
from relay.config import RelaySettings
from relay.errors import SettingsError


def load(*arguments: str, **environ: str) -> RelaySettings:
    parser = argparse.ArgumentParser()
    settings.add_arguments(parser, RelaySettings)
    return settings.load(RelaySettings, parser.parse_args(arguments), environ)


def test_defaults() -> None:
    assert load() == RelaySettings()
    assert RelaySettings().host == "127.0.0.1"


def test_the_command_line_goes_before_the_environment() -> None:
    found = load("--port", "0", MOODCAST_PORT="9000", MOODCAST_MIN_VIEWERS="1")
    assert (found.port, found.min_viewers) == (0, 1)


def test_every_wrong_option_is_named_with_what_came() -> None:
    with pytest.raises(SettingsError) as error:
        load("--port", "99999", "--tick-ms", "fast", "--channel", "no spaces", MOODCAST_MIN_VIEWERS="0")
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    for part in ("--port", "'99999'", "--tick-ms", "'fast'", "--channel", "'no spaces'", "MOODCAST_MIN_VIEWERS"):
        assert part in str(error.value)


def test_what_was_expected_is_told_in_a_users_words() -> None:
    wrong = {
        "--port": ("99999", "a whole number from 0 to 65535"),
        "--tick-ms": ("1.5", "a whole number from 50 to 5000"),
        "--drain-seconds": ("soon", "a number from 0 to 600"),
        "--log-format": ("xml", "json or text"),
        "--origins": ("everywhere", "text of the form that is told here"),
        "--require-tickets": ("maybe", "auto or off or on"),
    }
    with pytest.raises(SettingsError) as error:
        load(*[word for flag, (text, _) in wrong.items() for word in (flag, text)], MOODCAST_CHECK="perhaps")
    lines = dict(line.split(": ", 1) for line in str(error.value).splitlines())
    assert lines.pop("MOODCAST_CHECK").startswith("expected true or false, got 'perhaps'. ")
    assert lines.keys() == wrong.keys()
    for flag, (text, expected) in wrong.items():
        assert lines[flag].startswith(f"expected {expected}, got {text!r}. "), lines[flag]


def test_the_table_becomes_documentation() -> None:
    text = settings.markdown(RelaySettings)
    assert "| `--min-viewers` | `5` | `MOODCAST_MIN_VIEWERS` |" in text


def test_a_wrong_secret_is_named_but_not_repeated() -> None:
    with pytest.raises(SettingsError) as error:
        load("--create-key", "tooshort")
    assert "--create-key" in str(error.value)
    assert "tooshort" not in str(error.value)
