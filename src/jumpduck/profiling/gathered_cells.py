"""The tables of the cells and of the images of a plate, made of an earlier table and new files."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from jumpduck.errors import StoreError
from jumpduck.profile_tables.writing import write_frames
from jumpduck.profiling.plate_files import (
    MADE_BY,
    MADE_OF,
    OF_IMAGES,
    TAKEN,
    Taken,
    cells_file,
    images_file,
)
from jumpduck.profiling.site_file import SUFFIX, SiteNotes, read_notes, read_picture, read_values
from jumpduck.rows import DONE, SITE_KEY, PlateKey
from jumpduck.schema import OF_ONE_IMAGE, OUTCOME
from jumpduck.storage.atomic_files import atomic_path, atomic_write, make_folder

CHUNK_BYTES = 64 << 20
"""Of features that are held at a time."""

CHILDREN = (("Cells", "Nuclei"), ("Cytoplasm", "Nuclei"), ("Cytoplasm", "Cells"))
"""Parts of a cell, and the parts that CellProfiler calls their parents."""

NUMBER, OBJECT = "Metadata_ImageNumber", "Metadata_ObjectNumber"

_FILE = ("path", "size", "checksum")
"""Columns of a site that describe its file."""


class _Piece(NamedTuple):
    """A site that the table gets: its row, its number of cells, and where they are."""

    site: int
    rows: int
    start: int | None
    """First row in the earlier table; None for a new file."""
    notes: SiteNotes | None


def sites_of(results: pl.DataFrame) -> pl.DataFrame:
    """Get a row for each site of the results of a plate, numbered from 1 as CellProfiler does.

    Beside the columns of the manifest that are not of one image, these are ``FileName_CHANNEL`` and
    ``URL_CHANNEL``, what became of the site, and its file.
    """
    own = [
        name
        for name in results.columns
        if name not in SITE_KEY
        and name not in OF_ONE_IMAGE
        and name not in OUTCOME
        and not name.startswith(OF_IMAGES)
    ]
    channels = results["Metadata_Channel"].unique(maintain_order=True)
    of = {name: pl.col("url").filter(Metadata_Channel=name).first() for name in channels}
    lacks = ~pl.col("status").is_in(DONE)
    name_of = {name: url.str.extract("([^/#]*)(?:#.*)?$") for name, url in of.items()}
    return (
        results.group_by(SITE_KEY, maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in own),
            *(name.alias(f"FileName_{channel}") for channel, name in name_of.items()),
            *(url.alias(f"URL_{channel}") for channel, url in of.items()),
            *(pl.col(name).first() for name in _FILE),
            status=pl.coalesce(pl.col("status").filter(lacks).first(), pl.col("status").first()),
            error=pl.col("error").filter(lacks).first(),
        )
        .sort(SITE_KEY, maintain_order=True)
        .with_row_index(NUMBER, 1)
        .with_columns(pl.col(NUMBER).cast(pl.Int64))
    )  # fmt: skip


class GatheredCells:
    """What becomes of the sites of a plate.

    Parameters
    ----------
    folder, plate
        The output folder, and the key of the plate.
    sites
        What `sites_of` returned.
    taken
        What the earlier table of the plate has.
    """

    def __init__(
        self, folder: Path, plate: PlateKey, sites: pl.DataFrame, taken: Mapping[str, Taken]
    ) -> None:
        self._folder, self._plate, self._sites = folder, plate, sites
        self._file = cells_file(folder, plate)
        self._earlier = pl.scan_parquet(self._file, glob=False) if taken else None
        self._pieces, self._taken = self._find(taken)
        self._columns = self._find_columns()

    def write(self, made_of: str, made_by: str) -> None:
        """Write the pictures, then the table of the images, and last that of the cells.

        Raises
        ------
        StoreError
            A table cannot be written, or a site's file is damaged.
        """
        try:
            for piece in self._pieces:
                if piece.notes is not None:
                    self._keep_pictures(self._path(piece), piece.notes)
            images = images_file(self._folder, self._plate)
            table = self._images(images)
            make_folder(images.parent)
            with atomic_path(images) as part:
                table.write_parquet(part)
        except OSError as error:
            raise StoreError(
                f"cannot write {error.filename or self._folder}: {error.strerror}"
            ) from error
        taken = {path: list(one) for path, one in self._taken.items()}
        facts = {MADE_OF: made_of, MADE_BY: made_by, TAKEN: json.dumps(taken)}
        # a plate without a cell has a table, too
        none = pl.DataFrame(schema=self._schema())
        write_frames(chain([none], self._frames()), self._file, facts)

    def _find(self, taken: Mapping[str, Taken]) -> tuple[list[_Piece], dict[str, Taken]]:
        """Get the sites that have cells to gather, in their order, and what the table will have."""
        ends = np.cumsum([0, *(one.rows for one in taken.values())]).tolist()
        starts = dict(zip(taken, ends, strict=False))
        pieces: list[_Piece] = []
        gets: dict[str, Taken] = {}
        columns = self._sites.select(*_FILE, "status").rows()
        for number, (path, size, checksum, status) in enumerate(columns):
            if status not in DONE:
                continue
            known = taken.get(path)
            if self._is_there(path, checksum):
                notes = read_notes(self._folder / path)
                base = path.removesuffix(SUFFIX)
                pictures = {_picture(base, end): one for end, one in notes.pictures.items()}
                gets[path] = Taken(size, checksum, notes.rows, pictures)
                pieces.append(_Piece(number, notes.rows, None, notes))
            elif known is not None and (known.size, known.checksum) == (size, checksum):
                gets[path] = known
                pieces.append(_Piece(number, known.rows, starts[path], None))
        return pieces, gets

    def _is_there(self, path: str, checksum: str) -> bool:
        """Get whether the file of a site is there, and is the one that its row is of.

        A run with other options that was killed before it wrote a row may have left another one.
        """
        try:
            data = (self._folder / path).read_bytes()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"cannot read {self._folder / path}: {error.strerror}") from error
        return hashlib.sha256(data).hexdigest() == checksum

    def _find_columns(self) -> dict[str, pl.DataType]:
        """Get the columns that say something of a cell, with their types."""
        found: dict[str, pl.DataType] = {}
        if self._earlier is not None:
            schema = self._earlier.collect_schema()
            of_images = _of_cells(self._sites.head(0)).columns
            found = {name: dtype for name, dtype in schema.items() if name not in of_images}
        for notes in (piece.notes for piece in self._pieces):
            if notes is not None:
                found |= dict.fromkeys(_number_columns(notes.parts), pl.Int64())
                found |= dict.fromkeys(map(_flag, notes.flags), pl.Boolean())
                found |= dict.fromkeys(notes.columns, pl.Float32())
        return found

    def _schema(self) -> dict[str, pl.DataType]:
        return {**_of_cells(self._sites.head(0)).schema, **self._columns}

    def _frames(self) -> Iterator[pl.DataFrame]:
        """Get the rows of the table of cells, some sites at a time."""
        for pieces in self._chunks():
            counts = [piece.rows for piece in pieces]
            rows = np.repeat([piece.site for piece in pieces], counts)
            cells = self._read_earlier(pieces) if pieces[0].notes is None else self._read(pieces)
            absent = [name for name in self._columns if name not in cells.columns]
            cells = cells.with_columns(
                pl.lit(None, self._columns[name]).alias(name) for name in absent
            )
            yield pl.concat(
                [_of_cells(self._sites[rows]), cells.select([*self._columns])], how="horizontal"
            )

    def _chunks(self) -> Iterator[list[_Piece]]:
        """Get sites whose rows are read together: all in new files, or together in the table."""
        most = max(1, CHUNK_BYTES // (4 * max(1, len(self._columns))))
        some: list[_Piece] = []
        for piece in self._pieces:
            if not piece.rows:
                continue
            last = some[-1] if some else None
            follows = last is not None and (
                piece.start is None if last.start is None else piece.start == last.start + last.rows
            )
            if some and (not follows or sum(one.rows for one in some) + piece.rows > most):
                yield some
                some = []
            some.append(piece)
        if some:
            yield some

    def _read_earlier(self, pieces: Sequence[_Piece]) -> pl.DataFrame:
        assert self._earlier is not None
        assert pieces[0].start is not None
        known = [name for name in self._columns if name in self._earlier.collect_schema()]
        count = sum(piece.rows for piece in pieces)
        return self._earlier.select(known).slice(pieces[0].start, count).collect()

    def _read(self, pieces: Sequence[_Piece]) -> pl.DataFrame:
        """Get what new files have; a column that one of them lacks is null in its rows."""
        frames: list[pl.DataFrame] = []
        for piece in pieces:
            assert piece.notes is not None
            values = read_values(self._folder / self._path(piece))
            number = pl.int_range(1, piece.rows + 1, dtype=pl.Int64)
            frame = pl.DataFrame(values, dict.fromkeys(piece.notes.columns, pl.Float32))
            frames.append(
                frame.with_columns(
                    *(number.alias(name) for name in _number_columns(piece.notes.parts)),
                    *(
                        pl.Series(_flag(name), marks).cast(pl.Boolean)
                        for name, marks in piece.notes.flags.items()
                    ),
                )
            )
        return pl.concat(frames, how="diagonal")

    def _images(self, file: Path) -> pl.DataFrame:
        """Get a row for each site with its counts and quality, and why it has none."""
        sites = self._sites.drop(_FILE)
        numbers = [
            {
                NUMBER: piece.site + 1,
                **{f"Count_{part}": float(piece.rows) for part in piece.notes.parts},
                **piece.notes.image,
            }
            for piece in self._pieces
            if piece.notes is not None
        ]
        found = pl.DataFrame(numbers, infer_schema_length=None) if numbers else None
        earlier = [piece.site for piece in self._pieces if piece.notes is None]
        if earlier:
            had = pl.read_parquet(file, glob=False)
            names = [name for name in had.columns if name not in sites.columns]
            of_sites = sites[earlier].select(NUMBER, *SITE_KEY)
            had = of_sites.join(had.select(*SITE_KEY, *names), on=SITE_KEY, how="left")
            had = had.drop(SITE_KEY)
            found = had if found is None else pl.concat([found, had], how="diagonal_relaxed")
        if found is None:
            return sites
        counts = pl.selectors.starts_with("Count_").cast(pl.Int64)
        whole = sites.join(
            found.with_columns(pl.col(NUMBER).cast(pl.Int64), counts), on=NUMBER, how="left"
        )
        return whole.select(pl.exclude("status", "error"), "status", "error").sort(NUMBER)

    def _keep_pictures(self, path: str, notes: SiteNotes) -> None:
        """Write the pictures of a site where they stay."""
        for end in notes.pictures:
            target = self._folder / _picture(path.removesuffix(SUFFIX), end)
            make_folder(target.parent)
            atomic_write(target, read_picture(self._folder / path, end))

    def _path(self, piece: _Piece) -> str:
        return str(self._sites["path"][piece.site])


def _of_cells(sites: pl.DataFrame) -> pl.DataFrame:
    """Get the columns of sites that the table of cells has, as CytoTable names them."""
    kept = sites.drop(*_FILE, "status", "error", pl.selectors.starts_with("URL_"))
    files = [name for name in kept.columns if name.startswith("FileName_")]
    return kept.select(
        *SITE_KEY,
        NUMBER,
        pl.exclude(*SITE_KEY, NUMBER, *files),
        pl.col(files).name.prefix("Image_"),
    )


def _number_columns(parts: Sequence[str]) -> list[str]:
    """Get the columns that number a cell: CellProfiler numbers each part, and names its parents.

    Cells and cytoplasms have the numbers of their nuclei here, therefore all are alike. They begin
    with Metadata_, as CytoTable writes them, so that pycytominer takes none of them for a feature.
    """
    return [
        OBJECT,
        *(f"Metadata_{part}_Number_Object_Number" for part in parts),
        *(f"Metadata_{one}_Parent_{of}" for one, of in CHILDREN if {one, of} <= {*parts}),
    ]


def _flag(name: str) -> str:
    """Get the column of a mark: ``touches_border`` is ``Metadata_Touches_Border``."""
    return f"Metadata_{name.title()}"


def _picture(base: str, end: str) -> str:
    """Get the path of a picture, from the path of its site and the end of its name."""
    folder, _, rest = end.partition("/")
    return f"{folder}/{base}{rest}"
