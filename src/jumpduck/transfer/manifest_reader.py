"""What a download is to do: the manifest, checked whole and read plate by plate."""

import itertools
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.schema import MANIFEST, OPTIONAL, PLATE_KEY, check
from jumpduck.storage.object_reader import scheme_of

SAFE_PATH = r"^([^./\\\x00\n][^/\\\x00\n]*/)+[^./\\\x00\n][^/\\\x00\n]*$"
UNSAFE_PATH = r"//|/\.|[\\\x00\n]"
UNSAFE_NAME = r"^\.|[/\\\x00\n]|^$"

LONGEST_NAME = 255 - len("..part")
"""Bytes of one name on Linux, and what a part adds to it."""

AT_ONCE = 122_880
"""Rows a thread checks at a time: a row group as DuckDB writes it, so that each is read once."""

THREADS = 2

UNSORTED = 5_000_000
"""Rows that may be put in order in memory."""

Plate = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one plate: where they stand in the manifest."""

    plate: Plate
    offset: int
    rows: int


class Plan:
    """A manifest that is safe to follow.

    Only the keys of its plates are in memory; rows are read when they are asked for.

    Parameters
    ----------
    manifest
        File or frame with the columns of `jumpduck.schema.MANIFEST`.
    limit
        Leave out what comes after so many rows.

    Attributes
    ----------
    parts
        One a plate, in the manifest's order.
    folders
        The folders that the files go to, relative to the output folder.
    endpoint
        S3 server that the manifest's file names; None for AWS.

    Raises
    ------
    ManifestError
        No such file, no Parquet, a column is missing, a path leaves the output folder or stands
        twice, a plate has a name no folder can have, or a file of many millions of rows does not
        keep the rows of a plate together.
    QueryError
        A URL has a scheme other than s3, http and https.
    """

    def __init__(self, manifest: str | Path | pl.DataFrame, limit: int | None = None) -> None:
        self.endpoint = None
        if isinstance(manifest, pl.DataFrame):
            rows = manifest.lazy()
        else:
            rows, self.endpoint = _open(Path(manifest))
        # on no rows: is each column there, and can it be what it should?
        check(rows.head(1).collect(), MANIFEST, "the manifest")
        absent = set(OPTIONAL) - set(rows.collect_schema().names())
        rows = rows.with_columns(pl.lit(None).alias(name) for name in sorted(absent))
        self._rows = rows.select(pl.col(name).cast(dtype) for name, dtype in MANIFEST.items())
        if limit is not None:
            self._rows = self._rows.head(limit)
        self.parts = self._find_parts()
        self.files = sum(part.rows for part in self.parts)
        self.folders: set[str] = set()
        self._check_rows()

    def rows(self, part: Part, columns: Sequence[str] = tuple(MANIFEST)) -> pl.DataFrame:
        """Get the rows of a plate."""
        return self._collect(self._rows.select(columns).slice(part.offset, part.rows))

    def table(self) -> pl.DataFrame:
        """Get the number of files by plate."""
        return pl.DataFrame(
            [(*part.plate, part.rows) for part in self.parts],
            schema={**dict.fromkeys(PLATE_KEY, pl.String), "files": pl.Int64},
            orient="row",
        )

    def _find_parts(self) -> list[Part]:
        number = pl.col("number")
        plates = self._collect(
            self._rows.select(PLATE_KEY)
            .with_row_index("number")
            .group_by(PLATE_KEY)
            .agg(first=number.min(), last=number.max(), rows=pl.len())
            .sort("first"),
            streaming=True,
        )
        if plates.is_empty():
            raise ManifestError(
                "the manifest has no rows; select something with `jumpduck manifest`"
            )
        if nulls := [name for name in PLATE_KEY if plates[name].null_count()]:
            raise ManifestError(f"the manifest has rows without {', '.join(nulls)}")
        unsafe = plates.filter(pl.any_horizontal(pl.col(PLATE_KEY).str.contains(UNSAFE_NAME)))
        if unsafe.height:
            raise ManifestError(
                f"plate {unsafe.select(PLATE_KEY).row(0)} has a name no folder can have"
            )
        if (plates["last"] - plates["first"] + 1 != plates["rows"]).any():
            if plates["rows"].sum() > UNSORTED:
                raise ManifestError(
                    "the rows of a plate do not stand together in the manifest, and it is too "
                    f"large to be put in order here; sort it by {', '.join(PLATE_KEY)}"
                )
            order = {name: place for place, name in enumerate(plates.select(PLATE_KEY).rows())}
            rows = self._rows.collect()
            place = pl.Series([order[key] for key in rows.select(PLATE_KEY).rows()], dtype=pl.Int64)
            self._rows = rows[place.arg_sort()].lazy()
            return self._find_parts()
        return [
            Part((str(source), str(batch), str(plate)), first, rows)
            for source, batch, plate, first, _, rows in plates.iter_rows()
        ]

    def _check_rows(self) -> None:
        """Refuse, before a byte is fetched, what would write outside the folder or over itself."""
        # 8 bytes a row: a set of the paths themselves would not fit for all of JUMP
        hashes = np.empty(self.files, np.uint64)

        def look(start: int) -> set[str]:
            # in slices: the streaming engine takes a gigabyte more for this
            rows = self._collect(self._rows.select("path", "url").slice(start, AT_ONCE))
            _check_slice(rows)
            path = rows["path"]
            hashes[start : start + len(path)] = path.hash(seed=0).to_numpy()
            edges = {0, len(path)} | {one.offset - start for one in self.parts}
            inside = sorted(edge for edge in edges if 0 <= edge <= len(path))
            plates = (path.slice(at, end - at) for at, end in itertools.pairwise(inside))
            return set[str]().union(*map(_folders, plates))

        with ThreadPoolExecutor(THREADS) as pool:
            self.folders = set[str]().union(*pool.map(look, range(0, self.files, AT_ONCE)))
        hashes.sort()
        repeated = hashes[1:][hashes[1:] == hashes[:-1]]
        if len(repeated):
            name = self._first(pl.col("path").hash(seed=0) == repeated[0], "path")
            raise ManifestError(f"path {name!r} stands twice in the manifest")

    def _first(self, condition: pl.Expr, column: str) -> object:
        rows = self._collect(self._rows.filter(condition).select(column).head(1), streaming=True)
        return rows.item() if rows.height else None

    def _collect(self, rows: pl.LazyFrame, *, streaming: bool = False) -> pl.DataFrame:
        try:
            return rows.collect(engine="streaming" if streaming else "auto")
        except pl.exceptions.PolarsError as error:
            raise ManifestError(
                f"the manifest holds something else than expected: {error}"
            ) from error


def _check_slice(rows: pl.DataFrame) -> None:
    path, url = rows["path"], rows["url"]
    for name in ("path", "url"):
        if rows[name].null_count():
            raise ManifestError(f"the manifest has rows without {name}")
    # many times sooner than to match `SAFE_PATH`, row by row
    plain = path.str.contains("/", literal=True).all() and not path.str.ends_with("/").any()
    first = path.str.starts_with(".") | path.str.starts_with("/")
    if not plain or first.any() or path.str.contains(UNSAFE_PATH).any():
        bad = path.filter(~path.str.contains(SAFE_PATH))
        raise ManifestError(
            f"path {bad[0]!r} of the manifest "
            "could leave the output folder; a path is FOLDER/…/NAME without .., hidden or "
            "absolute parts"
        )
    long = path.filter(path.str.len_bytes() > LONGEST_NAME)
    for name in long:
        if max(len(part.encode()) for part in name.split("/")) > LONGEST_NAME:
            raise ManifestError(f"path {name!r} of the manifest has a name too long for a disk")
    if url.str.contains("\0", literal=True).any():
        bad = url.filter(url.str.contains("\0", literal=True))[0]
        raise ManifestError(f"url {bad!r} of the manifest cannot be read")
    others = url.filter(~url.str.starts_with("s3://"))
    others = others.filter(others.str.contains("://", literal=True))
    for bad in others.filter(~others.str.contains("^https?://")):
        scheme_of(bad)


def _folders(paths: pl.Series) -> set[str]:
    """The folders that the files of a plate are in: one, as a rule, and that is soon seen."""
    first = f"{str(paths[0]).rpartition('/')[0]}/"
    names = paths.str.strip_prefix(first)
    if paths.str.starts_with(first).all() and not names.str.contains("/", literal=True).any():
        return {first[:-1]}
    return set(paths.str.replace("/[^/]*$", "").unique())


def _open(path: Path) -> tuple[pl.LazyFrame, str | None]:
    if not path.is_file():
        raise ManifestError(f"no manifest {path}; make it with `jumpduck manifest`")
    try:
        rows = pl.scan_parquet(path)
        rows.collect_schema()
        notes = json.loads(pl.read_parquet_metadata(path).get("jumpduck.catalog", "{}"))
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise ManifestError(f"{path} is no Parquet file: {error}") from error
    return rows, notes.get("endpoint")
