"""A folder of shards: ``0001.parquet``, ``0002.parquet``, … and ``index.tsv``, which lists them.

Each shard is a manifest. What it is a shard of stands in the metadata of its file, under `SHARD`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import polars as pl

from jumpduck.errors import ManifestError

INDEX_FILE = "index.tsv"

INDEX: Mapping[str, pl.DataType] = {
    "shard": pl.Int64(),
    "file": pl.String(),
    "plates": pl.Int64(),
    "files": pl.Int64(),
    "gb": pl.Float64(),
    "sha256": pl.String(),
}
"""Columns of the index: number of the shard from 1, its file, what it holds, and its checksum."""

SHARD = "jumpduck.shard"
"""Key of the file's metadata with the `ShardNote`."""


@dataclass(frozen=True, slots=True)
class ShardNote:
    """What the file of a shard says of itself.

    Attributes
    ----------
    number, of
        Which shard it is, from 1, of how many.
    digest
        Of the manifest that was split.
    split
        The same in all shards of a split, and only in those.
    cut
        It has a part of a plate, and others of the split have the rest.
    of_cut
        The manifest that was split may have had parts of plates.
    divided
        What was dealt out: all ``plates`` of a manifest, as `jumpduck download --shard` deals them
        out; all its ``sites``; or only ``some`` of its rows.
    """

    number: int
    of: int
    digest: str
    split: str
    cut: bool
    of_cut: bool
    divided: str

    def text(self) -> str:
        """Get it as the metadata of the file have it."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> Self | None:
        """Get it from the metadata of a file; None where that is not a shard."""
        try:
            return cls(**json.loads(metadata[SHARD]))
        except (KeyError, ValueError, TypeError):
            return None


def file_name(number: int, of: int) -> str:
    """Get the name of a shard's file: the number with as many digits as needed, at least 4."""
    return f"{number:0{max(4, len(str(of)))}}.parquet"


def read_index(folder: Path) -> pl.DataFrame | None:
    """Get the index of a folder; None where it has none.

    Raises
    ------
    ManifestError
        It is damaged.
    """
    file = folder / INDEX_FILE
    try:
        header, _, _ = file.read_bytes().partition(b"\n")
        if header.decode().split("\t") != list(INDEX):
            return None  # it is another program's
        return pl.read_csv(file, separator="\t", schema=INDEX)
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ManifestError(
            f"{file} cannot be read: {str(error).splitlines()[0]}; write it again with the same "
            "`jumpduck split`"
        ) from error


def shards_in(folder: Path) -> list[Path]:
    """Get the files of all shards of a folder.

    Raises
    ------
    ManifestError
        It has no index, a shard of the index is not there, or the index lacks a shard.
    """
    index = read_index(folder)
    if index is None:
        raise ManifestError(
            f"{folder} is a folder without {INDEX_FILE}, therefore it is not a folder of shards; "
            f"name the manifests in it, as '{folder}/*.parquet', or write shards with "
            "`jumpduck split`"
        )
    files = [folder / name for name in index["file"]]
    if missing := [file for file in files if not file.is_file()]:
        raise ManifestError(
            f"shard {missing[0]} of {folder / INDEX_FILE} is not there; write it again with the "
            "same `jumpduck split`"
        )
    count = _count_of_split(files[0]) if files else 1
    if count is not None and index["shard"].to_list() != list(range(1, count + 1)):
        raise ManifestError(
            f"{folder / INDEX_FILE} does not have each shard of its split once, therefore "
            "files would be left out without a word; write it again with the same "
            "`jumpduck split`, or name the shards that are meant"
        )
    return files


def _count_of_split(file: Path) -> int | None:
    """Get how many shards a split has, as the file of one says; None if it does not say."""
    try:
        note = ShardNote.read(pl.read_parquet_metadata(file))
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None  # who reads its rows says what is wrong with it
    return note and note.of


def check_unchanged(file: Path) -> None:
    """Check that a manifest is what the index beside it says, if there is one that names it.

    Raises
    ------
    ManifestError
        It has other bytes.
    """
    index = read_index(file.parent)
    known: Sequence[str] = () if index is None else index.filter(file=file.name)["sha256"].to_list()
    if known and known[0] != sha256_of(file):
        raise ManifestError(
            f"shard {file} is not as `jumpduck split` wrote it: its sha256 differs from that in "
            f"{file.parent / INDEX_FILE}; run the same `jumpduck split` again, or move the file "
            "into a folder of its own if its rows were changed on purpose"
        )


def sha256_of(file: Path) -> str:
    """Get the SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
