"""The examples for Snakemake and Nextflow download the shards of a folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from tests.support.folders import files, same
from tests.support.places import ROOT

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def manifest(choice, tmp_path_factory):
    """Three plates; two of their files cannot be had."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.parquet"
    choice.write_parquet(path)
    return path


@pytest.fixture(scope="module")
def clean(manifest, tmp_path_factory):
    """The folder of one download. No test may change it."""
    out = tmp_path_factory.mktemp("clean")
    jumpduck.download(manifest, out)
    return out


@pytest.fixture
def here(manifest, tmp_path):
    """A folder with a blank in its name, with shards."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    jumpduck.split(manifest, folder / "shards", into=3)
    return folder


def run(*words, cwd):
    env = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True)


@pytest.mark.slow
def test_the_example_for_snakemake_downloads_all_shards_and_does_nothing_twice(here, clean):
    snakefile = ROOT / "examples/snakemake/Snakefile"
    command = ("snakemake", "--snakefile", snakefile, "--cores", "2", "--config", "out=my images")
    done = run(*command, cwd=here)
    assert done.returncode == 0, done.stderr
    same(here / "my images", clean)
    assert set(files(here / "my images")) == set(files(clean))
    again = run(*command, cwd=here)
    assert "Nothing to be done" in again.stderr, again.stderr


@pytest.mark.slow
def test_the_example_for_snakemake_ends_if_a_shard_cannot_be_downloaded(here):
    (here / "shards/0002.parquet").write_bytes(b"no manifest")
    snakefile = ROOT / "examples/snakemake/Snakefile"
    done = run("snakemake", "--snakefile", snakefile, "--cores", "2", "--retries", "0", cwd=here)
    assert done.returncode == 1
    assert "0002.parquet" in (here / "shards/logs/0002.parquet.log").read_text()


@pytest.mark.slow
def test_the_command_lines_of_the_example_for_nextflow_download_all_shards(here, clean):
    """No registry of packages has Nextflow, so its script is read here as Nextflow would."""
    text = (ROOT / "examples/nextflow/main.nf").read_text()
    params = dict(re.findall(r"^params\.(\w+) = '(.*)'$", text, re.MULTILINE))
    (script,) = re.findall(r'"""\n(.*?)"""', text, re.DOTALL)
    index = pl.read_csv(here / params["shards"] / "index.tsv", separator="\t")
    for file in index["file"]:
        values = {
            "launchDir": str(here),
            "file": file,
            "task.cpus": "2",
            **{f"params.{name}": value for name, value in params.items()},
        }
        command = re.sub(
            r"(?<!\\)\$\{([\w.]+)\}", lambda name, values=values: values[name[1]], script
        )
        done = run("bash", "-ue", "-c", command.replace("\\$", "$"), cwd=here.parent)
        assert done.returncode == 0, done.stderr
    same(here / "images", clean)
    assert set(files(here / "images")) == set(files(clean))
