"""As many connections as the process may open files for."""

import logging
import subprocess
import sys

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import StoreError
from jumpduck.storage import open_files
from jumpduck.storage.open_files import allowed_connections


class Limits:
    """Stands for the system's limits of one process."""

    RLIMIT_NOFILE, RLIM_INFINITY = 7, -1

    def __init__(self, soft, hard, *, may_raise=True):
        self.now, self.may_raise = (soft, hard), may_raise

    def getrlimit(self, _):
        return self.now

    def setrlimit(self, _, limits):
        if not self.may_raise:
            raise ValueError("not allowed to raise maximum limit")
        self.now = limits


@pytest.mark.parametrize(
    ("limits", "connections", "soft"),
    [
        (Limits(1024, 4096), 256, 1024),
        (Limits(-1, -1), 256, -1),
        (Limits(256, 4096), 256, 980),
        (Limits(256, -1), 256, 980),
        (Limits(256, 500), 96, 500),
        (Limits(256, 256), 15, 256),
        (Limits(256, 4096, may_raise=False), 15, 256),
        (Limits(20, 20), 1, 20),
    ],
)
def test_connections_are_fewer_where_the_process_may_open_too_few_files(
    limits, connections, soft, monkeypatch, caplog
):
    monkeypatch.setattr(open_files, "resource", limits)
    monkeypatch.setattr(open_files, "_open_now", lambda: 20)
    with caplog.at_level(logging.WARNING):
        assert allowed_connections(256) == connections
    assert limits.now[0] == soft
    assert bool(caplog.records) == (connections < 256)
    assert all("`ulimit -n 980`" in one.getMessage() for one in caplog.records)


def test_without_such_a_limit_all_connections_are_used(monkeypatch):
    monkeypatch.setattr(open_files, "resource", None)
    assert allowed_connections(256) == 256


@pytest.mark.slow
@pytest.mark.parametrize("files", [256, 96])
def test_256_connections_under_a_limit_of_open_files_fetch_all(
    files, choice_of_plate, gallery, s3, tmp_path
):
    rows = choice_of_plate
    bucket = pl.col("url").str.replace(str(gallery.gallery), "s3://cellpainting-gallery")
    rows.with_columns(bucket).write_parquet(tmp_path / "manifest.parquet")
    limited = f'ulimit -n {files} && exec "$@"'
    words = ("download", "--connections", "256", "--endpoint", s3.endpoint)
    done = subprocess.run(
        ["sh", "-c", limited, "sh", sys.executable, "-m", "jumpduck", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"may open {files} files" in done.stderr
    assert done.stderr.count("\n") == 1


def test_too_many_open_files_are_the_end_of_the_run_and_not_of_each_file(choice_of_plate, tmp_path):
    def refuse(*_, **__):
        raise ConnectionError("error sending request: dns error: Too many open files (os error 24)")

    rows = choice_of_plate.head(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("obstore.get", refuse)
        said = "Too many open files; raise `ulimit -n`, or give fewer `connections`"
        with pytest.raises(StoreError, match=said):
            jumpduck.download(rows.with_columns(url=pl.lit("s3://b/k")), tmp_path)
