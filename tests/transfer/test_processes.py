"""Several processes make what one makes, keep to its limits, and end with it."""

import dataclasses
import os
import signal
import sys
import threading
import time
from collections import Counter

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck import cores
from jumpduck.errors import QueryError, StoreError
from jumpduck.recipes.registry import build
from jumpduck.schema import MANIFEST
from jumpduck.transfer import limits, task_processes
from jumpduck.transfer.shared_contexts import SharedContexts, read_context
from tests.support.command_line import END_SECONDS, process
from tests.support.examples import first_quick
from tests.support.fault_proxy import Faults
from tests.support.folders import files, same
from tests.support.processes import children, ended, memory_kb
from tests.support.web_server import web_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@pytest.fixture(scope="module")
def rows(choice_of_plate, gallery):
    """A plate over S3."""
    rows = choice_of_plate
    return rows.with_columns(
        pl.col("url").str.replace(str(gallery.gallery), "s3://cellpainting-gallery", literal=True)
    )


@pytest.fixture(scope="module")
def clean(rows, s3, tmp_path_factory):
    """The folder of a download by one process. No test may change it."""
    out = tmp_path_factory.mktemp("clean")
    jumpduck.download(rows, out, endpoint=s3.endpoint, processes=1)
    return out


@pytest.mark.parametrize(
    ("recipe", "processes"),
    [
        ("png8-plate", 2),
        pytest.param("png8", 3, marks=pytest.mark.slow),
        pytest.param("stack", 3, marks=pytest.mark.slow),
    ],
)
def test_several_processes_make_the_files_and_rows_of_one(recipe, processes, catalog, tmp_path):
    before = children()  # an earlier test may have left one, such as that of a library
    rows = jumpduck.manifest(catalog, per_plate=8)
    jumpduck.download(rows, tmp_path / "one", processes=1, recipe=recipe)
    events = Counter()
    jumpduck.download(
        rows, tmp_path / "several", processes=processes, recipe=recipe,
        progress=lambda event: events.update([event["event"]]),
    )  # fmt: skip
    same(tmp_path / "several", tmp_path / "one")
    assert set(files(tmp_path / "several")) == set(files(tmp_path / "one"))
    assert events["file"] == rows.height
    assert events["plate"] == 3
    assert set(children()) <= set(before)


@pytest.mark.slow
def test_illumination_functions_are_those_of_one_process(choice_of_plate, gallery, tmp_path):
    rows = choice_of_plate
    url = rows["url"][0]
    plane = tifffile.imread(url)
    np.save(
        tmp_path / "illum.npy", np.linspace(1, 2, plane.size, dtype=np.float32).reshape(plane.shape)
    )
    rows = rows.with_columns(url_illum=pl.lit(str(tmp_path / "illum.npy")))
    for processes in (1, 2):
        jumpduck.download(rows, tmp_path / str(processes), illum=True, processes=processes)
    assert len(files(tmp_path / "1")) > 30
    same(tmp_path / "2", tmp_path / "1")


@pytest.mark.slow
def test_a_killed_process_changes_nothing(rows, s3, clean, tmp_path):
    killed = []

    def kill_some(event):
        if event["event"] == "file" and len(killed) < 2:
            # not one twice, because it may have ended when its number is used
            for pid in sorted({*children()} - {*killed})[:1]:
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)

    with Faults(s3.endpoint, delay=0.02) as proxy:
        jumpduck.download(rows, tmp_path, endpoint=proxy.endpoint, processes=2, progress=kill_some)
    assert len(killed) == 2
    same(tmp_path, clean)
    assert set(files(tmp_path)) == set(files(clean)), "no part file is left"


POISON = """
import os, signal
from jumpduck.recipes.registry import build
import dataclasses

def kills_one_site():
    plain = build("png8")
    def make(sources, context):
        if sources[0].row["path"] == os.environ["FATAL"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain.make(sources, context)
    return dataclasses.replace(plain, name="kills-one-site", make=make)
"""


@pytest.mark.slow
def test_an_image_whose_process_is_killed_each_time_is_a_failed_row(
    choice_of_plate, tmp_path, monkeypatch
):
    """And a recipe of the current folder is found by other processes."""
    (tmp_path / "poison.py").write_text(POISON)
    monkeypatch.chdir(tmp_path)
    rows = choice_of_plate.head(80)
    monkeypatch.setenv("FATAL", rows["path"][30] + ".png")
    results = jumpduck.download(rows, "out", recipe="poison:kills_one_site", processes=2)
    (row,) = results.filter(status="failed").rows(named=True)
    assert row["path"] == rows["path"][30] + ".png"
    assert "3 worker processes that made it ended" in row["error"]
    assert "killed by signal 9; where memory is short, give fewer processes" in row["error"]


