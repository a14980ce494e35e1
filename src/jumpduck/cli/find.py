"""jumpduck find"""

import polars as pl

from jumpduck.cli.flags import CHOOSE, PLACES, Csv, Json, ShowSql, reads
from jumpduck.cli.printer import Printer
from jumpduck.database.connection import held_collection, open_catalog
from jumpduck.selection.pipeline import find_text, separate_perturbations
from jumpduck.stages.find import FindOptions
from jumpduck.stages.find import find as look


@reads(
    FindOptions,
    {CHOOSE: ("names", "wells"), PLACES: ("catalog", "aliases")},
    positional="names",
    flags={"wells": "--wells"},
)
def find(
    options: FindOptions, *, show_sql: ShowSql = False, csv: Csv = False, json: Json = False
) -> None:
    """Say what a gene, compound or control is called, and where it can be seen.

    Reads catalog.duckdb in the current folder, or --catalog.

    Plates and wells are those published; sites and gigabytes (an estimate) those of the catalog.
    matched_by says by what each was found. JUMP's published InChIKeys have no stereochemistry, so a
    key also finds its mirror image. SMILES are compared letter for letter, and in any notation with
    the extra chem: pip install 'jumpduck[chem]'.

    For example:

    ```
    jumpduck find TP53 DMSO
    jumpduck find TP53 --wells
    jumpduck find p53 --aliases Homo_sapiens.gene_info.gz
    jumpduck find RYYVLZVUVIJVGH --json
    ```
    """
    printer = Printer(as_json=json, as_csv=csv)
    if show_sql:
        with open_catalog(options.catalog) as con:
            held = held_collection(con)
            names = separate_perturbations(con, held, options.names)
            print(find_text(held, names, wells=options.wells) + ";")
        return
    found = look(options.names, options.catalog, options.wells, options.aliases)
    shown = found.with_columns(pl.col("^estimated_gb$").round(3)).drop(
        "Metadata_InChIKey", strict=False
    )
    # what a narrow terminal leaves out first, so that plates, wells, sites and roles remain: what
    # matched, the identifier, and these
    least = (
        ("Metadata_PlateType", "Metadata_modality") if options.wells else ("Metadata_pert_type",)
    )
    names = shown.columns[-2:] if options.wells else shown.columns[1:3]
    printer.table(shown, least=(*sorted(names, reverse=True), *least))
    printer.json({"found": found.to_dicts()})
