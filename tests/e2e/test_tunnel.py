"""A viewer's browser that comes through the relay's tunnel, as from a link: https, its name, its pages."""

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from relay import app
from relay.config import RelaySettings
from tests.e2e.conftest import chromium_options
from tests.support import SOON, wait_until
from tests.tunnels import HOSTS, StandIn

HOST = HOSTS["cloudflared"]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for the tunnel's name, that nobody has signed, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, signed = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run([*command, *names, "-keyout", key, "-out", signed], check=True, capture_output=True)
    signed.write_text(signed.read_text() + key.read_text())
    return signed


@pytest.mark.nightly
async def test_a_browser_joins_through_it_and_is_told_the_firm(
    stand_in: StandIn, certificate: Path, tmp_path: Path
) -> None:
    stand_in.will_serve("cloudflared", certificate=str(certificate))
    settings = RelaySettings(port=0, data=str(tmp_path / "relay"), tunnel="cloudflared")
    relay = await app.start(settings, SOON)
    try:
        relay.create_channel("demo")
        await wait_until(lambda: stand_in.starts() and not relay.base.note)
        options = chromium_options(f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{stand_in.starts()[0]['port']}")
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(**options)
            page = await chromium.new_page(ignore_https_errors=True)
            link, _ = relay.invitation("demo")
            assert link.startswith(f"https://{HOST}/")
            await page.goto(link)
            await expect(page.locator("#who")).to_contain_text("Cloudflare")
            await page.locator("#yes-taps").click()
            await wait_until(lambda: relay.connections("demo") == (1, 0))
            await chromium.close()
    finally:
        await relay.stop()
