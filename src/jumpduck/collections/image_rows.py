"""Lists of images in the forms that labs have, as one table: a row for each image.

What a row says is left to the SQL of sql/image_lists, which all of these forms share: whether there
is such a well, which of two files of one image is meant, what is in the well.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import polars as pl

from jumpduck.collections.text_tables import LINE_PROBLEM, given
from jumpduck.errors import CatalogError

IMAGE_COLUMNS = (
    "Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well", "Metadata_Site",
    "row_and_col", "Metadata_Channel", "plane", "Metadata_Pixel_Size_Microns", "url", "illum",
    "image_bytes", "reason",
)  # fmt: skip
"""Columns of the table, all of them text."""

KEYS: Mapping[str, Sequence[str]] = {
    "source": ("source",),
    "batch": ("batch",),
    "plate": ("plate", "plate_id", "barcode", "assay_plate_barcode"),
    "well": ("well", "well_position", "cpd_well_position", "well_id"),
    "row": ("row",),
    "col": ("col", "column"),
    "site": ("site", "field", "fov", "field_id"),
    "plane": ("plane", "z", "plane_id"),
    "pixel_size": ("pixel_size_microns", "pixel_size_um"),
}
"""Names of the columns that say which image it is, without ``Metadata_`` and in small letters."""

MERGED = "filename_merged"
"""Column of CellPaintSSL: a TIFF with a page for each of `MERGED_CHANNELS`."""

MERGED_CHANNELS = ("page0", "page1", "page2", "page3", "DNA")
"""CellPaintSSL says of one page alone which stain it has."""

LEAVES = r"(^|[/\\])\.\.([/\\]|$)"
"""What a path has that could leave its folder."""

_LOAD_DATA = re.compile(r"(URL|FileName)_(?:Orig)?(?!Illum)(.+)")
_IMAGE_FILE = r"(?i)\.tiff?(#|$)"

Place = Callable[[pl.Expr], pl.Expr]
"""Gets the URL of a path in a list."""


def rows_of_list(name: str, table: pl.DataFrame, place: Place) -> pl.DataFrame:
    """Get the images of a samplesheet, whatever form it has.

    Raises
    ------
    CatalogError
        It has none of the forms, and the message names them, or two columns mean the same.
    """
    columns = _by_plain_name(table)
    if doubled := set(table.columns) - set(columns.values()):
        column = min(doubled)
        other = columns[_plain(column)]
        raise CatalogError(
            f"columns {column!r} and {other!r} of samplesheet {name} mean the same; remove one"
        )
    if MERGED in columns:
        rows = _rows_of_merged(table, columns[MERGED])
    elif any(map(_LOAD_DATA.fullmatch, table.columns)):
        rows = rows_of_load_data(table)
    elif "channel" in columns and (path := columns.get("path") or columns.get("url")):
        rows = _image(table, given(columns["channel"]), given(path))
    elif channels := _channels_of_wide(name, table):
        rows = _of_channels(
            [_image(table, pl.lit(name), given(column)) for name, column in channels.items()]
        )
    else:
        own = [column for column in table.columns if column != LINE_PROBLEM]
        # no name of a column between backticks, because `path` is a parameter too
        raise CatalogError(
            f"samplesheet {name} has no images: it needs columns 'channel' and 'path', or one for "
            "each channel (path_DNA), or those of load_data (URL_OrigDNA, or PathName_OrigDNA and "
            f"FileName_OrigDNA), or FileName_Merged; it has {', '.join(own[:8])}"
        )
    if not {"well", "row"} & set(_keys(table)):
        raise CatalogError(f"samplesheet {name} does not say the wells; add a column 'well'")
    leaves = pl.col("url").str.contains(LEAVES)
    illum_leaves = pl.col("illum").str.contains(LEAVES)
    return rows.with_columns(
        place(pl.col("url")).alias("url"),
        place(pl.col("illum")).alias("illum"),
        pl.when(pl.col("reason").is_not_null())
        .then("reason")
        .when(leaves)
        .then(pl.lit("a path that leaves the gallery"))
        .when(illum_leaves)
        .then(pl.lit("an illumination function whose path leaves the gallery"))
        .alias("reason"),
    )


def plate_column(table: pl.DataFrame) -> str | None:
    """Get the column of a samplesheet that says the plates, None if it has none."""
    return _keys(table).get("plate")


def rows_of_load_data(table: pl.DataFrame) -> pl.DataFrame:
    """Get the images of load_data in any of its forms, of whatever channels it names.

    ``url`` is the URL, or folder and name with one slash between them.
    """
    channels = dict.fromkeys(
        match[2] for column in table.columns if (match := _LOAD_DATA.fullmatch(column))
    )
    rows = [
        _image(
            table,
            pl.lit(channel),
            _place_in_load_data(table, ("Orig" + channel, channel)),
            _place_in_load_data(table, ("Illum" + channel,)),
        )
        for channel in channels
    ]
    return _of_channels(rows)


def image_table(columns: Mapping[str, object]) -> pl.DataFrame:
    """Get a table of images from some of its columns; the others are NULL."""
    table = pl.DataFrame({name: value for name, value in columns.items() if value is not None})
    return table.with_columns(
        (pl.col(name) if name in table.columns else pl.lit(None)).cast(pl.String).alias(name)
        for name in IMAGE_COLUMNS
    ).select(IMAGE_COLUMNS)


def _image(
    table: pl.DataFrame, channel: pl.Expr, url: pl.Expr, illum: pl.Expr | None = None
) -> pl.DataFrame:
    keys = _keys(table)
    well = given(keys["well"]) if "well" in keys else pl.lit(None, pl.String)
    row_and_col = None
    if "row" in keys and "col" in keys:
        row_and_col = pl.concat_str(given(keys["row"]), pl.lit(":"), given(keys["col"]))
        well = pl.coalesce(well, row_and_col)
    values = {
        "Metadata_Source": given(keys["source"]) if "source" in keys else None,
        "Metadata_Batch": given(keys["batch"]) if "batch" in keys else None,
        "Metadata_Plate": given(keys["plate"]) if "plate" in keys else None,
        "Metadata_Well": well,
        "row_and_col": row_and_col,
        "Metadata_Site": given(keys["site"]) if "site" in keys else pl.lit("1"),
        "Metadata_Channel": channel,
        "plane": given(keys["plane"]) if "plane" in keys else None,
        "Metadata_Pixel_Size_Microns": given(keys["pixel_size"]) if "pixel_size" in keys else None,
        "url": url,
        "illum": illum,
        "reason": pl.col(LINE_PROBLEM) if LINE_PROBLEM in table.columns else None,
    }
    return table.with_columns(
        (pl.lit(None) if (value := values.get(name)) is None else value).cast(pl.String).alias(name)
        for name in IMAGE_COLUMNS
    ).select(IMAGE_COLUMNS)


def _of_channels(rows: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Get the images of all channels; a line that says of none is there once, with a reason."""
    if not rows:
        return image_table({})
    odd = pl.col("reason").is_not_null()
    every = pl.concat(rows).filter(~odd & pl.col("url").is_not_null())
    first = rows[0].with_columns(
        pl.when(pl.any_horizontal(*(one["url"].is_not_null() for one in rows)) | odd)
        .then("reason")
        .otherwise(pl.lit("no image"))
        .alias("reason")
    )
    return pl.concat([every, first.filter(odd)])


