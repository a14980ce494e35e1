import json

import imagecodecs
import numcodecs
import numpy as np
import pytest
import zarr
from imagecodecs.numcodecs import Jpegxl
from zarr.codecs import (
    BloscCodec,
    BytesCodec,
    Crc32cCodec,
    GzipCodec,
    ShardingCodec,
    TransposeCodec,
    ZstdCodec,
)

from jumpduck.containers.image_reader import ImageReader
from jumpduck.containers.places import join_place
from jumpduck.errors import ImageError, QueryError
from jumpduck.imaging.tiff_reader import decode
from jumpduck.storage.object_reader import ObjectReader
from tests.support.places import DATA
from tests.support.range_server import RangeServer

SHAPE = (2, 3, 40, 52)


def numbers(dtype="u2", shape=SHAPE):
    return np.random.default_rng(5).integers(0, 200, shape).astype(dtype)


def write(folder, values, **options):
    array = zarr.create_array(store=str(folder), shape=values.shape, dtype=values.dtype, **options)
    array[:] = values


def image(folder, index=None, reader=None, **place):
    """The pixels of a plane of an array on the disk."""
    place |= {"array": place.get("array", "")} | ({} if index is None else {"index": index})
    file = (reader or ImageReader(ObjectReader())).read_if(
        join_place(str(folder), place), lambda _: True
    )
    return decode(file.data)


VERSION_2 = {
    "raw": {"compressors": None},
    "blosc": {"compressors": numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE)},
    "blosc bits": {"compressors": numcodecs.Blosc("zstd", 9, numcodecs.Blosc.BITSHUFFLE)},
    "zlib": {"compressors": numcodecs.Zlib()},
    "gzip": {"compressors": numcodecs.GZip()},
    "zstd": {"compressors": numcodecs.Zstd()},
    "lz4": {"compressors": numcodecs.LZ4()},
    "bz2": {"compressors": numcodecs.BZ2()},
    "columns first": {"compressors": numcodecs.Zstd(), "order": "F"},
    "folders": {"chunk_key_encoding": {"name": "v2", "separator": "/"}},
    "several planes": {"chunks": (2, 2, 30, 30)},
}

VERSION_3 = {
    "raw": {"compressors": None},
    "gzip": {"compressors": GzipCodec()},
    "zstd": {"compressors": ZstdCodec()},
    "checked": {"compressors": [ZstdCodec(), Crc32cCodec()]},
    "jump-lite": {"compressors": BloscCodec(cname="zstd", clevel=9, shuffle="bitshuffle"),
                  "chunks": SHAPE},
    "big endian": {"serializer": BytesCodec(endian="big")},
    "transposed": {"filters": TransposeCodec(order=(3, 1, 0, 2))},
    "keys of version 2": {"chunk_key_encoding": {"name": "v2", "separator": "."}},
    "dots": {"chunk_key_encoding": {"name": "default", "separator": "."}},
    "shards": {"chunks": (1, 1, 20, 26), "shards": (1, 3, 40, 52)},
    "shards with the index first": {
        "chunks": (2, 3, 40, 52),
        "compressors": None,
        "serializer": ShardingCodec(chunk_shape=(1, 1, 20, 52), index_location="start"),
    },
}  # fmt: skip


@pytest.mark.parametrize("options", VERSION_2.values(), ids=VERSION_2.keys())
def test_arrays_of_version_2_are_read_as_zarr_reads_them(options, tmp_path):
    values = numbers()
    write(tmp_path, values, zarr_format=2, **{"chunks": (1, 1, 30, 30), **options})
    assert np.array_equal(image(tmp_path, "1,2"), values[1, 2])
    assert np.array_equal(image(tmp_path, "0-1,1-2"), values[:, 1:].max(axis=(0, 1)))


@pytest.mark.parametrize("options", VERSION_3.values(), ids=VERSION_3.keys())
def test_arrays_of_version_3_are_read_as_zarr_reads_them(options, tmp_path):
    values = numbers()
    write(tmp_path, values, **{"chunks": (1, 1, 30, 30), **options})
    assert np.array_equal(image(tmp_path, "1,2"), values[1, 2])
    assert np.array_equal(image(tmp_path, "1,0-2"), values[1].max(axis=0))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i2", "u4", "f4", ">f8"])
