import io
import os
import random
import struct
import threading
import time
import tracemalloc
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from jumpduck.containers import zip_members
from jumpduck.containers.image_reader import ImageReader
from jumpduck.containers.places import join_place
from jumpduck.errors import ImageError, JumpduckError, StoreError
from jumpduck.storage.object_reader import ObjectReader
from tests.support.mutations import mutations
from tests.support.range_server import RangeServer

PIXELS = random.Random(0)
IMAGES = {
    "plate/A01 s1.tif": PIXELS.randbytes(70_000),
    "plate/März#1&2%.tif": bytes(1000) + PIXELS.randbytes(500),
    "plate/B02.tif": PIXELS.randbytes(30_000) * 2,
}


def zipped(images=IMAGES, method=zipfile.ZIP_STORED, *, force_zip64=False, comment=b""):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for name, data in images.items():
            with opened.open(zipfile.ZipInfo(name), "w", force_zip64=force_zip64) as member:
                member.write(data)
        opened.comment = comment
    return file.getvalue()


def deflated(images=IMAGES):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in images.items():
            opened.writestr(name, data)
    return file.getvalue()


@pytest.fixture
def web(tmp_path):
    with RangeServer(tmp_path) as server:
        yield server


@pytest.fixture
def reader():
    return ImageReader(ObjectReader(first_retry_seconds=0.001))


def read(reader, address, name):
    return reader.read_if(join_place(address, {"member": name}), lambda _: True)


def patched(data, old, new, *, count=-1):
    assert old in data
    return data.replace(old, new, count)


def header_of(data, name, at=0):
    """Where the name of a member begins in its header, or (at=1) in the directory."""
    places = [i for i in range(len(data)) if data.startswith(name.encode(), i)]
    return places[at]


@pytest.mark.parametrize(
    "method", ["stored", "deflate", "zip64", "comment", "before", "descriptor"]
)
@pytest.mark.parametrize("where", ["http", "local"])
def test_members_of_any_usual_zip_are_read(method, where, web, tmp_path, reader):
    made = {
        "stored": zipped,
        "deflate": deflated,
        "zip64": lambda: zipped(force_zip64=True),
        "comment": lambda: zipped(comment=b"c" * 60_000),
        "before": lambda: b"#!/bin/sh\n" * 50 + zipped(),
        "descriptor": streamed,
    }[method]()
    (tmp_path / "a#1.zip").write_bytes(made)
    root = web.address if where == "http" else str(tmp_path)
    for name, data in IMAGES.items():
        file = read(reader, f"{root}/a#1.zip", name)
        assert bytes(file.data) == data
        assert file.attempts == 1


