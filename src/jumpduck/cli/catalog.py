"""jumpduck catalog"""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.progress import TaskID

from jumpduck.cli.options import (
    PLACES,
    CatalogFile,
    Endpoint,
    Json,
    Plates,
    PlateTypes,
    Quiet,
    Sources,
)
from jumpduck.cli.report import Report
from jumpduck.stages.catalog import catalog as build
from jumpduck.stages.catalog import problems


def catalog(
    *,
    sources: Sources = (),
    plates: Plates = (),
    plate_types: PlateTypes = (),
    collection: Annotated[
        str,
        Parameter(group=PLACES, help="Name of a collection, or path of its driver: NAME.sql."),
    ] = "jump",
    gallery: Annotated[
        str | None,
        Parameter(
            group=PLACES,
            help="What stands for the collection's bucket: s3://, http(s):// or a folder; the "
            "bucket itself by default.",
        ),
    ] = None,
    project: Annotated[
        str | None, Parameter(group=PLACES, help="Folder of the collection inside the gallery.")
    ] = None,
    index: Annotated[
        str | None,
        Parameter(
            group=PLACES,
            help="Site index to read instead of load_data; the published one by default for "
            "all of JUMP.",
        ),
    ] = None,
    metadata: Annotated[
        str | None,
        Parameter(
            group=PLACES,
            help="Folder of the published metadata tables: s3://, http(s):// or local; as "
            "published by default.",
        ),
    ] = None,
    endpoint: Endpoint = None,
    path: CatalogFile = Path("catalog.duckdb"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build catalog.duckdb from the published metadata and load_data.

    The metadata is read whole. Sites come from the load_data of the plates chosen; without a
    choice, and from JUMP's own bucket, from the published site index, which has all of JUMP but no
    brightfield and no illumination functions. Plates whose load_data is missing or cannot be read,
    and lines that are not a site, are reported with their reasons. An earlier catalog stays until
    the new one is complete.

    For example:
    ```
    jumpduck catalog --source source_4 --plate-type TARGET2
    jumpduck catalog --gallery ./mirror --metadata ./mirror/metadata
    ```
    """
    report = Report(as_json=json, quiet=quiet)
    with report.progress() as progress:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total, note="")
            progress.update(tasks[step], completed=done)

        relations = build(
            path,
            collection=collection,
            gallery=gallery,
            project=project,
            index=index,
            metadata=metadata,
            endpoint=endpoint,
            sources=sources,
            plates=plates,
            plate_types=plate_types,
            progress=show,
        )
    report.table(relations)
    odd = problems(path)
    if odd.height:
        report.table(odd)
        report.line(f"ask {Path(collection).stem}.problems for all reasons")
    report.line(f"-> {path}")
    report.json({"catalog": path, "relations": relations.to_dicts(), "problems": odd.to_dicts()})
