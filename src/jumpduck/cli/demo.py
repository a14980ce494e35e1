"""jumpduck demo"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.flags import CHOOSE, OUTPUT, Json, Quiet
from jumpduck.cli.manifest import say_chosen, say_left_out
from jumpduck.cli.printer import Printer
from jumpduck.cli.transfer_report import by_reason, reasons, summarize
from jumpduck.collections.base import OPTIONS, CatalogOptions
from jumpduck.counts import counted
from jumpduck.errors import PartialError, StoreError
from jumpduck.rows import DONE
from jumpduck.schema import RESULTS_FILE, SITES_FILE
from jumpduck.selection.criteria import Selection
from jumpduck.selection.suggestions import check_names
from jumpduck.stages.catalog import catalog as build
from jumpduck.stages.catalog import imaged
from jumpduck.stages.download import download as fetch
from jumpduck.stages.manifest import write_manifest
from jumpduck.stages.show import show as draw
from jumpduck.storage.atomic_files import writable_folder
from jumpduck.synthetic.galleries import WRITERS, write_small_gallery
from jumpduck.transfer.run import check_platform
from jumpduck.words import words_of

MARK = ".jumpduck-demo"
"""File that says that the demo made the folder it is in, and for which collection."""

GALLERY, METADATA = "gallery", "metadata"

OWN = (GALLERY, METADATA, "catalog.duckdb", "manifest.parquet", "images", "show.png")
"""What the demo makes, and replaces where it is there."""


def demo(
    *,
    collection: Annotated[
        str, Parameter(group=CHOOSE, help="Collection whose layout the gallery has.")
    ] = "jump",
    out: Annotated[
        Path, Parameter(["--out", "-o"], group=OUTPUT, help="Folder for all of it.")
    ] = Path("jumpduck-demo"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Do the whole job once on a small synthetic gallery.

    Writes a few plates in the layout of the collection, with the traps of the real one and
    planned faults, then runs catalog, manifest and download over them as they are. Ends with 0
    when everything came out as planned, the faults included. A folder that holds anything which
    is not the demo's own is refused.

    For example:
    ```
    jumpduck demo --out /tmp/jumpduck-demo
    jumpduck demo --collection bbbc021
    ```
    """
    check_platform()
    collection = collection.lower().replace("-", "_")  # as `catalog` reads it
    check_names("collection", [collection], WRITERS)
    _begin(out, collection)
    printer = Printer(as_json=json, quiet=quiet)
    printer.line(f"1. A small gallery in the layout of {collection}, with planned faults")
    made = write_small_gallery(collection, out)
    printer.line(
        f"   {counted(made.files, 'file')}, {made.bytes / 1e6:,.0f} MB -> {out / GALLERY}\n"
    )

    given: dict[str, Any] = (
        {} if collection == CatalogOptions.collection else {"collection": collection}
    )
    printer.line(f"2. jumpduck catalog{_words({**given, **made.options}, out)}")
    path = out / "catalog.duckdb"
    build(path, **given, **made.options)
    printer.table(imaged(path))
    printer.line(f"-> {path}\n")

    printer.line("3. jumpduck manifest")
    manifest = out / "manifest.parquet"
    chosen = write_manifest(path, manifest, Selection(), left_out=True)
    say_chosen(printer, chosen, manifest)
    if chosen.left_out:
        say_left_out(printer, chosen.left_out)
    printer.line("")

    printer.line("4. jumpduck download")
    images = out / "images"
    results = fetch(manifest, images)
    summary = summarize(results)
    printer.table(summary)
    left = [images, images / RESULTS_FILE, images / SITES_FILE]
    printer.line(f"-> {', '.join(map(str, left))}")
    bad = results.filter(~pl.col("status").is_in(DONE))
    for text in reasons(by_reason(bad)):
        printer.line(text)
    printer.line("")

    printer.line("5. jumpduck show")
    picture = draw(out=images, path=out / "show.png").path
    printer.line(f"-> {picture}, one site of each well\n")

    found = dict(bad.select(pl.col("path").str.strip_suffix(".png"), "status").rows())
    chosen_paths = set(results["path"].str.strip_suffix(".png"))
    as_planned = found == {
        path: status for path, status in made.faults.items() if path in chosen_paths
    }
    left = [*(out / name for name in (GALLERY, METADATA) if (out / name).exists()), path]
    left += [manifest, images, images / RESULTS_FILE, images / SITES_FILE, picture]
    printer.json(
        {"as_planned": as_planned, "by_status": summary.to_dicts(), "left": [str(p) for p in left]}
    )
    if not as_planned:
        raise PartialError("the demo did not come out as planned: see the files above")
    printer.line(
        "All as planned: every image is there but those that the gallery lacks or holds broken.\n"
        "`jumpduck download` on this manifest ends with 3 and says so.\n"
        f"Look at {picture}, then go on:\n"
        f"   cd {out} && {_me()} sql 'FROM {collection}.channels'"
    )


def _begin(out: Path, collection: str) -> None:
    """Make the demo's folder, or refuse one that holds something else, because that would go."""
    mark = out / MARK
    if mark.is_file() and (other := mark.read_text()) not in ("", collection):
        raise StoreError(f"--out {out} holds the demo of {other}; give another folder")
    if out.is_dir():
        names = sorted(file.name for file in out.iterdir())
        if MARK in names:
            names = [name for name in names if name not in OWN and not name.startswith(".")]
        if names:
            more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
            raise StoreError(
                f"--out {out} holds {names[0]}{more}, which the demo did not make and could "
                "replace; give a folder that does not exist or is empty"
            )
    writable_folder(out)
    mark.write_text(collection)


def _words(options: Mapping[str, Any], folder: Path) -> str:
    """Get options of a catalog as they are written in a folder."""
    words = words_of(CatalogOptions(**options), ("collection", *OPTIONS))
    return "".join(f" {word.removeprefix(f'{folder}/')}" for word in words)


def _me() -> str:
    """How this program can be called from another folder."""
    return "jumpduck" if shutil.which("jumpduck") else str(Path(sys.argv[0]).resolve())
