import contextlib
import io
import itertools
import struct
import time
import tracemalloc
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from jumpduck.errors import ImageError
from jumpduck.imaging.only_page import read_only_page
from jumpduck.imaging.tiff_header import MAX_PLANE_PIXELS, read_header
from jumpduck.imaging.tiff_reader import decode, decode_rows
from jumpduck.imaging.writers import encode_ome_tiff
from tests.support.examples import examples
from tests.support.pixels import tiff
from tests.support.places import DATA

LAYOUTS = [
    {},
    {"rowsperstrip": 7},
    {"compression": "lzw", "rowsperstrip": 50},
    {"compression": "lzw", "rowsperstrip": 7},
    {"compression": "lzw", "predictor": True, "rowsperstrip": 50},
    {"compression": "deflate"},
    {"compression": "deflate", "predictor": True, "rowsperstrip": 7},
    {"compression": "packbits"},
    {"compression": "zstd", "predictor": True},
    {"tile": (16, 16)},
    {"tile": (16, 16), "compression": "lzw"},
    {"bigtiff": True},
    {"byteorder": ">"},
    {"byteorder": ">", "bigtiff": True, "compression": "lzw"},
]


def noise(shape=(50, 60), dtype=np.uint16):
    top = np.iinfo(dtype).max
    return np.random.default_rng(2).integers(0, top + 1, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("options", LAYOUTS)
def test_what_microscopes_write_is_decoded_whole_and_in_part(options, dtype):
    plane = noise(dtype=dtype)
    data = tiff(plane, **options)
    assert np.array_equal(decode(data), plane)
    assert decode(data).dtype == dtype
    header_read = read_header(data)
    for rows in (1, 7, 8, 33, 50, 90):
        assert np.array_equal(decode_rows(data, header_read, rows), plane[:rows])


def test_one_page_of_many_is_decoded_where_one_is_asked_for():
    planes = np.stack([noise() + number for number in range(3)]).astype(np.uint16)
    for options in ({}, {"compression": "lzw"}):
        data = tiff(planes, photometric="minisblack", **options)
        for number in range(3):
            assert np.array_equal(decode(data, page=number), planes[number])
            header_read = read_header(data, number)
            assert np.array_equal(decode_rows(data, header_read, 9), planes[number][:9])
        with pytest.raises(ImageError, match="no page 3"):
            decode(data, page=3)


def test_a_page_is_the_main_one_where_it_has_smaller_ones_below():
    planes, file = [noise(), noise((50, 61))], io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for plane in planes:
            writer.write(plane, subifds=1, metadata=None)
            writer.write(plane[::2, ::2].copy(), subfiletype=1, metadata=None)
    for number, plane in enumerate(planes):
        assert np.array_equal(decode(file.getvalue(), page=number), plane)
    with pytest.raises(ImageError, match="no page 2"):
        decode(file.getvalue(), page=2)


def header(width, height, *, more=()):
    """Return a TIFF file of a header, and of eight bytes in the place of its pixels."""
    tags = {256: width, 257: height, 258: 16, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 8}
    tags |= dict(more)
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<I8xH", 16, len(tags)) + body + bytes(4)


def with_tags(*tags, pixels=b"", big=False, entry_type=4):
    """Return a TIFF file with these tags in this order, each (number, value) or (number, type,
    count, value), and its pixels from byte 16 on."""
    entry, count, link = ("<HHQQ", "<Q", "<Q") if big else ("<HHII", "<H", "<I")
    start = b"II+\0" + struct.pack("<HHQ", 8, 0, 16 + len(pixels))
    if not big:
        start = b"II*\0" + struct.pack("<I8x", 16 + len(pixels))
    entries = [tag if len(tag) == 4 else (tag[0], entry_type, 1, tag[1]) for tag in tags]
    body = b"".join(struct.pack(entry, *one) for one in entries)
    return start + pixels + struct.pack(count, len(entries)) + body + struct.pack(link, 0)


GREY = [(256, 4), (257, 4), (258, 16), (259, 1), (262, 1), (273, 16), (277, 1), (278, 4), (279, 32)]
"""The tags of 4 x 4 pixels of 16 bit in one strip, without compression."""


def grey_with(*tags):
    """Return the tags of GREY, those of the same number replaced by these, the others added."""
    numbers = {tag[0] for tag in tags}
    return sorted([*(tag for tag in GREY if tag[0] not in numbers), *tags])


def loop():
    """Return a TIFF file whose directory names itself as the next one."""
    data = bytearray(header(2, 2))
    data[-4:] = struct.pack("<I", 16)
    return bytes(data)


WHOLE = tiff(noise((64, 64)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (bytes(5000), "zero-filled"),
        (b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>", "TIFF"),
        (WHOLE[:4000], "TIFF: cut short"),
        (WHOLE[:3], "TIFF"),
        (tiff(noise(), bigtiff=True).replace(b"\x08\0\0\0", b"\x04\0\0\0", 1), "TIFF: it begins"),
        (tiff(noise(), bigtiff=True).replace(b"\x08\0\0\0", b"\x08\0\1\0", 1), "TIFF: it begins"),
        (WHOLE[:60], "TIFF: cut short"),
        (tiff(noise((64, 64)), compression="lzw")[:-900], "TIFF: cut short"),
        (tiff(np.zeros((4, 4, 3), np.uint8), photometric="rgb"), "plane: RGB"),
        (tiff(np.zeros((4, 4), np.uint8), photometric="miniswhite"), "white at 0"),
        (tiff(np.zeros((4, 4), np.float32)), "unsigned: 32 bit float"),
        (tiff(np.zeros((4, 4), np.int16)), "unsigned: 16 bit signed"),
        (tiff(np.zeros((16, 16), np.uint8), compression="jpeg"), "compression 7"),
        (header(100_000, 100_000), "promises 100000 x 100000"),
        (header(2**31, 2**31), "promises"),
        (header(0, 5), "0 x 5"),
        (header(2000, 2000), "not a readable TIFF"),
        (header(2000, 2000, more=[(259, 5)]), "not a readable TIFF"),
        (header(2, 2, more=[(279, 2**31)]), "strip 0 ends at byte"),
        (header(2, 2, more=[(273, 2**32 - 1)]), "strip 0 ends at byte"),
        (header(4, 4, more=[(278, 1)]), "fewer than its 4 strips"),
        (header(4, 4, more=[(317, 2)]), "predictor 2"),
        (header(4, 4, more=[(258, 13)]), "13 bit"),
    ],
)
def test_bytes_that_are_not_an_image_are_refused_with_a_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        decode(data)


PIXELS = bytes(range(32))


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_written_tag_by_tag_is_read(big):
    plane = np.frombuffer(PIXELS, "<u2").reshape(4, 4)
    assert np.array_equal(decode(with_tags(*GREY, pixels=PIXELS, big=big)), plane)
    half = grey_with((273, 4, 2, 48), (278, 2), (279, 4, 2, 56))
    if not big:
        lists = struct.pack("<IIII", 16, 32, 16, 16)
        assert np.array_equal(decode(with_tags(*half, pixels=PIXELS + lists)), plane)


@pytest.mark.parametrize("big", [False, True])
def test_a_tag_that_is_there_twice_is_refused(big):
    """Because libtiff reads the first of them, and another reader the last."""
    for (number, value), other in itertools.product(GREY, (4, 7)):
        twice = [(number, value), (number, other)]
        others = [tag for tag in GREY if tag[0] != number]
        for tags in (twice + others, sorted(twice + others), [twice[0], *others, twice[1]]):
            with pytest.raises(ImageError, match=f"tag {number} twice"):
                decode(with_tags(*tags, pixels=PIXELS, big=big))


def test_a_small_file_with_a_doubled_height_does_not_become_large():
    """With the first height, libtiff would decode 200 times as much as with the other."""
    large = tiff(np.zeros((2000, 2000), np.uint16), compression="deflate", rowsperstrip=2000)
    (start,) = struct.unpack_from("<I", large, 4)
    (count,) = struct.unpack_from("<H", large, start)
    entries = [large[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    place = [struct.unpack_from("<H", entry)[0] for entry in entries].index(257)
    entries.insert(place + 1, struct.pack("<HHII", 257, 4, 1, 10))
    directory = struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    data = large[:4] + struct.pack("<I", len(large)) + large[8:] + directory
    assert imagecodecs.tiff_decode(data).shape == (2000, 2000)
    with pytest.raises(ImageError, match="tag 257 twice"):
        decode(data)


@pytest.mark.parametrize("kind", [0, 1, 2, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 18, 99])
def test_a_tag_of_an_odd_type_is_refused(kind):
    for number, value in GREY:
        data = with_tags(*grey_with((number, kind, 1, value)), pixels=PIXELS)
        with pytest.raises(ImageError, match=f"tag {number} has type {kind}"):
            decode(data)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([(278, 4, 2, 16)], "tag 278 has 2 values"),
        ([(257, 4, 0, 16)], "tag 257 has 0 values"),
        ([(258, 3, 2, 16 + 8 * 2**16)], "tag 258 has 2 values"),
        ([(273, 4, 2**30, 16)], "tag 273"),
        ([(32997, 50)], "50 planes"),  # the depth of an image and of a tile, of SGI
        ([(32998, 50)], "50 planes"),
        # in strips by one tag, in tiles by another
        ([(322, 16)], "both strips and tiles"),
        ([(323, 16)], "both strips and tiles"),
        ([(322, 16), (323, 16)], "both strips and tiles"),
        ([(324, 16), (325, 32), (322, 16), (323, 16)], "both strips and tiles"),
    ],
)
def test_a_header_that_readers_read_in_different_ways_is_refused(tags, reason):
    with pytest.raises(ImageError, match=reason):
        decode(with_tags(*grey_with(*tags), pixels=PIXELS))


def test_tiles_much_larger_than_the_image_are_refused():
    tags = [tag for tag in GREY if tag[0] not in (273, 278, 279)]
    tags += [(322, 8192), (323, 8192), (324, 16), (325, 32)]
    tags[3] = (259, 8)
    with pytest.raises(ImageError, match="tiles of 8192 x 8192 pixels"):
        decode(with_tags(*tags, pixels=PIXELS))


@pytest.mark.parametrize("compression", [1, 5, 8, 32773, 50000])
@pytest.mark.parametrize(
    ("offsets", "counts"),
    [([16, 32], [32, 1]), ([16, 32], [17, 16]), ([16, 16], [16, 16]), ([32, 16], [16, 17])],
)
def test_strips_that_overlap_are_refused(offsets, counts, compression):
    lists = struct.pack("<IIII", *offsets, *counts)
    tags = grey_with((259, compression), (273, 4, 2, 48), (278, 2), (279, 4, 2, 56))
    data = with_tags(*tags, pixels=PIXELS + lists)
    with pytest.raises(ImageError, match="overlap"):
        decode(data)


def test_strips_that_end_behind_the_file_are_refused_though_their_sum_suffices():
    tags = grey_with((256, 8), (257, 8), (273, 4, 2, 16), (278, 4), (279, 4, 2, 24))
    end = len(with_tags(*tags, pixels=bytes(16)))
    # two strips of 64 bytes, the second 28 of them behind the end
    lists = struct.pack("<IIII", end - 100, end - 36, 100, 36)
    with pytest.raises(ImageError, match=r"a strip and what is at byte \d+ overlap"):
        decode(with_tags(*tags, pixels=lists))


@pytest.mark.parametrize("counts", [(32, 31), (31, 32), (1, 32)])
def test_a_strip_that_holds_less_than_its_rows_is_refused(counts):
    tags = grey_with((257, 8), (273, 4, 2, 16), (278, 4), (279, 4, 2, 24))
    lists = struct.pack("<IIII", 32, 64, *counts)
    with pytest.raises(ImageError, match="holds less than its pixels"):
        decode(with_tags(*tags, pixels=lists + PIXELS + PIXELS))


def deflated(*streams, height=4, more=()):
    """Return a TIFF of 4 columns of 16 bits, with these streams as its strips."""
    lists = struct.pack(f"<{2 * len(streams)}I", *strip_places(streams))
    tags = [(257, height), (259, 8), (278, -(-height // len(streams)))]
    if len(streams) > 1:
        tags += [(273, 4, len(streams), 16), (279, 4, len(streams), 16 + 4 * len(streams))]
    else:
        tags += [(273, 24), (279, len(streams[0]))]
    return with_tags(*grey_with(*tags, *more), pixels=lists + b"".join(streams))


def strip_places(streams):
    lengths = [len(one) for one in streams]
    first = 16 + 8 * len(streams)
    return [first + sum(lengths[:number]) for number in range(len(streams))] + lengths


def test_deflated_strips_that_are_not_whole_are_refused():
    """libtiff takes a stream of too many bytes for success, and leaves memory as it was."""
    plane = np.frombuffer(PIXELS, "<u2").reshape(4, 4)
    stored, packed = zlib.compress(PIXELS, 0), zlib.compress(PIXELS)
    halves = [zlib.compress(PIXELS[:16], 0), zlib.compress(PIXELS[16:], 0)]
    for good in (deflated(stored), deflated(packed), deflated(*halves)):
        assert np.array_equal(decode(good), plane)
        assert np.array_equal(decode_rows(good, read_header(good), 1), plane[:1])
    broken = bytearray(stored)
    broken[-1] ^= 1
    for bad in (
        deflated(stored, height=3),
        deflated(zlib.compress(PIXELS + PIXELS, 0)),
        deflated(zlib.compress(PIXELS[1:])),
        deflated(bytes(broken)),
        deflated(stored[:-1]),
        deflated(b"no stream"),
        deflated(halves[0], zlib.compress(PIXELS, 0)),
    ):
        with pytest.raises(ImageError, match="not a readable TIFF"):
            decode(bad)


def test_pixels_that_lie_in_the_header_or_the_directory_are_refused():
    end = len(with_tags(*GREY, pixels=PIXELS))
    for offset in (0, 7, 40, end - 32):
        for compression in (1, 5):
            tags = grey_with((273, offset), (259, compression))
            with pytest.raises(ImageError, match="overlap"):
                decode(with_tags(*tags, pixels=PIXELS))


def test_a_directory_that_names_itself_as_the_next_one_is_read_once():
    with pytest.raises(ImageError, match="page 1 is an earlier one again"):
        decode(loop(), page=7)


def test_a_header_that_promises_too_much_costs_neither_time_nor_memory():
    edge = int(MAX_PLANE_PIXELS**0.5)
    tracemalloc.start()
    began = time.process_time()
    for data in (header(100_000, 100_000), header(edge, edge), WHOLE[:-1]):
        with pytest.raises(ImageError):
            decode(data)
    assert time.process_time() - began < 0.5
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


SMALL = [tiff(noise((40, 30)), **options) for options in LAYOUTS]


@examples(200, deadline_ms=2000)
@given(st.sampled_from(SMALL), st.data())
@pytest.mark.slow
def test_any_bytes_are_decoded_or_refused_with_a_reason(data, draw):
    broken = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 6))):
        # half of the changes are in the first 400 bytes, because headers lie there
        ends = st.one_of(st.integers(0, 400), st.integers(0, len(broken) - 1))
        broken[draw.draw(ends) % len(broken)] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.one_of(st.just(len(broken)), st.integers(0, len(broken))))
    with contextlib.suppress(ImageError):  # any other exception fails the test
        plane = decode(bytes(broken[:cut]))
        assert plane.ndim == 2
        assert plane.size <= MAX_PLANE_PIXELS


def test_a_corrupt_lzw_stream_is_refused_and_does_not_hang():
    data = bytearray(tiff(noise((200, 200)), compression="lzw", rowsperstrip=200))
    header_read = read_header(bytes(data))
    data[header_read.offset + 1000 : header_read.offset + 3000] = b"\xff" * 2000
    began = time.process_time()
    with pytest.raises(ImageError, match="not a readable TIFF"):
        decode(bytes(data))
    assert time.process_time() - began < 1


def test_the_tiffs_that_jumpduck_writes_are_decoded():
    plane = noise((31, 17))
    for compression in ("zstd", "deflate"):
        data = encode_ome_tiff([plane, plane + 1], ["a", "b"], compression=compression)
        assert np.array_equal(decode(data, page=1), plane + 1)


REFUSED = {  # file -> the reason
    "Channel1-01-A-01.tif": "palette",
    "corrupt_empty.tif": "empty",
    "corrupt_truncated_half.tif": "cut short",
    "corrupt_zero_filled.tif": "zero-filled",
    "blank-and-nan-channels.ome.tiff": "32 bit float",
    "float-grey.tiff": "32 bit float",
    "float-rgb.tiff": "RGB",
    "rgb-uint32.tiff": "RGB",
    "sat_rgb.tiff": "RGB, 4 samples",
    "BigTIFF.tif": "RGB",
    "BigTIFFMotorola.tif": "RGB",
    "hpredict-1c-12b.tiff": "predictor 2 in 12 bit",
    "imagejs_crosshair_tiled.tif": "1 bit unsigned",
    "int16.tif": "16 bit signed",
    "int16_zstd.tif": "16 bit signed",
    "multi-channel.ome.tiff": "8 bit signed",
    "single-channel.ome.tiff": "8 bit signed",
    "z-series.ome.tiff": "8 bit signed",
    "quad-tile.jpg.tiff": "YCbCr",
    "sample-get-lzw-stuck.tiff": "RGB",
}


def real_files():
    return sorted((DATA / "images").rglob("*.[tT][iI][fF]*"))


@pytest.mark.real
def test_every_real_file_gives_the_right_pixels_or_the_right_reason():
    files = real_files()
    assert len(files) >= 80
    refused = {}
    for file in files:
        data = file.read_bytes()
        began = time.process_time()
        try:
            plane = decode(data)
            header_read = read_header(data)
            part = decode_rows(data, header_read, header_read.height // 2 + 1)
        except ImageError as error:
            refused[file.name] = str(error)
            continue
        finally:
            assert time.process_time() - began < 1, file.name
        with tifffile.TiffFile(file) as other:
            expected = other.pages[0].asarray()
        assert plane.dtype == expected.dtype, file.name
        assert np.array_equal(plane, expected), file.name
        assert np.array_equal(part, expected[: len(part)]), file.name
    assert refused.keys() == REFUSED.keys()
    for name, reason in REFUSED.items():
        assert reason in refused[name]


@pytest.mark.real
def test_the_same_crop_in_eleven_layouts_is_the_same_image():
    files = sorted((DATA / "images/derived_variants").glob("DNA_*.tif"))
    assert [int(decode(file.read_bytes()).sum()) for file in files] == [51_087_882] * 11
    stack = (DATA / "images/derived_variants/fov5ch.ome.tif").read_bytes()
    assert sum(int(decode(stack, page=page).sum()) for page in range(5)) == 371_060_584


@pytest.mark.parametrize("options", LAYOUTS)
def test_a_second_page_of_the_same_size_is_refused_where_none_is_named(options):
    stack = tiff(np.stack([noise(), noise()]), photometric="minisblack", **options)
    with pytest.raises(ImageError, match=r"more than one page of 60 x 50 pixels; .*#page=N"):
        read_only_page(stack)
    assert read_only_page(tiff(noise(), **options)) == read_header(tiff(noise(), **options))


@pytest.mark.parametrize(("shape", "subfile"), [((50, 60), 1), ((25, 30), 0), ((25, 30), 1)])
def test_a_smaller_copy_is_no_second_image(shape, subfile):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(noise())
        writer.write(noise(shape), subfiletype=subfile)
    assert read_only_page(file.getvalue()).page == 0
