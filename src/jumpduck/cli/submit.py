"""jumpduck submit"""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Annotated, Any

import polars as pl
from cyclopts import Parameter

from jumpduck.cli import app
from jumpduck.cli.flags import (
    OUTPUT,
    PLACES,
    RECIPE,
    WORK,
    DryRun,
    Json,
    Quiet,
    reads,
)
from jumpduck.cli.printer import Printer, cell_text
from jumpduck.cli.settings import ROOTS, read_roots
from jumpduck.counts import counted
from jumpduck.errors import InterruptedRunError, PartialError, QueryError, StoreError
from jumpduck.profiling.options import FLAGS, ProfileOptions
from jumpduck.profiling.shard_options import NAMES
from jumpduck.recipes.options import RecipeOptions
from jumpduck.stages.submit import Prepared, SubmitOptions, prepare
from jumpduck.stages.submit import submit as run
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.roots import Roots
from jumpduck.words import with_values, words_of

WATCH = {"slurm": "squeue --job {id}", "condor": "condor_q {id}"}
"""How to look at the jobs of a batch system."""

UNITS = {"max_requests": "requests a second", "max_mbps": "megabits a second"}

MAX_SHOWN_ERRORS = 3

NOT_AGAIN = ("system", "roots", "profile", "progress")
"""Options that the command which goes on does not have, or has in another place."""

OF_JOBS = (
    "at_once", "cpus", "memory_gb", "disk_gb", "hours", "retries", "lines",
    "scheduler", "local", "jobqueue",
)  # fmt: skip


Job = Annotated[
    tuple[str, ...],
    Parameter(
        "--job",
        group=RECIPE,
        negative="",
        show_default=False,
        help="Behind `--`: profile and its options. Shards are downloaded by default.",
    ),
]


