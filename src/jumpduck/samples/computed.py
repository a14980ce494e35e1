"""What was computed of images once, in files that are named by what it was computed of."""

import logging
from pathlib import Path

from jumpduck.errors import StoreError
from jumpduck.options import expanded
from jumpduck.samples.options import SampleOptions
from jumpduck.storage.atomic_files import atomic_write, writable_folder
from jumpduck.storage.cache_folder import cache_folder

_log = logging.getLogger(__name__)


def folder_of(options: SampleOptions) -> Path:
    """Get the folder that the user named, or one in the user's cache folder."""
    return cache_folder() / "samples" if options.cache is None else expanded(options.cache)


def read_computed(folder: Path, name: str) -> bytes | None:
    """Get what was kept under a name, or None."""
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(
            f"cannot read {folder / name}: {error.strerror or error}; remove it, or name another "
            "folder with `cache`"
        ) from error


def keep_computed(folder: Path, name: str, data: bytes) -> None:
    """Keep something under a name; where the disk does not take it, a warning says so.

    A reader sees all of it or nothing.
    """
    try:
        atomic_write(writable_folder((folder / name).parent) / Path(name).name, data)
    except (OSError, StoreError) as error:
        _log.warning("%s cannot be kept (%s); it is computed again the next time", name, error)
