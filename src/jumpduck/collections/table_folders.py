"""Platemaps and the tables beside them, read from where they lie."""

from collections.abc import Callable
from pathlib import Path

from jumpduck.collections.platemaps import NamedTable
from jumpduck.collections.text_tables import text_table
from jumpduck.daemon_pool import in_threads
from jumpduck.errors import CatalogError, StoreError
from jumpduck.storage.file_lists import list_files
from jumpduck.storage.object_reader import ObjectReader, scheme_of

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")

MAX_TABLE_BYTES = 64 * 2**20
"""A larger file is not a platemap; that of a plate of 1,536 wells has 200 kB."""

FETCH_THREADS = 32


def read_table(reader: ObjectReader, url: str, option: str) -> NamedTable:
    """Get the table at a URL that the user named with `option`.

    Raises
    ------
    StoreError
        It cannot be read.
    CatalogError
        It is not a table.
    """
    name = url.rpartition("/")[2]
    try:
        data = bytes(reader.read(url).data)
    except (FileNotFoundError, PermissionError) as error:
        raise StoreError(f"{error}; check `{option}`") from error
    return NamedTable(name, text_table(name, data))


def read_tables(
    reader: ObjectReader,
    root: str,
    *,
    source: str | None = None,
    on_unread: Callable[[str], object],
) -> list[NamedTable]:
    """Get all tables below a folder.

    Parameters
    ----------
    source
        Source whose tables they are, NULL for those of all.
    on_unread
        Called with why a file is not used.
    """
    paths = [
        one.path
        for one in list_files(root, reader.endpoint)
        if one.path.lower().endswith(TABLE_SUFFIXES) and one.bytes <= MAX_TABLE_BYTES
    ]
    found: dict[str, NamedTable] = {}

    def read(path: str) -> None:
        try:
            table = text_table(path, bytes(reader.read(f"{root}/{path}").data))
            found[path] = NamedTable(path, table, source)
        except (CatalogError, StoreError, OSError) as error:
            on_unread(str(error))

    for _ in in_threads(read, paths, FETCH_THREADS):
        pass
    return [found[path] for path in sorted(found)]


def is_folder(root: str) -> bool:
    """Tell whether a root is meant as a folder: one that exists, or a URL that names no table."""
    if scheme_of(root) == "file":
        return Path(root).is_dir()
    return not root.lower().endswith(TABLE_SUFFIXES)
