"""How far a download is, from its folder alone: while it runs or afterwards."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.schema import PLATE_KEY
from jumpduck.storage.run_lock import is_running
from jumpduck.transfer.manifest_reader import Plate
from jumpduck.transfer.output_folder import DONE, Results

COUNTS = ("done", "missing", "corrupt", "failed", "left")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is.

    `plates` has a row a plate: files, done, missing, corrupt, failed, left, gigabytes fetched
    and kept. `per_second` is the mean rate of the last run in files; `seconds_left` follows from
    it. Both are None where nothing can be said.
    """

    plates: pl.DataFrame
    running: bool
    per_second: float | None
    seconds_left: float | None


def status(out: str | Path = "images") -> Progress:
    """Get how far the download into `out` is, from its results and journals.

    Files of plates that the last run was not asked for are not counted.

    Raises
    ------
    StoreError
        Nothing was downloaded into `out`.
    """
    results = Results(Path(out))
    plan, notes = results.begun()
    recipe = pl.col("recipe").str.split(" ").list.first() == str(notes["recipe"])
    counted = [_count(results.read(key).filter(recipe)) for key in map(_key, plan.rows())]
    plates = pl.concat([plan, pl.concat(counted)], how="horizontal").with_columns(
        left=pl.col("files") - pl.sum_horizontal("done", "missing", "corrupt", "failed")
    )
    plates = plates.with_columns(pl.col("left").clip(0)).select(
        *PLATE_KEY, "files", *COUNTS, "fetched_gb", "kept_gb"
    )
    running = is_running(results.folder)
    seconds = float(str(notes["updated"])) - float(str(notes["started"]))
    rate = int(str(notes["taken"])) / seconds if seconds > 0 else 0.0
    left = int(plates["left"].sum())
    return Progress(plates, running, rate or None, left / rate if rate else None)


def _key(row: tuple[object, ...]) -> Plate:
    source, batch, plate, *_ = map(str, row)
    return source, batch, plate


def _count(rows: pl.DataFrame) -> pl.DataFrame:
    done = pl.col("status").is_in(DONE)
    of = {name: pl.col("status") == name for name in COUNTS[1:-1]}
    return rows.select(
        done=done.sum(),
        **{name: condition.sum() for name, condition in of.items()},
        fetched_gb=pl.col("bytes").filter(done).sum() / 1e9,
        kept_gb=pl.col("size").filter(done, pl.col("path").is_first_distinct()).sum() / 1e9,
    )
