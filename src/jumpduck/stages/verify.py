"""The files on disk against the results: what was kept, and is it still there."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import polars as pl

from jumpduck.transfer.output_folder import DONE, Results

DECODERS: dict[str, Callable[[bytes], object]] = {
    ".png": imagecodecs.png_decode,
    ".tif": imagecodecs.tiff_decode,
    ".tiff": imagecodecs.tiff_decode,
    ".jxl": imagecodecs.jpegxl_decode,
}

Row = dict[str, object]


def verify(
    out: str | Path = "images",
    *,
    deep: bool = False,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> pl.DataFrame:
    """Hold each kept file against its row, and get the rows whose file is wrong.

    Nothing is fetched and nothing changed. A file is right when it is there with the size and
    the checksum that its row has.

    Parameters
    ----------
    out
        Folder that `jumpduck.download` filled.
    deep
        Also decode each file.
    workers
        Files read at the same time; as many as there are cores by default.
    progress
        Called with the number of files of each plate that was looked at.

    Returns
    -------
    pl.DataFrame
        Rows of the results, with the reason in ``error``; none when all is right.

    Raises
    ------
    StoreError
        Nothing was downloaded into `out`, or a table of results cannot be read.
    """
    results = Results(Path(out))
    results.begun()
    wrong = [pl.DataFrame(schema=results.read(("", "", "")).schema)]
    with ThreadPoolExecutor(workers) as pool:
        for plate in results.known():
            rows = results.read(plate).filter(pl.col("status").is_in(DONE))
            files = rows.unique("path", maintain_order=True).iter_rows(named=True)
            reasons = dict(_reasons(pool, results.out, files, deep=deep))
            why = rows["path"].replace_strict(reasons, default=None, return_dtype=pl.String)
            wrong.append(rows.with_columns(error=why).filter(why.is_not_null()))
            progress(rows.height)
    return pl.concat(wrong)


def kept(out: str | Path) -> int:
    """Get the number of files that the results say are there."""
    results = Results(Path(out))
    return sum(
        results.read(plate).filter(pl.col("status").is_in(DONE)).height for plate in results.known()
    )


def _reasons(
    pool: ThreadPoolExecutor, out: Path, rows: Iterator[Row], *, deep: bool
) -> Iterator[tuple[object, str]]:
    def look(row: Row) -> tuple[object, str | None]:
        return row["path"], _fault(out / str(row["path"]), row, deep=deep)

    for path, reason in pool.map(look, rows):
        if reason is not None:
            yield path, reason


def _fault(file: Path, row: Row, *, deep: bool) -> str | None:
    if file.is_symlink() or not file.is_file():
        return "not there"
    size = file.stat().st_size
    if size != row["size"]:
        return f"{size} bytes where {row['size']} were kept"
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != row["checksum"]:
        return "another checksum than the file that was kept"
    if deep and (decoder := DECODERS.get(file.suffix)):
        try:
            decoder(data)
        except Exception as error:  # noqa: BLE001
            return f"does not decode: {error}"
    return None
