"""The agent gives way to the game, the call and the stream that it runs beside."""

import contextlib
import os
import sys

NICE = 10
"""On the scale of 0 to 19 of POSIX systems. Linux weighs it 110 against 1,024 of what runs at 0."""
_BELOW_NORMAL = 0x4000
"""BELOW_NORMAL_PRIORITY_CLASS in the Windows API."""


def lower() -> None:
    """Lower this process's priority for good, unless it is as low already.

    Linux counts by threads, and those to come inherit it: call it in the main thread before there are others.
    """
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.WinDLL("kernel32")
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.SetPriorityClass(ctypes.c_void_p(kernel.GetCurrentProcess()), _BELOW_NORMAL)
    else:
        with contextlib.suppress(OSError):  # where a sandbox forbids it, the agent costs no more than it did
            os.nice(max(0, NICE - os.nice(0)))
