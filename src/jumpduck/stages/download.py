"""The manifest -> files on disk, and a row for each of them whatever became of it."""

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import polars as pl

from jumpduck.errors import ImageError, ManifestError, QueryError, StoreError
from jumpduck.files import writable_folder, write_whole
from jumpduck.recipes import Recipe, Source, build
from jumpduck.results import DONE, Plate, Results
from jumpduck.schema import MANIFEST, PLATE_KEY, RESULTS, check
from jumpduck.stores import Stores, scheme_of

CONNECTIONS = 32

SAFE_PATH = r"^([^./\\\x00\n][^/\\\x00\n]*/)+[^./\\\x00\n][^/\\\x00\n]*\.png$"
UNSAFE_NAME = r"^\.|[/\\\x00\n]|^$"

Row = dict[str, object]


def download(
    manifest: str | Path | pl.DataFrame = "manifest.parquet",
    out: str | Path = "images",
    *,
    recipe: Recipe | None = None,
    endpoint: str | None = None,
    connections: int = CONNECTIONS,
    workers: int | None = None,
    progress: Callable[[Mapping[str, object]], None] = lambda _: None,
) -> pl.DataFrame:
    """Fetch each file of a manifest, make of it what a recipe says, and get a row for each.

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
    recipe
        What to make of each file, from `jumpduck.recipes.build`; png8 by default.
    endpoint
        S3 server other than AWS; by default the one that the manifest's file names.
    connections
        Files fetched at the same time.
    workers
        Images processed at the same time; as many as there are cores by default.
    progress
        Called with each row as soon as it is known.

    Returns
    -------
    pl.DataFrame
        The manifest's rows with the columns of `jumpduck.schema.RESULTS`. ``status`` is fetched,
        present (from an earlier run), missing (the server has no such file), corrupt (it came,
        but is no image) or failed.

    Raises
    ------
    ManifestError
        The manifest lacks a column, holds a path that leaves `out`, or one path twice.
    StoreError
        `out` cannot be written.
    """
    if not isinstance(manifest, pl.DataFrame):
        endpoint = endpoint or manifest_endpoint(manifest)
        manifest = read_manifest(manifest)
    recipe = recipe or build("png8")
    if recipe.per_site:
        raise QueryError(f"recipe {recipe.name} makes one file a site: not yet")
    rows = check(manifest, MANIFEST, "the manifest")
    _check_rows(rows)
    rows = rows.with_columns(pl.col("path").str.replace(r"\.png$", recipe.suffix))
    if connections < 1 or (workers is not None and workers < 1):
        raise QueryError("--connections and --workers are at least 1")
    folder = writable_folder(Path(out))
    results = Results(folder)
    stores = Stores(endpoint)
    plates = rows.partition_by(PLATE_KEY, as_dict=True, maintain_order=True)
    left = {plate: part.height for plate, part in plates.items()}
    known: dict[tuple[object, ...], list[Row]] = {plate: [] for plate in plates}

    def keep(plate: tuple[object, ...], row: Row) -> None:
        progress(row)
        known[plate].append(row)
        left[plate] -= 1
        if not left[plate]:
            results.write(_plate(plate), known[plate])

    pending: dict[Future[Row], tuple[object, ...]] = {}
    network = ThreadPoolExecutor(connections, "network")
    cores = ThreadPoolExecutor(workers or os.cpu_count() or 1, "pixels")

    def settle(at_most: int) -> None:
        while len(pending) > at_most:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                keep(pending.pop(future), future.result())

    try:
        for plate, part in plates.items():
            context = None
            if recipe.prepare:
                context = recipe.prepare(part.to_dicts(), lambda url: stores.read(url).data)
            for row, before in _with_earlier(part, results.read(_plate(plate)), folder, recipe):
                if before is not None:
                    keep(plate, before)
                    continue
                task = network.submit(
                    _fetch, row, folder, recipe, context, stores=stores, cores=cores
                )
                pending[task] = plate
                settle(at_most=4 * connections)
        settle(at_most=0)
    finally:
        network.shutdown(wait=False, cancel_futures=True)
        cores.shutdown(wait=False, cancel_futures=True)
        for plate, part in known.items():
            if part and left[plate]:
                results.write(_plate(plate), part)
        if any(known.values()):
            results.gather()
    return pl.DataFrame([row for part in known.values() for row in part], schema=RESULTS)


