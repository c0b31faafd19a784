"""What `pip install` brings: the wheel, built as the build system of pyproject.toml builds it."""

import shutil
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TYPED = [name for name in PROJECT["tool"]["mypy"]["packages"] if (ROOT / name).is_dir() and name != "docs"]
SHIPPED = {".py", ".typed", ".js", ".css", ".html", ".json", ".svg", ".png", ".onnx", ".npy", ".toml", ".txt", ".woff2"}
MODULES = {
    "agent": "*",
    "agent/app": "*",
    "agent/desktop": "*",
    "agent/personal": "*",
    "agent/voice": "*",
    "agent/window": "*",
    "demo": "*",
    "models": "atomic commands errors json_output metrics",
    "models/clips": (
        "action_units cache cutting disturb flow flow_blocks gabor heard landmarks magnify micro_synth motions rates "
        "report sampling sound source speaking styles synth tracks video voices warp windows"
    ),
    "models/convert": "former_dfer fused ial inception mae_dfer mmnet mobilefacenet names poster_v2 videomae wav2vec2",
    "models/evaluation": "clip_runs cost degrade evaluate face_runs portraits posteriors score summary",
    "models/export": "calibrate moodnets onnx_file quantize research run voice",
    "models/inference": (
        "affect align assets bar blendshapes boxes contract download face_stage fetch hearing identity infer "
        "late_fusion npm registry runtime smile softmax sound temperature voice wheels"
    ),
    "models/audio_visual": "*",
    "models/compared": "*",
    "models/micro": "*",
    "models/personal": "*",
    "models/stills": "fer2013",
    "models/training": (
        "augment checkpoint classify_clips classify_faces data distil events films folds inputs losses masked probe "
        "pseudo recipe sam schedule sets sight sight_apex_sequence sight_av sight_landmarks sight_magnified "
        "sight_pixels sight_rates sight_sound sight_units sights spot_films task teachers train trainer unfold"
    ),
    "models/clips/layouts": "*",
    "models/zoo": "*",  # a network is added by one file
    "obs_plugin": "*",
    "relay": "*",
    "relay/cluster": "*",
    "relay/common": "*",
    "relay/core": "*",
    "relay/http": "*",
    "relay/live": "*",
    "relay/store": "*",
    "relay/tunnel": "*",
    "relay/workers": "*",
}
"""The modules of each folder that ships. Of the models all are named: nothing that compares with others' work, measures
for the docs or writes them is there; that is for a clone, in benchmarks/ and docs/."""
OTHERS = {
    "agent": ".npy",
    "models/recipes": ".toml",
    "models/weights": ".onnx .txt",
    "overlay": ".css .html .js .json",
    "overlay/fonts": ".txt .woff2",
    "overlay/pictures": ".png .svg",
    "overlay/reading": ".js",
    "overlay/session": ".js",
    "overlay/signs": ".svg",
    "overlay/texts": ".json",
    "overlay/viewer": ".js",
    "overlay/static": ".css .js",
}
"""The kinds of other files that a folder has."""
IMPORT_ALL = """
import importlib, pathlib, sys

sys.modules.update(dict.fromkeys(("benchmarks", "docs", "tests")))  # as if they were not there
files = sorted(pathlib.Path().rglob("*.py"))
for file in files:
    try:
        module = importlib.import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))
        assert pathlib.Path(module.__file__).is_relative_to(pathlib.Path().absolute())
    except ModuleNotFoundError as error:
        assert error.name.split(".")[0] not in ("benchmarks", "docs", "tests"), f"{file}: {error}"
print(len(files))
"""
LARGEST = 8_000_000
"""Bytes of the wheel; most of it are the weights of our own three networks."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=240)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_program_and_nothing_else(wheel: Path, names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {*TYPED, "moodcast.py", "overlay"}
    assert {Path(name).suffix for name in names} <= SHIPPED
    assert not [name for name in names if {"tests", "benchmarks", "docs"} & set(Path(name).parts)]
    assert wheel.stat().st_size < LARGEST


def test_the_wheel_holds_all_that_the_program_reads(names: set[str]) -> None:
    """Every tracked file of its folders is there: pages, pictures, weights, recipes, modules."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout, or no git: nobody says which files belong to the project")
    tracked = subprocess.run(
        ["git", "ls-files", *TYPED, "overlay"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    there = {name for name in tracked.stdout.split() if (ROOT / name).exists()}
    assert there - names == {"overlay/protocol.d.ts"}


def test_what_ships_is_what_is_listed(names: set[str]) -> None:
    found: dict[str, set[str]] = {}
    for name in names - {"moodcast.py", *(f"{package}/py.typed" for package in TYPED)}:
        path = Path(name)
        if path.suffix != ".py":
            assert path.suffix in OTHERS[path.parent.as_posix()].split(), name
        elif path.name != "__init__.py":
            found.setdefault(path.parent.as_posix(), set()).add(path.stem)
    assert found.keys() == MODULES.keys()
    for folder, listed in MODULES.items():
        assert listed == "*" or found[folder] == set(listed.split())


def test_no_module_of_the_wheel_needs_the_rest_of_the_clone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    run = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 100


def test_the_obs_script_is_installed_from_the_wheel_with_all_that_the_clone_has(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "wheel")
    code = "import sys, pathlib; from obs_plugin import install; install.install(pathlib.Path(sys.argv[1]))"
    for name, folder in (("shipped", tmp_path / "wheel"), ("cloned", ROOT)):
        command = [sys.executable, "-c", code, str(tmp_path / name)]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    shipped, cloned = (
        {file.relative_to(folder).as_posix() for file in folder.rglob("*.*")}
        for folder in (tmp_path / "shipped", tmp_path / "cloned")
    )
    assert shipped
    assert shipped == cloned


@pytest.mark.parametrize("package", TYPED)
def test_a_type_checker_uses_the_packages_own_types(names: set[str], package: str) -> None:
    assert f"{package}/py.typed" in names


def test_the_metadata_say_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(path).decode())
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())
    assert (metadata["Name"], metadata["License-Expression"]) == ("moodcast", "Apache-2.0")
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    versions = [text.rsplit(" ", 1)[1] for text in metadata.get_all("Classifier", []) if ":: Python :: 3." in text]
    assert versions[0] == oldest
    assert len(versions) == len(set(versions))
