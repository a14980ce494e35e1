"""The manifest -> files on disk, and a row for each of them whatever became of it."""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import polars as pl

from jumpduck.errors import QueryError, StoreError
from jumpduck.recipes.registry import build
from jumpduck.schema import RESULTS
from jumpduck.storage.atomic_files import refuse_links, writable_folder
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.rate_limit import RateLimit
from jumpduck.storage.run_lock import locked
from jumpduck.transfer.manifest_reader import Plan
from jumpduck.transfer.output_folder import Results
from jumpduck.transfer.output_paths import refuse_shared
from jumpduck.transfer.scheduler import Engine, Event

CONNECTIONS = 32
MOST_CONNECTIONS = 256


def download(
    manifest: str | Path | pl.DataFrame = "manifest.parquet",
    out: str | Path = "images",
    *,
    endpoint: str | None = None,
    recipe: str = "png8",
    options: Mapping[str, object] | None = None,
    connections: int = CONNECTIONS,
    workers: int | None = None,
    max_requests: float | None = None,
    max_mbps: float | None = None,
    limit: int | None = None,
    force: bool = False,
    progress: Callable[[Event], None] = lambda _: None,
) -> pl.DataFrame:
    """Fetch each file of a manifest, make an image of it, and get a row for each.

    What is already there is not fetched again. An image that cannot be had is a row with a
    status and a reason, and never the end of the run. `out` also gets ``results.parquet`` (one
    row a file) and ``sites.parquet`` (one row a site, with the path of each channel), which
    cover all runs into that folder.

    Parameters
    ----------
    manifest
        File or frame with the columns of `jumpduck.schema.MANIFEST`.
    out
        Folder for the files, at the manifest's ``path`` with the recipe's suffix.
    endpoint
        S3 server other than AWS; by default the one that the manifest's file names.
    recipe
        What is made of each image: a name that `jumpduck recipes` lists, or ``module:function``.
    options
        The recipe's options by name; what is not given keeps its default.
    connections
        Files fetched at the same time, at most 256.
    workers
        Images processed at the same time; as many as there are cores by default.
    max_requests
        Requests a second at most.
    max_mbps
        Megabits a second at most, on average.
    limit
        Only the first so many files of the manifest.
    force
        Fetch again what is there. All of it is forgotten before the first file is fetched, so a run
        that goes on after an interruption fetches the rest again without `force`.
    progress
        Called with each event: ``{"event": "plan" | "present" | "file" | "plate", ...}``.

    Returns
    -------
    pl.DataFrame
        The manifest's rows with the columns of `jumpduck.schema.RESULTS`. ``status`` is fetched,
        present (from an earlier run), missing (the server has no such file), corrupt (it came,
        but is no image, or not of the shape of its plate's others) or failed.

    Raises
    ------
    ManifestError
        The manifest lacks a column, holds a path that leaves `out`, or one path twice.
    StoreError
        `out` cannot be written, has no space left, or another run is filling it.
    """
    plates = download_plates(
        Plan(manifest, limit),
        out,
        endpoint=endpoint,
        recipe=recipe,
        options=options,
        connections=connections,
        workers=workers,
        max_requests=max_requests,
        max_mbps=max_mbps,
        force=force,
        progress=progress,
    )
    with closing(plates):
        return pl.concat([pl.DataFrame(schema=RESULTS), *plates])


def download_plates(
    plan: Plan,
    out: str | Path,
    *,
    endpoint: str | None = None,
    recipe: str = "png8",
    options: Mapping[str, object] | None = None,
    connections: int = CONNECTIONS,
    workers: int | None = None,
    max_requests: float | None = None,
    max_mbps: float | None = None,
    force: bool = False,
    only: pl.Series | None = None,
    progress: Callable[[Event], None] = lambda _: None,
) -> Generator[pl.DataFrame]:
    """Get the rows of `download` plate by plate: for manifests that no memory can hold.

    With `only` (paths in `out`), no other file is fetched, though the recipe sees all rows.

    Close the generator (`contextlib.closing`) to end the run early; what is finished is kept.
    """
    chosen = build(recipe, **(options or {}))
    if not 1 <= connections <= MOST_CONNECTIONS or (workers is not None and workers < 1):
        raise QueryError(f"--connections is 1 to {MOST_CONNECTIONS}, --workers at least 1")
    if any(limit is not None and limit <= 0 for limit in (max_requests, max_mbps)):
        raise QueryError("--max-requests and --max-mbps are more than 0")
    refuse_shared(plan, chosen)
    endpoint = endpoint or plan.endpoint
    stores = ObjectReader(endpoint, rate_limit=RateLimit(max_requests, max_mbps))
    folder = Path(out)
    for inside in (".jumpduck/plates", *plan.folders):
        refuse_links(folder, inside)
    results = Results(writable_folder(folder))
    writable_folder(results.folder)
    with locked(results.folder):
        results.begin(plan, {"endpoint": endpoint, "recipe": chosen.name, "made_by": recipe})
        engine = Engine(
            results,
            stores,
            chosen,
            connections=connections,
            workers=workers or os.cpu_count() or 1,
            progress=progress,
            only=only,
        )
        if force or results.forgetting.exists():
            engine.forget(plan)
        progress({"event": "plan", "files": plan.files, "plates": len(plan.parts)})
        try:
            with closing(engine.run(plan)) as plates:
                yield from plates
        except BaseException:
            with suppress(StoreError):  # the disk may be what ended it
                results.gather(soon=True)  # the rest is in the tables of its plates
            raise
