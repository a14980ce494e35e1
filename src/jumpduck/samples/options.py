"""Which samples are taken of which images, and how."""

import math
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import SupportsIndex

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.selection.criteria import Names, as_names

UNITS = ("field", "tile", "cell")

TILES = ("grid", "random", "foreground")

MISSING = ("skip", "raise")

MAX_EDGE_PIXELS = 16384
"""Of a tile; no published plane is that large."""


def is_whole(value: object, least: int, most: float = math.inf) -> bool:
    """Get whether a value is a whole number between two."""
    return isinstance(value, SupportsIndex) and least <= index(value) <= most


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """What a sample is, and which images samples are taken of.

    Parameters
    ----------
    place
        Folder that `jumpduck download` filled, or a manifest: then its images are fetched when
        they are needed.
    channels
        The only channels to take, in this order; by default all, in that of the collection.
    where
        Take only the sites that fulfil this SQL condition on their columns.
    split
        Take only the sites whose column ``split`` has this value.
    unit
        What a sample is: field (the whole image of a site), tile (a square of one) or cell (a
        square around the position of a cell).
    size
        Edge of a tile or cell in pixels of the kept images; a field has none.
    stride
        Pixels from a tile to the next one; `size` by default.
    tiles
        Which tiles: grid (all that fit, from the top left), foreground (those of the grid of which
        at least 1 % is brighter than 0.7 of Otsu's threshold in the channel of the nuclei; the
        middle one of a site that has none) or random (others in each epoch).
    tiles_per_site
        Number of random tiles of a site in an epoch.
    nuclei
        The channel that marks nuclei; by default the one that the manifest says.
    cells
        Table of profiles of cells, in which the position of each cell is, as a file or a frame.
    standardise
        Subtract the mean of each channel, and divide by its standard deviation.
    seed
        Another seed is another order of each epoch, and other random tiles.
    missing
        What to do with a site that lacks a channel, or has an image that cannot be read: skip (it
        is a row of ``skipped``) or raise.
    cache
        Folder for what is computed once, and for images that are fetched; by default one in the
        user's cache folder.
    cache_gb
        Gigabytes of fetched images at most; 0 keeps none.
    endpoint
        S3 server other than AWS, as http://HOST:PORT; by default the one that the manifest names.

    Raises
    ------
    QueryError
        A value is not allowed, or has no effect beside the others.
    """

    place: str | Path = "images"
    channels: Names = ()
    where: str | None = None
    split: str | None = None
    unit: str = "field"
    size: int | None = None
    stride: int | None = None
    tiles: str = "grid"
    tiles_per_site: int = 1
    nuclei: str | None = None
    cells: str | Path | pl.DataFrame | None = None
    standardise: bool = False
    seed: int = 0
    missing: str = "skip"
    cache: str | Path | None = None
    cache_gb: float = 20.0
    endpoint: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("unit", UNITS), ("tiles", TILES), ("missing", MISSING)):
            value: str = getattr(self, name)
            if value not in allowed:
                raise QueryError(f"{name} {value!r} is not one of {', '.join(allowed)}")
        for name, edge in (("size", self.size), ("stride", self.stride)):
            if edge is not None and not is_whole(edge, 1, MAX_EDGE_PIXELS):
                raise QueryError(
                    f"{name} {edge!r} is not a whole number from 1 to {MAX_EDGE_PIXELS}, in pixels"
                )
        if not is_whole(self.tiles_per_site, 1, 10_000):
            raise QueryError(
                f"tiles_per_site {self.tiles_per_site!r} is not a whole number from 1 to 10000"
            )
        names = as_names(self.channels)
        if twice := [name for name in names if names.count(name) > 1]:
            raise QueryError(f"channels names {twice[0]} twice; name each channel once")
        if not self.cache_gb >= 0:
            raise QueryError(f"cache_gb {self.cache_gb} is below 0; 0 keeps no fetched image")
        self._check_unit()

    def _check_unit(self) -> None:
        if self.unit == "field" and self.size is not None:
            raise QueryError(
                f"size {self.size} has no effect on whole fields; leave it out, or take `unit` "
                "'tile' or 'cell'"
            )
        if self.unit != "field" and self.size is None:
            raise QueryError(
                f"unit {self.unit!r} needs `size`, the edge of a {self.unit} in pixels"
            )
        is_grid = self.unit == "tile" and self.tiles != "random"
        if self.stride is not None and not is_grid:
            raise QueryError(
                f"stride {self.stride} has an effect only with `unit` 'tile' and `tiles` 'grid' or "
                "'foreground'; leave it out"
            )
        for name, given, needs in (
            ("tiles", self.tiles != "grid", self.unit == "tile"),
            ("tiles_per_site", self.tiles_per_site != 1, self.tiles == "random"),
            ("cells", self.cells is not None, self.unit == "cell"),
        ):
            if given and not needs:
                value: object = getattr(self, name)
                text = "the table" if name == "cells" else repr(value)
                raise QueryError(
                    f"{name} {text} has no effect with `unit` {self.unit!r} and `tiles` "
                    f"{self.tiles!r}; leave it out"
                )
        if self.unit == "cell" and self.cells is None:
            raise QueryError(
                "unit 'cell' needs `cells`, a table with the position of each cell, such as "
                "`jumpduck profile` writes"
            )
