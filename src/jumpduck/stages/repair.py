"""Files that are not what was kept -> the same files, fetched and made again."""

import json
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.recipes.registry import rebuild
from jumpduck.schema import DONE, OUTCOME, PLATE_KEY, RESULTS
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
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
        S3 server other than AWS, as http://HOST:PORT; by default that of the last download.
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
    the parameters, that made it before.

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
    endpoint = options.endpoint or (runs[0].notes["endpoint"] if runs else None)
    made_by_of = {run.notes["recipe"]: str(run.notes["made_by"]) for run in reversed(runs)}
    wrong = options.wrong.filter(pl.col("status").is_in((*DONE, "wrong")))
    for (label, parameters), rows in wrong.group_by("recipe", "parameters", maintain_order=True):
        made_by = made_by_of.get(label, str(label).split()[0])
        recipe = rebuild(made_by, json.loads(str(parameters)))
        # all rows of the plates, so that the recipe learns of a plate what it knew before
        keys = rows.select(PLATE_KEY).unique(maintain_order=True).rows()
        tables = [folder.plates.read((str(s), str(b), str(p))) for s, b, p in keys]
        whole = pl.concat(tables, how="diagonal_relaxed")
        whole = whole.filter(recipe=label, parameters=parameters)
        asked = recipe.manifest_rows(whole).select(
            name for name in whole.columns if name not in OUTCOME
        )
        paths = rows["path"].unique(maintain_order=True)
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
