"""`moodcast models synth`: faces that move as their labels say, the same for the same seed."""

import csv
import os
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import moodcast
from agent import face_stage
from models.clips import motions, synth, video, warp
from models.clips.motions import Points
from models.errors import DatasetError, ModelMissingError
from models.inference import registry
from models.inference.face_stage import FindFaces
from relay.protocol import EXPRESSIONS
from tests import full_disk

LONDON = Path(__file__).parents[2] / ".." / "shared" / "data" / "photos" / "london"
SIZE = 224


def weights(name: str) -> Path:
    try:
        return registry.path(name)
    except ModelMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def find() -> Iterator[FindFaces]:
    weights("face_landmarker")
    with face_stage.finding("tests") as found:
        yield found


@pytest.fixture(scope="module")
def someone(find: FindFaces) -> warp.FaceMesh:
    """A neutral portrait where there are some, else the astronaut's."""
    file = LONDON / "001_neutral.jpg" if LONDON.is_dir() else weights("portrait")
    return synth.load_portraits({"me": file}, find, SIZE)["me"]


def played(who: warp.FaceMesh, expression: str, strength: float = 1.0) -> warp.Picture:
    mesh = who.rest.copy()
    for action, share in motions.PROTOTYPES[expression].items():
        mesh[: warp.MESH] += strength * share * motions.displacement(who.face, action) * who.tile
    return warp.render(who, mesh, SIZE)


def seen(find: FindFaces, picture: NDArray[np.uint8]) -> dict[str, float]:
    """What the landmarker, which knows nothing of the warping, finds in a picture; lengths in eye distances."""
    (mesh,) = find(np.asarray(cv2.resize(picture, None, fx=2, fy=2), np.uint8))

    def of(*points: int) -> Points:
        middle: Points = mesh[list(points)].mean(0)
        return middle

    unit = float(np.linalg.norm(of(33, 133) - of(362, 263)))
    return {
        "opening": (of(14) - of(13))[1] / unit,
        "width": float(np.linalg.norm(of(61) - of(291))) / unit,
        "corners": (of(0, 17) - of(61, 291))[1] / unit,  # above the middle of the lips
        "brows": (of(33, 133, 362, 263) - of(*motions.BROWS_INNER))[1] / unit,  # above the eyes
        "eyes": (of(145, 374) - of(159, 386))[1] / unit,
    }


def test_expressions_can_be_seen(find: FindFaces, someone: warp.FaceMesh) -> None:
    rest = seen(find, played(someone, "neutral"))
    faces = {name: seen(find, played(someone, name)) for name in EXPRESSIONS}
    assert faces["happy"]["width"] > rest["width"] + 0.08
    assert faces["happy"]["corners"] > rest["corners"] + 0.03
    assert faces["sad"]["corners"] < rest["corners"] - 0.03
    assert faces["surprise"]["opening"] > rest["opening"] + 0.1
    assert faces["surprise"]["brows"] > rest["brows"] + 0.03
    assert faces["angry"]["brows"] < rest["brows"] - 0.03
    assert faces["angry"]["opening"] < 0.1
    assert faces["fear"]["width"] > rest["width"] + 0.05
    assert faces["disgust"]["brows"] < rest["brows"]
    weak = seen(find, played(someone, "surprise", 0.4))
    assert rest["opening"] < weak["opening"] < faces["surprise"]["opening"]


def test_eyes_shut(find: FindFaces, someone: warp.FaceMesh) -> None:
    mesh = someone.rest.copy()
    mesh[: warp.MESH] = motions.close_eyes(mesh[: warp.MESH], 1)
    assert seen(find, warp.render(someone, mesh, SIZE))["eyes"] < 0.6 * seen(find, played(someone, "sad", 0))["eyes"]


def test_a_mesh_at_rest_is_the_portrait(someone: warp.FaceMesh) -> None:
    start = (len(someone.picture) - SIZE) // 2
    middle = someone.picture[start : start + SIZE, start : start + SIZE].astype(int)
    assert np.abs(warp.render(someone, someone.rest, SIZE).astype(int) - middle).mean() < 2


def test_a_clip_is_calm_at_its_ends_and_full_at_its_apex(someone: warp.FaceMesh) -> None:
    role = synth.Role("surprise", "001", 1.0, 20, 2, 9, 12, 17)
    frames = np.stack(list(synth.perform(someone, role, SIZE, np.random.default_rng(5)))).astype(int)
    assert frames.shape == (20, SIZE, SIZE, 3)
    mouth = frames[:, 140:190, 80:144].mean((1, 2, 3))  # dark when it is open
    assert mouth[9:12].mean() < min(mouth[:2].mean(), mouth[17:].mean()) - 8


