import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from jumpduck.errors import ImageError
from jumpduck.imaging.readers import decode_image, ome_channels
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
    assert ome_channels(data) == names
    for page in range(3):
        assert np.array_equal(decode_image(data, page=page), PLANE + page)


@pytest.mark.parametrize("data", [tiff(PLANE), encode_png(PLANE), b""])
def test_channels_of_another_file_are_refused(data):
    with pytest.raises(ImageError, match="not an OME-TIFF"):
        ome_channels(data)


def colour_png():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "png")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(100), "not a readable TIFF"),
        (encode_png(PLANE)[:40], "not a readable image"),
        (encode_jxl(PLANE)[:40], "not a readable image"),
        (colour_png(), "not one grey plane"),
    ],
)
def test_another_or_a_broken_file_is_refused_with_a_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        decode_image(data)
