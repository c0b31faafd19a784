"""What the relay's answers let a browser do: the Content-Security-Policy of each."""

import re

import aiohttp
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.app import Relay
from relay.http import pages, policies

PAGES = sorted(path.name for path in pages.FOLDER.glob("*.html"))
ADDRESSES = {
    "overlay.html": "/overlay",
    "dashboard.html": "/dashboard",
    "try.html": "/try",
    "join.html": "/join/demo",
    "settings.html": "/settings/demo",
}


def rules(policy: str) -> dict[str, str]:
    """The directives; each must be there once."""
    written = [rule.partition(" ") for rule in policy.split("; ")]
    found = {name: value for name, _, value in written}
    assert len(found) == len(written)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_what_the_relay_serves_and_nothing_else(page: str) -> None:
    found = rules(policies.of_page(page, "https://elsewhere.example"))
    for name in ("default-src", "object-src", "base-uri", "form-action"):
        assert found[name] == "'none'"
    reads_faces = page in ("join.html", "try.html")
    assert found["script-src"] == ("'self' 'wasm-unsafe-eval'" if reads_faces else "'self'")
    assert found.get("worker-src") == ("'self'" if reads_faces else None)
    # OBS puts a streamer's Custom CSS into the overlay as a <style> element, and a font of theirs can only be in there.
    assert found["font-src"] == ("'self' data:" if page == "overlay.html" else "'self'")
    assert found["style-src"] == ("'self' 'unsafe-inline'" if page == "overlay.html" else "'self'")
    assert found.get("frame-src") == ("'self'" if page == "settings.html" else None)  # its preview
    assert found["frame-ancestors"] == ("'self'" if page == "overlay.html" else "'none'")
    assert found["connect-src"] == ("'self' wss://elsewhere.example" if page == "overlay.html" else "'self'")


async def test_every_answer_has_a_policy(relay: Relay) -> None:
    async with aiohttp.ClientSession(relay.url) as http:
        for page, address in ADDRESSES.items():
            for path in (address, f"/static/{page}"):
                async with http.get(path) as response:
                    assert response.headers.getall("Content-Security-Policy") == [policies.of_page(page)], path
                    assert response.headers["X-Content-Type-Options"] == "nosniff"
                    assert response.headers["Referrer-Policy"] == "no-referrer"
        for path in ("/", "/nothing", "/healthz", "/static/bar.js", "/static/pictures/happy.svg", "/v1/channels"):
            async with http.get(path, allow_redirects=False) as response:
                assert response.headers.getall("Content-Security-Policy") == [policies.OF_ALL_ELSE], path
        for worker in ("worker.js", "stills-worker.js"):
            async with http.get(f"/static/reading/{worker}") as response:
                (policy,) = response.headers.getall("Content-Security-Policy")
            assert rules(policy) == rules(policies.OF_ALL_ELSE) | {
                "script-src": "'self' 'wasm-unsafe-eval'", "worker-src": "'self'", "connect-src": "'self'"
            }  # fmt: skip
    assert rules(policies.OF_ALL_ELSE).keys() == {
        "default-src", "base-uri", "form-action", "frame-ancestors", "object-src"
    }  # fmt: skip
    assert set(rules(policies.OF_ALL_ELSE).values()) == {"'none'"}


@pytest.mark.parametrize(
    ("relay", "source"),
    {
        "": "",
        "https://relay.example.org": "wss://relay.example.org",
        "http://relay.example.org:8765/behind/it?x=1#y": "ws://relay.example.org:8765",
        "ws://LOCALHOST:1": "ws://localhost:1",
        "wss://user:pass@relay.example.org.": "wss://relay.example.org.",
        "https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example": "wss://xn--bcher-kva.example",
        # A policy can't name these hosts.
        "http://[::1]:8765": "ws:",
        "https://my_relay.example": "wss:",
        "https://": "",
        "https://*": "",
        "https://*.example.org": "",
        "https://a b": "",
        "https://a;script-src *": "",
        "https://a,script-src *": "",
        "https://a\r\nSet-Cookie: x=1": "",
        "https://relay.example.org:port": "",
        "https://[::1": "",
        "javascript:alert(1)": "",
        "data:text/html,x": "",
        "relay.example.org": "",
        "*": "",
        "'unsafe-inline'": "",
    }.items(),
)
def test_the_overlay_may_talk_to_the_relay_that_it_is_told_of(relay: str, source: str) -> None:
    assert policies.relay_source(relay) == source


_PART = st.text(st.sampled_from("htps:/wx*'; ,\r\n\t\0@[]._-?#%a1\\\N{LATIN SMALL LETTER SHARP S}\u3002"), max_size=30)


@given(st.text(max_size=60) | st.tuples(st.sampled_from(["http://", "wss://", "//"]), _PART).map("".join))
@example("https://x; script-src *")
def test_whatever_the_address_says_the_policy_stays_one(relay: str) -> None:
    mine, usual = rules(policies.of_page("overlay.html", relay)), rules(policies.of_page("overlay.html"))
    assert re.fullmatch(r"'self'( wss?:(//[a-z0-9.-]+(:\d{1,5})?)?)?", mine.pop("connect-src"))
    usual.pop("connect-src")
    assert mine == usual


async def test_an_odd_relay_in_the_address_breaks_no_header(relay: Relay) -> None:
    async with aiohttp.ClientSession(relay.url) as http:
        for odd in ("https://a%0d%0aSet-Cookie:%20x=1", "https://a;script-src%20*", "https://%ff", "%00", "x" * 4000):
            async with http.get(f"/overlay?relay={odd}") as response:
                assert response.status == 200
                assert "Set-Cookie" not in response.headers
                assert response.headers.getall("Content-Security-Policy") == [policies.of_page("overlay.html")]
