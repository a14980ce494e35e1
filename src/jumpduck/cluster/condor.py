"""HTCondor: a description with an item for each shard."""

from collections.abc import Sequence
from pathlib import Path

from jumpduck.cluster.jobs import NAME, Jobs, run_program
from jumpduck.errors import QueryError

FILE = "condor.sub"

DESCRIPTION = """\
# Made by `jumpduck submit condor`: one job for each shard of {folder}.
# A shard that begins again fetches what is not there yet.
batch_name = {name}
universe = vanilla
executable = {executable}
arguments = "{arguments}"
transfer_executable = false
should_transfer_files = NO
initialdir = {directory}
getenv = JUMPDUCK_*, *_proxy
output = {logs}/$(shard).log
error = {logs}/$(shard).log
log = {logs}/{name}.log
request_cpus = {cpus}
request_memory = {memory_mb}MB
request_disk = {disk_mb}MB
{options}
# It is tried again if it was killed. 3 says that some files cannot be had, 1 and 2 that it cannot
# run.
max_retries = {retries}
success_exit_code = 0
retry_until = (ExitCode =?= 1) || (ExitCode =?= 2) || (ExitCode =?= 3)
{lines}
queue shard from (
{items}
)
"""


def description(jobs: Jobs, disk_gb: float) -> str:
    """Get the description for condor_submit.

    Raises
    ------
    QueryError
        The name of a folder has a line break, or ends with a backslash.
    """
    for name, folder in (("directory", jobs.directory), ("shards", jobs.folder)):
        if "\n" in str(folder) or str(folder).endswith("\\"):
            raise QueryError(
                f"{name} {str(folder)!r} has a line break or ends with a backslash, which "
                "condor_submit cannot take"
            )
    python, *words = jobs.command
    shard = f"{_without_macros(str(jobs.folder))}/$(shard).parquet"
    return DESCRIPTION.format(
        name=NAME,
        folder=jobs.folder,
        executable=_without_macros(python),
        arguments=arguments([*map(_without_macros, words), "--manifest", shard]),
        directory=_without_macros(str(jobs.directory)),
        logs=_without_macros(str(jobs.logs)),
        cpus=jobs.cpus,
        memory_mb=jobs.memory_mb,
        disk_mb=round(disk_gb * 1000),
        options=f"max_materialize = {jobs.at_once}\n" if jobs.at_once else "",
        retries=jobs.retries,
        lines="".join(f"{line}\n" for line in jobs.lines),
        items="\n".join(jobs.shards),
    )


def arguments(words: Sequence[str]) -> str:
    """Get words as the value of ``arguments``, to be put between double quotes."""
    return " ".join(map(_quoted, words)).replace('"', '""')


def _quoted(word: str) -> str:
    if word and not set(word) & set(" \t\n'"):
        return word
    return "'" + word.replace("'", "''") + "'"


def _without_macros(text: str) -> str:
    """Get a text in which HTCondor replaces nothing."""
    return text.replace("$", "$(DOLLAR)")


def submit(_jobs: Jobs, file: Path) -> str:
    """Submit the description, and get the number of the cluster of jobs.

    Raises
    ------
    StoreError
        condor_submit is not installed, or refuses.
    """
    # prints the first and the last job, like 17.0 - 17.11
    words = ["condor_submit", "-terse", str(file)]
    return run_program(words, file, "condor_submit").partition(".")[0]
