"""Samples straight from a bucket: what is fetched, and what is kept on the disk."""

import fcntl
import multiprocessing
import os
import pickle
import threading
from collections import Counter
from contextlib import suppress

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import StoreError
from jumpduck.samples.disk_cache import CHECKSUM_BYTES, DiskCache
from tests.support.fault_proxy import Faults, always


@pytest.fixture
def bucket(s3, manifest, tmp_path):
    """The demo's manifest over a proxy in front of the S3 server, and that proxy."""
    with Faults(s3.endpoint) as front:
        yield manifest, front


def cached(folder):
    """Bytes of each file in a cache."""
    return [file.stat().st_size for file in folder.glob("images/??/*")]


def test_samples_of_a_bucket_are_the_published_images_and_are_fetched_once(bucket, tmp_path):
    manifest, front = bucket
    options = {"endpoint": front.endpoint, "cache": tmp_path, "channels": "DNA,ER"}
    samples = jumpduck.dataset(manifest, **options)
    assert front.asked == Counter(), "nothing is fetched before it is needed"
    first = {one.metadata["index"]: one.image for one in samples.read_all(samples.order(0))}
    asked = Counter(front.asked)
    assert set(asked.values()) == {1}
    again = jumpduck.dataset(manifest, **options)
    for sample in again.read_all(again.order(1)):
        assert np.array_equal(sample.image, first[sample.metadata["index"]])
    # only what could not be had is asked for again
    new = Counter(front.asked) - asked
    assert len(new) == len(samples.skipped) == 1
    assert samples.skipped["status"].to_list() == ["missing"]
    assert "channel ER" in samples.skipped["error"][0]


def test_the_cache_keeps_no_more_than_it_may_whoever_fetches(bucket, tmp_path):
    manifest, front = bucket
    options = {"endpoint": front.endpoint, "cache": tmp_path, "cache_gb": 150_000 / 1e9}
    options["channels"] = "DNA,AGP"
    samples = jumpduck.dataset(manifest, **options)
    most = 0
    ended = threading.Event()

    def look():
        nonlocal most
        while not ended.is_set():
            # under the lock, because files come and go while they are listed
            with suppress(FileNotFoundError), (tmp_path / "images" / "bytes").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                most = max(most, sum(cached(tmp_path)))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        found = sum(1 for _ in samples.read_all(samples.order(0)))
    finally:
        ended.set()
        watch.join()
    assert found == len(samples)
    assert 50_000 < most <= 150_000
    kept = jumpduck.dataset(manifest, **{**options, "cache": tmp_path / "none", "cache_gb": 0})
    kept[3]
    assert cached(tmp_path / "none") == []


def test_a_server_that_answers_with_faults_is_asked_again_or_said(bucket, tmp_path, s3):
    manifest, _ = bucket
    url = pl.read_parquet(manifest).filter(Metadata_Channel="DNA")["url"][7]
    with Faults(s3.endpoint, always("403", url.rpartition("/")[2])) as front:
        samples = jumpduck.dataset(
            manifest, endpoint=front.endpoint, cache=tmp_path, channels="DNA"
        )
        found = list(samples.read_all(samples.order(0)))
    assert len(found) == len(samples) - 1
    (row,) = samples.skipped.rows(named=True)
    assert row["status"] == "failed"
    assert "channel DNA: not allowed to read s3://" in row["error"]


def test_a_broken_image_does_not_stay_in_the_cache(bucket, tmp_path, s3):
    manifest, _ = bucket
    name = pl.read_parquet(manifest).filter(Metadata_Channel="DNA")["url"][7].rpartition("/")[2]
    options = {"cache": tmp_path, "channels": "DNA"}
    broken = [name]

    def rule(path, _):
        return "zero" if path.rpartition("/")[2] in broken else None

    with Faults(s3.endpoint, rule) as front:
        samples = jumpduck.dataset(manifest, endpoint=front.endpoint, **options)
        assert len(list(samples.read_all(samples.order(0)))) == len(samples) - 1
        assert samples.skipped["status"].to_list() == ["corrupt"]
        broken.clear()
        before = Counter(front.asked)
        again = jumpduck.dataset(manifest, endpoint=front.endpoint, **options)
        assert len(list(again.read_all(again.order(0)))) == len(again)
        (path,) = front.asked - before
        assert path.endswith(name)


