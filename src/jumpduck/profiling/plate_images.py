"""``images.parquet``: a row for each site of all plates, gathered from the tables of the plates."""

from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.profiling.plate_files import IMAGES, IMAGES_FILE, tables_in
from jumpduck.storage.atomic_files import atomic_path


def gather_images(folder: Path) -> None:
    """Write the table of the images of all plates.

    Another run may fill the folder, too. Therefore the table is written again as long as the tables
    of the plates change: whichever run writes last has seen all of them.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    made_of = None
    while made_of != (now := tables_in(folder / IMAGES)):
        files = [file for file, *_ in now]
        if not files:
            return
        try:
            tables = [_scanned(file) for file in files]
            with atomic_path(folder / IMAGES_FILE) as part:
                # not collected, because a folder may have millions of sites
                pl.concat(tables, how="diagonal_relaxed").sink_parquet(part)
        except FileNotFoundError:
            continue
        except (OSError, pl.exceptions.PolarsError) as error:
            reason = str(error).strip().splitlines()[0]
            raise StoreError(f"cannot write {folder / IMAGES_FILE}: {reason}") from error
        made_of = now


def _scanned(file: Path) -> pl.LazyFrame:
    """Get the table of a plate, after a look at its schema."""
    try:
        pl.read_parquet_schema(file)
    except pl.exceptions.PolarsError as error:
        raise StoreError(
            f"{file} is damaged: {str(error).splitlines()[0]}; profile its plate again with the "
            "same options, which writes it anew"
        ) from error
    return pl.scan_parquet(file, glob=False)
