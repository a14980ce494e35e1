"""jumpduck catalog"""

from dataclasses import replace
from typing import Annotated

from rich.progress import TaskID

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, Json, Quiet, reads, switch
from jumpduck.cli.printer import Printer
from jumpduck.collections.base import CatalogOptions
from jumpduck.database.sql_files import find_driver
from jumpduck.stages.catalog import catalog as build
from jumpduck.stages.catalog import imaged, problems


@reads(
    CatalogOptions,
    {
        CHOOSE: (
            "collection",
            "sources",
            "plates",
            "plate_types",
            "perturbations",
            "studies",
            "package",
            "top_hash",
        ),
        PLACES: (
            "gallery",
            "project",
            "metadata",
            "samplesheet",
            "pattern",
            "platemap",
            "index",
            "aliases",
            "endpoint",
        ),
        OUTPUT: ("path",),
    },
    flags={"path": "--catalog"},
)
def catalog(
    options: CatalogOptions,
    *,
    relations: Annotated[
        bool, switch("--relations", "Also list the tables, views and macros of the catalog.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build catalog.duckdb from a collection's published tables.

    For JUMP these are the metadata, which is read whole, and the load_data of the plates chosen;
    without a choice, and from JUMP's own bucket, the published site index, which has all of JUMP
    but no brightfield and no illumination functions. Plates and lines that cannot be read are
    printed and kept with their reasons. An earlier catalog stays until the new one is complete.

    For example:
    ```
    jumpduck catalog --source source_4 --plate-type TARGET2
    jumpduck catalog --perturbation TP53
    jumpduck catalog --gallery ./gallery --metadata ./metadata
    jumpduck catalog --collection idr --study idr0035
    jumpduck catalog --collection own --gallery plates --samplesheet list.csv
    jumpduck catalog --collection sql/mylab.sql
    ```

    `jumpduck collections NAME` lists the options of each collection.
    """
    printer = Printer(as_json=json, quiet=quiet)
    with printer.progress() as progress:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total, note="")
            progress.update(tasks[step], completed=done)

        made = build(**vars(replace(options, progress=show)))
    images = imaged(options.path)
    printer.table(images)
    found = problems(options.path)
    if found.height:
        printer.line("not read, or doubtful:")
        printer.table(found)
        name = find_driver(options.collection).stem
        printer.line(f'all reasons: jumpduck sql "FROM {name}.problems"')
    if relations:
        printer.table(made, keys=("relation",))
    printer.line(f"-> {options.path}")
    printer.json(
        {
            "catalog": options.path,
            "images": images.to_dicts(),
            "relations": made.to_dicts(),
            "problems": found.to_dicts(),
        }
    )
