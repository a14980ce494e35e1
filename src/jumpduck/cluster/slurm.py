"""Slurm: an array of tasks, one for each shard."""

import re
import shlex
from pathlib import Path

from jumpduck.cluster.jobs import NAME, Jobs, run_program
from jumpduck.errors import QueryError

FILE = "slurm.sh"

SECONDS_BEFORE_LIMIT = 60
"""When a task gets SIGTERM before its time limit; a download ends within 3 seconds."""

SCRIPT = """\
#!/bin/bash
# Made by `jumpduck submit slurm`: one task for each shard of {folder}.
# A shard that begins again fetches what is not there yet.
{options}

cd -- {directory} || exit 1
{commands}
shard=$(printf '%0{digits}d' "$SLURM_ARRAY_TASK_ID").parquet
if [ ! -f {folder}/"$shard" ]; then
    echo {folder} "has no $shard: its shards are 1 to {number}" >&2
    exit 2
fi

# Slurm sends SIGTERM to this script alone
{command} --manifest {folder}/"$shard" &
job=$!
trap 'kill -TERM "$job" 2>/dev/null' TERM
while wait "$job"; code=$?; kill -0 "$job" 2>/dev/null; do :; done
wait "$job" 2>/dev/null; code=$?

# 137 and 143: it was killed, or its time ended. 3 says that some files cannot be had, and 1 and 2
# that it cannot run: such a task does not begin again. Nor does one that was cancelled.
if [ "$code" = 137 ] || [ "$code" = 143 ]; then
    # not SLURM_JOB_ID, because that of the last task is the number of the whole array
    task=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID
    if [ "${{SLURM_RESTART_COUNT:-0}}" -lt {retries} ] &&
        scontrol show job --oneliner "$task" | grep -q 'JobState=RUNNING'; then
        scontrol requeue "$task"
    fi
fi
exit "$code"
"""


def script(jobs: Jobs, hours: float | None) -> str:
    """Get the script for sbatch.

    Raises
    ------
    QueryError
        The name of a folder has a line break or a backslash, or a line begins with a hyphen.
    """
    logs = str(jobs.logs)
    if {"\n", "\\"} & set(logs):
        raise QueryError(f"shards {logs!r} has a line break or backslash, which sbatch cannot take")
    for line in jobs.lines:
        if line.startswith("-"):  # because bash would take it for a command
            raise QueryError(f"lines {line!r} begins with a hyphen; write '#SBATCH {line}'")
    at_once = f"%{jobs.at_once}" if jobs.at_once else ""
    log = logs.replace("%", "%%").replace('"', '\\"')
    digits = len(jobs.shards[0])
    own = [
        f"--job-name={NAME}",
        f"--array=1-{len(jobs.shards)}{at_once}",
        f"--cpus-per-task={jobs.cpus}",
        f"--mem={jobs.memory_mb}M",
        *([f"--time={max(1, round(hours * 60))}"] if hours is not None else []),
        "--requeue",
        f"--signal=B:TERM@{SECONDS_BEFORE_LIMIT}",
        "--open-mode=append",
        f'--output="{log}/%{digits}a.log"',
    ]
    given = [line for line in jobs.lines if line.startswith("#")]
    return SCRIPT.format(
        options="\n".join([*(f"#SBATCH {option}" for option in own), *given]),
        directory=shlex.quote(str(jobs.directory)),
        commands="".join(f"{line}\n" for line in jobs.lines if line not in given),
        digits=digits,
        number=len(jobs.shards),
        folder=shlex.quote(str(jobs.folder)),
        command=shlex.join(jobs.command),
        retries=jobs.retries,
    )


def submit(jobs: Jobs, file: Path) -> str:
    """Submit the script, and get the job's number.

    Raises
    ------
    QueryError
        This Slurm does not take so many tasks.
    StoreError
        sbatch is not installed, or refuses.
    """
    config = run_program(["scontrol", "show", "config"], file, "sbatch")
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", config, re.MULTILINE)
    number = len(jobs.shards)
    if found and number >= int(found[1]):
        raise QueryError(
            f"shards {str(jobs.folder)!r} has {number:,} shards, and this Slurm takes "
            f"{int(found[1]) - 1:,} tasks (MaxArraySize); make fewer with `jumpduck split --into`"
        )
    # --parsable prints the name of the cluster behind the number, if there are several
    return run_program(["sbatch", "--parsable", str(file)], file, "sbatch").partition(";")[0]
