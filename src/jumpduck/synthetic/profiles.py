"""Published profiles of the small gallery of JUMP: a list, and the Parquet files that it names."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import numpy as np
import polars as pl

from jumpduck.synthetic.cells import Phenotype

ADDRESS = "https://cellpainting-gallery.s3.amazonaws.com"
PROJECT = "cpg0016-jump-assembled/source_all/workspace/profiles_assembled"

MEASURED = ("Cells_Count", "Nuclei_AreaShape_Area", "Cells_Intensity_ER", "Cells_Intensity_Mito")


class ProfiledPlate(Protocol):
    """What a plate says of its wells."""

    @property
    def source(self) -> str:
        """Laboratory that made it."""
        ...

    @property
    def name(self) -> str:
        """Its barcode."""
        ...

    @property
    def plate_type(self) -> str:
        """What it holds."""
        ...

    @property
    def wells(self) -> Mapping[str, tuple[str, Phenotype]]:
        """Perturbation and phenotype by well."""
        ...


def write_profiles(root: Path, metadata: Path, plates: Sequence[ProfiledPlate]) -> None:
    """Write two tables below a gallery, and the list of both into the metadata folder.

    One has features of CellProfiler on the scale of its measurements, all plates, and a row group
    for each plate; the other has the plates of compounds, and features without a meaning.
    """
    measured = pl.concat(_measured(plate) for plate in plates)
    compounds = [plate for plate in plates if plate.plate_type in ("COMPOUND", "TARGET2")]
    mixed = pl.concat(_measured(plate) for plate in compounds)
    values = mixed.select(MEASURED).to_numpy()
    turned = values @ np.random.default_rng(0).normal(size=(len(MEASURED), 3))
    mixed = mixed.drop(MEASURED).with_columns(
        pl.Series(f"X_{number + 1}", turned[:, number], pl.Float32) for number in range(3)
    )
    tables = {
        "compound": ("COMPOUND/v1.0/profiles_var_mad_int_featselect_harmony", mixed),
        "all_interpretable": ("ALL/v1.0b/profiles_wellpos_cc_var_mad_outlier_featselect", measured),
    }
    index: list[dict[str, Any]] = []
    for subset, (name, rows) in tables.items():
        key = f"{PROJECT}/{name}.parquet"
        file = root / key
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(file, row_group_size=max(1, rows.height // len(plates)))
        index.append(
            {
                "subset": subset,
                "url": f"{ADDRESS}/{key}",
                "recipe_permalink": "https://example.org/recipe",
                "config_permalink": f"https://example.org/{subset}.json",
                # what S3 says of a file that was sent as a whole
                "etag": hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest(),
            }
        )
    text = json.dumps(index, indent=2)
    (metadata / "profile_index.json").write_text(text, encoding="utf-8")


def _measured(plate: ProfiledPlate) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for well, (perturbation, seen) in plate.wells.items():
        rng = np.random.default_rng(crc32(f"{plate.name}/{well}/profile".encode()))
        true = np.array([60 * seen.cells, 900 * seen.nucleus, 0.02 * seen.er, 0.03 * seen.mito])
        values = true * rng.normal(1, 0.03, len(true))
        row: dict[str, object] = {
            "Metadata_Source": plate.source,
            "Metadata_Plate": plate.name,
            "Metadata_Well": well,
            "Metadata_JCP2022": perturbation,
        }
        rows.append(row | dict(zip(MEASURED, values.tolist(), strict=True)))
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(MEASURED, pl.Float32))
