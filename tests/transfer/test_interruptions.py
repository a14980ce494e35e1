"""Whatever happens to the process, its folder, its disk: nothing lost, nothing half-done."""

import _thread
import contextlib
import ctypes
import errno
import fcntl
import functools
import importlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import duckdb
import polars as pl
import pytest

import jumpduck
import jumpduck.__main__
from jumpduck.errors import StoreError
from jumpduck.rows import PLATE_KEY
from jumpduck.schema import RESULTS_FILE
from jumpduck.storage import heartbeat_lock
from jumpduck.transfer import active_runs, disk_space, gathered_tables, plate_locks, scheduler
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.plate_tables import PlateTables
from tests.support.command_line import END_SECONDS, peak_memory_kb, process
from tests.support.disks import disk, mount
from tests.support.examples import first_quick
from tests.support.fault_proxy import Faults, always, at_random
from tests.support.folders import files, same

FAULTS = ("503", "reset", "short", "stall", "half", "corrupt", "slow", "long")


@pytest.fixture
def filled(clean, tmp_path):
    """A copy of that folder, to change."""
    return Path(shutil.copytree(clean, tmp_path / "images"))


def running(manifest, out, proxy, *words, cwd=None):
    places = ("--manifest", manifest, "--out", out, "--endpoint", proxy.endpoint)
    return process("download", *places, *words, cwd=cwd, patient=True)


def wait_for(proxy, more, run):
    """Return when the process has sent so many requests more, or ended."""
    until = proxy.requests + more
    while proxy.requests < until and run.poll() is None:
        time.sleep(0.002)


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_like_one_that_was_not(manifest, s3, clean, tmp_path):
    rng = random.Random(5)
    out = tmp_path / "out"
    with Faults(s3.endpoint, delay=0.02) as proxy:
        for number in range(10):
            with running(manifest, out, proxy, "--connections", "2") as run:
                wait_for(proxy, 1, run)
                while number == 0 and not list((out / ".jumpduck").rglob("*.jsonl")):
                    time.sleep(0.01)
                time.sleep(rng.uniform(0, 0.25))
                assert run.poll() is None, "each kill is in the midst of a run"
                run.kill()
            left = jumpduck.verify(out)["status"]
            assert set(left) <= {"left", "missing", "corrupt"}, "each row has its whole file"
    kept = jumpduck.status(out).plates["done"].sum()
    with Faults(s3.endpoint) as proxy:
        jumpduck.download(manifest, out, endpoint=proxy.endpoint)
    assert kept > 0
    assert len(proxy.asked) == 255 - kept, "what was kept was not fetched again"
    same(out, clean)
    assert set(files(out)) == set(files(clean)), "and no part is left"


def interrupt(run, thread, number):
    """Send a signal to the process, or so that a thread other than the main one takes it."""
    if thread == "main":
        run.send_signal(number)
        return
    tasks = Path(f"/proc/{run.pid}/task").iterdir()
    other = max(int(task.name) for task in tasks)
    assert other != run.pid
    assert ctypes.CDLL(None).tgkill(run.pid, other, number) == 0


ANOTHER = pytest.param(
    "another",
    signal.SIGINT,
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(sys.platform != "linux", reason="tgkill is of Linux"),
    ],
)


@pytest.mark.parametrize(
    ("thread", "number"),
    [
        ("main", signal.SIGINT),
        pytest.param("main", signal.SIGTERM, marks=pytest.mark.slow),  # each verb is sent it below
        ANOTHER,
    ],
)
def test_ctrl_c_and_sigterm_end_a_run_that_waits_and_the_printed_command_continues(
    thread, number, manifest, s3, clean, tmp_path, cli
):
    """With the signal taken by another thread, nothing wakes the main one from waiting.

    What it waits for comes after an hour.
    """
    out = tmp_path / "out"
    with Faults(s3.endpoint, always("hang", "ch5"), delay=0.02) as proxy:
        words = ("--connections", "30", "--max-mbps", "900")
        with running(manifest, out, proxy, *words, cwd=tmp_path) as run:
            wait_for(proxy, 120, run)
            while not (finished := len(list(out.rglob("*.png")))) and run.poll() is None:
                time.sleep(0.01)
            interrupt(run, thread, number)
            _, err = run.communicate(timeout=END_SECONDS)
    assert (run.returncode, err.count("\n")) == (128 + number, 1), err
    kept = pl.read_parquet(out / "results.parquet").filter(pl.col("status") == "fetched")
    assert kept.height >= finished > 0
    assert set(kept["path"]) == set(files(out))
    command = err.partition("Go on with: ")[2].split()
    at = command.index("--endpoint") + 1
    command[at] = s3.endpoint  # the proxy is gone
    assert {"--connections 30", "--max-mbps 900.0"} <= set(map(" ".join, pairwise(command)))
    assert command[0] == "jumpduck"
    assert cli(*command[1:]).code == 3
    same(out, clean)


