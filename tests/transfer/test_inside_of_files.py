"""Images inside of zips go the whole way, also from a server that sends whole files only."""

import errno
import random
import sys
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from jumpduck.containers.image_reader import ImageReader
from jumpduck.containers.places import join_place
from jumpduck.containers.whole_files import FOLDER
from jumpduck.errors import StoreError
from jumpduck.rows import PLATE_KEY
from jumpduck.storage import repeated_requests
from jumpduck.storage.object_reader import ObjectReader
from tests.support.command_line import process
from tests.support.fault_proxy import Faults, at_random
from tests.support.folders import files
from tests.support.range_server import RangeServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is downloaded there")


@pytest.fixture(scope="module")
def plain(catalog):
    """Some images of two plates in a local folder."""
    rows = jumpduck.manifest(catalog, per_well="all")
    keys = rows.select(PLATE_KEY).unique(maintain_order=True).head(2)
    rows = rows.join(keys, on=PLATE_KEY, how="semi", maintain_order="left")
    return rows.filter(pl.row_index().over(PLATE_KEY) < 60)


@pytest.fixture(scope="module")
def archives(plain, tmp_path_factory):
    """A folder with a zip of each of the plates."""
    folder = tmp_path_factory.mktemp("archives")
    for (plate,), rows in plain.group_by("Metadata_Plate", maintain_order=True):
        with zipfile.ZipFile(folder / f"{plate}.zip", "w", zipfile.ZIP_DEFLATED) as opened:
            for path, url in rows.select("path", "url").rows():
                if Path(url).exists():
                    opened.write(url, f"märz #1/{path}")
    return folder


@pytest.fixture(scope="module")
def clean(plain, tmp_path_factory):
    """The folder of a download of the plain files. No test may change it."""
    out = tmp_path_factory.mktemp("clean")
    jumpduck.download(plain, out)
    return out


@pytest.fixture
def web(archives):
    with RangeServer(archives) as server:
        yield server


@pytest.fixture
def whole(archives):
    with RangeServer(archives, ranges=False) as server:
        yield server


def inside(plain, root):
    """The rows of the plates with the images inside of the zips."""
    urls = [
        join_place(f"{root}/{plate}.zip", {"member": f"märz #1/{path}"})
        for plate, path in plain.select("Metadata_Plate", "path").rows()
    ]
    return plain.with_columns(url=pl.Series(urls))


def statuses(results):
    return dict(results["status"].value_counts().iter_rows())


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_images_in_zips_are_those_of_plain_files(processes, plain, clean, web, archives, tmp_path):
    rows = inside(plain, web.address)
    results = jumpduck.download(rows, tmp_path, processes=processes)
    assert files(tmp_path) == files(clean)
    assert statuses(results) == statuses(pl.read_parquet(clean / "results.parquet"))
    assert set(results["url"]) == set(rows["url"])
    members = rows.height
    assert len(web.requests) <= members + 2 * 2 * processes, "one request a member"
    web.clear()
    again = jumpduck.download(rows, tmp_path, processes=processes)
    assert "fetched" not in statuses(again)
    assert jumpduck.verify(tmp_path, deep=True).filter(pl.col("status") == "wrong").is_empty()


@pytest.mark.slow
def test_faults_of_the_network_change_nothing(plain, clean, web, tmp_path, monkeypatch):
    monkeypatch.setattr(repeated_requests, "FIRST_RETRY_SECONDS", 0.001)
    # all answers come from few files, so chance decides whose five attempts all fail: of 400, with
    # a share of 0.15 one in 30 runs, with this one in 10,000
    faults = at_random(("503", "reset", "short", "corrupt"), 0.05, seed=1)
    with Faults(web.address, faults) as proxy:
        results = jumpduck.download(inside(plain, proxy.endpoint), tmp_path, processes=1)
    assert results.filter(pl.col("error").is_not_null())["error"].to_list() == []
    assert files(tmp_path) == files(clean)


def test_an_image_that_a_zip_lacks_is_missing_and_named(plain, archives, web, tmp_path):
    rows = inside(plain.head(3), web.address)
    rows = rows.with_columns(
        url=pl.when(pl.row_index() == 1)
        .then(pl.lit(f"{web.address}/{rows['Metadata_Plate'][0]}.zip#member=no/such.tif"))
        .otherwise("url")
    )
    results = jumpduck.download(rows, tmp_path)
    assert results["status"].to_list().count("missing") == 1
    assert "zip#member=no/such.tif" in results.filter(status="missing")["error"][0]