def test_numbers_of_each_type_are_read_or_need_a_range(dtype, tmp_path):
    values = numbers(dtype)
    write(tmp_path / "2", values, zarr_format=2, chunks=(1, 1, 40, 52))
    write(tmp_path / "3", values.astype(values.dtype.newbyteorder("=")), chunks=(1, 1, 40, 52))
    for version in "23":
        if dtype in ("u1", ">u2"):
            assert np.array_equal(image(tmp_path / version, "1,2"), values[1, 2])
        else:
            with pytest.raises(ImageError, match="give range=LOW,HIGH in its URL"):
                image(tmp_path / version, "1,2")
        found = image(tmp_path / version, "1,2", range="0,131.07")
        expected = np.minimum(np.rint(values[1, 2] * 500.0), 65535)
        assert np.array_equal(found, expected)


def test_the_sites_of_jump_lite_are_read_with_their_jpeg_xl(tmp_path):
    values = numbers("u2", (5, 64, 48))
    numcodecs.register_codec(Jpegxl)
    write(tmp_path, values, zarr_format=2, chunks=values.shape, compressors=Jpegxl(lossless=True))
    assert (
        json.loads((tmp_path / ".zarray").read_text())["compressor"]["id"] == "imagecodecs_jpegxl"
    )
    for channel in range(5):
        assert np.array_equal(image(tmp_path, str(channel)), values[channel])
    assert np.array_equal(image(tmp_path, "1-3"), values[1:4].max(axis=0))
    white = np.full((5, 64, 48), 65535, "u2")
    (tmp_path / "0.0.0").write_bytes(imagecodecs.jpegxl_encode(white, lossless=True))
    assert image(tmp_path, "4").min() == 65535
    (tmp_path / "0.0.0").write_bytes(imagecodecs.jpegxl_encode(values[:3], lossless=True))
    with pytest.raises(ImageError, match="cannot be decoded: invalid out"):
        image(tmp_path, "4")  # of three frames
    other = imagecodecs.jpegxl_encode(np.zeros((5, 64, 4800), "u2"), lossless=True)
    (tmp_path / "0.0.0").write_bytes(other)
    with pytest.raises(ImageError, match="cannot be decoded: invalid out"):
        image(tmp_path, "0")


def test_the_channels_of_one_chunk_fetch_it_once_and_a_broken_one_again(tmp_path):
    values = numbers("u2", (5, 64, 48))
    write(tmp_path / "site", values, chunks=values.shape)
    with RangeServer(tmp_path) as server:
        reader = ImageReader(ObjectReader())
        url = f"{server.address}/site"
        for channel in range(5):
            assert np.array_equal(image(url, str(channel), reader), values[channel])
        assert [path for path, _ in server.requests] == ["site/zarr.json", "site/c/0/0/0"]
        image(url, "3", reader)
        assert [path for path, _ in server.requests[2:]] == ["site/zarr.json", "site/c/0/0/0"]


