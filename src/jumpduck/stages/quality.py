"""An output folder -> the images and wells that stand out within their plate and channel."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import ManifestError, StoreError
from jumpduck.options import expanded, takes
from jumpduck.schema import CANNOT_READ, is_any_csv
from jumpduck.storage.atomic_files import atomic_path
from jumpduck.storage.replaced_files import (
    check_ending,
    is_parquet,
    refuse_file_as_folder,
    refuse_other_file,
)
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.wells.outliers import THRESHOLD, Outliers, check_threshold, find_outliers

SUFFIXES = (".parquet", ".csv", ".csv.gz")
"""Ends of the name of a table of outliers."""

OWN_COLUMNS = {"Metadata_Well", "measure", "z", "reason"}
"""Columns by which a table of outliers is known."""


@dataclass(frozen=True)
class QualityOptions:
    """What to look at.

    Parameters
    ----------
    out
        Folder that a download filled.
    threshold
        Robust z from which on an image or well stands out.
    path
        File to write the images and wells to that stand out: Parquet or CSV, by the end of its
        name, which is .parquet, .csv or .csv.gz. `jumpduck manifest --exclude` takes it.
    """

    out: str | Path = "images"
    _: KW_ONLY
    threshold: float = THRESHOLD
    path: str | Path | None = None


@takes(QualityOptions)
def quality(options: QualityOptions) -> Outliers:
    """Get the images and wells that stand out within their plate and channel.

    Mean intensity, focus and saturation of each image are compared with those of all images of the
    plate and channel, treatments and controls together; wells, by the median of their images, with
    all wells. `jumpduck.wells.outliers.find_outliers` has the formula. Nothing is read but
    ``results.parquet``.

    Returns
    -------
    Outliers
        ``rows``: one an image or well, channel and measure that stands out, and one a constant
        image. ``plates``: one a plate and channel, with the medians.

    Raises
    ------
    QueryError
        `threshold` is not a positive number, or the name of `path` has another ending.
    ManifestError
        The folder has no results, or none of its images was measured.
    StoreError
        Nothing was downloaded into the folder; `path` cannot be written, or is another file.
    """
    check_threshold(options.threshold)
    refuse_file_as_folder(options.out, SUFFIXES)
    target = None if options.path is None else expanded(options.path)
    if target is not None:
        check_ending("path", target, SUFFIXES)
        refuse_other_file(target, "a table of outliers", _is_outliers)
    folder = FilledFolder.open(options.out)
    found = find_outliers(folder.results, options.threshold)
    if found.plates.is_empty():
        raise ManifestError(
            f"no image in {folder.path} was measured, because none was fetched; "
            f"`jumpduck status {folder.path}` says why"
        )
    if target is not None:
        _write(found.rows, target)
    return found


def _write(rows: pl.DataFrame, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part:
            if is_any_csv(path):
                form = "gzip" if path.suffix.lower() == ".gz" else "uncompressed"
                rows.write_csv(part, compression=form, check_extension=False)
            else:
                rows.write_parquet(part, compression="zstd")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error


def _is_outliers(file: Path) -> bool:
    """Get whether a file is a table that `quality` wrote, by its columns."""
    try:
        if is_parquet(file):
            return set(pl.read_parquet_schema(file)) >= OWN_COLUMNS
        # Polars reads what is compressed, too
        return set(pl.scan_csv(file, glob=False).collect_schema()) >= OWN_COLUMNS
    except CANNOT_READ:
        return False
