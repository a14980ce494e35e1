"""jumpduck verify"""

import json as json_
from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.download import SHOWN, fill
from jumpduck.cli.options import PLACES, WORK, Endpoint, Json, Quiet
from jumpduck.cli.report import Report
from jumpduck.errors import PartialError
from jumpduck.recipes.registry import build, rebuild
from jumpduck.schema import PLATE_KEY
from jumpduck.stages.verify import kept
from jumpduck.stages.verify import verify as look
from jumpduck.transfer.manifest_reader import Plan
from jumpduck.transfer.output_folder import Results


def verify(
    *,
    out: Annotated[Path, Parameter(group=PLACES, help="Folder of the files.")] = Path("images"),
    endpoint: Endpoint = None,
    deep: Annotated[
        bool, Parameter(group=WORK, negative="", show_default=False, help="Also decode each file.")
    ] = False,
    repair: Annotated[
        bool,
        Parameter(
            group=WORK,
            negative="",
            show_default=False,
            help="Fetch again what is wrong, only that.",
        ),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Hold the files on disk against results.parquet: size and checksum.

    For example:
    ```
    jumpduck verify --out images
    jumpduck verify --deep --repair
    ```
    """
    report = Report(as_json=json, quiet=quiet)
    total = kept(out)
    with report.progress() as progress:
        task = progress.add_task("verify", total=total, note="")
        wrong = look(out, deep=deep, progress=lambda n: progress.update(task, advance=n))
    report.line(f"{total:,} files looked at, {wrong.height:,} wrong")
    for row in wrong.head(SHOWN).iter_rows(named=True):
        report.line(f"wrong: {row['path']}: {row['error']}")
    if wrong.is_empty() or not repair:
        report.json(
            {"out": out, "files": total, "wrong": wrong.select("path", "url", "error").to_dicts()}
        )
        if wrong.height:
            raise PartialError(
                f"{wrong.height:,} of {total:,} files in {out} are not what was kept; "
                f"`jumpduck verify --repair --out {out}` fetches them again"
            )
        return
    results = Results(out)
    _, notes = results.begun()
    place = endpoint or notes.get("endpoint")
    for (text, parameters), rows in wrong.group_by("recipe", "parameters", maintain_order=True):
        name = str(text).split()[0]
        name = str(notes["made_by"]) if notes["recipe"] == name else name
        options = rebuild(name, json_.loads(str(parameters)))
        # all of the plates, so that what a recipe knows of a plate is what it knew
        plates = rows.select(PLATE_KEY).unique(maintain_order=True).rows()
        whole = pl.concat(results.read(plate) for plate in plates)
        whole = whole.filter(recipe=text, parameters=parameters)
        for plate in plates:
            results.drop(plate, rows["path"])
        fill(
            Plan(_as_manifest(whole, build(name, **options).suffix)),
            out,
            report,
            again=f"jumpduck verify --repair --out {out}",
            endpoint=str(place) if place else None,
            recipe=name,
            options=options,
            only=rows["path"],
        )


def _as_manifest(rows: pl.DataFrame, suffix: str) -> pl.DataFrame:
    """Rows of a manifest from rows of results: the path as a manifest has it."""
    stem = pl.col("path").str.strip_suffix(suffix)
    channel = "__" + pl.col("Metadata_Channel")
    whole = pl.when(stem.str.ends_with(channel)).then(stem).otherwise(stem + channel)
    return rows.with_columns(path=whole)
