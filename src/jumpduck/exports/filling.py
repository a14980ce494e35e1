"""Fills the folder of an export: its pieces on several threads, each as a whole or not at all."""

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from jumpduck.cores import usable_cores
from jumpduck.daemon_pool import DaemonPool
from jumpduck.exports.export_folder import ExportFolder
from jumpduck.exports.forms import FolderForm, Piece

MORE_THAN_CORES = 2
"""Threads beside one a core, because some wait for the disk."""

WAITING_PIECES = 2
"""Parts for each thread that are begun or wait, because each has its sites in memory."""


def fill(
    form: FolderForm,
    folder: ExportFolder,
    beside: Mapping[str, bytes],
    progress: Callable[[int], None],
) -> int:
    """Make the pieces that are not there, check those that are, and get the number of all.

    Parameters
    ----------
    beside
        Further files of the folder, by their names.
    progress
        Called with the number of images of each piece.
    """
    pending: deque[tuple[Piece, Future[str | None]]] = deque()
    pieces, threads = 0, usable_cores() + MORE_THAN_CORES

    def make(piece: Piece) -> str | None:
        """Write a piece, and get its digest; None if it is there."""
        if folder.is_finished(piece.name):
            return None
        form.write(piece, folder.work_path(piece.name))
        return folder.sync(piece.name)

    def take() -> None:
        piece, future = pending.popleft()
        found = future.result()
        if found is not None:
            folder.finish(piece.name, found)
        progress(piece.images)

    with folder.open():
        pool = DaemonPool(threads, "export")
        try:
            for piece in form.pieces():
                pending.append((piece, pool.submit(make, piece)))
                pieces += 1
                if len(pending) >= WAITING_PIECES * threads:
                    take()
            while pending:
                take()
        finally:
            pool.shutdown(cancel_futures=True)
        for name, data in {**beside, **form.finish()}.items():
            folder.write(name, data)
    return pieces
