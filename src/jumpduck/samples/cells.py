"""The positions of cells in a table of profiles, joined to the sites whose images show them."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError
from jumpduck.profile_tables.reading import as_metadata
from jumpduck.profile_tables.table_files import open_files
from jumpduck.rows import SITE_KEY
from jumpduck.samples.geometry import Geometry, shapes_of
from jumpduck.samples.pieces import Pieces
from jumpduck.samples.site_images import SiteImages
from jumpduck.schema import CANNOT_READ

CELL_Y, CELL_X, CELL = "Metadata_Cell_Y", "Metadata_Cell_X", "Metadata_Cell"

POSITIONS = tuple(
    (f"{name}_Y", f"{name}_X")
    for name in (
        "Nuclei_Location_Center", "Metadata_Nuclei_Location_Center", "Nuclei_AreaShape_Center",
        "Cells_Location_Center", "Metadata_Cells_Location_Center", "Cells_AreaShape_Center",
        "Location_Center", "Metadata_Cell",
    )
)  # fmt: skip
"""Columns with the position of a cell; the first pair that a table has counts."""

NUMBERS = (
    "Nuclei_Number_Object_Number", "Metadata_Nuclei_Number_Object_Number", "Nuclei_ObjectNumber",
    "Cells_Number_Object_Number", "Metadata_Cells_Number_Object_Number", "Metadata_ObjectNumber",
    "ObjectNumber", CELL,
)  # fmt: skip
"""Columns with the number of a cell in its site; the first that a table has counts."""

NEEDED = ("Metadata_Plate", "Metadata_Well", "Metadata_Site")


def read_cells(table: str | Path | pl.DataFrame) -> pl.DataFrame:
    """Get a row a cell: the columns of `SITE_KEY` that the table has, as text, number and position.

    Raises
    ------
    ProfileError
        The table cannot be read, has no positions, or has rows without one.
    """
    if isinstance(table, pl.DataFrame):
        rows, called = table.select(_columns(table.columns, "the table of cells")), "the table"
    else:
        called = str(table)
        with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch:
            try:
                files = open_files(table, Path(scratch), None)
                parts = [
                    one.read(_columns(list(one.schema), called), 0, one.height) for one in files
                ]
                rows = pl.concat(parts, how="vertical_relaxed")
            except CANNOT_READ as error:
                raise ProfileError(f"cells {called} cannot be read: {error}") from error
    return _checked(rows, called)


def _columns(there: Sequence[str], called: str) -> list[str]:
    if lacks := [name for name in NEEDED if name not in there]:
        raise ProfileError(
            f"cells: {called} has no column {lacks[0]}; it needs {', '.join(NEEDED)} to find the "
            "images of its cells"
        )
    pair = next((pair for pair in POSITIONS if set(pair) <= set(there)), None)
    if pair is None:
        names = ", ".join(name for _, name in POSITIONS)
        raise ProfileError(
            f"cells: {called} has no positions of cells; one of the columns {names} and its Y is "
            "needed, in pixels of the published image"
        )
    number = [next((name for name in NUMBERS if name in there), None)]
    return [*(name for name in SITE_KEY if name in there), *pair, *filter(None, number)]


def _checked(rows: pl.DataFrame, called: str) -> pl.DataFrame:
    keys = [name for name in SITE_KEY if name in rows.columns]
    y, x, *number = [name for name in rows.columns if name not in keys]
    try:
        found = as_metadata(rows).select(
            *keys[:-1],
            # through a float, because a table that was pandas' has 1.0
            pl.col(keys[-1]).cast(pl.Float64),
            pl.col(y).cast(pl.Float64).alias(CELL_Y),
            pl.col(x).cast(pl.Float64).alias(CELL_X),
            *(pl.col(name).cast(pl.Float64).alias(CELL) for name in number),
        )
        whole = {keys[-1]: pl.Int32()} | ({CELL: pl.Int64()} if number else {})
        # before the cast, which would make 1 of 1.5
        broken = found.filter(pl.any_horizontal(pl.col(name) % 1 != 0 for name in whole))
        found = found.with_columns(pl.col(name).cast(to) for name, to in whole.items())
    except CANNOT_READ as error:
        raise ProfileError(
            f"cells: {called} has a site, position or number that is not a number: {error}"
        ) from error
    if broken.height:
        raise ProfileError(
            f"cells: {called} has a site or number that is not a whole number, such as "
            f"{broken.row(0, named=True)}; correct it, or leave such rows out of the table"
        )
    unknown = found.filter(
        pl.any_horizontal(pl.all().is_null())
        | ~pl.col(CELL_Y).is_finite()
        | ~pl.col(CELL_X).is_finite()
    )
    if unknown.height:
        raise ProfileError(
            f"cells: {unknown.height} of {found.height} rows of {called} have no site, position or "
            f"number, such as {unknown.row(0, named=True)}; leave them out of the table"
        )
    if not number:
        # by their positions, because the order of the rows of a table says nothing
        found = found.sort([*keys, CELL_Y, CELL_X]).with_columns(
            pl.int_range(1, pl.len() + 1).over(keys).alias(CELL)
        )
    twice = found.filter(pl.struct(*keys, CELL).is_duplicated())
    if twice.height:
        raise ProfileError(
            f"cells: {called} has two rows of the cell {twice.row(0, named=True)}; each needs a "
            "number of its own in its site"
        )
    return found


def cells_of(
    cells: pl.DataFrame, sites: pl.DataFrame, geometry: Sequence[Geometry | Exception], edge: int
) -> tuple[Pieces, Mapping[int, str]]:
    """Get a square around each cell of the sites, and why some sites lack cells.

    Raises
    ------
    ProfileError
        A cell may be one of two sites, because the table has not all columns of the key.
    """
    keys = [name for name in SITE_KEY if name in cells.columns]
    numbered = sites.select(keys).with_row_index("\nsite")
    if numbered.select(keys).is_duplicated().any():
        lacks = ", ".join(name for name in SITE_KEY if name not in keys)
        raise ProfileError(
            f"cells: the table has no {lacks}, and two sites are alike without; add the columns"
        )
    joined = cells.join(numbered, on=keys, how="inner").sort("\nsite", CELL)
    site = joined["\nsite"].to_numpy().astype(np.int64)
    centre = np.full((len(site), 2), np.nan)
    inside = np.zeros(len(site), np.bool_)
    said: dict[int, str] = {}
    position = joined.select(CELL_Y, CELL_X).to_numpy()
    for number, rows in _rows_of(site):
        where = geometry[number]
        if isinstance(where, Exception):
            inside[rows] = True  # whatever it is, it is said when the image is read
            centre[rows] = position[rows]
        elif where.top is None:
            said[number] = (
                "where the kept image lies in the published one is not known, because its recipe "
                "is not one of jumpduck's, and it has another size"
            )
        else:
            centre[rows] = where.position(*position[rows].T)
            inside[rows] = (
                (centre[rows] >= -0.5) & (centre[rows] < np.array(where.shape) - 0.5)
            ).all(1)
            if outside := int((~inside[rows]).sum()):
                count = rows.stop - rows.start
                said[number] = f"{outside} of {count} cells are not in the part that was kept"
    corners = np.floor(centre[inside] + 0.5).astype(np.int64) - edge // 2
    columns = joined.select(CELL, CELL_Y, CELL_X).filter(pl.Series(inside))
    shapes = shapes_of(geometry)
    return Pieces(site[inside], columns, edge, corners, shapes, beyond=True), said


def other_sites(cells: pl.DataFrame, images: SiteImages) -> dict[tuple[object, ...], str]:
    """Get why cells of other sites are left out, by the keys of these."""
    keys = [name for name in SITE_KEY if name in cells.columns]
    known = pl.concat(
        [one.select(SITE_KEY) for one in (images.sites, images.others, images.skipped)]
    )
    strange = cells.join(known, on=keys, how="anti").group_by(keys, maintain_order=True).len()
    return {
        tuple(row.get(name) for name in SITE_KEY): f"{row['len']} cells of a site that is not there"
        for row in strange.iter_rows(named=True)
    }


def _rows_of(site: NDArray[np.int64]) -> list[tuple[int, slice]]:
    """Get the rows of each site, which stand together."""
    numbers, firsts = np.unique(site, return_index=True)
    ends = np.append(firsts, len(site))[1:]
    return [
        (int(number), slice(int(first), int(end)))
        for number, first, end in zip(numbers, firsts, ends, strict=True)
    ]
