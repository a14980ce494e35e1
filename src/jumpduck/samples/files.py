"""Where the bytes of images come from: the folder that a download filled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jumpduck.errors import StoreError


class Files(Protocol):
    """Gets the bytes of images; another process can have a copy of it."""

    def read(self, place: str, size: int | None) -> bytes | memoryview:
        """Get an image by its path or URL.

        Raises
        ------
        StoreError, FileNotFoundError, PermissionError
            It cannot be had, or has another number of bytes than `size`.
        ImageError
            What came is not what was published.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder that a download filled."""

    folder: Path

    def read(self, place: str, size: int | None) -> bytes:
        """Get a file by its path in the folder."""
        try:
            data = (self.folder / place).read_bytes()
        except OSError as error:
            raise StoreError(f"cannot read {place}: {error.strerror or error}") from error
        if size is not None and len(data) != size:
            raise StoreError(f"{place} has {len(data)} bytes and had {size}")
        return data