@pytest.mark.slow
def test_a_run_that_is_interrupted_while_a_thread_gathers_has_the_rows_of_all_finished_files(
    choice, tmp_path, monkeypatch
):
    """The thread, which began when there were fewer rows, would write its tables last."""
    out, gathering = tmp_path / "out", []
    ending, ended = threading.Event(), threading.Event()
    writing, wait = gathered_tables.writing_table, scheduler.wait
    write_if_quick = gathered_tables.GatheredTables.write_if_quick

    @contextlib.contextmanager
    def gathers_until_the_run_ends(path):
        with writing(path) as part:
            yield part
            thread = threading.current_thread()
            if path.name == RESULTS_FILE and thread.name == "background" and not gathering:
                gathering.append(thread)
                ending.wait(END_SECONDS)
                ended.wait(0.3)  # the run would end in this time if it did not wait for the thread

    def interrupted(futures, seconds):
        if gathering and len({file.parent for file in out.rglob("*.png")}) > 1:
            raise KeyboardInterrupt
        return wait(futures, seconds)

    def ends(self):
        if gathering:
            ending.set()
        write_if_quick(self)
        if gathering:
            ended.set()

    monkeypatch.setattr(gathered_tables, "writing_table", gathers_until_the_run_ends)
    monkeypatch.setattr(gathered_tables, "MAX_TIME_SHARE", 1e9)
    monkeypatch.setattr(gathered_tables, "MAX_WAIT_SECONDS", END_SECONDS)
    monkeypatch.setattr(gathered_tables.GatheredTables, "write_if_quick", ends)
    monkeypatch.setattr(scheduler, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        jumpduck.download(choice, out)
    gathering[0].join(END_SECONDS)
    kept = pl.read_parquet(out / RESULTS_FILE).filter(status="fetched")
    assert kept["Metadata_Plate"].n_unique() > 1
    assert set(kept["path"]) == set(files(out))


def slow(*_args, **_options):
    time.sleep(2 * END_SECONDS)


@pytest.mark.parametrize("verb", ["verify", "demo", "catalog", "manifest", "sql"])
def test_sigterm_ends_each_verb_that_takes_long_with_one_line(
    verb, clean, catalog, tmp_path, monkeypatch, capsys
):
    """In this process, because a new interpreter would take longer than the rest."""
    long_query = "SELECT sum(a.range * b.range % 7) FROM range(1000000) a, range(1000000) b"
    words, slow_part = {
        "verify": (("--out", clean), "jumpduck.stages.verify._fault"),
        "demo": (("--out", tmp_path), "jumpduck.synthetic.gallery.write_gallery"),
        "catalog": ((), "jumpduck.stages.catalog.table_source"),
        "manifest": (("--catalog", catalog), "jumpduck.stages.manifest.open_catalog"),
        "sql": ((long_query, "--catalog", catalog), None),
    }[verb]
    ended = []
    if slow_part:
        monkeypatch.setattr(slow_part, slow)
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(sys, "argv", ["jumpduck", verb, *map(str, words)])
    monkeypatch.chdir(tmp_path)
    importlib.import_module(f"jumpduck.cli.{verb}")
    ctrl_c, sigterm = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: None)  # until the command line has its own

    def send():
        while not ended:
            time.sleep(0.15)
            os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=send)
    sender.start()
    started = time.monotonic()
    try:
        jumpduck.__main__.main()
    finally:
        ended.append(None)
        sender.join()
        signal.signal(signal.SIGINT, ctrl_c)
        signal.signal(signal.SIGTERM, sigterm)
    assert time.monotonic() - started < END_SECONDS
    assert ended[0] == 143
    assert capsys.readouterr().err == "jumpduck: interrupted\n"


