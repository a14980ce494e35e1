"""What is wrong with a table of profiles, said before it is used."""

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.rows import WELL_KEY


def describe_row(metadata: pl.DataFrame, row: int) -> str:
    """Get what names a row of a table: its number from 1, and its plate and well."""
    keys = [name for name in WELL_KEY if name in metadata.columns]
    values = [str(metadata[name][row]) for name in keys]
    return f"row {row + 1:,}" + (f" ({'/'.join(values)})" if values else "")


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
