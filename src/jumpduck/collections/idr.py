"""The Image Data Resource: the published tables of the studies that were asked for."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock

import polars as pl

from jumpduck.collections.base import CatalogOptions, TableSource, gallery_root
from jumpduck.collections.published_csv import csv_lines, no_header, unpacked
from jumpduck.daemon_pool import in_threads
from jumpduck.database.sql_files import Value, as_pattern, sql_root
from jumpduck.errors import CatalogError, QueryError
from jumpduck.selection.suggestions import known_names, meant_by, separate
from jumpduck.storage.object_reader import ObjectReader, root_of
from jumpduck.storage.open_files import allowed_connections

METADATA = "https://raw.githubusercontent.com/IDR/idr-metadata/HEAD"
ZARR_LISTS = "https://raw.githubusercontent.com/IDR/mkngff_upgrade_scripts/HEAD/ngff_filesets"
"""Where the Image Data Resource publishes tables of studies, and lists of their OME-Zarr forms."""

ANNOTATION = (
    "Plate", "Well", "Plate Issues", "Quality Control", "Control Type",
    "Characteristics [Organism]", "Characteristics [Cell Line]", "Replicate", "Channels",
    "Compound Name",
    "Compound Broad Identifier", "Compound SMILES", "Compound MOA", "Dose", "siRNA Identifier",
    "Original Gene Target", "Gene Identifier", "Gene Symbol",
)  # fmt: skip
"""The columns of an annotation that SQL reads, of up to 143; each study has another choice of them.

