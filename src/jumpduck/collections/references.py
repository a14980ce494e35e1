"""What to cite for a collection: ``citations.csv`` in its folder, and ``sql/references.bib``."""

import csv
import re
from dataclasses import dataclass, fields
from functools import cache

from jumpduck.database.sql_files import sql_root
from jumpduck.errors import CatalogError

_ENTRY = re.compile(r"^@\w+\{(?P<key>\w+),\n(?P<fields>.*?)^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},$", re.MULTILINE)

TWO_AUTHORS = 2


@dataclass(frozen=True)
class Reference:
    """A publication.

    Attributes
    ----------
    key
        Its key.
    bibtex
        Its entry in BibTeX.
    author, title, journal, year, doi, url
        What the entry says; empty where it says nothing. ``journal`` is also where a dataset is
        published.
    """

    key: str
    bibtex: str
    author: str = ""
    title: str = ""
    journal: str = ""
    year: str = ""
    doi: str = ""
    url: str = ""

    @property
    def short(self) -> str:
        """The reference in a sentence: ``Caie et al., 2010``."""
        names = [one.strip("{}").split(",")[0] for one in self.author.split(" and ") if one]
        if not names:
            return self.title
        if len(names) == 1:
            who = names[0]
        elif len(names) == TWO_AUTHORS and names[1] != "others":
            who = " and ".join(names)
        else:
            who = f"{names[0]} et al."
        return f"{who}, {self.year}" if self.year else who

    @property
    def text(self) -> str:
        """The reference in a list."""
        where = f"https://doi.org/{self.doi}" if self.doi else self.url
        whole = self.title if self.title in self.short else f"{self.short}: {self.title}"
        return ". ".join(part for part in (whole, self.journal, where) if part)


@dataclass(frozen=True)
class Citation:
    """A line of ``citations.csv``.

    Attributes
    ----------
    dataset
        Accession or name of what is cited; empty for who publishes it.
    key
        Key of the reference; empty where the dataset has no publication.
    name, value
        The line is meant where this column of the results, or this setting of the catalog, has
        this value; always where they are empty.
    licence
        What the publisher of the dataset allows.
    """

    dataset: str = ""
    key: str = ""
    name: str = ""
    value: str = ""
    licence: str = ""


@cache
def references() -> dict[str, Reference]:
    """Get all references, by their keys."""
    text = (sql_root() / "references.bib").read_text(encoding="utf-8")
    known = {one.name for one in fields(Reference)}
    found: dict[str, Reference] = {}
    for entry in _ENTRY.finditer(text):
        said = dict(_FIELD.findall(entry["fields"]))
        said["journal"] = said.get("journal", said.get("howpublished", ""))
        own = {name: value for name, value in said.items() if name in known}
        found[entry["key"]] = Reference(key=entry["key"], bibtex=entry[0], **own)
    return found


def citations(collection: str) -> list[Citation]:
    """Get what a collection that comes with jumpduck asks to be cited; nothing of another one.

    Raises
    ------
    CatalogError
        The file names a reference that there is not.
    """
    file = sql_root() / collection / "citations.csv"
    if not re.fullmatch(r"\w+", collection) or not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        found = [Citation(**line) for line in csv.DictReader(lines)]
    if unknown := [one.key for one in found if one.key and one.key not in references()]:
        raise CatalogError(f"{file} names {unknown[0]!r}, which sql/references.bib has not")
    return found
