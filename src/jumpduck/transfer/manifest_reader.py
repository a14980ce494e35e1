"""The manifest, checked as a whole before a byte is fetched, and read plate by plate."""

import copy
import hashlib
import io
import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from jumpduck.errors import ManifestError, QueryError
from jumpduck.rows import PLATE_KEY, PlateKey
from jumpduck.schema import OWN_FILES, manifest_types
from jumpduck.transfer.held_file import HeldFile
from jumpduck.transfer.manifest_files import ManifestFiles, OpenFiles, open_files, reading
from jumpduck.transfer.manifest_paths import check_rows, folders_of
from jumpduck.transfer.manifest_plates import (
    CHECK_THREADS,
    CHECKED_ROWS,
    MAX_SORTED_ROWS,
    ONLY_IN_FORM,
    find_plates,
    folded,
    join_ranges,
    put_together,
    stand_together,
)
from jumpduck.transfer.shards import rows_of_shard

UNPRINTABLE = r"[\p{Cc}\x{FFFE}\x{FFFF}]"
"""Characters that XML cannot have, nor a table show."""

HOW_TO_FILL: Mapping[str, str] = MappingProxyType(
    {
        "Metadata_Pixel_Size_Microns": "give it in the samplesheet or platemap, or use `crop`",
        "url_illum": "`jumpduck manifest --illum` writes it where the collection has published "
        "functions; `illum_from_plate` makes them of the images",
    }
)
"""What to do where a column that a recipe needs has no value."""


