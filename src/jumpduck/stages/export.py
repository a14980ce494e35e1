"""A folder that a download filled -> the form that another tool reads."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.exports.export_folder import ExportFolder
from jumpduck.exports.filling import fill
from jumpduck.exports.forms import PLACES, FolderForm, form_of
from jumpduck.exports.tables import LACKING_FILE, TablesOfPlates, write_lacking, write_table
from jumpduck.options import expanded, takes
from jumpduck.schema import BIBTEX_FILE, CITATION_FILE
from jumpduck.selection.criteria import Names
from jumpduck.selection.suggestions import check_names, known_names, some_of
from jumpduck.storage.replaced_files import check_ending
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.kept_sites import KeptSites, Totals

MIXES_RECIPES = ("paths",)
"""Forms that say of each image which recipe made it."""

OF_PLATES = ("loaddata",)
"""Tables that are written as one for each plate where `out` does not end with .csv."""


def no_progress(_images: int, _of_all: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class ExportOptions:
    """What to export.

    Parameters
    ----------
    form
        loaddata (CellProfiler), nfcore (nf-core/cellpainting), paths (CSV), webdataset,
        huggingface or ome-zarr.
    folder
        Folder that `jumpduck download` filled.
    out
        File or folder to write; by default one in the current folder that is named as the form
        does. A folder for form loaddata gets one table for each plate.
    channels
        Only these channels, in this order; by default all, in the order of the collection.
    incomplete
        Take sites, too, that lack some of their images; by default they are left out.
    progress
        Called with the number of images that are done, and of all.
    """

    form: str = ""
    folder: str | Path = "images"
    out: str | Path | None = None
    _: KW_ONLY
    channels: Names = ()
    incomplete: bool = False
    progress: Callable[[int, int], None] = no_progress


@dataclass(frozen=True)
class Exported:
    """What was exported.

    Attributes
    ----------
    out
        The file or folder.
    plates, sites, images, bytes
        What is in it; bytes are those of the kept files.
    pieces
        Number of its files, or of fields in OME-Zarr.
    left_out
        Number of sites that are not in it because they lack images.
    unfetched
        Number of images that were asked for and not fetched yet; they are not in it.
    lacking
        A row for each image that a site lacks: its key, status and error.
    lacking_file
        The file that has these rows.
    """

    out: Path
    plates: int
    sites: int
    images: int
    bytes: int
    pieces: int
    left_out: int
    unfetched: int
    lacking: pl.DataFrame
    lacking_file: Path


@takes(ExportOptions)
def export(options: ExportOptions) -> Exported:
    """Write the images of a folder, or a table of them, in the form that another tool reads.

    The same call goes on after a kill: finished pieces are compared with the checksum that they
    had, the others are made again. Files that are copied are compared with their checksums.

    Returns
    -------
    Exported
        What was exported, and which images sites lack.

    Raises
    ------
    QueryError
        There is no such form or channel, or the form cannot hold these images.
    StoreError
        Nothing was downloaded into `folder`, a file is not what was kept, or `out` is there and is
        something else.
    """
    return export_sites(options)


def export_sites(options: ExportOptions, *, dry_run: bool = False) -> Exported:
    """Do what `export` does; with `dry_run`, count and check, and write nothing."""
    if not options.form:
        raise QueryError(f"form is not given; {some_of(PLACES)}")
    check_names("form", [options.form], tuple(PLACES))
    folder = FilledFolder.open(options.folder)
    channels = known_names("channel", options.channels, {one.name for one in folder.channels})
    kept = KeptSites(folder, channels, incomplete=options.incomplete)
    totals = kept.totals()
    _check(options, folder, totals)
    form = form_of(options.form, kept, totals)
    out = expanded(form.out if options.out is None else options.out)
    if not isinstance(form, FolderForm) and form.name in OF_PLATES and out.suffix.lower() != ".csv":
        form = TablesOfPlates(form, kept)
    if not isinstance(form, FolderForm):
        check_ending("out", out, (".csv",))
    done = 0

    def advance(images: int) -> None:
        nonlocal done
        done += images
        options.progress(done, totals.images)

    advance(0)
    if isinstance(form, FolderForm):
        about = {
            "form": form.name,
            "sites": totals.sites,
            "images": totals.images,
            "digest": totals.digest,
        }
        target = ExportFolder(out, about)
        target.check()
        lacking_file = out / LACKING_FILE
        pieces = 0 if dry_run else fill(form, target, _beside(folder, totals), advance)
    else:
        lacking_file = out.with_name(f"{out.stem}.{LACKING_FILE}")
        if not dry_run:
            write_table(form, kept, out, advance)
            write_lacking(totals.lacking, lacking_file)
        pieces = 1
    return Exported(
        out, totals.plates, totals.sites, totals.images, totals.bytes, pieces, totals.left_out,
        totals.unfetched, totals.lacking, lacking_file,
    )  # fmt: skip


def _beside(folder: FilledFolder, totals: Totals) -> dict[str, bytes]:
    """Get what each exported folder has beside its form: what sites lack, and what to cite."""
    found = {LACKING_FILE: totals.lacking.write_csv().encode()} if totals.lacking.height else {}
    for name in (CITATION_FILE, BIBTEX_FILE):
        with suppress(FileNotFoundError):
            found[name] = (folder.path / name).read_bytes()
    return found


def _check(options: ExportOptions, folder: FilledFolder, totals: Totals) -> None:
    """Raise QueryError if there is nothing to export, or it was made in several ways."""
    if not totals.sites:
        more = "" if options.incomplete else "; `incomplete` takes those that lack some"
        raise QueryError(
            f"folder {folder.path} has no site with all images, therefore nothing is exported: "
            f"`jumpduck status {folder.path}` says what is missing{more}"
        )
    if len(totals.recipes) > 1 and options.form not in MIXES_RECIPES:
        names = "; ".join(f"{label} {parameters}" for label, parameters in totals.recipes)
        raise QueryError(
            f"folder {folder.path} has files of {len(totals.recipes)} recipes, which form "
            f"{options.form} would not tell apart ({names}); download all of them with one recipe, "
            "or each recipe into a folder of its own"
        )
