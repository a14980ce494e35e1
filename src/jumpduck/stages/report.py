"""A folder that a download filled -> one HTML file about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jumpduck.descriptions.again import command_again, manifest_again
from jumpduck.descriptions.cited import cited
from jumpduck.figures.charts import check_charts
from jumpduck.figures.download_report.page import AskedFor, Told, is_report, report_of
from jumpduck.options import expanded, takes
from jumpduck.selection.kept_query import facts_of
from jumpduck.storage.atomic_files import atomic_write, make_folder
from jumpduck.storage.replaced_files import check_ending, refuse_file_as_folder, refuse_other_file
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.origins import Origin

REPORT_FILE = "report.html"

SUFFIXES = (".html", ".htm")

_SETTINGS: Mapping[str, str] = {
    "collection": "collection", "gallery": "images from", "endpoint": "S3 server",
    "metadata": "metadata from", "revision": "revision of the metadata",
}  # fmt: skip
"""Settings of a catalog that the report names first, and what it calls them."""


@dataclass(frozen=True)
class ReportOptions:
    """What to report about.

    Parameters
    ----------
    out
        Folder that `jumpduck download` filled.
    path
        HTML file to write; report.html in the folder by default.
    """

    out: str | Path = "images"
    path: str | Path | None = None


@dataclass(frozen=True)
class Reported:
    """A report that was written.

    Attributes
    ----------
    path
        The file.
    bytes
        Its size.
    plates, wells
        How many the folder has.
    images, done
        Images that were tried, and those of them that came.
    wells_shown, wells_with_pictures
        Wells that are in its plate maps, and of which it has pictures.
    left
        Images that were asked for and are not fetched yet.
    """

    path: Path
    bytes: int
    plates: int
    wells: int
    images: int
    done: int
    wells_shown: int
    wells_with_pictures: int
    left: int


@takes(ReportOptions)
def report(options: ReportOptions) -> Reported:
    """Get one HTML file about a download: what was asked for, what came, how good it is.

    It has tables, charts, plate maps and small pictures, and needs no network. The same folder
    gives the same bytes.

    Raises
    ------
    StoreError
        Nothing was downloaded into the folder, or `path` is a file that is not a report.
    ManifestError
        The folder has no results.parquet or sites.parquet.
    QueryError
        The extra ``report`` is not installed, or `path` does not end with .html or .htm.
    """
    refuse_file_as_folder(options.out, SUFFIXES)
    if options.path is not None:
        check_ending("path", expanded(options.path), SUFFIXES)
    folder = FilledFolder.open(options.out)
    path = expanded(options.path) if options.path is not None else folder.path / REPORT_FILE
    refuse_other_file(path, "a report", is_report)
    check_charts()
    asked = [_asked(origin) for origin in folder.origins]
    told = Told(asked, command_again(folder), _notices(folder), cited(folder).paragraphs)
    made = report_of(folder, told)
    make_folder(path.parent)
    atomic_write(path, made.html)
    return Reported(
        path,
        bytes=len(made.html),
        plates=made.plates,
        wells=made.wells,
        images=made.images,
        done=made.done,
        wells_shown=made.wells_shown,
        wells_with_pictures=made.wells_with_pictures,
        left=folder.left,
    )


def _asked(origin: Origin) -> AskedFor:
    """Get what a manifest was asked for, and where from."""
    settings: dict[str, Any] = {**origin.catalog}
    settings.pop("options", None)  # what was given by hand, of which the others follow
    named = [(title, settings.pop(name, None)) for name, title in _SETTINGS.items()]
    others = [(name.replace("_", " "), value) for name, value in settings.items()]
    catalog = [(title, str(value)) for title, value in (*named, *others) if value is not None]
    part = [(f"{name} of the manifest", str(value)) for name, value in origin.part.items()]
    digest = ("SHA-256 of the manifest's rows", origin.digest)
    return AskedFor([*facts_of(origin.query), *catalog, *part, digest], manifest_again(origin))


def _notices(folder: FilledFolder) -> list[str]:
    found: list[str] = []
    if folder.left:
        found.append(
            "This download is not finished: of the images that were asked for, it has still to "
            f"fetch {folder.left:,}, and nothing here counts them. jumpduck status says how to go "
            "on."
        )
    if len(folder.recipes) > 1:
        found.append("The folder has files of different recipes, which cannot be compared.")
    return found