def test_only_the_chunks_of_the_wanted_plane_are_fetched(tmp_path):
    values = numbers("u2", (4, 200, 200))
    levels = {"0": (1, 100, 100), "1": (1, 50, 50)}
    for level, chunks in levels.items():
        step = 2 ** int(level)
        write(
            tmp_path / "image.zarr" / level,
            values[:, ::step, ::step],
            zarr_format=2,
            chunks=chunks,
            compressors=None,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
    write(tmp_path / "shards", values, chunks=(1, 50, 50), shards=(4, 200, 200), compressors=None)
    with RangeServer(tmp_path) as server:
        url = f"{server.address}/image.zarr"
        assert np.array_equal(image(url, "2", array="1"), values[2, ::2, ::2])
        assert {path for path, _ in server.requests if "zarray" not in path} == {
            "image.zarr/1/zarr.json",
            *(f"image.zarr/1/2/{row}/{column}" for row in (0, 1) for column in (0, 1)),
        }
        server.clear()
        assert np.array_equal(image(f"{server.address}/shards", "3"), values[3])
        assert server.sent < 1.1 * values[3].nbytes + 4000
    with RangeServer(tmp_path, ranges=False) as server:
        assert np.array_equal(image(f"{server.address}/shards", "3"), values[3])


def test_a_lacking_chunk_is_the_fill_value_and_a_plane_without_chunks_is_missing(tmp_path):
    values = numbers("u2", (3, 40, 40))
    for version in (2, 3):
        folder = tmp_path / str(version)
        write(folder, values, zarr_format=version, chunks=(1, 20, 20), fill_value=7)
        names = ("1.0.1", "2.{}.{}") if version == 2 else ("c/1/0/1", "c/2/{}/{}")
        (folder / names[0]).unlink()
        expected = values[1].copy()
        expected[:20, 20:] = 7
        assert np.array_equal(image(folder, "1"), expected)
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            (folder / names[1].format(row, column)).unlink()
        with pytest.raises(FileNotFoundError, match="none of the chunks of this plane"):
            image(folder, "2")
    write(tmp_path / "empty", values * 0, chunks=(1, 20, 20), shards=(3, 40, 40))
    with pytest.raises(FileNotFoundError, match="none of the chunks"):
        image(tmp_path / "empty", "0")
    with pytest.raises(FileNotFoundError, match="no Zarr array"):
        image(tmp_path / "nothing", "0")


def test_nan_is_the_fill_value_of_floats(tmp_path):
    write(tmp_path, numbers("f4", (40, 40)), chunks=(20, 20), fill_value="NaN")
    (tmp_path / "c/0/0").unlink()
    found = image(tmp_path, range="0,200")
    assert not found[:20, :20].any()
    assert found[20:, 20:].any()


GOOD_2 = {
    "zarr_format": 2, "shape": [2, 8, 8], "chunks": [1, 8, 8], "dtype": "<u2", "fill_value": 0,
    "order": "C", "filters": None, "compressor": None,
}  # fmt: skip
GOOD_3 = {
    "zarr_format": 3, "node_type": "array", "shape": [2, 8, 8], "data_type": "uint16",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 8, 8]}},
    "chunk_key_encoding": {"name": "default"}, "fill_value": 0, "codecs": ["bytes"],
}  # fmt: skip
SHARDED = {
    "chunk_shape": [1, 8, 8], "codecs": ["bytes"], "index_codecs": ["bytes", "crc32c"],
}  # fmt: skip


def sharded(**changes):
    return {"codecs": [{"name": "sharding_indexed", "configuration": SHARDED | changes}]}


