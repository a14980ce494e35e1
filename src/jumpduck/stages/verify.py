"""The files on disk against the results: which are not what was kept, and fetching those again."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import imagecodecs
import polars as pl

from jumpduck.options import takes
from jumpduck.recipes.registry import rebuild
from jumpduck.schema import DONE, OUTCOME, PLATE_KEY, RESULTS, Row
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.run import fill
from jumpduck.transfer.scheduler import Event

DECODERS: dict[str, Callable[[bytes], object]] = {
    ".png": imagecodecs.png_decode,
    ".tif": imagecodecs.tiff_decode,
    ".tiff": imagecodecs.tiff_decode,
    ".jxl": imagecodecs.jpegxl_decode,
}


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
    progress: Callable[[int], None] = lambda _: None


@dataclass(frozen=True)
class RepairOptions(Limits):
    """What to repair, and how.

    Parameters
    ----------
    out
        Folder that `jumpduck download` filled.
    wrong
        Rows of files to fetch again, as `jumpduck.verify` returns them; it is called by default.
    endpoint
        S3 server other than AWS, as http://HOST:PORT; by default that of the last download.
    progress
        Called with each event, as in `jumpduck.download`.
    """

    out: str | Path = "images"
    wrong: pl.DataFrame | None = None
    _: KW_ONLY
    endpoint: str | None = None
    progress: Callable[[Event], None] = lambda _: None


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


@takes(RepairOptions)
def repair(options: RepairOptions) -> pl.DataFrame:
    """Fetch again the files that are not what was kept, and only those.

    A file and its row stay until the new file is complete. Each file is made by the recipe, with
    the parameters, that made it before.

    Returns
    -------
    pl.DataFrame
        The new rows of the results of these files.

    Raises
    ------
    QueryError
        A recipe has changed since, or cannot be found.
    StoreError
        Nothing was downloaded into `out`, or it cannot be written.
    """
    wrong = options.wrong
    if wrong is None:
        wrong = verify(options.out)
    with closing(repair_plates(options, wrong)) as plates:
        rows = pl.concat([pl.DataFrame(schema=RESULTS), *plates], how="diagonal_relaxed")
    return rows.filter(pl.col("path").is_in(wrong["path"].implode()))


def repair_plates(options: RepairOptions, wrong: pl.DataFrame) -> Generator[pl.DataFrame]:
    """Get the rows of `repair` plate by plate, with those of the files that were right."""
    folder = OutputFolder(options.out)
    _, notes = folder.notes.read()
    endpoint = options.endpoint or notes.get("endpoint")
    for (label, parameters), rows in wrong.group_by("recipe", "parameters", maintain_order=True):
        name = str(label).split()[0]
        made_by = str(notes["made_by"]) if notes["recipe"] == name else name
        recipe = rebuild(made_by, json.loads(str(parameters)))
        # all rows of the plates, so that the recipe learns of a plate what it knew before
        plates = rows.select(PLATE_KEY).unique(maintain_order=True).rows()
        tables = [folder.plates.read((str(s), str(b), str(p))) for s, b, p in plates]
        whole = pl.concat(tables, how="diagonal_relaxed")
        whole = whole.filter(recipe=label, parameters=parameters)
        asked = recipe.manifest_rows(whole).select(
            name for name in whole.columns if name not in OUTCOME
        )
        yield from fill(
            Manifest.open(asked),
            options.out,
            recipe,
            options,
            endpoint=str(endpoint) if endpoint else None,
            made_by=made_by,
            only=rows["path"].unique(maintain_order=True),
            progress=options.progress,
        )


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
