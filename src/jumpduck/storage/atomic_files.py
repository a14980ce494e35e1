"""Files that are whole or not there."""

import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from jumpduck.errors import StoreError

PART = ".part"
"""Ends the name of a file that is not complete."""


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Get a place to write to; what is there at the end takes the name `path`, or is removed.

    Data reaches the disk before the name does, so a power cut leaves the old file or the new one.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{PART}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only when all of it is on the disk."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_part(target: Path, data: bytes | memoryview) -> tuple[int, Path]:
    """Write what `name_parts` will call `target`; get the open file and its name till then.

    The name begins with a dot, which no name of a manifest does. A link is never followed.
    """
    part = target.with_name(f".{target.name}{PART}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        file = os.open(part, flags, 0o666)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(part, flags, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        _let_go(file)  # the disk begins with it now, not when it is waited for
    except BaseException:
        os.close(file)
        with suppress(OSError):
            part.unlink()
        raise
    return file, part


def sync_part(file: int) -> None:
    """Bring what `write_part` wrote to the disk, and let others have its memory.

    Nothing reads it again soon; a page of the cache that is warm from one file takes the next.
    """
    os.fsync(file)
    _let_go(file)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sizes_in(folder: Path) -> dict[str, int]:
    """Get the size of each plain file in a folder by its name, and remove parts left behind."""
    found: dict[str, int] = {}
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(PART):
                Path(entry.path).unlink()
            elif entry.is_file(follow_symlinks=False):
                found[entry.name] = entry.stat(follow_symlinks=False).st_size
    return found


def free_bytes(folder: Path) -> int:
    """Get the bytes that can still be written to a folder's disk."""
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def refuse_links(folder: Path, inside: str) -> None:
    """Refuse a folder inside another that is reached through a link.

    Raises
    ------
    StoreError
        A part of `inside` is a link, or something else than a folder.
    """
    place = folder
    for name in Path(inside).parts:
        place = place / name
        if place.is_symlink():
            raise StoreError(f"{place} is a link; files go to plain folders below {folder} only")
        if place.exists() and not place.is_dir():
            raise StoreError(f"{place} is no folder")


def writable_folder(folder: Path) -> Path:
    """Make a folder, with its parents, that can be written to.

    Raises
    ------
    StoreError
        It cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{os.getpid()}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror or error}") from error
    return folder


def _let_go(file: int) -> None:
    """Tell the system that the file's pages are not needed: it writes and then frees them."""
    if sys.platform == "linux":
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