def _place_in_load_data(table: pl.DataFrame, names: Sequence[str]) -> pl.Expr:
    places: list[pl.Expr] = []
    for name in names:
        if (url := f"URL_{name}") in table.columns:
            places.append(given(url))
        folder, file = f"PathName_{name}", f"FileName_{name}"
        if file in table.columns and folder in table.columns:
            places.append(
                pl.concat_str(given(folder).str.strip_chars_end("/"), pl.lit("/"), given(file))
            )
        elif file in table.columns:
            places.append(given(file))
    return pl.coalesce(places) if places else pl.lit(None, pl.String)


def _rows_of_merged(table: pl.DataFrame, column: str) -> pl.DataFrame:
    file = given(column)
    numpy = pl.col("url").str.contains(r"\.npy#")
    odd = pl.when(numpy).then(pl.lit("a file of numpy: only TIFF files are read"))
    return _of_channels(
        [
            _image(
                table, pl.lit(channel), pl.concat_str(file, pl.lit(f"#page={page}"))
            ).with_columns(odd.otherwise("reason").alias("reason"))
            for page, channel in enumerate(MERGED_CHANNELS)
        ]
    )


def _channels_of_wide(name: str, table: pl.DataFrame) -> dict[str, str]:
    """Get the columns of a wide samplesheet that have the files of a channel, by the channel."""
    named = {
        column[len("path_") :]: column for column in table.columns if column.startswith("path_")
    }
    if named:
        return named
    # path alone says no channel: the column `channel` was left out
    taken = {*_keys(table).values(), LINE_PROBLEM, "path"}
    found: dict[str, str] = {}
    for column in table.columns:
        values = table.select(given(column)).to_series().drop_nulls()
        are_files = values.str.contains(_IMAGE_FILE)
        if column in taken or not are_files.any():
            continue
        if not are_files.all():
            # because neither the images nor the other values may be lost without a word
            raise CatalogError(
                f"column {column!r} of samplesheet {name} has names of TIFF files, and "
                f"{values.filter(~are_files)[0][:60]!r}; leave that value empty, or call each "
                "column of images path_CHANNEL"
            )
        found[column] = column
    return found


def _keys(table: pl.DataFrame) -> dict[str, str]:
    """Get the columns that say which image it is, by their names in `KEYS`."""
    columns = _by_plain_name(table)
    return {
        key: columns[found[0]]
        for key, names in KEYS.items()
        if (found := [name for name in names if name in columns])
    }


def _by_plain_name(table: pl.DataFrame) -> dict[str, str]:
    return {_plain(column): column for column in table.columns}


def _plain(column: str) -> str:
    return column.lower().removeprefix("metadata_")
