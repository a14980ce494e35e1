"""The load_data file of each plate, brought near so that SQL reads thousands at once."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from jumpduck.errors import CatalogError
from jumpduck.schema import PLATE_KEY
from jumpduck.stores import Stores, in_threads, scheme_of

NAMES = tuple(
    f"{stem}.{form}"
    for stem in ("load_data_with_illum", "load_data")
    for form in ("csv", "csv.gz", "parquet")
)
"""What a plate's load_data may be called, best first."""

THREADS = 64


def local_load_data(
    plates: pl.DataFrame,
    project_root: str,
    folder: Path,
    stores: Stores,
    progress: Callable[[int, int], None],
) -> list[str]:
    """Get the paths of the load_data files of `plates`, for those that have one.

    A local gallery is read where it is. From elsewhere files come into `folder`, in the layout
    of the bucket, many at a time: their number is what takes long, not their size.

    Raises
    ------
    CatalogError
        A name in `plates` could leave the folder.
    StoreError
        The gallery cannot be reached.
    """
    local = scheme_of(project_root) == "file"
    found: list[str] = []

    def fetch(row: tuple[str, str, str]) -> None:
        source, batch, plate = row
        place = f"{source}/workspace/load_data_csv/{batch}/{plate}"
        for name in NAMES:
            target = folder / place / name
            if local:
                target = Path(project_root) / place / name
                if not target.is_file():
                    continue
            else:
                try:
                    body = stores.read(f"{project_root}/{place}/{name}")
                except FileNotFoundError:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(body.data)
            found.append(str(target))
            return

    rows = plates.select(PLATE_KEY).rows()
    for row in rows:
        for part in row:
            if part in (None, "", ".", "..") or any(mark in part for mark in '/\\*?["\0'):
                raise CatalogError(
                    f"plate {row} of the metadata has a name that no folder can have"
                )
    for done, total in in_threads(fetch, rows, 1 if local else THREADS):
        progress(done, total)
    return sorted(found)
