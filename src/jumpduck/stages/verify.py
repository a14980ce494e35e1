"""The files on disk against the results: which files are not what was kept."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import imagecodecs
import polars as pl

from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.schema import DONE, RESULTS, Row
from jumpduck.transfer.output_folder import OutputFolder

DECODERS: dict[str, Callable[[bytes], object]] = {
    ".png": imagecodecs.png_decode,
    ".tif": imagecodecs.tiff_decode,
    ".tiff": imagecodecs.tiff_decode,
    ".jxl": imagecodecs.jpegxl_decode,
}


def no_progress(_files: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class VerifyOptions:
    """What to verify, and how.

    Parameters
    ----------
    out
        Folder that `jumpduck download` filled.
    deep
        Also decode each file.
    threads
        Files read at the same time; a few more than there are cores by default.
    progress
        Called with the number of files that were checked since the last call.
    """

    out: str | Path = "images"
    _: KW_ONLY
    deep: bool = False
    threads: int | None = None
    progress: Callable[[int], None] = no_progress

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise QueryError(f"threads {self.threads} is below 1")


@takes(VerifyOptions)
def verify(options: VerifyOptions) -> pl.DataFrame:
    """Check each kept file against its row, and get the rows whose file is wrong.

    Nothing is fetched and nothing changed. A file is right when it is there with the size and
    the checksum that its row has.

    Returns
    -------
    pl.DataFrame
        Rows of the results, with the reason in ``error``; none when all files are right.

    Raises
    ------
    StoreError
        Nothing was downloaded into `out`, or a table of results cannot be read.
    """
    folder = OutputFolder(options.out)
    folder.notes.read()
    wrong = [pl.DataFrame(schema=RESULTS)]
    with ThreadPoolExecutor(options.threads) as pool:
        for key in folder.plates.plate_keys():
            rows = folder.plates.read(key).filter(pl.col("status").is_in(DONE))
            files = rows.unique("path", maintain_order=True).iter_rows(named=True)
            reasons = dict(_reasons(pool, folder.path, files, deep=options.deep))
            why = rows["path"].replace_strict(reasons, default=None, return_dtype=pl.String)
            wrong.append(rows.with_columns(error=why).filter(why.is_not_null()))
            options.progress(rows.height)
    return pl.concat(wrong, how="diagonal_relaxed")


def kept(out: str | Path) -> int:
    """Get the number of files that the results say are there."""
    tables = OutputFolder(out).plates
    return sum(
        tables.read(key).filter(pl.col("status").is_in(DONE)).height for key in tables.plate_keys()
    )


def _reasons(
    pool: ThreadPoolExecutor, out: Path, rows: Iterator[Row], *, deep: bool
) -> Iterator[tuple[object, str]]:
    def check(row: Row) -> tuple[object, str | None]:
        return row["path"], _fault(out / str(row["path"]), row, deep=deep)

    for path, reason in pool.map(check, rows):
        if reason is not None:
            yield path, reason


def _fault(file: Path, row: Row, *, deep: bool) -> str | None:
    """Get why a file is not the one that was kept; None if it is."""
    if file.is_symlink() or not file.is_file():
        return "the file is not there"
    size = file.stat().st_size
    if size != row["size"]:
        return f"the file has {size} bytes and had {row['size']}"
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != row["checksum"]:
        return "the file has another checksum than it had"
    if deep and (decoder := DECODERS.get(file.suffix)):
        try:
            decoder(data)
        except Exception as error:  # noqa: BLE001
            # because decoders raise errors of many kinds, each means the same here
            return f"the file cannot be decoded: {error}"
    return None