@pytest.mark.parametrize("processes", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.slow
def test_a_server_without_ranges_is_asked_for_each_zip_once(
    processes, plain, clean, whole, archives, tmp_path
):
    most = watch(tmp_path / FOLDER)
    results = jumpduck.download(inside(plain, whole.address), tmp_path, processes=processes)
    assert files(tmp_path) == files(clean)
    assert statuses(results) == statuses(pl.read_parquet(clean / "results.parquet"))
    asked = Counter(path for path, _ in whole.requests)
    # the first request of each process for a part gets the beginning of an answer
    assert all(count <= 1 + processes for count in asked.values()), asked
    assert most() >= 1
    assert list((tmp_path / FOLDER).iterdir()) == []


def watch(folder):
    """Count the files of a folder until asked."""
    most, stopped = [0], threading.Event()

    def look():
        while not stopped.wait(0.002):
            if folder.is_dir():
                most[0] = max(most[0], len(list(folder.iterdir())))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()

    def ask():
        stopped.set()
        thread.join()
        return most[0]

    return ask


def test_a_whole_file_that_cannot_be_had_fails_the_rows_and_is_asked_for_few_times(
    plain, whole, archives, tmp_path, monkeypatch
):
    monkeypatch.setattr(repeated_requests, "FIRST_RETRY_SECONDS", 0.001)
    whole.fault = lambda path, number, data: data[: len(data) // 2]
    rows = inside(plain, whole.address)
    results = jumpduck.download(rows, tmp_path, processes=1)
    assert statuses(results) == {"failed": rows.height}
    assert "broke off" in results["error"][0]
    assert len(whole.requests) <= 2 * (1 + 5)
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_disk_that_is_too_full_for_a_whole_file_ends_the_run(plain, whole, tmp_path, monkeypatch):
    def save(self, url, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ObjectReader, "save", save)
    with pytest.raises(StoreError, match="space"):
        jumpduck.download(inside(plain, whole.address), tmp_path, processes=1)


@pytest.mark.slow
def test_what_a_killed_run_left_is_removed_by_the_next_one(plain, whole, tmp_path):
    rows = inside(plain, whole.address)
    rows.write_parquet(tmp_path / "manifest.parquet")
    out = tmp_path / "images"
    whole.fault = lambda path, number, data: time.sleep(0.02) or data
    with process("download", "--processes", "2", "--out", out, cwd=tmp_path) as run:
        deadline = time.monotonic() + 60
        while not (out / FOLDER).is_dir() or not list((out / FOLDER).iterdir()):
            assert time.monotonic() < deadline
            assert run.poll() is None
            time.sleep(0.001)
        run.kill()
    assert list((out / FOLDER).iterdir()) != []
    jumpduck.download(rows, out)
    assert list((out / FOLDER).iterdir()) == []


@pytest.mark.slow
def test_urls_with_a_place_go_through_shards_merge_verify_and_repair(plain, clean, web, tmp_path):
    rows = inside(plain, web.address)
    rows.write_parquet(tmp_path / "manifest.parquet")
    jumpduck.split(tmp_path / "manifest.parquet", tmp_path / "shards", into=2)
    for number in ("0001", "0002"):
        jumpduck.download(tmp_path / f"shards/{number}.parquet", tmp_path / number)
    jumpduck.merge([tmp_path / "0001", tmp_path / "0002"], tmp_path / "merged")
    assert files(tmp_path / "merged") == files(clean)
    status = jumpduck.status(tmp_path / "merged")
    assert status.plates["done"].sum() == len(files(clean))
    victim = next((tmp_path / "merged").rglob("*.png"))
    victim.write_bytes(b"broken")
    wrong = jumpduck.verify(tmp_path / "merged")
    assert wrong.height == 1 + rows.height - len(files(clean))
    assert "#member=" in wrong["url"][0]
    jumpduck.repair(wrong.filter(pl.col("path").str.contains(victim.stem)), tmp_path / "merged")
    assert files(tmp_path / "merged") == files(clean)


@pytest.mark.slow
def test_the_wells_of_a_sample_fetch_a_small_part_of_the_zip_of_a_plate(tmp_path):
    """60 wells, 4 sites and 3 channels, as each zip of BBBC021 has."""
    image = random.Random(0).randbytes(30_000)
    names = [
        f"Week1_22123/Week1_150607_{row}{column:02}_s{site}_w{channel}{'0' * 36}.tif"
        for row in "BCDEFG"
        for column in range(2, 12)
        for site in (1, 2, 3, 4)
        for channel in (1, 2, 4)
    ]
    with zipfile.ZipFile(tmp_path / "plate.zip", "w") as opened:
        for name in names:
            opened.writestr(name, image)
    size = (tmp_path / "plate.zip").stat().st_size
    wells = ("B02", "C05", "E11", "G07")
    with RangeServer(tmp_path) as server:
        for sites, share in ((("s1",), 0.05), (("s1", "s2", "s3", "s4"), 4 / 60 + 0.01)):
            reader = ImageReader(ObjectReader())
            server.clear()
            chosen = [name for name in names if name.split("_")[3] in wells]
            chosen = [name for name in chosen if name.split("_")[4] in sites]
            for name in chosen:
                reader.read_if(f"{server.address}/plate.zip#member={name}", lambda _: True)
            assert server.sent < share * size
            assert server.sent < len(chosen) * len(image) + 0.01 * size
            assert len(server.requests) == 2 + len(chosen)
