"""What is wrong with a table of profiles, said before it is used."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError
from jumpduck.profile_tables.columns import nearest
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.rows import WELL_KEY

SHOWN_NAMES = 3


def describe_row(metadata: pl.DataFrame, row: int) -> str:
    """Get what names a row of a table: its number from 1, and its plate and well."""
    keys = [name for name in WELL_KEY if name in metadata.columns]
    values = [str(metadata[name][row]) for name in keys]
    return f"row {row + 1:,}" + (f" ({'/'.join(values)})" if values else "")


def check_columns(profiles: Profiles, columns: Sequence[str], parameter: str) -> None:
    """Raise ProfileError for a column that is not among the metadata.

    Parameters
    ----------
    parameter
        What the user named it with.
    """
    for name in columns:
        if name in profiles.metadata.columns:
            continue
        if name in profiles.names:
            raise ProfileError(f"{parameter} {name!r} is a feature; name a column that is not one")
        known = nearest(name, profiles.metadata.columns)
        raise ProfileError(f"{parameter} {name!r} is not a column of the table{known}")


def check_not_empty(profiles: Profiles) -> None:
    """Raise ProfileError for a table without a row."""
    if not len(profiles):
        raise ProfileError("the table has no row; give another table, or another `where`")


def check_finite(profiles: Profiles, *, missing: bool = False) -> None:
    """Raise ProfileError for a value that is NaN or infinite.

    Parameters
    ----------
    missing
        NaN is allowed, because missing values are left out.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(profiles.features.sum()):  # it is not where one value is not
            return
    finite = np.isfinite(profiles.features)
    bad = np.isinf(profiles.features) if missing else ~finite
    if not bad.any():
        return
    row, column = (int(one) for one in np.argwhere(bad)[0])
    value = profiles.features[row, column]
    what = "missing (NaN)" if np.isnan(value) else "infinite"
    raise ProfileError(
        f"feature {profiles.names[column]!r} is {what} in {describe_row(profiles.metadata, row)}; "
        f"{int(bad.sum()):,} values of {int(bad.any(axis=0).sum()):,} features are missing or "
        "infinite; leave out these features (`jumpduck normalize` can: drop_na_columns) or rows "
        "(`where`)"
    )


def constant_features(profiles: Profiles) -> tuple[str, ...]:
    """Get the names of the features that have one value in all rows, or none."""
    if not len(profiles):
        return ()
    with np.errstate(invalid="ignore"):
        known = np.where(np.isnan(profiles.features), -np.inf, profiles.features).max(axis=0)
        least = np.where(np.isnan(profiles.features), np.inf, profiles.features).min(axis=0)
    at = np.flatnonzero(~(known > least))
    return tuple(profiles.names[one] for one in at)


def check_varying(profiles: Profiles) -> None:
    """Raise ProfileError for a feature that has one value in all rows, or none."""
    if found := constant_features(profiles):
        more = f" and {len(found) - SHOWN_NAMES:,} more" if len(found) > SHOWN_NAMES else ""
        raise ProfileError(
            f"features {', '.join(found[:SHOWN_NAMES])}{more} have one value in all "
            f"{len(profiles):,} rows; leave them out (`jumpduck normalize` can: variance_filter)"
        )


def check_rows_differ(profiles: Profiles, by: Sequence[str]) -> None:
    """Raise ProfileError for two rows with the same values in columns, such as those of a well."""
    check_columns(profiles, by, "by")
    first: dict[tuple[object, ...], int] = {}
    for row, key in enumerate(profiles.metadata.select(by).iter_rows()):
        earlier = first.setdefault(key, row)
        if earlier != row:
            raise ProfileError(
                f"rows {earlier + 1:,} and {row + 1:,} have the same {', '.join(by)}: "
                f"{'/'.join(map(str, key))}; leave one out, or join them with `aggregate`"
            )


def check_same_features(first: Profiles, other: Profiles, called: tuple[str, str]) -> None:
    """Raise ProfileError for tables that do not have the same features in the same order.

    Parameters
    ----------
    called
        What the user knows the tables by.
    """
    for at, (one, two) in enumerate(((first, other), (other, first))):
        known = set(two.names)
        if only := [name for name in one.names if name not in known]:
            raise ProfileError(
                f"{called[0]} and {called[1]} have other features: {len(only):,} are in "
                f"{called[at]} only, such as {only[0]!r}; give tables of the same features"
            )
    if first.names != other.names:
        raise ProfileError(
            f"{called[0]} and {called[1]} have the same features in another order; write one of "
            "them anew in the order of the other"
        )
