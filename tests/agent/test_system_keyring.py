"""Asking the system's keyring: what is done meanwhile, and what is not."""

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from agent.system_keyring import Errands
from tests.agent.desktop.session import homed
from tests.support import HANG_S

ROOT = Path(__file__).parents[2]


def test_errands_are_done_in_turn_in_a_thread_of_their_own_whatever_becomes_of_them() -> None:
    errands, may_go_on, done = Errands("errands"), threading.Event(), list[str]()
    first = errands.do(may_go_on.wait, HANG_S)
    second = errands.do(int, "no number")
    third = errands.do(done.append, "third")
    assert not done
    may_go_on.set()
    assert first.result(HANG_S)
    with pytest.raises(ValueError, match="no number"):
        second.result(HANG_S)
    third.result(HANG_S)
    assert done == ["third"]


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="elsewhere its libraries are looked for in other ways")
def test_to_find_a_keyring_no_program_is_run_and_nothing_is_complained_of(tmp_path: Path) -> None:
    pytest.importorskip("keyring", reason="the agent's packages are not installed")
    code = """
        import sys
        from agent.system_keyring import system_keyring

        sys.addaudithook(lambda event, _: print(event) if event in RUNNING else None)
        RUNNING = {"subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec"}
        system_keyring()
        print("asked")
    """
    environment = {**homed(tmp_path), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=HANG_S,
    )  # fmt: skip
    assert (run.stdout, run.stderr) == ("asked\n", "")
