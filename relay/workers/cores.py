"""How many cores this process may use: those of the machine that are its own, as far as its control group lets it."""

import math
import os
from pathlib import Path, PurePosixPath

_GROUPS, _ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def usable() -> int:
    """Whole cores, one at least: by the process' affinity, and by the quota of its control group (a container's)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        groups = _GROUPS.read_text()
    except OSError:  # no Linux
        groups = ""
    return max(1, int(min(cores, quota(_ROOT, groups))))


def quota(root: Path, groups: str) -> float:
    """Seconds of processor a second that control groups allow; infinite where they set no limit.

    ``root``: where they are mounted, of version 1 or 2. ``groups``: those of the process, as ``/proc/self/cgroup`` has
    them. A group's limit holds for those in it as well. One that can't be seen here, as those outside a container, has
    none.
    """
    allowed = math.inf
    for line in groups.splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounted = root / controllers if controllers else root
        path = PurePosixPath(name)
        for group in (path, *path.parents):
            allowed = min(allowed, _limit(mounted / str(group).lstrip("/")))
    return allowed


def _limit(group: Path) -> float:
    """Of one group: ``cpu.max`` has "150000 100000" or "max 100000" (version 2), a quota of -1 is none (version 1)."""
    try:
        if (whole := group / "cpu.max").exists():
            quota_us, period_us = whole.read_text().split()
        else:
            quota_us, period_us = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        share = float(quota_us) / float(period_us)
    except (OSError, ValueError, ZeroDivisionError):  # ValueError: "max"
        return math.inf
    return share if share > 0 else math.inf
