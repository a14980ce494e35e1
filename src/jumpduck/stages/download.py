"""The manifest -> files on disk, and a row for each of them whatever became of it."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import polars as pl

from jumpduck.descriptions.cited import write_citations
from jumpduck.options import takes
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.options import RecipeOptions
from jumpduck.schema import results_types
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_files import ManifestFiles
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.root_runs import fill_roots
from jumpduck.transfer.roots import Roots
from jumpduck.transfer.scheduler import Event, no_progress


@dataclass(frozen=True)
class DownloadOptions(Limits, RecipeOptions):
    """What to download, and how.

    Parameters
    ----------
    manifest
        Parquet or CSV file made by `jumpduck manifest`; several files, or a pattern of their names,
        count as one manifest.

        In Python also a frame; its columns are those of `jumpduck.schema.MANIFEST` and more.
    out
        Folder for the files.
    endpoint
        S3 server other than AWS, as http://HOST:PORT; by default the one that the manifest names.
    roots
        Folders for some of the plates, instead of `out`, by source or by a pattern
        SOURCE/BATCH/PLATE such as ``source_5/*/BR0011*``.

        Each of them is there already, and has tables of its own. The narrowest pattern counts.
    scratch
        Folder on a local disk where the files of a plate wait until all of them are made; then they
        are copied to `out` together. ``$TMPDIR`` in it is that variable of the environment.
    limit
        Number of files to fetch, from the beginning of the manifest or shard; all by default.
    shard
        Only a part of the manifest, as 7/200: the shard that `jumpduck split --into 200` would
        write.
    force
        Fetch files again that are there from an earlier run.

        All of them are forgotten before the first is fetched, so a run that goes on after an
        interruption fetches the rest again without `force`.
    progress
        Called with each event: ``{"event": "plan" | "present" | "file" | "plate", ...}``,
        ``otherwise`` for files of the manifest that are there as another recipe or other
        parameters made them, ``remark`` for what is doubtful, ``paused`` and ``resumed`` when the
        run waits for the network, and ``taken`` when all plates that are left are open in other
        runs.
    """

    manifest: ManifestFiles | pl.DataFrame = "manifest.parquet"
    out: str | Path = "images"
    _: KW_ONLY
    endpoint: str | None = None
    roots: Mapping[str, str | Path] = field(default_factory=dict[str, str | Path])
    scratch: str | Path | None = None
    limit: int | None = None
    shard: str | None = None
    force: bool = False
    progress: Callable[[Event], None] = no_progress


@takes(DownloadOptions)
def download(options: DownloadOptions) -> pl.DataFrame:
    """Fetch each file of a manifest, make an image of it, and get a row for each.

    What is there from an earlier run is not fetched again. An image that cannot be fetched or
    decoded is a row with a status and a reason, and never the end of the run. The folder also gets
    ``results.parquet`` (a row for each file) and ``sites.parquet`` (a row for each site, with the
    path of each channel), which cover all runs into that folder. Any number of runs with one recipe
    may fill a folder at the same time, on one machine or many; the last one to end writes the two
    tables.

    Returns
    -------
    pl.DataFrame
        The manifest's rows, with the recipe's suffix in ``path``, and the columns of
        `jumpduck.schema.OUTCOME`. ``status`` is fetched, present (from an earlier run), missing
        (the server has no such file), corrupt (it came, but is not an image, or not of the size of
        its plate's others) or failed.

    Raises
    ------
    QueryError
        An option is out of range.
    ManifestError
        The manifest lacks a column, holds a path that leaves `out`, or one path twice.
    StoreError
        `out` or a root cannot be written, has no space left, or is being filled with another
        recipe; or a root is not there.
    """
    recipe = options.build()
    Roots(options.roots, options.out)  # wrong roots are an error before the manifest is read
    manifest = Manifest.open(options.manifest, options.limit, options.shard)
    with closing(download_plates(options, manifest, recipe)) as plates:
        none = pl.DataFrame(schema=results_types(manifest.columns))
        return pl.concat([none, *plates], how="diagonal")  # a recipe may fill in a column


def download_plates(
    options: DownloadOptions, manifest: Manifest, recipe: Recipe, command: str | None = None
) -> Generator[pl.DataFrame]:
    """Get the rows of `download` plate by plate: for manifests that do not fit into memory.

    At its end, what to cite is written into each folder.

    `command` is the command line that goes on with the run, if there is one.
    """
    name = options.recipe
    roots = Roots(options.roots, options.out)
    yield from fill_roots(
        manifest,
        roots,
        recipe,
        options,
        endpoint=options.endpoint,
        made_by=name if isinstance(name, str) else recipe.name,
        command=command,
        force=options.force,
        scratch=options.scratch,
        progress=options.progress,
    )
    for folder in roots.folders:
        write_citations(folder)
