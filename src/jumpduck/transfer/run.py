"""One run: a manifest, a recipe, an output folder."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import ManifestError, StoreError
from jumpduck.recipes.base import Recipe
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.open_files import allowed_connections
from jumpduck.transfer.disk_space import free_ahead
from jumpduck.transfer.earlier_files import EarlierFiles, count_there, files_of_other_recipes
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.output_paths import check_one_file_per_site
from jumpduck.transfer.scheduler import Event, Scheduler, no_progress
from jumpduck.transfer.scratch import check_scratch, check_scratch_space, open_scratch
from jumpduck.transfer.space_ahead import check_ahead
from jumpduck.transfer.tasks import Concurrency


def check_platform() -> None:
    """Refuse a system on which files cannot be kept as promised.

    Raises
    ------
    StoreError
        It is Windows.
    """
    if sys.platform == "win32":
        raise StoreError(
            "images are downloaded on Linux and macOS only, because Windows has no lock and no "
            "sync of folders as the output folder needs them; use WSL, or run `jumpduck download` "
            "with this manifest on another machine"
        )


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a run would find.

    Attributes
    ----------
    there, otherwise
        Number of files that are there, and those that other recipes made.
    bytes_ahead, free
        About how many bytes are to come, None if nothing tells, and how many the disk has.
    remarks
        What is doubtful.
    """

    there: int
    otherwise: Sequence[EarlierFiles]
    bytes_ahead: int | None
    free: int
    remarks: Sequence[str]


def foresee(
    manifest: Manifest, out: str | Path, recipe: Recipe, limits: Limits, *, endpoint: str | None
) -> Foreseen:
    """Get the files that the folder has already, after all checks of `fill`; writes nothing.

    The system is not checked, because the run may be one on another machine.

    Raises
    ------
    ManifestError, StoreError, QueryError
        As `fill`.
    """
    folder = check(manifest, out, recipe, limits, endpoint=endpoint)
    remarks = check_ahead([folder.disk])
    there = count_there(folder, manifest, recipe)
    otherwise = files_of_other_recipes(folder, manifest, recipe)
    free = free_ahead(folder.path)
    return Foreseen(there, otherwise, folder.disk.bytes_ahead(), free, remarks)


def check(
    manifest: Manifest, out: str | Path, recipe: Recipe, limits: Limits, *, endpoint: str | None
) -> OutputFolder:
    """Get the folder after the checks of `fill` but that of its space; writes nothing.

    Raises
    ------
    ManifestError, StoreError, QueryError
        As `fill`.
    """
    _checked_reader(manifest, recipe, limits, endpoint or manifest.endpoint)
    folder = OutputFolder.check(out, manifest, recipe)
    folder.disk.begin(manifest, recipe, None)
    folder.disk.learn(folder.gathered.results)
    folder.asked.check(manifest, recipe)
    return folder


def _checked_reader(
    manifest: Manifest, recipe: Recipe, limits: Limits, endpoint: str | None
) -> ObjectReader:
    manifest.check_filled(recipe.columns, f"recipe {recipe.name} with these options")
    if recipe.agrees is not None and manifest.cuts_plates:
        raise ManifestError(
            f"recipe {recipe.name} makes files of what it measures on the whole plate, and this "
            "shard of the manifest has a part of one; write shards with `jumpduck split` without "
            "`cut`, or take another recipe"
        )
    check_one_file_per_site(manifest, recipe)
    return limits.reader(endpoint)


def fill(
    manifest: Manifest,
    out: str | Path,
    recipe: Recipe,
    limits: Limits,
    *,
    endpoint: str | None,
    made_by: str,
    command: str | None = None,
    force: bool = False,
    only: pl.Series | None = None,
    rows_after: int | None = None,
    scratch: str | Path | None = None,
    progress: Callable[[Event], None] = no_progress,
) -> Generator[pl.DataFrame]:
    """Fill an output folder, and get the results of each plate as soon as it is done.

    Close the generator (`contextlib.closing`) to end the run early; what is finished is kept.

    Parameters
    ----------
    endpoint
        S3 server other than AWS; by default the one that the manifest's file names.
    made_by
        Name by which the recipe is found again.
    command
        Command line that goes on with the run.
    force
        Fetch files that are there, too.
    only
        Paths of the only files to fetch, even if they are there; what the folder was asked for
        stays as it is.
    rows_after
        Rows whose files other folders on the same disk get afterwards, if the space was checked
        for all of them; by default it is checked for this one.
    scratch
        Folder for files until all of a plate are made; the output folder by default.
    progress
        Called with each event.

    Raises
    ------
    ManifestError, StoreError
        As `jumpduck.download`.
    """
    check_platform()
    place = None if scratch is None else check_scratch(scratch, [out])
    endpoint = endpoint or manifest.endpoint
    reader = _checked_reader(manifest, recipe, limits, endpoint)
    files = manifest.files if only is None else len(only)
    processes = limits.process_count(files, recipe)
    with (
        OutputFolder.open(out, manifest, recipe, only, rows_after or 0) as folder,
        open_scratch(place, folder) as own_scratch,
    ):
        asked, otherwise = None, list[EarlierFiles]()
        if only is None:
            # both before `force` forgets them
            folder.disk.learn(folder.gathered.results)
            for text in check_ahead([folder.disk]) if rows_after is None else []:
                progress({"event": "remark", "text": text})
            if place and (text := check_scratch_space(place, manifest, folder.disk)):
                progress({"event": "remark", "text": text})
            otherwise = files_of_other_recipes(folder, manifest, recipe)
            asked = folder.asked.begin(
                manifest, recipe, folder.lock, made_by=made_by, endpoint=endpoint, command=command
            )
            if force:
                folder.forget(asked)
            # a copy that is made before the end, or after a kill, knows from them what is left
            folder.gather_if(folder.gathered.write_if_quick)
        connections = allowed_connections(limits.connections)
        scheduler = Scheduler(
            folder,
            reader,
            recipe,
            asked,
            own_scratch,
            concurrency=Concurrency(min(processes, connections), connections, limits.threads),
            progress=progress,
        )
        plates = manifest.plate_count
        progress({"event": "plan", "out": str(out), "files": files, "plates": plates})
        for earlier in otherwise:
            progress({"event": "otherwise", **asdict(earlier)})
        try:
            with closing(scheduler.run(manifest, only)) as plates:
                yield from plates
        except BaseException:
            with suppress(StoreError):  # the disk or another run may be what ended this one
                folder.check_held()
                folder.gather_if(folder.gathered.write_if_quick)  # the plates' tables have the rest
            raise
