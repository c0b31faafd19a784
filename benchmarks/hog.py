"""Takes a share of its core away from others of a lower priority: ``python -m benchmarks.hog SHARE``.

It runs until it is killed. What it has not had of its share it takes as soon as it can, some milliseconds at a time.
"""

import sys
import time

_PAUSE_S = 0.002


def main() -> None:
    share, began = float(sys.argv[1]), time.perf_counter()
    spent = time.process_time()
    while True:
        while time.process_time() - spent < share * (time.perf_counter() - began):
            pass
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
