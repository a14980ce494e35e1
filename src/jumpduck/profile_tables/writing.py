"""Tables of profiles that come in parts, to one file."""

import gzip
from collections.abc import Generator, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.io.plugins import register_io_source

from jumpduck.errors import ProfileError, StoreError
from jumpduck.options import expanded
from jumpduck.profile_tables.csv_tables import is_csv_name
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.storage.atomic_files import atomic_path, make_folder

HELD_BYTES = 256 * 2**20
"""Of features whose rows are put into the order of their numbers."""

GROUP_BYTES = 256 * 2**20
"""Of a row group that is written. With smaller ones the memory of a large table would grow: Polars
keeps 3 kB for each column of each row group until the file is complete."""


def write_parts(parts: Iterable[Profiles], path: str | Path, facts: Mapping[str, str] = {}) -> int:
    """Write a table of profiles that comes in parts, and get its number of rows.

    Memory holds few parts at a time. The facts and the types of columns are those of the first.

    Parameters
    ----------
    parts
        Rows with the same columns, such as one plate after the other.
    path
        CSV if the name ends with ``.csv`` or ``.csv.gz``, else Parquet.
    facts
        What the file says of itself beside what the first part does; CSV cannot keep them.

    Raises
    ------
    ProfileError
        `parts` is empty, or a part has other columns than the first.
    StoreError
        The file cannot be written.
    """
    coming = iter(parts)
    first = next(coming, None)
    if first is None:
        raise ProfileError("there is no row to write; give another table, or another `where`")
    frames = (part.frame() for part in chain([first], coming))
    return write_frames(frames, path, {**first.facts, **facts})


def write_frames(
    frames: Iterable[pl.DataFrame], path: str | Path, facts: Mapping[str, str] = {}
) -> int:
    """Write a table that comes in parts, at least one, and get its number of rows.

    Parameters
    ----------
    frames
        Rows with the same columns; their types are those of the first.
    path, facts
        As `write_parts` takes them.

    Raises
    ------
    ProfileError, StoreError
        As `write_parts`.
    """
    file = expanded(path)
    coming = iter(frames)
    first = next(coming)
    schema = dict(first.schema)
    group = max(1, GROUP_BYTES // (8 * len(schema)))
    rows = 0
    failed: list[BaseException] = []

    def checked() -> Generator[pl.DataFrame]:
        nonlocal rows
        try:
            for frame in chain([first], coming):
                if frame.columns != [*schema]:
                    raise ProfileError("a part of the table has other columns than the first")
                rows += frame.height
                yield frame.cast(schema)  # pyright: ignore[reportArgumentType]
        except BaseException as error:
            failed.append(error)  # because Polars would raise another error in its place
            raise

    def io_source(*_asked: object) -> Generator[pl.DataFrame]:
        return checked()

    try:
        make_folder(file.parent)
        with atomic_path(file) as target:
            try:
                if is_csv_name(file.name):
                    _write_csv(checked(), target, gz=file.name.lower().endswith(".gz"))
                else:
                    register_io_source(io_source, schema=schema).sink_parquet(
                        target, compression="zstd", row_group_size=group, metadata=dict(facts)
                    )
            except pl.exceptions.PolarsError:
                if failed:
                    raise failed[0] from None
                raise
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise StoreError(f"cannot write {file}: {reason or error}") from error
    return rows


def write_blocks(
    blocks: Iterable[tuple[NDArray[np.intp], Profiles]],
    path: str | Path,
    facts: Mapping[str, str] = {},
) -> int:
    """Write profiles that come with the numbers of their rows, and get how many there are.

    Rows of a table of at most `HELD_BYTES` are in the order of their numbers; those of a larger one
    as they come.

    Parameters
    ----------
    blocks
        Numbers of rows, and their profiles.
    path, facts
        As `write_parts` takes them.

    Raises
    ------
    ProfileError, StoreError
        As `write_parts`.
    """
    numbers: list[NDArray[np.intp]] = []
    held: list[Profiles] = []
    size = 0
    coming = iter(blocks)
    for rows, profiles in coming:
        numbers.append(rows)
        held.append(profiles)
        size += profiles.features.nbytes
        if size > HELD_BYTES:
            given_up = (held.pop(0) for _ in range(len(held)))
            return write_parts(chain(given_up, (one for _, one in coming)), path, facts)
    return write_parts([_in_order(numbers, held)] if held else [], path, facts)


def _in_order(numbers: list[NDArray[np.intp]], held: list[Profiles]) -> Profiles:
    metadata = pl.concat([one.metadata for one in held])
    features = np.concatenate([one.features for one in held])
    whole = Profiles(metadata, features, held[0].names, held[0].facts)
    return whole.select(np.argsort(np.concatenate(numbers), kind="stable"))


def _write_csv(frames: Iterable[pl.DataFrame], target: Path, *, gz: bool) -> None:
    with gzip.open(target, "wb") if gz else target.open("wb") as file:
        for number, frame in enumerate(frames):
            frame.write_csv(cast("IO[bytes]", file), include_header=number == 0)