def streamed():
    """A zip whose local headers do not know the sizes."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            super().__init__()
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in IMAGES.items():
            opened.writestr(name, data)
    return bytes(pipe.data)


def test_the_directory_is_read_once_and_each_member_with_one_request(web, tmp_path, reader):
    images = {f"{n:05}.tif": bytes([n % 256]) * 400 for n in range(3000)}
    (tmp_path / "a.zip").write_bytes(zipped(images))
    url = f"{web.address}/a.zip"
    barrier = threading.Barrier(8)

    def first(name):
        barrier.wait()
        return read(reader, url, name)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(first, list(images)[:8]))
    assert len(web.requests) == 2 + 8, "the end of the zip, the rest of the directory, 8 members"
    sent = web.sent
    assert bytes(read(reader, url, "02999.tif").data) == images["02999.tif"]
    assert len(web.requests) == 11
    assert web.sent - sent < 400 + 150


def test_a_header_that_is_longer_than_the_directory_says_takes_a_second_request(
    web, tmp_path, reader
):
    (tmp_path / "a.zip").write_bytes(long_header(1000))
    assert bytes(read(reader, f"{web.address}/a.zip", "a.tif").data) == IMAGES["plate/A01 s1.tif"]
    assert len(web.requests) == 3
    (tmp_path / "b.zip").write_bytes(long_header(60_000, packed=100))
    with pytest.raises(ImageError, match="beyond the end"):
        read(reader, f"{web.address}/b.zip", "a.tif")


def long_header(extra_bytes, packed=None):
    """A zip of one member, whose header has a field that the directory does not name."""
    data = IMAGES["plate/A01 s1.tif"]
    body = data if packed is None else data[:packed]
    crc, name = zlib.crc32(data if packed is None else body), b"a.tif"
    sizes = struct.pack("<III", crc, len(body), len(body))
    local = struct.pack("<4sHHHHH", b"PK\3\4", 20, 0, 0, 0, 0) + sizes
    local += struct.pack("<HH", len(name), extra_bytes) + name
    local += (bytes(extra_bytes) if packed is None else b"") + body
    entry = struct.pack("<4sHHHHHH", b"PK\1\2", 20, 20, 0, 0, 0, 0) + sizes
    entry += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + end


def test_a_member_that_is_not_there_is_missing_and_named(web, tmp_path, reader):
    (tmp_path / "a.zip").write_bytes(zipped())
    with pytest.raises(FileNotFoundError, match=r"a\.zip#member=nothing\.tif: .*no such member"):
        read(reader, f"{web.address}/a.zip", "nothing.tif")
    with pytest.raises(FileNotFoundError, match=r"b\.zip#member=nothing\.tif"):
        read(reader, f"{web.address}/b.zip", "nothing.tif")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: with_numbers(flags=1), "encrypted"),
        (lambda: with_numbers(flags=0x2000), "encrypted"),
        (lambda: with_numbers(method=9), "packed by deflate64"),
        (lambda: with_numbers(method=12), "packed by bzip2"),
        (lambda: with_numbers(method=77), "packed by method 77"),
        (lambda: with_numbers(size=2**31), "at most 268435456"),
        (lambda: with_numbers(size=200_000_000), "70000 bytes become 200000000"),
        (lambda: with_numbers(packed=70_001), "70001 bytes, not the"),
        (lambda: with_numbers(packed=10**8), "outside of the zip"),
        (lambda: with_numbers(offset=10**8), "outside of the zip"),
        (lambda: with_numbers(offset=4), "header is not the one"),
        (lambda: with_numbers(crc=5), "CRC32 is [0-9a-f]{8}, and the zip says 00000005"),
        (lambda: with_numbers(method=8), "cannot be unpacked"),
        (lambda: patched(zipped(), b"PK\3\4", b"PK\3\5"), "header is not the one"),
        (lambda: zipped()[:-1000], "not a zip"),
        (lambda: zipped()[:50_000], "not a zip"),
        (lambda: b"not a zip" * 100, "not a zip"),
        (lambda: b"", "ends before"),
    ],
)
def test_a_zip_or_member_that_cannot_be_read_says_why(made, reason, web, tmp_path, reader):
    (tmp_path / "a.zip").write_bytes(made())
    for root in (web.address, str(tmp_path)):
        with pytest.raises(ImageError, match=reason) as found:
            read(reader, f"{root}/a.zip", "plate/A01 s1.tif")
        assert f"{root}/a.zip#member=plate/A01%20s1.tif" in str(found.value)


def with_numbers(*, flags=0, method=0, crc=None, packed=None, size=None, offset=None):
    """A zip whose directory says something else of the first member."""
    data = bytearray(zipped())
    at = header_of(data, "plate/A01 s1.tif", 1) - 46
    for place, form, value in (
        (8, "<H", flags), (10, "<H", method), (16, "<I", crc), (20, "<I", packed),
        (24, "<I", size), (42, "<I", offset),
    ):  # fmt: skip
        if value is not None:
            struct.pack_into(form, data, at + place, value)
    if method:  # because the header has the same
        struct.pack_into("<H", data, 8, method)
    return bytes(data)


def test_two_members_of_one_name_are_refused(web, tmp_path, reader):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("a.tif", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            opened.writestr("a.tif", b"two")
        opened.writestr("b.tif", b"three")
    (tmp_path / "a.zip").write_bytes(file.getvalue())
    with pytest.raises(ImageError, match="several members"):
        read(reader, f"{web.address}/a.zip", "a.tif")
    assert bytes(read(reader, f"{web.address}/a.zip", "b.tif").data) == b"three"


def test_a_bomb_takes_no_more_memory_than_its_announced_size(tmp_path, reader):
    bomb = deflated({"a.tif": bytes(60 * 2**20)})
    (tmp_path / "a.zip").write_bytes(bomb)
    sizes = []
    url = f"{tmp_path}/a.zip#member=a.tif"
    assert reader.read_if(url, lambda size: bool(sizes.append(size))) is None
    assert sizes[0] > 60 * 2**20, "the size was announced before anything was unpacked"
    lying = bytearray(bomb)
    at = header_of(lying, "a.tif", 1) - 46
    struct.pack_into("<I", lying, at + 24, 100_000)
    (tmp_path / "a.zip").write_bytes(lying)
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match="does not fit into 100000 bytes"):
            ImageReader(ObjectReader()).read_if(url, lambda _: True)
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


def test_the_bytes_of_a_member_are_announced_before_they_come(web, tmp_path, reader):
    (tmp_path / "a.zip").write_bytes(deflated())
    read(reader, f"{web.address}/a.zip", "plate/A01 s1.tif")
    web.clear()
    sizes = []
    url = f"{web.address}/a.zip#member=plate/B02.tif"
    assert reader.read_if(url, lambda size: bool(sizes.append(size))) is None
    assert 60_000 < sizes[0] < 125_000
    assert len(web.requests) == 1


def test_wrong_bytes_are_asked_for_again(web, tmp_path, reader):
    (tmp_path / "a.zip").write_bytes(zipped())
    url = f"{web.address}/a.zip"
    web.fault = lambda path, n, data: data[:500] + bytes(9) + data[509:] if n == 2 else data
    file = read(reader, url, "plate/A01 s1.tif")
    assert (bytes(file.data), file.attempts) == (IMAGES["plate/A01 s1.tif"], 2)
    web.fault = lambda path, n, data: data[:200] + bytes([n]) + data[201:]
    with pytest.raises(ImageError, match=r"CRC32 .*\(5 attempts\)") as found:
        read(reader, url, "plate/A01 s1.tif")
    assert found.value.attempts == 5


@pytest.mark.parametrize("damaged", ["end", "crc", "name"])
def test_a_directory_that_was_damaged_on_the_way_is_read_again(damaged, web, tmp_path, reader):
    whole = zipped()
    (tmp_path / "a.zip").write_bytes(whole)
    at = {
        "end": len(whole) - 20,
        "crc": header_of(whole, "plate/B02.tif", 1) - 30,
        "name": header_of(whole, "plate/B02.tif", 1) + 8,
    }[damaged] - len(whole)

    def fault(path, number, data):
        return data[:at] + b"!" + data[at + 1 :] if number == 1 else data

    web.fault = fault
    file = read(reader, f"{web.address}/a.zip", "plate/B02.tif")
    assert bytes(file.data) == IMAGES["plate/B02.tif"]


def test_a_directory_that_came_twice_is_not_read_again_for_each_broken_member(
    web, tmp_path, reader
):
    (tmp_path / "a.zip").write_bytes(with_numbers(flags=1))
    for _ in range(5):
        with pytest.raises(ImageError, match="encrypted"):
            read(reader, f"{web.address}/a.zip", "plate/A01 s1.tif")
    assert len(web.requests) <= 4


def test_a_zip_that_is_replaced_is_read_anew(web, tmp_path, reader):
    for root in (web.address, str(tmp_path)):
        (tmp_path / "a.zip").write_bytes(zipped())
        assert bytes(read(reader, f"{root}/a.zip", "plate/B02.tif").data)
        (tmp_path / "a.zip").write_bytes(zipped({"x": b"y" * 99, "plate/B02.tif": b"new"}))
        os.utime(tmp_path / "a.zip", ns=(5, 5))
        assert bytes(read(reader, f"{root}/a.zip", "plate/B02.tif").data) == b"new"


def test_a_zip_that_changes_all_the_time_is_an_error(web, tmp_path, reader):
    (tmp_path / "a.zip").write_bytes(zipped())

    def change(path, number, data):
        os.utime(tmp_path / "a.zip", ns=(number, number))
        return data

    web.fault = change
    with pytest.raises(StoreError, match="was replaced while it was read"):
        read(reader, f"{web.address}/a.zip", "plate/B02.tif")


def test_a_directory_of_unlikely_size_is_not_read(web, tmp_path, reader, monkeypatch):
    monkeypatch.setattr(zip_members, "MAX_DIRECTORY_BYTES", 100_000)
    monkeypatch.setattr(zip_members, "TAIL_BYTES", 1000)
    (tmp_path / "a.zip").write_bytes(zipped({f"{n}.tif": b"" for n in range(2000)}))
    with pytest.raises(ImageError, match="directory has"):
        read(reader, f"{web.address}/a.zip", "1.tif")
    assert web.sent < 3000


def test_a_zip_of_too_many_members_is_refused_before_they_are_parsed(
    web, tmp_path, reader, monkeypatch
):
    (tmp_path / "a.zip").write_bytes(zipped({f"{n}.tif": b"" for n in range(2000)}))
    monkeypatch.setattr(zip_members, "MAX_MEMBERS", 2000)
    assert bytes(read(reader, f"{web.address}/a.zip", "1.tif").data) == b""
    monkeypatch.setattr(zip_members, "MAX_MEMBERS", 1999)
    with pytest.raises(ImageError, match="has more than 1999 members"):
        read(ImageReader(ObjectReader()), f"{web.address}/a.zip", "1.tif")


@pytest.mark.slow
def test_a_zip64_of_100_000_members_is_read(tmp_path, reader):
    (tmp_path / "a.zip").write_bytes(zipped({f"{n:080}.tif": b"%d" % n for n in range(100_000)}))
    file = read(reader, f"{tmp_path}/a.zip", f"{99_999:080}.tif")
    assert bytes(file.data) == b"99999"


def test_large_directories_are_read_one_after_the_other(web, tmp_path, reader, monkeypatch):
    monkeypatch.setattr(zip_members, "LARGE_DIRECTORY_BYTES", 20_000)
    monkeypatch.setattr(zip_members, "TAIL_BYTES", 1000)
    names = [f"{n}.zip" for n in range(4)]
    for name in names:
        (tmp_path / name).write_bytes(zipped({f"{n}.tif": b"x" for n in range(1000)}))
    at_work, most = 0, []
    lock = threading.Lock()

    def fault(path, number, data):
        nonlocal at_work
        if len(data) > 20_000:
            with lock:
                at_work += 1
                most.append(at_work)
            time.sleep(0.05)
            with lock:
                at_work -= 1
        return data

    web.fault = fault
    with ThreadPoolExecutor(4) as threads:
        files = threads.map(lambda name: read(reader, f"{web.address}/{name}", "5.tif"), names)
        assert [bytes(file.data) for file in files] == [b"x"] * 4
    assert most == [1] * 4


def test_directories_are_forgotten_when_there_are_many(web, tmp_path, reader, monkeypatch):
    monkeypatch.setattr(zip_members, "MAX_KEPT_MEMBERS", 5)
    for name in ("a", "b", "a"):
        (tmp_path / f"{name}.zip").write_bytes(zipped())
        os.utime(tmp_path / f"{name}.zip", ns=(5, 5))
        read(reader, f"{web.address}/{name}.zip", "plate/B02.tif")
    assert len(web.requests) == 6, "the directory of the first was read again"


def test_a_zip_that_is_broken_at_random_is_bytes_or_an_error_of_our_own(tmp_path):
    file = tmp_path / "a.zip"
    images = {"a.tif": b"pixels" * 20, "b.tif": bytes(3000)}
    reader = ObjectReader()
    for data in mutations(
        [zipped(images), deflated(images), zipped(images, force_zip64=True)], 400
    ):
        file.write_bytes(data)
        for name, pixels in images.items():
            try:
                found = read(ImageReader(reader), str(file), name)
            except (JumpduckError, FileNotFoundError):
                continue
            assert bytes(found.data) == pixels
