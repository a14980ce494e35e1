"""What downloads left in a folder, to be read: its tables, and where its images come from."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.options import expanded
from jumpduck.rows import MODALITY, ROLE, SITE_KEY
from jumpduck.schema import OPTIONAL, RESULTS, RESULTS_FILE, SITES_FILE
from jumpduck.transfer.origins import Channel, Origin
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.plate_tables import opened_table

KEYS = (*SITE_KEY, "Metadata_Channel", "path", "status")
"""Columns that each row of the results fills."""

SITE_TYPES = {name: RESULTS[name] for name in SITE_KEY}

OWN_TYPES = {**OPTIONAL, ROLE: pl.String(), MODALITY: pl.String()}
"""Types of columns that a table may have or not."""

NEXT_STEP = (
    "no download writes that: take a folder as `jumpduck download` filled it, or write its tables "
    "again with `jumpduck status --gather`"
)


class FilledFolder:
    """The tables of an output folder; nothing is written.

    Attributes
    ----------
    path
        The folder.
    results, sites
        Rows of ``results.parquet`` and ``sites.parquet`` as they were when the folder was opened,
        to be read when they are needed.
    origins
        What the manifests of its runs say of themselves, each once, that of the last run first.
    left
        Number of images that its runs were asked for and that have no row.
    """

    def __init__(
        self,
        path: Path,
        results: pl.LazyFrame,
        sites: pl.LazyFrame,
        origins: tuple[Origin, ...],
        left: int,
    ) -> None:
        self.path = path
        self.results = results
        self.sites = sites
        self.origins = origins
        self.left = left

    @classmethod
    def open(cls, out: str | Path) -> "FilledFolder":
        """Get the folder.

        Raises
        ------
        StoreError
            Nothing was downloaded into it.
        ManifestError
            Its tables are not there, or are not those of a download.
        """
        path = expanded(out)
        folder = OutputFolder.read(path)
        for name in (RESULTS_FILE, SITES_FILE):
            if not (path / name).is_file():
                raise ManifestError(
                    f"{path} has no {name}; `jumpduck status {path} --gather` writes it"
                )
        # before the rows, so that what is fetched in between counts as left, and not as there
        left = sum(folder.gathered.left.values())
        results, sites = (
            _typed(path / name, opened_table(path / name), needed)
            for name, needed in ((RESULTS_FILE, RESULTS), (SITES_FILE, SITE_TYPES))
        )
        known = folder.asked.origins.all() or folder.gathered.origins
        order = {run.id: place for place, run in enumerate(folder.asked.runs())}
        runs = sorted(known, key=lambda run: (order.get(run, len(order)), run))
        found = [origin for run in runs for origin in known[run]]
        different = {json.dumps(one.json): one for one in found}
        opened = cls(path, results, sites, tuple(different.values()), left)
        opened._check_rows()
        return opened

    def _check_rows(self) -> None:
        """Raise ManifestError for rows that no download writes."""
        empty = self.results.select(pl.col(KEYS).is_null().any()).collect(engine="streaming")
        for name in (one for one in empty.columns if empty[one].item()):
            raise ManifestError(f"{self.path / RESULTS_FILE} has rows without {name}; {NEXT_STEP}")
        _ = self.recipes  # because it raises for those that are none

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that the results have, in the order of their collection."""
        names = self.results.select(pl.col("Metadata_Channel").unique(maintain_order=True)).collect(
            engine="streaming"
        )
        there: list[str] = names["Metadata_Channel"].to_list()
        known = {one.name: one for origin in reversed(self.origins) for one in origin.channels}
        described = [one for name, one in known.items() if name in there]
        return (*described, *(Channel(name) for name in there if name not in known))

    @cached_property
    def recipes(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """Name with version, and parameters, of each recipe that made its files."""
        kinds = self.results.select("recipe", "parameters").unique().collect(engine="streaming")
        found = kinds.drop_nulls().sort("recipe", "parameters").rows()
        return tuple((self._label(text), self._parameters(more)) for text, more in found)

    def _label(self, label: str) -> str:
        if not label.strip():
            raise ManifestError(f"{self.path / RESULTS_FILE} has an empty recipe; {NEXT_STEP}")
        return label

    def _parameters(self, text: str) -> Mapping[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ManifestError(
                f"{self.path / RESULTS_FILE} has parameters {text[:80]!r}, which are not a JSON "
                f"object; {NEXT_STEP}"
            )
        return found  # pyright: ignore[reportUnknownVariableType]


def _typed(file: Path, rows: pl.LazyFrame, needed: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """Get rows in which a column with a meaning has its type, as a user's table need not.

    Raises
    ------
    ManifestError
        A column that each such table has is missing, or of another type.
    """
    there = rows.collect_schema()
    for name, dtype in needed.items():
        if name not in there:
            raise ManifestError(f"{file} has no column {name}; {NEXT_STEP}")
        if there[name] != dtype:
            raise ManifestError(
                f"{file} has column {name} of type {there[name]} in place of {dtype}; {NEXT_STEP}"
            )
    others = {name: of for name, of in OWN_TYPES.items() if there.get(name, of) != of}
    return rows.cast(others, strict=False) if others else rows  # pyright: ignore[reportArgumentType]
