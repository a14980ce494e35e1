"""Many runs fill one folder at the same time, on one machine or as on several."""

import fcntl
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import StoreError
from jumpduck.storage import heartbeat_lock
from jumpduck.transfer import scheduler
from jumpduck.transfer.gathered_tables import GatheredTables
from tests.support.command_line import process
from tests.support.fault_proxy import Faults
from tests.support.folders import facts, files, same
from tests.support.places import ROOT


@pytest.fixture(scope="module")
def rows(manifest):
    return pl.read_parquet(manifest)


def parts_of(rows, count):
    """Manifests with parts of the rows; each has rows of all plates."""
    return [rows.gather_every(count, first) for first in range(count)]


def in_threads(work, items):
    """Call `work` with all items at the same time."""
    begin = threading.Barrier(len(items))

    def call(item):
        begin.wait()
        return work(item)

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(call, items))


@pytest.mark.parametrize(
    "what", ["the same manifest", pytest.param("parts of each plate", marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_runs_at_the_same_time_leave_the_files_and_rows_of_one(what, rows, s3, clean, tmp_path):
    manifests = [rows] * 4 if what == "the same manifest" else parts_of(rows, 4)
    with Faults(s3.endpoint, delay=0.005) as proxy:
        results = in_threads(
            lambda one: jumpduck.download(one, tmp_path, endpoint=proxy.endpoint), manifests
        )
    same(tmp_path, clean)
    assert facts(tmp_path).height == rows.height
    assert [one.height for one in results] == [one.height for one in manifests]
    assert len(proxy.asked) == len(set(proxy.asked)), "no file was fetched twice"
    assert jumpduck.status(tmp_path).plates["left"].sum() == 0
    assert jumpduck.verify(tmp_path)["status"].is_in(["missing", "corrupt"]).all()
    left = [file.name for file in (tmp_path / ".jumpduck").rglob("*") if "lock" in file.name]
    assert (left, [*(tmp_path / ".jumpduck" / "runs").iterdir()]) == ([], [])


@pytest.mark.slow
def test_rows_of_one_plate_stand_in_the_order_of_its_sites_whoever_filled_it(
    rows, s3, clean, tmp_path
):
    manifests = parts_of(rows, 3)
    in_threads(lambda one: jumpduck.download(one, tmp_path, endpoint=s3.endpoint), manifests)
    both = [
        pl.read_parquet(out / "sites.parquet", columns=["Metadata_Plate", "Metadata_Well"])
        for out in (tmp_path, clean)
    ]
    assert both[0].equals(both[1])


@pytest.mark.slow
def test_a_plate_that_another_run_has_open_comes_later_and_that_is_said(
    rows, s3, tmp_path, monkeypatch
):
    monkeypatch.setattr(scheduler, "POLL_SECONDS", 0.01)
    first_has_a_plate, second_waits = threading.Event(), threading.Event()
    of_one_plate = rows.filter(pl.col("Metadata_Plate") == rows["Metadata_Plate"][0])
    said = []

    def first(event):
        if event["event"] == "file":
            first_has_a_plate.set()
            assert second_waits.wait(60)

    def second(event):
        said.append(event)
        if event["event"] == "taken":
            second_waits.set()

    def run(progress):
        if progress is second:
            assert first_has_a_plate.wait(60)
        return jumpduck.download(of_one_plate, tmp_path, endpoint=s3.endpoint, progress=progress)

    one, other = in_threads(run, [first, second])
    assert "fetched" in set(one["status"])
    assert "fetched" not in set(other["status"])
    taken = next(event for event in said if event["event"] == "taken")
    assert (taken["plates"], taken["by"][0].split(" on ")[0]) == (1, f"process {os.getpid()}")


@pytest.mark.slow
def test_what_a_killed_run_had_open_is_done_by_one_that_goes_on(rows, s3, clean, tmp_path):
    manifest, out = tmp_path / "manifest.parquet", tmp_path / "out"
    rows.write_parquet(manifest)
    words = ("--manifest", manifest, "--out", out, "--connections", "2")
    with Faults(s3.endpoint, delay=0.03) as proxy:
        words = (*words, "--endpoint", proxy.endpoint)
        with process("download", *words) as one, process("download", *words) as other:
            while len([*out.glob(".jumpduck/plates/*/*/*.jsonl")]) < 2:
                assert (one.poll(), other.poll()) == (None, None)
                time.sleep(0.01)
            one.kill()
            assert other.wait(60) == 3
    same(out, clean)
    assert set(files(out)) == set(files(clean)), "no part file is left"
    assert facts(out).height == rows.height, "the last one gathered all rows"


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_leaves_its_plates_to_the_others_at_once(
    end, rows, s3, clean, tmp_path
):
    manifest, out = tmp_path / "manifest.parquet", tmp_path / "out"
    rows.write_parquet(manifest)
    words = ("--manifest", manifest, "--out", out, "--connections", "1")
    with Faults(s3.endpoint, delay=0.02) as proxy:
        words = (*words, "--endpoint", proxy.endpoint)
        with process("download", *words) as one, process("download", *words) as other:
            while len([*out.glob(".jumpduck/plates/*/*/*.lock")]) < 2:
                assert (one.poll(), other.poll()) == (None, None)
                time.sleep(0.01)
            one.send_signal(end)
            assert one.wait(60) == 128 + end
            assert other.wait(60) == 3
    same(out, clean)
    assert facts(out).height == rows.height


@pytest.mark.slow
def test_two_recipes_at_the_same_time_are_refused_and_nothing_is_lost(
    rows, s3, clean, tmp_path, cli
):
    rows = rows.gather_every(10)
    rows.write_parquet(tmp_path / "manifest.parquet")
    said = []

    def other_recipe(event):
        if event["event"] == "plate" and not said:
            said.append(cli("download", "--recipe", "png16", "--endpoint", s3.endpoint))
            said.append(cli("download", "--dry-run", "--crop", "0"))

    jumpduck.download(rows, tmp_path / "images", endpoint=s3.endpoint, progress=other_recipe)
    assert [one.code for one in said] == [1, 1]
    for one in said:
        assert "is being filled by process" in one.err
        assert "with recipe png8 2 and parameters" in one.err
    same(tmp_path / "images", clean)


def test_the_tables_are_gathered_by_the_run_that_ends_last_and_on_demand(
    rows, s3, tmp_path, monkeypatch, cli
):
    gathered, rows = [], rows.gather_every(4)
    write = GatheredTables.write

    def count(self):
        gathered.append(threading.get_ident())
        write(self)

    def other(event):
        if event["event"] == "plate" and not results:
            before, there = len(gathered), facts(out).height
            more = rows.filter(pl.col("Metadata_Plate") == event["plate"]).head(2)
            more = more.with_columns(path="more/" + pl.col("path"))
            inner = {"endpoint": s3.endpoint, "progress": said.append}
            results.append(jumpduck.download(more, out, **inner))
            assert "the last one to end writes" in said[-1]["text"]
            assert (len(gathered), facts(out).height) == (before, there), "another run goes on"
            assert cli("status", "--out", out, "--gather").code == 0
            assert facts(out).height == there + 2

    out, results, said = tmp_path / "out", [], []
    monkeypatch.setattr(GatheredTables, "write", count)
    monkeypatch.setattr(GatheredTables, "write_if_quick", lambda self: None)
    jumpduck.download(rows, out, endpoint=s3.endpoint, progress=other)
    assert facts(out).height == rows.height + 2


@pytest.mark.slow
def test_status_says_that_the_tables_lack_rows_and_how_to_write_them(rows, s3, tmp_path, cli):
    out = tmp_path / "images"
    jumpduck.download(rows.head(20), out, endpoint=s3.endpoint)
    earlier = (out / "results.parquet").read_bytes()
    jumpduck.download(rows.head(40), out, endpoint=s3.endpoint)
    (out / "results.parquet").write_bytes(earlier)  # as if the second run had been killed
    said = cli("status")
    assert "`jumpduck status --gather` writes them" in said.err
    assert "--gather" not in cli("status", "--gather").err
    assert facts(out).height == 40


def as_on_many_machines(monkeypatch):
    """Let each thread be a machine, without `flock`, that sees signs of life late."""
    monkeypatch.setattr(heartbeat_lock, "_kernel", lambda: str(threading.get_ident()))
    monkeypatch.setattr(
        fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(37, "no locks available"))
    )
    monkeypatch.setattr(heartbeat_lock, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat_lock, "POLL_SECONDS", 0.02)


@pytest.mark.slow
def test_machines_without_flock_fill_one_folder_like_one(rows, s3, clean, tmp_path, monkeypatch):
    as_on_many_machines(monkeypatch)
    monkeypatch.setattr(heartbeat_lock, "STALE_SECONDS", 5.0)
    in_threads(
        lambda one: jumpduck.download(one, tmp_path, endpoint=s3.endpoint), parts_of(rows, 3)
    )
    same(tmp_path, clean)
    assert facts(tmp_path).height == rows.height


@pytest.mark.slow
def test_machines_that_learn_of_new_names_late_fill_one_folder_like_one(rows, s3, clean, tmp_path):
    """A client of NFS remembers the names in a folder until it changes the folder itself."""
    command = [sys.executable, "-m", "tests.support.late_names", "download", "--out", "out"]
    command += ["--connections", "2", "--endpoint"]
    runs = []
    with Faults(s3.endpoint, delay=0.01) as proxy:
        for number, part in enumerate(parts_of(rows, 3)):
            manifest = tmp_path / f"{number}.parquet"
            part.write_parquet(manifest)
            runs.append(
                subprocess.Popen(
                    [*command, proxy.endpoint, "--manifest", manifest, "--json"],
                    cwd=tmp_path,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        said = [run.communicate(timeout=120)[0] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 3, 3]
    same(tmp_path / "out", clean)
    assert facts(tmp_path / "out").height == rows.height
    assert any('"taken"' in text for text in said), "they met"


LOOK_THEN_GATHER = """
import sys
from tests.support import late_names
late_names.install()
from jumpduck.transfer.output_folder import OutputFolder
folder = OutputFolder(sys.argv[1])
before = folder.plates.files(), folder.asked.runs(), folder.runs.others()
print("looked", flush=True)
sys.stdin.readline()
folder.gather()
"""


@pytest.mark.slow
def test_the_tables_have_what_other_machines_wrote_since_this_one_looked(rows, s3, clean, tmp_path):
    place = {name: pl.lit(rows[name][0]) for name in ("Metadata_Source", "Metadata_Batch")}
    one = rows.gather_every(4).with_columns(**place)  # so that all plates are in one folder
    jumpduck.download(one.head(10), tmp_path, endpoint=s3.endpoint)
    with subprocess.Popen(
        [sys.executable, "-c", LOOK_THEN_GATHER, tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "looked\n"
        jumpduck.download(one, tmp_path, endpoint=s3.endpoint)
        for table in ("results.parquet", "sites.parquet"):
            (tmp_path / table).unlink()
        other.communicate("go on\n", timeout=60)
        assert other.returncode == 0
    assert facts(tmp_path).height == one.height


@pytest.mark.slow
def test_a_table_that_is_replaced_while_it_is_gathered_is_read_again(
    rows, s3, tmp_path, monkeypatch
):
    """On NFS, a reader may see that a name is gone while it is given to another file."""
    rows = rows.gather_every(10)
    jumpduck.download(rows, tmp_path, endpoint=s3.endpoint)
    (tmp_path / "results.parquet").unlink()
    tables = [*(tmp_path / ".jumpduck" / "plates").glob("*/*/*.parquet")]
    data = [table.read_bytes() for table in tables]
    counts, real = itertools.count(), GatheredTables._write

    def gone(self, files):
        first = next(counts) == 0
        if first:
            tables[0].unlink()
        try:
            real(self, files)
        finally:
            if first:
                tables[0].write_bytes(data[0])

    monkeypatch.setattr(GatheredTables, "_write", gone)
    jumpduck.download(rows.head(1), tmp_path, endpoint=s3.endpoint)
    assert next(counts) == 2
    assert facts(tmp_path).height == rows.height


@pytest.mark.slow
def test_a_forced_run_beside_another_one_fetches_its_own_files_again_and_leaves_the_rest(
    rows, s3, clean, tmp_path
):
    one, other = parts_of(rows, 2)
    jumpduck.download(one, tmp_path, endpoint=s3.endpoint)

    def run(force):
        manifest = one if force else other
        return jumpduck.download(manifest, tmp_path, endpoint=s3.endpoint, force=force)

    forced, _ = in_threads(run, [True, False])
    assert "present" not in set(forced["status"])
    same(tmp_path, clean)
    assert facts(tmp_path).height == rows.height


@pytest.mark.slow
def test_a_plate_that_two_names_share_on_macos_is_refused_by_one_of_two_runs(rows, s3, tmp_path):
    lower = rows.with_columns(pl.col("Metadata_Plate").str.to_lowercase())
    lower = lower.with_columns(pl.col("path").str.to_lowercase())
    assert not lower["Metadata_Plate"].equals(rows["Metadata_Plate"])

    def run(manifest):
        try:
            return jumpduck.download(manifest, tmp_path, endpoint=s3.endpoint)
        except (StoreError, jumpduck.errors.ManifestError) as error:
            return str(error)

    results = in_threads(run, [rows, lower])
    assert any(isinstance(one, str) and "macOS" in one for one in results)
