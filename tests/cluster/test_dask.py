"""Shards on Dask's workers, in processes of this machine."""

import json
import os
import re
import shlex
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from jumpduck.cluster.dask import Workers, client_of, run_tasks
from tests.support.command_line import process
from tests.support.fault_proxy import Faults
from tests.support.folders import files, same


@pytest.fixture
def shards(manifest, tmp_path):
    jumpduck.split(manifest, tmp_path / "shards", into=12, cut=True)
    return tmp_path / "shards"


def children(parent):
    """The processes below a process."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found += [int(file.parent.name), *children(int(file.parent.name))]
    return found


def workers_of(run):
    """The workers of a run that have a shard: those with many threads."""
    return [
        child for child in children(run.pid)
        if len(list(Path(f"/proc/{child}/task").glob("*"))) > 40
    ]  # fmt: skip


@pytest.mark.slow
def test_the_shard_of_a_worker_that_is_killed_goes_to_another(shards, s3, clean, tmp_path):
    with Faults(s3.endpoint, delay=0.3) as proxy:
        words = ("--local", 2, "--endpoint", proxy.endpoint, "--json")
        with process("submit", "dask", *words, cwd=tmp_path) as run:
            for done in (3, 6):
                while proxy.requests < 21 * done and run.poll() is None:
                    time.sleep(0.01)
                os.kill(workers_of(run)[0], signal.SIGKILL)
            out, err = run.communicate()
    assert run.returncode == 3, err
    ended = [json.loads(line) for line in out.splitlines()]
    assert {one["shard"] for one in ended[:-1]} == {f"{number:04}" for number in range(1, 13)}
    same(tmp_path / "images", clean)
    assert set(files(tmp_path / "images")) == set(files(clean))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_workers_and_the_printed_command_continues(
    number, shards, s3, clean, tmp_path
):
    with Faults(s3.endpoint, delay=0.3) as proxy:
        words = ("--local", 2, "--endpoint", proxy.endpoint)
        with process("submit", "dask", *words, cwd=tmp_path, patient=True) as run:
            while proxy.requests < 60 and run.poll() is None:
                time.sleep(0.01)
            below = children(run.pid)
            run.send_signal(number)
            _, err = run.communicate(timeout=120)
        assert run.returncode == 128 + number
        while any(Path(f"/proc/{child}").exists() for child in below):
            time.sleep(0.1)
        kept = jumpduck.status(tmp_path / "images").plates["done"].sum()
        asked = Counter(proxy.asked)
        again = shlex.split(re.findall("Go on with: jumpduck (.*)", err)[0])
        with process(*again, cwd=tmp_path) as run:
            _, err = run.communicate(timeout=120)
    assert (run.returncode, kept > 0) == (3, True), err
    again = [path for path, times in asked.items() if proxy.asked[path] > times]
    assert len(again) <= len(asked) - kept, "what was kept was not fetched again"
    same(tmp_path / "images", clean)
    assert set(files(tmp_path / "images")) == set(files(clean))


def die_if_told(item):
    if item == "die":
        os._exit(1)
    return item


@pytest.mark.slow
def test_a_shard_whose_workers_die_is_reported_and_the_others_are_done():
    items = ["one", "die", "two", "three"]
    with client_of(Workers(local=2), 2, 1) as client:
        done = dict(run_tasks(client, die_if_told, items, 1))
    assert {name: result for name, result in done.items() if name != "die"} == {
        name: name for name in items if name != "die"
    }
    assert "died" in str(done["die"])


@pytest.mark.slow
def test_a_scheduler_that_runs_already_downloads_the_shards_and_goes_on_running(
    shards, s3, clean, tmp_path
):
    with client_of(Workers(local=2), 2, 3) as client:
        address = client.scheduler.address
        done = jumpduck.submit(
            "dask", shards, tmp_path / "images", scheduler=address, endpoint=s3.endpoint
        )
        assert client.submit(abs, -3).result() == 3
    counts = done.shards.select(pl.col(pl.Int64).sum()).row(0, named=True)
    assert counts == {"fetched": 253, "present": 0, "missing": 1, "corrupt": 1, "failed": 0}
    assert done.shards["shard"].to_list() == [f"{number:04}" for number in range(1, 13)]
    assert done.shards["error"].null_count() == 12
    same(tmp_path / "images", clean)


@pytest.mark.slow
def test_a_shard_is_profiled_by_a_worker_and_its_images_are_counted(manifest, s3, tmp_path):
    rows = pl.read_parquet(manifest).filter(Metadata_Source="source_2", Metadata_Well="A01")
    rows.write_parquet(tmp_path / "manifest.parquet")
    jumpduck.split(tmp_path / "manifest.parquet", tmp_path / "shards", into=2, cut=True)
    options = {"out": tmp_path / "out", "nuclei": "DNA", "cells": "none", "endpoint": s3.endpoint}
    for status in ("fetched", "present"):
        done = jumpduck.submit("dask", tmp_path / "shards", local=1, profile=options)
        counts = done.shards.select(pl.col(pl.Int64).sum()).row(0, named=True)
        assert counts[status] == rows.height, done.shards
    assert pl.read_parquet(tmp_path / "out/images.parquet").height == rows.height / 5


@pytest.mark.slow
def test_an_error_that_ends_the_job_of_a_shard_is_said_once_and_the_others_are_done(
    shards, s3, tmp_path, cli
):
    (shards / "0002.parquet").write_bytes(b"no manifest")
    done = cli("submit", "dask", "--local", 1, "--endpoint", s3.endpoint)
    assert done.code == 1
    assert "jumpduck: 1 of 12 shards ended early: " in done.err
    assert "0002.parquet" in done.err
    assert pl.read_parquet(tmp_path / "images" / "results.parquet").height > 200


@pytest.mark.slow
def test_a_scheduler_that_cannot_be_reached_is_named(shards, monkeypatch, cli):
    monkeypatch.setattr("jumpduck.cluster.dask.CONNECT_SECONDS", 1)
    done = cli("submit", "dask", "--scheduler", "tcp://127.0.0.1:1")
    assert done.code == 1
    assert "the Dask scheduler at tcp://127.0.0.1:1 cannot be reached" in done.err


@pytest.mark.parametrize(
    ("module", "options"),
    [("distributed", ("--local", 1)), ("dask_jobqueue", ("--jobqueue", "slurm"))],
)
@pytest.mark.slow
def test_without_dask_it_is_said_what_to_install(module, options, shards, monkeypatch, cli):
    monkeypatch.setitem(sys.modules, module, None)
    done = cli("submit", "dask", *options)
    assert done.code == 2
    assert "; install the extra: pip install 'jumpduck[dask]'" in done.err
