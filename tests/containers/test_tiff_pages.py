import contextlib
import io
import struct

import numpy as np
import pytest
import tifffile

from jumpduck.containers.image_reader import ImageReader
from jumpduck.containers.places import join_place
from jumpduck.containers.tiff_pages import SMALL_BYTES, page_of
from jumpduck.containers.whole_files import WholeFiles
from jumpduck.errors import ImageError, QueryError
from jumpduck.imaging import tiff_header
from jumpduck.imaging.tiff_reader import decode
from jumpduck.imaging.writers import encode_ome_tiff
from jumpduck.storage.object_reader import ObjectReader
from tests.support.pixels import tiff
from tests.support.places import DATA
from tests.support.range_server import RangeServer

IMAGES = DATA / "images"
TIFF_NAMES = {".tif", ".tiff"}


def planes(count=5, shape=(40, 50), dtype=np.uint16):
    top = np.iinfo(dtype).max
    return np.random.default_rng(3).integers(0, top + 1, (count, *shape)).astype(dtype)


def image(data, **place):
    """The pixels of a place in a TIFF."""
    return decode(page_of(data, place, lambda _: True))


LAYOUTS = [
    {},
    {"bigtiff": True, "byteorder": ">"},
    {"compression": "lzw", "rowsperstrip": 7},
    {"compression": "deflate", "predictor": True, "byteorder": ">"},
    {"compression": "zstd", "tile": (16, 16), "bigtiff": True},
]


@pytest.mark.parametrize("options", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_page_and_the_maximum_of_pages_are_those_of_tifffile(options, dtype):
    stack = planes(dtype=dtype)
    data = tiff(stack, photometric="minisblack", **options)
    for number in range(5):
        found = image(data, page=str(number))
        assert np.array_equal(found, stack[number])
        assert found.dtype == dtype
    assert np.array_equal(image(data, pages="1-3"), stack[1:4].max(axis=0))
    assert np.array_equal(image(data, pages="2-2"), stack[2])
    assert np.array_equal(image(data, pages="1-"), stack[1:].max(axis=0))
    assert np.array_equal(image(data, pages="1-/2"), stack[1::2].max(axis=0))
    with pytest.raises(FileNotFoundError, match="no page 5, it has 5"):
        image(data, page="5")
    with pytest.raises(FileNotFoundError, match="no page 7, it has 5"):
        image(data, pages="3-7")


def test_the_pages_of_an_ome_tiff_are_its_channels():
    stack = planes()
    data = encode_ome_tiff(list(stack), ["AGP", "DNA", "ER", "Mito", "RNA"])
    assert all(np.array_equal(image(data, page=str(n)), stack[n]) for n in range(5))


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("float32", {}),
        ("float64", {"byteorder": ">"}),
        ("float32", {"compression": "deflate", "predictor": 3}),
        ("float64", {"compression": "zstd", "predictor": 3, "tile": (16, 16)}),
        ("int16", {}),
        ("int32", {"compression": "lzw", "predictor": 2}),
        ("uint32", {"byteorder": ">"}),
        ("int8", {}),
        ("uint16", {}),
        ("uint8", {}),
    ],
)
def test_a_range_maps_numbers_to_grey_levels(dtype, options):
    numbers = np.random.default_rng(4).integers(0, 120, (30, 20)).astype(dtype)
    data = tiff(numbers, **options)
    low, high = 10, 110
    expected = np.rint((np.clip(numbers.astype(float), low, high) - low) * (65535 / 100))
    found = image(data, range="10,110")
    assert found.dtype == np.uint16
    assert np.array_equal(found, expected.astype(np.uint16))
    if dtype not in ("uint8", "uint16"):
        with pytest.raises(ImageError, match="give range=LOW,HIGH in its URL"):
            image(data, page="0")


def test_nan_becomes_0_and_infinities_the_ends_of_the_range():
    numbers = np.array([[np.nan, -np.inf, np.inf, 0.5]], np.float32)
    assert image(tiff(numbers), range="0,1").tolist() == [[0, 0, 65535, 32768]]
    with pytest.raises(ImageError, match="none of its pixels is a number"):
        image(tiff(np.full((4, 4), np.nan, np.float32)), range="0,1")


