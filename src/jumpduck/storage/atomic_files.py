"""Files that are complete or absent.

An incomplete file has a name that ends with `PART_SUFFIX`; it is called a part file. No two writers
use the same name for one, also not on two machines.
"""

import errno
import itertools
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from jumpduck.errors import StoreError

PART_SUFFIX = ".part"

_CANNOT_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""What file systems answer that have no `fsync`: some for folders, few for files."""

_PART_NAME = re.compile(rf"\.([0-9a-f]{{16}})-\d+{re.escape(PART_SUFFIX)}")


@contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """Get the path of a part file to write; at the end it is renamed to `path`.

    After an exception the part file is removed and `path` is as before. The data reaches the
    disk before the name, so after a power failure `path` is the old file or the new one. When this
    returns, the name is on the disk, too; so what the new file replaces can be removed.

    Raises
    ------
    StoreError
        `path` is a folder.
    """
    if path.is_dir():
        raise StoreError(f"cannot write {path}: it is a folder; give the name of a file")
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}{PART_SUFFIX}")
    try:
        yield part
        with part.open("r+b") as file:  # Windows syncs only what is open for writing
            sync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            part.unlink()


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file that has its name only when all of it is on the disk."""
    with atomic_path(path) as part:
        part.write_bytes(data)


def part_path(run: str, target: Path, number: int) -> Path:
    """Get the path of part file `number` of a run, in the folder of `target`.

    The name begins with a dot, which no path of a manifest does.
    """
    return target.with_name(f".{run}-{number}{PART_SUFFIX}")


def remove_parts(folder: Path, goes_on: Callable[[str], bool]) -> None:
    """Remove the part files in a folder that runs left which have ended.

    Parameters
    ----------
    goes_on
        Whether a run, as in `part_path`, goes on.
    """
    found: list[tuple[Path, str]] = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            name = _PART_NAME.fullmatch(entry.name)
            if name and not entry.is_dir(follow_symlinks=False):
                found.append((Path(entry.path), name[1]))
    # asked after the files were listed, because a run is known before it makes one
    ended = {run for run in {run for _, run in found} if not goes_on(run)}
    for part, run in found:
        if run in ended:
            part.unlink(missing_ok=True)


def see_all_names(folder: Path) -> None:
    """Make sure that the names in a folder are those of now, also if other machines gave them.

    A client of NFS remembers them for up to a minute, unless it changes the folder itself.
    """
    with suppress(OSError):  # where nothing can be written, nothing is gathered either
        probe = folder / f".{secrets.token_hex(8)}.probe"
        probe.touch()
        probe.unlink()


def write_part(target: Path, part: Path, data: bytes | memoryview) -> int:
    """Write `part`, which becomes `target`, and get its open descriptor.

    The caller calls `sync_part`, closes the descriptor and renames the path. A link is never
    followed.

    Raises
    ------
    OSError
        The file cannot be written; nothing is left of it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        file = os.open(part, flags, 0o666)
    except FileNotFoundError:
        make_folder(target.parent)
        file = os.open(part, flags, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        _drop_from_cache(file)  # the system begins to write now, not first when `sync_part` waits
    except BaseException:
        os.close(file)
        with suppress(OSError):
            part.unlink()
        raise
    return file


def sync_part(file: int) -> None:
    """Wait until a part file is on the disk, and free its memory in the system's cache.

    Nothing reads the file again soon. The next file takes the freed pages, which are still in the
    processor's cache.
    """
    sync(file)
    _drop_from_cache(file)


def begin_to_sync(file: int, start: int, size: int) -> None:
    """Have the system begin to bring these bytes to the disk, so that a later `sync` is short."""
    if sys.platform == "linux":
        os.posix_fadvise(file, start, size, os.POSIX_FADV_DONTNEED)


def sync(file: int) -> None:
    """Wait until an open file is on the disk, where the file system can say so."""
    try:
        os.fsync(file)
    except OSError as error:
        # because no further wait would help, the run goes on with what the file system promises
        if error.errno not in _CANNOT_SYNC:
            raise


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the file system can say so."""
    if sys.platform == "win32":
        return  # Windows opens no folder, and `download` does not run there
    file = os.open(folder, os.O_RDONLY)
    try:
        sync(file)
    finally:
        os.close(file)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; when this returns, their names are on the disk."""
    missing = itertools.takewhile(lambda one: not one.exists(), (folder, *folder.parents))
    holders = [one.parent for one in missing]
    folder.mkdir(parents=True, exist_ok=True)
    for holder in holders:
        sync_folder(holder)


def has_entries(folder: Path) -> bool:
    """Get whether there is a folder with anything in it."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return next(entries, None) is not None
    return False


def sizes_in(folder: Path) -> dict[str, int]:
    """Get the bytes of each plain file in a folder by its name."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return {
            entry.name: entry.stat(follow_symlinks=False).st_size
            for entry in entries
            if entry.is_file(follow_symlinks=False)
        }
    return {}


def free_bytes(folder: Path) -> int:
    """Get the bytes that can still be written to the disk of a folder."""
    return shutil.disk_usage(folder).free


def refuse_links(folder: Path, inside: str) -> None:
    """Check that a path inside a folder leads through plain folders only.

    Raises
    ------
    StoreError
        A component of `inside` is a link or is not a folder.
    """
    place = folder
    for name in Path(inside).parts:
        place = place / name
        if place.is_symlink():
            raise StoreError(
                f"{place} is a link; files are written to plain folders below {folder} only: "
                "replace the link by a folder"
            )
        if place.exists() and not place.is_dir():
            raise StoreError(f"{place} is not a folder; remove it or use another output folder")


def writable_folder(folder: Path) -> Path:
    """Make a folder and its parents, and check that files can be written to it.

    Raises
    ------
    StoreError
        The folder cannot be made or written to.
    """
    try:
        make_folder(folder)
        probe = folder / f".{secrets.token_hex(8)}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror or error}") from error
    return folder


def _drop_from_cache(file: int) -> None:
    """Tell the system that this file is not read again, so that it writes and frees its pages."""
    if sys.platform == "linux":
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
