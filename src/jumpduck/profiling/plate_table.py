"""The cells of a plate: the files of its sites become one table, and are removed.

``cells/SOURCE/BATCH/PLATE.parquet`` says in its metadata which files it has taken in, so that a
later run does not make them again. ``.jumpduck/images/SOURCE/BATCH/PLATE.parquet`` has its images.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jumpduck.profiling.plate_files import notes_of
from jumpduck.rows import DONE, PlateKey
from jumpduck.storage.atomic_files import sizes_in

if TYPE_CHECKING:
    import polars as pl


class PlateGathering:
    """Makes the tables of a plate of the files of its sites.

    A `jumpduck.recipes.base.Gathering`.
    """

    def sizes(self, folder: Path, plate: PlateKey) -> Mapping[str, int]:
        """Get the size of each file that the plate's table has taken in, by path."""
        _, taken = notes_of(folder, plate)
        there: dict[str, int] = {}
        for place in {name.rpartition("/")[0] for one in taken.values() for name in one.pictures}:
            there |= {f"{place}/{name}": size for name, size in sizes_in(folder / place).items()}
        return {
            path: one.size
            for path, one in taken.items()
            if all(there.get(name) == size for name, size in one.pictures.items())
        }

    def gather(self, folder: Path, plate: PlateKey, results: "pl.DataFrame") -> None:
        """Write the tables of a plate if they are not those of `results`; remove what they have.

        Raises
        ------
        StoreError
            A table cannot be written, or a site's file is damaged.
        """
        # worker processes import this module, and do not need Polars
        from jumpduck.profiling.gathered_cells import GatheredCells, sites_of

        digest, taken = notes_of(folder, plate)
        sites = sites_of(results)
        made_by = " ".join(results.select("recipe", "parameters").row(0))
        made_of = hashlib.sha256(f"{made_by} {sites.write_csv()}".encode()).hexdigest()
        done = [path for path, status in sites.select("path", "status").rows() if status in DONE]
        files = any((folder / path).is_file() for path in done)
        if files or digest != made_of:
            # also of the same sites, because a picture that was lost is in a new file
            GatheredCells(folder, plate, sites, taken).write(made_of, made_by)
        for path in done:
            with suppress(FileNotFoundError):
                (folder / path).unlink()
        for place in {(folder / path).parent for path in done}:
            with suppress(OSError):  # it has other files
                place.rmdir()
