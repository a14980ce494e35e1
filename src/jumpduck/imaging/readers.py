"""From the bytes of a file that a recipe wrote to its pixels."""

import io
import json
import struct
from xml.etree import ElementTree

import imagecodecs

from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_header import MAX_PLANE_PIXELS
from jumpduck.imaging.tiff_reader import Plane, decode

_DECODERS = {
    b"\x89PNG": imagecodecs.png_decode,
    b"\xff\x0a": imagecodecs.jpegxl_decode,
    b"\0\0\0\x0cJXL ": imagecodecs.jpegxl_decode,
}
"""By the first bytes of the file."""


def decode_image(data: bytes, *, page: int = 0) -> Plane:
    """Get a grey plane of 8 or 16 bit from a PNG, a JPEG XL or a TIFF.

    Parameters
    ----------
    data
        The whole file.
    page
        Number of the page in a TIFF, from 0.

    Raises
    ------
    ImageError
        The file has another format, is broken, or holds something else than a grey plane.
    """
    found = (decoder for start, decoder in _DECODERS.items() if data.startswith(start))
    decoder = next(found, None)
    if decoder is None:
        return decode(data, page=page)
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        # because the decoder allocates what the header promises
        width, height = struct.unpack_from(">II", data, 16)
        if width * height > MAX_PLANE_PIXELS:
            raise ImageError(
                f"the header promises {width} x {height} pixels, more than {MAX_PLANE_PIXELS}"
            )
    try:
        plane = decoder(data)
    except Exception as error:
        raise ImageError(f"not a readable image: {error or type(error).__name__}") from error
    if plane.ndim != 2 or plane.dtype.name not in ("uint8", "uint16"):
        raise ImageError(f"not one grey plane: {plane.dtype}, shape {plane.shape}")
    return plane


def page_channels(data: bytes) -> list[str]:
    """Get the channel of each page of a stack: an OME-TIFF, or a TIFF that is described in JSON.

    Raises
    ------
    ImageError
        The file does not name its channels.
    """
    # imported here, because it takes 0.2 s and most callers do not need it
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            if not file.is_ome:
                return list(json.loads(file.pages.first.description)["channels"])
            root = ElementTree.fromstring(file.ome_metadata or "")  # noqa: S314 - written here
        return [channel.attrib["Name"] for channel in root.findall(".//{*}Channel")]
    except Exception as error:  # tifffile has many for a broken file
        raise ImageError(f"not a TIFF with named channels: {error}") from error
