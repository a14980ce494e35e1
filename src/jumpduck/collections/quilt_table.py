"""The table of a Quilt package: one row a cell, image or place."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from jumpduck.collections.quilt_packages import KnownPackage
from jumpduck.errors import CatalogError
from jumpduck.schema import OPTIONAL

TABLE_NAMES = ("metadata.csv", "metadata.parquet", "manifest.csv", "manifest.parquet")
"""What the table of a package is called; else it is the only one at its root."""

KEY_COLUMNS = {
    "plate": ("plateid", "plate_id", "plate", "platename", "plate_barcode"),
    "well": ("wellid", "well_id", "well", "wellname"),
    "site": ("cellid", "cell_id", "site", "fovid", "fov_id", "fov"),
    "label": (
        "perturbation", "condition", "treatment", "compound", "drug", "rule", "structure_name",
        "structure", "gene", "label",
    ),
}  # fmt: skip
"""What the columns are called in small letters that say this, if they are not known."""

MAX_COLUMNS = 100
"""Columns that are kept of a table of which nothing is known."""

OWN_COLUMNS = {
    "source", "batch", "plate", "well", "site", "channel", "platetype", "pert_type", "modality",
    "perturbation", *(name.removeprefix("Metadata_").lower() for name in OPTIONAL),
}  # fmt: skip
"""Names after Metadata_ that mean something else already, in small letters."""


def choose_table(tables: Collection[str], known: KnownPackage) -> str | None:
    """Get the path of the package's table among its CSV and Parquet files, None if it has none."""
    if known.table in tables:
        return known.table
    named = (name for name in TABLE_NAMES if name in tables)
    at_root = [path for path in tables if "/" not in path]
    return next(named, at_root[0] if len(at_root) == 1 else None)


def write_rows(table: Path, known: KnownPackage, target: Path) -> Collection[str]:
    """Write the rows of a package's table as quilt.own_rows has them, and get their columns.

    Raises
    ------
    CatalogError
        The table cannot be read.
    """
    try:
        if table.suffix.lower() == ".csv":
            rows = pl.scan_csv(table, infer_schema=False)
        else:
            rows = pl.scan_parquet(table)
        columns = [name for name, dtype in rows.collect_schema().items() if not dtype.is_nested()]
        keys = {role: _key_column(role, columns, known) for role in KEY_COLUMNS}
        kept = _kept(columns, known)
        names = _new_names(kept, set(keys.values()))
        texts = [pl.col(name).cast(pl.String).alias(new) for name, new in names.items()]
        copies = [
            (pl.lit(None) if name is None else pl.col(name)).cast(pl.String).alias(role)
            for role, name in keys.items()
        ]
        rows.select(*copies, *texts).sink_parquet(target, compression="lz4")
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CatalogError(f"the package's table {table.name} cannot be read: {reason}") from error
    return names.values()


def _key_column(role: str, columns: Sequence[str], known: KnownPackage) -> str | None:
    """Get the column that says the plate, well, site or label."""
    if (column := getattr(known, role)) in columns:
        return column
    lower = {name.lower().removeprefix("metadata_"): name for name in reversed(columns)}
    return next((lower[name] for name in KEY_COLUMNS[role] if name in lower), None)


def _kept(columns: Sequence[str], known: KnownPackage) -> Sequence[str]:
    if known.columns and set(known.images) <= set(columns):
        wanted = {*known.columns, *known.images}
        return [name for name in columns if name in wanted]
    return columns[:MAX_COLUMNS]


def _new_names(columns: Sequence[str], keys: Collection[str | None]) -> dict[str, str]:
    """Get the name that each column has in a catalog; a key that is there already has none."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        name = re.sub(r"\W", "_", column.removeprefix("Metadata_"), flags=re.ASCII)
        if name.lower() in OWN_COLUMNS:
            if column in keys:
                continue
            name = f"own_{name}"
        if name and name.lower() not in taken:
            taken.add(name.lower())
            found[column] = f"Metadata_{name}"
    return found
