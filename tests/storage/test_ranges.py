import os
import random

import pytest

from jumpduck.errors import ImageError, StoreError
from jumpduck.storage.object_reader import ChangedError, ObjectReader
from jumpduck.storage.repeated_requests import NoRangesError
from tests.support.range_server import RangeServer
from tests.support.s3_server import S3Server

DATA = random.Random(0).randbytes(300_000)


@pytest.fixture(scope="module")
def s3():
    with S3Server() as server:
        server.put("bucket", "a/file", DATA)
        yield server


@pytest.fixture
def web(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_bytes(DATA)
    (tmp_path / "empty").touch()
    with RangeServer(tmp_path) as server:
        yield server


@pytest.fixture
def reader():
    return ObjectReader(first_retry_seconds=0.001)


@pytest.fixture(params=["s3", "http", "local"])
def place(request, tmp_path, s3, web):
    """A reader and the URL of a file, by each way to read it."""
    urls = {"s3": "s3://bucket/a/file", "http": f"{web.address}/a/file"}
    reader = ObjectReader(s3.endpoint if request.param == "s3" else None)
    return reader, urls.get(request.param, str(tmp_path / "a/file"))


def test_a_part_of_a_file_is_read(place):
    reader, url = place
    for start, length in ((0, 10), (1000, 2**16), (299_990, 10)):
        part = reader.read_range(url, start, length)
        assert bytes(part.data) == DATA[start : start + length]
        assert part.size == len(DATA)


def test_a_part_from_the_end_of_a_file_is_read(place):
    reader, url = place
    assert bytes(reader.read_range(url, -100, 100).data) == DATA[-100:]
    assert bytes(reader.read_range(url, -(10**6), 10**6).data) == DATA


def test_a_part_that_goes_beyond_the_end_is_shorter_and_one_after_it_is_an_error(place):
    reader, url = place
    assert bytes(reader.read_range(url, 299_000, 5000).data) == DATA[299_000:]
    with pytest.raises(ImageError, match="ends before"):
        reader.read_range(url, 300_000, 1)


def test_the_bytes_of_a_part_are_announced_before_they_come(place):
    reader, url = place
    sizes = []
    assert reader.read_range(url, 5, 100, lambda size: bool(sizes.append(size))) is None
    assert sizes == [100]


def test_a_file_that_is_missing_or_empty_has_no_parts(web, reader, tmp_path):
    for root in (web.address, str(tmp_path)):
        with pytest.raises(FileNotFoundError, match="nothing"):
            reader.read_range(f"{root}/nothing", 0, 1)
        with pytest.raises(ImageError, match="ends before"):
            reader.read_range(f"{root}/empty", 0, 1)


def test_only_the_part_is_sent(web, reader):
    reader.read_range(f"{web.address}/a/file", 1000, 50)
    assert web.sent == 50


def test_a_part_that_breaks_off_is_asked_for_again(web, reader):
    web.fault = lambda path, number, data: data[:10] if number < 3 else data
    part = reader.read_range(f"{web.address}/a/file", 1000, 50_000)
    assert (bytes(part.data), part.attempts) == (DATA[1000:51_000], 3)


def test_a_part_with_wrong_bytes_is_asked_for_again_up_to_the_last_attempt(web, reader):
    url = f"{web.address}/a/file"
    web.fault = lambda path, number, data: bytes([number]) * 50 if number < 3 else data

    def reject(data):
        return f"only {data[0]}" if set(data) == {data[0]} else None

    assert reader.read_range(url, 5, 50, reject=reject).attempts == 3
    web.fault = lambda path, number, data: bytes([number]) * 50
    with pytest.raises(ImageError, match=r"only 8 \(5 attempts\)") as found:
        reader.read_range(url, 5, 50, reject=reject)
    assert found.value.attempts == 5


def test_wrong_bytes_that_come_twice_are_not_asked_for_again(web, reader):
    web.fault = lambda path, number, data: bytes(50)
    with pytest.raises(ImageError, match=r"only zeros \(2 attempts\)"):
        reader.read_range(f"{web.address}/a/file", 5, 50, reject=lambda _: "only zeros")


def test_a_file_that_is_replaced_between_two_parts_is_noticed(place, web, tmp_path, s3):
    reader, url = place
    first = reader.read_range(url, 0, 10)
    assert reader.read_range(url, 10, 10, same=first.state)
    if url.startswith("s3:"):
        s3.put("bucket", "a/file", DATA[::-1])
    else:
        (tmp_path / "a/file").write_bytes(DATA[::-1])
        os.utime(tmp_path / "a/file", ns=(5, 5))
    with pytest.raises(ChangedError, match="was replaced"):
        reader.read_range(url, 10, 10, same=first.state)
    if url.startswith("s3:"):
        s3.put("bucket", "a/file", DATA)


def test_a_file_without_an_etag_is_told_from_another_by_its_time(web, reader):
    url = f"{web.address}/a/file"
    web.headers = {"ETag": None, "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    first = reader.read_range(url, 0, 10)
    assert reader.read_range(url, 10, 10, same=first.state).etag is None
    web.headers["Last-Modified"] = "Mon, 01 Jan 2024 00:00:01 GMT"
    with pytest.raises(ChangedError, match="was replaced"):
        reader.read_range(url, 10, 10, same=first.state)


def test_servers_of_one_address_may_differ_in_the_time_of_a_file_with_an_etag(web, reader):
    url = f"{web.address}/a/file"
    web.headers = {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    first = reader.read_range(url, 0, 10)
    web.headers = {"Last-Modified": "Mon, 01 Jan 2024 00:00:01 GMT"}
    assert reader.read_range(url, 10, 10, same=first.state)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Last-Modified", "Mon, 02 Jan 2024 00:00:00 GMT", "header that cannot be read"),
        ("ETag", "\xe9", "header that cannot be read"),
        ("Content-Range", "nothing", "Content-Range that cannot be read"),
        ("Content-Range", None, "does not say which part"),
        ("Content-Range", "bytes 500-549/300000", "another part"),
        ("Content-Length", "many", "not one of HTTP"),
    ],
)
def test_an_answer_with_a_wrong_header_is_an_error_of_its_file_and_no_outage(
    name, value, reason, web, reader
):
    url = f"{web.address}/a/file"
    reader.read_range(url, 0, 50)  # after which the server is one that is waited for
    web.headers = {name: value}
    paused = []
    reader.outage.on_change = lambda since: (paused.append(since), reader.stop())
    with pytest.raises(StoreError, match=reason):
        reader.read_range(url, 0, 50)
    assert paused == []


def test_a_server_without_ranges_is_noticed_before_it_sends_the_file(tmp_path, reader):
    with (tmp_path / "file").open("wb") as file:
        file.truncate(100 * 2**20)
    with RangeServer(tmp_path, ranges=False) as server:
        for ask in (
            lambda url: reader.read_range(url, 0, 10),
            lambda url: reader.read_range(url, -10, 10),
        ):
            with pytest.raises(NoRangesError, match="whole files only"):
                ask(f"{server.address}/file")
        assert len(server.requests) == 2
        assert server.sent < 20 * 2**20, "what fits into the buffers of the system"


def test_a_file_of_any_size_is_written_to_the_disk(web, reader, tmp_path):
    web.fault = lambda path, number, data: data[:1000] if number < 3 else data
    reader.save(f"{web.address}/a/file", tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == DATA
    assert len(web.requests) == 3


def test_an_error_of_the_disk_is_not_taken_for_one_of_the_server(web, reader, tmp_path):
    with pytest.raises(FileNotFoundError, match="not-there"):
        reader.save(f"{web.address}/a/file", tmp_path / "not-there/saved")
    assert len(web.requests) == 1


def test_bytes_that_are_saved_count_for_the_megabits_a_second(web, tmp_path, monkeypatch):
    from jumpduck.storage.rate_limit import RateLimit

    brought = []
    limit = RateLimit(max_mbps=1e6)
    monkeypatch.setattr(limit, "brought", lambda size, **_: brought.append(size))
    ObjectReader(rate_limit=limit).save(f"{web.address}/a/file", tmp_path / "saved")
    assert sum(brought) == len(DATA)


def test_a_version_of_an_object_is_read(s3):
    reader = ObjectReader(s3.endpoint)
    store = s3._store
    if "versioned" not in store.buckets:
        s3.put("versioned", "key", b"none")
        store.put_bucket_versioning("versioned", "Enabled")
    s3.put("versioned", "key", b"first")
    version = store.get_object("versioned", "key").version_id
    s3.put("versioned", "key", b"second")
    assert bytes(reader.read("s3://versioned/key").data) == b"second"
    whole = reader.read_if("s3://versioned/key", lambda _: True, version=version)
    assert bytes(whole.data) == b"first"
    assert bytes(reader.read_range("s3://versioned/key", 1, 2, version=version).data) == b"ir"
    with pytest.raises((FileNotFoundError, StoreError)):
        reader.read_if("s3://versioned/key", lambda _: True, version="nothing")
