"""The window itself: where it can't open, how large it is, which theme it wears, how it closes."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from Xlib import Xatom
from Xlib.display import Display

from agent.errors import NoWindowError
from agent.window.theme import scale_of
from tests.agent.window import desk
from tests.agent.window.desk import Desk
from tests.support import wait_until

USUAL = (("1", "en"), ("1.5", "zh_TW"))
"""Of the scales and languages, what is not left to the night."""
OPEN = """
import sys
from pathlib import Path
{before}
from agent.app.app import App
from agent.desktop.keys import Keys
from Xlib import Xatom
from Xlib.display import Display

from agent.errors import NoWindowError
from agent.window.shell import Window

folder = Path(sys.argv[1])
try:
    Window(App(folder), Keys(folder))
except NoWindowError as error:
    print(error.exit_code, error.sentence())
"""


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("", "there is no display"),
        ("sys.modules['tkinter'] = None", "sudo apt install python3-tk"),
    ],
)
def test_where_there_can_be_no_window_a_sentence_says_why(tmp_path: Path, before: str, words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    command = [sys.executable, "-c", OPEN.format(before=before), str(tmp_path)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    if not before and "python3-tk" in run.stdout:
        pytest.skip("no Tk")
    assert run.stdout.startswith(f"{NoWindowError.exit_code} ")
    assert words in run.stdout.lower()
    assert "moodcast agent --channel NAME" in run.stdout


@pytest.mark.parametrize(
    ("dpi", "environment", "scale"),
    [
        (96.0, {}, 1.0),
        (0.0, {}, 1.0),
        (192.0, {}, 2.0),
        (144.0, {}, 1.5),
        (110.0, {}, 1.25),
        (96.0, {"GDK_SCALE": "2"}, 2.0),
        (96.0, {"GDK_SCALE": "two"}, 1.0),
        (96.0, {"GDK_SCALE": ""}, 1.0),
        (5000.0, {}, 4.0),
        (10.0, {}, 1.0),
    ],
)
def test_the_scale_is_the_desktops_in_quarters(dpi: float, environment: dict[str, str], scale: float) -> None:
    assert scale_of(dpi, environment) == scale


@pytest.mark.parametrize(
    ("scale", "language"),
    [
        pytest.param(scale, language, marks=() if (scale, language) in USUAL else pytest.mark.nightly)
        for scale, language in itertools.product(("1", "2", "1.5"), ("en", "zh_TW"))
    ],
)
async def test_all_is_as_many_times_as_large_and_nothing_is_cut(
    display: str, tmp_path: Path, scale: str, language: str
) -> None:
    async with Desk.opened(tmp_path, display, GDK_SCALE=scale, LANGUAGE=language) as user:
        await user.settled()
        seen = await user.see()
        window = seen[0].box
        assert window[2] == 500 * float(scale)
        for one in seen:
            assert one.box[0] >= window[0]
            assert one.box[0] + one.box[2] <= window[0] + window[2]
            assert one.kind not in ("TButton", "TLabel") or one.needs <= one.box[2]
        (entry,) = (one for one in seen if one.kind == "TEntry")
        assert entry.box[3] == pytest.approx(38 * float(scale), rel=0.15)


@pytest.mark.parametrize(
    ("theme", "ground"),
    [
        ("light", (250, 250, 250)),
        *(pytest.param(theme, (28, 28, 28), marks=pytest.mark.nightly) for theme in ("dark", "auto")),
    ],
)
async def test_it_wears_the_theme_of_the_settings(
    display: str, tmp_path: Path, theme: str, ground: tuple[int, int, int]
) -> None:
    """Where nothing says what the desktop is, ``auto`` is dark."""
    (tmp_path / "settings.json").write_text(json.dumps({"theme": theme}))
    async with Desk.opened(tmp_path, display) as user:
        await user.at("Welcome to Moodcast")

        async def worn() -> bool:
            return (await user.photograph()).getpixel((4, 4)) == ground

        await wait_until(worn)


async def test_the_desktop_says_how_many_dots_an_inch_has(tmp_path: Path) -> None:
    if lacking := desk.missing():
        pytest.skip(lacking)
    with desk.screen() as display:
        connection = Display(display)
        said = b"Xft.antialias:\t1\nXft.dpi:\t144\n"
        resources = connection.intern_atom("RESOURCE_MANAGER")
        connection.screen().root.change_property(resources, Xatom.STRING, 8, said)
        connection.sync()
        async with Desk.opened(tmp_path, display) as user:
            await user.settled()
            assert (await user.see())[0].box[2] == 750
        connection.close()


async def test_closing_it_ends_it(display: str, tmp_path: Path) -> None:
    async with Desk.opened(tmp_path, display) as user:
        await user.at("Welcome to Moodcast")
        await user.press("alt+F4")
        assert await asyncio.wait_for(user.process.wait(), 60) == 0
