"""Several output folders -> one."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.descriptions.cited import write_citations
from jumpduck.errors import QueryError
from jumpduck.options import expanded, takes
from jumpduck.transfer.merged_folders import MergedFolders

COLUMNS = {
    "folder": pl.String, "plates": pl.Int64, "files": pl.Int64, "there": pl.Int64,
    "gone": pl.Int64, "gb": pl.Float64,
}  # fmt: skip


def no_progress(_files: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class MergeOptions:
    """What to merge.

    Parameters
    ----------
    folders
        Folders that `jumpduck download` filled.
    out
        Folder that gets their files, results, sites and what their runs were asked for; it may
        exist, and be one of them.
    copy
        The other folders stay as they are; by default they are removed when they are empty.
    progress
        Called with the number of files that were adopted since the last call.
    """

    folders: Sequence[str | Path]
    out: str | Path = "images"
    _: KW_ONLY
    copy: bool = False
    progress: Callable[[int], None] = no_progress

    def __post_init__(self) -> None:
        if not self.folders:
            raise QueryError("folders: none is given; name the output folders to merge")


@takes(MergeOptions)
def merge(options: MergeOptions) -> pl.DataFrame:
    """Make one output folder of several.

    Files are renamed on the same disk, else copied, compared with their checksums and removed. A
    file that two folders have with the same checksum counts once. After a kill the same call goes
    on.

    Returns
    -------
    pl.DataFrame
        A row for each folder: folder, plates, files (adopted now), there (in `out` already), gone
        (not there as the results say; they count as left in `out`), gb (adopted now).

    Raises
    ------
    QueryError
        No folder is given, or `out` is inside of one.
    StoreError
        A folder was not filled, or is being filled; two have different files of one path (nothing
        is moved then); or `out` cannot be written or has no space left.
    """
    return merge_folders(options)


def merge_folders(options: MergeOptions, *, dry_run: bool = False) -> pl.DataFrame:
    """Do what `merge` does; with `dry_run`, count and check, and change nothing."""
    merged = MergedFolders(
        [expanded(one) for one in options.folders], expanded(options.out), copy=options.copy
    )
    merged.check()
    merged.check_space()
    rows: list[tuple[object, ...]] = []
    if dry_run:
        for source in merged.sources:
            files, size = merged.preview(source)
            plates = len(source.plates.plate_keys())
            rows.append((str(source.path), plates, files, None, None, size / 1e9))
        return pl.DataFrame(rows, schema=COLUMNS, orient="row")
    with merged.held():
        merged.check()  # again, because a run may have ended meanwhile
        merged.keep_asked()
        for source in merged.sources:
            plates = len(source.plates.plate_keys())
            found = merged.adopt(source, options.progress)
            rows.append(
                (str(source.path), plates, found.moved, found.same, found.gone, found.size / 1e9)
            )
        merged.into.gathered.write()
        merged.empty()
    write_citations(merged.into.path)
    if not options.copy:
        for source in merged.sources:
            for folder in (source.state, source.path):
                with suppress(OSError):  # it is not empty
                    folder.rmdir()
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")
