"""Plates as OME-Zarr 0.5: ``PLATE.zarr/ROW/COLUMN/FIELD/LEVEL``, in Zarr v3 with shards.

A field is an array of channels, rows and columns, in the order of ``omero.channels``; its name is
the key of its site. The fields of each well are called 0, 1 and so on, because ome-zarr shows of a
plate the field that is called as the first one of its first well. A level is one file: a shard with
all its chunks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jumpduck.errors import ImageError, QueryError, StoreError
from jumpduck.exports.forms import Piece
from jumpduck.exports.ome_zarr_images import (
    ShownChannel,
    libraries,
    write_image,
)
from jumpduck.exports.plain_names import check_folder_names, places_of_wells, site_key
from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.imaging.tiff_reader import Plane
from jumpduck.recipes.kept_images import kept_edges_um
from jumpduck.rows import PlateKey
from jumpduck.transfer.kept_sites import CHANNEL, KeptSites, Plate, Site, Totals
from jumpduck.transfer.stacks import check_pages
from jumpduck.wells.plate_shape import row_letters

COLOURS = ("#FFFFFF", "#FF00FF", "#00FF00", "#FFFF00", "#00FFFF", "#FF0000", "#0080FF")
"""Colours of channels that have none in their collection, one after the other."""

PERCENTILES = (1.0, 99.9)
"""Percentiles of the first field of a plate that are shown black and in full colour, where the
results have no levels."""


@dataclass(frozen=True)
class _PlateLook:
    """What all fields of a plate share.

    Attributes
    ----------
    channels
        In their order.
    wells
        Row and column of each well.
    fields
        Sites of a well at most.
    """

    channels: Sequence[ShownChannel]
    wells: Sequence[tuple[str, str]]
    fields: int


class OmeZarr:
    """A group for each plate, with the key of the plate as its name."""

    name = "ome-zarr"
    out = "ome-zarr"

    def __init__(self, kept: KeptSites, totals: Totals) -> None:
        libraries()  # because what is not installed should be said before work begins
        self._places = {
            well: (row_letters(place.row), str(place.column))
            for well, place in places_of_wells(kept.wells, self.name).items()
        }
        check_folder_names({key: self._group(key) for key in kept.plate_keys}, self.name)
        self._kept = kept
        self._recipe = dict(zip(("recipe", "parameters"), totals.recipes[0], strict=True))
        known = {one.name: one.colour for one in kept.folder.channels}
        others = iter(COLOURS * len(kept.channels))
        self._colours = {name: known[name] or next(others) for name in kept.channels}
        self._plates: dict[PlateKey, _PlateLook] = {}

    def pieces(self) -> Iterator[Piece]:
        """Get a piece for each well."""
        for plate in self._kept.plates():
            if plate.images.is_empty():
                continue
            wells: dict[str, list[Site]] = {}
            for site in plate.sites():
                wells.setdefault(str(site.columns["Metadata_Well"]), []).append(site)
            self._plates[plate.key] = _PlateLook(
                self._shown(plate),
                [self._places[well] for well in wells],
                max(map(len, wells.values())),
            )
            for well, sites in wells.items():
                name = "/".join((self._group(plate.key), *self._places[well]))
                yield Piece(name, sites)

    def write(self, piece: Piece, path: Path) -> None:
        """Write a well with its fields."""
        source, batch, plate, *_ = piece.sites[0].key
        look = self._plates[source, batch, plate]
        fields = [str(number) for number in range(len(piece.sites))]
        images = [{"path": field} for field in fields]
        zarr, writer, version = libraries()
        group = zarr.open_group(path, mode="w", zarr_format=3)
        writer.write_well_metadata(group, images, fmt=version)
        for site, field in zip(piece.sites, fields, strict=True):
            image = self._image(site, look.channels)
            write_image(
                path / field,
                image,
                name=site_key(site.key),
                channels=look.channels,
                pixel_size_um=self._pixel_size_um(site, max(image.shape[1:])),
                lacks=site.lacks,
            )

    def finish(self) -> Mapping[str, bytes]:
        """Get the metadata of each plate and of its rows."""
        zarr, writer, version = libraries()
        found: dict[str, bytes] = {}
        for key, look in self._plates.items():
            files: dict[str, Any] = {}
            store = zarr.storage.MemoryStore(files)
            group = zarr.open_group(store, mode="w", zarr_format=3)
            rows = sorted({row for row, _ in look.wells}, key=lambda row: (len(row), row))
            columns = sorted({column for _, column in look.wells}, key=int)
            for row in rows:
                group.create_group(row)
            wells = ["/".join(well) for well in look.wells]
            writer.write_plate_metadata(
                group, rows, columns, wells, fmt=version, field_count=look.fields,
                name=self._group(key).removesuffix(".zarr"),
            )  # fmt: skip
            group_files = files.items()
            found |= {f"{self._group(key)}/{name}": one.to_bytes() for name, one in group_files}
        return found

    def _group(self, key: PlateKey) -> str:
        return f"{site_key(key)}.zarr"

    def _pixel_size_um(self, site: Site, longer_edge: int) -> float | None:
        """Get the edge of a kept pixel; None if it is not known, or not that of all channels."""
        shapes = {(one.height, one.width) for one in site.images}
        edges = [
            kept_edges_um({**site.columns, **self._recipe, "height": height, "width": width})
            for height, width in shapes
        ]
        # of the longer edge, because the other one was rounded to whole pixels
        sizes = {max(one) / longer_edge if one else None for one in edges}
        return sizes.pop() if len(sizes) == 1 else None

    def _planes(self, site: Site) -> dict[str, Plane]:
        """Get the pixels of a site by their channels."""
        planes: dict[str, Plane] = {}
        for path, file in site.files.items():
            data = self._kept.read(file)
            own = [image.channel for image in site.images if image.path == path]
            pages = page_channels(data) if file.in_stack else own
            check_pages(own, pages, path)
            try:
                for channel in own:
                    planes[channel] = decode_image(data, page=pages.index(channel))
            except ImageError as error:
                raise StoreError(f"{path}: {error}; `jumpduck verify --deep` says more") from error
        return planes

    def _image(self, site: Site, channels: Sequence[ShownChannel]) -> Plane:
        """Get the channels of a site as one array; those that are not there are 0."""
        planes = self._planes(site)
        kinds = {(plane.shape, plane.dtype) for plane in planes.values()}
        if len(kinds) > 1:
            sizes = ", ".join(
                f"{name} {plane.shape[1]} x {plane.shape[0]} {plane.dtype}"
                for name, plane in planes.items()
            )
            raise QueryError(
                f"channels of site {'__'.join(site.key)} differ in size or type, and a field of "
                f"OME-Zarr is one array ({sizes}); take those that agree (`channels`)"
            )
        ((shape, dtype),) = kinds
        image = np.zeros((len(channels), *shape), dtype)
        for place, channel in enumerate(channels):
            if channel.name in planes:
                image[place] = planes[channel.name]
        return image

    def _shown(self, plate: Plate) -> list[ShownChannel]:
        """Get how the channels of a plate are shown, in all its fields alike."""
        levels = plate.images.group_by(CHANNEL).agg(pl.col("low").median(), pl.col("high").median())
        known = {str(name): (low, high) for name, low, high in levels.rows()}
        first = self._planes(next(plate.sites()))
        is_small = all(plane.dtype == np.uint8 for plane in first.values())
        shown: list[ShownChannel] = []
        for name in plate.channels:
            low, high = known.get(name, (None, None))
            if is_small:
                low, high = 0.0, 255.0
            elif low is None and name in first:
                low, high = map(float, np.percentile(first[name], PERCENTILES))
            window = (low or 0.0, max(high or 0.0, (low or 0.0) + 1))
            shown.append(ShownChannel(name, self._colours[name], window))
        return shown
