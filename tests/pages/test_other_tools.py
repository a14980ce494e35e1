"""What a page says that another tool does the same as jumpduck."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from tests.support.pages import blocks
from tests.support.places import ROOT

PAGE = ROOT / "docs/from-aws-s3-sync.md"
PLATE = "1000000001"
PROGRAMS = Path(sys.executable).parent


def contents(files):
    return sorted(file.read_bytes() for file in files)


@pytest.mark.slow
def test_s5cmd_brings_the_files_that_jumpduck_brings(s3, manifest, tmp_path):
    rows = pl.read_parquet(manifest).filter(pl.col("Metadata_Plate") == PLATE)
    results = jumpduck.download(rows, tmp_path / "own", recipe="raw", endpoint=s3.endpoint)
    results = results.filter(pl.col("status") == "fetched")
    of_a01 = results.filter(pl.col("Metadata_Well") == "A01")
    of_a01.write_parquet(tmp_path / "a01.parquet")

    lines = [line for one in blocks(PAGE) if one.language == "sh" for line in one.text.splitlines()]
    theirs = [line for line in lines if line.startswith("s5cmd ")]
    shown = [command for one in blocks(PAGE) for command, _ in one.commands()]
    of_a_manifest = [command for command in shown if command.startswith("duckdb ")]
    assert (len(theirs), len(of_a_manifest)) == (3, 1)
    env = {**os.environ, "S3_ENDPOINT_URL": s3.endpoint}
    env["PATH"] = f"{PROGRAMS}{os.pathsep}{env['PATH']}"
    for line in of_a_manifest + theirs:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stderr)

    own = {path: (tmp_path / "own" / path).read_bytes() for path in results["path"]}
    plate = contents((tmp_path / "plate").glob("*.tif"))
    # the manifest leaves sites out, s5cmd cannot
    assert set(own.values()) <= set(plate)
    a01 = set(contents((tmp_path / "a01").iterdir()))
    assert {own[path] for path in of_a01["path"]} <= a01 < set(plate)
    chosen = {file for file in (tmp_path / "chosen").rglob("*") if file.is_file()}
    assert contents(chosen) == sorted(own[path] for path in of_a01["path"])