def test_a_maximum_of_floats_leaves_nan_out():
    numbers = np.array([[[np.nan, 1]], [[0.5, np.nan]]], np.float32)
    data = tiff(numbers, photometric="minisblack")
    assert image(data, pages="0-1", range="0,1").tolist() == [[32768, 65535]]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ({"page": "-1"}, "page '-1' is not a number"),
        ({"page": "1-2"}, "page '1-2' is not a number"),
        ({"page": ""}, "page '' is not a number"),
        ({"page": "٣"}, "is not a number"),
        ({"page": "9" * 40}, "is not a number"),
        ({"pages": "4-2"}, "pages '4-2' is not a number"),
        ({"pages": "0-99999"}, "at most 4096 planes"),
        ({"page": "0", "pages": "0-1"}, "give one of them"),
        ({"range": "1"}, "not LOW,HIGH"),
        ({"range": "2,1"}, "not LOW,HIGH"),
        ({"range": "nan,1"}, "not LOW,HIGH"),
        ({"range": "0,inf"}, "not LOW,HIGH"),
        ({"range": "0,5e-324"}, "not LOW,HIGH"),
        ({"range": "-1e308,1e308"}, "not LOW,HIGH"),
    ],
)
def test_a_place_that_says_something_wrong_is_named(place, reason):
    with pytest.raises(QueryError, match=reason):
        image(tiff(planes()[0]), **place)


RGB, PALE, COLOURS = np.zeros((3, 8, 3), "u1"), np.zeros((8, 8), "u1"), np.zeros((3, 256), "u2")


def with_shape(width, height):
    """Return a TIFF whose header promises these pixels."""
    data = bytearray(tiff(planes()[0], byteorder="<"))
    for tag, value in ((256, width), (257, height), (278, height)):
        at = next(at for at in range(len(data)) if data[at : at + 2] == struct.pack("<H", tag))
        data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "place", "reason"),
    [
        (tiff(RGB, photometric="rgb"), {"page": "0"}, "RGB, 3 samples a pixel; export each"),
        (tiff(RGB.astype("f4"), photometric="rgb"), {"range": "0,1"}, "RGB, 3 samples"),
        (tiff(RGB, photometric="rgb", planarconfig="separate"), {"page": "0"}, "RGB, 3 samples"),
        (tiff(PALE, photometric="palette", colormap=COLOURS), {"page": "0"}, "palette"),
        (tiff(np.zeros((8, 8), np.float16)), {"range": "0,1"}, "16 bit float$"),
        (tiff(np.zeros((8, 8), np.int64)), {"range": "0,1"}, "64 bit signed$"),
        (tiff(np.zeros((8, 8), np.complex64)), {"range": "0,1"}, "64 bit other$"),
        (b"", {"page": "0"}, "empty file"),
        (bytes(900), {"page": "0"}, "zero-filled"),
        (b"PK\3\4" + bytes(100), {"page": "0"}, "not a readable TIFF: it begins"),
        (with_shape(2**31, 2**31), {"page": "0"}, "the header promises"),
        (with_shape(8000, 8000), {"range": "0,1"}, "not a readable TIFF"),
        (tiff(planes(2), photometric="minisblack")[:-4100], {"pages": "0-1"}, "cut short"),
    ],
)  # fmt: skip
def test_what_is_no_grey_page_is_refused_by_name(data, place, reason):
    with pytest.raises(ImageError, match=reason):
        image(data, **place)


def test_a_maximum_of_pages_that_differ_is_refused():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for shape in ((40, 50), (40, 51)):
            writer.write(planes(1, shape)[0], metadata=None)
    with pytest.raises(ImageError, match=r"page 1 is uint16 of shape \(40, 51\)"):
        image(file.getvalue(), pages="0-1")


def test_a_loop_of_pages_ends():
    data = bytearray(tiff(planes(2), photometric="minisblack", byteorder="<"))
    first = struct.unpack_from("<I", data, 4)[0]
    (count,) = struct.unpack_from("<H", data, first)
    data[first + 2 + 12 * count : first + 6 + 12 * count] = struct.pack("<I", first)
    for place in ({"page": "4000"}, {"pages": "0-4000"}):
        with pytest.raises(ImageError, match="page 1 is an earlier one again"):
            image(bytes(data), **place)


@pytest.fixture
def z_stack(tmp_path):
    """A folder with a file of 24 pages, too large to be read as a whole for one of them."""
    stack = planes(24, (300, 300))
    for name, options in (("one", {}), ("lzw", {"compression": "lzw", "rowsperstrip": 16})):
        data = tiff(stack, photometric="minisblack", **options)
        (tmp_path / f"{name}.tif").write_bytes(data)
        assert len(data) > 2 * SMALL_BYTES
    return tmp_path, stack


