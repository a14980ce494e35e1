"""A large generated table of profiles, written plate by plate."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, COLUMNS = "ABCDEFGHIJKLMNOP", 24
CONTROLS_EVERY = 6
"""One well of so many is a negative control, the same ones on each plate."""
KINDS = 20
"""Mechanisms of action; treatments of the same one have half of their effect in common."""


def write_large_profiles(
    path, plates=260, *, wells=384, features=3600, seed=0, plates_per_row_group=1
):
    """Write plates of wells with treatment, plate and random effects; some 1.4 GB by default.

    Each plate has the same layout. Values are float32 and not compressed, because both would take
    longer than making them. A tenth of JUMP's published well profiles by default: 99,840 rows.
    """
    rng = np.random.default_rng(seed)
    control = np.arange(wells) % CONTROLS_EVERY == 0
    kind = np.arange(wells) % KINDS
    shared = rng.standard_normal((KINDS, features), np.float32)
    effects = 0.5 * (shared[kind] + rng.standard_normal((wells, features), np.float32))
    effects[control] = 0
    scale = np.exp(rng.standard_normal(features, np.float32))
    names = [f"{part}_F_{n}" for n, part in zip(range(features), _parts(features), strict=True)]
    writer = None
    kept = []
    for number in range(plates):
        values = rng.standard_normal((wells, features), np.float32) + effects
        values = (values + rng.standard_normal(features, np.float32)) * scale
        columns = {
            "Metadata_Source": ["source_1"] * wells,
            "Metadata_Batch": [f"batch_{number // 20}"] * wells,
            "Metadata_Plate": [f"P{number:05}"] * wells,
            "Metadata_Well": [f"{ROWS[n // COLUMNS]}{n % COLUMNS + 1:02}" for n in range(wells)],
            "Metadata_pert_type": np.where(control, "negcon", "trt").tolist(),
            "Metadata_JCP2022": [
                "JCP2022_033924" if is_control else f"JCP2022_{n:06}"
                for n, is_control in enumerate(control)
            ],
            "Metadata_moa": [
                "DMSO" if is_control else f"moa {one}"
                for one, is_control in zip(kind, control, strict=True)
            ],
        }
        by_feature = np.ascontiguousarray(values.T)
        columns |= dict(zip(names, map(pa.array, by_feature), strict=True))
        kept.append(pa.table(columns))
        if writer is None:
            writer = pq.ParquetWriter(
                path, kept[0].schema, compression="none", use_dictionary=["Metadata_Plate"]
            )
        if len(kept) == plates_per_row_group or number == plates - 1:
            together = pa.concat_tables(kept)
            writer.write_table(together, row_group_size=len(together))
            kept = []
    if writer is not None:
        writer.close()


def _parts(features):
    return [("Cells", "Cytoplasm", "Nuclei")[n % 3] for n in range(features)]
