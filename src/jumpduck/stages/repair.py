"""Files that are not what was kept -> the same files, fetched and made again."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.recipes.registry import rebuild
from jumpduck.rows import DONE, IMAGE_KEY, PLATE_KEY
from jumpduck.schema import OUTCOME, RESULTS
from jumpduck.transfer.asked import Run
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest, PlateKey
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.run import fill
from jumpduck.transfer.scheduler import Event, no_progress


@dataclass(frozen=True)
class RepairOptions(Limits):
    """What to repair, and how.

    Parameters
    ----------
    wrong
        What `jumpduck.verify` returns; the files whose status is wrong are fetched again.
    out
        Folder that `jumpduck download` filled.
    endpoint
        S3 server other than AWS, as http://HOST:PORT; by default that of the run that was asked for
        the file.
    progress
        Called with each event, as in `jumpduck.download`.
    """

    wrong: pl.DataFrame
    out: str | Path = "images"
    _: KW_ONLY
    endpoint: str | None = None
    progress: Callable[[Event], None] = no_progress


@takes(RepairOptions)
def repair(options: RepairOptions) -> pl.DataFrame:
    """Fetch files again that are not what was kept, and only those.

    A file and its row stay until the new file is complete. Each file is made by the recipe, with
    the parameters, that made it before, and of what the recipe knew of the plate then. Where the
    folder does not know that any more, the file stays wrong, and its row here says so.

    Returns
    -------
    pl.DataFrame
        The new rows of the results of these files.

    Raises
    ------
    QueryError
        A recipe has changed since, or cannot be found.
    StoreError
        Nothing was downloaded into `out`, or it cannot be written.
    """
    with closing(repair_plates(options)) as plates:
        return pl.concat([pl.DataFrame(schema=RESULTS), *plates], how="diagonal_relaxed")


def repair_plates(options: RepairOptions) -> Generator[pl.DataFrame]:
    """Get the rows of `repair` plate by plate."""
    if missing := [name for name in RESULTS if name not in options.wrong.columns]:
        raise QueryError(
            f"wrong has no column {', '.join(missing)}; give the rows that jumpduck.verify returns"
        )
    folder = OutputFolder.read(options.out)
    runs = folder.asked.runs()
    made_by_of = {run.notes["recipe"]: str(run.notes["made_by"]) for run in reversed(runs)}
    wrong = options.wrong.filter(pl.col("status").is_in((*DONE, "wrong")))
    for (label, parameters), rows in wrong.group_by("recipe", "parameters", maintain_order=True):
        for run, some, whole in _by_run(folder, runs, rows):
            endpoint = options.endpoint or (run.notes["endpoint"] if run else None)
            made_by = made_by_of.get(label, str(label).split()[0])
            recipe = rebuild(made_by, json.loads(str(parameters)))
            asked = recipe.manifest_rows(whole).select(
                name for name in whole.columns if name not in OUTCOME
            )
            paths = some["path"].unique(maintain_order=True)
            plates = fill(
                Manifest.open(asked),
                options.out,
                recipe,
                options,
                endpoint=str(endpoint) if endpoint else None,
                made_by=made_by,
                only=paths,
                progress=options.progress,
            )
            with closing(plates):
                for results in plates:
                    yield results.filter(pl.col("path").is_in(paths.implode()))


def _by_run(
    folder: OutputFolder, runs: Sequence[Run], wrong: pl.DataFrame
) -> Generator[tuple[Run | None, pl.DataFrame, pl.DataFrame]]:
    """Get wrong files of one recipe by the last run that was asked for them.

    With them come all rows of their plates that the run was asked for, so that the recipe learns of
    a plate what it knew before. A folder that was copied does not know its runs: then these are all
    rows of the recipe.
    """
    made_by = wrong.select("recipe", "parameters").head(1)
    for run in runs:
        if (run.notes["recipe"], run.notes["parameters"]) != made_by.row(0):
            continue
        asked = run.rows(_plates(wrong))
        some = wrong.join(asked, on=(*IMAGE_KEY, "url"), how="semi", maintain_order="left")
        if some.is_empty():
            continue
        wrong = wrong.join(some, on="path", how="anti", maintain_order="left")
        keys = _plates(some)
        asked = run.rows(keys)
        results = _results(folder, keys)
        more = [name for name in results.columns if name not in (*asked.columns, *OUTCOME)]
        columns = results.select(*IMAGE_KEY, *more)
        yield run, some, asked.join(columns, on=IMAGE_KEY, how="left", maintain_order="left")
        if wrong.is_empty():
            return
    whole = _results(folder, _plates(wrong))
    yield None, wrong, whole.join(made_by, on=made_by.columns, how="semi", maintain_order="left")


def _plates(rows: pl.DataFrame) -> list[PlateKey]:
    keys = rows.select(PLATE_KEY).unique(maintain_order=True).rows()
    return [(str(source), str(batch), str(plate)) for source, batch, plate in keys]


def _results(folder: OutputFolder, keys: Sequence[PlateKey]) -> pl.DataFrame:
    return pl.concat([folder.plates.read(key) for key in keys], how="diagonal_relaxed")
