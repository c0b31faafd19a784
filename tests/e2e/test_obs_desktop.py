"""The script on a streamer's desktop: its dialog, and the windows, focus and keys of other programs."""

from pathlib import Path

import pytest

from relay import app
from tests.e2e.obs_desktop import Desktop, Typist, missing_desktop
from tests.e2e.obs_moodcast import settings_for, studio
from tests.e2e.obs_studio import missing

pytestmark = pytest.mark.skipif(bool(missing() or missing_desktop()), reason=missing() or missing_desktop())


async def test_the_dialog_takes_the_keys_while_it_is_open_and_another_window_takes_them_back(
    relay: app.Relay, tmp_path: Path
) -> None:
    async with studio(tmp_path / "obs", settings_for(relay), desktop=True) as obs:
        with Desktop(obs) as desktop:
            await desktop.open_scripts()
            assert len(desktop.photograph(desktop.windows()["Scripts"]).getcolors(1 << 24) or []) > 20
            with Typist(obs.display) as typist:
                await obs.until(lambda: desktop.active() == typist.TITLE)
                await desktop.type("ggwp")
                await obs.until(lambda: typist.typed == "ggwp")
                await desktop.click(*desktop.windows()["Scripts"][:2])
                await obs.until(lambda: typist.lost == 1)
