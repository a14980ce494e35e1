"""Names that other programs take for one word, made of names that may be any text."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.rows import PLATE_KEY

_WELL = r"^([A-Za-z]{1,2})0*([1-9][0-9]?)$"

_UNDERSCORES = re.compile(r"^_|_$|_(?=_)")


def site_key(names: Iterable[object]) -> str:
    """Get names joined by two underscores, such as those of a site's key.

    What is not a letter, digit, ``-`` or ``_`` is written as ``%2E``, because a dot ends the key in
    webdataset, and so is an underscore that another one could follow. So two keys are never one.
    """
    plain = (quote(str(name), safe="").replace(".", "%2E").replace("~", "%7E") for name in names)
    return "__".join(_UNDERSCORES.sub("%5F", name) for name in plain)


def words_of_channels(channels: Iterable[str]) -> Mapping[str, str]:
    """Get a word of letters, digits and underscores for each channel.

    Raises
    ------
    QueryError
        Two channels would have one word, also in small letters.
    """
    words = {name: re.sub(r"[^A-Za-z0-9_]", "_", name) for name in channels}
    seen: dict[str, str] = {}
    for name, word in words.items():
        other = seen.setdefault(word.lower(), name)
        if other != name:
            raise QueryError(
                f"channels {other!r} and {name!r} would both be called {word}; export one of them "
                "(`channels`)"
            )
    return words


def check_wells(wells: pl.DataFrame, form: str) -> None:
    """Check that each well has a name such as A01, and no other one on its plate.

    Raises
    ------
    QueryError
        One has not.
    """
    well = pl.col("Metadata_Well")
    bad = wells.filter(~well.str.contains(_WELL).fill_null(value=False))["Metadata_Well"]
    if len(bad):
        raise QueryError(
            f"well {bad[0]!r} is not like A01, from which {form} gets row and column; name the "
            "wells so in the manifest, and download again (files that are there are kept)"
        )
    places = wells.select(*PLATE_KEY, row=row_number(well), column=column_number(well))
    twice = wells.filter(places.is_duplicated())["Metadata_Well"]
    if len(twice):
        raise QueryError(
            f"wells {twice[0]!r} and {twice[1]!r} of a plate are the same one; give it one name in "
            "the manifest, and download again (files that are there are kept)"
        )


def row_number(well: pl.Expr) -> pl.Expr:
    """Get the number of a well's row, from 1: A is 1, AA is 27."""
    row = well.str.extract(_WELL, 1).str.to_uppercase()
    names = pl.Series([chr(64 + number) for number in range(1, 27)])
    last = row.str.slice(-1).replace_strict(names, list(range(1, 27)), return_dtype=pl.Int64)
    first = row.str.head(-1).replace_strict(
        pl.concat([pl.Series([""]), names]), list(range(27)), return_dtype=pl.Int64
    )
    return 26 * first + last


def column_number(well: pl.Expr) -> pl.Expr:
    """Get the number of a well's column, from 1."""
    return well.str.extract(_WELL, 2).cast(pl.Int64)