def _worker(samples, part, results):
    order = samples.order(0, worker=part, workers=2)
    results.put([(one.metadata["index"], one.image.sum()) for one in samples.read_all(order)])


@pytest.mark.slow
def test_two_processes_share_a_cache_that_is_too_small_and_read_each_sample_once(bucket, tmp_path):
    manifest, front = bucket
    samples = jumpduck.dataset(
        manifest, endpoint=front.endpoint, cache=tmp_path, cache_gb=300_000 / 1e9
    )
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    workers = [spawn.Process(target=_worker, args=(samples, part, results)) for part in (0, 1)]
    for worker in workers:
        worker.start()
    found = sorted(results.get() + results.get())
    for worker in workers:
        worker.join()
    assert len(found) == len({index for index, _ in found}) == 49
    assert sum(cached(tmp_path)) <= 300_000
    # rows of both
    assert sorted(samples.skipped["status"]) == ["corrupt", "missing"]
    expected = [(index, samples[index].image.sum()) for index, _ in found[:5]]
    assert found[:5] == expected


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_of_a_process_that_fetched_says_how_to_start_workers(bucket, tmp_path):
    manifest, front = bucket
    samples = jumpduck.dataset(manifest, endpoint=front.endpoint, cache=tmp_path, missing="raise")
    samples[0]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            samples[1]
            said = "nothing"
        except StoreError as error:
            said = str(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert "multiprocessing_context='spawn'" in os.read(reading, 10_000).decode()
    os.close(reading)
    os.close(writing)


def test_a_cache_gives_back_what_it_was_given_and_frees_what_was_used_longest_ago(tmp_path):
    cache = DiskCache(tmp_path, 1000)
    one = 200 - CHECKSUM_BYTES
    for number in range(5):
        cache.put(str(number), bytes([number]) * one)
        os.utime(cache._path(str(number)), (number, number))
    assert cache.get("0") == bytes(one)  # which makes it the newest
    cache.put("5", b"5" * one)
    there = [number for number in range(6) if cache.get(str(number)) is not None]
    assert there == [0, 2, 3, 4, 5]
    assert pickle.loads(pickle.dumps(cache)).get("5") == b"5" * one


def test_a_torn_file_of_a_cache_is_fetched_anew(tmp_path):
    cache = DiskCache(tmp_path, 1000)
    cache.put("a", b"abc" * 10)
    file = cache._path("a")
    for torn in (file.read_bytes()[:-1], b"", b"\0" * 34):
        file.write_bytes(torn)
        assert cache.get("a") is None
    (tmp_path / "bytes").write_bytes(b"no number")
    cache.put("b", b"b")
    assert cache.get("b") == b"b"


def test_a_file_that_is_larger_than_the_cache_is_not_kept(tmp_path):
    cache = DiskCache(tmp_path / "c", 100)
    cache.put("a", bytes(200))
    assert cache.get("a") is None


def test_a_cache_that_cannot_be_written_is_said_once_and_not_used(tmp_path, caplog):
    (tmp_path / "file").write_text("x")
    cache = DiskCache(tmp_path / "file" / "cache", 1000)
    for _ in range(3):
        cache.put("a", b"a")
    assert cache.get("a") is None
    (record,) = caplog.records
    assert "images are fetched anew each time" in record.message


def test_the_cache_removes_no_file_but_its_own(tmp_path):
    for name in ("plate/image.png", ".jumpduck/asked.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(bytes(2000))
    cache = DiskCache(tmp_path, 1000)
    for number in range(5):
        cache.put(str(number), bytes(400))
    assert cache.get("4") == bytes(400)
    assert (tmp_path / "plate" / "image.png").exists()
    assert (tmp_path / ".jumpduck" / "asked.json").exists()


def test_images_of_another_server_are_not_taken_from_the_cache(bucket, s3, tmp_path):
    manifest, front = bucket
    options = {"cache": tmp_path, "channels": "DNA"}
    jumpduck.dataset(manifest, endpoint=s3.endpoint, **options).sample(0)
    jumpduck.dataset(manifest, endpoint=front.endpoint, **options).sample(0)
    assert front.asked.total() == 1
