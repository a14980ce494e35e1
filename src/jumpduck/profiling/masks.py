"""Masks and label images that somebody made, as files."""

import struct

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError
from jumpduck.imaging.only_page import refuse_other_pages
from jumpduck.imaging.readers import decode_image
from jumpduck.imaging.tiff_header import read_header
from jumpduck.imaging.tiff_reader import decode_numbers
from jumpduck.imaging.writers import encode_tiff
from jumpduck.profiling.objects import Labels

Numbers = NDArray[np.unsignedinteger | np.signedinteger]

PNG, PNG_HEADER_BYTES = b"\x89PNG", 24


def read_mask(data: bytes, shape: tuple[int, int]) -> Numbers:
    """Get the values of a mask or label image: a grey PNG, JPEG XL or TIFF of 8, 16 or 32 bits.

    Parameters
    ----------
    data
        The whole file.
    shape
        Height and width that it must have: those of the site's planes. They are compared with the
        header, before anything is decoded.

    Raises
    ------
    ImageError
        The file has another size or format, is broken, has several planes, or has values that are
        not whole numbers from 0.
    """
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        header = read_header(data, any_numbers=True)
        refuse_other_pages(data, header)
        _check_shape((header.height, header.width), shape)
        if header.kind == "f":
            raise ImageError("not a mask: its values are floats; save it as whole numbers")
        values = decode_numbers(data, header)
    else:
        if data.startswith(PNG) and len(data) >= PNG_HEADER_BYTES:
            width, height = struct.unpack_from(">II", data, 16)
            _check_shape((height, width), shape)
        values = decode_image(data)
        _check_shape(values.shape, shape)
    if values.dtype.kind == "i" and values.size and int(values.min()) < 0:
        raise ImageError(f"not a mask: it has the value {values.min()}; background is 0")
    return values


def _check_shape(found: tuple[int, ...], shape: tuple[int, int]) -> None:
    if found != shape:
        raise ImageError(
            f"a mask of {found[1]} x {found[0]} pixels for planes of {shape[1]} x {shape[0]} pixels"
        )


def encode_labels(labels: Labels, note: str = "", *, pixel_size_um: float | None = None) -> bytes:
    """Get the TIFF of a label image: whole numbers of 16 bits, or of 32 where 16 are too few.

    Parameters
    ----------
    note
        The TIFF's description.
    pixel_size_um
        Edge of a pixel in micrometres, if it is known.
    """
    fits = int(labels.max(initial=0)) <= np.iinfo(np.uint16).max
    numbers = labels.astype(np.uint16) if fits else labels.astype(np.uint32)
    return encode_tiff(numbers, note, compression="deflate", pixel_size_um=pixel_size_um)