WRONG_2 = [
    ({"zarr_format": 3}, "zarr_format is 3, not 2"),
    ({"shape": [2, 10**7, 10**7]}, "a plane of 10000000 x 10000000 pixels"),
    ({"shape": [2, 2**70, 8]}, "shape is"),
    ({"shape": [2, 0, 8]}, "not one grey plane: 8 x 0"),
    ({"shape": [2, -8, 8]}, "shape is"),
    ({"shape": ["2", 8, 8]}, "shape is"),
    ({"shape": [True, 8, 8]}, "shape is"),
    ({"shape": [8]}, "an array of 1 axes"),
    ({"shape": [1] * 40}, "shape is"),
    ({"shape": None}, "shape is None"),
    ({"chunks": [1, 8]}, "an array of 3 axes with chunks of 2"),
    ({"chunks": [1, 0, 8]}, "chunks of 1 x 0 x 8"),
    ({"chunks": [1, 2**20, 2**20]}, "chunks of 1 x 1048576 x 1048576"),
    ({"shape": [2, 8000, 8000], "chunks": [1, 8, 8]}, "1000000 chunks for one image"),
    ({"dtype": "<f2"}, "not 8 or 16 bit unsigned: float16"),
    ({"dtype": "|b1"}, "not 8 or 16 bit unsigned: '|b1'"),
    ({"dtype": "<M8[ns]"}, "not 8 or 16 bit unsigned"),
    ({"dtype": [["a", "<u2"]]}, "not 8 or 16 bit unsigned"),
    ({"dtype": "object0"}, "not 8 or 16 bit unsigned"),
    ({"dtype": "<u8"}, "not 8 or 16 bit unsigned: uint64"),
    ({"order": "K"}, "its order is 'K'"),
    ({"compressor": {"id": "lzma"}}, "codec 'lzma' is not read; .*blosc, .*zstd"),
    ({"compressor": {"id": 5}}, "the id of the compressor is 5"),
    ({"compressor": "zlib"}, "its compressor is 'zlib'"),
    ({"filters": [{"id": "delta", "dtype": "<u2"}]}, "filters 'delta' are not read"),
    ({"dimension_separator": "\\"}, "dimension_separator"),
    ({"fill_value": "x"}, "fill_value is 'x'"),
    ({"fill_value": -1}, "fill_value is -1"),
    ({"fill_value": [0]}, "fill_value"),
]
WRONG_3 = [
    ({"node_type": "group"}, "it is a 'group', not an array"),
    ({"data_type": "bfloat16"}, "not 8 or 16 bit unsigned: 'bfloat16'"),
    ({"data_type": "float16"}, "not 8 or 16 bit unsigned: float16"),
    ({"data_type": {"name": "r16"}}, "not 8 or 16 bit unsigned"),
    ({"chunk_grid": "rectilinear"}, "chunk_grid is 'rectilinear'"),
    ({"chunk_grid": 7}, "its chunk_grid is 7"),
    ({"chunk_key_encoding": {"name": "hash"}}, "chunk_key_encoding is 'hash'"),
    ({"chunk_key_encoding": {"name": "v2", "configuration": {"separator": "../"}}}, "separator"),
    ({"codecs": []}, "its codecs lack bytes"),
    ({"codecs": ["gzip"]}, "codec 'gzip' is not read before bytes"),
    ({"codecs": ["bytes", "pcodec"]}, "codec 'pcodec' is not read; "),
    ({"codecs": "bytes"}, "its codecs is 'bytes'"),
    ({"codecs": [{"name": "transpose", "configuration": {"order": [0, 0, 1]}}, "bytes"]}, "order"),
    ({"codecs": [{"name": "bytes", "configuration": {"endian": "x"}}]}, "endian"),
    ({"storage_transformers": [{"name": "x"}]}, "storage_transformers"),
    ({"fill_value": "0x7fc00000"}, "fill_value"),
    (sharded(chunk_shape=[1, 3, 3]), "are not made of chunks"),
    (sharded(chunk_shape=[0, 8, 8]), "are not made of chunks"),
    (sharded(index_codecs=["bytes", "gzip"]), "index_codecs 'bytes', 'gzip' are not read"),
    (sharded(index_location="middle"), "index_location"),
    (sharded(codecs=[{"name": "sharding_indexed", "configuration": SHARDED}]), "is not read"),
]


@pytest.mark.parametrize(("change", "reason"), WRONG_2)
def test_wrong_metadata_of_version_2_are_refused_with_a_reason(change, reason, tmp_path):
    (tmp_path / ".zarray").write_text(json.dumps(GOOD_2 | change))
    with pytest.raises(ImageError, match=reason):
        image(tmp_path, "0")


@pytest.mark.parametrize(("change", "reason"), WRONG_3)
def test_wrong_metadata_of_version_3_are_refused_with_a_reason(change, reason, tmp_path):
    (tmp_path / "zarr.json").write_text(json.dumps(GOOD_3 | change))
    with pytest.raises(ImageError, match=reason):
        image(tmp_path, "0")


@pytest.mark.parametrize(
    "document", ["", "[]", "7", "{" * 5000, "[" * 100_000, '{"zarr_format": ' + "9" * 5000 + "}",
                 "\x00\xff", "null", " " * (2**20 + 1)],
)  # fmt: skip
def test_metadata_that_are_no_object_are_refused(document, tmp_path):
    for name in ("zarr.json", ".zarray"):
        (tmp_path / name).write_text(document)
        with pytest.raises(ImageError):
            image(tmp_path, "0")
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    ("codec", "make_chunk"),
    [
        ({"id": "zlib"}, lambda: imagecodecs.zlib_encode(bytes(10**7))),
        ({"id": "gzip"}, lambda: imagecodecs.gzip_encode(bytes(10**7))),
        ({"id": "zstd"}, lambda: imagecodecs.zstd_encode(bytes(10**7))),
        ({"id": "bz2"}, lambda: imagecodecs.bz2_encode(bytes(10**7))),
        ({"id": "blosc"}, lambda: imagecodecs.blosc_encode(bytes(10**7))),
        ({"id": "lz4"}, lambda: b"\xff\xff\xff\x7f" + imagecodecs.lz4_encode(bytes(10**7))),
        (
            {"id": "imagecodecs_jpegxl"},
            lambda: imagecodecs.jpegxl_encode(np.zeros((3000, 3000), "u2")),
        ),
        ({"id": "zstd"}, lambda: b"no zstd"),
        (None, lambda: bytes(127)),
        (None, lambda: bytes(129)),
        (None, lambda: bytes(10**6)),
        (None, lambda: b""),
    ],
)
def test_a_chunk_that_is_not_what_was_promised_is_refused(codec, make_chunk, tmp_path):
    (tmp_path / ".zarray").write_text(json.dumps(GOOD_2 | {"compressor": codec}))
    (tmp_path / "0.0.0").write_bytes(make_chunk())
    with pytest.raises(ImageError, match=r"a chunk|more than"):
        image(tmp_path, "0")


