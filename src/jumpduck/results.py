"""What became of each file: one table a plate while a run goes on, one for the folder after it.

``OUT/.jumpduck/PLATE.parquet`` is written whole when a plate is done; ``OUT/results.parquet`` and
``OUT/sites.parquet`` gather them, so that the folder explains itself.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from jumpduck.files import replacing
from jumpduck.schema import CHANNELS, RESULTS, SITE_KEY

DONE = ("fetched", "present")
"""Statuses of a file that is there."""

Plate = tuple[str, str, str]


class Results:
    """The results of one output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.folder = out / ".jumpduck"

    def read(self, plate: Plate) -> pl.DataFrame:
        """Get what is known of a plate; no rows if nothing is."""
        file = self._file(plate)
        if not file.is_file():
            return pl.DataFrame(schema=RESULTS)
        return pl.read_parquet(file)

    def write(self, plate: Plate, rows: Sequence[Mapping[str, object]]) -> None:
        """Keep the rows of a plate; rows of the same paths from before give way."""
        new = pl.DataFrame(rows, schema=RESULTS, orient="row")
        old = self.read(plate).join(new, on="path", how="anti")
        whole = pl.concat([old, new]).sort(*SITE_KEY, "path")
        self.folder.mkdir(exist_ok=True)
        with replacing(self._file(plate)) as part:
            whole.write_parquet(part)

    def gather(self) -> pl.DataFrame:
        """Write results.parquet and sites.parquet; get the number of files by status."""
        plates = sorted(self.folder.glob("*.parquet"))
        results = pl.concat([pl.scan_parquet(file) for file in plates])
        keep = ("Metadata_JCP2022", "Metadata_Name", "Metadata_pert_type", "Metadata_PlateType")
        sites = results.group_by(SITE_KEY, maintain_order=True).agg(
            *(pl.col(column).first() for column in keep),
            *(
                pl.col("path")
                .filter(pl.col("Metadata_Channel") == channel, pl.col("status").is_in(DONE))
                .first()
                .alias(f"path_{channel}")
                for channel in CHANNELS
            ),
        )
        for name, table in (("results.parquet", results), ("sites.parquet", sites)):
            with replacing(self.out / name) as part:
                table.sink_parquet(part)
        return results.group_by("status").len("files").sort("status").collect()

    def _file(self, plate: Plate) -> Path:
        return self.folder / f"{'__'.join(plate)}.parquet"
