"""Shards on a real Slurm: an array of tasks fills one folder, whatever becomes of some of them."""

import os
import signal
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from tests.support.fault_proxy import Faults
from tests.support.folders import files, same
from tests.support.shards import write_shards
from tests.support.slurm import slurm as started

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SHARDS = 12


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with started(tmp_path_factory.mktemp("slurm") / "slurm") as running:
        yield running


@pytest.fixture(scope="module")
def manifest(catalog, gallery, tmp_path_factory):
    """Three plates over S3; two of their files cannot be had."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.parquet"
    jumpduck.manifest(catalog).with_columns(
        pl.col("url").str.replace(str(gallery.gallery), "s3://cellpainting-gallery", literal=True)
    ).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def clean(manifest, s3, tmp_path_factory):
    """The folder of one download without interruption. No test may change it."""
    out = tmp_path_factory.mktemp("clean")
    jumpduck.download(manifest, out, endpoint=s3.endpoint)
    return out


@pytest.fixture
def here(manifest, tmp_path, monkeypatch, slurm):
    """A folder with a blank in its name, with shards, where the commands know that Slurm."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    write_shards(manifest, folder / "shards", SHARDS)
    return folder


def submitted(**options):
    """The number of the array."""
    options = {"cpus": 1, "memory_gb": 1, **options}
    return jumpduck.submit("slurm", **options).id


def download_of(task):
    """The process that downloads a task's shard, once it has begun."""
    manifest = f"shards/{task:04}.parquet".encode()
    while True:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if manifest in words and words[0] == sys.executable.encode():
                return int(process.name)
        time.sleep(0.01)


def script_of(download):
    """The process of the script that runs a download."""
    return int(Path(f"/proc/{download}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_task_that_is_killed_begins_again_and_the_array_ends(slurm, here, s3, clean):
    with Faults(s3.endpoint, delay=0.3) as proxy:
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
