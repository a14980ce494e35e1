"""Whole files on the disk, of servers that send no parts.

One thread of one process writes a file; the others wait, and then read it as a local one. The names
end with `PART_SUFFIX`, so that the next run removes what a killed one left.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

from jumpduck.errors import JumpduckError
from jumpduck.storage.atomic_files import PART_SUFFIX, make_folder

FOLDER = ".jumpduck/whole_files"
"""Where they are, in the folder that a run fills."""

LOCKS = 2**40
"""Byte of the shared file from which each stands for a lock, far behind what else is in it."""


class WholeFiles:
    """The files of one run.

    Parameters
    ----------
    folder
        The folder that the run fills.
    run
        What only this run has in the names of its part files.
    save
        Writes the file of a URL to a path.
    shared_file
        Descriptor of a file that all processes of the run have open; None for one process.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        save: Callable[[str, Path], None],
        shared_file: int | None = None,
    ) -> None:
        self._folder = folder / FOLDER
        self._run = run
        self._save = save
        self._shared_file = shared_file
        self._failed: dict[str, JumpduckError] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, url: str) -> Path:
        """Get the path of a file, which is fetched if it is not there.

        Raises
        ------
        FileNotFoundError, PermissionError, StoreError, OSError
            As `ObjectReader.save`; a file that could not be had is not asked for again.
        """
        path = self._path(url)
        if path.exists():
            return path
        with self._turn(url):
            if url in self._failed:
                raise self._failed[url]
            if not path.exists():
                make_folder(path.parent)
                # with the process, because the main one keeps no lock
                part = path.with_name(f"new-{os.getpid()}-{path.name}")
                try:
                    self._save(url, part)
                    part.replace(path)
                except BaseException as error:
                    if isinstance(error, JumpduckError):
                        self._failed[url] = error
                    with suppress(OSError):
                        part.unlink()
                    raise
        return path

    def remove_but(self, needed: Iterable[Iterable[str]]) -> None:
        """Remove the files of all URLs but those needed, which are read only if there are files."""
        try:
            here = [one for one in self._folder.iterdir() if self._run in one.name]
        except OSError:
            return
        names = {self._path(url).name for urls in needed for url in urls} if here else set[str]()
        for file in here:
            if file.name.rpartition("-")[2] not in names:
                with suppress(OSError):
                    file.unlink()

    def _path(self, url: str) -> Path:
        return self._folder / f"{_digest(url).hex()[:32]}.{self._run}{PART_SUFFIX}"

    @contextmanager
    def _turn(self, url: str) -> Generator[None]:
        """Keep all others out who want the same file, in this process and the other ones."""
        with self._lock:
            lock = self._turns.setdefault(url, threading.Lock())
        with lock:
            if self._shared_file is None:
                yield
                return
            import fcntl  # Windows does not have it, and downloads nothing

            # the system gives the lock back when the process is killed
            place = LOCKS + int.from_bytes(_digest(url)[:4], "big")
            fcntl.lockf(self._shared_file, fcntl.LOCK_EX, 1, place, os.SEEK_SET)
            try:
                yield
            finally:
                fcntl.lockf(self._shared_file, fcntl.LOCK_UN, 1, place, os.SEEK_SET)


def _digest(url: str) -> bytes:
    return hashlib.sha256(url.encode()).digest()
