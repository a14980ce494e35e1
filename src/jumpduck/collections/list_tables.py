"""What the SQL of sql/image_lists reads: a list of images, its plates and wells, as Parquet."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from jumpduck.collections.platemaps import NamedTable, describe
from jumpduck.database.sql_files import Value, as_pattern
from jumpduck.rows import PLATE_KEY

NAMED_PLATES = 5
"""Of those that a problem lists; their number is said of the others."""

NAMED_SIZES = 100
"""So many wrong sizes are rows of the problems; a list can have another one in each line."""

NO_PIXEL_SIZE = "pixel size that is not a number above 0: "


def list_tables(
    name: str,
    images: Iterable[pl.DataFrame],
    tables: Sequence[NamedTable],
    notes: Sequence[Mapping[str, object]],
    scratch: Path,
) -> dict[str, Value]:
    """Write the tables of a collection, and get the SQL variables that say where they are.

    Parameters
    ----------
    images
        Tables with the columns of `jumpduck.collections.image_rows`. Each is written before the
        next one is made, because those of all plates of a project would not fit into memory.
    tables
        Platemaps, and what goes with them.
    notes
        What `note` made.
    """
    schema = {**dict.fromkeys([*PLATE_KEY, "reason"], pl.String), "lines": pl.Int64}
    files: list[str] = []
    keys: list[pl.DataFrame] = []
    odd_sizes: list[dict[str, object]] = []
    for number, listed in enumerate(images):
        one = _checked(listed)
        odd_sizes += _odd_pixel_sizes(one)
        keys.append(one.select(PLATE_KEY).unique())
        file = scratch / f"{name}_images_{number}.parquet"
        one.write_parquet(file, compression="lz4", statistics=False)
        files.append(as_pattern(file))
    described = describe(pl.concat(keys).unique().drop_nulls(), tables)
    every_note = [*notes, *odd_sizes]
    if described.unused.height:
        every_note.append(_unused(described.unused))
    if described.has_maps and described.wells.is_empty():
        every_note.append(note("platemaps of which none is that of a plate with images"))
    made = {
        "plates": described.plates,
        "wells": described.wells,
        "notes": pl.DataFrame(every_note, schema=schema),
    }
    variables: dict[str, Value] = {f"{name}_images": files}
    for part, table in made.items():
        file = scratch / f"{name}_{part}.parquet"
        table.write_parquet(file, compression="lz4", statistics=False)
        variables[f"{name}_{part}"] = as_pattern(file)
    return variables


def _checked(images: pl.DataFrame) -> pl.DataFrame:
    """Give a reason to rows whose URL cannot be one of a manifest; here, because SQL is slower."""
    url = pl.col("url")
    other = url.str.contains("://", literal=True) & ~url.str.contains("^(?i:s3|https?)://")
    return images.with_columns(
        pl.when(pl.col("reason").is_not_null()).then("reason")
        .when(url.str.contains(r"[\x00-\x1f]")).then(pl.lit("a path with control characters"))
        .when(other).then(pl.lit("an address that does not begin with s3:// or http(s)://"))
        .alias("reason")
    )  # fmt: skip


def _odd_pixel_sizes(images: pl.DataFrame) -> list[dict[str, object]]:
    """Get the problems of sizes that no pixel has; the SQL makes them NULL and keeps the images."""
    text = pl.col("Metadata_Pixel_Size_Microns")
    size = text.cast(pl.Float64, strict=False)
    fits = (size.is_finite() & (size > 0)).fill_null(value=False)
    odd = images.filter(pl.col("reason").is_null() & text.is_not_null() & ~fits)
    lines = odd.group_by(*PLATE_KEY, text).agg(lines=pl.len().cast(pl.Int64)).sort(pl.all())
    return [
        {**dict(zip(PLATE_KEY, key, strict=True)), "reason": NO_PIXEL_SIZE + _short(said),
         "lines": count}
        for *key, said, count in lines.head(NAMED_SIZES).rows()
    ]  # fmt: skip


def _short(text: str) -> str:
    """Get the beginning of a text that a message can have."""
    return "".join(one if one.isprintable() else "?" for one in text[:60])


def _unused(rows: pl.DataFrame) -> dict[str, object]:
    """Get the problem of rows of platemaps that name plates without images."""
    keys = rows.unique().sort(PLATE_KEY, nulls_last=False).rows()
    names = ["/".join(filter(None, key)) for key in keys[:NAMED_PLATES]]
    more = f" and {len(keys) - NAMED_PLATES:,} others" if len(keys) > NAMED_PLATES else ""
    text = ", ".join(map(_short, names))
    return note(f"rows of a platemap for plates without images: {text}{more}", lines=rows.height)


def note(reason: str, *, lines: int | None = None) -> dict[str, object]:
    """Get a problem of no plate in particular that was found before the SQL ran."""
    return {**dict.fromkeys(PLATE_KEY), "reason": reason, "lines": lines}
