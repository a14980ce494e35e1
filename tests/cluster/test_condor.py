"""What HTCondor's own library makes of the description of the jobs."""

import importlib
import json
import subprocess
import sys

import pytest

import jumpduck
from jumpduck.stages.submit import SubmitOptions, prepare
from tests.support.examples import first_quick
from tests.support.folders import facts

if sys.platform != "linux":
    pytest.skip("HTCondor's library is for Linux alone", allow_module_level=True)
htcondor2, classad2 = map(importlib.import_module, ("htcondor2", "classad2"))


def words_of(submit, shard):
    """The words of a job's command line, as HTCondor reads them."""
    submit["shard"] = shard
    text = submit.expand("arguments")
    assert text[0] == text[-1] == '"'
    text = json.dumps(text[1:-1].replace('""', '"'), ensure_ascii=False)
    return [submit.expand("executable"), *classad2.ExprTree(f"argsToList({text})").eval()]


def described(shards, out="images", **options):
    return htcondor2.Submit(prepare(SubmitOptions("condor", shards, out, **options)).text)


@pytest.mark.slow
@first_quick(1, "name", ['a "b" it\'s $(c) 50% \\d', "shards"])
def test_each_item_of_htcondor_names_a_shard_and_its_command_line_downloads_it(
    name, catalog, tmp_path, monkeypatch
):
    here = tmp_path / f"here {name}"
    here.mkdir()
    monkeypatch.chdir(here)
    manifest = here / "manifest.parquet"
    rows = jumpduck.manifest(catalog, max_sites=2)
    rows.write_parquet(manifest)
    shards = here / name
    jumpduck.split(manifest, shards, into=2, cut=True)
    submit = described(name, f"out {name}", at_once=1, compression="zstd", recipe="tiff16")
    items = [item["shard"] for item in submit.itemdata()]
    assert [f"{one}.parquet" for one in items] == sorted(p.name for p in shards.glob("*.parquet"))
    assert submit.expand("max_materialize") == "1"
    for shard in items:
        words = words_of(submit, shard)
        done = subprocess.run(
            words, cwd=submit.expand("initialdir"), capture_output=True, text=True
        )
        assert done.returncode in (0, 3), done.stderr
    assert facts(here / f"out {name}").height == rows.height
    assert set(facts(here / f"out {name}")["recipe"].str.split(" ").list.first()) == {"tiff16"}


@first_quick(
    3,
    ("ended", "again"),
    [
        ("ExitCode = 3", False),
        ("ExitCode = 137", True),
        ("ExitBySignal = true; ExitSignal = 9", True),
        ("ExitCode = 1", False),
        ("ExitCode = 2", False),
        ("ExitCode = 130", True),
        ("ExitCode = 143", True),
    ],
)
@pytest.mark.slow
def test_htcondor_tries_a_killed_job_again_and_not_one_that_says_why(
    ended, again, catalog, tmp_path
):
    jumpduck.manifest(catalog, max_sites=1).write_parquet(tmp_path / "manifest.parquet")
    jumpduck.split(tmp_path / "manifest.parquet", tmp_path / "shards", into=1)
    submit = described(tmp_path / "shards")
    # what condor_submit makes of max_retries
    ad = classad2.ClassAd(f"[{ended}; Until = {submit.expand('retry_until')}]")
    assert ad.eval("Until") is not again
    assert submit.expand("success_exit_code") == "0"
    assert int(submit.expand("max_retries")) > 0
