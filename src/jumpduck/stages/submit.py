"""Shards -> jobs of a batch system, each of which downloads or profiles one shard."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

import polars as pl

from jumpduck.cluster import condor, slurm
from jumpduck.cluster.dask import JobQueue, Workers, client_of, fill_from_shards
from jumpduck.cluster.jobs import Jobs, Verb, share
from jumpduck.cores import usable_cores
from jumpduck.errors import ManifestError, QueryError
from jumpduck.options import expanded, takes
from jumpduck.profiling.options import FLAGS, ProfileOptions
from jumpduck.profiling.shard_options import NAMES, options_of_job
from jumpduck.recipes.options import RecipeOptions
from jumpduck.storage.atomic_files import atomic_write
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.shard_files import INDEX_FILE, file_name, read_index, shards_in
from jumpduck.words import default_of, with_values, words_of

System = Literal["slurm", "condor", "dask"]

DEFAULT_CPUS = 4
DEFAULT_MEMORY_GB = 4.0
DEFAULT_DISK_GB = 1.0
DEFAULT_RETRIES = 5

OF_SYSTEM: dict[str, tuple[System, ...]] = {
    "cpus": ("slurm", "condor"),
    "memory_gb": ("slurm", "condor"),
    "lines": ("slurm", "condor"),
    "hours": ("slurm",),
    "disk_gb": ("condor",),
    "roots": ("dask",),
    "scheduler": ("dask",),
    "local": ("dask",),
    "jobqueue": ("dask",),
}
"""The batch systems that an option is for, if it is not for all."""

SHARED = ("max_requests", "max_mbps")
"""Limits of a whole run, which its jobs share."""

OF_DOWNLOAD = (
    "out", "endpoint", "roots", "scratch", "connections", "workers", "processes",
    *(one.name for one in fields(RecipeOptions)),
)  # fmt: skip
"""Options of this verb that say how a job downloads."""


@dataclass(frozen=True)
class SubmitOptions(Limits, RecipeOptions):
    """Which jobs to submit, and where.

    Parameters
    ----------
    system
        Batch system that runs the jobs: slurm, condor or dask.
    shards
        Folder that `jumpduck split` made. What is written for the batch system lies there, too.
    out
        Folder for the files, which all jobs fill.
    endpoint
        S3 server other than AWS, as http://HOST:PORT; by default the one that the shards name.
    roots
        Folders for some of the plates, instead of `out`, as in `jumpduck.download`, for dask; the
        jobs of slurm and condor read ``[roots]`` of jumpduck.toml.
    scratch
        Folder on a local disk of the node where the files of a plate wait until all of them are
        made. ``$TMPDIR`` in it is that variable of the job's environment.
    max_requests
        Requests a second at most, over the network, of all jobs together: each job gets its part.
    max_mbps
        Megabits a second at most, on average, over the network, of all jobs together.
    at_once
        Jobs that may run at once; by default as many as the batch system starts.
    cpus
        Cores of a job; 4 by default.
    memory_gb
        Memory of a job, in gigabytes; 4 by default.
    hours
        Time limit of a job, for slurm. A job that reaches it begins again, and fetches the rest.
    disk_gb
        Space that a job asks for on the disk of its node, for condor; 1 by default.
    retries
        How often a job begins again that was killed or came to its time limit.
    lines
        Further lines for the batch system, as they are: "#SBATCH --partition=short" or a command
        such as "module load python" for slurm, 'accounting_group = "imaging"' for condor.
    scheduler
        Address of a Dask scheduler whose workers download, as tcp://HOST:PORT.
    local
        Number of Dask workers to start on this machine.
    jobqueue
        Where dask-jobqueue starts Dask workers: slurm, pbs, lsf, sge or htcondor, with the settings
        of its own configuration.
    profile
        Options of `jumpduck.profile`, as ``{"out": "profiles", "labels": True}``: with them the
        jobs do not download their shards, but profile them. Those that say how to download (`out`,
        `recipe` and others) are not given then.
    progress
        Called with each shard that a Dask worker has done, as a row of what `submit` returns.
    """

    system: System
    shards: str | Path = "shards"
    out: str | Path = "images"
    _: KW_ONLY
    endpoint: str | None = None
    roots: Mapping[str, str | Path] = field(default_factory=dict[str, str | Path])
    scratch: str | Path | None = None
    at_once: int | None = None
    cpus: int | None = None
    memory_gb: float | None = None
    hours: float | None = None
    disk_gb: float | None = None
    retries: int = DEFAULT_RETRIES
    lines: Sequence[str] = ()
    scheduler: str | None = None
    local: int | None = None
    jobqueue: JobQueue | None = None
    profile: Mapping[str, object] | None = None
    progress: Callable[[dict[str, object]], None] = lambda _: None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.system not in ("slurm", "condor", "dask"):
            raise QueryError(f"system {self.system!r} is not one of slurm, condor and dask")
        for name, systems in OF_SYSTEM.items():
            value = getattr(self, name)
            if value not in (None, (), {}) and self.system not in systems:
                raise QueryError(
                    f"{name} {value} is an option for {' and '.join(systems)}, not for "
                    f"{self.system}; leave it out"
                )
        for name in ("at_once", "cpus", "local"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise QueryError(f"{name} {value} is below 1")
        for name in ("memory_gb", "disk_gb", "hours"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise QueryError(f"{name} {value} is not above 0")
        if self.retries < 0:
            raise QueryError(f"retries {self.retries} is below 0")
        given = [name for name in ("scheduler", "local", "jobqueue") if getattr(self, name)]
        if self.system == "dask" and len(given) != 1:
            names = " and ".join(f"`{name}`" for name in given) or "nothing"
            raise QueryError(
                f"{names} say{'s'[: len(given) < 2]} where Dask's workers are; give one of "
                "`scheduler`, `local` and `jobqueue`"
            )

        if self.profile is not None:
            for one in fields(self):
                # as text, because a folder may be a path
                given, default = str(getattr(self, one.name)), str(default_of(one))
                if one.name in OF_DOWNLOAD and given != default:
                    raise QueryError(
                        f"{one.name} is an option of jobs that download; give it among those of "
                        "`profile`, if it has it, or leave it out"
                    )

    @property
    def job(self) -> "SubmitOptions | ProfileOptions":
        """The options of a job, but those that its shard decides.

        Raises
        ------
        QueryError
            One is not an option of `jumpduck.profile`, or is out of range.
        """
        return self if self.profile is None else options_of_job(self.profile)

    @property
    def verb(self) -> Verb:
        """What the jobs do."""
        return "download" if self.profile is None else "profile"

    @property
    def workers_of_dask(self) -> Workers:
        """Where Dask's workers are."""
        return Workers(self.scheduler, self.local, self.jobqueue)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is submitted.

    Attributes
    ----------
    jobs
        The jobs, one for each shard.
    at_once
        Jobs that may run at once.
    limits
        Requests and megabits a second of one job.
    file, text
        What is written for the batch system; Dask needs nothing.
    """

    jobs: Jobs
    at_once: int
    limits: Mapping[str, float | None]
    file: Path | None
    text: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was submitted.

    Attributes
    ----------
    prepared
        The jobs, and what was written for them.
    id
        The number that the batch system gave.
    shards
        What became of the shards, if Dask ran them: a row for each with the numbers of its files
        (fetched, present, missing, corrupt, failed) and the error that ended its job.
    """

    prepared: Prepared
    id: str | None
    shards: pl.DataFrame


