"""The proof of privacy of an agent that is taught: nothing more is sent, and what is kept is what it says."""

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest
from numpy.typing import NDArray

pytest.importorskip("cryptography", reason="the extra personal is not installed")

from agent.personal.key import DesktopVault
from agent.personal.sealed import unseal
from models.inference import fetch, identity
from relay.protocol import EXPRESSIONS
from tests.e2e.agent_program import Terminal, command, on_terminal, weights
from tests.e2e.test_agent_privacy import CHANGES, TRACED, programs, written
from tests.e2e.test_namespace import PATIENCE_S, RELAY, URL, conversation, kinds, labels, relay_on
from tests.packets import beyond, foreign
from tests.raw import CLOSE
from tests.support import wait_until
from tests.two_machines import recorded, two_machines

pytestmark = pytest.mark.usefixtures("agent_files")

LARGEST_ANSWER = 48 * 48
"""Bytes: of the face as the network sees it, the smallest picture there is of it. The landmarks take 5736."""
PICTURES = b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"P5", b"P6"


def at_home(home: Path) -> dict[str, str]:
    """The environment of a user without a keyring, but with the models of this machine."""
    here = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data"), "TMPDIR": str(home)}
    cache = str(platformdirs.user_cache_path())
    return {**here, "HOME": str(home), "XDG_CACHE_HOME": cache, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}


async def ended(terminal: Terminal) -> int:
    return await asyncio.wait_for(terminal.process.wait(), PATIENCE_S)


@pytest.mark.parametrize("only_me", [False, pytest.param(True, marks=pytest.mark.nightly)])
async def test_an_agent_that_is_taught_sends_labels_alone_and_keeps_no_picture(
    only_me: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taught by answers, its file exported and deleted; every packet, every file and every program of it."""
    if only_me and fetch.missing((identity.NETWORK, identity.LAYOUT)).entries:
        pytest.skip("the network dlib-face was not fetched (moodcast models fetch dlib-face dlib-face-layout)")
    options = ["--personal", *(["--personal-only-me"] if only_me else [])]
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (apt package strace)")
    home, trace = tmp_path / "home", tmp_path / "trace"
    folder, export = home / "data" / "moodcast" / "personal", home / "mine.json"
    folder.parents[1].mkdir(parents=True)
    portrait = weights("portrait")
    for name, value in at_home(home).items():
        monkeypatch.setenv(name, value)
    traced = ",".join(f"?{call}" for call in (*TRACED, *CHANGES))
    tracer = [strace, "-f", "-qq", "-s", "256", "-e", f"trace={traced}", "-o", str(trace)]
    alone = [sys.executable, "-m", "moodcast", "agent"]
    with two_machines(tmp_path) as (viewers, relays):
        async with relay_on(relays, tmp_path / "relay"):
            with recorded(viewers, tmp_path / "agent.pcap") as captured:
                agent = viewers.command(*tracer, *command(URL, portrait, *options))
                async with on_terminal(*agent) as terminal:
                    await wait_until(lambda: terminal.shows("[y/N]"), PATIENCE_S)
                    assert terminal.shows("(an embedding)")
                    assert terminal.shows("(biometrics)") == only_me
                    assert not folder.exists()
                    terminal.type(b"y\n")
                    await wait_until(lambda: labels(terminal), PATIENCE_S)
                    if only_me:
                        await wait_until(lambda: terminal.shows("whoever answers next is"), PATIENCE_S)
                    for number, answer in enumerate((b"y", b"1", b"7"), 1):
                        terminal.type(answer + b"\n")
                        await wait_until(lambda many=number: stored(terminal) == many, PATIENCE_S)
                    await wait_until((folder / "answers.sealed").exists, PATIENCE_S)
                    terminal.type(b"\x03")
                    assert await ended(terminal) == 0
                sealed, key = (folder / "answers.sealed").read_bytes(), DesktopVault(folder).find()
                async with on_terminal(*viewers.command(*alone, "--personal-export", str(export))) as terminal:
                    assert await ended(terminal) == 0
                exported = json.loads(export.read_text())
                assert ("enrolled" in exported) == only_me
                found = leaks(exported, tmp_path, export)
                async with on_terminal(*viewers.command(*alone, "--personal-delete")) as terminal:
                    assert await ended(terminal) == 0
    assert foreign(captured, RELAY) == []
    check, *stays = conversation(captured)
    stay = [one for each in stays for one in each]
    assert [wrong for one in (*check, *stay) if (wrong := beyond(one))] == []
    assert kinds(stay) <= {"POST tickets", "GET viewer", "hello", "label", "away", str(CLOSE)}
    assert found == []

    assert key
    unsealed = unseal(sealed, key.secret)
    (kept,) = unsealed.networks
    assert (unsealed.enrolled is not None) == only_me
    assert [EXPRESSIONS[one.label] for one in kept.answers] == ["happy", "angry", "neutral"]
    assert len(sealed) < len(kept.answers) * LARGEST_ANSWER
    lines = trace.read_text(errors="replace")
    assert programs(lines) == []
    places = [path for line in written(lines) for path in re.findall(r'"([^"]*)"', line)]
    assert [path for path in places if not path.startswith(str(folder.parent))] == []
    assert [path for path in home.rglob("*") if path.is_file()] == [folder / "answers.lock"]
    assert (folder / "answers.lock").read_bytes() == b""


def stored(terminal: Terminal) -> int:
    """How many answers it has said it stored."""
    return len(re.findall(rb"Learned: your face shows", terminal.screen))


def leaks(exported: dict[str, Any], folder: Path, export: Path) -> list[str]:
    """Files below a folder, but for the export, that have a picture, or of an exported embedding four numbers."""
    rows = [answer["features"] for network in exported["networks"] for answer in network["answers"]]
    assert rows
    rows += exported.get("enrolled", {"embeddings": []})["embeddings"]
    data = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file() and file != export}
    signs = [sign for row in rows for sign in _signs(np.array(row, np.float32))]
    return [
        str(file) for file, text in data.items() if text.startswith(PICTURES) or any(sign in text for sign in signs)
    ]


def _signs(embedding: NDArray[np.float32]) -> Sequence[bytes]:
    """Four of its numbers at a time that are no zeros, as whatever a program would write them as; and in decimals."""
    fours = [embedding[i : i + 4] for i in range(0, len(embedding) - 3, 4)]
    packed = [
        four.astype(kind).tobytes()
        for four in fours
        for kind in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8")
        if np.count_nonzero(four) == 4
    ]
    return packed + [f"{number:.6f}"[:8].encode() for number in embedding if abs(number) > 0.01]


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f4", "<f8", "text", "picture"])
def test_an_embedding_or_a_picture_in_a_file_would_be_noticed(tmp_path: Path, kind: str) -> None:
    embedding = np.random.default_rng(1).normal(size=256).astype(np.float32)
    exported = {"networks": [{"answers": [{"features": [float(f"{number:.9g}") for number in embedding]}]}]}
    export = tmp_path / "export.json"
    export.write_text(json.dumps(exported))
    noise = np.random.default_rng(2).bytes(100_000)
    (tmp_path / "noise").write_bytes(noise)
    assert leaks(exported, tmp_path, export) == []
    what = {"text": str(embedding[40:44].tolist()).encode(), "picture": b"\x89PNG"}
    said = what[kind] if kind in what else embedding[38:60].astype(kind).tobytes()
    (tmp_path / "leak").write_bytes(said if kind == "picture" else noise + said + noise)
    assert leaks(exported, tmp_path, export) == [str(tmp_path / "leak")]
