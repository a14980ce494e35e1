"""jumpduck sql"""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from jumpduck.cli.flags import PLACES, Csv, Json
from jumpduck.cli.printer import Printer
from jumpduck.counts import counted
from jumpduck.database.connection import open_catalog
from jumpduck.errors import QueryError
from jumpduck.stages.sql import sql as ask

SHOWN = 50


def sql(
    query: Annotated[str | None, Parameter(help="SQL; without it, a shell on the catalog.")] = None,
    /,
    *,
    catalog: Annotated[
        Path, Parameter("--catalog", group=PLACES, help="Made by jumpduck catalog.")
    ] = Path("catalog.duckdb"),
    csv: Csv = False,
    json: Json = False,
) -> None:
    """Ask the catalog anything.

    The catalog is catalog.duckdb in the current folder, or --catalog.

    A query reads the catalog, and reads and writes no other file. Without a query the duckdb
    command line is started on the catalog, read-only but free to use other files, or a plain prompt
    where duckdb is not installed; a query may also come on standard input. A terminal shows the
    first 50 rows; a pipe, --csv and --json get all.

    For example:
    ```
    jumpduck sql "FROM jump.perturbations WHERE Metadata_Symbol = 'TP53'"
    jumpduck sql "SELECT table_name, comment FROM duckdb_tables()"
    ```
    """
    printer = Printer(as_json=json, as_csv=csv)
    if query is None and not sys.stdin.isatty():
        query = sys.stdin.read()
    if query is None:
        _shell(catalog, printer)
    else:
        _answer(query, catalog, printer)


def _answer(query: str, catalog: Path, printer: Printer) -> None:
    frame = ask(query, catalog)
    shown = frame.head(SHOWN) if printer.for_reader else frame
    printer.table(shown)
    if shown.height < frame.height:
        printer.remark(
            f"... {counted(frame.height, 'row')} in all; a pipe, --csv and --json get them"
        )
    printer.json({"rows": frame.to_dicts()})


def _shell(catalog: Path, printer: Printer) -> None:
    open_catalog(catalog).close()
    if duckdb := shutil.which("duckdb"):
        os.execv(duckdb, [duckdb, "-readonly", str(catalog)])
    printer.line("SQL, ended by ; and Enter. Ctrl-D leaves.")
    words = ""
    while True:
        try:
            words += input("jumpduck> " if not words else "      ... ") + "\n"
        except EOFError:
            return
        if words.rstrip().endswith(";"):
            try:
                _answer(words, catalog, printer)
            except QueryError as error:
                print(error, file=sys.stderr)
            words = ""
