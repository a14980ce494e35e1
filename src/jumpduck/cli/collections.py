"""jumpduck collections"""

import shlex
from collections.abc import Iterator
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.flags import CHOOSE, Csv, Json, Quiet
from jumpduck.cli.printer import Printer
from jumpduck.collections.about import collection_about
from jumpduck.collections.base import CatalogOptions
from jumpduck.collections.references import citations, references
from jumpduck.database.sql_files import drivers, find_driver
from jumpduck.words import flags_of


def collections(
    *names: Annotated[
        str, Parameter(group=CHOOSE, help="Collections to list; FOLDER/NAME.sql is one, too.")
    ],
    csv: Csv = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the collections: what each holds, its licence, what to cite, and what it needs.

    A collection is a set of images with its metadata. The options are those that
    `jumpduck catalog --collection NAME` takes.

    For example:
    ```
    jumpduck collections
    jumpduck collections bbbc021
    jumpduck catalog --collection bbbc021
    ```
    """
    printer = Printer(as_json=json, as_csv=csv, quiet=quiet)
    chosen = [find_driver(name) for name in names] or drivers()
    flags = flags_of(CatalogOptions)
    rows: list[dict[str, object]] = []
    for driver in chosen:
        about = collection_about(driver)
        options = " ".join(flags[name] for name in about.options)
        cited = "; ".join(_to_cite(driver.stem))
        rows.append({"collection": driver.stem, **vars(about), "options": options, "cite": cited})
    order = ("collection", "title", "images", "needs", "options", "licence", "cite", "home")
    table = pl.DataFrame(rows).select(order)
    if printer.for_reader and not names:
        shown = table.select("collection", "title", "images", "licence")
        printer.table(shown, keys=("collection",))
        printer.remark("jumpduck collections NAME says more of one")
    elif printer.for_reader:
        for name, row in zip(names, table.iter_rows(named=True), strict=True):
            lines = [f"{field:<11}{value}" for field, value in row.items() if value]
            others = "" if row["needs"] in ("", "nothing") else " ..."
            again = f"jumpduck catalog --collection {shlex.quote(name)}{others}"
            printer.line("\n".join([*lines, "", again]) + "\n")
    else:
        printer.table(table)
    printer.json({"collections": table.to_dicts()})


def _to_cite(collection: str) -> Iterator[str]:
    """Get what to cite for all of a collection; `jumpduck cite` says it of what was downloaded."""
    known = citations(collection)
    for key in dict.fromkeys(one.key for one in known if not one.name and one.key):
        reference = references()[key]
        where = f"doi:{reference.doi}" if reference.doi else reference.url
        yield f"{reference.short}, {where}"
    if any(one.name for one in known):
        yield "and the publication of the dataset"
