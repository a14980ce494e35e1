"""How many cores this process may use."""

import os
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Get the cores that the scheduler of the system or of a cluster lets this process use.

    A batch system gives a job some cores of a machine (its affinity), a container a share of
    their time (its control group, version 2).
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has none
        cores = os.cpu_count() or 1
    return max(1, int(min(cores, _quota())))


def _quota() -> float:
    """Get the cores' worth of time that the control groups of this process have."""
    least = float("inf")
    with suppress(OSError, ValueError):
        lines = CGROUP.read_text().splitlines()
        own = CGROUPS / next((line[4:] for line in lines if line.startswith("0::/")), "")
        for folder in (own, *own.parents):
            with suppress(OSError, ValueError):
                quota, period = (folder / "cpu.max").read_text().split()
                least = min(least, float(quota) / float(period))  # "max" is not a number
    return least
