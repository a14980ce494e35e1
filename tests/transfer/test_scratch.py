"""Files of a plate wait on a local disk until all of them are made, and nothing else changes."""

import itertools
import json
import signal
import time

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import JumpduckError, QueryError, StoreError
from jumpduck.transfer import scratch as scratch_module
from jumpduck.transfer.scheduler import Scheduler
from jumpduck.transfer.scratch import Scratch
from tests.support.command_line import process
from tests.support.disks import disk, mount
from tests.support.examples import first_quick
from tests.support.fault_proxy import Faults
from tests.support.folders import files, same


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def await_end_of_copies(out):
    """Wait until no thread of an interrupted run copies a file any more."""
    until = time.monotonic() + 30
    while list(out.rglob("*.part")) and time.monotonic() < until:
        time.sleep(0.01)


@first_quick(1, "more", [(), ("--processes", 2, "--recipe", "png8")])
@pytest.mark.slow
def test_a_run_with_scratch_ends_like_one_without(
    manifest, s3, clean, scratch, tmp_path, cli, more
):
    words = ("--manifest", manifest, "--endpoint", s3.endpoint, "--scratch", scratch)
    done = cli("download", *words, *more, "--json")
    assert done.code == 3, done.err
    out = tmp_path / "images"
    same(out, clean)
    assert len(files(out)) == len(files(clean))
    assert not any(scratch.iterdir())
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob("*.jsonl"))
    assert f"--scratch {scratch}" in " ".join(json.loads(cli("status", "--json").out)["commands"])


def test_no_file_of_a_plate_is_in_the_folder_before_all_are_made(
    manifest, s3, clean, scratch, tmp_path, monkeypatch
):
    seen = {}
    move = Scratch.move

    def look(self, plate, hand_over):
        in_scratch = [file for file in self.path.rglob("*.part") if plate[2] in str(file)]
        in_out = [file for file in out.rglob("*.png") if plate[2] in str(file)]
        seen[plate] = len(in_scratch), in_out
        move(self, plate, hand_over)

    out = tmp_path / "images"
    monkeypatch.setattr(Scratch, "move", look)
    jumpduck.download(manifest, out, endpoint=s3.endpoint, scratch=scratch)
    assert {plate[2]: count for plate, (count, _) in seen.items()} == {
        plate: sum(plate in one for one in files(clean)) for plate in {key[2] for key in seen}
    }
    assert len(seen) == 3
    assert not any(there for _, there in seen.values())