What stands in brackets behind the name of a column is left out.
"""

FETCH_THREADS = 16

MAX_TABLE_BYTES = 2**30
"""Of a table at most, uncompressed; the annotation of idr0013 has 196,608 lines of 143 values."""


@dataclass(frozen=True)
class Screen:
    """A screen of a study: a line of sql/idr/studies.csv.

    Attributes
    ----------
    name
        Study and screen: ``idr0013-screenA``.
    folder
        Folder of the study: ``idr0013-neumann-mitocheck``.
    zarr
        Accession of the study's OME-Zarr form.
    layout
        What names its images.
    """

    name: str
    folder: str
    zarr: str
    layout: str

    @property
    def study(self) -> str:
        """Accession of the study."""
        return self.name.partition("-")[0]


def _known_screens() -> list[Screen]:
    with (sql_root() / "idr" / "studies.csv").open(encoding="utf-8", newline="") as file:
        return [
            Screen(line["screen"], line["folder"], line["zarr"], line["layout"])
            for line in csv.DictReader(file)
        ]


def asked_screens(names: Sequence[str]) -> tuple[list[Screen], list[str]]:
    """Get the screens that were asked for, and the names of those whose OME-Zarr form was.

    A study is named by its accession (idr0035), with a screen (idr0013-screenA), or by the
    accession of its OME-Zarr form (S-BIAD847), then with all its screens.

    Raises
    ------
    QueryError
        No study was named, a name is not known, or one screen was asked for in both forms.
    """
    known = _known_screens()
    meant: dict[str, list[Screen]] = {}
    for screen in known:
        for name in (screen.study, screen.name, screen.folder, screen.zarr):
            meant.setdefault(name, []).append(screen)
    studies = ", ".join(f"{one.study} ({one.zarr})" for one in {s.study: s for s in known}.values())
    if not names:
        raise QueryError(
            f"collection 'idr' needs `studies`: one or several of {studies}; an accession in "
            "brackets stands for the OME-Zarr form of the study"
        )
    found: dict[str, Screen] = {}
    zarrs: dict[str, bool] = {}
    for asked in separate(names, set(meant)):
        one = meant_by(asked, set(meant))
        if len(one) != 1:
            raise QueryError(f"there is no study {asked!r}; there are {studies}")
        for screen in meant[one[0]]:
            is_zarr = one[0] == screen.zarr
            if zarrs.setdefault(screen.name, is_zarr) != is_zarr:
                raise QueryError(
                    f"studies has {screen.study} and {screen.zarr}, two forms of the same images; "
                    "ask for one of them"
                )
            found[screen.name] = screen
    return list(found.values()), [name for name, is_zarr in zarrs.items() if is_zarr]


class IdrTables(TableSource):
    """Where the tables of the Image Data Resource come from.

    For each screen these are the list of its plates and the annotation of its wells; beside them,
    for each plate, the file that names its images, or a list of the plates' OME-Zarr forms.

    Parameters
    ----------
    options
        What to read.
    scratch
        Folder for copies; the caller removes it.

    Raises
    ------
    QueryError
        A study is not known, or none was named.
    StoreError
        There is no such gallery folder.
    """

    def __init__(self, options: CatalogOptions, scratch: Path) -> None:
        self._options = options
        self._scratch = scratch
        self._screens, self._zarrs = asked_screens(options.studies)
        self._metadata = None if options.metadata is None else root_of(options.metadata)
        self._gallery = None if options.gallery is None else gallery_root(options.gallery)
        self._reader = ObjectReader(options.endpoint)

    def variables(self) -> Mapping[str, Value]:
        """Fetch the tables, and get the variables that say where everything is."""
        lists = {screen.name: self._list_of_plates(screen) for screen in self._screens}
        names = {name: list(_plates(text)) for name, text in lists.items()}
        known = {plate for plates in names.values() for plate, _ in plates}
        plates = known_names("plate", self._options.plates, known)
        texts = [(name, "plates", "", text) for name, text in lists.items()]
        annotations = [self._annotation(screen) for screen in self._screens]
        for screen in self._screens:
            if screen.name in self._zarrs:
                texts.append((screen.name, "zarrs", "", self._list_of_zarrs(screen)))
        texts += self._plate_files(names, set(plates) or known)
        file = self._scratch / "texts.parquet"
        schema = [(name, pl.String) for name in ("screen", "kind", "name", "text")]
        pl.DataFrame(texts, schema, orient="row").write_parquet(file)
        return {
            "idr_gallery": self._gallery,
            "idr_metadata": self._metadata or METADATA,
            "idr_endpoint": self._options.endpoint,
            "idr_screens": [screen.name for screen in self._screens],
            "idr_zarrs": self._zarrs,
            "idr_plates": plates or None,
            "idr_annotations": annotations,
            "idr_texts": as_pattern(file),
        }

    def _list_of_plates(self, screen: Screen) -> str:
        found = self._first(screen, (f"{screen.name}-plates.tsv",))
        if found is None:
            raise CatalogError(
                f"study {screen.name} has no list of plates {screen.name}-plates.tsv under "
                f"{self._metadata or METADATA}; check `metadata`"
            )
        text = found[1].decode("utf-8-sig", errors="replace")
        for plate, _ in _plates(text):
            if not re.fullmatch(r"\w[\w.+ -]*", plate):
                raise CatalogError(
                    f"{screen.name}-plates.tsv has a plate {plate!r}, which cannot be the name "
                    "of a folder; give a corrected table in `metadata`"
                )
        return text

    def _annotation(self, screen: Screen) -> str:
        name = f"{screen.name}-annotation.csv"
        found = self._first(screen, (name, f"{name}.gz"))
        if found is None:
            raise CatalogError(
                f"study {screen.name} has no annotation {name} or {name}.gz under "
                f"{self._metadata or METADATA}; without it nobody knows what is in its wells: "
                "give a folder that has it as `metadata`"
            )
        url, data = found
        lines = csv_lines(url, data)
        header = next(lines)
        named = [re.sub(r" \(.*\)$", "", column.strip()) for column in header]
        if not {*ANNOTATION} & {*named}:
            raise no_header(url, header, "Plate, Well and others")
        if not {"Plate", "Well"} <= {*named}:
            raise CatalogError(
                f"{url} has no columns Plate and Well, which the annotation of a study has; "
                "give a corrected table in `metadata`"
            )
        places = {name: named.index(name) for name in ANNOTATION if name in named}
        values = [[line[place] or None for place in places.values()] for line in lines]
        schema = dict.fromkeys(places, pl.String)
        file = self._scratch / f"{screen.name}.parquet"
        pl.DataFrame(values, schema, orient="row").select(
            pl.lit(screen.name).alias("screen"),
            *(
                pl.col(name) if name in places else pl.lit(None, pl.String).alias(name)
                for name in ANNOTATION
            ),
        ).write_parquet(file)
        return as_pattern(file)

    def _list_of_zarrs(self, screen: Screen) -> str:
        name = f"{screen.study}.csv"
        root = self._metadata or ZARR_LISTS
        try:
            data = bytes(self._reader.read(f"{root}/{name}").data)
        except FileNotFoundError as error:
            raise CatalogError(
                f"{root} has no {name}, the list of the OME-Zarr forms of {screen.zarr}; write it "
                f"from the page of {screen.zarr} with lines "
                f"'{screen.study}/PLATE.ome.zarr,{screen.zarr}/ID,', into the folder `metadata`"
            ) from error
        return data.decode("utf-8-sig", errors="replace")

    def _plate_files(
        self, names: Mapping[str, Sequence[tuple[str, str]]], wanted: Collection[str]
    ) -> list[tuple[str, str, str, str]]:
        """Get the text of the file that names the images of a plate, where a study has such."""
        todo = [
            (screen, name)
            for screen in self._screens
            if screen.layout == "screen" and screen.name not in self._zarrs
            for plate, name in names[screen.name]
            if plate in wanted and name
        ]
        found: list[tuple[str, str, str, str]] = []
        lock = Lock()

        def fetch(one: tuple[Screen, str]) -> None:
            screen, name = one
            file = self._first(screen, (f"{name}.screen",), "screens")
            if file is not None:  # a plate without is one without images: a row of the problems
                text = file[1].decode("utf-8-sig", errors="replace")
                with lock:
                    found.append((screen.name, "screen", name, text))

        for done, total in in_threads(fetch, todo, allowed_connections(FETCH_THREADS)):
            self._options.progress("plates", done, total)
        return sorted(found)

    def _first(
        self, screen: Screen, names: Sequence[str], folder: str | None = None
    ) -> tuple[str, bytes] | None:
        """Get the first file that there is, unpacked, with its URL.

        A metadata root has the layout of IDR/idr-metadata, or all tables of a study in one folder.
        """
        root = self._metadata or METADATA
        below = folder or screen.name.partition("-")[2]
        places = [f"{root}/{screen.folder}/{below}"]
        if self._metadata is not None:
            places.append(root if folder is None else f"{root}/{folder}")
        for place in places:
            for name in names:
                url = f"{place}/{name}"
                try:
                    data = bytes(self._reader.read(url).data)
                except FileNotFoundError:
                    continue
                return url, unpacked(url, data, MAX_TABLE_BYTES)
        return None


def _plates(text: str) -> Iterator[tuple[str, str]]:
    """Get the name of each plate of a list, and of the file that names its images."""
    for line in text.splitlines():
        if line.strip():
            plate, _, path = line.partition("\t")
            name = PurePosixPath(path.strip())
            yield plate.strip(), name.stem if name.suffix == ".screen" else ""
