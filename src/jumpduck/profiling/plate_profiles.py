"""``profiles.parquet``: the cells of each well, or site, of all plates, averaged."""

from collections.abc import Sequence
from pathlib import Path

from jumpduck.counts import counted
from jumpduck.normalization.averaged_cells import average_cells
from jumpduck.profiling.plate_files import CELLS, made_by, tables_in
from jumpduck.recipes.base import Recipe

PROFILES_FILE = "profiles.parquet"


def average_plates(out: Path, by: Sequence[str], average: str, recipe: Recipe) -> list[str]:
    """Write the averages of all plates of a folder that a recipe measured, and get remarks.

    Another run may fill the folder, too: as `jumpduck.profiling.plate_images.gather_images`, it
    writes the table again as long as those of the plates change.

    Parameters
    ----------
    by, average
        As `jumpduck.normalization.averaged_cells.average_cells` takes them.

    Raises
    ------
    ProfileError
        Plates have other features.
    StoreError
        The table cannot be written.
    """
    own, made_of = f"{recipe.label} {recipe.parameters_text}", None
    remarks: list[str] = []
    while made_of != (now := tables_in(out / CELLS)):
        files = [file for file, *_ in now]
        same = [file for file in files if made_by(file) == own]
        remarks = []
        if not average_cells(same, by, average, out / PROFILES_FILE):
            (out / PROFILES_FILE).unlink(missing_ok=True)
            remarks.append(
                f"no {PROFILES_FILE}: no cell was found in any site that could be measured"
            )
        if others := len(files) - len(same):
            remarks.append(
                f"{PROFILES_FILE} leaves out {counted(others, 'plate')} of other options"
            )
        made_of = now
    return remarks