@pytest.mark.parametrize("what", ["png8", "png8-plate", "catalog"])
def test_an_interrupt_from_python_leaves_no_thread_that_the_interpreter_waits_for(
    what, manifest, s3, tmp_path
):
    def interrupt():
        while proxy.requests < 2:
            time.sleep(0.01)
        _thread.interrupt_main()

    before = set(threading.enumerate())
    with Faults(s3.endpoint, always("hang", "load_data" if what == "catalog" else "")) as proxy:
        threading.Thread(target=interrupt).start()
        verb = functools.partial(jumpduck.download, manifest, tmp_path, recipe=what)
        if what == "catalog":
            verb = functools.partial(jumpduck.catalog, tmp_path / "new", metadata="s3://metadata")
        with pytest.raises(KeyboardInterrupt):
            verb(endpoint=proxy.endpoint)
        left = set(threading.enumerate()) - before
        assert [one.name for one in left if not one.daemon and "interrupt" not in one.name] == []
    until = time.monotonic() + END_SECONDS
    while any(one.is_alive() for one in left if one.name in ("network", "levels")):
        assert time.monotonic() < until, "a thread goes on with requests that nobody waits for"
        time.sleep(0.01)


@pytest.mark.slow
def test_ctrl_c_ends_a_run_while_a_recipe_reads_the_plate(manifest, s3, tmp_path):
    with Faults(s3.endpoint, always("hang", "")) as proxy:
        words = ("--recipe", "png8-plate")
        with running(manifest, tmp_path / "out", proxy, *words, cwd=tmp_path) as run:
            wait_for(proxy, 1, run)
            time.sleep(0.5)
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=END_SECONDS)
    assert (run.returncode, err.count("\n")) == (130, 1), err


@pytest.mark.slow
def test_ctrl_c_ends_a_catalog_that_waits_and_leaves_nothing(s3, tmp_path):
    with Faults(s3.endpoint, always("hang", "load_data")) as proxy:
        words = ("--metadata", "s3://metadata", "--endpoint", proxy.endpoint)
        with process("catalog", *words, cwd=tmp_path, patient=True) as run:
            while not any("load_data" in path for path in proxy.asked):
                time.sleep(0.05)
                assert run.poll() is None
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=END_SECONDS)
    assert (run.returncode, err.count("\n")) == (130, 1), err
    assert not any(tmp_path.iterdir())


def test_what_a_run_killed_on_another_machine_held_is_taken_over_by_the_same_command(
    manifest, s3, clean, filled, monkeypatch, cli
):
    """Or in a container: there, too, no kernel says that the process is gone."""
    state = filled / ".jumpduck"
    monkeypatch.setattr(heartbeat_lock, "STALE_SECONDS", 0.1)
    for module in (heartbeat_lock, active_runs, scheduler):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(plate_locks, "MAX_WAIT_SECONDS", 0.02)
    (state / "runs").mkdir(exist_ok=True)
    table = next(state.glob("plates/*/*/*.parquet"))
    held = [state / "lock", state / "runs" / f"{0:016x}.lock", table.with_suffix(".lock")]
    for lock in held:
        lock.write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    done = cli("download", "--manifest", manifest, "--out", filled, "--endpoint", s3.endpoint)
    assert done.code == 3, done
    assert not [lock for lock in held if lock.exists()]
    same(filled, clean)


