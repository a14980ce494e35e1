"""Names, types and keys of the tables between the stages."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.rows import MODALITY, ROLE, SITE_KEY

RESULTS_FILE = "results.parquet"
SITES_FILE = "sites.parquet"
CITATION_FILE = "citation.txt"
BIBTEX_FILE = "citation.bib"

OWN_FILES = (RESULTS_FILE, SITES_FILE, CITATION_FILE, BIBTEX_FILE)
"""What a download writes into its folder beside the images."""

MANIFEST: Mapping[str, pl.DataType] = {
    "Metadata_Source": pl.String(),
    "Metadata_Batch": pl.String(),
    "Metadata_Plate": pl.String(),
    "Metadata_Well": pl.String(),
    "Metadata_Site": pl.Int32(),
    "Metadata_Channel": pl.String(),
    "url": pl.String(),
    "path": pl.String(),
}
"""Columns that each manifest has: one row per image to fetch, ``path`` without suffix; key: path.

The rows of a plate stand together. Within a site, the order of the rows is the order of the
channels.
"""

OPTIONAL: Mapping[str, pl.DataType] = {
    "url_illum": pl.String(),
    "channel_kind": pl.String(),
    "known_issue": pl.String(),
    "estimated_bytes": pl.Int64(),
    "Metadata_Well_Row": pl.Int64(),
    "Metadata_Well_Column": pl.Int64(),
    "Metadata_Concentration_Micromolar": pl.Float64(),
    "Metadata_Pixel_Size_Microns": pl.Float64(),
}
"""Columns with a meaning that a manifest may have.

``url_illum`` is the URL of the illumination function, ``channel_kind`` is stain, brightfield or
other, ``known_issue`` says what was reported about the image, ``estimated_bytes`` is what there is
to fetch. Any other column is the
collection's or the user's: it passes through to results and sites.
"""

OF_ONE_IMAGE = (
    "Metadata_Channel",
    "url",
    "path",
    "url_illum",
    "channel_kind",
    "known_issue",
    "estimated_bytes",
)
"""Columns of a manifest that say something about one image, not about its site."""

OUTCOME: Mapping[str, pl.DataType] = {
    "status": pl.String(),
    "bytes": pl.Int64(),
    "size": pl.Int64(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "mean": pl.Float64(),
    "saturated": pl.Float64(),
    "focus": pl.Float64(),
    "constant": pl.Boolean(),
    "etag": pl.String(),
    "checksum": pl.String(),
    "recipe": pl.String(),
    "parameters": pl.String(),
    "attempts": pl.Int32(),
    "seconds": pl.Float64(),
    "error": pl.String(),
}
"""What the results add to a row of the manifest; ``path`` has the recipe's suffix in them."""

RESULTS: Mapping[str, pl.DataType] = {**MANIFEST, **OUTCOME}
"""Columns that each table of results has; a manifest's other columns stand between them."""

CANNOT_READ = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What Polars raises for a damaged file; a panic is not an `Exception`."""

SITE_PATH = "path_"
"""Begins the name of a column of sites.parquet: the path of one channel's file."""

NAMES = ("Metadata_Name", "Metadata_Perturbation")
"""Columns that say best what was done to the cells of a site."""

NOT_NAMES = (*SITE_KEY, "Metadata_Channel", ROLE, MODALITY, "Metadata_PlateType")
"""Columns of text that say something else."""


def name_columns(columns: Mapping[str, pl.DataType]) -> list[str]:
    """Get the columns that say what was done to the cells of a site, the best first.

    They are `NAMES`, and then the other columns of text that a collection gives its sites.
    """
    texts = [
        name
        for name, dtype in columns.items()
        if dtype == pl.String and name.startswith("Metadata_") and name not in NOT_NAMES
    ]
    return sorted(texts, key=lambda name: NAMES.index(name) if name in NAMES else len(NAMES))


def is_csv(path: str | Path) -> bool:
    """Get whether a table is CSV, which the name of its file says; else it is Parquet."""
    return Path(path).suffix.lower() == ".csv"


def is_any_csv(path: str | Path) -> bool:
    """Get whether a user's table of wells is CSV, also with gzip; else it is Parquet."""
    return Path(path).name.lower().endswith((".csv", ".csv.gz"))


def manifest_types(columns: Mapping[str, pl.DataType], name: str) -> dict[str, pl.DataType]:
    """Get the type that each column of a manifest is read as.

    Parameters
    ----------
    columns
        Names and types that the manifest has.
    name
        What the message calls it.

    Raises
    ------
    ManifestError
        A required column is missing, or a further column has a name or type that the results
        cannot keep.
    """
    missing = [column for column in MANIFEST if column not in columns]
    if missing:
        raise ManifestError(
            f"{name} has no column {', '.join(missing)}; "
            "write it with `jumpduck manifest`, or add the column"
        )
    known = {**MANIFEST, **OPTIONAL}
    first = [column for column in MANIFEST if column not in ("url", "path")]
    others = [column for column in columns if column not in MANIFEST]
    return {
        column: known[column] if column in known else _further(column, columns[column], name)
        for column in (*first, *others, "url", "path")
    }


def results_types(manifest: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """Get the columns of the results for a manifest with these columns."""
    return {**manifest, **OUTCOME}


def _further(column: str, dtype: pl.DataType, name: str) -> pl.DataType:
    """Get the type of a column that is the collection's or the user's."""
    if column in OUTCOME or column.startswith(SITE_PATH):
        raise ManifestError(
            f"{name} has a column {column!r}, which is the name of a column that results.parquet "
            "or sites.parquet adds; rename it"
        )
    if not column or not column.isprintable():
        raise ManifestError(f"{name} has a column named {column!r}; give it a printable name")
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null):
        return pl.String()
    if dtype.is_integer():
        return pl.Int64()
    if dtype.is_float():
        return pl.Float64()
    if dtype == pl.Boolean:
        return pl.Boolean()
    raise ManifestError(
        f"column {column!r} of {name} has the type {dtype}; a column is text, whole numbers, "
        f"floats or booleans: cast it, or drop it"
    )
