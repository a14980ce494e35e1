"""Write docs/tables.md from a catalog's comments and jumpduck.schema. Run it with `just tables`."""

import tempfile
from pathlib import Path

import duckdb

import jumpduck
from jumpduck import schema
from jumpduck.synthetic.gallery import write_gallery

PAGE = Path(__file__).with_suffix(".md")

HEAD = """\
# Tables

Made by `just tables` from the comments in the catalog and from `jumpduck.schema`; a test checks
that this page is up to date. Keys are text, so that a plate named `00001` keeps its zeros; only
`Metadata_Site` is a number, and it can be 0. `Metadata_*` is what the field published; names in
small letters are jumpduck's.
"""

MANIFEST = """
## manifest.parquet

One row a file to fetch; key: `path`. The rows of a plate stand together. Any other column, the
collection's or your own, is text, a whole number, a float or a boolean, and is passed on to the
results and the sites.
"""

RESULTS = """
## results.parquet

One row a file asked for, by any run into the folder: the columns of the manifest, with the suffix
of the recipe in `path`, and these. Key: `path` and `Metadata_Channel`.
"""

SITES = """
## sites.parquet

One row a site; key: `Metadata_Source` to `Metadata_Site`. Beside the key, the columns of the
manifest that belong to the site, and a column `path_CHANNEL` for each channel: the path of its file
in the output folder, NULL where it could not be had.
"""

CATALOG = """
## catalog.duckdb

Ask it with `jumpduck sql`, or open it with DuckDB. What reads the outside is a table; what is
derived from tables is a view or a macro. `SELECT table_name, comment FROM duckdb_tables()` gives
the same comments.
"""

MEANING = {
    "Metadata_Source": "Laboratory that made the plate",
    "Metadata_Batch": "Batch the plate was imaged in",
    "Metadata_Plate": "Plate barcode",
    "Metadata_Well": "Row letters and two-digit column",
    "Metadata_Site": "Field of view in the well; the first is 0 or 1",
    "Metadata_Channel": "Channel, by the collection's name for it",
    "url": "Where the file is fetched from: s3://, http(s):// or a local path",
    "path": "Where the file goes below the output folder, without suffix",
    "url_illum": "URL of the illumination function of its plate and channel; in results, what it "
    "was made of where the recipe made it",
    "channel_kind": "stain, brightfield or other",
    "known_issue": "What has been reported about the image",
    "estimated_bytes": "Bytes of the published file, an estimate",
    "Metadata_Well_Row": "row of the well on the plate, from 1",
    "Metadata_Well_Column": "column of the well on the plate, from 1",
    "Metadata_Concentration_Micromolar": "concentration of the compound, where it is published",
    "Metadata_Pixel_Size_Microns": "Edge of a pixel in the specimen, in micrometres",
    "status": "fetched, present (by an earlier run), missing, corrupt or failed",
    "bytes": "Bytes of the published file",
    "size": "Bytes of the file that was kept",
    "width": "Pixels of the published image, from left to right",
    "height": "Pixels of the published image, from top to bottom",
    "low": "Grey level of the lower percentile",
    "high": "Grey level of the upper percentile",
    "mean": "Mean grey level of the crop",
    "saturated": "Share of the crop's pixels at the top of the camera's range",
    "focus": "0 (smooth) to 1 (noise); compare it within a channel only",
    "constant": "All pixels of the crop are equal",
    "etag": "ETag of the published file, where the server gave one",
    "checksum": "SHA-256 of the file that was kept",
    "recipe": "Name and version of the recipe",
    "parameters": "Parameters of the recipe, as JSON",
    "attempts": "Requests that the file needed; 0 if it was present",
    "seconds": "Time from the first request until the file was written",
    "error": "Why there is no file",
}

COLUMNS = """
SELECT schema_name || '.' || table_name AS relation, column_name, data_type, comment
FROM duckdb_columns()
WHERE NOT internal
ORDER BY schema_name, table_name, column_index
"""

RELATIONS = """
SELECT schema_name || '.' || table_name AS relation, comment FROM duckdb_tables() WHERE NOT internal
UNION ALL
SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE NOT internal
ORDER BY relation
"""

MACROS = """
SELECT DISTINCT schema_name || '.' || function_name, parameters, comment
FROM duckdb_functions()
WHERE NOT internal AND function_type IN ('macro', 'table_macro')
ORDER BY ALL
"""


def page(catalog: Path) -> str:
    """Get the page's text."""
    manifest = [
        *((f"`{name}`", _type(of), "yes", MEANING[name]) for name, of in schema.MANIFEST.items()),
        *((f"`{name}`", _type(of), "", MEANING[name]) for name, of in schema.OPTIONAL.items()),
    ]
    added = [(f"`{name}`", _type(of), MEANING[name]) for name, of in schema.OUTCOME.items()]
    text = HEAD + MANIFEST + _table(("column", "type", "required", "meaning"), manifest)
    text += RESULTS + _table(("column", "type", "meaning"), added)
    text += SITES + CATALOG
    with duckdb.connect(str(catalog), read_only=True) as con:
        columns = con.execute(COLUMNS).fetchall()
        for relation, comment in con.execute(RELATIONS).fetchall():
            mine = [
                (f"`{name}`", _type(of), _cell(what))
                for table, name, of, what in columns
                if table == relation
            ]
            text += f"\n### {relation}\n\n{_cell(comment)}.\n"
            text += _table(("column", "type", "meaning"), mine)
        macros = con.execute(MACROS).fetchall()
    text += "\n### Macros\n"
    return text + _table(
        ("macro", "arguments", "gives"),
        [(f"`{name}`", f"`{', '.join(of)}`", _cell(what)) for name, of, what in macros],
    )


def _type(of) -> str:
    """Get the name of a type of Polars or DuckDB as the page writes it."""
    text = str(of)
    short = text if len(text) <= 40 else f"{text[: text.index('(')]}(…)"
    return {"String": "text", "VARCHAR": "text"}.get(short, short.lower())


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


def _table(head, rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main():
    with tempfile.TemporaryDirectory() as folder:
        made = write_gallery(Path(folder), edges=(64, 96))
        catalog = Path(folder) / "catalog.duckdb"
        jumpduck.catalog(catalog, gallery=str(made.gallery), metadata=str(made.metadata))
        PAGE.write_text(page(catalog), encoding="utf-8")
    print(f"-> {PAGE}")


if __name__ == "__main__":
    main()