@given(count=st.integers(1, 100), people=st.integers(1, 9), seed=st.integers(0, 99))
def test_roles(count: int, people: int, seed: int) -> None:
    roles = synth.cast([str(i) for i in range(people)], count, np.random.default_rng(seed))
    assert len(roles) == count
    for chosen in (Counter(role.expression for role in roles), Counter(role.subject for role in roles)):
        assert max(chosen.values()) - min(chosen.values()) <= 7
    for role in roles:
        assert synth.FRAMES[0] <= role.frames <= synth.FRAMES[1]
        assert 0 <= role.onset < role.apex <= role.release < role.offset
        assert synth.WEAKEST <= role.intensity <= 1
        shown = motions.course(role.frames, role.onset, role.apex, role.release, role.offset)
        assert shown.min() >= 0
        assert shown[role.apex] == shown.max() == 1
        assert (np.diff(shown[: role.apex + 1]) >= 0).all()
        assert (np.diff(shown[role.release :]) <= 0).all()
        assert not shown[: role.onset + 1].any()


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("pictures", [True, False])
def test_one_seed_one_set(tmp_path: Path, someone: warp.FaceMesh, pictures: bool) -> None:
    if not pictures:
        pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        synth.make(tmp_path / name, {"me": someone}, 2, seed, 64, pictures)
    first, again, other = (content(tmp_path / name) for name in "abc")
    assert first == again
    assert first != other


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    portraits, out = tmp_path / "portraits", tmp_path / "out"
    portraits.mkdir()
    if LONDON.is_dir():
        shutil.copy(LONDON / "001_neutral.jpg", portraits)
    else:
        shutil.copy(weights("portrait"), portraits / "001_neutral.png")
    command = ["models", "synth", str(out), "--clips", "8", "--size", "64", "--portraits", str(portraits)]
    assert moodcast.main(command) == 0
    assert "8 clips of 1 people" in capsys.readouterr().out
    rows = list(csv.DictReader((out / synth.TABLE).read_text().splitlines()))
    assert Counter(row["label"] for row in rows) == Counter([*EXPRESSIONS, "angry"])
    for row in rows:
        clip = list(video.frames(out / row["file"]))
        assert len(clip) == int(row["frames"])
        assert clip[0].shape == (64, 64, 3)
        assert row["file"].startswith(f"{row['label']}/001_")
        assert (row["intensity"] == "") == (row["label"] == "neutral")
        assert row["label"] == "neutral" or int(row["onset"]) < int(row["apex"]) < int(row["frames"])
    before = content(out)
    assert moodcast.main(command) == 28  # nothing is overwritten
    assert "expected a new or an empty folder" in capsys.readouterr().err
    assert content(out) == before


def test_what_a_kill_has_left_is_named(tmp_path: Path) -> None:
    """It is hidden: to its user the folder looks empty."""
    (tmp_path / ".moodcast-0123456789abcdef").mkdir()
    with (
        pytest.raises(DatasetError, match=r"is not \(it holds \.moodcast-0123456789abcdef\): delete it or choose"),
        synth.whole_set(tmp_path, synth.TABLE, pictures=True),
    ):
        pass


def test_names_of_any_script_whatever_the_system_writes(tmp_path: Path) -> None:
    """Tables are read as UTF-8, also where files are written otherwise by default."""
    code = "import sys; from pathlib import Path; from models.clips import synth; "
    code += "synth.write_table(Path(sys.argv[1]), ('file', 'subject'), [('1.mp4', 'Zo\\xeb')])"
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    table = tmp_path / "clips.csv"
    subprocess.run([sys.executable, "-c", code, str(table)], cwd=full_disk.ROOT, env=plain, check=True)
    assert table.read_text(encoding="utf-8").splitlines()[1] == "1.mp4,Zoë"


FULL = """
import pickle
from models.clips import synth
from models.errors import DatasetError

people = pickle.loads(Path(sys.argv[2]).read_bytes())
(disk / "out").mkdir()
if len(sys.argv) > 4:
    fill()
for name in ("out", "new/set"):
    try:
        synth.make(disk / name, people, 40, 0, 128, sys.argv[3] == "pictures")
    except DatasetError as error:
        print(error)
print(sorted(str(place.relative_to(disk)) for place in disk.rglob("*")))
"""


@pytest.mark.parametrize("kind", ["pictures", "videos"])
@pytest.mark.parametrize("first", [(), ("full",)])
def test_a_full_disk_leaves_no_part_of_a_set(
    tmp_path: Path, someone: warp.FaceMesh, kind: str, first: tuple[str, ...]
) -> None:
    if kind == "videos":
        pytest.importorskip("av", reason="video files need PyAV: pip install '.[train]'")
    people = tmp_path / "people"
    people.write_bytes(pickle.dumps({"me": someone}))
    done = full_disk.run(FULL, tmp_path / "disk", "200k", str(people), kind, *first)
    assert done.returncode == 0, done.stderr
    *errors, left = done.stdout.splitlines()
    assert len(errors) == 2
    for error in errors:
        assert "No space left on device" in error
        assert "nothing is left of the set: make room, or choose another folder, and give the command again" in error
    assert left == str(["filler", "out"] if first else ["out"])


def test_a_stopped_set_leaves_nothing(tmp_path: Path, someone: warp.FaceMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    perform, seen = synth.perform, []

    def stops(who: warp.FaceMesh, role: synth.Role, *more: Any) -> Iterator[video.Frame]:
        yield from perform(who, role, *more)
        seen.append([file for file in tmp_path.glob("*/*") if not file.name.startswith(".")])
        if len(seen) > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(synth, "perform", stops)
    (tmp_path / "empty").mkdir()
    for out in ("new", "empty"):
        with pytest.raises(KeyboardInterrupt):
            synth.make(tmp_path / out, {"me": someone}, 9, 0, 64, True)
        seen.append([])
    assert not any(seen)  # nothing to train on before all is there
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


def test_portraits_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a folder"):
        synth.find_portraits(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="got none"):
        synth.find_portraits(tmp_path)
    for name in ("me_and_you.png", "10_neutral.jpg", "9_neutral.jpg", "9_happy.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert list(synth.find_portraits(tmp_path)) == ["9", "10"]
    with pytest.raises(DatasetError, match="can't be read"):
        synth.load_portraits(synth.find_portraits(tmp_path), lambda picture: [], 32)


def test_pictures_without_faces(tmp_path: Path) -> None:
    video.write_pictures([np.zeros((40, 40, 3), np.uint8)], tmp_path)
    with pytest.raises(DatasetError, match="expected faces in the 1 pictures, found none"):
        synth.load_portraits(synth.find_portraits(tmp_path), lambda picture: [], 32)
