"""What a form is, and the forms by their names."""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast, runtime_checkable

import polars as pl

from jumpduck.transfer.kept_sites import KeptSites, Plate, Site, Totals

PLACES: Mapping[str, str] = MappingProxyType({
    "loaddata": "jumpduck.exports.load_data:LoadData",
    "nfcore": "jumpduck.exports.nfcore:Samplesheet",
    "paths": "jumpduck.exports.paths:Paths",
    "webdataset": "jumpduck.exports.webdataset:WebDataset",
    "ome-zarr": "jumpduck.exports.ome_zarr:OmeZarr",
    "huggingface": "jumpduck.exports.hugging_face:HuggingFace",
})  # fmt: skip
"""``module:class`` of each form."""


@dataclass(frozen=True)
class Piece:
    """A file or folder of an export that is made as a whole.

    Attributes
    ----------
    name
        Its path below the export's folder.
    sites
        What is in it.
    """

    name: str
    sites: Sequence[Site]

    @property
    def images(self) -> int:
        """Number of its images."""
        return sum(len(site.images) for site in self.sites)


class TableForm(Protocol):
    """A form that is one table; made of the sites to export, it raises what it cannot hold."""

    name: str
    out: str
    """Name of its file where none is given."""

    def frame(self, plate: Plate) -> pl.DataFrame:
        """Get the rows of a plate."""
        ...


@runtime_checkable
class FolderForm(Protocol):
    """A form that is a folder; made of the sites to export, it raises what it cannot hold."""

    name: str
    out: str
    """Name of its folder where none is given."""

    def pieces(self) -> Iterator[Piece]:
        """Get its pieces, always the same ones."""
        ...

    def write(self, piece: Piece, path: Path) -> None:
        """Write a piece, as a file or folder with this path; other threads write others."""
        ...

    def finish(self) -> Mapping[str, bytes]:
        """Get what stands beside the pieces, by the paths below the export's folder."""
        ...


Form = TableForm | FolderForm


def form_of(name: str, kept: KeptSites, totals: Totals) -> Form:
    """Get the form `name` of some sites.

    Raises
    ------
    QueryError
        The form cannot hold them.
    """
    module, _, attribute = PLACES[name].partition(":")
    make = getattr(importlib.import_module(module), attribute)
    return cast("Callable[[KeptSites, Totals], Form]", make)(kept, totals)
