"""The plates of a manifest: their names, and where the rows of each stand."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.rows import PLATE_KEY

UNSAFE_IN_NAME = r"^\.|[/\\\x00\n]|^$"

MAX_PLATE_BYTES = 255 - len(".parquet.0123456789abcdef.part")
"""Bytes of a plate's name, whose table gets a longer name while it is written."""

ONLY_IN_FORM = (
    "differ only in case or in the Unicode form of a letter, and would be one file on macOS"
)

CHECKED_ROWS = 122_880
"""Rows that a thread checks at once: DuckDB's row group, because all of such a group is decoded,
however few of its rows are read. Polars reads the pages alone that have them."""

CHECK_THREADS = 2

MAX_SORTED_ROWS = 5_000_000
"""Rows that are put in order in memory where the rows of a plate do not stand together."""


def find_plates(rows: pl.LazyFrame) -> pl.DataFrame:
    """Get a row for each plate: its key, its ``first`` and ``last`` row, and how many ``rows``.

    Raises
    ------
    ManifestError
        There are no rows, or a plate has no name, one that a folder cannot have, or one that macOS
        takes for that of another.
    """
    keys = rows.select(PLATE_KEY)
    count = keys.select(pl.len()).collect().item()
    with ThreadPoolExecutor(CHECK_THREADS) as pool:
        slices = pool.map(partial(_plates_from, keys), range(0, max(1, count), CHECKED_ROWS))
        found = pl.concat(slices)
    first, last = pl.col("first").min(), pl.col("last").max()
    plates = found.group_by(PLATE_KEY).agg(first, last, pl.col("rows").sum()).sort("first")
    if plates.is_empty():
        raise ManifestError("the manifest has no rows; choose images with `jumpduck manifest`")
    if nulls := [name for name in PLATE_KEY if plates[name].null_count()]:
        raise ManifestError(f"the manifest has rows without {', '.join(nulls)}; fill them in")
    name = pl.col(PLATE_KEY)
    wrong = name.str.contains(UNSAFE_IN_NAME) | (name.str.len_bytes() > MAX_PLATE_BYTES)
    unsafe = plates.filter(pl.any_horizontal(wrong))
    if unsafe.height:
        raise ManifestError(
            f"plate {unsafe.select(PLATE_KEY).row(0)} of the manifest has a name that a "
            f"folder cannot have; a name has 1 to {MAX_PLATE_BYTES} bytes, does not begin with "
            "a dot and has no slash, backslash or line end"
        )
    form = folded(plates.select(pl.concat_str(PLATE_KEY, separator="/")).to_series())
    alike = plates.filter(form.is_duplicated()).sort(form.filter(form.is_duplicated()))
    if alike.height:
        one, other = alike.select(PLATE_KEY).rows()[:2]
        raise ManifestError(f"plates {one} and {other} of the manifest {ONLY_IN_FORM}; rename one")
    return plates


def _plates_from(keys: pl.LazyFrame, start: int) -> pl.DataFrame:
    """Get a row for each plate of the next rows, whose runs of equal keys are few as a rule."""
    before = pl.col(PLATE_KEY).shift()
    number = pl.int_range(pl.len(), dtype=pl.Int64)
    changed = pl.any_horizontal(pl.col(PLATE_KEY).ne_missing(before)) | (number == 0)
    rows = keys.slice(start, CHECKED_ROWS).collect()
    runs = rows.with_columns(first=number + start).filter(changed)
    first = pl.col("first")
    after = first.shift(-1, fill_value=start + rows.height)
    return (
        runs.with_columns(last=after - 1, rows=after - first)
        .group_by(PLATE_KEY)
        .agg(first.min(), pl.col("last").max(), pl.col("rows").sum())
    )


def stand_together(plates: pl.DataFrame) -> bool:
    """Get whether the rows of each of these plates follow one another."""
    return bool((plates["last"] - plates["first"] + 1 == plates["rows"]).all())


def put_together(rows: pl.LazyFrame, plates: pl.DataFrame) -> pl.LazyFrame:
    """Put the rows of each plate together, in memory.

    Raises
    ------
    ManifestError
        They are too many.
    """
    if plates["rows"].sum() > MAX_SORTED_ROWS:
        raise ManifestError(
            "the rows of a plate do not stand together in the manifest, and it is too "
            f"large to be put in order here; sort it by {', '.join(PLATE_KEY)}"
        )
    order = {key: place for place, key in enumerate(plates.select(PLATE_KEY).rows())}
    found = rows.collect()
    place = pl.Series([order[key] for key in found.select(PLATE_KEY).rows()], dtype=pl.Int64)
    return found[place.arg_sort()].lazy()


def folded(names: pl.Series) -> pl.Series:
    """Get names as a file system compares them that knows neither case nor Unicode forms."""
    if names.str.len_bytes().sum() == names.str.len_chars().sum():
        return names.str.to_uppercase()  # because all of it is ASCII, which has one form
    # to upper case last, because only there "ß" is "SS"; by lower case, because the sign of Kelvin
    # has no other upper case
    cased = names.str.normalize("NFD").str.to_lowercase().str.to_uppercase()
    return cased.str.normalize("NFD")


def join_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Get first row and number of rows, with those that follow one another as one."""
    found: list[tuple[int, int]] = []
    for first, count in ranges:
        if found and sum(found[-1]) == first:
            found[-1] = (found[-1][0], found[-1][1] + count)
        else:
            found.append((first, count))
    return found
