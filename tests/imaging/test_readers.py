import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from jumpduck.errors import ImageError
from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.imaging.writers import encode_jxl, encode_ome_tiff, encode_png, encode_tiff
from tests.support.pixels import tiff

PLANE = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000


@pytest.mark.parametrize("encode", [encode_png, encode_jxl, encode_tiff])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_writer_wrote_is_read_back(encode, dtype):
    plane = PLANE.astype(dtype)
    found = decode_image(encode(plane))
    assert found.dtype == dtype
    assert np.array_equal(found, plane)


def test_jpeg_xl_without_a_container_is_read():
    data = bytes(imagecodecs.jpegxl_encode(PLANE, lossless=True, usecontainer=False))
    assert np.array_equal(decode_image(data), PLANE)


def test_the_pages_of_an_ome_tiff_are_found_by_their_channels():
    names = ["02", "2", "<&"]
    data = encode_ome_tiff([PLANE + number for number in range(3)], names)
    assert page_channels(data) == names
    for page in range(3):
        assert np.array_equal(decode_image(data, page=page), PLANE + page)


OME = encode_ome_tiff([PLANE], ["a"])


@pytest.mark.parametrize(
    "data", [tiff(PLANE), encode_png(PLANE), b"", OME[:60], OME[:100] + bytes(200) + OME[300:]]
)
def test_channels_of_another_file_are_refused(data):
    with pytest.raises(ImageError, match="not a TIFF with named channels"):
        page_channels(data)


def colour_png():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "png")
    return buffer.getvalue()


def large_png():
    """A PNG whose header promises 10,000 times as many pixels as it has."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 16, 0, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(header))
    data = encode_png(PLANE)
    return data[:12] + header + checksum + data[33:]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(100), "not a readable TIFF"),
        (encode_png(PLANE)[:40], "not a readable image"),
        (encode_jxl(PLANE)[:40], "not a readable image"),
        (colour_png(), "not one grey plane"),
        (large_png(), "promises 100000 x 100000"),
    ],
)
def test_another_or_a_broken_file_is_refused_with_a_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        decode_image(data)