@pytest.mark.slow
def test_a_file_system_without_flock_and_without_sync_of_folders_can_be_filled(
    choice, tmp_path, monkeypatch
):
    def no_flock(file, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    fsync = os.fsync

    def no_sync_of_folders(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(file)

    monkeypatch.setattr(fcntl, "flock", no_flock)
    monkeypatch.setattr(os, "fsync", no_sync_of_folders)
    rows = choice.head(5)
    assert set(jumpduck.download(rows, tmp_path / "out")["status"]) == {"fetched"}
    assert set(jumpduck.download(rows, tmp_path / "out")["status"]) == {"present"}


@first_quick(1, "what", ["the run", "a plate"])
def test_a_run_that_was_taken_for_dead_ends_and_writes_nothing_more(what, choice, tmp_path):
    out = tmp_path / "out"
    state, taken = out / ".jumpduck", []

    def take_over(event):
        found = [*state.glob("runs/*.lock" if what == "the run" else "plates/*/*/*.lock")]
        if found and not taken:
            taken.extend(found)
            found[0].write_text(json.dumps({"pid": 7, "host": "elsewhere"}))
            tables.append((out / "results.parquet").read_bytes())

    tables: list[bytes] = []
    rows = choice
    with pytest.raises(StoreError, match=r"out was taken over by process 7 on elsewhere"):
        jumpduck.download(rows, out, progress=take_over)
    named = len([file for file in files(out) if file.endswith(".png")])
    assert named < rows.height
    if what == "the run":
        assert named == 0
        assert [(out / "results.parquet").read_bytes()] == tables
    assert "elsewhere" in taken[0].read_text()


@pytest.mark.slow
@pytest.mark.parametrize("size", [pytest.param("1m", marks=pytest.mark.slow), "300k"])
def test_a_full_disk_stops_the_run_and_with_more_space_it_continues(
    size, manifest, s3, clean, tmp_path, cli
):
    """With 1m the run stops when it sees that the rest will not fit, with 300k when it is full."""
    with disk(tmp_path / "disk", f"size={size}") as place, Faults(s3.endpoint) as proxy:
        out = place / "out"
        words = ("download", "--manifest", manifest, "--out", out, "--endpoint", proxy.endpoint)
        done = cli(*words)
        assert done.code == 1, done
        remark, error = done.err.splitlines()
        assert "may have too little space" in remark
        # the parts of many files may fill a disk before the first of them is whole
        assert "files left need about" in error
        assert "run the same command again" in error
        assert not list(out.rglob("*.part"))
        assert files(out) or "54.1 MB" in error
        mount(place, "remount,size=50m")
        assert cli(*words).code == 3
        same(out, clean)


@first_quick(2, "kilobytes", [4, 12, 36, 140])
def test_whatever_a_disk_has_no_space_for_the_space_needed_is_named(
    kilobytes, choice, s3, tmp_path
):
    rows = choice.head(60)
    with disk(tmp_path / "disk", f"size={kilobytes}k") as place:
        with pytest.raises(StoreError, match=r"^no space on the disk .* files left need .* again"):
            jumpduck.download(rows, place / "out", endpoint=s3.endpoint)
        assert not list(place.rglob("*.part"))


@pytest.mark.slow
def test_status_reports_progress_while_a_run_goes_on(manifest, s3, tmp_path, cli):
    """After 60 files no more come, so that the run goes on however late it is looked at."""
    with (
        Faults(s3.endpoint, lambda *_: "hang" if proxy.requests > 60 else None, 0.1) as proxy,
        running(manifest, "out", proxy, "--connections", "2", cwd=tmp_path) as run,
    ):
        wait_for(proxy, 40, run)
        said = json.loads(cli("status", "--out", "out", "--json").out)
        assert said["running"]
        (row,) = [row for row in said["by_source"] if row["Metadata_Source"] == "source_13"]
        assert 0 < row["done"] < 95
        assert row["left"] == 95 - row["done"]
    said = json.loads(cli("status", "--out", "out", "--json").out)
    assert not said["running"]
    assert said["files_per_second"] > 0
    assert said["seconds_left"] > 0


@pytest.mark.slow
def test_verify_finds_what_went_bad_and_repairs_only_that(s3, clean, filled, cli):
    out = filled
    assert set(jumpduck.verify(out, deep=True)["status"]) == {"missing", "corrupt"}
    one, two, three, *_ = sorted(files(out))
    (out / one).unlink()
    (out / two).write_bytes((out / two).read_bytes()[:-1])
    data = bytearray((out / three).read_bytes())
    data[100] ^= 1
    (out / three).write_bytes(data)
    done = cli("verify", "--endpoint", s3.endpoint)
    assert done.code == 3
    assert "250 right, 3 wrong, 1 missing, 1 corrupt" in done.out
    assert {one, two, three} == set(jumpduck.verify(out).filter(status="wrong")["path"])
    with Faults(s3.endpoint) as proxy:
        done = cli("verify", "--repair", "--endpoint", proxy.endpoint)
        assert (done.code, proxy.requests) == (3, 3), done
        assert "of 255 files in images, 2 could not be had" in done.err
    same(out, clean)


def test_a_file_that_the_disk_cannot_read_is_wrong_and_no_traceback(clean, monkeypatch, cli):
    bad = sorted(files(clean))[3]
    read_bytes = Path.read_bytes

    def fail(path):
        if path == clean / bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    wrong = jumpduck.verify(clean).filter(pl.col("status") == "wrong")
    assert wrong.select("path", "error").rows() == [
        (bad, f"the file cannot be read: {os.strerror(errno.EIO)}")
    ]
    assert cli("verify", "--out", clean).code == 3


def test_a_repair_that_fails_leaves_the_row_so_that_verify_still_finds_the_file(s3, filled):
    one, *_ = sorted(files(filled))
    (filled / one).write_bytes(b"damaged")
    wrong = jumpduck.verify(filled)
    with Faults(s3.endpoint, always("404", "")) as proxy:
        (row,) = jumpduck.repair(wrong, filled, endpoint=proxy.endpoint).rows(named=True)
    assert row["status"] == "missing"
    assert jumpduck.verify(filled).filter(status="wrong")["path"].to_list() == [one]
    assert jumpduck.repair(wrong, filled, endpoint=s3.endpoint)["status"].to_list() == ["fetched"]
    assert jumpduck.verify(filled).filter(status="wrong").is_empty()


@pytest.mark.slow
def test_force_fetches_all_again_and_limit_only_the_first(manifest, s3, clean, tmp_path, cli):
    with Faults(s3.endpoint) as proxy:
        words = ("download", "--manifest", manifest, "--endpoint", proxy.endpoint, "--limit", 7)
        for more, requests in (((), 7), ((), 7), (("--force",), 14)):
            assert cli(*words, *more).code == 0
            assert proxy.requests == requests
    same(tmp_path / "images", clean)
    assert len(files(tmp_path / "images")) == 7


@pytest.mark.slow
def test_a_forced_run_needs_no_space_for_the_files_that_it_replaces(
    manifest, s3, clean, filled, monkeypatch
):
    used = sum(map(len, files(filled).values()))
    asked = []

    def free(folder):
        asked.append(folder)
        return used * 8 // 10

    monkeypatch.setattr(disk_space, "free_bytes", free)
    monkeypatch.setattr(disk_space, "ROWS_BETWEEN_CHECKS", 1)
    jumpduck.download(manifest, filled, endpoint=s3.endpoint, force=True)
    assert len(asked) > 100
    same(filled, clean)


def test_a_forced_run_without_space_forgets_nothing(manifest, clean, filled, tmp_path, monkeypatch):
    """Of the second manifest, a third of the files is there."""
    rows = pl.read_parquet(manifest)
    more = [
        rows.with_columns(pl.format("more{}/{}", pl.lit(n), "path").alias("path")) for n in "ab"
    ]
    used = sum(map(len, files(filled).values()))
    monkeypatch.setattr(disk_space, "free_bytes", lambda _: used)
    with pytest.raises(StoreError, match=r"no space on the disk.*files left need about"):
        jumpduck.download(pl.concat([rows, *more]), filled, force=True)
    same(filled, clean)
    assert jumpduck.verify(filled).filter(pl.col("status") == "left").is_empty()


@pytest.mark.slow
@pytest.mark.parametrize("after", ["one plate is forgotten", "some files are there"])
def test_a_forced_run_that_was_interrupted_goes_on_without_force(
    after, manifest, s3, clean, filled, monkeypatch
):
    out = filled
    calls = []

    def interrupt(call):
        def wrapped(self, *args):
            calls.append(args)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return call(self, *args)

        return wrapped

    with Faults(s3.endpoint) as proxy, monkeypatch.context() as patch:
        name = "remove" if after == "one plate is forgotten" else "append"
        patch.setattr(PlateTables, name, interrupt(getattr(PlateTables, name)))
        with pytest.raises(KeyboardInterrupt):
            jumpduck.download(manifest, out, endpoint=proxy.endpoint, force=True)
    journaled = [rows for _, rows, *_ in [*calls[:1], *calls[2:]] if name == "append"]
    kept = [row["status"] for rows in journaled for row in rows]
    with Faults(s3.endpoint) as proxy:
        jumpduck.download(manifest, out, endpoint=proxy.endpoint)
    assert len(proxy.asked) == 255 - kept.count("fetched")
    same(out, clean)


@pytest.mark.slow
def test_events_are_lines_of_json_with_the_summary_last(catalog, tmp_path, cli):
    jumpduck.manifest(catalog, path=tmp_path / "manifest.parquet")
    done = cli("download", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["event"] for event in events].count("plate") == 3
    bad = {event["status"] for event in events if event["event"] == "file"}
    assert bad == {"missing", "corrupt"}
    assert events[0] == {"event": "plan", "out": "images", "files": 255, "plates": 3}
    assert events[-1]["event"] == "end"


@pytest.mark.slow
def test_a_finished_plate_needs_no_network(catalog, tmp_path, monkeypatch):
    """17,280 files, as a whole plate has."""
    one = jumpduck.manifest(catalog, plates=["JD5876c3"], wells=["A01"]).head(1)
    number = pl.int_range(17280)
    many = one.select(pl.all().repeat_by(17280).explode()).with_columns(
        Metadata_Site=number.cast(pl.Int32),
        path=pl.format("source_3/b/p/s{}__DNA", number),
    )
    jumpduck.download(one, tmp_path / "one")
    (image,) = (tmp_path / "one").rglob("*.png")
    rows = many.with_columns(url=pl.lit("/nowhere"))
    jumpduck.download(rows.head(1), tmp_path / "out")  # makes the folder
    known = pl.read_parquet(tmp_path / "one" / "results.parquet")
    known = rows.join(known.drop(rows.columns, strict=False), how="cross").with_columns(
        pl.col("path") + ".png"
    )
    (tmp_path / "out" / "source_3/b/p").mkdir(parents=True)
    for path in known["path"]:
        (tmp_path / "out" / path).hardlink_to(image)
    plate = rows.select(PLATE_KEY).row(0)
    OutputFolder(tmp_path / "out").plates.update(plate, known)
    started = time.process_time()  # because the machine may do much else
    results = jumpduck.download(rows, tmp_path / "out")
    took = time.process_time() - started
    assert set(results["status"]) == {"present"}
    assert took < 2


@pytest.mark.slow
def test_memory_does_not_grow_with_the_manifest(tmp_path):
    """Two million rows with 800 MB of text are checked and counted in less than 450 MB."""
    query = """
        SELECT 'source_' || p // 100 AS Metadata_Source, 'b' AS Metadata_Batch,
            'plate' || p AS Metadata_Plate, 'A01' AS Metadata_Well, s::INT AS Metadata_Site,
            'DNA' AS Metadata_Channel, 'JCP' AS Metadata_JCP2022, 'n' AS Metadata_Name,
            'trt' AS Metadata_pert_type, 'COMPOUND' AS Metadata_PlateType, 'image' AS kind,
            's3://b/' || repeat('x', 150) || p || '/' || s AS url,
            'a/b/' || p || '/' || repeat('y', 150) || s AS path
        FROM range(200) AS a (p), range(10_000) AS b (s) ORDER BY p, s
    """
    duckdb.sql(f"COPY ({query}) TO '{tmp_path}/manifest.parquet' (FORMAT parquet)")
    printed, peak = peak_memory_kb("download", "--dry-run", cwd=tmp_path)
    assert "2,000,000 files of 200 plates" in printed
    assert peak < 450_000


@pytest.mark.slow
def test_half_a_minute_of_faults_and_kills_changes_nothing(manifest, s3, clean, tmp_path):
    rng = random.Random(11)
    out = tmp_path / "out"
    end = time.monotonic() + 30
    rounds = 0
    while time.monotonic() < end:
        rounds += 1
        words = ("--connections", str(rng.choice([1, 4, 32])))
        words += ("--force",) if rng.random() < 0.3 else ()
        with (
            Faults(s3.endpoint, at_random(FAULTS, 0.1, rounds), delay=0.01) as proxy,
            running(manifest, out, proxy, *words) as run,
        ):
            wait_for(proxy, rng.randint(1, 200), run)
            how = rng.choice([signal.SIGKILL, signal.SIGINT, None])
            if how is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.wait(8)
            else:
                run.send_signal(how)
                run.wait(END_SECONDS)
    assert rounds > 2
    jumpduck.download(manifest, out, endpoint=s3.endpoint)
    same(out, clean)
    assert set(files(out)) == set(files(clean))
