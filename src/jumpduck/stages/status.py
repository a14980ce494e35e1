"""How far a download is, from its folder alone: while it runs or afterwards."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

import polars as pl

from jumpduck.options import expanded, takes
from jumpduck.rows import DONE, PLATE_KEY, Row
from jumpduck.schema import RESULTS
from jumpduck.transfer.asked import Asked, Run, commands_of
from jumpduck.transfer.comparison import compare
from jumpduck.transfer.manifest_files import open_files
from jumpduck.transfer.manifest_reader import PlateKey
from jumpduck.transfer.missing_rows import FoundRows
from jumpduck.transfer.output_folder import OutputFolder, OutputFolders, folders_of
from jumpduck.transfer.shard_files import shards_in

COMPARED_ROWS = 300_000
"""Rows of several plates that are compared at once."""

COUNTS = ("done", "missing", "corrupt", "failed", "left")


@dataclass(frozen=True)
class StatusOptions:
    """Which download to look at.

    Parameters
    ----------
    out
        Folder that `jumpduck download` fills, or several.
    shards
        Folder of shards: how much of each the folders have, with the recipe of their last runs.
    gather
        First write results.parquet and sites.parquet from the tables of all plates.

        A run writes them at its end, unless another one goes on; one that is killed does not.
    """

    out: OutputFolders = "images"
    _: KW_ONLY
    shards: str | Path | None = None
    gather: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is.

    `plates` has a row for each plate: files, done, missing, corrupt, failed, left, gigabytes
    fetched and kept. `running` is the number of runs that go on. `per_second` is their mean rate in
    files, or that of the last run; `seconds_left` follows from it. Both are None where they are not
    known. `commands` go on with the runs that lack files. `gathered` says whether results.parquet
    and sites.parquet have all rows of the tables of the plates. The plate of files that a copied
    folder knows the number of alone is null. Of several folders, the column `out` says whose plate
    it is.
    """

    plates: pl.DataFrame
    running: int
    per_second: float | None
    seconds_left: float | None
    commands: Sequence[str]
    gathered: bool
    shards: pl.DataFrame | None = None


@takes(StatusOptions)
def status(options: StatusOptions) -> Progress:
    """Get how far the download into a folder is, from its results and journals.

    What counts is all that the runs into the folder were asked for.

    Raises
    ------
    StoreError
        Nothing was downloaded into the folder, or it cannot be written to, to gather its tables.
    """
    folders = [OutputFolder.read(out) for out in folders_of(options.out)]
    if options.gather:
        for folder in folders:
            folder.gather()
    found = [_progress_of(folder) for folder in folders]
    one = found[0] if len(found) == 1 else _together(folders, found)
    return one if options.shards is None else replace(one, shards=_by_shard(options, folders))


def _together(folders: Sequence[OutputFolder], found: Sequence[Progress]) -> Progress:
    """Get how far the downloads into several folders are."""
    plates = pl.concat(
        one.plates.select(pl.lit(str(folder.path)).alias("out"), pl.all())
        for folder, one in zip(folders, found, strict=True)
    )
    going_on = [one for one in found if one.running]
    rate = sum(one.per_second or 0.0 for one in going_on)
    return Progress(
        plates,
        running=sum(one.running for one in found),
        per_second=rate or None,
        seconds_left=int(plates["left"].sum()) / rate if rate else None,
        commands=list(dict.fromkeys(command for one in found for command in one.commands)),
        gathered=all(one.gathered for one in found),
    )


def _by_shard(options: StatusOptions, folders: Sequence[OutputFolder]) -> pl.DataFrame:
    """Get how much of each shard the folders have."""
    rows: list[tuple[object, ...]] = []
    for number, file in enumerate(shards_in(expanded(str(options.shards))), 1):
        shard = open_files(file).rows
        found = FoundRows(folders, shard.collect_schema())
        statuses = Counter(found.statuses(shard.select(found.columns).collect()).to_list())
        done = sum(statuses[status] for status in DONE)
        others = (statuses[status] for status in ("left", *COUNTS[1:-1]))
        rows.append((number, file.name, statuses.total(), done, *others))
    names = ("shard", "file", "files", "done", "left", *COUNTS[1:-1])
    types = {name: pl.String if name == "file" else pl.Int64 for name in names}
    return pl.DataFrame(rows, schema=types, orient="row")