@pytest.mark.parametrize(
    ("offset", "count"),
    [(0, 2**63), (2**63, 128), (0, 0), (10**6, 128), (0, 127), (2**64 - 1, 128)],
)
def test_a_shard_with_a_wrong_index_is_refused(offset, count, tmp_path):
    (tmp_path / "zarr.json").write_text(json.dumps(GOOD_3 | sharded(index_codecs=["bytes"])))
    (tmp_path / "c/0/0").mkdir(parents=True)
    index = np.array([offset, count], "<u8").tobytes()
    (tmp_path / "c/0/0/0").write_bytes(bytes(128) + index)
    with pytest.raises(ImageError):
        image(tmp_path, "0")


def test_an_index_of_a_shard_that_was_damaged_is_fetched_again(tmp_path):
    values = numbers("u2", (2, 40, 40))
    write(tmp_path / "shards", values, chunks=(1, 20, 20), shards=(2, 40, 40))
    with RangeServer(tmp_path) as server:
        server.fault = lambda path, number, data: (
            data if number > 1 or path.endswith("json") else bytes(len(data))
        )
        assert np.array_equal(image(f"{server.address}/shards", "1"), values[1])


@pytest.mark.parametrize(
    ("place", "error", "reason"),
    [
        ({"index": "2"}, FileNotFoundError, "no plane 2 of 2 along axis 0"),
        ({"index": "0-5"}, FileNotFoundError, "no plane 5 of 2"),
        ({"index": ""}, ImageError, "needs an index of 1 numbers, not 0"),
        ({"index": "0,0"}, ImageError, "needs an index of 1 numbers, not 2"),
        ({"index": "-1"}, QueryError, "index '-1' is not a number"),
        ({"index": "1-0"}, QueryError, "index '1-0' is not a number"),
        ({"index": "0," * 40}, QueryError, "give at most 14"),
        ({"index": "0-99,0-99"}, QueryError, "is 10000 planes"),
        ({"index": "0", "array": "../up"}, QueryError, "a part that is empty, . or .."),
        ({"index": "0", "array": "a//b"}, QueryError, "a part that is empty, . or .."),
        ({"index": "0", "array": "0"}, FileNotFoundError, "no Zarr array"),
    ],
)
def test_a_wrong_index_or_array_is_named(place, error, reason, tmp_path):
    (tmp_path / ".zarray").write_text(json.dumps(GOOD_2))
    (tmp_path / "0.0.0").write_bytes(bytes(128))
    with pytest.raises(error, match=reason):
        image(tmp_path, **place)


def test_nothing_is_fetched_where_there_is_no_memory(tmp_path):
    write(tmp_path / "site", numbers(), chunks=(1, 1, 40, 52))
    with RangeServer(tmp_path) as server:
        url = f"{server.address}/site#array=&index=0,0"
        assert ImageReader(ObjectReader()).read_if(url, lambda size: size < 5000) is None
        assert [path for path, _ in server.requests] == ["site/zarr.json"]


@pytest.mark.real
def test_the_channels_of_the_real_sites_have_their_means():
    root = DATA / "images" / "jump_rab30_mini" / "images.zarr"
    means = [
        [4039.3, 2140.3, 4143.7, 3056.6, 5006.5],
        [326.6, 184.1, 805.9, 2095.3, 1196.4],
    ]
    reader = ImageReader(ObjectReader())
    found = [
        [image(root, f"{site},{channel}", reader, array="images").mean() for channel in range(5)]
        for site in range(2)
    ]
    assert np.allclose(found, means, atol=0.05)
