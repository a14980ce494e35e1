"""How far a download is, from its folder alone: while it runs or afterwards."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.options import takes
from jumpduck.schema import DONE, PLATE_KEY
from jumpduck.storage.heartbeat_lock import is_held
from jumpduck.transfer.manifest_reader import PlateKey
from jumpduck.transfer.output_folder import OutputFolder

COUNTS = ("done", "missing", "corrupt", "failed", "left")


@dataclass(frozen=True)
class StatusOptions:
    """Which download to look at.

    Parameters
    ----------
    out
        Folder that `jumpduck download` fills.
    """

    out: str | Path = "images"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is.

    `plates` has a row for each plate: files, done, missing, corrupt, failed, left, gigabytes
    fetched and kept. `per_second` is the mean rate of the last run in files; `seconds_left`
    follows from it. Both are None where they are not known.
    """

    plates: pl.DataFrame
    running: bool
    per_second: float | None
    seconds_left: float | None


@takes(StatusOptions)
def status(options: StatusOptions) -> Progress:
    """Get how far the download into a folder is, from its results and journals.

    Files of plates that the last run was not asked for are not counted.

    Raises
    ------
    StoreError
        Nothing was downloaded into the folder.
    """
    folder = OutputFolder(options.out)
    asked, notes = folder.notes.read()
    recipe = pl.col("recipe").str.split(" ").list.first() == str(notes["recipe"])
    counted = [_count(folder.plates.read(_key(row)).filter(recipe)) for row in asked.rows()]
    plates = pl.concat([asked, pl.concat(counted)], how="horizontal").with_columns(
        left=pl.col("files") - pl.sum_horizontal("done", "missing", "corrupt", "failed")
    )
    plates = plates.with_columns(pl.col("left").clip(0)).select(
        *PLATE_KEY, "files", *COUNTS, "fetched_gb", "kept_gb"
    )
    seconds = float(str(notes["updated"])) - float(str(notes["started"]))
    rate = int(str(notes["done"])) / seconds if seconds > 0 else 0.0
    left = int(plates["left"].sum())
    running = is_held(folder.lock.path)
    return Progress(plates, running, rate or None, left / rate if rate else None)


def _key(row: tuple[object, ...]) -> PlateKey:
    source, batch, plate, *_ = map(str, row)
    return source, batch, plate


def _count(rows: pl.DataFrame) -> pl.DataFrame:
    done = pl.col("status").is_in(DONE)
    by_status = {name: pl.col("status") == name for name in COUNTS[1:-1]}
    return rows.select(
        done=done.sum(),
        **{name: condition.sum() for name, condition in by_status.items()},
        fetched_gb=pl.col("bytes").filter(done).sum() / 1e9,
        kept_gb=pl.col("size").filter(done, pl.col("path").is_first_distinct()).sum() / 1e9,
    )
