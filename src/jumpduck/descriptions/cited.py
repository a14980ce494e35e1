"""What to cite for the images of an output folder."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl

from jumpduck.collections.about import About, collection_about
from jumpduck.collections.references import Citation, Reference, citations, references
from jumpduck.database.sql_files import find_driver
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.rows import DONE
from jumpduck.schema import BIBTEX_FILE, CITATION_FILE
from jumpduck.storage.atomic_files import atomic_write
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.origins import Origin

LINE_CHARACTERS = 88

METADATA = "Metadata_"
"""Begins the name of a column of the results, in contrast to a setting of a catalog."""


@dataclass(frozen=True)
class Dataset:
    """A published dataset that images come from.

    Attributes
    ----------
    name
        Accession or name.
    references
        Its publications.
    licence
        What its publisher allows; empty if that is not known.
    publisher
        Who publishes it; empty if that is not known.
    """

    name: str
    references: Sequence[Reference]
    licence: str = ""
    publisher: str = ""


@dataclass(frozen=True)
class Cited:
    """What to cite.

    Attributes
    ----------
    datasets
        The datasets that the images come from.
    references
        Publications of the datasets and of their publishers, each once.
    thanks
        Sentences that publishers ask for.
    unknown
        What cannot be told, and where to look.
    recipes
        Names of the recipes that made the files.
    """

    datasets: Sequence[Dataset]
    references: Sequence[Reference]
    thanks: Sequence[str]
    unknown: Sequence[str]
    recipes: Sequence[str]

    @property
    def paragraphs(self) -> str:
        """Sentences for a publication, licences, and the references: a line a paragraph."""
        parts = [_sentence(self.datasets, self.recipes), *self.thanks, *self.unknown]
        if self.datasets:
            lines = (f"{one.name}: {one.licence or 'see its publisher'}" for one in self.datasets)
            parts.append("Licences\n" + "\n".join(f"- {line}" for line in lines))
        if self.references:
            lines = (f"- {one.text}" for one in self.references)
            parts.append("References\n" + "\n".join(lines))
        return "\n\n".join(parts) + "\n"

    @property
    def text(self) -> str:
        """The same in lines that a terminal shows whole."""
        lines = self.paragraphs.split("\n")
        return "\n".join(_filled(line, "  " if line.startswith("- ") else "") for line in lines)

    @property
    def bibtex(self) -> str:
        """The references, and jumpduck, in BibTeX."""
        software = (
            "@software{jumpduck,\n  title = {jumpduck},\n"
            f"  version = {{{version('jumpduck')}}},\n}}"
        )
        return "\n\n".join([*(one.bibtex for one in self.references), software]) + "\n"


def cited(folder: FilledFolder) -> Cited:
    """Get what to cite for the images that a folder has; those that could not be had do not count.

    Raises
    ------
    CatalogError
        A file of a collection cannot be read.
    """
    # each once, because a folder of many shards has an origin for each, and the results are read
    by_catalog = {json.dumps(one.catalog): one for one in folder.origins or [Origin("")]}
    datasets: dict[str, Dataset] = {}
    of_publishers: list[Reference] = []
    thanks: list[str] = []
    unknown: list[str] = []
    for origin in by_catalog.values():
        about = _about(origin)
        known = citations(str(origin.catalog.get("collection", "")))
        meant = [one for one in known if _is_meant(one, origin, folder)]
        for one in meant:
            if not one.dataset:
                of_publishers.append(references()[one.key])
                continue
            before = datasets.get(one.dataset, Dataset(one.dataset, ()))
            publications = dict.fromkeys(before.references)
            if one.key:
                publications[references()[one.key]] = None
            datasets[one.dataset] = Dataset(
                one.dataset,
                tuple(publications),
                before.licence or one.licence,
                before.publisher or about.publisher,
            )
        if not any(one.dataset for one in meant):
            unknown.append(_unknown(origin, about))
        thanks += [about.thanks] if about.thanks else []
    found = [reference for one in datasets.values() for reference in one.references]
    return Cited(
        tuple(datasets.values()),
        tuple(dict.fromkeys([*found, *of_publishers])),
        tuple(dict.fromkeys(thanks)),
        tuple(dict.fromkeys(unknown)),
        tuple(dict.fromkeys(label for label, _ in folder.recipes)),
    )


def write_citations(out: Path) -> None:
    """Write what to cite into an output folder, if its tables are there and it is not yet said."""
    try:
        found = cited(FilledFolder.open(out))
    except (ManifestError, StoreError):  # another run goes on, and writes it at its end
        return
    for name, text in ((CITATION_FILE, found.text), (BIBTEX_FILE, found.bibtex)):
        file = out / name
        before = file.read_bytes() if file.exists() else None
        # one that does not name jumpduck is the user's own
        if before is None or (before != text.encode() and b"jumpduck" in before):
            atomic_write(file, text.encode())


def _about(origin: Origin) -> About:
    try:
        return collection_about(find_driver(str(origin.catalog.get("collection", ""))))
    except QueryError:  # a collection of the user's own
        return About()


def _is_meant(one: Citation, origin: Origin, folder: FilledFolder) -> bool:
    if not one.name:
        return True
    if not one.name.startswith(METADATA):
        return origin.catalog.get(one.name) == one.value
    if one.name not in folder.results.collect_schema():
        return False
    has = (pl.col(one.name) == one.value) & pl.col("status").is_in(list(DONE))
    return bool(folder.results.select(has.any()).collect(engine="streaming").item())


def _unknown(origin: Origin, about: About) -> str:
    collection = origin.catalog.get("collection")
    if collection is None:
        return (
            "Some images were asked for by a table that does not say which collection they belong "
            "to: cite what their publisher asks for."
        )
    home = f", see {about.home}" if about.home else ""
    return (
        f"What to cite for images of the collection {collection} depends on their publisher, which "
        f"is not known here{home}."
    )


def _sentence(datasets: Sequence[Dataset], recipes: Sequence[str]) -> str:
    made = f"fetched and processed with jumpduck {version('jumpduck')}"
    if recipes:
        made += f" (recipe {', '.join(recipes)})"
    if not datasets:
        return f"The images were {made}."
    return f"We used images of {' and of '.join(_by_publisher(datasets))}, {made}."


def _by_publisher(datasets: Sequence[Dataset]) -> Iterator[str]:
    for publisher in dict.fromkeys(one.publisher for one in datasets):
        own = [one for one in datasets if one.publisher == publisher]
        names = ", ".join(map(_with_references, own))
        yield f"{names}, available from {publisher}" if publisher else names


def _with_references(dataset: Dataset) -> str:
    publications = "; ".join(one.short for one in dataset.references)
    return f"{dataset.name} ({publications})" if publications else dataset.name


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, LINE_CHARACTERS, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