@pytest.mark.slow
def test_limits_count_for_all_processes_together(rows, s3, tmp_path):
    few = rows.head(30)
    with Faults(s3.endpoint) as proxy:
        jumpduck.download(
            few, tmp_path, endpoint=proxy.endpoint, processes=2, max_requests=30, max_mbps=100
        )
    assert proxy.requests >= few.height
    assert proxy.times[-1] - proxy.times[0] > 0.9 * (len(proxy.times) - 1) / 30


@pytest.mark.slow
def test_files_larger_than_the_share_of_a_process_are_made(rows, s3, tmp_path, monkeypatch):
    monkeypatch.setattr(task_processes, "FETCHED_BYTES", 60_000)
    monkeypatch.setattr(task_processes, "WORK_BYTES", 100)
    results = jumpduck.download(
        rows.head(12), tmp_path, endpoint=s3.endpoint, recipe="png8", processes=2
    )
    assert set(results["status"]) == {"fetched"}


def running(rows, out, proxy, *words):
    rows.write_parquet(out.parent / "manifest.parquet")
    places = ("--manifest", out.parent / "manifest.parquet", "--out", out)
    words = (*places, "--endpoint", proxy.endpoint, "--processes", 2, *words)
    return process("download", *words, patient=True)


def wait_for_children(run, proxy):
    until = time.monotonic() + 60
    while run.poll() is None and time.monotonic() < until:
        if len(found := children(run.pid)) == 2 and proxy.requests > 20:
            return found
        time.sleep(0.02)
    raise AssertionError(run.communicate())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_worker_processes_end_with_the_main_one(number, rows, s3, clean, tmp_path):
    out = tmp_path / "out"
    with Faults(s3.endpoint, delay=0.1) as proxy:
        with running(rows, out, proxy) as run:
            found = wait_for_children(run, proxy)
            run.send_signal(number)
            code = run.wait(END_SECONDS)
            assert ended(found)
        assert abs(code) in (number, 128 + number)
        if number == signal.SIGTERM:
            assert not list(out.rglob(".*.part")), "what they had begun is removed"
    jumpduck.download(rows, out, endpoint=s3.endpoint, processes=1)
    same(out, clean)
    assert set(files(out)) == set(files(clean))


@pytest.mark.slow
def test_a_network_that_is_gone_is_waited_for_by_all_processes(rows, s3, tmp_path, caplog):
    events, gone = [], []

    def rule(*_):
        if not gone and proxy.requests >= 40:
            gone.append(time.monotonic())
            return "gone"
        return None

    def follow(event):
        if event["event"] in ("paused", "resumed"):
            events.append(event["event"])
        if event["event"] == "paused":
            threading.Timer(2, proxy.come_back).start()

    with Faults(s3.endpoint, rule) as proxy:
        results = jumpduck.download(
            rows, tmp_path, endpoint=proxy.endpoint,
            processes=2, connections=4, progress=follow,
        )  # fmt: skip
    assert not set(results["error"].drop_nulls())
    assert events[0] == "paused"
    assert events[-1] == "resumed"
    assert "no answer from any server" in caplog.text


@pytest.mark.slow
def test_a_recipe_that_no_other_process_can_build_is_refused_or_one_process_is_used(
    choice, tmp_path
):
    rows = choice.head(2)
    recipe = dataclasses.replace(build("png8"), name="mine")
    with pytest.raises(QueryError, match="processes 2 cannot build recipe mine"):
        jumpduck.download(rows, tmp_path, recipe=recipe, processes=2)
    assert not list(tmp_path.iterdir())
    assert limits.Limits(workers=8).process_count(10**6, recipe) == 1
    assert set(jumpduck.download(rows, tmp_path, recipe=recipe)["status"]) == {"fetched"}


FAILS = """
from jumpduck.recipes.registry import build
import os
MAIN = os.environ.setdefault("RECIPE_WAS_BUILT_BY", str(os.getpid())) == str(os.getpid())

def only_in_the_main_process():
    if not MAIN:
        raise {error}
    return build("png8")
"""


