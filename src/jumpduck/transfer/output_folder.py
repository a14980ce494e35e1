"""What became of each file: one table a plate while a run goes on, one for the folder beside it.

``OUT/.jumpduck/plates/SOURCE/BATCH/PLATE.parquet`` is written whole when a plate is done; until
then ``PLATE.jsonl`` beside it takes a line for each file as it gets its name, so that a killed
run loses nothing. ``OUT/results.parquet`` and ``OUT/sites.parquet`` gather them. Each is replaced
as a whole: a reader sees the old table or the new one.
"""

import json
import os
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.schema import CHANNELS, RESULTS, SITE_KEY
from jumpduck.storage.atomic_files import PART_SUFFIX, atomic_path
from jumpduck.transfer.manifest_reader import Plan, Plate

DONE = ("fetched", "present")
"""Statuses of a file that is there. A table on disk says fetched, in whichever run it was."""

Row = Mapping[str, object]

SHARE = 10
"""Gathering may take one part in so many of a run's time."""

BEAT = 2.0

SOON = 10_000_000
"""Bytes of tables that are gathered in half a second."""

A_FILE = 10_000
"""Bytes that one more table is worth in time."""


class Results:
    """The results of one output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / ".jumpduck"
        self.plates = self.folder / "plates"
        self.forgetting = self.folder / "forgetting"
        """Is there while a run forgets what is to be fetched again: the next one ends it."""
        self._gathered = float("-inf")
        self._took = 0.0
        self._notes: Row = {}
        self._beaten = 0.0

    def begin(self, plan: Plan, notes: Mapping[str, object]) -> None:
        """Note what a run is to do, for `jumpduck status`."""
        self.folder.mkdir(exist_ok=True)
        for left in (
            *self.out.glob(f"*.parquet.*{PART_SUFFIX}"),
            *self.folder.rglob(f"*{PART_SUFFIX}"),
        ):
            left.unlink()  # by a run that was killed
        with atomic_path(self.folder / "plan.parquet") as part:
            plan.table().write_parquet(part)
        self._notes = {**notes, "started": time.time()}
        self.beat(0, due=False)

    def beat(self, taken: int, *, due: bool = True) -> None:
        """Note how many files this run has dealt with; with `due`, every two seconds at most."""
        now = time.time()
        if due and now - self._beaten < BEAT:
            return
        self._beaten = now
        with atomic_path(self.folder / "run.json") as part:
            notes = {**self._notes, "taken": taken, "updated": now}
            part.write_text(json.dumps(notes), encoding="utf-8")

    def begun(self) -> tuple[pl.DataFrame, dict[str, object]]:
        """Get the files asked for by plate, and the notes of the last run.

        Raises
        ------
        StoreError
            No run has begun in this folder.
        """
        try:
            notes = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
            return pl.read_parquet(self.folder / "plan.parquet"), notes
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self.out} holds no download; fill it with `jumpduck download --out {self.out}`"
            ) from error

    def known(self) -> list[Plate]:
        """Get the plates of which something is known."""
        kinds = ("*/*/*.parquet", "*/*/*.jsonl")
        return sorted({_plate_of(file) for kind in kinds for file in self.plates.glob(kind)})

    def read(self, plate: Plate) -> pl.DataFrame:
        """Get what is known of a plate; no rows if nothing is."""
        file = self._file(plate, ".parquet")
        try:
            table = pl.read_parquet(file) if file.is_file() else pl.DataFrame(schema=RESULTS)
        except pl.exceptions.PolarsError as error:
            raise StoreError(f"{file} cannot be read: {error}; remove it") from error
        lines = {(row["path"], row["Metadata_Channel"]): row for row in self._journal(plate)}
        return _merge(table, list(lines.values())) if lines else table

    def open(self, plate: Plate) -> pl.DataFrame:
        """Get what is known of a plate, and make its table hold what the journal still had."""
        known = self.read(plate)
        if self._file(plate, ".jsonl").exists():
            self._replace(plate, known)
        return known

    def append(self, plate: Plate, rows: Iterable[Row]) -> None:
        """Add rows to the journal of a plate; they are on the disk when this returns."""
        file = self._file(plate, ".jsonl")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as journal:
            journal.write("".join(f"{json.dumps(row)}\n" for row in rows).encode())
            journal.flush()
            os.fsync(journal.fileno())

    def write(self, plate: Plate, rows: Sequence[Row] | pl.DataFrame) -> None:
        """Keep the rows of a plate; rows of the same paths from before give way."""
        whole = _merge(self.read(plate), rows)
        self._replace(plate, whole)

    def drop(self, plate: Plate, paths: pl.Series) -> None:
        """Forget the rows of some files of a plate."""
        known = self.read(plate)
        left = known.filter(~pl.col("path").is_in(paths.implode()))
        if left.height < known.height:
            self._replace(plate, left)

    def gather(self, *, due: bool = False, soon: bool = False) -> None:
        """Write results.parquet and sites.parquet if a plate is newer than they are.

        With `due`, only if that will not take more than its share of the time; with `soon`, only
        if it takes no more than a moment.
        """
        if due and time.monotonic() - self._gathered < SHARE * self._took:
            return
        started = time.monotonic()
        plates = sorted(self.plates.glob("*/*/*.parquet"), key=_plate_of)
        if soon and sum(file.stat().st_size + A_FILE for file in plates) > SOON:
            return
        target = self.out / "results.parquet"
        if target.is_file() and (self.out / "sites.parquet").is_file():
            written = target.stat().st_mtime_ns
            if all(file.stat().st_mtime_ns < written for file in plates):
                return
        for suffix, name in ((".sites", "sites.parquet"), (".parquet", "results.parquet")):
            files = [file.with_suffix(suffix) for file in plates]
            with _table(self.out / name) as part:
                if files:
                    pl.scan_parquet(files, glob=False).sink_parquet(part, compression_level=1)
                else:
                    pl.DataFrame(schema=RESULTS).write_parquet(part)
        self._gathered = time.monotonic()
        self._took = self._gathered - started

    def _replace(self, plate: Plate, whole: pl.DataFrame) -> None:
        file = self._file(plate, ".parquet")
        file.parent.mkdir(parents=True, exist_ok=True)
        with _table(self._file(plate, ".sites")) as part:
            _sites(whole).write_parquet(part)
        with _table(file) as part:
            whole.write_parquet(part)
        with suppress(FileNotFoundError):
            self._file(plate, ".jsonl").unlink()

    def _journal(self, plate: Plate) -> Iterable[dict[str, object]]:
        try:
            lines = self._file(plate, ".jsonl").read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for line in lines:
            # a run that was killed may have left half a line
            with suppress(ValueError):
                yield json.loads(line)

    def _file(self, plate: Plate, suffix: str) -> Path:
        source, batch, name = plate
        return self.plates / source / batch / f"{name}{suffix}"


@contextmanager
def _table(path: Path) -> Generator[Path]:
    """A place to write a table to, that becomes `path`."""
    try:
        with atomic_path(path) as part:
            yield part
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).strip().splitlines()[0]
        raise StoreError(
            f"cannot write {path}: {reason}; the same command goes on from here"
        ) from error


def _plate_of(file: Path) -> Plate:
    return file.parent.parent.name, file.parent.name, file.stem


def _merge(old: pl.DataFrame, rows: Sequence[Row] | pl.DataFrame) -> pl.DataFrame:
    new = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, RESULTS, orient="row")
    whole = pl.concat([old.join(new, on="path", how="anti"), new])
    return whole.sort(*SITE_KEY, "path", "Metadata_Channel")


def _sites(results: pl.DataFrame) -> pl.DataFrame:
    """One row a site, with the path of each channel that is there."""
    keep = ("Metadata_JCP2022", "Metadata_Name", "Metadata_pert_type", "Metadata_PlateType")
    return results.group_by(SITE_KEY, maintain_order=True).agg(
        *(pl.col(column).first() for column in keep),
        *(
            pl.col("path")
            .filter(pl.col("Metadata_Channel") == channel, pl.col("status").is_in(DONE))
            .first()
            .alias(f"path_{channel}")
            for channel in CHANNELS
        ),
    )
