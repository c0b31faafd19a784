"""The packaged program: built here, and run on a machine without a network, Python or a cache of the viewer's."""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest
from PIL import ImageGrab

from agent.app import sight
from models.inference import registry
from obs_plugin.moodcast_relay import INSTALLED
from relay.common.release import RELEASE
from tests.agent.window import desk
from tests.e2e.agent_program import weights
from tests.support import wait_until

ROOT = Path(__file__).parents[2]
HANG_S = 240

ALONE = """
import fcntl, os, socket, struct, sys

with socket.socket() as any_socket:  # a network of its own has a loopback, which is off
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Becomes a command in a network namespace that was just made."""

CONVERSATION = """
import json, os, re, select, subprocess, sys, time, urllib.request

program, portrait = sys.argv[1:]
end = time.monotonic() + 200
led = subprocess.Popen([program, "obs", "relay"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
found = {"address": led.stdout.readline().decode().split()[-1]}
url = found["address"].rstrip("/")


def get(path, **headers):
    with urllib.request.urlopen(urllib.request.Request(url + path, **headers), timeout=60) as answer:
        return answer.read()


found["health"] = json.loads(get("/healthz"))
while (assets := json.loads(get("/v1/assets")))["state"] != "ready" and time.monotonic() < end:
    time.sleep(0.1)
found["assets"] = assets
found["pages"] = {path: len(get(path)) for path in ("/dashboard", "/overlay", "/try", "/static/overlay.js")}
body = json.dumps({"channel": "demo"}).encode()
json_type = {"Content-Type": "application/json"}
made = json.loads(get("/v1/channels", data=body, headers=json_type, method="POST"))
picture = get("/v1/channels/demo/overlay.png", headers={"Authorization": "Bearer " + made["display_key"]})
found["picture"] = picture[:4].hex()
agent = subprocess.Popen(
    [program, "agent", "--relay", url, "--channel", "demo", "--source", portrait, "--yes"],
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
)
said = b""
while not re.search(rb"happy [01][.]", said) and time.monotonic() < end and agent.poll() is None:
    if select.select([agent.stdout], [], [], 1)[0]:
        said += os.read(agent.stdout.fileno(), 65536)
agent.terminate()
said += agent.communicate()[0]
found["said"], found["agent"] = said.decode(), agent.returncode
led.stdin.close()  # as when OBS ends
found["relay"] = led.wait(60)
print(json.dumps(found))
"""
"""Starts a relay as OBS does and an agent beside it; prints what they did."""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The program, built once for all processes of the test run; the last of them removes it, since it is large."""
    if sys.platform != "linux":
        pytest.skip("what is built here is looked at on Linux alone")
    if importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("PyInstaller is not installed (pip install '.[dev]')")
    for name in ("portrait", *registry.BROWSER.values()):
        weights(name)
    here = tmp_path_factory.getbasetemp()
    folder = (here.parent if "PYTEST_XDIST_WORKER" in os.environ else here) / "packaged"
    with filelock.FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            # Its own cache: the user's may be of another version, and is written to.
            environment = os.environ | {"PYINSTALLER_CONFIG_DIR": str(folder / "cache")}
            build = subprocess.run(
                [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", "--distpath", folder,
                 "--workpath", folder / "work", ROOT / "deploy" / "moodcast.spec"],
                env=environment, capture_output=True, text=True, timeout=HANG_S, check=False,
            )  # fmt: skip
            if lacking := re.search(r"ERROR: (.*(objdump is required|shared library).*)", build.stderr):
                pytest.skip(lacking[1])
            assert build.returncode == 0, build.stderr
            for left in ("cache", "work"):
                shutil.rmtree(folder / left)
            (folder / "done").mkdir()
        (folder / "done" / str(os.getpid())).touch()
    yield folder / "moodcast" / "moodcast"
    with filelock.FileLock(f"{folder}.lock"):
        (folder / "done" / str(os.getpid())).unlink()
        if not any((folder / "done").iterdir()):
            shutil.rmtree(folder)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A user with nothing of ours, and no Python; relays compress nothing, which takes a minute."""
    home = {"HOME": str(tmp_path / "home"), "MOODCAST_NO_FETCH": "true"}
    return {**home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def alone() -> list[str]:
    """The words before a command that has no network but loopback; none where this user may not do that."""
    unshare = shutil.which("unshare")
    words = [unshare or "", "--net", "--map-root-user", sys.executable, "-c", ALONE]
    allowed = unshare and not subprocess.run([*words, "true"], capture_output=True, check=False).returncode
    return words if allowed else []


def said(command: list[str | Path], environment: dict[str, str], code: int = 0) -> str:
    run = subprocess.run(
        [*alone(), *command], env=environment, capture_output=True, text=True, timeout=HANG_S, check=False
    )
    assert run.returncode == code, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return run.stdout


def test_it_starts_and_tells_what_it_is(program: Path, environment: dict[str, str]) -> None:
    assert said([program, "--version"], environment) == f"moodcast {RELEASE}\n"
    assert "usage: moodcast" in said([program, "--help"], environment)
    listed = said([program, "models", "list"], environment)
    for name in ("moodnet", "moodnet-tiny", "moodnet-clip", "face_landmarker", "portrait"):
        assert any(line.split()[0] == name and " here " in line for line in listed.splitlines() if line), name


def test_relay_and_agent_work_together_without_a_network(program: Path, environment: dict[str, str]) -> None:
    portrait = program.parent / "_internal" / "models" / "weights" / "portrait.png"
    found = json.loads(said([sys.executable, "-c", CONVERSATION, program, portrait], environment))
    assert found["health"] == {"status": "ok", "version": RELEASE}
    assert all(found["pages"].values())
    assert set(found["assets"]["files"]) == set(registry.BROWSER)
    assert bytes.fromhex(found["picture"]) == b"\x89PNG"
    assert re.search(r"happy [01]\.\d\d", found["said"])
    assert "Fetch now" not in found["said"]
    assert (found["agent"], found["relay"]) == (0, 0)


def test_what_encrypts_a_viewers_answers_is_inside_and_loads(program: Path, environment: dict[str, str]) -> None:
    deleted = "Your answers are deleted: their file, its key, and what was exported.\n"
    assert said([program, "agent", "--personal-delete"], environment) == deleted


def test_nothing_in_it_can_open_a_microphone(program: Path, environment: dict[str, str]) -> None:
    """Who streams and is listened to installs Moodcast with pip; viewers have neither code nor library for it."""
    from PyInstaller.archive.readers import CArchiveReader  # the fixture skips where it is missing

    (packed,) = (name for name in CArchiveReader(str(program)).toc if name.startswith("PYZ"))
    modules = CArchiveReader(str(program)).open_embedded_archive(packed).toc
    assert "agent.main" in modules
    assert [name for name in modules if name.startswith("agent.voice") or "sounddevice" in name] == []
    files = [file.name for file in program.parent.rglob("*")]
    assert [name for name in files if "portaudio" in name or "sounddevice" in name] == []
    portrait = program.parent / "_internal" / "models" / "weights" / "portrait.png"
    words = ["--channel", "demo", "--source", portrait, "--yes", "--role", "streamer", "--voice", "voice.onnx"]
    run = subprocess.run(
        [*alone(), program, "agent", *words], env={**environment, "MOODCAST_ADMIN_KEY": "k3y"}, capture_output=True,
        text=True, timeout=HANG_S, check=False,
    )  # fmt: skip
    assert run.returncode == 15, run.stderr
    assert "nothing in it can open a microphone" in run.stderr


def test_the_eyes_of_the_window_are_a_process_of_this_program(program: Path, environment: dict[str, str]) -> None:
    begin = sight.Begin(source=str(weights("portrait")), model="moodnet", fps=5)
    seen: list[sight.FromEyes] = []
    pipe = subprocess.PIPE
    with subprocess.Popen([*alone(), program, "eyes"], env=environment, stdin=pipe, stdout=pipe) as eyes:
        assert eyes.stdin
        assert eyes.stdout
        eyes.stdin.write(sight.packed(begin))
        eyes.stdin.flush()
        unpacker = sight.seen()
        while not any(isinstance(one, sight.Sight) and one.emotion == "happy" for one in seen):
            chunk = os.read(eyes.stdout.fileno(), 1 << 16)
            assert chunk, seen
            seen += unpacker.feed(chunk)
        eyes.stdin.close()  # as when the window ends
        assert eyes.wait(HANG_S) == 0
    assert not any(isinstance(one, sight.Failed) for one in seen)


async def test_the_window_opens(program: Path, environment: dict[str, str]) -> None:
    if problem := desk.missing():
        pytest.skip(problem)
    with desk.screen() as display:
        on_screen = {**os.environ, "DISPLAY": display}
        command = [*alone(), program, "window"]
        window = await asyncio.create_subprocess_exec(*command, env={**environment, "DISPLAY": display})
        find = ["xdotool", "search", "--onlyvisible", "--name", "^Moodcast$"]
        try:
            await wait_until(
                lambda: window.returncode or subprocess.run(find, env=on_screen, capture_output=True).stdout
            )
            # Texts with smooth edges, a field, a button: more colours than an empty window has.
            await wait_until(lambda: len(ImageGrab.grab(xdisplay=display).getcolors(1 << 20) or ()) > 50)
        finally:
            window.terminate()
            assert await window.wait() == 0


@pytest.fixture
def told(tmp_path: Path, environment: dict[str, str]) -> Callable[[], dict[str, str]]:
    """An OBS that keeps the environment which `moodcast obs doctor` starts it with; what that was."""
    obs = tmp_path / "bin" / "obs"
    obs.parent.mkdir()
    obs.write_text(f"#!/bin/sh\necho OBS Studio - 30.1.2\nenv > {tmp_path}/environment\n")
    obs.chmod(0o755)
    environment["PATH"] = f"{obs.parent}:{environment['PATH']}"
    return lambda: dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines())