@first_quick(1, "error", ["SystemExit('no')", "OSError('no')"])
def test_a_process_that_cannot_start_is_the_end_of_the_run(error, choice, tmp_path, monkeypatch):
    before = children()
    monkeypatch.setenv("RECIPE_WAS_BUILT_BY", "")
    monkeypatch.delenv("RECIPE_WAS_BUILT_BY")
    monkeypatch.chdir(tmp_path)
    name = f"fails_{error[:2]}".lower()
    (tmp_path / f"{name}.py").write_text(FAILS.format(error=error))
    rows = choice.head(2)
    with pytest.raises(StoreError, match=r"cannot be started: \w+: no; give processes 1"):
        jumpduck.download(rows, "out", recipe=f"{name}:only_in_the_main_process", processes=2)
    assert set(children()) <= set(before)


def test_processes_are_as_many_as_the_work_and_the_limits_allow():
    recipe = build("png8")
    assert limits.Limits(workers=16).process_count(10**6, recipe) == 16
    assert limits.Limits(workers=16).process_count(1000, recipe) == 4
    assert limits.Limits(workers=16).process_count(10, recipe) == 1
    assert limits.Limits(workers=16, connections=3).process_count(10**6, recipe) == 3
    assert limits.Limits(processes=2).process_count(1, recipe) == 2
    with pytest.raises(QueryError, match="processes 5 is not from 1 to the number of connections"):
        limits.Limits(processes=5, connections=4)


def test_a_dry_run_says_how_many_processes_a_run_would_start(choice, cli, tmp_path):
    choice.write_parquet(tmp_path / "manifest.parquet")
    assert "\n2 processes\n" in cli("download", "--dry-run", "--processes", 2).out
    assert "processes" not in cli("download", "--dry-run").out
    done = cli("download", "--dry-run", "--processes", 40)
    assert (done.code, done.out) == (2, "")
    assert "--processes 40 is not from 1 to the number of connections, 32" in done.err


@pytest.mark.parametrize(
    ("quota", "expected"), [("150000 100000", 1), ("300000 100000", 3), ("max 100000", 4)]
)
def test_cores_are_those_that_the_machine_lets_this_process_use(
    quota, expected, tmp_path, monkeypatch
):
    (tmp_path / "job" / "step").mkdir(parents=True)
    (tmp_path / "job" / "cpu.max").write_text(quota)
    (tmp_path / "job" / "step" / "cpu.max").write_text("max 100000")
    (tmp_path / "own").write_text("0::/job/step\n")
    monkeypatch.setattr(cores, "CGROUP", tmp_path / "own")
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5})
    assert cores.usable_cores() == expected


def test_the_place_of_a_plate_in_the_shared_file_is_used_again():
    contexts = SharedContexts()
    arrays = {name: np.full(n, n, np.float32) for name, n in (("a", 3000), ("b", 100), ("c", 5))}
    shared = {name: contexts.add(("s", "b", name), array, "r") for name, array in arrays.items()}
    for name, one in shared.items():
        assert np.array_equal(read_context(contexts.file, one), arrays[name])
    contexts.remove(("s", "b", "a"))
    again = contexts.add(("s", "b", "d"), arrays["c"], "r")
    assert again.start == shared["a"].start
    assert np.array_equal(read_context(contexts.file, shared["b"]), arrays["b"])
    with pytest.raises(
        QueryError, match=r"plate s/b/e cannot be sent to other processes: .*give pro"
    ):
        contexts.add(("s", "b", "e"), lambda: None, "r")
    contexts.close()


@pytest.mark.slow
def test_large_files_in_several_processes_stay_below_a_gigabyte_and_a_half(tmp_path):
    """24 files of 60 MB at a time would be 1.4 GB, beside the processes."""
    plane = np.zeros((5477, 5477), np.uint16)
    plane[::7, ::5] = 1000
    (tmp_path / "www").mkdir()
    tifffile.imwrite(tmp_path / "www" / "large.tif", plane, metadata=None)
    most = 0
    with web_server(tmp_path / "www") as address:
        row = dict.fromkeys(MANIFEST, "x") | {"url": f"{address}/large.tif"}
        rows = [{**row, "Metadata_Site": n, "path": f"a/{n}__DNA"} for n in range(48)]
        pl.DataFrame(rows, MANIFEST).write_parquet(tmp_path / "manifest.parquet")
        words = ("download", "--processes", 4, "--connections", 24, "--workers", 4)
        with process(*words, cwd=tmp_path) as run:
            while run.poll() is None:
                most = max(most, sum(map(memory_kb, [run.pid, *children(run.pid)])))
                time.sleep(0.05)
            assert run.returncode == 0, run.communicate()
    assert most < 1_500_000