@takes(SubmitOptions)
def submit(options: SubmitOptions) -> Submitted:
    """Submit a job for each shard, which downloads or profiles it; all fill one folder.

    For slurm and condor, a file is written beside the shards and submitted; the jobs run later, in
    the current folder and with this Python. For dask, they run now. A job that runs again fetches
    what is not there yet.

    Raises
    ------
    QueryError
        An option is out of range, or is not one of that batch system.
    ManifestError
        The folder of the shards has no index, or lacks a file of it; or they do not say which
        channel shows nuclei.
    StoreError
        The batch system is not installed, cannot be reached, or refuses.
    """
    prepared = prepare(options)
    if options.system == "dask":
        return Submitted(prepared, None, _run(options, prepared))
    assert prepared.file is not None
    prepared.jobs.logs.mkdir(exist_ok=True)
    atomic_write(prepared.file, prepared.text.encode())
    number = (slurm if options.system == "slurm" else condor).submit(prepared.jobs, prepared.file)
    return Submitted(prepared, number, pl.DataFrame(schema=SHARDS))


def prepare(options: SubmitOptions) -> Prepared:
    """Get what `submit` would submit; writes nothing.

    Raises
    ------
    QueryError, ManifestError
        As `submit`.
    """
    folder, job = expanded(options.shards), options.job
    # a wrong option of the recipe is an error before anything is submitted
    if isinstance(job, SubmitOptions):
        job.build()
    shards = _shards_of(folder)
    if isinstance(job, ProfileOptions):
        job.build(Manifest.open(folder))
    at_once = min(options.at_once or len(shards), options.local or len(shards), len(shards))
    limits = {name: share(name, getattr(options, name), at_once) for name in SHARED}
    cpus = options.cpus or DEFAULT_CPUS
    jobs = Jobs(
        folder=folder,
        shards=shards,
        command=[] if options.system == "dask" else _command(options, limits, cpus),
        directory=Path.cwd(),
        at_once=options.at_once,
        cpus=cpus,
        memory_gb=options.memory_gb or DEFAULT_MEMORY_GB,
        retries=options.retries,
        lines=options.lines,
    )
    match options.system:
        case "slurm":
            file, text = slurm.FILE, slurm.script(jobs, options.hours)
        case "condor":
            file, text = condor.FILE, condor.description(jobs, options.disk_gb or DEFAULT_DISK_GB)
        case "dask":
            return Prepared(jobs, at_once, limits, None, "")
    return Prepared(jobs, at_once, limits, folder / file, text)


