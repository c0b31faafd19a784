"""A program's companion, which ends it with the relay: ``keeper`` starts it as ``-m relay.tunnel.guard COMMAND``.

The programs themselves don't look at their input. This one does nothing else: when the pipe to it closes, since the
relay has ended, was killed or let go, it ends the program. It passes on its output as it is, and its exit code.
"""

import os
import signal
import subprocess
import sys
import threading
import time

GRACE_S = 3.0
"""The program has so long to end by itself. Viewers were told before."""
_NOT_STARTED = 127
"""As a shell says it."""


def main(command: list[str]) -> int:
    """Run the command until it ends or nobody holds the input open; returns its exit code."""
    try:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 (of the relay's own table)
    except OSError as error:
        print(f"{command[0]} can't be started: {error.strerror}", flush=True)  # noqa: T201 (the relay reads it)
        return _NOT_STARTED
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=_end_with_the_relay, args=(program,), daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


def _end_with_the_relay(program: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 4096):
        pass
    program.terminate()
    time.sleep(GRACE_S)  # ends with this process, as soon as the program has ended
    program.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
