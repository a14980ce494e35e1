"""What became of each file: one table for each plate.

``plates/SOURCE/BATCH/PLATE.parquet`` is replaced as a whole when a plate is done; until then
``PLATE.jsonl`` beside it, the journal, has the rows. ``PLATE.sites`` has a row for each site.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.rows import DONE, IMAGE_KEY, PLATE_KEY, SITE_KEY, PlateKey, Row
from jumpduck.schema import OF_ONE_IMAGE, OUTCOME, RESULTS, SITE_PATH
from jumpduck.storage.atomic_files import atomic_path, make_folder, see_all_names
from jumpduck.transfer.journal import Journal
from jumpduck.transfer.manifest_paths import PLAIN_PATH
from jumpduck.transfer.manifest_plates import UNSAFE_IN_NAME


class PlateTables:
    """The tables of an output folder's plates.

    Parameters
    ----------
    folder
        Where they are; it need not exist.
    results
        The table that was gathered from them. Where an output folder was copied without its hidden
        folder, the rows are read from it.
    """

    def __init__(self, folder: Path, results: Path) -> None:
        self.folder = folder
        self.results = results
        self._journals: dict[PlateKey, Journal] = {}

    def plate_keys(self) -> list[PlateKey]:
        """Get the plates that have rows, in order."""
        if self.is_copy:
            return sorted(self._copied_rows.select(PLATE_KEY).unique().collect().rows())
        files = (*self.folder.glob("*/*/*.parquet"), *self.folder.glob("*/*/*.jsonl"))
        return sorted({plate_key_of(file) for file in files})

    def row_count(self) -> int:
        """Get the number of rows of all plates, without those of journals."""
        if self.is_copy:
            return self._copied_rows.select(pl.len()).collect().item()
        scans = [pl.scan_parquet(file, glob=False).select(pl.len()) for file in self.files()]
        return sum(frame.item() for frame in pl.collect_all(scans))

    def files(self) -> list[Path]:
        """Get the tables of the plates, in the order of the keys."""
        return sorted(self.folder.glob("*/*/*.parquet"), key=plate_key_of)

    def see_all(self) -> None:
        """Make sure that `files` gets the tables that other machines have written, too."""
        see_all_names(self.folder)
        for source in self.folder.glob("*/"):
            see_all_names(source)
            for batch in source.glob("*/"):
                see_all_names(batch)

    def sites_files(self) -> list[Path]:
        """Get the tables of sites in the same order; one that cannot be read is made again."""
        found: list[Path] = []
        for table in self.files():
            sites = table.with_suffix(".sites")
            try:
                schema_of(sites)
            except StoreError:
                with writing_table(sites) as part:
                    sites_of(read_table(table)).write_parquet(part)
            found.append(sites)
        return found

    def read(self, key: PlateKey) -> pl.DataFrame:
        """Get the rows of a plate, with those that its journal has; no rows where there are none.

        Raises
        ------
        StoreError
            The table cannot be read.
        """
        if self.is_copy:
            same = [pl.col(name) == value for name, value in zip(PLATE_KEY, key, strict=True)]
            return self._copied_rows.filter(same).collect()
        file = self._file(key, ".parquet")
        while True:
            before = _identity(file)
            table = read_table(file) if before else pl.DataFrame(schema=RESULTS)
            rows = self._journal(key).read()
            # because the journal is removed after its rows came into a new table, the two belong
            # together only if the table is still the same
            if _identity(file) == before:
                break
        # in place, because a repair must not change the order
        return _in_order_of(table, _merge(table, rows)) if rows.height else table

    @property
    def is_copy(self) -> bool:
        """Whether only the results are there, because the hidden folder was not copied."""
        return not self.folder.is_dir() and self.results.is_file()

    @cached_property
    def _copied_rows(self) -> pl.LazyFrame:
        return _rows_in(self.results)

    def adopt(self) -> None:
        """Make the tables that are not there from the results, as after a copy without them.

        Raises
        ------
        StoreError
            There are only results, and they are not those of a download, or name a file outside
            the folder.
        """
        try:
            rows = self._copied_rows
        except StoreError:
            if self.is_copy:
                raise
            return  # the results are made from the tables, and are made again
        known = set[PlateKey]() if self.is_copy else set(self.plate_keys())
        for key in rows.select(PLATE_KEY).unique().collect().rows():
            if key not in known:
                same = [pl.col(name) == value for name, value in zip(PLATE_KEY, key, strict=True)]
                self.replace(key, rows.filter(same).collect())

    def close_journals(self) -> None:
        """Move the rows of all journals into the tables: those of a run that was killed."""
        for file in sorted(self.folder.glob("*/*/*.jsonl")):
            key = plate_key_of(file)
            self.replace(key, self.read(key))

    def append(
        self, key: PlateKey, rows: Sequence[Row], columns: Mapping[str, pl.DataType]
    ) -> None:
        """Add rows to the journal of a plate; they are on the disk when this returns."""
        self._journal(key).append(rows, columns)

    def update(self, key: PlateKey, rows: pl.DataFrame, *, in_place: bool = False) -> None:
        """Write rows into the table of a plate; rows that it has of the same paths are replaced.

        Parameters
        ----------
        in_place
            Rows that are replaced keep their place within their site; else all take the order
            of `rows`.
        """
        known = self.read(key)
        merged = _merge(known, rows)
        self.replace(key, _in_order_of(known, merged) if in_place else merged)

    def remove(self, key: PlateKey, paths: pl.Series) -> None:
        """Remove the rows of some files of a plate."""
        known = self.read(key)
        left = known.filter(~pl.col("path").is_in(paths.implode()))
        if left.height < known.height:
            self.replace(key, left)

    def remove_table(self, key: PlateKey) -> None:
        """Remove the table of a plate, and its journal."""
        for suffix in (".jsonl", ".sites", ".parquet"):
            self._file(key, suffix).unlink(missing_ok=True)

    def replace(self, key: PlateKey, rows: pl.DataFrame) -> None:
        """Write the table of a plate as a whole, and remove its journal."""
        file = self._file(key, ".parquet")
        make_folder(file.parent)
        with writing_table(self._file(key, ".sites")) as part:
            sites_of(rows).write_parquet(part)
        with writing_table(file) as part:
            rows.write_parquet(part)
        self._journal(key).remove()

    def _journal(self, key: PlateKey) -> Journal:
        if key not in self._journals:
            self._journals[key] = Journal(self._file(key, ".jsonl"))
        return self._journals[key]

    def _file(self, key: PlateKey, suffix: str) -> Path:
        source, batch, plate = key
        return self.folder / source / batch / f"{plate}{suffix}"


def plate_key_of(file: Path) -> PlateKey:
    """Get the plate that a table or journal belongs to."""
    return file.parent.parent.name, file.parent.name, file.stem


def read_table(file: Path) -> pl.DataFrame:
    """Get a Parquet table whose name may have any characters.

    Raises
    ------
    StoreError
        The table cannot be read.
    """
    try:
        return pl.read_parquet(file, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(file, error) from error


def _rows_in(results: Path) -> pl.LazyFrame:
    """Get the rows of gathered results that came from elsewhere, after they were checked."""
    columns = schema_of(results)
    if wrong := [name for name, dtype in RESULTS.items() if columns.get(name) != dtype]:
        raise StoreError(
            f"{results} is not a table of results: column {wrong[0]} is missing or of another "
            "type; remove it, or download into another folder"
        )
    rows = pl.scan_parquet(results, glob=False)
    outside = ~pl.col("path").str.contains(PLAIN_PATH).fill_null(value=False)
    for name in PLATE_KEY:
        outside |= pl.col(name).str.contains(UNSAFE_IN_NAME).fill_null(value=True)
    if bad := rows.filter(outside).select("path").head(1).collect()["path"].to_list():
        raise StoreError(
            f"{results} has a row with path {bad[0]!r}, which could leave the folder or names no "
            "plate; remove the file, or download into another folder"
        )
    return rows


def schema_of(file: Path) -> Mapping[str, pl.DataType]:
    """Get the columns of a Parquet table.

    Raises
    ------
    StoreError
        The table cannot be read.
    """
    return opened_table(file).collect_schema()


def opened_table(file: Path) -> pl.LazyFrame:
    """Get the rows of a Parquet table as it is now, also when a run has replaced it since.

    Raises
    ------
    StoreError
        The table cannot be read.
    """
    try:
        # Polars keeps the file open, where it would open a path again each time that it reads
        with file.open("rb") as opened:
            rows = pl.scan_parquet(opened)
        rows.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(file, error) from error
    return rows


def _unreadable(file: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{file} cannot be read: {str(error).splitlines()[0]}; remove it, and the same command "
        "fetches the files of this plate again"
    )


def _identity(file: Path) -> tuple[int, int] | None:
    """Get what changes when a file is replaced; None where there is none."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def sites_of(results: pl.DataFrame) -> pl.DataFrame:
    """Get a row for each site: its key, its columns, and the path of each channel that is there."""
    own = [
        name
        for name in results.columns
        if name not in SITE_KEY and name not in OF_ONE_IMAGE and name not in OUTCOME
    ]
    channels = results["Metadata_Channel"].unique(maintain_order=True).drop_nulls()
    here = pl.col("status").is_in(DONE)
    return results.group_by(SITE_KEY, maintain_order=True).agg(
        *(pl.col(name).first() for name in own),
        *(
            pl.col("path")
            .filter(here, pl.col("Metadata_Channel") == channel)
            .last()  # of two recipes, the one that ran last
            .alias(f"{SITE_PATH}{channel}")
            for channel in channels
        ),
    )


@contextmanager
def writing_table(path: Path) -> Generator[Path]:
    """Get a place to write a table to, which becomes `path` at the end.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    try:
        with atomic_path(path) as part:
            yield part
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().splitlines()[0]
        raise StoreError(
            f"cannot write {path}: {reason}; the same command goes on from here"
        ) from error


def _in_order_of(old: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Get rows in the order that a table has, those that it does not have at the end of a site."""
    places = old.select(IMAGE_KEY).with_row_index("place")
    found = rows.select(IMAGE_KEY).with_row_index("row")
    found = found.join(places, on=IMAGE_KEY, how="left", nulls_equal=True)
    ordered = rows[found.sort("place", "row", nulls_last=True)["row"]]
    return ordered.sort(SITE_KEY, maintain_order=True)


def _merge(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Get both, with `new` for the paths that both have."""
    kept = old.join(new, on="path", how="anti", maintain_order="left")
    # in this order, so that columns that only one of them has stand where they stood; a column
    # that two manifests have with two types becomes text
    both = pl.concat([kept, new], how="diagonal_relaxed") if kept.height else new
    return both.sort(SITE_KEY, maintain_order=True)