@pytest.mark.parametrize("before", [{}, {"LD_LIBRARY_PATH": "/opt/own"}], ids=["none", "the user's own"])
def test_programs_that_it_starts_have_their_own_libraries(
    before: dict[str, str], program: Path, environment: dict[str, str], told: Callable[[], dict[str, str]]
) -> None:
    assert "30.1.2" in said([program, "obs", "doctor"], environment | before, code=1)
    assert told().get("LD_LIBRARY_PATH") == before.get("LD_LIBRARY_PATH")


def test_on_a_system_that_keeps_certificates_elsewhere_they_are_found(
    program: Path, environment: dict[str, str], told: Callable[[], dict[str, str]]
) -> None:
    folder = Path(ssl.get_default_verify_paths().openssl_cafile).parent
    if not Path("/etc/ssl/certs/ca-certificates.crt").is_file() or folder.is_relative_to("/etc"):
        pytest.skip("this system keeps its certificates where its OpenSSL looks for them")
    hidden = [shutil.which("unshare") or "", "--mount", "--map-root-user", "sh", "-c"]
    hidden += [f'mount -t tmpfs none {folder} && exec "$@"', "sh"]
    if not hidden[0] or subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may mount nothing")
    doctor = [*hidden, program, "obs", "doctor"]
    subprocess.run(doctor, env=environment, capture_output=True, timeout=HANG_S, check=False)
    assert told()["SSL_CERT_FILE"] == "/etc/ssl/certs/ca-certificates.crt"
    said([program, "obs", "doctor"], environment, code=1)
    assert "SSL_CERT_FILE" not in told()