@pytest.mark.slow
@pytest.mark.parametrize("when", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_ended_loses_at_most_the_plates_in_work(
    manifest, s3, clean, scratch, tmp_path, cli, when
):
    words = ("download", "--manifest", manifest, "--scratch", scratch, "--connections", 4)
    out = tmp_path / "images"
    # the first plate has 95 files, and the second must not be finished before the signal
    with Faults(s3.endpoint, lambda *_: "hang" if proxy.requests > 130 else None, 0.1) as proxy:
        words_here = (*words, "--endpoint", proxy.endpoint)
        with process(*words_here, cwd=tmp_path, patient=True) as run:
            while run.poll() is None and not list(out.glob(".jumpduck/plates/*/*/*.parquet")):
                time.sleep(0.01)
            run.send_signal(when)
            run.communicate()
        proxy.delay, proxy.rule = 0, lambda *_: None
        assert files(out).items() <= files(clean).items()
        files_of_first = files(out)
        there = {one.split("/")[0] for one in files(out)}
        assert there == {"source_13"}
        assert bool(list(scratch.iterdir())) == (when == signal.SIGKILL)
        before = proxy.requests
        assert cli(*words, "--endpoint", proxy.endpoint).code == 3
        # what is broken is fetched twice
        assert proxy.requests - before == 255 + 1 - len(files_of_first)
    same(out, clean)
    assert files(out) == files(clean)
    assert not any(scratch.iterdir())


@pytest.mark.slow
def test_a_run_that_is_interrupted_again_and_again_ends_like_another(
    manifest, s3, clean, scratch, tmp_path, monkeypatch
):
    out = tmp_path / "images"
    take = {name: getattr(Scheduler, name) for name in ("_take_in_scratch", "_take")}
    for name, after in (("_take_in_scratch", 40), ("_take", 1), ("_take", 70)):
        count = itertools.count(1)

        def stop(self, outcome, name=name, after=after, count=count):
            if next(count) == after:
                raise KeyboardInterrupt
            take[name](self, outcome)

        with monkeypatch.context() as patch:
            patch.setattr(Scheduler, name, stop)
            with pytest.raises(KeyboardInterrupt):
                jumpduck.download(manifest, out, endpoint=s3.endpoint, scratch=scratch)
        await_end_of_copies(out)
        same(out, clean)
    jumpduck.download(manifest, out, endpoint=s3.endpoint, scratch=scratch)
    same(out, clean)
    assert files(out) == files(clean)


@pytest.mark.slow
def test_scratch_that_cannot_be_used_is_refused_before_anything_is_written(
    manifest, scratch, tmp_path, cli
):
    out = tmp_path / "images"
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(out)
    (scratch / "inside").mkdir()
    cases = {
        "absent": "scratch absent is not there; name a folder of a local disk",
        "file": "scratch file is not there",
        "images": "scratch images and output folder images are one folder, or one is inside",
        "link": "one folder, or one is inside the other",
        "images/in": "one folder, or one is inside the other",
        ".": "one folder, or one is inside the other",
    }
    for given, said in cases.items():
        for more in ((), ("--dry-run",)):
            done = cli("download", "--manifest", manifest, "--scratch", given, *more)
            assert done.code in (1, 2)
            assert said in done.err.replace("--scratch", "scratch"), (given, done.err)
            assert not out.exists()
    with pytest.raises(QueryError, match="one is inside the other"):
        jumpduck.download(manifest, scratch / "inside", scratch=scratch)


@pytest.mark.slow
def test_scratch_beside_roots_is_outside_of_each(manifest, s3, clean, scratch, tmp_path):
    roots = {"source_2": tmp_path / "disk2", "source_3": tmp_path / "disk3"}
    for root in roots.values():
        root.mkdir()
    with pytest.raises(QueryError, match="disk3 are one folder, or one is inside"):
        jumpduck.download(manifest, tmp_path / "out", roots=roots, scratch=tmp_path / "disk3")
    out = tmp_path / "out"
    jumpduck.download(manifest, out, roots=roots, scratch=scratch, endpoint=s3.endpoint)
    every = [files(folder) for folder in (out, *roots.values())]
    assert {path: data for some in every for path, data in some.items()} == files(clean)
    assert not any(scratch.iterdir())


def test_scratch_may_be_named_by_a_variable_of_the_job(manifest, s3, scratch, tmp_path, cli):
    (tmp_path / "jumpduck.toml").write_text('[download]\nscratch = "$JOB_TMP/scratch"')
    words = ("download", "--manifest", manifest, "--endpoint", s3.endpoint, "--limit", 3)
    assert "scratch $JOB_TMP/scratch has a variable that is not set" in cli(*words).err
    done = cli(*words, "--quiet", JOB_TMP=str(tmp_path))
    assert done.code == 0, done.err
    assert len(files(tmp_path / "images")) == 3


def test_a_read_only_scratch_ends_the_run_in_one_line(manifest, tmp_path, cli):
    with disk(tmp_path / "scratch", "ro"):
        done = cli("download", "--manifest", manifest, "--scratch", "scratch")
        assert done.code == 1
        assert "cannot write to scratch scratch; name a folder that may be written to" in done.err
        assert not (tmp_path / "images").exists()


@pytest.mark.slow
def test_a_scratch_that_gets_full_is_named_and_with_more_space_the_run_goes_on(
    manifest, s3, clean, tmp_path, cli
):
    with disk(tmp_path / "scratch", "size=300k") as place:
        words = ("download", "--manifest", manifest, "--scratch", "scratch")
        words = (*words, "--endpoint", s3.endpoint)
        done = cli(*words)
        assert done.code == 1
        remark, error = done.err.splitlines()
        assert "scratch scratch may have too little space: 0.3 MB are free, and 3 plates" in remark
        assert "no space in --scratch scratch: " in error or "no space in scratch scratch" in error
        assert "run the same command again" in error
        assert not any(place.iterdir())
        mount(place, "remount,size=50m")
        assert cli(*words).code == 3
    same(tmp_path / "images", clean)


def test_a_plate_that_surely_does_not_fit_into_scratch_ends_the_run_before_it_begins(
    manifest, scratch, tmp_path, monkeypatch
):
    monkeypatch.setattr(scratch_module, "free_bytes", lambda _: 100_000_000)
    rows = pl.read_parquet(manifest)
    with pytest.raises(StoreError, match=r"no space in scratch .*: 100.0 MB .* about 2\d\d.* MB"):
        jumpduck.download(rows, tmp_path / "out", recipe="raw", scratch=scratch)
    assert not files(tmp_path / "out")


@pytest.mark.slow
def test_a_full_output_disk_stops_a_run_with_scratch_and_the_same_command_continues(
    manifest, s3, clean, scratch, tmp_path, cli
):
    with disk(tmp_path / "disk", "size=300k") as place:
        words = ("download", "--manifest", manifest, "--endpoint", s3.endpoint)
        words = (*words, "--out", "disk/out", "--scratch", scratch)
        done = cli(*words)
        assert done.code == 1
        assert "no space on the disk of disk/out: " in done.err
        assert not list(place.rglob("*.part"))
        mount(place, "remount,size=50m")
        assert cli(*words).code == 3
        same(place / "out", clean)


@pytest.mark.slow
def test_a_name_that_is_taken_in_the_folder_is_the_row_of_one_file(
    manifest, s3, clean, scratch, tmp_path
):
    out = tmp_path / "images"
    one, *_ = files(clean)
    (out / one).mkdir(parents=True)
    jumpduck.download(manifest, out, endpoint=s3.endpoint, scratch=scratch)
    rows = pl.read_parquet(out / "results.parquet")
    bad = rows.filter(pl.col("status") == "failed")
    assert bad["path"].to_list() == [one]
    assert "directory" in bad["error"].item()


@pytest.mark.slow
def test_a_file_that_someone_removed_from_scratch_ends_the_run_and_the_next_makes_it(
    manifest, s3, clean, scratch, tmp_path, monkeypatch
):
    out = tmp_path / "images"
    move = Scratch.move

    def remove_one(self, plate, hand_over):
        next(self.path.rglob("*.part")).unlink()
        move(self, plate, hand_over)

    with monkeypatch.context() as patch:
        patch.setattr(Scratch, "move", remove_one)
        with pytest.raises(JumpduckError, match="which this run wrote: No such file"):
            jumpduck.download(manifest, out, endpoint=s3.endpoint, scratch=scratch)
    await_end_of_copies(out)
    same(out, clean)
    jumpduck.download(manifest, out, endpoint=s3.endpoint, scratch=scratch)
    assert files(out) == files(clean)


def test_what_a_killed_run_left_in_scratch_is_removed_and_nothing_else(
    manifest, s3, scratch, tmp_path
):
    left = scratch / "jumpduck-0123456789abcdef"
    left.mkdir()
    (left / "x.part").touch()
    (scratch / "of_others").mkdir()
    held = scratch_module.HeartbeatLock(scratch / "jumpduck-fedcba9876543210.lock", scratch)
    assert held.acquire()
    (scratch / "jumpduck-fedcba9876543210").mkdir()
    rows = pl.read_parquet(manifest).head(3)
    jumpduck.download(rows, tmp_path / "out", endpoint=s3.endpoint, scratch=scratch)
    assert sorted(one.name for one in scratch.iterdir()) == [
        "jumpduck-fedcba9876543210", "jumpduck-fedcba9876543210.lock", "of_others",
    ]  # fmt: skip
    held.release()
