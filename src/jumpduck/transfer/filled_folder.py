"""What downloads left in a folder, to be read: its tables, and where its images come from."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.options import expanded
from jumpduck.schema import RESULTS, RESULTS_FILE, SITES_FILE
from jumpduck.transfer.origins import Channel, Origin
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.plate_tables import opened_table


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
        results, sites = (opened_table(path / name) for name in (RESULTS_FILE, SITES_FILE))
        if lacking := [name for name in RESULTS if name not in results.collect_schema()]:
            raise ManifestError(
                f"{path / RESULTS_FILE} has no column {lacking[0]}; give the folder that "
                "`jumpduck download` filled"
            )
        known = folder.asked.origins.all() or folder.gathered.origins
        order = {run.id: place for place, run in enumerate(folder.asked.runs())}
        runs = sorted(known, key=lambda run: (order.get(run, len(order)), run))
        found = [origin for run in runs for origin in known[run]]
        different = {json.dumps(one.json): one for one in found}
        return cls(path, results, sites, tuple(different.values()), left)

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
        return tuple((label, json.loads(parameters)) for label, parameters in found)
