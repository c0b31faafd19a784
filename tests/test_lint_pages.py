"""``make lint`` of the pages: what it says where Node.js or npm's registry are missing, and what fails."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import HANG_S

ROOT = Path(__file__).parents[1]
UNREACHABLE = "npm error code ENOTFOUND\nnpm error network request to https://registry.npmjs.org/eslint failed"
CHANGED = "npm error code EINTEGRITY\nnpm error sha512-AAAA integrity checksum failed"
UNFIT = (
    "npm error code EUSAGE\nnpm error `npm ci` can only install packages when your package.json and lock are in sync"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The script with what it looks at, and a folder ``bin`` of the few programs it is given, without Node.js."""
    for name in ("lint-pages.sh", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "bin").mkdir()
    for name in ("sh", "dirname", "mktemp", "grep", "head", "cat", "rm", "touch", "mkdir"):
        found = shutil.which(name)
        assert found
        (tmp_path / "bin" / name).symlink_to(found)
    return tmp_path


def program(project: Path, name: str, text: str) -> None:
    """Put a program of this shell script where it is found first."""
    file = project / name if "/" in name else project / "bin" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def run(project: Path) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", "lint-pages.sh"], cwd=project, env={**os.environ, "PATH": str(project / "bin")},
        capture_output=True, text=True, timeout=HANG_S,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_without_node_it_is_said_that_nothing_is_checked(project: Path) -> None:
    code, said = run(project)
    assert code == 0
    assert "skipped: they need Node.js 20.19 or newer with npm, and there is no node." in said


def test_an_old_node_is_told(project: Path) -> None:
    program(project, "node", '[ "$1" = --version ] && echo v18.19.0; [ "$1" = --version ]')
    program(project, "npm", "exit 9")
    code, said = run(project)
    assert code == 0
    assert "skipped: they need Node.js 20.19 or newer, and this is v18.19.0." in said


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [(UNREACHABLE, 0), (CHANGED, 1), (UNFIT, 1), ("npm error code ENOSPC\nnpm error no space left on device", 1)],
    ids=["no registry", "another file than the lock names", "another package than the lock names", "no space"],
)
def test_only_a_registry_out_of_reach_is_no_failure(project: Path, complaint: str, expected: int) -> None:
    program(project, "node", "exit 0")
    program(project, "npm", f"echo '{complaint}' >&2; exit 1")
    code, said = run(project)
    assert code == expected
    if expected:
        assert complaint in said
    else:
        assert "skipped: npm did not get them from its registry (ENOTFOUND)." in said


@pytest.mark.parametrize(("types", "style"), [(0, 0), (2, 0), (0, 1)])
def test_what_the_checks_find_fails(project: Path, types: int, style: int) -> None:
    program(project, "node", "exit 0")
    program(project, "npm", "mkdir -p node_modules && : >node_modules/.package-lock.json")
    program(project, "node_modules/.bin/tsc", f"exit {types}")
    program(project, "node_modules/.bin/eslint", f"exit {style}")
    assert run(project)[0] == (types or style)


def test_packages_are_installed_once_and_again_when_they_change(project: Path) -> None:
    program(project, "node", "exit 0")
    program(project, "npm", "mkdir -p node_modules && : >node_modules/.package-lock.json; echo x >>installed; exit 0")
    for name in ("tsc", "eslint"):
        program(project, f"node_modules/.bin/{name}", "exit 0")
    for _ in range(2):
        assert run(project)[0] == 0
    assert (project / "installed").read_text().split() == ["x"]
    lock = project / "package-lock.json"
    later = (project / "node_modules" / ".package-lock.json").stat().st_mtime + 60
    os.utime(lock, (later, later))
    assert run(project)[0] == 0
    assert (project / "installed").read_text().split() == ["x", "x"]


def test_the_lock_names_no_registry_and_exact_versions() -> None:
    """So that each machine uses the registry it has, and nobody learns of the one where the lock was made."""
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text()
    assert "registry=" not in (ROOT / ".npmrc").read_text().replace("registry-resolved=", "")
