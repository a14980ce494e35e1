"""From pixels to the bytes of a file, with a note in the file that says how it was made.

The same arguments give the same bytes in any process and on any thread.
"""

import io
import json
import struct
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from xml.sax.saxutils import escape

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from jumpduck.imaging.tiff_reader import Plane

Compression = Literal["zstd", "deflate"]

# PNG's filters: a byte as it is, minus its left neighbour, minus the mean of that and the upper one
NONE, LEFT, AVERAGE = 0, 1, 3

SAMPLE_ROWS = 32
"""Rows in the middle of an image that decide on the filter."""

MAX_SEARCHED_SHARE = 0.95
"""A search for repeated bytes has to make the sample this much smaller to be worth its time."""

SEARCH_LEVEL, SAMPLE_SEARCH_LEVEL = 6, 1
TIFF_LEVEL = 1


def encode_png(image: Plane, note: str = "") -> bytes:
    """Get the PNG of a grey image of 8 or 16 bit.

    Noise leaves nothing to find but the average of the neighbours, therefore most images are
    written as their differences from it in Huffman codes alone.

    Parameters
    ----------
    note
        Text of the PNG's field ``jumpduck``.
    """
    height, width = image.shape
    pixel_bytes = image.dtype.itemsize
    big_endian = np.ascontiguousarray(image, image.dtype.newbyteorder(">"))
    rows = big_endian.view(np.uint8).reshape(height, width * pixel_bytes)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixel_bytes, 0, 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if note:
        chunks.append((b"tEXt", b"jumpduck\0" + note.encode("latin-1", "replace")))
    chunks += [(b"IDAT", _png_data(rows, pixel_bytes)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + _checksum(name + data) for name, data in chunks
    )


def encode_jxl(image: Plane, note: str = "", *, effort: int = 1, distance: float = 0) -> bytes:
    """Get the JPEG XL of a grey image of 8 or 16 bit.

    Parameters
    ----------
    note
        Text of a box ``xml`` in the file's container.
    effort
        Time to spend, from 1 to 9.
    distance
        Loss, from 0 (every bit is kept) to 25; 1 is the least that a viewer sees.
    """
    lossy: dict[str, Any] = {"distance": distance} if distance else {"lossless": True}
    file = imagecodecs.jpegxl_encode(
        np.ascontiguousarray(image), effort=effort, usecontainer=True, numthreads=1, **lossy
    )
    text = f"<jumpduck>{escape(note)}</jumpduck>".encode()
    return bytes(file) + struct.pack(">I", len(text) + 8) + b"xml " + text


def encode_tiff(
    image: Plane | NDArray[np.uint32],
    note: str = "",
    *,
    compression: Compression = "zstd",
    pixel_size_um: float | None = None,
) -> bytes:
    """Get the TIFF of a grey or label image: one strip, compressed without loss.

    Parameters
    ----------
    note
        The TIFF's description.
    compression
        Compression of the differences between horizontal neighbours.
    pixel_size_um
        Edge of a pixel in micrometres, if it is known.
    """
    # imported here, because it takes 0.2 s and most recipes do not need it
    import tifffile

    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder="<") as tiff:
        tiff.write(
            image,
            description=note.encode(),
            metadata=None,
            **_tiff_options(image, compression, pixel_size_um),
        )
    return file.getvalue()


def encode_ome_tiff(
    planes: Sequence[Plane],
    channels: Sequence[str],
    *,
    name: str = "",
    note: str = "",
    compression: Compression = "zstd",
    pixel_size_um: float | None = None,
) -> bytes:
    """Get the OME-TIFF of a site: a page a channel, compressed without loss.

    Parameters
    ----------
    planes
        Of one shape and type.
    channels
        Names of the planes.
    name
        Name of the OME image. It and the note make the file's UUID, because a random one would
        give other bytes each time.
    note
        Value of a comment annotation with the namespace ``jumpduck``.
    compression, pixel_size_um
        As in `encode_tiff`.
    """
    import tifffile

    about = {
        "axes": "CYX",
        "Name": name,
        "Creator": "jumpduck",
        "UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, f"jumpduck {name} {note}")),
        "Channel": {"Name": list(channels)},
        "CommentAnnotation": {"Namespace": "jumpduck", "Value": note},
    }
    for axis in "XY" if pixel_size_um else "":
        about |= {f"PhysicalSize{axis}": pixel_size_um, f"PhysicalSize{axis}Unit": "µm"}
    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder="<", ome=True) as tiff:
        tiff.write(
            iter(planes),
            shape=(len(planes), *planes[0].shape),
            dtype=planes[0].dtype,
            metadata=about,
            **_tiff_options(planes[0], compression, pixel_size_um),
        )
    return file.getvalue()


