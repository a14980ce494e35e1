"""The output folder against what was asked for: which files are not there, or not right."""

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import imagecodecs
import polars as pl

from jumpduck.daemon_pool import DaemonPool
from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.rows import DONE, SITE_KEY, Row
from jumpduck.schema import RESULTS
from jumpduck.transfer.asked import Asked
from jumpduck.transfer.comparison import compare
from jumpduck.transfer.manifest_files import ManifestFiles
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.missing_rows import last_recipe
from jumpduck.transfer.output_folder import OutputFolder, OutputFolders, folders_of
from jumpduck.transfer.taken_files import TakenFiles

DECODERS: dict[str, Callable[[bytes], object]] = {
    ".png": imagecodecs.png_decode,
    ".tif": imagecodecs.tiff_decode,
    ".tiff": imagecodecs.tiff_decode,
    ".jxl": imagecodecs.jpegxl_decode,
}


DEFAULT_THREADS = (os.cpu_count() or 1) + 4

RIGHT, WRONG, UNREAD = "right", "wrong", "unread"

BEST_FIRST = (RIGHT, UNREAD, WRONG, "missing", "corrupt", "failed", "left")
"""Statuses of an image: of several folders, the first of them counts."""


def no_progress(_files: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class VerifyOptions:
    """What to verify, and how.

    Parameters
    ----------
    out
        Folder that `jumpduck download` filled, or several: an image that one of them has right is
        right.
    manifest
        Compare with this manifest, or with several files or a pattern of their names as one; by
        default with all that runs into the folder were asked for.

        Its files are those that the recipe of the last run makes of it.
    shards
        Compare with all shards of this folder, as `manifest` does with one.
    sample
        Read only this share of the files, such as 1% or 0.01; all files by default.
    seed
        Other seeds choose other files.
    deep
        Also decode each file.
    threads
        Files read at the same time; a few more than there are cores by default.
    progress
        Called with the number of rows of the results that were checked since the last call.
    """

    out: OutputFolders = "images"
    _: KW_ONLY
    manifest: ManifestFiles | pl.DataFrame | None = None
    shards: str | Path | None = None
    sample: str | float | None = None
    seed: int = 0
    deep: bool = False
    threads: int | None = None
    progress: Callable[[int], None] = no_progress

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise QueryError(f"threads {self.threads} is below 1")
        share_of(self.sample)
        if self.manifest is not None and self.shards is not None:
            raise QueryError(f"shards {self.shards} is a manifest, too; give it or `manifest`")


@takes(VerifyOptions)
def verify(options: VerifyOptions) -> pl.DataFrame:
    """Check that all that was asked for is there, and each kept file against its row.

    Nothing is fetched and nothing changed. A file is right when it is there with the size and
    the checksum that its row has.

    Returns
    -------
    pl.DataFrame
        A row for each image that has no right file; none when all is there. ``status`` is wrong
        (the file is not what was kept; ``error`` says why), left (not fetched yet), or missing,
        corrupt or failed (could not be had, as the results say). Of several folders, ``out`` says
        which it is.

    Raises
    ------
    QueryError
        An option is out of range.
    ManifestError
        The manifest is not one.
    StoreError
        Nothing was downloaded into `out`, or a table of results cannot be read.
    """
    lacking = [
        rows.filter(~pl.col("status").is_in((RIGHT, UNREAD))) for rows in verify_plates(options)
    ]
    return pl.concat([pl.DataFrame(schema=RESULTS), *lacking], how="diagonal_relaxed")


def verify_plates(options: VerifyOptions) -> Generator[pl.DataFrame]:
    """Get a row for each image, plate by plate; ``status`` is also right or unread."""
    folders = [OutputFolder.read(out) for out in folders_of(options.out)]
    with DaemonPool(options.threads or DEFAULT_THREADS, "verify") as pool:
        given = options.manifest if options.manifest is not None else options.shards
        if given is not None:
            yield from _against(Manifest.open(given), folders, pool, options)
            return
        for folder in folders:
            for rows in _against_asked(folder, pool, options):
                yield rows if len(folders) == 1 else _of(folder, rows)


def _against_asked(
    folder: OutputFolder, pool: Executor, options: VerifyOptions
) -> Generator[pl.DataFrame]:
    """Compare a folder with all that the runs into it were asked for."""
    asked, taken = folder.asked.runs(), TakenFiles(folder)
    for key in sorted({*folder.plates.plate_keys(), *(key for one in asked for key in one.plates)}):
        results = folder.plates.read(key)
        rows = compare(asked, [key], results).rows(others=True)
        yield _with_status(pool, folder.path, rows, taken.sizes(key), options)
        options.progress(results.height)
    if folder.left_without_names:
        yield _left_without_names(folder.left_without_names)


def _against(
    manifest: Manifest, folders: Sequence[OutputFolder], pool: Executor, options: VerifyOptions
) -> Generator[pl.DataFrame]:
    """Compare folders with a manifest; of several, an image is that which is most right."""
    asked = [_asked_by(manifest, folder) for folder in folders]
    taken = [TakenFiles(folder) for folder in folders]
    with manifest.reading():
        for key in asked[0].plates:
            found: list[pl.DataFrame] = []
            for folder, one, gone in zip(folders, asked, taken, strict=True):
                results = folder.plates.read(key)
                rows = compare([one], [key], results).rows(others=False)
                rows = _with_status(pool, folder.path, rows, gone.sizes(key), options)
                found.append(rows if len(folders) == 1 else _of(folder, rows))
                options.progress(results.height)
            if len(folders) == 1:
                yield found[0]
                continue
            rank = pl.col("status").replace_strict({name: n for n, name in enumerate(BEST_FIRST)})
            every = pl.concat(found, how="diagonal_relaxed").sort(rank, maintain_order=True)
            yield every.unique(
                (*SITE_KEY, "Metadata_Channel", "url"), keep="first", maintain_order=True
            )


def _of(folder: OutputFolder, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(out=pl.lit(str(folder.path)))


def _left_without_names(count: int) -> pl.DataFrame:
    """Get rows for images that were asked for, of which a copied folder has the number alone."""
    text = "not fetched yet; a folder without its hidden files does not say which"
    row = {"status": "left", "error": text}
    return (
        pl.DataFrame(schema=RESULTS)
        .clear(count)
        .with_columns(**{name: pl.lit(value) for name, value in row.items()})
    )


def share_of(sample: str | float | None) -> float:
    """Get the share of the files that a sample has.

    Raises
    ------
    QueryError
        It is not a share above 0, of at most 1.
    """
    if sample is None:
        return 1.0
    text = str(sample).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise QueryError(f"sample {sample!r} is not a share of the files, such as 1% or 0.01")
    return share


def _asked_by(manifest: Manifest, folder: OutputFolder) -> Asked:
    """Get what a manifest asks for, with the recipe of the last run."""
    columns, notes = last_recipe(folder, manifest.columns)
    return Asked(manifest.scan(columns), notes)


def _with_status(
    pool: Executor,
    out: Path,
    rows: pl.DataFrame,
    taken: Mapping[str, int],
    options: VerifyOptions,
) -> pl.DataFrame:
    """Get the rows with what became of their files; those in the sample are read.

    What the table of its plate has taken in is there as long as that table says so.
    """
    share = share_of(options.sample)
    kept = rows.filter(pl.col("status").is_in(DONE)).unique("path", maintain_order=True)
    files = [row for row in kept.iter_rows(named=True) if _is_chosen(row, options.seed, share)]
    to_read = (row for row in files if taken.get(str(row["path"])) != row["size"])
    reasons = dict(_reasons(pool, out, to_read, deep=options.deep))
    read = pl.col("path").is_in([str(row["path"]) for row in files])
    why = pl.col("path").replace_strict(reasons, default=None, return_dtype=pl.String)
    status = pl.when(~read).then(pl.lit(UNREAD)).when(why.is_null()).then(pl.lit(RIGHT))
    here = pl.col("status").is_in(DONE)
    return rows.with_columns(
        error=pl.when(here).then(why).otherwise("error"),
        status=pl.when(here).then(status.otherwise(pl.lit(WRONG))).otherwise("status"),
    )


def _is_chosen(row: Row, seed: int, share: float) -> bool:
    """Get whether a file is in the sample, which depends on its path and the seed alone."""
    if share == 1:
        return True
    digest = hashlib.blake2b(f"{seed} {row['path']}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _reasons(
    pool: Executor, out: Path, rows: Iterator[Row], *, deep: bool
) -> Iterator[tuple[object, str]]:
    def check(row: Row) -> tuple[object, str | None]:
        return row["path"], _fault(out / str(row["path"]), row, deep=deep)

    for path, reason in pool.map(check, rows):
        if reason is not None:
            yield path, reason


def _fault(file: Path, row: Row, *, deep: bool) -> str | None:
    """Get why a file is not the one that was kept; None if it is."""
    try:
        if file.is_symlink() or not file.is_file():
            return "the file is not there"
        size = file.stat().st_size
        if size != row["size"]:
            return f"the file has {size} bytes and had {row['size']}"
        data = file.read_bytes()
    except OSError as error:
        return f"the file cannot be read: {error.strerror or error}"
    if hashlib.sha256(data).hexdigest() != row["checksum"]:
        return "the file has another checksum than it had"
    if deep and (decoder := DECODERS.get(file.suffix)):
        try:
            decoder(data)
        except Exception as error:  # noqa: BLE001
            # because decoders raise errors of many kinds, each means the same here
            return f"the file cannot be decoded: {error}"
    return None
