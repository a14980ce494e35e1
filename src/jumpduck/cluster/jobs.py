"""The jobs of a run, one for each shard, as every batch system is told of them."""

import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jumpduck.errors import QueryError, StoreError

Verb = Literal["download", "profile"]
"""What a job does with its shard."""

LOGS = "logs"
"""Folder beside the shards for what their jobs print."""

NAME = "jumpduck"
"""What the batch system calls the jobs."""

DECIMALS = 3
"""Of the requests and megabits a second that a job gets."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a run.

    Attributes
    ----------
    folder
        Folder of the shards.
    shards
        Names of their files without the end: 0001, 0002, …
    command
        Words of a job's command line, without the shard.
    directory
        Folder in which the jobs run.
    at_once
        Jobs that may run at once; None for as many as the batch system starts.
    cpus, memory_gb
        Cores and memory of a job.
    retries
        How often a job that was killed begins again.
    lines
        Further lines for the batch system.
    """

    folder: Path
    shards: Sequence[str]
    command: Sequence[str]
    directory: Path
    at_once: int | None
    cpus: int
    memory_gb: float
    retries: int
    lines: Sequence[str]

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.directory / self.folder / LOGS

    @property
    def memory_mb(self) -> int:
        """The memory of a job in megabytes."""
        return math.ceil(self.memory_gb * 1000)


def share(name: str, total: float | None, jobs: int) -> float | None:
    """Get what one job gets of a limit of the whole run.

    Raises
    ------
    QueryError
        That is less than a job can keep to.
    """
    if total is None:
        return None
    part = math.floor(total / jobs * 10**DECIMALS) / 10**DECIMALS
    if not part:
        raise QueryError(
            f"{name} {total:g} is too little for {jobs:,} jobs at once; give more, or fewer jobs "
            "with `at_once`"
        )
    return part


def run_program(words: Sequence[str], file: Path, by: str) -> str:
    """Run a program of a batch system, and get what it prints.

    Parameters
    ----------
    file
        What was written for the batch system.
    by
        The program that submits it.

    Raises
    ------
    StoreError
        The program is not installed, or refuses.
    """
    try:
        done = subprocess.run(words, capture_output=True, text=True)  # noqa: S603
    except FileNotFoundError:
        raise StoreError(
            f"{words[0]} is not installed here; {file} is written: submit it with `{by} {file}` "
            f"where {by} is; `jumpduck submit --dry-run` prints it"
        ) from None
    if done.returncode:
        reason = "; ".join((done.stderr or done.stdout).strip().splitlines())
        raise StoreError(f"{words[0]} refuses {file}: {reason}")
    return done.stdout.strip()
