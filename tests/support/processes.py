"""Processes that another one started."""

import os
import time
from pathlib import Path


def children(pid=None):
    """The processes that a process started (by default this one), and that have not ended."""
    pid = pid or os.getpid()
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has ended meanwhile
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def ended(pids, seconds=60):
    """Whether all of these processes end within some time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(_is_there(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def memory_kb(pid):
    """The memory of a process in kB; what it shares with others counts in part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
