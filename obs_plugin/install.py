"""``moodcast obs install``: script and overlay copied to the user's folder, where no update moves them."""

import contextlib
import json
import re
import shutil
import tempfile
from pathlib import Path

from obs_plugin import places
from obs_plugin.moodcast_relay import INSTALLED
from relay.common import ourselves
from relay.common.release import RELEASE
from relay.errors import DataFolderError

_HERE = Path(__file__).resolve().parent
OVERLAY = _HERE.parent / "overlay"
SCRIPT_FOLDER = "script"


def target(machine: places.Machine) -> Path:
    """Where to install: the user's folder of Moodcast; a snap's own where the only OBS is one."""
    found = {place.kind for place in places.studios(machine) if places.is_there(place.program)}
    snapped = machine.system == "linux" and found == {"snap"}
    return places.snap_folder(machine) if snapped else places.data_folder(machine)


def install(folder: Path) -> Path:
    """Copy script and overlay there, over an older copy; returns the script to give to OBS.

    A copy is made beside the folder and takes its place when it is whole: what was there stays if anything fails, and
    the user's own files in it in any case. If the program is killed, the next call puts in order what that left.

    Raises:
        DataFolderError: the folder can't be written, or holds something else.
    """
    if folder.exists() and not (folder / SCRIPT_FOLDER / INSTALLED).is_file() and any(folder.iterdir()):
        raise DataFolderError(
            f"{folder} holds something that is no installed OBS script: move it away, then install once more."
        )
    prefix = f".{folder.name}-install-"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f"{prefix}*"):
            if not folder.exists() and (left / "old").exists():  # killed just then: it is the only copy
                (left / "old").replace(folder)
            shutil.rmtree(left, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))  # the same disk
    except OSError as error:
        raise _cannot(folder, error) from error
    try:
        whole = staging / "new"
        _fill(whole)
        _keep_own(folder, whole)
        _take_the_place(whole, folder, staging / "old")
    except (OSError, shutil.Error) as error:
        raise _cannot(folder, error) from error
    finally:
        if folder.exists() or not (staging / "old").exists():  # else it is the only copy
            shutil.rmtree(staging, ignore_errors=True)
    return folder / SCRIPT_FOLDER / "moodcast_obs.py"


def _fill(folder: Path) -> None:
    script = folder / SCRIPT_FOLDER
    script.mkdir(parents=True)
    for file in sorted(_HERE.glob("moodcast_*.py")):
        shutil.copyfile(file, script / file.name)
    shutil.copytree(OVERLAY, folder / "overlay", ignore=shutil.ignore_patterns("__pycache__", "*.py", "*.d.ts"))
    note = {"version": RELEASE, "command": ourselves.command(), "files": _files(folder)}
    (script / INSTALLED).write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")


def _files(folder: Path) -> list[str]:
    """All that is in the folder but folders; links are not followed."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _keep_own(folder: Path, whole: Path) -> None:
    """Copy to ``whole`` what the user has put into an older copy: files that no installation has brought."""
    brought: set[str] = set()
    with contextlib.suppress(OSError, ValueError, RecursionError, KeyError, TypeError):
        brought.update(map(str, json.loads((folder / SCRIPT_FOLDER / INSTALLED).read_text("utf-8"))["files"]))
    for name in _files(folder):
        ours = name in brought or re.search(rf"(^|/)__pycache__/|^{SCRIPT_FOLDER}/moodcast_\w+\.py$", name)
        if not ours and not (whole / name).exists():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, whole / name, follow_symlinks=False)


def _take_the_place(whole: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        whole.replace(folder)
        return
    folder.replace(old)
    try:
        whole.replace(folder)
    except OSError:
        with contextlib.suppress(OSError):
            old.replace(folder)
        raise


def _cannot(folder: Path, error: Exception) -> DataFolderError:
    reason = getattr(error, "strerror", None) or "not all files could be copied"
    return DataFolderError(
        f"The OBS script can't be installed in {folder} ({reason}): make room, see that the folder is yours to write, "
        "and close OBS. Nothing was changed."
    )


def clicks(machine: places.Machine, script: Path) -> str:
    """What to click in OBS, with the exact path."""
    steps = []
    if machine.system == "windows":
        steps.append(
            "Once: install Python 3.12, 64-bit, from python.org (OBS takes no 3.13), then Tools > Scripts > Python "
            f"Settings: {_programs(machine)}"
        )
    elif machine.system == "macos":
        steps.append(
            "Once: install Python 3.12 from python.org (OBS takes no 3.13), then Tools > Scripts > Python Settings: "
            "/Library/Frameworks"
        )
    steps.append(f"Tools > Scripts > + and choose\n     {script}")
    steps.append('Paste the overlay\'s address that the relay prints, then press "Add overlay to current scene".')
    lines = [f"  {number}. {step}" for number, step in enumerate(steps, 1)]
    return "\n".join(["In OBS:", *lines, "Is something wrong? moodcast obs doctor"])


def _programs(machine: places.Machine) -> str:
    local = machine.environ.get("LOCALAPPDATA") or str(machine.home / "AppData" / "Local")
    return str(Path(local) / "Programs" / "Python" / "Python312")
