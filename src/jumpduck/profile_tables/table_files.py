"""The files that a table of profiles is made of, each read by column and by rows."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import polars as pl

from jumpduck.daemon_pool import in_threads
from jumpduck.errors import ProfileError
from jumpduck.options import expanded
from jumpduck.profile_tables.columns import Schema, check_names
from jumpduck.profile_tables.csv_tables import is_csv_name, read_csv_table
from jumpduck.profile_tables.remote_parquet import RemoteParquet
from jumpduck.storage.file_lists import list_files
from jumpduck.storage.object_reader import ObjectReader, scheme_of

CONNECTIONS = 16

_PARTITION = re.compile(r"(Metadata_\w+)=([^/=]+)")
"""A folder whose name says a value of all rows below it."""


class TableFile:
    """One file of a table.

    Parameters
    ----------
    called
        What the user knows it by.
    rows
        Its rows, which are read when they are asked for.
    facts
        What the file says of itself.

    Attributes
    ----------
    schema
        Name and type of each column.
    height
        Number of rows.
    """

    def __init__(self, called: str, rows: pl.LazyFrame, facts: Mapping[str, str]) -> None:
        self.called, self.facts = called, facts
        values = dict(_PARTITION.findall(called))
        self._rows = rows
        names = rows.collect_schema()
        check_names(names.names(), called)
        self._values = {name: value for name, value in values.items() if name not in names}
        self.schema: Schema = {**names, **dict.fromkeys(self._values, pl.String())}
        self.height = int(rows.select(pl.len()).collect().item())

    def read(self, columns: Sequence[str], start: int, length: int) -> pl.DataFrame:
        """Get columns of some successive rows."""
        own = [name for name in columns if name not in self._values]
        given = {name: value for name, value in self._values.items() if name in columns}
        rows = self._rows.slice(start, length).select(own).collect()
        return rows.with_columns(pl.lit(value).alias(name) for name, value in given.items()).select(
            columns
        )


class RemoteFile(TableFile):
    """A Parquet file on a server; what is read is fetched before."""

    def __init__(self, called: str, remote: RemoteParquet) -> None:
        facts = pl.read_parquet_metadata(remote.copy)
        super().__init__(called, pl.scan_parquet(remote.copy, glob=False), facts)
        self.remote = remote

    def read(self, columns: Sequence[str], start: int, length: int) -> pl.DataFrame:
        """Get columns of some successive rows."""
        self.remote.fetch(columns, self.remote.groups_of(range(start, start + length)))
        return super().read(columns, start, length)


def open_files(place: str | Path, scratch: Path, endpoint: str | None) -> list[TableFile]:
    """Get the files of a table, in the order of their paths.

    Parameters
    ----------
    place
        A Parquet or CSV file, or a folder with Parquet files at any depth: a local path or
        ``s3://``; a file also ``http(s)://``.
    scratch
        Folder for copies of what is read from a server.

    Raises
    ------
    ProfileError
        There is no such file, or it cannot be read.
    StoreError
        A server cannot be reached.
    """
    text = str(place)
    if scheme_of(text) == "file":
        text = str(expanded(place))
        if not Path(text).exists():
            raise ProfileError(
                f"profiles {text} is not there ({Path(text).absolute()}); give a file or folder"
            )
    is_table = text.lower().endswith((".parquet", ".csv", ".csv.gz"))
    is_file = Path(text).is_file() if scheme_of(text) == "file" else is_table
    paths = [text] if is_file else _below(text, endpoint)
    reader = ObjectReader(endpoint)
    opened: dict[str, TableFile] = {}

    def open_one(path: str) -> None:
        number = paths.index(path)
        opened[path] = _open(path, scratch / f"{number}", reader)

    for _ in in_threads(open_one, paths, CONNECTIONS if len(paths) > 1 else 1):
        pass
    return [opened[path] for path in paths]


def _below(root: str, endpoint: str | None) -> list[str]:
    found = [
        f"{root.rstrip('/')}/{one.path}"
        for one in list_files(root, endpoint)
        if PurePosixPath(one.path).suffix.lower() == ".parquet"
    ]
    if not found:
        raise ProfileError(f"{root} has no file whose name ends with .parquet; give another folder")
    return sorted(found)


def _open(path: str, scratch: Path, reader: ObjectReader) -> TableFile:
    local = scheme_of(path) == "file"
    if is_csv_name(path):
        file = Path(path) if local else scratch.with_name(f"{scratch.name}.csv")
        if not local:
            reader.save(path, file)
        return TableFile(path, read_csv_table(file, path).lazy(), {})
    if local:
        rows = pl.scan_parquet(path, glob=False)
        return TableFile(path, rows, pl.read_parquet_metadata(path))
    return RemoteFile(path, RemoteParquet(reader, path, scratch))
