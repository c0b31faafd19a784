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


@pytest.mark.parametrize(
    ("given", "url", "names"),
    [
        ("", "", ""),
        ("https://mood.example.org", "https://mood.example.org", "mood.example.org"),
        (" HTTPS://Mood.Example.org:443/a/b/ ", "https://mood.example.org/a/b", "mood.example.org"),
        ("https://m\u00f6\u00f6d.example", "https://xn--md-fkaa.example", "xn--md-fkaa.example"),
        ("https://mood.example.org./", "https://mood.example.org.", "mood.example.org"),
        ("https://mood.example.org/dashboard", "https://mood.example.org", "mood.example.org"),
        ("http://192.168.1.5:8765", "http://192.168.1.5:8765", ""),
        ("http://[::1]:8765", "http://[::1]:8765", ""),
        ("http://localhost:8765", "http://localhost:8765", ""),
    ],
)
def test_the_public_url_is_an_address_and_gives_the_relay_its_name(given: str, url: str, names: str) -> None:
    found = load("--public-url", given)
    assert (found.public_url, found.hosts) == (url, names)
    assert load(MOODCAST_PUBLIC_URL=given).public_url == url
    assert found.public == bool(names)  # who reaches it through that name is not on this machine
    assert load("--hosts", "other.example", "--public-url", given).hosts == "other.example"


@pytest.mark.parametrize(
    "given",
    [
        "mood.example.org",
        "ftp://mood.example.org",
        "wss://mood.example.org",
        "moodcast://join?relay=https://mood.example.org&channel=a",
        "https://ann:s3cret@mood.example.org",
        "https://mood.example.org?key=s3cret",
        "https://mood.example.org/#key=s3cret",
        "https://mood.example.org/a b",
        "https://mood.example.org/../a",
        "https://mood.example.org:0",
        "https://mood.example.org/" + "a" * 600,
        "http://0.0.0.0:8765",
        "https://2130706433",
        "https://mood.example.org\x1b[2J",
        "https://",
    ],
)
def test_what_can_be_no_public_url_is_told(given: str) -> None:
    with pytest.raises(SettingsError, match=r"^--public-url: expected") as caught:
        load("--public-url", given)
    assert "s3cret" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
