import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest

from jumpduck.containers.image_reader import ImageReader
from jumpduck.containers.places import join_place
from jumpduck.containers.whole_files import WholeFiles
from jumpduck.errors import ImageError, QueryError
from jumpduck.imaging.tiff_reader import decode
from jumpduck.storage.object_reader import ObjectReader
from tests.support.range_server import RangeServer

MOVIE = "sample/0/plate/LT0001_02/experiment/A4/position/1/image/channel"
SHAPE = (2, 6, 1, 48, 60)


def numbers(dtype="u1", shape=SHAPE):
    return np.random.default_rng(6).integers(0, 200, shape).astype(dtype)


def write(path, values, name=MOVIE, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=values, **options)


def image(path, dataset=MOVIE, index="1,4,0", reader=None, **place):
    """The pixels of a plane of a dataset."""
    url = join_place(str(path), {"dataset": dataset, "index": index, **place})
    file = (reader or ImageReader(ObjectReader())).read_if(url, lambda _: True)
    return decode(file.data)


LAYOUTS = {
    "contiguous": {},
    "frames": {"chunks": (1, 1, 1, 48, 60)},
    "gzip": {"chunks": (1, 1, 1, 48, 60), "compression": "gzip"},
    "tiles": {"chunks": (1, 2, 1, 20, 16), "compression": "gzip", "shuffle": True},
    "lzf": {"chunks": (1, 1, 1, 20, 60), "compression": "lzf"},
    "checked": {"chunks": (1, 1, 1, 13, 7), "fletcher32": True},
    "all": {"chunks": (2, 3, 1, 48, 60), "fletcher32": True, "shuffle": True,
            "compression": "gzip"},
    "unlimited": {"chunks": (1, 1, 1, 48, 60), "maxshape": (None,) * 5},
}  # fmt: skip


@pytest.mark.parametrize("options", LAYOUTS.values(), ids=LAYOUTS.keys())
@pytest.mark.parametrize("dtype", ["u1", ">u2"])
def test_planes_are_read_as_h5py_reads_them(options, dtype, tmp_path):
    values = numbers(dtype)
    write(tmp_path / "movie.ch5", values, **options)
    reader = ImageReader(ObjectReader())
    for _ in range(2):  # the second time the headers are known
        assert np.array_equal(image(tmp_path / "movie.ch5", reader=reader), values[1, 4, 0])
    found = image(tmp_path / "movie.ch5", index="0-1,2-5,0", reader=reader)
    assert np.array_equal(found, values[:, 2:, 0].max(axis=(0, 1)))


@pytest.mark.parametrize("dtype", ["i2", "u4", "f4", ">f8"])
def test_numbers_of_other_types_need_a_range(dtype, tmp_path):
    values = numbers(dtype)
    write(tmp_path / "movie.ch5", values)
    with pytest.raises(ImageError, match="give range=LOW,HIGH in its URL"):
        image(tmp_path / "movie.ch5")
    found = image(tmp_path / "movie.ch5", range="0,131.07")
    assert np.array_equal(found, np.minimum(np.rint(values[1, 4, 0] * 500.0), 65535))


@pytest.mark.slow
def test_one_frame_of_a_movie_fetches_less_than_a_tenth_of_the_file(tmp_path):
    """As those of idr0013, whose groups and index lie between the frames."""
    shape = (2, 48, 1, 400, 500)
    values = numbers("u1", shape)
    with h5py.File(tmp_path / "movie.ch5", "w") as file:
        channel = file.create_dataset(MOVIE, shape, "u1", chunks=(1, 1, 1, 400, 500))
        for frame in range(48):
            channel[:, frame] = values[:, frame]
            file.create_dataset(f"sample/0/plate/LT0001_02/experiment/A4/{frame}", data=[1])
    size = (tmp_path / "movie.ch5").stat().st_size
    with RangeServer(tmp_path) as server:
        reader, url = ImageReader(ObjectReader()), f"{server.address}/movie.ch5"
        assert np.array_equal(image(url, index="1,30,0", reader=reader), values[1, 30, 0])
        assert server.sent < 0.1 * size
        assert len(server.requests) <= 10
        server.clear()
        assert np.array_equal(image(url, index="0,31,0", reader=reader), values[0, 31, 0])
        assert len(server.requests) <= 4


def test_a_server_without_ranges_sends_the_file_once(tmp_path):
    values = numbers()
    write(tmp_path / "movie.ch5", values)
    with RangeServer(tmp_path, ranges=False) as server:
        objects = ObjectReader()
        reader = ImageReader(objects, WholeFiles(tmp_path / "out", "run", objects.save))
        url = f"{server.address}/movie.ch5"
        for frame in (4, 5):
            assert np.array_equal(
                image(url, index=f"1,{frame},0", reader=reader), values[1, frame, 0]
            )
        assert server.sent < 2.2 * (tmp_path / "movie.ch5").stat().st_size