def _progress_of(folder: OutputFolder) -> Progress:
    """Get how far the download into a folder is."""
    runs = folder.asked.runs()
    # in the order of the manifests, the last one first; a copied folder has further results
    keys = [*(key for run in runs for key in run.plates), *folder.plates.plate_keys()]
    counted = [_count([], pl.DataFrame(schema=RESULTS))]
    unfinished = set[Asked]()
    for some in _together_by_run(list(dict.fromkeys(keys)), runs):
        results = [folder.plates.read(key) for key in some]
        compared = compare(runs, some, pl.concat(results, how="diagonal_relaxed"))
        counted.append(_count(some, compared.rows(others=True)))
        for run, had, left in zip(compared.asked, compared.had, compared.left, strict=True):
            if left.height or not had["status"].is_in(DONE).all():
                unfinished.add(run)
    plates = pl.concat(counted)
    if unknown := folder.left_without_names:
        more = pl.DataFrame({"files": [unknown], "left": [unknown]}).cast(pl.Int64)
        plates = pl.concat([plates, more], how="diagonal").fill_null(0)
    left = int(plates["left"].sum())
    active, killed = folder.runs.notes()
    last = [*killed, *(run.notes for run in runs[:1])]
    last.sort(key=lambda notes: float(str(notes["updated"])))
    rate = sum(map(_rate, active or last[-1:]))
    # a copied folder does not know all of the commands
    commands = [] if unknown else commands_of(run for run in runs if run in unfinished)
    return Progress(
        plates,
        running=len(active),
        per_second=rate or None,
        seconds_left=left / rate if rate else None,
        commands=commands,
        gathered=folder.plates.is_copy or folder.gathered.is_current,
    )


def _rate(notes: Row) -> float:
    """Get the files that a run has done in a second."""
    started, updated, done = (float(str(notes[name])) for name in ("started", "updated", "done"))
    return done / (updated - started) if updated > started else 0.0


def _together_by_run(keys: Sequence[PlateKey], runs: Sequence[Run]) -> Iterator[Sequence[PlateKey]]:
    """Get plates that the same runs were asked for, because to compare each alone takes longer."""
    some, rows, asked_before = list[PlateKey](), 0, None
    for key in keys:
        asked = [run for run in runs if key in run.plates]
        count = sum(run.plates[key][1] for run in asked)
        if some and (asked != asked_before or not asked or rows + count > COMPARED_ROWS):
            yield some
            some, rows = [], 0
        some.append(key)
        rows, asked_before = rows + count, asked
    if some:
        yield some


def _count(keys: Sequence[PlateKey], rows: pl.DataFrame) -> pl.DataFrame:
    """Get the sums of the rows of each of these plates."""
    done = pl.col("status").is_in(DONE)
    by_status = {name: pl.col("status") == name for name in COUNTS[1:]}
    sums = rows.group_by(PLATE_KEY).agg(
        files=pl.len().cast(pl.Int64),
        done=done.sum().cast(pl.Int64),
        **{name: condition.sum().cast(pl.Int64) for name, condition in by_status.items()},
        fetched_gb=pl.col("bytes").filter(done).sum() / 1e9,
        kept_gb=pl.col("size").filter(done, pl.col("path").is_first_distinct()).sum() / 1e9,
    )
    plates = pl.DataFrame(keys, schema=dict.fromkeys(PLATE_KEY, pl.String), orient="row")
    found = plates.join(sums, on=PLATE_KEY, how="left", maintain_order="left")
    return found.with_columns(pl.exclude(PLATE_KEY).fill_null(0))
