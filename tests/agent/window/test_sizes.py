"""That all of the screens after joining shows, in each state, whatever its texts, scale and size."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from relay.common.texts import LANGUAGES
from tests.agent.window.desk import PLAIN


@pytest.mark.parametrize(
    ("language", "scale"),
    [
        *(("en", "1"), ("zh-TW", "2")),
        *(pytest.param(*one, marks=pytest.mark.nightly) for one in (("en", "2"), ("zh-TW", "1"))),
        *(pytest.param(one, "1", marks=pytest.mark.nightly) for one in LANGUAGES if one not in ("en", "zh-TW")),
    ],
)
def test_nothing_is_cut(display: str, tmp_path: Path, scale: str, language: str) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"language": language, "theme": "dark", "name": "W" * 40}))
    run = subprocess.run(
        [sys.executable, "-m", "tests.agent.window.scripted", str(tmp_path)],
        env={**os.environ, **PLAIN, "DISPLAY": display, "GDK_SCALE": scale},
        stdout=subprocess.PIPE, timeout=300, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout) == []
