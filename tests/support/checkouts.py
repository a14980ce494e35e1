"""Compare this checkout with another one: the same tasks in turns, in one process each."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

WORKER = Path(__file__).with_name("checkout_worker.py")
HERE = Path(__file__).parents[2]


class Checkout:
    """A process that uses the jumpduck in the folder ``src`` of a checkout."""

    def __init__(self, folder):
        own = Path(folder) / ".venv/bin/python"
        python = own if own.exists() else sys.executable
        env = {**os.environ, "PYTHONPATH": str(Path(folder).resolve() / "src")}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen([python, WORKER], env=env, text=True, **pipes)

    def seconds(self, task, **arguments):
        """Do a task of the worker, and get the time that it took."""
        self._process.stdin.write(json.dumps({"task": task, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the worker ended while it did {task}"
        return float(answer)

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def compare(other, tasks, rounds):
    """Print how long each task takes here and in the other checkout.

    The ratio is the median over the rounds of here / there, so below 1 is faster here. Each round
    begins with the other checkout in turn. One round before the first is not counted.
    """
    here, there = Checkout(HERE), Checkout(other)
    print(f"{'milliseconds':28} {'there':>9} {'here':>9} {'ratio':>6}")
    try:
        times = {name: [] for name in tasks}
        for number in range(rounds + 1):
            for name, arguments in tasks.items():
                order = (here, there) if number % 2 else (there, here)
                seconds = {place: place.seconds(**arguments) for place in order}
                times[name].append((seconds[there], seconds[here]))
        for name, pairs in times.items():
            ratio = statistics.median(ours / theirs for theirs, ours in pairs[1:])
            before, after = (
                1e3 * statistics.median(column) for column in zip(*pairs[1:], strict=True)
            )
            print(f"{name:28} {before:9.2f} {after:9.2f} {ratio:6.3f}", flush=True)
    finally:
        here.close()
        there.close()
