"""Tables of pairs that are known to belong together, such as those of two inhibitors."""

from pathlib import Path

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError
from jumpduck.evaluation.similarities import Rows


def read_pairs(file: Path) -> pl.DataFrame:
    """Get a table of two columns, Parquet or CSV, as text.

    Raises
    ------
    ProfileError
        There is no such table, or it has not two columns.
    """
    if not file.is_file():
        raise ProfileError(f"pairs {file} is not a file ({file.absolute()}); give a table of pairs")
    try:
        if file.name.lower().endswith((".csv", ".csv.gz")):
            rows = pl.read_csv(file, infer_schema=False, glob=False)
        else:
            rows = pl.read_parquet(file, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ProfileError(f"pairs {file} cannot be read as Parquet or CSV: {error}") from error
    if rows.width != 2:
        raise ProfileError(
            f"pairs {file} has {rows.width} columns ({', '.join(rows.columns)}); give a table of "
            "two, with the names of one pair in each row"
        )
    return rows.cast(pl.String)


def numbered(pairs: pl.DataFrame, names: pl.Series) -> tuple[Rows, int]:
    """Get pairs of different names as pairs of their numbers, and how many have an unknown name.

    Parameters
    ----------
    pairs
        Two columns of names.
    names
        The name of each profile, each once.
    """
    number = {name: at for at, name in enumerate(names.cast(pl.String).to_list())}
    known = [
        (number[one], number[other])
        for one, other in pairs.iter_rows()
        if one in number and other in number
    ]
    found = np.array(known, np.intp).reshape(-1, 2)
    return found[found[:, 0] != found[:, 1]], pairs.height - len(known)
