"""What a recipe is, and what goes in and comes out.

A recipe is a pure function from the bytes of one image, or of all channels of a site, to the bytes
of the file that is kept. It also names that file: no other place does. The recipes of the package
are in `jumpduck.recipes.builtin`; any other is a function that returns a `Recipe`, found by its
entry point in the group ``jumpduck.recipes`` or as ``module:function``.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jumpduck.errors import QueryError
from jumpduck.rows import PlateKey, Row

if TYPE_CHECKING:
    import polars as pl

Fetch = Callable[[str], bytes]

SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,8}){1,2}")

WORK_FACTOR = 8
"""Bytes of work memory for each byte of input, of a recipe that does not say."""


@dataclass(frozen=True, slots=True)
class Source:
    """One input image: its bytes, and its row of the manifest."""

    data: bytes | memoryview
    """As received, without a copy: numpy, struct, hashlib and io.BytesIO read a memoryview."""
    row: Row


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one input image: columns of the results.

    `width` and `height` are those of the image as published; `low` and `high` the grey levels
    that became 0 and 255, or would have. The others are those of
    `jumpduck.imaging.quality.quality`, of the crop as published. `url_illum` says what the
    illumination function was made of, where no URL of the manifest names it.
    """

    width: int
    height: int
    low: float | None
    high: float | None
    mean: float | None = None
    saturated: float | None = None
    focus: float | None = None
    constant: bool | None = None
    url_illum: str | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a recipe made: the file to write, and a `Measured` for each input, in order."""

    data: bytes | memoryview
    measured: Sequence[Measured]


class Gathering(Protocol):
    """Takes the files of a plate into a table of the plate, and removes them."""

    def sizes(self, folder: Path, plate: PlateKey) -> Mapping[str, int]:
        """Get the size of each file that the table of a plate has taken in, by path."""
        ...

    def gather(self, folder: Path, plate: PlateKey, results: "pl.DataFrame") -> None:
        """Take in the files of a plate that is closed, given all results of the recipe there."""
        ...


@dataclass(frozen=True, slots=True)
class FileNames:
    """How a recipe names the files that it makes of a manifest's images."""

    suffix: str
    per_site: bool

    def path(self) -> "pl.Expr":
        """Get the path of the file that is made of a row of a manifest."""
        import polars as pl

        path = pl.col("path")
        if self.per_site:
            path = path.str.strip_suffix(pl.concat_str(pl.lit("__"), "Metadata_Channel"))
        return path + self.suffix

    def targets(self, rows: "pl.DataFrame") -> "pl.DataFrame":
        """Get rows of a manifest with the paths of the files that are made of them."""
        return rows.with_columns(self.path())

    def manifest_rows(self, results: "pl.DataFrame") -> "pl.DataFrame":
        """Get rows of results with the paths that a manifest has: the inverse of `targets`."""
        import polars as pl

        path = pl.col("path").str.strip_suffix(self.suffix)
        if self.per_site:
            path = pl.concat_str(path, pl.lit("__"), "Metadata_Channel")
        return results.with_columns(path)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named way from published files to a file that is kept."""

    name: str
    version: int
    suffix: str
    """Ends the name of each file, as ``.png`` or ``.ome.tiff``."""
    parameters: Mapping[str, object]
    """All that shapes the output, beside the name and the version."""
    per_site: bool
    """One file for each site, of all its channels; else one file for each image."""
    make: Callable[[Sequence[Source], object], Encoded]
    """From the images of one file and what `prepare` returned; no files, no network."""
    prepare: Callable[[Sequence[Row], Fetch], object] | None = None
    """Called once for each plate, before its first image, with its rows and a way to read a URL."""
    check: Callable[[Row, object], None] | None = None
    """Called for each image before it is fetched, with its row and what `prepare` returned; raises
    a `jumpduck.errors.JumpduckError` that says why no file can be made."""
    columns: Sequence[str] = ()
    """Optional columns that the files depend on; each has a value in some row of the manifest."""
    work_bytes: Callable[[Sequence[Source]], int] | None = None
    """Bytes of memory that `make` needs beside those it is given; by default 8 times as many."""
    agrees: "Callable[[pl.DataFrame, object], pl.Series] | None" = None
    """Whether each of some results was made with what `prepare` returned now; of a recipe whose
    files depend on it."""

    reads: Sequence[str] = ()
    """Further columns that the files depend on where a manifest has them."""
    writes: Sequence[str] = ()
    """Columns of a manifest that the recipe fills in itself, whatever the manifest has there."""
    worker_bytes: int = 0
    """Bytes of work memory that there are for each image made at the same time, of a recipe that
    needs more than the usual budget."""
    gathering: Gathering | None = None
    """What takes the files in when all of a plate are made; None if they stay."""
    built_from: tuple[str, Mapping[str, object]] | None = field(
        default=None, init=False, compare=False, repr=False
    )
    """The name and options that `jumpduck.recipes.registry.build` made it from; a copy that
    `dataclasses.replace` makes has none, because it is another recipe."""

    def __post_init__(self) -> None:
        if not self.name or any(letter.isspace() for letter in self.name):
            raise QueryError(f"name {self.name!r} of a recipe is empty or has a blank")
        if not SUFFIX.fullmatch(self.suffix):
            raise QueryError(
                f"suffix {self.suffix!r} of recipe {self.name} is not like .png or .ome.tiff"
            )

    @property
    def label(self) -> str:
        """Name and version, as the results keep them."""
        return f"{self.name} {self.version}"

    @property
    def parameters_text(self) -> str:
        """The parameters as JSON, as the results keep them."""
        return json.dumps(dict(self.parameters), sort_keys=True)

    def note(self, **more: object) -> str:
        """Get name, version, parameters and `more` as JSON text in ASCII: what a file carries."""
        what = {"recipe": self.name, "version": self.version, "parameters": dict(self.parameters)}
        return json.dumps(what | more, sort_keys=True)

    def memory_for(self, sources: Sequence[Source]) -> int:
        """Get the bytes of memory that `make` needs beside `sources`."""
        if self.work_bytes is not None:
            return self.work_bytes(sources)
        return WORK_FACTOR * sum(len(source.data) for source in sources)

    @property
    def names(self) -> FileNames:
        """How it names its files."""
        return FileNames(self.suffix, self.per_site)

    def targets(self, rows: "pl.DataFrame") -> "pl.DataFrame":
        """Get rows of a manifest with the paths of the files that this recipe makes of them."""
        return self.names.targets(rows)

    def manifest_rows(self, results: "pl.DataFrame") -> "pl.DataFrame":
        """Get rows of results with the paths that a manifest has: the inverse of `targets`."""
        return self.names.manifest_rows(results)
