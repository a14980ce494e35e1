"""Kills, processes, shards and full disks: `jumpduck profile` makes the same tables."""

import random
import shutil
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import StoreError
from jumpduck.profiling.plate_table import PlateGathering
from jumpduck.transfer.output_folder import OutputFolder
from tests.support.command_line import process
from tests.support.disks import disk, mount
from tests.support.fault_proxy import Faults

pytestmark = pytest.mark.slow

CHANNELS = {"nuclei": "DNA", "cells": "RNA"}
WORDS = ("--nuclei", "DNA", "--cells", "RNA")


@pytest.fixture(scope="module")
def rows(manifest):
    """The manifest of two plates, of which one has two sites that cannot be had."""
    return pl.read_parquet(manifest).filter(pl.col("Metadata_Source") != "source_3")


@pytest.fixture(scope="module")
def clean(rows, s3, tmp_path_factory):
    """The folder of one run in one process. No test may change it."""
    out = tmp_path_factory.mktemp("profiled") / "out"
    jumpduck.profile(rows, out, endpoint=s3.endpoint, processes=1, workers=1, **CHANNELS)
    return out


def same(out, clean):
    names = sorted(one.relative_to(clean) for one in clean.glob("cells/*/*/*.parquet"))
    assert len(names) == 2
    assert sorted(one.relative_to(out) for one in out.glob("cells/*/*/*.parquet")) == names
    for name in names:
        assert (out / name).read_bytes() == (clean / name).read_bytes()
    assert pl.read_parquet(out / "images.parquet").equals(pl.read_parquet(clean / "images.parquet"))
    assert not [*out.rglob("*.zip")]


def test_a_run_killed_again_and_again_ends_like_one_that_was_not(rows, s3, clean, tmp_path):
    rng = random.Random(3)
    file, out = tmp_path / "manifest.parquet", tmp_path / "out"
    rows.write_parquet(file)
    words = ("profile", "--manifest", file, "--out", out, *WORDS, "--connections", "2")
    with Faults(s3.endpoint, delay=0.02) as proxy:
        for number in range(4):
            processes = str(1 + number % 2)
            with process(*words, "--endpoint", proxy.endpoint, "--processes", processes) as run:
                before = len(OutputFolder(out).plates.plate_keys())
                until = proxy.requests + 20
                while run.poll() is None and proxy.requests < until:
                    time.sleep(0.01)
                time.sleep(rng.uniform(0, 0.5))
                assert run.poll() is None, "each kill is in the midst of a run"
                run.kill()
            assert before <= 2
            assert set(jumpduck.verify(out)["status"]) <= {"left", "missing", "corrupt"}
    jumpduck.profile(file, out, endpoint=s3.endpoint, processes=1, **CHANNELS)
    same(out, clean)


@pytest.mark.parametrize("options", [{"processes": 2}, {"processes": 1, "workers": 4}])
def test_processes_and_threads_change_nothing(options, rows, s3, clean, tmp_path):
    jumpduck.profile(rows, tmp_path, endpoint=s3.endpoint, **options, **CHANNELS)
    same(tmp_path, clean)


def test_shards_fill_one_folder_at_the_same_time(rows, s3, clean, tmp_path):
    file, out = tmp_path / "manifest.parquet", tmp_path / "out"
    rows.write_parquet(file)
    words = ("profile", "--manifest", file, "--out", out, *WORDS, "--endpoint", s3.endpoint)
    with (
        process(*words, "--shard", "1/2", "--processes", "1") as one,
        process(*words, "--shard", "2/2", "--processes", "1") as two,
    ):
        for run in (one, two):
            try:
                run.communicate(timeout=300)
            except subprocess.TimeoutExpired:
                run.kill()
        assert {one.returncode, two.returncode} <= {0, 3}
    same(out, clean)


def test_a_full_disk_stops_the_run_and_with_more_space_it_goes_on(rows, s3, clean, tmp_path):
    with disk(tmp_path / "disk", "size=400k") as place:
        out = place / "out"
        with pytest.raises(StoreError, match="no space"):
            jumpduck.profile(rows, out, endpoint=s3.endpoint, processes=1, **CHANNELS)
        mount(place, "remount,size=100m")
        jumpduck.profile(rows, out, endpoint=s3.endpoint, processes=1, **CHANNELS)
        same(out, clean)


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"PAR1")])
def test_a_table_of_the_images_of_a_plate_that_is_lost_or_damaged_is_made_again(
    rows, s3, clean, tmp_path, damage
):
    out = shutil.copytree(clean, tmp_path / "out")
    for file in (out / ".jumpduck/images").glob("*/*/*.parquet"):
        damage(file)
    jumpduck.profile(rows, out, endpoint=s3.endpoint, processes=1, **CHANNELS)
    same(out, clean)


def test_a_file_that_a_killed_run_with_other_options_left_is_not_taken(
    rows, s3, clean, tmp_path, monkeypatch
):
    """The other run got as far as the file's name, and not as far as its row."""
    other, out = tmp_path / "other", shutil.copytree(clean, tmp_path / "out")
    options = {**CHANNELS, "endpoint": s3.endpoint, "processes": 1}
    with monkeypatch.context() as patch:
        patch.setattr(PlateGathering, "gather", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            jumpduck.profile(rows, other, nucleus_um="1,2", **options)
    left = next(other.rglob("*.site.zip")).relative_to(other)
    (out / left).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(other / left, out / left)
    jumpduck.profile(rows, out, **options)
    same(out, clean)


def raise_interrupt(*_):
    raise KeyboardInterrupt
