"""Files that a user names to be written, and that must not replace what somebody else made."""

from collections.abc import Callable, Sequence
from pathlib import Path

from jumpduck.errors import QueryError, StoreError
from jumpduck.options import expanded

_FIRST_BYTES = 16

_KINDS = (
    ("a DuckDB file", 8, b"DUCK"),
    ("a Parquet file", 0, b"PAR1"),
    ("a PNG file", 0, b"\x89PNG"),
)
"""Kinds of files, with the place and value of the bytes that tell them."""


def is_duckdb(file: Path) -> bool:
    """Get whether a file is a database of DuckDB, by its first bytes."""
    return _kind_of(file) == "a DuckDB file"


def is_parquet(file: Path) -> bool:
    """Get whether a file is Parquet, by its first bytes."""
    return _kind_of(file) == "a Parquet file"


def is_png(file: Path) -> bool:
    """Get whether a file is a PNG, by its first bytes."""
    return _kind_of(file) == "a PNG file"


def check_ending(name: str, path: Path, endings: Sequence[str]) -> None:
    """Check that the name of a file to write says in which form.

    Parameters
    ----------
    name
        Parameter that has it, for the message.

    Raises
    ------
    QueryError
        It ends with none of `endings`.
    """
    if not path.name.lower().endswith(tuple(endings)):
        raise QueryError(
            f"{name} {path} does not say in which form to write; give a name that ends with "
            f"{' or '.join(endings)}"
        )


def refuse_file_as_folder(out: str | Path, endings: Sequence[str]) -> None:
    """Check that a folder to read has not the name of the file that the verb writes.

    Raises
    ------
    QueryError
        It has, and no such folder is there.
    """
    if str(out).lower().endswith(tuple(endings)) and not expanded(out).is_dir():
        raise QueryError(
            f"out {out} is not the folder that `jumpduck download` filled; the file to write is "
            "`path`"
        )


def check_place(path: Path) -> None:
    """Check that what is to be written is not below a file, before it is made.

    Raises
    ------
    StoreError
        It is, or its name cannot be one.
    """
    try:
        place = next(one for one in path.absolute().parents if one.exists())
        is_below_file = not place.is_dir()
        path.exists()
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    if is_below_file:
        raise StoreError(f"cannot write {path}: {place} is not a folder; give another name")


def refuse_other_file(path: Path, what: str, is_one: Callable[[Path], bool]) -> None:
    """Check that a file to write replaces nothing, an empty file, or one of its own kind.

    Parameters
    ----------
    what
        What is to be written, with its article.
    is_one
        Whether a file is such a one.

    Raises
    ------
    StoreError
        There is a folder or another file, it cannot be read, or it would be below a file.
    """
    check_place(path)
    if not path.exists():
        return
    if path.is_dir():
        raise StoreError(f"cannot write {path}: it is a folder; give the name of a file")
    try:
        if path.is_file() and (path.stat().st_size == 0 or is_one(path)):
            return
        kind = _kind_of(path) if path.is_file() else "not a plain file"
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    raise StoreError(
        f"path {path} is {kind} and not {what}, therefore it is not replaced; give another name, "
        "or remove that file"
    )


def _kind_of(file: Path) -> str:
    with file.open("rb") as opened:
        first = opened.read(_FIRST_BYTES)
    kinds = (name for name, place, mark in _KINDS if first[place:].startswith(mark))
    return next(kinds, "another file")
