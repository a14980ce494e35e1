"""Which columns of a table are features."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

import polars as pl

from jumpduck.errors import ProfileError, QueryError
from jumpduck.rows import WELL_KEY

METADATA_PREFIX = "Metadata_"

COMPARTMENTS = ("Cells", "Nuclei", "Cytoplasm")
"""What the names of CellProfiler's features begin with, as pycytominer infers them."""

KEYS = WELL_KEY
"""Columns that are read as text, because a plate called 007 is not the number 7."""

ROW_NUMBER = "row number"
"""Column that is added while rows are chosen or grouped; no table may have it."""

_PATTERN = re.compile(r"\*|\^.*\$", re.DOTALL)
"""Names that Polars takes for patterns of names."""

Schema = Mapping[str, pl.DataType]


def check_names(names: Collection[str], called: str) -> None:
    """Raise ProfileError for a name that would be taken for something else than its column."""
    for name in names:
        if name in ("", ROW_NUMBER) or _PATTERN.fullmatch(name):
            raise ProfileError(
                f"{called} has a column {name!r}; give it another name than that, because "
                f"'', '*', {ROW_NUMBER!r} and what begins with ^ and ends with $ mean others"
            )


def features_of(schema: Schema, asked: Sequence[str] = ()) -> tuple[str, ...]:
    """Get the names of the features of a table, in its order.

    Parameters
    ----------
    schema
        Name and type of each column.
    asked
        Names, or patterns such as ``emb*``. Where none are asked for, the features are the columns
        that begin with ``Cells``, ``Nuclei`` or ``Cytoplasm``, as pycytominer has it; in a table
        without any, the numeric columns that do not begin with ``Metadata_``.

    Raises
    ------
    QueryError
        A name or pattern fits no column.
    ProfileError
        The table has no feature, or a feature has values that are not numbers.
    """
    if asked:
        for pattern in asked:
            if not any(_fits(name, pattern) for name in schema):
                raise QueryError(f"features {pattern!r} fits no column{nearest(pattern, schema)}")
        found = [name for name in schema if any(_fits(name, pattern) for pattern in asked)]
    else:
        found = _inferred(schema)
    if not found:
        raise ProfileError(
            f"no feature among the {len(schema)} columns: none begins with "
            f"{', '.join(COMPARTMENTS)}, and none is of numbers and begins with something else "
            f"than {METADATA_PREFIX}; name them with `features`"
        )
    for name in found:
        if not is_number(schema[name]):
            raise ProfileError(
                f"feature {name!r} is {schema[name]}, not a number; write numbers, or name the "
                "features with `features`, without it"
            )
    return tuple(found)


def metadata_of(schema: Schema, features: Collection[str]) -> list[str]:
    """Get the names of the columns that are neither features nor would be inferred to be."""
    taken = {*features, *_inferred(schema)}
    return [name for name in schema if name not in taken]


def _inferred(schema: Schema) -> list[str]:
    return [
        name
        for name, dtype in schema.items()
        if name.startswith(COMPARTMENTS) and not dtype.is_nested()
    ] or [
        name
        for name, dtype in schema.items()
        if is_number(dtype) and not name.startswith(METADATA_PREFIX) and name not in KEYS
    ]


def is_number(dtype: pl.DataType) -> bool:
    """Get whether values of a type can be those of a feature."""
    return dtype.is_numeric() or isinstance(dtype, pl.Boolean | pl.Null)


def nearest(name: str, names: Collection[str]) -> str:
    """Get what to say of the names that are most like one that is not there."""
    found = difflib.get_close_matches(name, names, n=3)
    if found:
        return f"; did you mean {', '.join(found)}?"
    shown = ", ".join([*names][:20]) + (", …" if len(names) > 20 else "")
    return f"; there are {shown}" if names else "; there are none"


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)