def _shards_of(folder: Path) -> list[str]:
    """Get the names of the shards of a folder, without the end.

    Raises
    ------
    ManifestError
        There is no such folder, or one of its shards is not there.
    """
    index = read_index(folder)
    if index is None:
        raise ManifestError(
            f"shards {str(folder)!r} has no {INDEX_FILE}; make the shards with `jumpduck split`"
        )
    if not index.height:
        raise ManifestError(f"shards {str(folder)!r} has no shard; there is nothing left to do")
    names = [file_name(number, index.height) for number in range(1, index.height + 1)]
    if names != index["file"].to_list():
        raise ManifestError(
            f"{folder / INDEX_FILE} is not as `jumpduck split` wrote it; run the same "
            "`jumpduck split` again"
        )
    return [file.stem for file in shards_in(folder)]


def _command(options: SubmitOptions, limits: Mapping[str, float | None], cpus: int) -> list[str]:
    """Get the command line of a job, without its shard."""
    if not isinstance(options.recipe, str):
        raise QueryError(
            f"recipe {options.recipe.name} is an object, which no command line can name; give "
            "module:function, or submit to dask"
        )
    # because a node may have more cores than the job
    job = replace(options.job, workers=options.job.workers or cpus, **_given(limits))
    words = words_of(job, [name for name in _names(job) if name != "out"], FLAGS)
    out = with_values("--out", [str(job.out)])
    return [sys.executable, "-m", "jumpduck", options.verb, *out, *words]


def _names(job: SubmitOptions | ProfileOptions) -> list[str]:
    """Get the names of the options of a job."""
    if isinstance(job, ProfileOptions):
        return [*NAMES]
    names = [one.name for base in (Limits, RecipeOptions) for one in fields(base)]
    return [*names, "out", "endpoint", "scratch"]


def _given(limits: Mapping[str, float | None]) -> dict[str, float]:
    """Get the limits of a job that it gets of those of the whole run."""
    return {name: value for name, value in limits.items() if value is not None}


SHARDS = {
    "shard": pl.String,
    **dict.fromkeys(("fetched", "present", "missing", "corrupt", "failed"), pl.Int64),
    "error": pl.String,
}


def _run(options: SubmitOptions, prepared: Prepared) -> pl.DataFrame:
    """Run the jobs on Dask's workers, and get what became of each shard."""
    job = options.job
    given = {name: getattr(job, name) for name in _names(job) if name != "out"}
    # one core for each thread of a worker, because other threads have shards of their own
    cores = max(1, usable_cores() // options.local) if options.local else 1
    given.update(_given(prepared.limits), workers=job.workers or cores)
    if isinstance(job, ProfileOptions):  # because a worker may run in another folder
        for name in ("weights", "model", "description", "masks"):
            if given[name] is not None:
                given[name] = str(expanded(given[name]).absolute())
    else:
        roots = {name: expanded(place).absolute() for name, place in options.roots.items()}
        given["roots"] = roots
    folder = prepared.jobs.folder.absolute()
    rows: list[dict[str, object]] = []
    with (
        client_of(options.workers_of_dask, prepared.at_once, options.retries) as client,
        closing(
            fill_from_shards(
                client,
                [folder / f"{one}.parquet" for one in prepared.jobs.shards],
                verb=options.verb,
                out=expanded(job.out).absolute(),
                options=given,
                at_once=prepared.at_once,
            )
        ) as done,
    ):
        for shard, one in done:
            row: dict[str, object] = {"shard": shard.stem, **one.counts, "error": one.error}
            rows.append(row)
            options.progress(row)
    numbers = pl.col(pl.Int64).fill_null(0)
    return pl.DataFrame(rows, schema=SHARDS).with_columns(numbers).sort("shard")
