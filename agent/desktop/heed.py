"""Signals to stop that are heard whatever the main thread is at: Tk may be waiting for a screen that hangs."""

import os
import signal
import socket
import threading
from collections.abc import Callable

from agent import stopping
from agent.outset import INTERRUPTED


def heed(stop: Callable[[], object]) -> None:
    """Call ``stop``, once, in a thread of its own; a second Ctrl-C ends the process at once. In the main thread."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    numbers = stopping.heeded()
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)  # Python writes its number into the socket all the same

    def hear() -> None:
        times = 0
        while heard := ours.recv(1):
            if heard[0] in numbers:
                times += 1
                if times == 1:
                    threading.Thread(target=stop, name="stop", daemon=True).start()
                elif heard[0] == signal.SIGINT:
                    os._exit(INTERRUPTED)
        theirs.close()  # never reached: both stay open as long as the process

    threading.Thread(target=hear, name="signals", daemon=True).start()