@dataclass(frozen=True, slots=True)
class PlateRows:
    """The rows of one plate in a manifest."""

    key: PlateKey
    count: int
    _first: int
    _manifest: "Manifest"

    def rows(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Get these rows; all columns unless some are named."""
        # checked again, because a file's time can be set back after it was written to
        rows = self._manifest.read(self._first, self.count, columns)
        check_rows(rows)
        if "path" in rows.columns:
            folders_of(rows["path"])
        return rows

    @property
    def first(self) -> int:
        """Number of the first row in the manifest, from 0."""
        return self._first


class Manifest:
    """A manifest that was checked: its paths stay in the output folder, its URLs can be read.

    In memory are only the keys of the plates; `plates` yields them in the manifest's order, and
    rows are read when they are asked for. They come from the file that was checked, also if another
    one has its name meanwhile.

    Attributes
    ----------
    columns
        Names and types of the columns.
    files
        Number of rows.
    folders
        Folders that the files go to, relative to the output folder.
    endpoint
        S3 server that the manifest's file names; None for AWS.
    cuts_plates
        A plate may be here in part, because a shard cuts it.
    has_standard_paths
        Each path begins with the key of its plate.
    origins
        What the metadata of each of its files say of it.
    taken
        The ``limit`` and ``shard`` that left rows out.
    """

    def __init__(
        self,
        rows: pl.LazyFrame,
        columns: Mapping[str, pl.DataType],
        endpoint: str | None,
        file: HeldFile | None,
    ) -> None:
        self._file = file
        self._rows = rows.select(pl.col(name).cast(dtype) for name, dtype in columns.items())
        self.columns = columns
        self.endpoint = endpoint
        self.cuts_plates = False
        self._plates = self._find_plates()
        self.files = sum(plate.count for plate in self._plates)
        self._ranges = [(0, self.files)]
        self._whole_files = self.files
        self.has_standard_paths = False
        self.origins: Sequence[Mapping[str, str]] = ()
        self.taken: Mapping[str, int | str] = {}
        self._written: Mapping[str, pl.DataType] = {}
        self.folders = self._check_rows()

    @classmethod
    def open(
        cls,
        manifest: ManifestFiles | pl.DataFrame,
        limit: int | None = None,
        shard: str | None = None,
    ) -> "Manifest":
        """Get a manifest after all checks.

        Parameters
        ----------
        manifest
            Files or frame with the columns of `jumpduck.schema.MANIFEST`.
        limit
            Leave out what follows after this number of rows.
        shard
            Take only the rows of this shard, as 7/200 of those that
            `jumpduck split --into 200` would write.

        Raises
        ------
        ManifestError
            There is no such file, it cannot be read, two files say different things of one path,
            a column is missing or has a wrong type, a
            path leaves the output folder or occurs twice (as macOS compares paths), a plate has a
            name that a folder cannot have, or a file of many millions of rows does not keep the
            rows of a plate together.
        QueryError
            `limit` is below 1, there is no such shard, or a URL has a scheme other than s3, http
            and https.
        """
        if limit is not None and limit < 1:
            raise QueryError(f"limit {limit} is below 1; leave it out to take all files")
        if isinstance(manifest, pl.DataFrame):
            files = OpenFiles(manifest.lazy(), None, None)
        else:
            files = open_files(manifest)
        rows, endpoint, file = files.rows, files.endpoint, files.file
        if shard is not None:
            with reading(file):
                rows = rows_of_shard(rows, shard)
            file = None  # because the rows are a copy
        found = dict(rows.collect_schema())
        columns = manifest_types(found, "the manifest")
        source = rows if limit is None else rows.head(limit)
        opened = cls(source, columns, endpoint, file)
        opened.cuts_plates, opened.origins = files.cuts_plates, files.origins
        part = {"shards": files.part["shard"]} if shard and "shard" in files.part else files.part
        taken = {"shard": shard, "limit": limit if limit == opened.files else None}
        given = {name: value for name, value in taken.items() if value is not None}
        opened.taken = {**part, **given}
        if limit is None and file is not None:
            opened._written = found
        opened.check_nulls()
        opened.check_casts(source, found)
        return opened

    def plates(self) -> Iterator[PlateRows]:
        """Get the plates in the manifest's order."""
        return iter(self._plates)

    def part(self, plates: Sequence[PlateRows]) -> "Manifest":
        """Get a manifest of some of the plates, in this order; no check is made again."""
        part = copy.copy(self)
        part._keep_only(plates)  # noqa: SLF001 - of the same class
        return part

    def _keep_only(self, plates: Sequence[PlateRows]) -> None:
        every, own = ({"/".join(one.key) for one in some} for some in (self._plates, plates))
        # a folder that begins with no plate may be that of any
        begins = {folder: "/".join(folder.split("/")[:3]) for folder in self.folders}
        self.folders = {one for one, plate in begins.items() if plate in own or plate not in every}
        self.files = sum(plate.count for plate in plates)
        self._plates = list(plates)
        ranges = join_ranges((plate.first, plate.count) for plate in plates)
        if ranges != self._ranges:
            self._ranges, self._written = ranges, {}

    @property
    def plate_count(self) -> int:
        """Number of plates."""
        return len(self._plates)

    def scan(self, columns: Sequence[str]) -> pl.LazyFrame:
        """Get these columns of all rows, to be read when they are needed."""
        return self._own_rows.select(columns)

    @property
    def _own_rows(self) -> pl.LazyFrame:
        if self._ranges == [(0, self._whole_files)]:
            return self._rows
        return pl.concat([self._rows.slice(first, count) for first, count in self._ranges])

    def estimated_bytes(self) -> int | None:
        """Get the bytes to fetch, as the manifest estimates them; None if it does not."""
        if "estimated_bytes" not in self.columns:
            return None
        size = pl.col("estimated_bytes")
        sums = self._own_rows.select(size.sum(), unknown=size.null_count())
        row = self._collect(sums, streaming=True).row(0, named=True)
        return None if row["unknown"] else int(row["estimated_bytes"])

    def files_by_plate(self) -> pl.DataFrame:
        """Get a row for each plate: its key, and ``files``, the number of its rows."""
        return pl.DataFrame(
            [(*plate.key, plate.count) for plate in self._plates],
            schema={**dict.fromkeys(PLATE_KEY, pl.String), "files": pl.Int64},
            orient="row",
        )

    def read(self, first: int, count: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Get `count` rows from number `first` on."""
        return self._collect(self._rows.select(columns or list(self.columns)).slice(first, count))

    def large_file(self, columns: Sequence[str]) -> HeldFile | None:
        """Get its file, if that has these columns of all rows as they are, and very many rows."""
        as_written = all(self._written.get(name) == self.columns[name] for name in columns)
        return self._file if as_written and self.files > MAX_SORTED_ROWS else None

    def digest_of(self, columns: Sequence[str]) -> str:
        """Get what identifies the values of some columns, and their order.

        Of a large file it is what identifies its bytes, because its values take minutes.
        """
        if file := self.large_file(columns):
            return file.digest()
        digest = hashlib.sha256()
        for first, count in self._ranges:
            for start in range(first, first + count, CHECKED_ROWS):
                rows = self.read(start, min(CHECKED_ROWS, first + count - start), columns)
                # the text, because the hashes of another version of Polars differ, and a copy of
                # the folder may be continued with that
                text = io.BytesIO()
                rows.write_csv(text, include_header=False)
                digest.update(text.getbuffer())
        return digest.hexdigest()

    def check_nulls(self) -> None:
        """Raise ManifestError if a row lacks its well, site or channel, or it cannot be written."""
        names = ("Metadata_Well", "Metadata_Site", "Metadata_Channel")
        odd = pl.col("Metadata_Channel").unique().str.contains(UNPRINTABLE).any()
        rows = self._rows.select(pl.col(names).null_count(), odd=odd)
        nulls = self._collect(rows, streaming=True)
        if lacking := [name for name in names if nulls[name].item()]:
            raise ManifestError(f"the manifest has rows without {', '.join(lacking)}; fill them in")
        if nulls["odd"].item():
            raise ManifestError("a Metadata_Channel has a control character; rename it")

    def check_filled(self, columns: Sequence[str], needed_by: str) -> None:
        """Raise ManifestError if one of these columns is absent or has no value in any row."""
        there = [name for name in columns if name in self.columns]
        counts = self._collect(self._own_rows.select(pl.col(there).count()), streaming=True)
        if empty := [name for name in columns if name not in there or not counts[name].item()]:
            raise ManifestError(
                f"{needed_by} needs the column {empty[0]} of the manifest, and no row has a value "
                f"in it; {HOW_TO_FILL.get(empty[0], 'fill it in')}"
            )

    def check_casts(self, source: pl.LazyFrame, found: Mapping[str, pl.DataType]) -> None:
        """Raise ManifestError if a value is not of the type it is read as, or becomes another."""
        for name, dtype in self.columns.items():
            if dtype == found[name]:
                continue
            cast = pl.col(name).cast(dtype)
            self._collect(source.select(cast.null_count()), streaming=True)
            if found[name].is_numeric() and dtype.is_numeric():
                other = self._collect(source.filter(pl.col(name) != cast).select(name).head(1))
                if other.height:
                    raise ManifestError(
                        f"{name} {other.item()} of the manifest is not of type {dtype}; change it"
                    )

    def _find_plates(self) -> list[PlateRows]:
        with self.reading():
            plates = find_plates(self._rows)
            if not stand_together(plates):
                self._rows = put_together(self._rows, plates)
                plates = find_plates(self._rows)
        return [
            PlateRows((str(source), str(batch), str(plate)), count, first, self)
            for source, batch, plate, first, _, count in plates.iter_rows()
        ]

    def _check_rows(self) -> set[str]:
        """Refuse rows that would write outside the folder or over another; get the folders."""
        # 8 bytes a row, because a set of the paths themselves would not fit for all of JUMP
        hashes = np.empty(self.files, np.uint64)
        starts = [plate.first for plate in self._plates]

        def check(start: int) -> list[tuple[int, str]]:
            """Check some rows, and get the folders of each plate of them."""
            # in slices, because the streaming engine takes a gigabyte more for this
            rows = self.read(start, CHECKED_ROWS, ("path", "url"))
            check_rows(rows)
            paths, end = rows["path"], start + rows.height
            hashes[start:end] = folded(paths).hash(seed=0).to_numpy()
            first, last = bisect_right(starts, start) - 1, bisect_left(starts, end)
            edges = [start, *starts[first + 1 : last], end]
            return [
                (first + place, folder)
                for place, (at, to) in enumerate(itertools.pairwise(edges))
                for folder in folders_of(paths.slice(at - start, to - at))
            ]

        with ThreadPoolExecutor(CHECK_THREADS) as pool:
            checked = pool.map(check, range(0, self.files, CHECKED_ROWS))
            found = set(itertools.chain.from_iterable(checked))
            folders = sorted({folder for _, folder in found})
            form = dict(zip(folders, folded(pl.Series(folders, dtype=pl.String)), strict=True))
            tops = {folder.partition("/")[0] for folder in folders}
            if taken := [top for top in tops if top.casefold() in OWN_FILES]:
                raise ManifestError(
                    f"folder {taken[0]!r} of a path has the name of a table; rename it"
                )
            keys = ["/".join(plate.key) + "/" for plate in self._plates]
            self.has_standard_paths = all(f"{path}/".startswith(keys[at]) for at, path in found)
            owners = {(plate, form[folder]) for plate, folder in found}
            if len(owners) == len({folder for _, folder in owners}):
                # no two plates share a folder, therefore only paths of the same plate can be alike
                list(pool.map(np.ndarray.sort, np.split(hashes, starts[1:])))
            else:
                hashes.sort()
        repeated = hashes[1:][hashes[1:] == hashes[:-1]]
        if len(repeated):
            self._refuse_repeated(repeated[0])
        return set(folders)

    def _refuse_repeated(self, form: np.uint64) -> None:
        """Raise ManifestError for paths whose folded form has this hash."""
        alike = pl.col("path").map_batches(folded, pl.String).hash(seed=0) == form
        names = self._collect(self._rows.filter(alike).select("path"))["path"]
        if names.n_unique() > 1:
            one, other = names.unique().sort()[:2]
            raise ManifestError(
                f"paths {one!r} and {other!r} of the manifest {ONLY_IN_FORM}; rename one"
            )
        raise ManifestError(
            f"path {names[0]!r} occurs twice in the manifest; each row needs a path of its own"
        )

    def _collect(self, rows: pl.LazyFrame, *, streaming: bool = False) -> pl.DataFrame:
        with self.reading():
            return rows.collect(engine="streaming" if streaming else "auto")

    @contextmanager
    def reading(self) -> Generator[None]:
        """Raise ManifestError if rows that the block reads are damaged or no longer the same."""
        with reading(self._file):
            yield
