"""A Parquet file on a server, of which only some columns and row groups are fetched."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np

from jumpduck.daemon_pool import in_threads
from jumpduck.errors import ProfileError
from jumpduck.storage.atomic_files import atomic_write, sync
from jumpduck.storage.object_reader import ObjectReader

MAGIC = b"PAR1"
BLOCK_BYTES = 64 * 2**10
"""The file is fetched in whole blocks."""
MAX_RUN_BLOCKS = 128
"""Fetched by one request."""
GAP_BLOCKS = 4
"""Fetched and not used, because a further request takes longer."""
MAX_FOOTER_BYTES = 256 * 2**20
CONNECTIONS = 16
SAVED_EVERY_RUNS = 16


class Chunk(NamedTuple):
    """Where the values of a column in a row group are: first byte and end."""

    row_group: int
    column: str
    start: int
    end: int


class RemoteParquet:
    """A local copy of a Parquet file that has those parts that were asked for, and holes elsewhere.

    Each part must be of the same state of the file: its size and ETag.

    Parameters
    ----------
    reader
        Reads the parts.
    url
        The file.
    copy
        Path of the copy. If an earlier copy of the same state is there, its parts are not fetched
        again.
    etag
        The ETag that the file must have.

    Attributes
    ----------
    rows
        Number of rows in each row group.
    etag, size
        What the server says of the file.

    Raises
    ------
    ProfileError
        There is no such file, it is not Parquet, or its ETag is another one.
    StoreError
        The server cannot be reached, or sends whole files only.
    """

    def __init__(self, reader: ObjectReader, url: str, copy: Path, etag: str | None = None) -> None:
        self._reader, self._url, self.copy = reader, url, copy
        self._note = copy.with_name(f"{copy.name}.blocks")
        try:
            last = reader.read_range(url, -8, 8)
        except FileNotFoundError as error:
            raise ProfileError(f"{error}; check the address") from error
        assert last is not None
        self._state, self.size = last.state, last.size
        self.etag = (last.etag or "").strip('"')
        if etag is not None and self.etag != etag:
            raise ProfileError(
                f"{url} is not the published file: its ETag is {self.etag or 'not sent'}, expected "
                f"{etag}; the file was replaced since"
            )
        length = int.from_bytes(last.data[:4], "little")
        if bytes(last.data[4:]) != MAGIC or not 0 < length <= min(self.size - 12, MAX_FOOTER_BYTES):
            raise ProfileError(f"{url} is not a Parquet file, or it was cut short")
        self._footer = self.size - 8 - length
        self._here = self._earlier_blocks()
        self._earlier = len(self._here)
        if not self._here:
            self._note.unlink(missing_ok=True)
            with copy.open("wb") as file:
                file.truncate(self.size)
        for run in self._missing([(0, 4), (self._footer, self.size)]):
            self._store(run)
        self._chunks = self._read_chunks()

    def fetch(
        self,
        columns: Collection[str],
        row_groups: Collection[int],
        progress: Callable[[int, int], object] = lambda _done, _all: None,
    ) -> None:
        """Bring columns of row groups into the copy, if they are not there.

        Parameters
        ----------
        progress
            Called with the bytes that are here, and those that were asked for.
        """
        runs = self._missing(self._parts(columns, row_groups))
        total = sum(len(run) for run in runs)
        before = len(self._here)
        for runs_done, _ in in_threads(self._store, runs, CONNECTIONS):
            progress((len(self._here) - before) * BLOCK_BYTES, total * BLOCK_BYTES)
            if runs_done % SAVED_EVERY_RUNS == 0:
                self._save_note()
        if runs:
            self._save_note()

    def missing_bytes(self, columns: Collection[str], row_groups: Collection[int]) -> int:
        """Get how many bytes `fetch` would fetch."""
        runs = self._missing(self._parts(columns, row_groups))
        return sum(len(run) for run in runs) * BLOCK_BYTES

    @property
    def received_bytes(self) -> int:
        """Bytes that came from the server and not from an earlier copy, in whole blocks."""
        return min((len(self._here) - self._earlier) * BLOCK_BYTES, self.size)

    @property
    def is_whole(self) -> bool:
        """Whether all of the file is here."""
        return len(self._here) == -(-self.size // BLOCK_BYTES)

    def remove(self) -> None:
        """Remove the copy."""
        self.copy.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def groups_of(self, rows: Sequence[int]) -> set[int]:
        """Get the numbers of the row groups that have some of these rows."""
        return {*np.searchsorted(np.cumsum(self.rows), rows, side="right").tolist()}

    def _parts(
        self, columns: Collection[str], row_groups: Collection[int]
    ) -> list[tuple[int, int]]:
        groups, names = set(row_groups), set(columns)
        return [
            (one.start, one.end)
            for one in self._chunks
            # a part of a nested column is "name, part", and a name may have a comma of its own
            if one.row_group in groups
            and names.intersection((one.column, one.column.partition(", ")[0]))
        ]

    def _missing(self, parts: Iterable[tuple[int, int]]) -> list[range]:
        """Get runs of blocks that are not here and that have bytes of parts."""
        blocks = {
            block
            for start, end in parts
            for block in range(start // BLOCK_BYTES, (end - 1) // BLOCK_BYTES + 1)
        }
        runs: list[range] = []
        for block in sorted(blocks - self._here):
            last = runs[-1] if runs else range(0)
            near = block - last.stop <= GAP_BLOCKS and block - last.start < MAX_RUN_BLOCKS
            if runs and near and not self._here.intersection(range(last.stop, block)):
                runs[-1] = range(last.start, block + 1)
            else:
                runs.append(range(block, block + 1))
        return runs

    def _store(self, run: range) -> None:
        start, end = run.start * BLOCK_BYTES, min(run.stop * BLOCK_BYTES, self.size)
        part = self._reader.read_range(self._url, start, end - start, same=self._state)
        if part is None or len(part.data) != end - start:
            raise ProfileError(f"{self._url} was cut short: it ends before byte {end}")
        with self.copy.open("r+b") as file:
            file.seek(start)
            file.write(part.data)
        self._here.update(run)

    def _read_chunks(self) -> list[Chunk]:
        path = str(self.copy).replace("'", "''")
        query = f"""
            SELECT row_group_id, path_in_schema, row_group_num_rows, total_compressed_size,
                CASE WHEN dictionary_page_offset > 0
                    THEN least(dictionary_page_offset, data_page_offset)
                    ELSE data_page_offset END
            FROM parquet_metadata('{path}')
        """  # noqa: S608
        try:
            with duckdb.connect() as con:
                found = con.execute(query).fetchall()
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise ProfileError(f"{self._url} is not a Parquet file: {reason}") from error
        sizes: dict[int, int] = {}
        chunks: list[Chunk] = []
        for group, column, rows, length, start in found:
            sizes[group] = rows
            if not (start >= 4 and length > 0 and start + length <= self._footer and rows >= 0):
                raise ProfileError(f"{self._url} says that {column!r} lies outside of the file")
            chunks.append(Chunk(group, column, start, start + length))
        self.rows = [sizes[group] for group in sorted(sizes)]
        return chunks

    def _earlier_blocks(self) -> set[int]:
        """Get the blocks that an earlier copy of the same state has."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
            same = (note["url"], note["etag"]) == (self._url, self.etag) and self.etag
            if same and self.copy.stat().st_size == self.size:
                return {block for first, end in note["blocks"] for block in range(first, end)}
        return set()

    def _save_note(self) -> None:
        """Note which blocks are here, after they are on the disk."""
        runs: list[list[int]] = []
        for block in sorted(self._here.copy()):  # a copy, because threads add to it
            if runs and runs[-1][1] == block:
                runs[-1][1] = block + 1
            else:
                runs.append([block, block + 1])
        with self.copy.open("r+b") as file:
            sync(file.fileno())
        note = {"url": self._url, "etag": self.etag, "blocks": runs}
        atomic_write(self._note, json.dumps(note).encode())