def test_a_file_that_is_replaced_between_two_frames_is_read_anew(tmp_path):
    values = numbers()
    write(tmp_path / "movie.ch5", values)
    with RangeServer(tmp_path) as server:
        reader, url = ImageReader(ObjectReader()), f"{server.address}/movie.ch5"
        image(url, reader=reader)
        write(tmp_path / "movie.ch5", values + 1, chunks=(1, 1, 1, 48, 60), compression="gzip")
        assert np.array_equal(image(url, reader=reader), values[1, 4, 0] + 1)


def test_a_chunk_that_was_damaged_on_the_way_is_fetched_again(tmp_path):
    values = numbers("u1", (2, 300, 300))
    write(tmp_path / "movie.ch5", values, "a", chunks=(1, 300, 300), fletcher32=True)
    with RangeServer(tmp_path) as server:
        server.fault = lambda path, number, data: data if number != 2 else data[::-1]
        found = image(f"{server.address}/movie.ch5", "a", "1")
        assert np.array_equal(found, values[1])


def test_what_was_not_written_is_the_fill_value_or_missing(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        some = file.create_dataset("some", (3, 8, 8), "u2", chunks=(1, 4, 4), fillvalue=9)
        some[1, :4, :4] = 5
        file.create_dataset("none", (3, 8, 8), "u2", chunks=(1, 4, 4))
        file.create_dataset("late", (3, 8, 8), "u2")
    expected = np.full((8, 8), 9)
    expected[:4, :4] = 5
    assert np.array_equal(image(tmp_path / "a.h5", "some", "1"), expected)
    for dataset in ("some", "none", "late"):
        with pytest.raises(FileNotFoundError, match=r"none of the chunks|nothing was written"):
            image(tmp_path / "a.h5", dataset, "0")


def test_links_inside_of_the_file_are_followed_and_others_refused(tmp_path):
    values = numbers("u1", (2, 8, 8))
    write(tmp_path / "other.h5", values, "far")
    (tmp_path / "raw").write_bytes(bytes(128))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("deep/er/data", data=values)
        file["soft"] = h5py.SoftLink("/deep")
        file["deep/relative"] = h5py.SoftLink("er/data")
        file["hard"] = file["deep/er"]
        file["loop"] = h5py.SoftLink("/loop")
        file["nowhere"] = h5py.SoftLink("/nothing")
        file["out/far"] = h5py.ExternalLink("other.h5", "/far")
        file.create_dataset("raw", (2, 8, 8), "u1", external=[(str(tmp_path / "raw"), 0, 128)])
    for path in ("soft/er/data", "soft/relative", "hard/data", "/deep/er/data/"):
        assert np.array_equal(image(tmp_path / "a.h5", path, "1"), values[1])
    for path, error, reason in (
        ("loop", ImageError, "more than 16 links"),
        ("nowhere", FileNotFoundError, "no nothing in this file"),
        ("out/far", ImageError, "not a readable HDF5"),
        ("raw", ImageError, "its numbers are in another file"),
        ("deep", ImageError, "a group, not a dataset"),
        ("deep/er/data/more", FileNotFoundError, "no deep/er/data/more in this file"),
    ):
        with pytest.raises(error, match=reason):
            image(tmp_path / "a.h5", path, "1")


@pytest.mark.parametrize(
    ("place", "error", "reason"),
    [
        ({"dataset": "sample/1"}, FileNotFoundError, "no sample/1 in this file"),
        ({"dataset": "a" * 500}, FileNotFoundError, "no a+ in this file"),
        ({"dataset": "a/" * 100}, ImageError, "more than 64 names"),
        ({"index": "2,0,0"}, FileNotFoundError, "no plane 2 of 2 along axis 0"),
        ({"index": "0,0-6,0"}, FileNotFoundError, "no plane 6 of 6 along axis 1"),
        ({"index": "0,0"}, ImageError, "needs an index of 3 numbers, not 2"),
        ({"index": "x"}, QueryError, "index 'x' is not a number"),
    ],
)
def test_a_wrong_dataset_or_index_is_named(place, error, reason, tmp_path):
    write(tmp_path / "movie.ch5", numbers())
    with pytest.raises(error, match=reason):
        image(tmp_path / "movie.ch5", **place)


def test_what_is_no_array_of_planes_is_refused_by_name(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file.create_dataset("new", data=numbers(), chunks=(1, 1, 1, 48, 60))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("text", data=["a", "b"])
        file.create_dataset("pairs", data=np.zeros((4, 4), [("a", "u1"), ("b", "u2")]))
        file.create_dataset("half", data=np.zeros((4, 4), "f2"))
        file.create_dataset("line", data=np.zeros(4, "u1"))
        file.create_dataset("one", data=np.uint8(4))
        file.create_dataset("void", data=h5py.Empty("u1"))
        file.create_dataset("wide", (1, 10**6, 10**6), "u1", chunks=(1, 64, 64))
        file.create_dataset("thick", (9000, 9000, 8), "u1", chunks=(9000, 9000, 1))
        file.create_dataset("scaled", data=np.zeros((4, 4), "u2"), scaleoffset=0, chunks=(4, 4))
    for name, reason in (
        ("text", "not 8 or 16 bit unsigned|not a readable HDF5"),
        ("pairs", "not 8 or 16 bit unsigned"),
        ("half", "not 8 or 16 bit unsigned: float16"),
        ("line", "an array of 1 axes"),
        ("one", "an array of 0 axes"),
        ("void", "an array of 0 axes"),
        ("wide", "a plane of 1000000 x 1000000"),
        ("thick", "chunks of 9000 x 9000 x 1"),
        ("scaled", "filter scale-offset is not read; gzip, shuffle, fletcher32, lzf are"),
    ):
        with pytest.raises(ImageError, match=reason):
            image(tmp_path / "b.h5", name, "", range="0,1") if name == "half" else image(
                tmp_path / "b.h5", name, ""
            )
    with pytest.raises(ImageError, match="not a readable HDF5: Pyfive cannot yet read"):
        image(tmp_path / "a.h5", "new")


def test_a_chunk_that_promises_too_much_is_refused(tmp_path):
    shape = (1, 64, 64)
    for name, data, options in (
        ("bomb", zlib.compress(bytes(2 * 10**7)), {"compression": "gzip"}),
        ("short", bytes(100), {}),
        ("long", bytes(10**6), {}),
    ):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            array = file.create_dataset("a", shape, "u1", chunks=shape, **options)
            array.id.write_direct_chunk((0, 0, 0), data)
        with pytest.raises(ImageError, match="a chunk"):
            image(tmp_path / f"{name}.h5", "a", "0")


@pytest.mark.parametrize("data", [b"", b"\x89HDF\r\n\x1a\n", b"<html>", bytes(5000)])
def test_what_is_no_hdf5_is_refused(data, tmp_path):
    (tmp_path / "movie.ch5").write_bytes(data)
    with pytest.raises(ImageError):
        image(tmp_path / "movie.ch5")


def test_damaged_files_give_pixels_or_a_reason(tmp_path):
    write(tmp_path / "good.ch5", numbers(), chunks=(1, 1, 1, 20, 30), compression="gzip")
    good = (tmp_path / "good.ch5").read_bytes()
    headers = [at for at in range(0, len(good) - 4096, 512) if any(good[at : at + 512])]
    random = np.random.default_rng(7)
    refused = 0
    for _ in range(60):
        data = bytearray(good)
        for _ in range(random.integers(1, 6)):
            at = int(random.choice(headers)) + int(random.integers(512))
            data[at] = random.choice([0, 1, 255, int(random.integers(256))])
        (tmp_path / "bad.ch5").write_bytes(data)
        try:
            image(tmp_path / "bad.ch5")
        except (ImageError, FileNotFoundError):
            refused += 1
    assert refused > 10


def test_nothing_but_the_headers_is_fetched_where_there_is_no_memory(tmp_path):
    write(tmp_path / "movie.ch5", numbers("u1", (2, 1000, 1000)), "a")
    with RangeServer(tmp_path) as server:
        url = f"{server.address}/movie.ch5#dataset=a&index=1"
        assert ImageReader(ObjectReader()).read_if(url, lambda size: size < 10**6) is None
        assert server.sent < 200_000


def test_a_star_is_the_only_member_of_a_group(tmp_path):
    values = numbers()
    with h5py.File(tmp_path / "movie.ch5", "w") as file:
        file["sample/0/plate/LT0001_02--ex2005/image"] = values
        file["sample/0/soft/link"] = h5py.SoftLink("/sample/0/plate")
        file["sample/1/image"] = values
    star = image(tmp_path / "movie.ch5", dataset="sample/0/plate/*/image")
    named = image(tmp_path / "movie.ch5", dataset="sample/0/plate/LT0001_02--ex2005/image")
    assert np.array_equal(star, named)
    through_link = image(tmp_path / "movie.ch5", dataset="sample/0/soft/*/*/image")
    assert np.array_equal(through_link, named)
    with pytest.raises(FileNotFoundError, match=r"no sample/\* in this file"):
        image(tmp_path / "movie.ch5", dataset="sample/*/image")


def test_without_the_extra_the_row_says_what_to_install(tmp_path):
    write(tmp_path / "movie.ch5", numbers())
    script = (
        "import sys; sys.modules['pyfive'] = None\n"
        "from jumpduck.containers.image_reader import ImageReader\n"
        "from jumpduck.storage.object_reader import ObjectReader\n"
        f"ImageReader(ObjectReader()).read_if({str(tmp_path / 'movie.ch5')!r} + "
        "'#dataset=a&index=0', lambda _: True)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "StoreError" in done.stderr
    assert "needs pyfive; install the extra: pip install 'jumpduck[hdf5]'" in done.stderr