def read_manifest(path: str | Path) -> pl.DataFrame:
    """Get a manifest from its file.

    Raises
    ------
    ManifestError
        There is no such file, or it is no Parquet.
    """
    if not Path(path).is_file():
        raise ManifestError(f"no manifest {path}; make it with `jumpduck manifest`")
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise ManifestError(f"{path} is no Parquet file: {error}") from error


def manifest_endpoint(path: str | Path) -> str | None:
    """Get the S3 server that the catalog of a manifest was read from; None for AWS."""
    if not Path(path).is_file():
        return None
    notes = pl.read_parquet_metadata(path).get("jumpduck.catalog", "{}")
    return json.loads(notes).get("endpoint")


def _check_rows(rows: pl.DataFrame) -> None:
    """Refuse, before a byte is fetched, what would write outside the folder or over itself."""
    if rows.is_empty():
        raise ManifestError("the manifest has no rows; select something with `jumpduck manifest`")
    needed = (*PLATE_KEY, "url", "path")
    if nulls := [name for name in needed if rows[name].null_count()]:
        raise ManifestError(f"the manifest has rows without {', '.join(nulls)}")
    outside = rows.filter(~pl.col("path").str.contains(SAFE_PATH))
    if outside.height:
        raise ManifestError(
            f"path {outside['path'][0]!r} of the manifest could leave the output folder; "
            "a path is FOLDER/…/NAME.png without .., hidden or absolute parts"
        )
    unsafe = rows.filter(pl.any_horizontal(pl.col(PLATE_KEY).str.contains(UNSAFE_NAME)))
    if unsafe.height:
        raise ManifestError(
            f"plate {unsafe.select(PLATE_KEY).row(0)} has a name no folder can have"
        )
    twice = rows.filter(pl.col("path").is_duplicated())
    if twice.height:
        raise ManifestError(f"path {twice['path'][0]!r} stands twice in the manifest")
    for root in rows["url"].str.extract(r"^([^/]*://[^/]*/)").drop_nulls().unique():
        scheme_of(root)


def _with_earlier(
    part: pl.DataFrame, earlier: pl.DataFrame, folder: Path, recipe: Recipe
) -> Iterator[tuple[Row, Row | None]]:
    """Get each row of a plate and, if its file is there whole from an earlier run, its result."""
    done = {
        row["path"]: row
        for row in earlier.filter(pl.col("status").is_in(DONE)).iter_rows(named=True)
        if (row["recipe"], row["parameters"]) == _named(recipe)
    }
    for row in part.iter_rows(named=True):
        before = done.get(row["path"])
        if before is not None and _size(folder / row["path"]) == before["size"]:
            yield row, {**before, **row, "status": "present", "attempts": 0, "seconds": 0.0}
        else:
            yield row, None


def _fetch(
    row: Row,
    folder: Path,
    recipe: Recipe,
    context: object,
    *,
    stores: Stores,
    cores: ThreadPoolExecutor,
) -> Row:
    """Fetch, process and write one file; whatever happens is in the row that comes back."""
    started = time.perf_counter()
    name, parameters = _named(recipe)
    result: Row = {**row, "recipe": name, "parameters": parameters}
    try:
        target = folder / str(row["path"])
        result |= _attempt(row, target, recipe, context, stores=stores, cores=cores)
    except FileNotFoundError as error:
        result |= {"status": "missing", "error": str(error)}
    except ImageError as error:
        result |= {"status": "corrupt", "error": str(error)}
    except (StoreError, OSError) as error:
        result |= {"status": "failed", "error": str(error)}
    result["seconds"] = time.perf_counter() - started
    return result


def _attempt(
    row: Row,
    target: Path,
    recipe: Recipe,
    context: object,
    *,
    stores: Stores,
    cores: ThreadPoolExecutor,
) -> Row:
    body = stores.read(str(row["url"]))
    made = cores.submit(recipe.make, [Source(body.data, row)], context).result()
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, made.data)
    return {
        "status": "fetched",
        "bytes": len(body.data),
        "size": len(made.data),
        **dataclasses.asdict(made.measured[0]),
        "etag": body.etag,
        "checksum": hashlib.sha256(made.data).hexdigest(),
        "attempts": body.attempts,
    }


def _named(recipe: Recipe) -> tuple[str, str]:
    return f"{recipe.name} {recipe.version}", json.dumps(dict(recipe.parameters), sort_keys=True)


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def _plate(key: tuple[object, ...]) -> Plate:
    source, batch, plate = map(str, key)
    return source, batch, plate