def encode_json_tiff(
    planes: Sequence[Plane],
    about: Mapping[str, object],
    *,
    compression: Compression = "zstd",
    pixel_size_um: float | None = None,
) -> bytes:
    """Get a TIFF with a page for each plane, whose description is `about` as JSON.

    Parameters
    ----------
    planes
        Of one shape and type.
    compression, pixel_size_um
        As in `encode_tiff`.
    """
    import tifffile

    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder="<") as tiff:
        for page, plane in enumerate(planes):
            tiff.write(
                plane,
                description=None if page else json.dumps(about),
                metadata=None,
                contiguous=False,
                **_tiff_options(plane, compression, pixel_size_um),
            )
    return file.getvalue()


def _tiff_options(
    image: Plane | NDArray[np.uint32], compression: Compression, pixel_size_um: float | None
) -> dict[str, Any]:
    per_centimetre = 1e4 / pixel_size_um if pixel_size_um else None
    # a TIFF has 32 bits for each half of the fraction
    fits = per_centimetre is not None and 2**-31 < per_centimetre < 2**32
    resolution = {"resolution": (per_centimetre,) * 2, "resolutionunit": "CENTIMETER"}
    return {
        "photometric": "minisblack",
        "compression": compression,
        "compressionargs": {"level": TIFF_LEVEL},
        "predictor": True,
        "rowsperstrip": len(image),
        "software": "jumpduck",
        "maxworkers": 1,  # the recipes already run on all cores
        **(resolution if fits else {}),
    }


def _png_data(rows: NDArray[np.uint8], pixel_bytes: int) -> bytes:
    """The compressed rows of a PNG, in the way that makes the sample the smallest."""
    middle = max(0, len(rows) // 2 - SAMPLE_ROWS // 2)
    sample = rows[middle : middle + SAMPLE_ROWS]
    huffman_bytes = len(_huffman(_filtered(sample, pixel_bytes, AVERAGE)))
    searched_bytes = {
        kind: len(_searched(_filtered(sample, pixel_bytes, kind), SAMPLE_SEARCH_LEVEL))
        for kind in (NONE, LEFT)
    }
    best = min(searched_bytes, key=searched_bytes.__getitem__)
    if searched_bytes[best] < MAX_SEARCHED_SHARE * huffman_bytes:
        return _searched(_filtered(rows, pixel_bytes, best), SEARCH_LEVEL)
    return _huffman(_filtered(rows, pixel_bytes, AVERAGE))


def _filtered(rows: NDArray[np.uint8], pixel_bytes: int, kind: int) -> NDArray[np.uint8]:
    """Rows of PNG bytes, each byte minus what the filter `kind` predicts for it."""
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = kind
    predicted = np.zeros_like(rows)
    if kind != NONE:
        predicted[:, pixel_bytes:] = rows[:, :-pixel_bytes]
    if kind == AVERAGE:
        above = np.zeros_like(rows)
        above[1:] = rows[:-1]
        # (a + b) // 2 == (a & b) + ((a ^ b) >> 1), which stays within 8 bits
        both = predicted & above
        predicted ^= above
        predicted >>= 1
        predicted += both
    np.subtract(rows, predicted, out=filtered[:, 1:])
    return filtered


def _huffman(rows: NDArray[np.uint8]) -> bytes:
    coder: Any = zlib_ng.compressobj(1, zlib_ng.DEFLATED, 15, 9, zlib_ng.Z_HUFFMAN_ONLY)  # pyright: ignore[reportUnknownMemberType]
    return coder.compress(rows.data) + coder.flush()


def _searched(rows: NDArray[np.uint8], level: int) -> bytes:
    return bytes(imagecodecs.deflate_encode(rows.tobytes(), level))


def _checksum(data: bytes) -> bytes:
    return struct.pack(">I", imagecodecs.deflate_crc32(data))
