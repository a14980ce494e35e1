"""The rows of a plate that is being filled, appended as its files get their names.

A plate's journal is a file of JSON lines. The first line of each run names the columns and their
types, because those depend on the manifest; each further line is one row. A run that was killed
may leave half a line at the end, which is not read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from jumpduck.rows import Row
from jumpduck.storage.atomic_files import make_folder, sync, sync_folder

_TYPES: Mapping[str, pl.DataType] = {
    str(dtype): dtype for dtype in (pl.String(), pl.Int32(), pl.Int64(), pl.Float64(), pl.Boolean())
}


class Journal:
    """The journal of one plate.

    Parameters
    ----------
    file
        Where it is; it need not exist.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._columns: Mapping[str, pl.DataType] | None = None

    def append(self, rows: Iterable[Row], columns: Mapping[str, pl.DataType]) -> None:
        """Add rows that have these columns; they are on the disk when this returns."""
        lines = [json.dumps(row) for row in rows]
        if columns != self._columns:
            lines.insert(0, json.dumps({"columns": {n: str(t) for n, t in columns.items()}}))
            # because a killed run may have left half a line, this run begins on a line of its own
            lines.insert(0, "")
            make_folder(self.file.parent)
        with self.file.open("ab") as journal:
            journal.write("".join(f"{line}\n" for line in lines).encode())
            journal.flush()
            sync(journal.fileno())
        if columns != self._columns:
            sync_folder(self.file.parent)  # because the journal may be new there
        self._columns = columns

    def read(self) -> pl.DataFrame:
        """Get the last row of each image; no rows where there is no journal."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        types: dict[str, pl.DataType] = {}
        for line in self._lines():
            if isinstance(line.get("columns"), dict):
                header: dict[str, object] = line["columns"]
                types |= {name: _TYPES.get(str(text), pl.String()) for name, text in header.items()}
            elif isinstance(line.get("path"), str):
                key = line["path"], str(line.get("Metadata_Channel"))
                found.pop(key, None)
                found[key] = line
        rows = [{name: row.get(name) for name in types} for row in found.values()]
        return pl.DataFrame(rows, types, orient="row", strict=False)

    def remove(self) -> None:
        """Remove the file: its rows are in the plate's table."""
        with suppress(FileNotFoundError):
            self.file.unlink()
        self._columns = None

    def _lines(self) -> Iterator[dict[str, Any]]:
        with suppress(FileNotFoundError):
            for line in self.file.read_bytes().split(b"\n"):
                # a line that a damaged disk or another program wrote is not a row either
                with suppress(ValueError, RecursionError):
                    if isinstance(found := json.loads(line), dict):
                        yield found
