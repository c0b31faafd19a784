"""The command as its user types it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import moodcast
from models.errors import ModelMissingError
from models.inference import registry
from models.zoo import networks
from tests.terminals import open_terminal

ROOT = Path(__file__).parents[1]
MODELS = ([], ["list"], ["fetch"], ["train"], ["evaluate"], ["score"], ["convert"])
COMMANDS = ([], ["relay"], ["agent"], ["window"], ["demo"], ["obs"], *(["models", *action] for action in MODELS))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_explains(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        moodcast.main([*command, "--help"])
    assert ended.value.code == 0
    assert "usage: moodcast" in capsys.readouterr().out


def test_every_wrong_option_is_listed_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["relay", "--port", "99999", "--tick-ms", "soon"]) == 2
    error = capsys.readouterr().err
    assert "--port" in error
    assert "--tick-ms" in error
    assert "Traceback" not in error


def test_environment_sets_an_option_and_is_named_when_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOODCAST_PORT", "many")
    assert moodcast.main(["relay"]) == 2
    assert "MOODCAST_PORT" in capsys.readouterr().err


def test_missing_channel_is_a_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    for options in ([], ["--headless"]):
        assert moodcast.main(["agent", *options]) == 2
        assert "--channel is missing" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["window"], ["window", "--background"]], ids=" ".join)
def test_without_a_display_and_a_terminal_the_window_says_so(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    run = subprocess.run(
        [sys.executable, "moodcast.py", *command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 18, run.stderr
    assert (
        run.stderr == "moodcast: there is no display to open a window on; in a terminal, moodcast agent does without\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has always a display")
@pytest.mark.parametrize("command", [[], ["window"], ["agent"], ["agent", "--headless"]], ids=" ".join)
def test_without_a_display_it_goes_on_in_the_terminal_and_asks_there(command: list[str]) -> None:
    ours, theirs = open_terminal()
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    run = subprocess.Popen(
        [sys.executable, "moodcast.py", *command], cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        said = b""
        while b"Address of the relay, or an invitation (Enter for http://127.0.0.1:8765): " not in said:
            said += os.read(ours, 4096)
        assert (b"there is no display to open a window on, so this goes on in the terminal" in said) == (
            command in ([], ["window"])
        )
        os.write(ours, b"http://127.0.0.1:1\n")
        while b"Channel: " not in said:
            said += os.read(ours, 4096)
    finally:
        run.kill()
        run.wait(60)
        os.close(ours)


def test_without_tkinter_the_window_says_what_to_install() -> None:
    code = "import sys; sys.modules['tkinter'] = None; import moodcast; sys.exit(moodcast.main(['window']))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert run.returncode == 18, run.stderr
    assert "sudo apt install python3-tk" in run.stderr


def test_obs_prints_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["obs"]) == 0
    assert Path(capsys.readouterr().out.splitlines()[0]).is_file()


def test_models_list_names_every_entry(capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in registry.WEIGHTS)


def test_models_list_names_every_network_also_without_torch(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "can_build", lambda: False)
    assert moodcast.main(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in networks.listed())
    assert "needs torch" in listed


@pytest.mark.parametrize(
    "action", [["convert", "ial", "official.pth", "ours.pt"], ["personal-report", "clips"]], ids=" ".join
)
def test_models_actions_that_need_torch_say_so(
    action: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "can_build", lambda: False)
    assert moodcast.main(["models", *action]) == 26
    assert "pip install '.[agent,train]'" in capsys.readouterr().err


def test_training_without_torch_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "can_build", lambda: False)
    assert moodcast.main(["models", "train", "moodnet-small"]) == 26
    assert "[agent,train]" in capsys.readouterr().err


def test_an_unknown_recipe_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["models", "train", "mudnet"]) == 27
    assert "moodnet-small" in capsys.readouterr().err


def test_unknown_model_has_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert moodcast.main(["models", "fetch", "mudnet"]) == 21
    assert "mudnet" in capsys.readouterr().err


def test_importing_the_command_loads_nothing_heavy() -> None:
    """`moodcast --help` and `moodcast relay` must work, and fast, without the agent's packages."""
    heavy = (
        "{'cv2', 'mediapipe', 'onnxruntime', 'torch', 'playwright', 'tkinter', 'sv_ttk', 'dbus_fast', 'keyring', "
        "'filelock', 'pystray'}"
    )
    code = f"import sys, moodcast, relay.app; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_options_of_all_commands_are_told_without_packages_of_extras() -> None:
    """`moodcast models list` and `moodcast obs` work with what `pip install .` brings."""
    extras = (
        "('av', 'cryptography', 'cv2', 'mediapipe', 'onnx', 'onnxruntime', 'openpyxl', 'playwright', 'scipy', "
        "'sklearn', 'sounddevice', 'torch')"
    )
    missing = f"import sys; sys.modules.update(dict.fromkeys({extras}))"
    code = f"{missing}; import moodcast; moodcast.main(['models', 'list'])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "moodnet" in run.stdout, run.stderr


def test_a_program_that_runs_for_days_holds_nothing_of_the_other_commands() -> None:
    code = (
        "import sys, moodcast; moodcast.parser('window').parse_args(['window']); "
        "print({'models', 'numpy', 'tqdm', 'urllib.request'} & set(sys.modules), "
        "{name for name in sys.modules if name.startswith('obs_plugin.')})"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert out.stdout == "set() set()\n"


def test_agent_without_its_packages_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['cv2'] = None; import moodcast; sys.exit(moodcast.main(['agent', '--channel', 'x']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 15
    assert "'.[agent]'" in run.stderr


@pytest.mark.parametrize(
    ("package", "command", "named"),
    [
        ("cv2", "models clips --layout - .", "models clips"),
        ("onnxruntime", "models evaluate moodnet", "models evaluate"),
        ("mediapipe", "models evaluate moodnet --portraits .", "models evaluate --portraits"),
        ("mediapipe", "models synth OUT", "models synth"),
        ("mediapipe", "agent --channel x --source PORTRAIT --yes", "agent"),
    ],
)
def test_without_a_package_of_the_agents_it_is_told_what_needs_it(
    package: str, command: str, named: str, tmp_path: Path
) -> None:
    try:
        places = {"OUT": tmp_path, "PORTRAIT": registry.path("portrait"), "FACES": registry.path("face_landmarker")}
    except ModelMissingError as missing:
        pytest.skip(str(missing))
    words = [str(places.get(word, word)) for word in command.split()]
    code = f"import sys; sys.modules[{package!r}] = None; import moodcast; sys.exit(moodcast.main({words}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 15, run.stderr
    assert run.stderr.startswith(f"moodcast: {named} needs the package {package}, which is not installed.")
