"""A disk of its own for a test."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def mount(place: Path, options: str) -> None:
    """Mount a disk in memory, or mount it again with other options."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True, capture_output=True
    )


@contextlib.contextmanager
def disk(place: Path, options: str) -> Iterator[Path]:
    """Mount a disk at `place` while the block runs; skip the test where that is not allowed."""
    place.mkdir()
    try:
        mount(place, options)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted, as root may: {error}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)
