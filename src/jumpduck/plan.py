"""What a download is to do: the manifest, checked whole and read plate by plate."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.schema import MANIFEST, OPTIONAL, PLATE_KEY, check
from jumpduck.stores import scheme_of

SAFE_PATH = r"^([^./\\\x00\n][^/\\\x00\n]*/)+[^./\\\x00\n][^/\\\x00\n]*\.png$"
UNSAFE_NAME = r"^\.|[/\\\x00\n]|^$"

LONGEST_NAME = 255 - len("..part")
"""Bytes of one name on Linux, and what a part adds to it."""

AT_ONCE = 500_000
"""Rows whose paths are in memory at a time while a manifest is checked."""

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
        self._check_twice()
        self._check_rows()

    def rows(self, part: Part) -> pl.DataFrame:
        """Get the rows of a plate."""
        return self._collect(self._rows.slice(part.offset, part.rows))

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
        path, url = pl.col("path"), pl.col("url")
        nulls = [pl.col(name).is_null().alias(f"no {name}") for name in ("path", "url")]
        looks = self._rows.select(
            *nulls,
            folder=path.str.replace("/[^/]*$", ""),
            unsafe=~path.str.contains(SAFE_PATH),
            longest=path.str.len_bytes(),
            scheme=~_is_readable(url),
        )
        # in slices: the streaming engine takes half a gigabyte more for this
        found = pl.concat(
            self._collect(looks.slice(start, AT_ONCE).group_by("folder").agg(pl.all().max()))
            for start in range(0, self.files, AT_ONCE)
        )
        for name in ("path", "url"):
            if found[f"no {name}"].any():
                raise ManifestError(f"the manifest has rows without {name}")
        if found["unsafe"].any():
            raise ManifestError(
                f"path {self._first(~path.str.contains(SAFE_PATH), 'path')!r} of the manifest "
                "could leave the output folder; a path is FOLDER/…/NAME.png without .., hidden or "
                "absolute parts"
            )
        names = path.str.split("/").list.eval(pl.element().str.len_bytes()).list.max()
        long = found.filter(pl.col("longest") > LONGEST_NAME)
        if long.height and (name := self._first(names > LONGEST_NAME, "path")):
            raise ManifestError(f"path {name!r} of the manifest has a name too long for a disk")
        if found["scheme"].any():
            bad = str(self._first(~_is_readable(url), "url"))
            scheme_of(bad)
            raise ManifestError(f"url {bad!r} of the manifest cannot be read")
        self.folders = set(found["folder"])

    def _check_twice(self) -> None:
        # 8 bytes a row: a set of the paths themselves would not fit for all of JUMP
        hashes = np.empty(self.files, np.uint64)
        for start in range(0, self.files, AT_ONCE):
            paths = self._collect(self._rows.select("path").slice(start, AT_ONCE))["path"]
            if paths.null_count():
                raise ManifestError("the manifest has rows without path")
            hashes[start : start + len(paths)] = paths.hash(seed=0).to_numpy()
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


def _is_readable(url: pl.Expr) -> pl.Expr:
    known = pl.any_horizontal(
        url.str.starts_with(f"{scheme}://") for scheme in ("s3", "http", "https")
    )
    return (known | ~url.str.contains("://", literal=True)) & ~url.str.contains("\0", literal=True)


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