def test_obs_gets_a_script_that_starts_this_program(program: Path, environment: dict[str, str], tmp_path: Path) -> None:
    script = Path(said([program, "obs", "install"], environment).splitlines()[0])
    assert script.is_relative_to(tmp_path / "home")
    assert script.is_file()
    assert json.loads((script.parent / INSTALLED).read_text())["command"] == [str(program)]
    assert {file.name for file in script.parent.glob("*.py")} == {
        file.name for file in (ROOT / "obs_plugin").glob("moodcast_*.py")
    }
    assert (script.parents[1] / "overlay" / "overlay.html").is_file()
    assert str(script) in said([program, "obs", "doctor"], environment, code=1)  # OBS was not told of it


def test_pictures_of_the_try_page_are_decoded_in_a_process_of_its_own(
    program: Path, environment: dict[str, str]
) -> None:
    picture = weights("portrait").read_bytes()
    run = subprocess.run(
        [program, "-m", "relay.http.decoder"], input=len(picture).to_bytes(4, "big") + picture + b"!",
        env=environment, capture_output=True, timeout=HANG_S, check=True,
    )  # fmt: skip
    need, pixels, rest = run.stdout.split(b"\n", 2)
    assert need.startswith(b"need ")
    assert pixels == b"pixels 512 512"
    assert len(rest) == 512 * 512 * 3


def test_it_tells_what_others_made_and_under_which_licences(program: Path) -> None:
    text = (program.parent / "_internal" / "THIRD-PARTY.txt").read_text()
    listing = text.partition("=====")[0]
    for name in (
        "aiohttp",
        "cryptography",
        "mediapipe",
        "numpy",
        "onnxruntime",
        "opencv-python-headless",
        "pillow",
        "Python",
        "Tcl/Tk",
    ):
        assert f"\n{name} " in listing or f", {name}" in listing, name
    assert "no package that is known" not in listing or not shutil.which("dpkg-query")
    assert "Apache License" in text
    assert "LGPL" in text
    assert (program.parent / "_internal" / "LICENSE").is_file()
