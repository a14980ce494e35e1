"""Shards become jobs: what is written, what is refused, and how limits are divided."""

import re
import shlex
from dataclasses import fields

import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.stages.download import DownloadOptions
from jumpduck.stages.submit import SubmitOptions, prepare

NOT_OF_A_JOB = {"manifest", "shard", "limit", "force"}
"""A shard is the manifest, whole; `force` would fetch all of it again when a job begins again."""


@pytest.fixture(scope="module")
def made(choice, tmp_path_factory):
    """Twelve shards. No test may change them."""
    folder = tmp_path_factory.mktemp("shards")
    choice.write_parquet(folder / "manifest.parquet")
    jumpduck.split(folder / "manifest.parquet", folder / "shards", into=12, cut=True)
    return folder / "shards"


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A folder with these shards, in which nothing of a batch system is installed."""
    (tmp_path / "shards").mkdir()
    for file in made.iterdir():
        (tmp_path / "shards" / file.name).hardlink_to(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_every_option_of_download_is_one_of_submit_unless_a_job_cannot_have_it():
    download, submit = (
        {one.name for one in fields(one)} for one in (DownloadOptions, SubmitOptions)
    )
    assert download - submit == NOT_OF_A_JOB


@pytest.mark.parametrize("system", ["slurm", "condor", "dask"])
@pytest.mark.parametrize(("at_once", "jobs"), [(None, 12), (5, 5), (400, 12)])
def test_the_limits_of_a_run_are_divided_over_the_jobs_that_may_run_at_once(
    system, at_once, jobs, here
):
    where = {"scheduler": "tcp://127.0.0.1:1"} if system == "dask" else {}
    options = SubmitOptions(system, at_once=at_once, max_requests=100, max_mbps=1000, **where)
    prepared = prepare(options)
    assert prepared.at_once == jobs
    for name, total in (("max_requests", 100), ("max_mbps", 1000)):
        assert total * 0.99 < prepared.limits[name] * jobs <= total
    if system != "dask":
        assert f"--max-requests {prepared.limits['max_requests']} " in prepared.text
        assert f"--max-mbps {prepared.limits['max_mbps']} " in prepared.text


def test_each_job_of_dask_on_this_machine_gets_its_part_of_the_limits(here):
    assert prepare(SubmitOptions("dask", local=3, max_requests=30)).limits["max_requests"] == 10


def test_a_limit_that_is_too_small_to_be_divided_is_refused(here):
    with pytest.raises(QueryError, match=r"max_requests 0.005 is too little for 12 jobs at once"):
        jumpduck.submit("slurm", max_requests=0.005)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"system": "pbs"}, "system 'pbs' is not one of"),
        ({"system": "slurm", "at_once": 0}, "at_once 0 is below 1"),
        ({"system": "slurm", "hours": 0}, "hours 0 is not above 0"),
        ({"system": "slurm", "hours": float("nan")}, "hours nan is not above 0"),
        ({"system": "slurm", "retries": -1}, "retries -1 is below 0"),
        ({"system": "slurm", "disk_gb": 3}, "disk_gb 3 is an option for condor, not for slurm"),
        ({"system": "condor", "hours": 3}, "hours 3 is an option for slurm, not for condor"),
        ({"system": "condor", "local": 3}, "local 3 is an option for dask, not for condor"),
        ({"system": "slurm", "lines": ["--partition=a"]}, "write '#SBATCH --partition=a'"),
        ({"system": "dask"}, "nothing says where Dask's workers are"),
        ({"system": "dask", "local": 2, "jobqueue": "slurm"}, "give one of"),
        ({"system": "dask", "local": 2, "cpus": 2}, "cpus 2 is an option for slurm and condor"),
        ({"system": "slurm", "recipe": "png9"}, "no recipe 'png9'"),
        ({"system": "slurm", "connections": 0}, "connections 0"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(options, said, here):
    with pytest.raises(QueryError, match=said):
        jumpduck.submit(**options)
    assert not list(here.rglob("slurm.sh")) + list(here.rglob("condor.sub"))


PROFILE = ("profile", "--nuclei", "DNA", "--cells", "none", "--features", "cellprofiler")


@pytest.mark.parametrize("system", ["slurm", "condor"])
def test_a_job_profiles_its_shard_with_the_options_behind_two_hyphens(system, here, cli):
    (here / "jumpduck.toml").write_text("[profile]\nnucleus-um = '4,40'\n")
    options = ("--dry-run", "--cpus", 3, "--at-once", 2, "--max-requests", 30)
    done = cli("submit", system, *options, "--", *PROFILE, "--out", "cells of mine")
    assert done.code == 0, done.err
    words = (
        "-m jumpduck profile --out 'cells of mine' --workers 3 --max-requests 15.0 --nuclei DNA "
        "--cells none --features cellprofiler --nucleus-um 4,40 --manifest shards/"
    )
    (line,) = [line for line in done.out.splitlines() if "-m jumpduck" in line]
    (job,) = re.findall(r"-m jumpduck .* --manifest shards/", line)
    assert sorted(shlex.split(job)) == sorted(shlex.split(words))
    assert "each gets 15 requests a second" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("profile", "--nuclei", "Hoechst"), "--nuclei 'Hoechst' is not a channel of the manifest"),
        (("profile",), "does not say which channel shows nuclei; name it with `--nuclei`"),
        ((*PROFILE, "--aggregate", "well"), "--aggregate is not for a job, because it has a part"),
        ((*PROFILE, "--limit", 3), "--limit is not for a job, which takes one shard whole"),
        ((*PROFILE, "--dry-run"), "--dry-run is an option of `jumpduck submit`; give it before"),
        (("embed",), "job 'embed' is not `profile`"),
    ],
)
def test_a_wrong_option_of_a_job_that_profiles_is_refused_before_anything_is_written(
    words, said, here, cli
):
    before = sorted(here.rglob("*"))
    done = cli("submit", "slurm", "--", *words)
    assert done.code in (1, 2)
    assert said in done.err
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": {"nucleus": "DNA"}}, "profile 'nucleus' is not one of its options: .*out, "),
        ({"profile": {}, "out": "profiles"}, "out is an option of jobs that download; give it"),
        ({"profile": {}, "recipe": "jxl"}, "recipe is an option of jobs that download; give it"),
    ],
)
def test_options_of_jobs_that_download_are_not_those_of_jobs_that_profile(options, said, here):
    with pytest.raises(QueryError, match=said):
        jumpduck.submit("slurm", **options)


def without_folder(shards):
    shards.rename(shards.with_name("elsewhere"))


def without_index(shards):
    (shards / "index.tsv").unlink()


def without_a_shard(shards):
    (shards / "0007.parquet").unlink()


def replaced(old, new):
    def change(shards):
        index = shards / "index.tsv"
        text = index.read_text().replace(old, new)
        index.unlink()
        index.write_text(text)

    return change


def emptied(shards):
    (shards / "index.tsv").unlink()
    (shards / "index.tsv").write_text("shard\tfile\tplates\tfiles\tgb\tsha256\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_folder, "shards 'shards' has no index.tsv; make the shards with `jumpduck split`"),
        (without_index, "shards 'shards' has no index.tsv"),
        (without_a_shard, "shard shards/0007.parquet of shards/index.tsv is not there"),
        (replaced("shard\t", "part\t"), "shards 'shards' has no index.tsv"),
        (replaced("\n3\t", "\nthree\t"), "shards/index.tsv cannot be read"),
        (replaced("0003.parquet", "0002.parquet"), "is not as `jumpduck split` wrote it"),
        (replaced("0003.parquet", "../0003.parquet"), "is not as `jumpduck split` wrote it"),
        (emptied, "there is nothing left to do"),
    ],
)
@pytest.mark.parametrize("system", ["slurm", "condor"])
def test_shards_that_are_not_whole_are_refused(system, change, said, here):
    change(here / "shards")
    with pytest.raises(ManifestError, match=said):
        jumpduck.submit(system)


@pytest.mark.parametrize(
    ("system", "program", "file"),
    [("slurm", "sbatch", "slurm.sh"), ("condor", "condor_submit", "condor.sub")],
)
def test_without_the_program_of_the_batch_system_the_file_is_written_and_named(
    system, program, file, here
):
    said = rf"is not installed here; shards/{file} is written: submit it with `{program} shards/"
    with pytest.raises(StoreError, match=said):
        jumpduck.submit(system)
    assert (here / "shards" / file).read_text() == prepare(SubmitOptions(system)).text


@pytest.mark.parametrize("system", ["slurm", "condor"])
def test_a_dry_run_prints_the_file_and_writes_nothing(system, here, cli):
    before = sorted(here.rglob("*"))
    done = cli("submit", system, "--dry-run", "--at-once", 3, "--max-requests", 30)
    assert done.code == 0, done.err
    assert (
        done.out.strip() == prepare(SubmitOptions(system, at_once=3, max_requests=30)).text.strip()
    )
    assert "12 jobs, at most 3 at once; each gets 10 requests a second" in done.err
    assert sorted(here.rglob("*")) == before


def test_what_sbatch_refuses_is_said(here, cli, monkeypatch):
    for name, text in (("sbatch", "echo no such partition >&2; exit 1"), ("scontrol", "exit 0")):
        (here / name).write_text(f"#!/bin/sh\n{text}\n")
        (here / name).chmod(0o755)
    done = cli("submit", "slurm", "--line", "#SBATCH --partition=wrong")
    assert done.code == 1
    assert done.err == "jumpduck: sbatch refuses shards/slurm.sh: no such partition\n"


def test_more_tasks_than_slurm_takes_are_refused(here, cli):
    (here / "scontrol").write_text("#!/bin/sh\necho 'MaxArraySize            = 12'\n")
    (here / "scontrol").chmod(0o755)
    done = cli("submit", "slurm")
    assert done.code == 2
    assert "has 12 shards, and this Slurm takes 11 tasks" in done.err


def test_what_condor_submit_prints_becomes_the_number_to_watch(here, cli):
    (here / "condor_submit").write_text("#!/bin/sh\necho 17.0 - 17.11\n")
    (here / "condor_submit").chmod(0o755)
    done = cli("submit", "condor", "--out", "my images")
    assert done.code == 0, done.err
    assert "job 17; watch it with: jumpduck status --out 'my images', condor_q 17" in done.out


def test_a_recipe_object_has_no_command_line(here):
    recipe = DownloadOptions().build()
    with pytest.raises(QueryError, match="is an object, which no command line can name"):
        jumpduck.submit("slurm", recipe=recipe)


@pytest.mark.parametrize("system", ["slurm", "condor"])
def test_a_variable_of_scratch_is_that_of_the_job(system, here):
    text = prepare(SubmitOptions(system, scratch="$TMPDIR/jumpduck")).text
    quoted = {
        "slurm": "--scratch '$TMPDIR/jumpduck'",
        "condor": "--scratch $(DOLLAR)TMPDIR/jumpduck",
    }
    assert quoted[system] in text


def test_a_folder_that_sbatch_cannot_take_is_refused(here, monkeypatch):
    (here / "back\\slash").mkdir()
    (here / "shards").rename(here / "back\\slash" / "shards")
    monkeypatch.chdir(here / "back\\slash")
    with pytest.raises(QueryError, match="has a line break or backslash"):
        jumpduck.submit("slurm")
