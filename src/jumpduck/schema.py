"""Names, types and keys of the tables between the stages."""

from collections.abc import Mapping

import polars as pl

from jumpduck.errors import ManifestError

CHANNELS = ("DNA", "RNA", "ER", "AGP", "Mito")
"""The five stains, in the order that files and tables keep."""

BRIGHTFIELD = ("Brightfield", "Brightfield_H", "Brightfield_L")

ROLES = {"trt": 6, "poscon": 4, "negcon": 3, "empty": 0, "unknown": 0}
"""Sites kept in a well by its role, unless asked otherwise."""

PLATE_KEY = ("Metadata_Source", "Metadata_Batch", "Metadata_Plate")

SITE_KEY = (*PLATE_KEY, "Metadata_Well", "Metadata_Site")

MANIFEST: Mapping[str, type[pl.DataType]] = {
    "Metadata_Source": pl.String,
    "Metadata_Batch": pl.String,
    "Metadata_Plate": pl.String,
    "Metadata_Well": pl.String,
    "Metadata_Site": pl.Int32,
    "Metadata_Channel": pl.String,
    "Metadata_JCP2022": pl.String,
    "Metadata_Name": pl.String,
    "Metadata_pert_type": pl.String,
    "Metadata_PlateType": pl.String,
    "Metadata_Pixel_Size_Microns": pl.Float64,
    "url": pl.String,
    "url_illum": pl.String,
    "path": pl.String,
    "known_issue": pl.String,
}
"""One row per file to fetch; key: path."""

OPTIONAL = ("url_illum", "Metadata_Pixel_Size_Microns", "known_issue")
"""Columns that a manifest made by hand may lack: only some recipes ask for them."""

RESULTS: Mapping[str, type[pl.DataType]] = {
    **MANIFEST,
    "status": pl.String,
    "bytes": pl.Int64,
    "size": pl.Int64,
    "width": pl.Int32,
    "height": pl.Int32,
    "low": pl.Float64,
    "high": pl.Float64,
    "mean": pl.Float64,
    "saturated": pl.Float64,
    "focus": pl.Float64,
    "constant": pl.Boolean,
    "etag": pl.String,
    "checksum": pl.String,
    "recipe": pl.String,
    "parameters": pl.String,
    "attempts": pl.Int32,
    "seconds": pl.Float64,
    "error": pl.String,
}
"""The manifest's row and what became of it; key: path."""


def check(frame: pl.DataFrame, schema: Mapping[str, type[pl.DataType]], name: str) -> pl.DataFrame:
    """Get `frame` with the columns of `schema`, in that order and of those types.

    Raises
    ------
    ManifestError
        A column is missing or holds something else. Columns beyond the schema are dropped, those
        of `OPTIONAL` are NULL where they are missing.
    """
    absent = [name for name in OPTIONAL if name in schema and name not in frame.columns]
    frame = frame.with_columns(pl.lit(None).alias(name) for name in absent)
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ManifestError(
            f"{name} has no column {', '.join(missing)}; "
            "write it with `jumpduck manifest`, or add the column"
        )
    try:
        return frame.select(pl.col(column).cast(dtype) for column, dtype in schema.items())
    except pl.exceptions.PolarsError as error:
        raise ManifestError(f"{name} holds something else than expected: {error}") from error
