"""How far a download is, from its folder alone: while it runs or afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.options import takes
from jumpduck.schema import DONE, PLATE_KEY, RESULTS
from jumpduck.storage.heartbeat_lock import is_held
from jumpduck.transfer.asked import commands_of
from jumpduck.transfer.comparison import compare
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
    follows from it. Both are None where they are not known. `commands` go on with the
    runs that lack files. The plate of files that a copied folder knows the number of alone is null.
    """

    plates: pl.DataFrame
    running: bool
    per_second: float | None
    seconds_left: float | None
    commands: Sequence[str]


@takes(StatusOptions)
def status(options: StatusOptions) -> Progress:
    """Get how far the download into a folder is, from its results and journals.

    What counts is all that the runs into the folder were asked for.

    Raises
    ------
    StoreError
        Nothing was downloaded into the folder.
    """
    folder = OutputFolder.read(options.out)
    runs = folder.asked.runs()
    # in the order of the manifests, the last one first; a copied folder has further results
    keys = [*(key for run in runs for key in run.plates), *folder.plates.plate_keys()]
    counted = [_count(("", "", ""), pl.DataFrame(schema=RESULTS)).clear()]
    unfinished = set[str]()
    for key in dict.fromkeys(keys):
        compared = compare(runs, key, folder.plates.read(key))
        counted.append(_count(key, compared.rows(others=True)))
        for run, had, left in zip(runs, compared.had, compared.left, strict=True):
            if left.height or not had["status"].is_in(DONE).all():
                unfinished.add(run.id)
    plates = pl.concat(counted)
    if unknown := folder.left_without_names:
        more = pl.DataFrame({"files": [unknown], "left": [unknown]}).cast(pl.Int64)
        plates = pl.concat([plates, more], how="diagonal").fill_null(0)
    left = int(plates["left"].sum())
    rate = 0.0
    if runs:
        started, updated, done = (float(str(runs[0].notes[name])) for name in _TIMES)
        rate = done / (updated - started) if updated > started else 0.0
    running = is_held(folder.lock.path)
    # a copied folder does not know all of the commands
    commands = [] if unknown else commands_of(run for run in runs if run.id in unfinished)
    return Progress(plates, running, rate or None, left / rate if rate else None, commands)


_TIMES = ("started", "updated", "done")


def _count(key: PlateKey, rows: pl.DataFrame) -> pl.DataFrame:
    done = pl.col("status").is_in(DONE)
    by_status = {name: pl.col("status") == name for name in COUNTS[1:]}
    names = {name: pl.lit(value) for name, value in zip(PLATE_KEY, key, strict=True)}
    return rows.select(
        **names,
        files=pl.len().cast(pl.Int64),
        done=done.sum().cast(pl.Int64),
        **{name: condition.sum().cast(pl.Int64) for name, condition in by_status.items()},
        fetched_gb=pl.col("bytes").filter(done).sum() / 1e9,
        kept_gb=pl.col("size").filter(done, pl.col("path").is_first_distinct()).sum() / 1e9,
    )
