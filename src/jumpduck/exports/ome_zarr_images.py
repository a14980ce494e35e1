"""One image in OME-Zarr 0.5: its levels, its axes, and how to show its channels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import QueryError, needs_extra
from jumpduck.imaging.tiff_reader import Plane

CHUNK_PIXELS = 1024
"""Edge of a chunk at most: what a viewer reads at once of a level."""

SMALLEST_LEVEL_PIXELS = 256
"""Longer edge below which no further level is made: that of a field in a view of a plate."""

CODEC_LEVEL = 3

AXES = ("c", "y", "x")


@dataclass(frozen=True)
class ShownChannel:
    """How a channel is shown.

    Attributes
    ----------
    name
        Its name.
    colour
        ``#RRGGBB``.
    window
        Grey levels that are shown black and in full colour.
    """

    name: str
    colour: str
    window: tuple[float, float]


class Libraries(NamedTuple):
    """zarr, the writer of ome-zarr and its OME-Zarr 0.5, which have few types."""

    zarr: Any
    writer: Any
    version: Any


@cache
def libraries() -> Libraries:
    """Get the libraries.

    Raises
    ------
    QueryError
        One of them is not installed.
    """
    try:
        import ome_zarr.format  # pyright: ignore[reportMissingTypeStubs]
        import ome_zarr.writer  # pyright: ignore[reportMissingTypeStubs]
        import zarr
    except ImportError:
        raise QueryError(needs_extra("form ome-zarr", "zarr and ome-zarr", "omezarr")) from None
    return Libraries(zarr, ome_zarr.writer, ome_zarr.format.FormatV05())


def levels_of(image: Plane) -> Iterator[NDArray[Any]]:
    """Get an image of channels, rows and columns, and its halves: a pixel is the mean of four.

    An odd edge is made even with its last row or column.
    """
    yield image
    while max(image.shape[1:]) > SMALLEST_LEVEL_PIXELS:
        odd = [(0, 0), (0, image.shape[1] % 2), (0, image.shape[2] % 2)]
        even = np.pad(image, odd, mode="edge") if any(image.shape[n] % 2 for n in (1, 2)) else image
        total = even[:, ::2, ::2].astype(np.uint32)
        for row, column in ((0, 1), (1, 0), (1, 1)):
            total += even[:, row::2, column::2]
        total += 2
        total >>= 2
        image = total.astype(image.dtype)
        yield image


def chunks_of(shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Get the shape of a chunk, and of the shard that holds all chunks of a level."""
    counts = [-(-edge // CHUNK_PIXELS) for edge in shape[1:]]
    edges = [-(-edge // count) for edge, count in zip(shape[1:], counts, strict=True)]
    whole = [edge * count for edge, count in zip(edges, counts, strict=True)]
    return (1, *edges), (shape[0], *whole)


def write_image(
    path: Path,
    image: NDArray[Any],
    *,
    name: str,
    channels: Sequence[ShownChannel],
    pixel_size_um: float | None,
    lacks: Mapping[str, str],
) -> None:
    """Write an image of channels, rows and columns as a group of its levels.

    Parameters
    ----------
    lacks
        Why a channel is not there, by its name: its pixels are 0, and the attribute ``jumpduck``
        says it.
    """
    zarr, writer, version = libraries()
    codec = zarr.codecs.BloscCodec(cname="zstd", clevel=CODEC_LEVEL, shuffle="shuffle")
    group = zarr.open_group(path, mode="w", zarr_format=3)
    datasets: list[dict[str, Any]] = []
    edge = pixel_size_um or 1.0
    for number, level in enumerate(levels_of(image)):
        chunks, shards = chunks_of(level.shape)
        array = group.create_array(
            str(number),
            shape=level.shape,
            chunks=chunks,
            shards=shards,
            dtype=level.dtype,
            compressors=[codec],
            fill_value=0,
            dimension_names=AXES,
            # because the search for empty chunks takes longer than to write one
            config={"write_empty_chunks": True},
        )
        array[...] = level
        scale = edge * 2**number
        # the middle of the first pixel is between those of the pixels that it was made of
        shift = edge * (2**number - 1) / 2
        moved = [{"type": "translation", "translation": [0.0, shift, shift]}] if number else []
        datasets.append(
            {
                "path": str(number),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1.0, scale, scale]},
                    *moved,
                ],
            }
        )
    unit = {"unit": "micrometer"} if pixel_size_um else {}
    axes = [
        {"name": "c", "type": "channel"},
        *({"name": axis, "type": "space", **unit} for axis in "yx"),
    ]
    omero = {"channels": [_shown(one, image.dtype) for one in channels]}
    writer.write_multiscales_metadata(
        group, datasets, fmt=version, axes=axes, name=name, metadata={"omero": omero}
    )
    if lacks:
        group.attrs["jumpduck"] = {"lacks": dict(lacks)}


def _shown(channel: ShownChannel, dtype: np.dtype[Any]) -> dict[str, Any]:
    low, high = channel.window
    return {
        "label": channel.name,
        "color": channel.colour.removeprefix("#"),
        "active": True,
        "window": {"min": 0, "max": int(np.iinfo(dtype).max), "start": low, "end": high},
    }
