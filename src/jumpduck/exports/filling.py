"""Fills the folder of an export: its parts on several threads, each as a whole or not at all."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import polars as pl

from jumpduck.daemon_pool import DaemonPool
from jumpduck.exports.export_folder import ExportFolder
from jumpduck.exports.forms import FolderForm, Part
from jumpduck.exports.tables import LACKING_FILE, write_lacking

WORKERS = os.cpu_count() or 1

WAITING_PARTS = 2
"""Parts for each thread that are begun or wait, because each has its sites in memory."""


def fill(
    form: FolderForm,
    folder: ExportFolder,
    lacking: pl.DataFrame,
    progress: Callable[[int], None],
) -> int:
    """Make the parts that are not there, check those that are, and get the number of all.

    Parameters
    ----------
    lacking
        The images that sites lack.
    progress
        Called with the number of images of each part.
    """
    pending: deque[tuple[Part, Future[str | None]]] = deque()
    parts = 0

    def make(part: Part) -> str | None:
        """Write a part, and get its digest; None if it is there."""
        if folder.is_finished(part.name):
            return None
        form.write(part, folder.work_path(part.name))
        return folder.sync(part.name)

    def take() -> None:
        part, future = pending.popleft()
        found = future.result()
        if found is not None:
            folder.finish(part.name, found)
        progress(part.images)

    with folder.open():
        pool = DaemonPool(WORKERS, "export")
        try:
            for part in form.parts():
                pending.append((part, pool.submit(make, part)))
                parts += 1
                if len(pending) >= WAITING_PARTS * WORKERS:
                    take()
            while pending:
                take()
        finally:
            pool.shutdown(cancel_futures=True)
        write_lacking(lacking, folder.path / LACKING_FILE)
        for name, data in form.finish(folder.path).items():
            folder.write(name, data)
    return parts
