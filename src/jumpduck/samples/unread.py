"""Sites whose images could not be read while samples were taken, in any process."""

import json
import os
import secrets
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from jumpduck.errors import ImageError
from jumpduck.rows import SITE_KEY
from jumpduck.transfer.kept_sites import CHANNEL, LACKING

REASONS: Mapping[type[BaseException], str] = {ImageError: "corrupt", FileNotFoundError: "missing"}
"""Statuses of results, by the error; any other is failed."""


class Unread:
    """Rows in a temporary file, which workers that have a copy of this append to.

    The first row makes the file, and the process that made this removes it.
    """

    def __init__(self) -> None:
        self._path = Path(tempfile.gettempdir()) / f"jumpduck-unread-{secrets.token_hex(16)}.jsonl"
        # with the process, because a fork has a copy that ends before
        weakref.finalize(self, _remove, self._path, os.getpid())

    def note(self, key: Sequence[object], error: Exception) -> None:
        """Append a row for a site, whose status is that of what caused the error."""
        status = REASONS.get(type(error.__cause__ or error), "failed")
        values = (*key, None, status, str(error))
        line = json.dumps(dict(zip(LACKING, values, strict=True))) + "\n"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        file = os.open(self._path, flags, 0o600)
        try:
            os.write(file, line.encode())  # at once, because other processes append, too
        finally:
            os.close(file)

    def rows(self) -> pl.DataFrame:
        """Get a row for each site, whatever the number of times that it could not be read."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        rows = pl.DataFrame([json.loads(line) for line in lines], schema=LACKING)
        return rows.unique((*SITE_KEY, CHANNEL), keep="first").sort(SITE_KEY)


def _remove(path: Path, process: int) -> None:
    if os.getpid() == process:
        path.unlink(missing_ok=True)
