"""BBBC021: three published CSV tables, fetched and checked before SQL reads them."""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jumpduck.collections.base import CatalogOptions, TableSource, gallery_root
from jumpduck.collections.published_csv import csv_lines, no_header, too_large, unpacked
from jumpduck.database.sql_files import Value, as_pattern
from jumpduck.errors import CatalogError
from jumpduck.storage.object_reader import ObjectReader, root_of

HOME = "https://data.broadinstitute.org/bbbc/BBBC021"
"""Where the tables and the zips are published, in one folder."""

MAX_TABLE_BYTES = 64 * 2**20
"""A table that has more is refused; the published image table has 4 MB."""

CHANNELS = ("DAPI", "Tubulin", "Actin")

TABLES: Mapping[str, tuple[str, Sequence[str]]] = {
    "image": (
        "BBBC021_v1_image.csv",
        (
            *(f"Image_{what}_{one}" for one in CHANNELS for what in ("FileName", "PathName")),
            "Image_Metadata_Plate_DAPI",
            "Image_Metadata_Well_DAPI",
            "Replicate",
            "Image_Metadata_Compound",
            "Image_Metadata_Concentration",
        ),
    ),
    "mechanism": ("BBBC021_v1_moa.csv", ("compound", "concentration", "moa")),
    "compound": ("BBBC021_v1_compound.csv", ("compound", "smiles")),
}
"""File of each table, and the columns that SQL reads."""

OPTIONAL = "compound"
"""The table that only SMILES depend on."""


class Bbbc021Tables(TableSource):
    """Where the tables of BBBC021 come from.

    Parameters
    ----------
    options
        What to read.
    scratch
        Folder for copies; the caller removes it.

    Raises
    ------
    StoreError
        There is no such gallery folder.
    """

    def __init__(self, options: CatalogOptions, scratch: Path) -> None:
        self._options = options
        self._scratch = scratch
        self._gallery = gallery_root(options.gallery or HOME)
        self._metadata = root_of(options.metadata or HOME)
        self._reader = ObjectReader(options.endpoint)

    def variables(self) -> Mapping[str, Value]:
        """Fetch the tables, and get the variables that say where everything is.

        Raises
        ------
        CatalogError
            A table is missing, or is not what was published.
        StoreError
            The server cannot be reached.
        """
        self._options.progress("metadata", 0, len(TABLES))
        variables: dict[str, Value] = {
            "bbbc021_gallery": self._gallery,
            "bbbc021_endpoint": self._options.endpoint,
            "bbbc021_metadata": self._metadata,
        }
        digest = hashlib.sha256()
        for number, (table, (name, columns)) in enumerate(TABLES.items(), 1):
            data = self._table(name)
            if data is not None:
                copy = self._scratch / name
                with copy.open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(_rows(name, data, columns))
                digest.update(hashlib.sha256(data).digest())
                variables[f"bbbc021_{table}_table"] = as_pattern(copy)
            elif table != OPTIONAL:
                raise CatalogError(
                    f"there is neither {name} nor {name}.gz in {self._metadata}; "
                    "give another folder as `metadata`"
                )
            self._options.progress("metadata", number, len(TABLES))
        variables["bbbc021_revision"] = f"sha256:{digest.hexdigest()}"
        return variables

    def _table(self, name: str) -> bytes | None:
        """Get a table, which may be compressed; None if there is none."""
        for one in (name, f"{name}.gz"):
            url = f"{self._metadata}/{one}"
            try:
                file = self._reader.read_if(url, lambda size: size <= MAX_TABLE_BYTES)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise CatalogError(f"{error}; check `metadata`") from error
            if file is None:
                raise too_large(url, MAX_TABLE_BYTES)
            return unpacked(url, bytes(file.data), MAX_TABLE_BYTES)
        return None


def _rows(name: str, data: bytes, columns: Sequence[str]) -> Iterator[Sequence[str]]:
    """Get these columns of a table, the header first.

    Raises
    ------
    CatalogError
        It cannot be the published table, or a line cannot be read.
    """
    lines = csv_lines(name, data)
    header = next(lines)
    if not {*columns} & {*header}:
        raise no_header(name, header, f"{columns[0]} and others")
    if lacking := [column for column in columns if column not in header]:
        raise CatalogError(
            f"{name} has no column {lacking[0]}; its columns are {', '.join(header)[:500]!r}; "
            "give the published file"
        )
    places = [header.index(column) for column in columns]
    yield columns
    for line in lines:
        yield [line[place] for place in places]