def test_a_page_of_a_large_file_is_fetched_without_the_others(z_stack):
    folder, stack = z_stack
    with RangeServer(folder) as server:
        reader = ImageReader(ObjectReader())
        for name in ("one", "lzw"):
            url = f"{server.address}/{name}.tif"
            size = (folder / f"{name}.tif").stat().st_size
            for place, expected in (
                ({"page": "17"}, stack[17]),
                ({"pages": "3-5"}, stack[3:6].max(axis=0)),
            ):
                sizes, sent = [], server.sent
                file = reader.read_if(join_place(url, place), reserve(sizes))
                assert np.array_equal(decode(file.data), expected)
                assert server.sent - sent < 0.35 * size
                assert max(sizes) > len(file.data)
            with pytest.raises(FileNotFoundError, match="no page 24, it has 24"):
                reader.read_if(f"{url}#page=24", reserve([]))


def reserve(sizes):
    return lambda size: sizes.append(size) or True


def test_a_server_without_ranges_sends_the_file_once(z_stack, tmp_path):
    folder, stack = z_stack
    with RangeServer(folder, ranges=False) as server:
        objects = ObjectReader()
        reader = ImageReader(objects, WholeFiles(tmp_path / "out", "run", objects.save))
        for page in (5, 6, 7):
            file = reader.read_if(f"{server.address}/lzw.tif#page={page}", lambda _: True)
            assert np.array_equal(decode(file.data), stack[page])
            assert file.etag is None, "that of the copy would be another one in each run"
        assert server.sent < 2.2 * (folder / "lzw.tif").stat().st_size


def test_a_page_is_not_fetched_where_there_is_no_memory_for_it(z_stack):
    folder, _ = z_stack
    with RangeServer(folder) as server:
        for place in ("page=20", "pages=3-9", "page=0&range=0,1"):
            url = f"{server.address}/one.tif#{place}"
            assert ImageReader(ObjectReader()).read_if(url, lambda size: size < 200_000) is None
        assert server.sent < 600_000


def test_the_pages_of_a_small_file_are_fetched_once_and_a_broken_one_again(tmp_path):
    stack = planes()
    (tmp_path / "small.tif").write_bytes(tiff(stack, photometric="minisblack"))
    with RangeServer(tmp_path) as server:
        reader = ImageReader(ObjectReader())
        url = f"{server.address}/small.tif"
        for number in range(5):
            file = reader.read_if(f"{url}#page={number}", lambda _: True)
            assert np.array_equal(decode(file.data), stack[number])
        requests = len(server.requests)
        assert requests <= 2
        # whoever wants an image a second time could not use it the first time
        reader.read_if(f"{url}#page=3", lambda _: True)
        assert len(server.requests) > requests


# what is refused is refused for one of these reasons
REFUSED = ("samples a pixel", "predictor 2 in 12 bit", "1 bit unsigned")


@pytest.mark.real
@pytest.mark.slow
def test_each_page_of_the_real_files_is_that_of_tifffile():
    checked, refused = set(), {}
    for file in sorted(file for file in IMAGES.rglob("*") if file.suffix.lower() in TIFF_NAMES):
        data = file.read_bytes()
        with contextlib.suppress(Exception), tifffile.TiffFile(file) as other:
            # files that are broken have no pages, or pages that test_tiff_reader.py knows
            for number, page in enumerate(other.pages):
                numbers = page.asarray()
                try:
                    if numbers.dtype in ("uint8", "uint16"):
                        found, expected = image(data, page=str(number)), numbers
                    else:
                        top = np.nanmax([1, *numbers.ravel().astype(float)])
                        found = image(data, page=str(number), range=f"0,{top}")
                        shares = np.clip(numbers.astype(float), 0, top) * (65535 / top)
                        expected = np.rint(np.nan_to_num(shares))
                    checked.add((file.name, number, np.array_equal(found, expected)))
                except ImageError as error:
                    refused[file.name] = str(error)
    assert all(equal for _, _, equal in checked), checked
    assert len(checked) > 150
    assert ("z-series.ome.tiff", 4, True) in checked
    assert ("3d_monolayer_xy1_ch2_labels.tiff", 59, True) in checked
    for reason in refused.values():
        assert any(known in reason for known in REFUSED), reason


def test_a_long_chain_of_empty_directories_is_not_followed_to_its_end():
    count = tiff_header.MAX_PAGES + 1
    chain = np.zeros(count, dtype=[("tags", "<u2"), ("next", "<u4")])
    chain["next"] = 8 + 6 * (np.arange(count) + 1)
    data = b"II*\0" + struct.pack("<I", 8) + chain.tobytes() + bytes(8)
    with pytest.raises(ImageError, match="more than 100000 pages"):
        page_of(data, {"page": "9999999999"}, lambda _: True)
