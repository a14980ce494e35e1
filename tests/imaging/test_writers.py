import io
import json
import zlib
from xml.sax.saxutils import escape

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from PIL import Image
from tifffile import xml2dict

from jumpduck.imaging.writers import encode_jxl, encode_ome_tiff, encode_png, encode_tiff
from tests.support.examples import examples

NOTE = json.dumps({"recipe": "é <x> & {µ}"})

shapes = nps.array_shapes(min_dims=2, max_dims=2, max_side=40)
planes = st.one_of(
    nps.arrays(np.uint16, shapes),
    nps.arrays(np.uint8, shapes),
    nps.arrays(np.uint16, shapes, elements=st.integers(0, 1)),
)


@examples(60)
@given(planes)
def test_png_and_tiff_keep_every_pixel_and_the_note(plane):
    png = encode_png(plane, NOTE)
    assert np.array_equal(imagecodecs.png_decode(png), plane)
    with Image.open(io.BytesIO(png)) as image:
        assert np.array_equal(np.asarray(image), plane)
        assert image.text == {"jumpduck": NOTE}
    for compression in ("zstd", "deflate"):
        data = encode_tiff(plane, NOTE, compression=compression, pixel_size_um=0.5)
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            assert np.array_equal(file.asarray(), plane)
            assert file.pages[0].description == NOTE
            assert file.pages[0].software == "jumpduck"
            numerator, denominator = file.pages[0].tags["XResolution"].value
            assert numerator / denominator == pytest.approx(20_000)  # pixels a centimetre
        with Image.open(io.BytesIO(data)) as image:
            assert image.tag_v2[270] == NOTE
            if compression == "deflate":  # because Pillow 11 decodes no zstd
                assert np.array_equal(np.asarray(image), plane)


@examples(40)
@given(planes, st.integers(1, 4))
def test_an_ome_tiff_keeps_every_pixel_the_channels_and_the_note(plane, number):
    pages = [np.roll(plane, shift) for shift in range(number)]
    names = ["é<&>", "DNA", "{}", "2"][:number]
    data = encode_ome_tiff(pages, names, name="a & b", note=NOTE, pixel_size_um=0.5)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert len(file.pages) == number
        assert all(map(np.array_equal, [page.asarray() for page in file.pages], pages))
        ome = xml2dict(file.ome_metadata)["OME"]
        numerator, denominator = file.pages[0].tags["XResolution"].value
    assert numerator / denominator == pytest.approx(20_000)  # pixels a centimetre
    found = ome["Image"]["Pixels"]
    assert (found["PhysicalSizeX"], found["PhysicalSizeYUnit"]) == (0.5, "µm")
    channels = found["Channel"] if number > 1 else [found["Channel"]]
    assert [str(one["Name"]) for one in channels] == names
    assert ome["StructuredAnnotations"]["CommentAnnotation"]["Value"] == NOTE
    assert data == encode_ome_tiff(pages, names, name="a & b", note=NOTE, pixel_size_um=0.5)


@examples(20)
@given(planes)
def test_lossless_jpeg_xl_keeps_every_pixel_and_the_note(plane):
    data = encode_jxl(plane, NOTE)
    assert np.array_equal(imagecodecs.jpegxl_decode(data).reshape(plane.shape), plane)
    assert f"<jumpduck>{escape(NOTE)}</jumpduck>".encode() in data


def test_lossy_jpeg_xl_is_smaller_and_close():
    plane = np.add.outer(np.arange(200), np.arange(300)).astype(np.uint16) * 50
    plane += np.random.default_rng(0).integers(0, 500, plane.shape).astype(np.uint16)
    lossy = encode_jxl(plane, distance=1.0)
    assert len(lossy) < len(encode_jxl(plane)) / 4
    error = imagecodecs.jpegxl_decode(lossy).astype(int) - plane
    assert np.abs(error).mean() < 500


def test_a_png_of_little_content_is_not_larger_than_an_ordinary_one():
    rows, columns = np.mgrid[-384:384, -384:384]
    mask = (255 * (rows**2 + 2 * columns**2 < 200**2)).astype(np.uint8)
    assert len(encode_png(mask)) < 1.15 * len(pil(mask))


def pil(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue()


def test_png_chunks_carry_their_checksums():
    data = encode_png(np.zeros((3, 3), np.uint8), "x")
    place, names = 8, []
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        chunk = data[place + 4 : place + 8 + length]
        check = data[place + 8 + length : place + 12 + length]
        assert zlib.crc32(chunk).to_bytes(4, "big") == check
        names.append(chunk[:4])
        place += 12 + length
    assert names == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
