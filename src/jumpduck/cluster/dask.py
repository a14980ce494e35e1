"""Dask: a task for each shard, on workers that are there or that are started for the run.

The library is imported when it is needed, because it is an extra.
"""

import functools
import logging
import threading
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import jumpduck
from jumpduck.cluster.jobs import Verb
from jumpduck.errors import InterruptedRunError, JumpduckError, QueryError, StoreError, needs_extra
from jumpduck.rows import DONE, FAULTS

Client = Any
"""`distributed.Client`, which has types in part alone."""

JobQueue = Literal["slurm", "pbs", "lsf", "sge", "htcondor"]

CLASSES: Mapping[JobQueue, str] = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "htcondor": "HTCondorCluster",
}

CONNECT_SECONDS = 30
STOP_SECONDS = 0.5
"""Time that workers get to hear that a run was interrupted."""

SECONDS_A_TASK = 0.001
"""What dask-jobqueue is to think that a job may be started for: it starts one for each shard, up to
the limit, because it does not know how long a shard takes."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Workers:
    """Where the tasks run: exactly one is given.

    Attributes
    ----------
    scheduler
        Address of a scheduler.
    local
        Number of processes on this machine.
    jobqueue
        Batch system in which workers are started, with the settings of dask-jobqueue.
    """

    scheduler: str | None = None
    local: int | None = None
    jobqueue: JobQueue | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a shard: how many files have which status, or the error that ended its job."""

    counts: Mapping[str, int]
    error: str | None = None


_stopped: set[str] = set()
"""Runs that were interrupted, in the process of a worker."""


def fill_from_shard(
    manifest: Path, verb: Verb, out: str, options: Mapping[str, Any], run: str
) -> Done:
    """Download or profile a shard in a worker."""
    counts: dict[str, int] = dict.fromkeys((*DONE, *FAULTS), 0)

    def count(event: Mapping[str, Any]) -> None:
        if run in _stopped:
            raise InterruptedRunError("the run was interrupted")
        if event["event"] == "plate":
            for status in counts:
                counts[status] += event.get(status, 0)

    try:
        getattr(jumpduck, verb)(manifest, out, progress=count, **options)
    except JumpduckError as error:  # because Dask would log it with the stack
        return Done({}, str(error))
    return Done(counts)


def run_tasks(
    client: Client,
    task: Callable[[_Item], _Result],
    items: Iterable[_Item],
    at_once: int,
) -> Generator[tuple[_Item, _Result | BaseException]]:
    """Run a task for each item, at most so many at once, and get each result or error.

    The order is that in which they end. A task whose worker dies runs on another worker.
    """
    import distributed

    as_completed: Any = distributed.as_completed
    left = iter(items)
    of: dict[Any, _Item] = {}

    def begin() -> list[Any]:
        for item in left:
            # not pure, because a run after this one must run the same shard again
            future = client.submit(task, item, pure=False)
            of[future.key] = item
            return [future]
        return []

    running = as_completed([future for _ in range(at_once) for future in begin()])
    for future in running:
        item = of.pop(future.key)
        error = future.exception()
        result = future.result() if error is None else error
        future.release()
        for another in begin():
            running.add(another)
        yield item, result


def fill_from_shards(
    client: Client,
    shards: Iterable[Path],
    *,
    verb: Verb,
    out: Path,
    options: Mapping[str, object],
    at_once: int,
) -> Generator[tuple[Path, Done]]:
    """Download or profile each shard on a worker, and get what became of it once it is known.

    Close the generator to end that early; what is finished is kept.
    """
    run = uuid.uuid4().hex

    task = functools.partial(fill_from_shard, verb=verb, out=str(out), options=options, run=run)
    try:
        for shard, result in run_tasks(client, task, shards, at_once):
            yield shard, result if isinstance(result, Done) else Done({}, str(result))
    except BaseException:
        # in a thread, because the workers may not answer
        told = threading.Thread(target=client.run, args=(_stop, run), daemon=True)
        told.start()
        told.join(STOP_SECONDS)
        raise


def _stop(run: str) -> None:
    """Let what a run does in this process end."""
    _stopped.add(run)


@contextmanager
def client_of(workers: Workers, at_once: int, retries: int) -> Generator[Client]:
    """Get a client of a scheduler, and end the workers that were started for it.

    Parameters
    ----------
    at_once
        Jobs that dask-jobqueue may start.
    retries
        How often a task may lose its worker.

    Raises
    ------
    QueryError
        Dask is not installed, or dask-jobqueue lacks a setting.
    StoreError
        The scheduler cannot be reached.
    """
    try:
        import dask.config
        import distributed
    except ImportError:
        raise QueryError(needs_extra("system dask", "Dask", "dask")) from None
    library: Any = distributed
    # because the profiler can stop a worker for ever, where garbage is collected while Python 3.11
    # reads the frames of all threads
    settings = {
        "distributed.scheduler.allowed-failures": retries,
        "distributed.worker.profile.enabled": False,
    }
    with dask.config.set(settings):
        if workers.scheduler is not None:
            try:
                client = library.Client(workers.scheduler, timeout=CONNECT_SECONDS)
            except (OSError, ValueError) as error:
                raise StoreError(
                    f"the Dask scheduler at {workers.scheduler} cannot be reached: {error}"
                ) from error
            with client:
                yield client
        elif workers.local is not None:
            with (
                library.LocalCluster(
                    n_workers=workers.local,
                    threads_per_worker=1,
                    memory_limit=None,  # because a job bounds its own memory
                    dashboard_address=":0",
                    silence_logs=logging.ERROR,
                ) as cluster,
                library.Client(cluster) as client,
            ):
                yield client
        elif workers.jobqueue is not None:
            with _job_queue(workers.jobqueue) as cluster, library.Client(cluster) as client:
                cluster.adapt(maximum_jobs=at_once, target_duration=SECONDS_A_TASK)
                yield client


@contextmanager
def _job_queue(name: JobQueue) -> Generator[Any]:
    """Get a cluster of dask-jobqueue, as its own configuration describes it, with its first job.

    Because dask-jobqueue only logs what the batch system refuses, its first job says so here.
    """
    try:
        import dask_jobqueue
        import distributed
    except ImportError:
        raise QueryError(needs_extra("jobqueue", "dask-jobqueue", "dask")) from None
    kind: Any = getattr(dask_jobqueue, CLASSES[name])
    first = Future[None]()

    class Job(kind.job_cls):
        async def start(self) -> None:
            try:
                await super().start()  # pyright: ignore[reportUnknownMemberType]
            except Exception as error:
                if not first.done():
                    self.status = distributed.Status.failed
                    # because Dask logs the stack of what is said below
                    logging.getLogger("tornado.application").disabled = True
                    first.set_exception(error)
                raise
            if not first.done():
                first.set_result(None)

    try:
        cluster = kind(job_cls=Job)
    except ValueError as error:
        reason = str(error).partition(", for example")[0]
        raise QueryError(
            f"jobqueue {name}: {reason}; write it under jobqueue.{name} in "
            "~/.config/dask/jobqueue.yaml"
        ) from error
    with cluster:
        cluster.scale(jobs=1)
        if error := first.exception():
            reason = str(error).strip().splitlines()[-1]
            raise StoreError(f"jobqueue {name} cannot start a worker: {reason}")
        yield cluster
