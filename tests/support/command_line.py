"""The command line, in this process or in one of its own."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jumpduck.cli import run


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


def run_here(*words: object, cwd: Path, stdin: str = "", **env: str) -> Run:
    """Run a command line in this process, as a user in `cwd` does.

    This takes a hundredth of the time of a new interpreter. A test of signals, of memory, of a
    terminal or of how a process ends needs `process` instead.
    """
    out, err = io.StringIO(), io.StringIO()
    loaded = set(sys.modules)
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(cwd)
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        for name, value in env.items():
            patch.setenv(name, value)
        code = run([str(word) for word in words])
    for name in set(sys.modules) - loaded:
        # a module of this folder must not stay, because another test may have one of its name
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(cwd)):
            del sys.modules[name]
    return Run(code, out.getvalue(), err.getvalue())


END_SECONDS = 60
"""Time in which a process ends that waits for nothing, also on a machine that does much else."""

PATIENT = f"""
from jumpduck import interrupts
interrupts.TIDY_SECONDS = interrupts.LIMIT_SECONDS = {END_SECONDS}
from jumpduck.__main__ import main
main()
"""


@contextlib.contextmanager
def process(
    *words: object, cwd: Path | None = None, patient: bool = False, **env: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a command line in a process of its own, which ends with the block at the latest.

    A patient one ends in order however long that takes on a machine that does much else; another
    one ends at once when 3 seconds have passed after a signal.
    """
    running = subprocess.Popen(
        [sys.executable, *(["-c", PATIENT] if patient else ["-m", "jumpduck"]), *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, **env},
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def peak_memory_kb(*words: object, cwd: Path) -> tuple[str, int]:
    """Run a command line in a process of its own, and return its output and peak memory in kB."""
    script = (
        f"from jumpduck.cli import run; run({[*map(str, words)]});"
        "print(open('/proc/self/status').read())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True)
    printed, mark, status = done.stdout.partition("VmHWM:")
    assert mark, done
    return printed, int(status.split()[0])
