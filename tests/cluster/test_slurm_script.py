"""The script for sbatch, run by bash as a task of Slurm runs it."""

import os
import signal
import subprocess
import time

import pytest

from jumpduck.cluster.jobs import Jobs
from jumpduck.cluster.slurm import script

SCONTROL = """#!/bin/sh
echo "$*" >> "$CALLS"
[ "$1" = show ] && echo "JobId=40 JobState=$STATE"
exit 0
"""


@pytest.fixture
def task(tmp_path):
    """Start the script for a shard whose job is the shell's command `job`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "scontrol").write_text(SCONTROL)
    (programs / "scontrol").chmod(0o755)

    def start(job, number=7, *, name="shards", state="RUNNING", restarts=0, lines=()):
        here = tmp_path / f"here {name}"
        shards = here / name
        shards.mkdir(parents=True, exist_ok=True)
        (shards / "0007.parquet").touch()
        jobs = Jobs(
            folder=shards.relative_to(here),
            shards=[f"{number:04}" for number in range(1, 13)],
            command=["bash", "-c", job, "job"],
            directory=here,
            at_once=None,
            cpus=1,
            memory_gb=1,
            retries=2,
            lines=lines,
        )
        (tmp_path / "slurm.sh").write_text(script(jobs, hours=None))
        env = {
            **os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "STATE": state,
            "CALLS": str(tmp_path / "calls"), "SLURM_ARRAY_TASK_ID": str(number),
            "SLURM_ARRAY_JOB_ID": "40", "SLURM_JOB_ID": "40",  # as those of the last task are
            "SLURM_RESTART_COUNT": str(restarts),
        }  # fmt: skip
        return subprocess.Popen(
            ["bash", tmp_path / "slurm.sh"], cwd=tmp_path, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start


def requeued(tmp_path):
    calls = tmp_path / "calls"
    return calls.exists() and "requeue 40_7" in calls.read_text().splitlines()


@pytest.mark.parametrize("name", ["shards", 'a "b" it\'s $(c) 50% `d` !e'])
def test_a_task_downloads_the_shard_of_its_number_whatever_the_folders_are_called(
    name, task, tmp_path
):
    out, err = task('printf "%s\\n" "$PWD" "$@"', name=name).communicate()
    words = [str(tmp_path / f"here {name}"), "--manifest", f"{name}/0007.parquet"]
    assert (out.splitlines(), err) == (words, "")


def test_a_task_whose_number_no_shard_has_ends_with_2_and_says_so(task, tmp_path):
    running = task("echo never", number=13)
    out, err = running.communicate()
    assert (running.returncode, out) == (2, "")
    assert err == "shards has no 0013.parquet: its shards are 1 to 12\n"


@pytest.mark.parametrize(
    ("job", "code", "again"),
    [
        ("exit 0", 0, False),
        ("exit 1", 1, False),
        ("exit 2", 2, False),
        ("exit 3", 3, False),
        ("exit 143", 143, True),
        ("kill -9 $$", 137, True),
    ],
)
def test_a_killed_task_begins_again_and_one_that_says_why_it_ended_does_not(
    job, code, again, task, tmp_path
):
    running = task(job)
    running.communicate()
    assert (running.returncode, requeued(tmp_path)) == (code, again)


@pytest.mark.parametrize(("state", "restarts"), [("CANCELLED", 0), ("RUNNING", 2)])
def test_a_cancelled_task_and_one_that_was_killed_too_often_do_not_begin_again(
    state, restarts, task, tmp_path
):
    running = task("kill -9 $$", state=state, restarts=restarts)
    running.communicate()
    assert (running.returncode, requeued(tmp_path)) == (137, False)


@pytest.mark.parametrize(("last", "code"), [("exit 143", 143), ("exit 0", 0)])
def test_the_sigterm_before_the_time_limit_reaches_the_download_which_ends_in_its_own_way(
    last, code, task, tmp_path
):
    trap = f"trap 'sleep 0.3; echo tidy; {last}' TERM"
    job = f"{trap}; touch {tmp_path}/begun; while :; do sleep 0.05; done"
    running = task(job)
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate()
    assert (running.returncode, out, requeued(tmp_path)) == (code, "tidy\n", code == 143)


def test_further_lines_stand_where_sbatch_or_bash_read_them(task, tmp_path):
    lines = ("#SBATCH --partition=short", "export GREETING='good morning'")
    out, _ = task('echo "$GREETING"', lines=lines).communicate()
    assert out == "good morning\n"
    written = (tmp_path / "slurm.sh").read_text().splitlines()
    commands = [number for number, line in enumerate(written) if line and line[0] != "#"]
    assert written.index("#SBATCH --partition=short") < commands[0]
