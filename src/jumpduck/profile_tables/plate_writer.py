"""A table of profiles written plate by plate."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import StoreError
from jumpduck.profile_tables.csv_tables import is_csv_name
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.profile_tables.reading import write_profiles
from jumpduck.storage.atomic_files import atomic_path, make_folder

HELD_BYTES = 256 * 2**20
"""Features that are held; where there are more, all go to files beside the one that is written."""

ROW_GROUP_BYTES = 64 * 2**20
"""Features in a row group of a large file."""


def write_blocks(
    blocks: Iterable[tuple[NDArray[np.intp], Profiles]], path: Path, facts: Mapping[str, str]
) -> int:
    """Write profiles that come in blocks, and get the number of rows.

    Rows of a small table are in the order of their numbers; those of a large one as they come.

    Parameters
    ----------
    blocks
        Numbers of rows, and their profiles.
    path
        CSV if the name ends with ``.csv`` or ``.csv.gz``, else Parquet.
    facts
        What the file says of itself; CSV cannot keep them.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    numbers: list[NDArray[np.intp]] = []
    held: list[Profiles] = []
    try:
        make_folder(path.parent)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".jumpduck-") as scratch:
            parts: list[Path] = []
            for rows, profiles in blocks:
                numbers.append(rows)
                held.append(profiles)
                if parts or sum(one.features.nbytes for one in held) > HELD_BYTES:
                    parts.append(Path(scratch) / f"{len(parts):08}.parquet")
                    pl.concat([one.frame() for one in held]).write_parquet(
                        parts[-1], compression="uncompressed"
                    )
                    held.clear()
            if parts:
                with atomic_path(path) as part:
                    _join(parts, part, path.name, facts)
            else:
                write_profiles(_in_order(numbers, held), path, facts)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    return sum(map(len, numbers))


def _in_order(numbers: list[NDArray[np.intp]], held: list[Profiles]) -> Profiles:
    order = np.argsort(np.concatenate(numbers), kind="stable")
    metadata = pl.concat([one.metadata for one in held])
    features = np.concatenate([one.features for one in held])
    return Profiles(metadata[order] if metadata.width else metadata, features[order], held[0].names)


def _join(parts: list[Path], target: Path, name: str, facts: Mapping[str, str]) -> None:
    table = pl.scan_parquet(parts, glob=False)
    rows = max(1, ROW_GROUP_BYTES // (8 * len(table.collect_schema())))
    if is_csv_name(name):
        gz = "gzip" if name.lower().endswith(".gz") else "uncompressed"
        table.sink_csv(target, compression=gz, check_extension=False)
    else:
        table.sink_parquet(target, compression="zstd", row_group_size=rows, metadata=dict(facts))
