"""Shards on a real Slurm: an array of tasks fills one folder, whatever becomes of some of them."""

import os
import signal
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from tests.support.command_line import process
from tests.support.fault_proxy import Faults, always
from tests.support.folders import files, same
from tests.support.slurm import slurm as started

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SHARDS = 12

JOBQUEUE = {
    f"DASK_JOBQUEUE__SLURM__{name}": value
    for name, value in {"CORES": "1", "MEMORY": "1GB", "WALLTIME": "00:10:00"}.items()
}
"""What a user writes into dask-jobqueue's own configuration."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with started(tmp_path_factory.mktemp("slurm") / "slurm") as running:
        yield running


@pytest.fixture
def here(manifest, tmp_path, monkeypatch, slurm):
    """A folder with a blank in its name, with shards, where the commands know that Slurm."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    (folder / "manifest.parquet").hardlink_to(manifest)
    jumpduck.split(manifest, folder / "shards", into=SHARDS, cut=True)
    return folder


def submitted(**options):
    """The number of the array."""
    options = {"cpus": 1, "memory_gb": 1, **options}
    return jumpduck.submit("slurm", **options).id


def download_of(task, shards="shards"):
    """The process that downloads or profiles a task's shard, once it has begun."""
    manifest = f"{shards}/{task:04}.parquet".encode()
    until = time.monotonic() + 240
    while time.monotonic() < until:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if manifest in words and words[0] == sys.executable.encode():
                return int(folder.name)
        time.sleep(0.01)
    raise AssertionError(f"task {task} does not begin")


def script_of(download):
    """The process of the script that runs a download."""
    return int(Path(f"/proc/{download}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_task_that_is_killed_begins_again_and_the_array_ends(slurm, here, s3, clean):
    with Faults(s3.endpoint, delay=0.6) as proxy:
        job = submitted(endpoint=proxy.endpoint, at_once=1)
        os.kill(download_of(2), signal.SIGKILL)
        # what Slurm does before the time limit
        os.kill(script_of(download_of(4)), signal.SIGTERM)
        ended = slurm.wait(job)
    assert {number: one["Restarts"] for number, one in ended.items()} == {
        number: "1" if number in (2, 4) else "0" for number in range(1, SHARDS + 1)
    }
    same(here / "images", clean)
    assert set(files(here / "images")) == set(files(clean))


def test_a_kill_of_the_last_task_begins_that_one_again_and_no_other(slurm, here, s3, clean):
    """Its number in Slurm is that of the whole array."""
    with Faults(s3.endpoint, delay=0.3) as proxy:
        job = submitted(endpoint=proxy.endpoint)
        os.kill(download_of(SHARDS), signal.SIGKILL)
        ended = slurm.wait(job)
    restarts = {number: one["Restarts"] for number, one in ended.items()}
    assert restarts == {**dict.fromkeys(range(1, SHARDS), "0"), SHARDS: "1"}
    same(here / "images", clean)


def test_an_array_with_a_kill_a_cancel_and_a_fault_and_then_the_rest_give_the_bytes_of_one_run(
    slurm, here, s3, clean
):
    broken = always("503", "1000000001_B01")
    with Faults(s3.endpoint, broken, delay=1) as proxy:
        job = submitted(endpoint=proxy.endpoint, at_once=4, retries=0)
        os.kill(download_of(3), signal.SIGKILL)
        download_of(5)
        slurm.run("scancel", f"{job}_5")
        ended = slurm.wait(job)
        states = {number: (one["JobState"], one["ExitCode"]) for number, one in ended.items()}
        assert states[3] == ("FAILED", "137:0")
        assert states[5][0] == "CANCELLED"
        # some files could not be had, and such a task does not begin again
        assert {states[n] for n in states if n not in (3, 5)} == {
            ("COMPLETED", "0:0"),
            ("FAILED", "3:0"),
        }
        assert {one["Restarts"] for one in ended.values()} == {"0"}
        left = jumpduck.split("manifest.parquet", "left", left=True, into=2, cut=True)
        assert left["files"].sum() > 0
        proxy.rule = lambda path, n: None
        again = slurm.wait(submitted(shards="left", endpoint=proxy.endpoint))
    assert len(again) == left.height
    same(here / "images", clean)
    assert set(files(here / "images")) == set(files(clean))
    assert not list((here / "images").rglob("*.part"))


def test_an_array_that_profiles_and_then_the_rest_make_the_tables_of_one_run(slurm, here, s3):
    wells = pl.concat_str("Metadata_Source", "Metadata_Well", separator="/")
    chosen = ["source_2/A01", "source_2/B01", "source_13/B02"]
    pl.read_parquet("manifest.parquet").filter(wells.is_in(chosen)).write_parquet("wells.parquet")
    jumpduck.split("wells.parquet", "few", into=3, cut=True)
    options = {"nuclei": "DNA", "cells": "RNA", "processes": 1}
    average = {**options, "endpoint": s3.endpoint, "aggregate": "well"}
    jumpduck.profile("wells.parquet", "alone", **average)
    with Faults(s3.endpoint, delay=0.1) as proxy:
        options |= {"out": "profiles", "endpoint": proxy.endpoint}
        job = submitted(shards="few", profile=options, retries=0)
        os.kill(download_of(2, "few"), signal.SIGKILL)
        ended = slurm.wait(job)
        assert {one["ExitCode"] for one in ended.values()} <= {"0:0", "3:0", "137:0"}
        assert ended[2]["ExitCode"] == "137:0"
        left = jumpduck.split("few", "left", left=True, out="profiles", into=1)
        assert left["files"].sum() > 0
        slurm.wait(submitted(shards="left", profile=options))
        jumpduck.profile("few", **options, aggregate="well")
    alone, together = Path("alone"), Path("profiles")
    names = [file.relative_to(alone) for file in alone.glob("cells/*/*/*.parquet")]
    assert len(names) == 2
    for name in names:
        assert (together / name).read_bytes() == (alone / name).read_bytes()
    for name in ("images.parquet", "profiles.parquet"):
        assert pl.read_parquet(together / name).equals(pl.read_parquet(alone / name))


def test_dask_starts_workers_in_slurm_and_the_shard_of_one_that_is_cancelled_goes_to_another(
    slurm, here, s3, clean
):
    env = {**JOBQUEUE, **slurm.env}
    with Faults(s3.endpoint, delay=0.3) as proxy:
        words = ("--jobqueue", "slurm", "--at-once", 2, "--endpoint", proxy.endpoint, "--json")
        with process("submit", "dask", *words, cwd=here, **env) as run:
            while proxy.requests < 60 and run.poll() is None:
                time.sleep(0.1)
            (first, *_) = slurm.run("squeue", "--noheader", "--states=R", "--format=%i").split()
            slurm.run("scancel", "--signal=KILL", "--full", first)
            out, err = run.communicate(timeout=240)
    assert run.returncode == 3, err
    assert len(out.splitlines()) == SHARDS + 1
    same(here / "images", clean)
    assert set(files(here / "images")) == set(files(clean))
    slurm.wait_until_empty()


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({**JOBQUEUE, "DASK_JOBQUEUE__SLURM__QUEUE": "wrong"}, 1, "Invalid partition name"),
        ({}, 2, "jobqueue slurm: You must specify"),
    ],
)
def test_dask_says_why_slurm_starts_no_worker(settings, code, said, slurm, here):
    with process("submit", "dask", "--jobqueue", "slurm", cwd=here, **settings, **slurm.env) as run:
        _, err = run.communicate(timeout=120)
    assert run.returncode == code, err
    assert said in err
    assert err.count("\n") == 1, err