@reads(
    SubmitOptions,
    {
        PLACES: ("system", "shards", "endpoint"),
        RECIPE: tuple(one.name for one in fields(RecipeOptions)),
        WORK: (*OF_JOBS, *(one.name for one in fields(Limits))),
        OUTPUT: ("out", "scratch"),
    },
    positional="system",
    # in jumpduck.toml alone, and behind `--`
    flags={"roots": f"[{ROOTS}]", "profile": "profile"},
)
def submit(
    options: SubmitOptions,
    job: Job = (),
    *,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Download or profile shards as jobs of Slurm, HTCondor or Dask, all into one folder.

    Each job is `jumpduck download --manifest shards/0001.parquet --out images` with the options
    given here, or what stands behind `--`: `profile` with options of its own. --max-requests and
    --max-mbps are for all jobs together. The file for the batch
    system is written beside the shards; --dry-run prints it instead. `dask` runs the jobs now, and
    ends with exit code 3 if some files could not be had.

    For example:
    ```
    jumpduck submit slurm --at-once 40 --hours 12 --line "#SBATCH --partition=short"
    jumpduck submit condor --shards shards --out images --recipe jxl --max-requests 500
    jumpduck submit dask --local 8
    jumpduck submit slurm --at-once 40 --cpus 8 -- profile --out profiles --cells none
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    if job:
        options = replace(options, profile=profile_of(job))
    else:
        roots = read_roots()
        Roots(roots, options.out)  # because a wrong one would end every job
        if options.system == "dask":  # other jobs read the file themselves
            options = replace(options, roots=roots)
    prepared = prepare(options)
    if dry_run:
        printer.line(prepared.text.rstrip() if prepared.text else "Dask needs no file")
        printer.remark(said(prepared))
        printer.json({**as_dict(prepared), "text": prepared.text})
        return
    if options.system == "dask":
        _run_now(printer, options, prepared)
        return
    done = run.__wrapped__(options)  # pyright: ignore[reportFunctionMemberAccess]
    printer.line(said(prepared))
    watch = shlex.join(["jumpduck", "status", *with_values("--out", [str(options.job.out)])])
    queue = WATCH[options.system].format(id=done.id)
    printer.line(f"{prepared.file} is job {done.id}; watch it with: {watch}, {queue}")
    printer.json({**as_dict(prepared), "id": done.id, "watch": [watch, queue]})


def profile_of(job: Sequence[str]) -> dict[str, object]:
    """Get the options of `jumpduck profile` from the words of a job, and from its settings.

    Raises
    ------
    CycloptsError, QueryError
        The words are not those of that verb.
    """
    if job[0] != "profile":
        raise QueryError(
            f"job {job[0]!r} is not `profile`; jobs that download have their options before `--`"
        )
    command, given, _ = app.parse_args(job, exit_on_error=False)
    read: Any = command.read  # pyright: ignore[reportFunctionMemberAccess]
    defaults, _ = read()
    own, others = read(*given.args, **given.kwargs)
    for name, value in others.items():
        if value:
            flag = "--" + name.replace("_", "-")
            raise QueryError(f"{flag} is an option of `jumpduck submit`; give it before `--`")
    return {
        one.name: value
        for one in fields(own)
        if (value := getattr(own, one.name)) != getattr(defaults, one.name)
    }


def said(prepared: Prepared) -> str:
    """Get a sentence about the jobs and what each of them gets."""
    number = len(prepared.jobs.shards)
    text = counted(number, "job")
    if prepared.at_once < number:
        text += f", at most {prepared.at_once:,} at once"
    parts = [
        f"{cell_text(value)} {UNITS[name]}"
        for name, value in prepared.limits.items()
        if value is not None
    ]
    return f"{text}; each gets {' and '.join(parts)}" if parts else text


def as_dict(prepared: Prepared) -> Mapping[str, object]:
    """Get what a program wants to know of the jobs."""
    return {
        "jobs": len(prepared.jobs.shards),
        "at_once": prepared.at_once,
        "file": prepared.file,
        "of_each_job": prepared.limits,
    }


def _run_now(printer: Printer, options: SubmitOptions, prepared: Prepared) -> None:
    """Run the jobs on Dask, with a progress bar, and print what became of their files."""
    printer.line(said(prepared))
    with printer.progress() as progress:
        bar = progress.add_task("shards", total=len(prepared.jobs.shards), note="")

        def show(row: Mapping[str, object]) -> None:
            progress.update(bar, advance=1, note=str(row["shard"]))
            printer.event({"event": "shard", **row})

        try:
            done = run.__wrapped__(replace(options, progress=show))  # pyright: ignore[reportFunctionMemberAccess]
        except KeyboardInterrupt:
            words = words_of(
                options, [one.name for one in fields(options) if one.name not in NOT_AGAIN]
            )
            if isinstance(own := options.job, ProfileOptions):
                words += ["--", "profile", *words_of(own, NAMES, FLAGS)]
            again = shlex.join(["jumpduck", "submit", options.system, *words])
            raise InterruptedRunError(
                f"interrupted; what is finished is kept. Go on with: {again}"
            ) from None
    counts = done.shards.select(pl.col(pl.Int64).sum())
    printer.table(counts)
    printer.json({"event": "end", **as_dict(prepared), "by_status": counts.row(0, named=True)})
    broken = done.shards.filter(pl.col("error").is_not_null())
    if broken.height:
        reasons = Counter[str](broken["error"]).most_common(MAX_SHOWN_ERRORS)
        texts = "; ".join(
            reason if number == 1 else f"{number:,} times {reason}" for reason, number in reasons
        )
        raise StoreError(
            f"{broken.height:,} of {counted(done.shards.height, 'shard')} ended early: {texts}"
        )
    not_had = sum(int(counts[name][0]) for name in ("missing", "corrupt", "failed"))
    if not_had:
        files = counted(not_had, "file")
        raise PartialError(
            f"{files} could not be had; results.parquet in {options.job.out} says why, and the "
            "same command tries them again"
        )
