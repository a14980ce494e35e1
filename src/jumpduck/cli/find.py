"""jumpduck find"""

from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.options import CatalogFile, Json, ShowSql
from jumpduck.cli.report import Report
from jumpduck.database.connection import held_collection, open_catalog
from jumpduck.selection.pipeline import find_text
from jumpduck.stages.find import find as look


def find(
    names: Annotated[
        tuple[str, ...],
        Parameter(help="Gene, NCBI number, JCP2022, InChIKey (or first layer), SMILES, control."),
    ],
    /,
    *,
    catalog: CatalogFile = Path("catalog.duckdb"),
    show_sql: ShowSql = False,
    json: Json = False,
) -> None:
    """Say what a gene, compound or control is called, and where it can be seen.

    Plates and wells are those published; sites and gigabytes (five stains, an estimate) those of
    the catalog. Published InChIKeys carry no stereochemistry, so a key also finds its mirror image:
    matched_by says so.

    For example:

    ```
    jumpduck find TP53 DMSO
    jumpduck find RYYVLZVUVIJVGH --json
    ```
    """
    report = Report(as_json=json)
    if show_sql:
        with open_catalog(catalog) as con:
            print(find_text(held_collection(con), names) + ";")
        return
    found = look(names, catalog)
    shown = found.with_columns(pl.col("^estimated_gb$").round(3)).drop(
        "Metadata_InChIKey", strict=False
    )
    report.table(shown)
    report.json({"found": found.to_dicts()})
