"""Small generated tables of profiles: compounds of a few labels, at two doses, on some plates."""

import numpy as np
import polars as pl

KEYS = {
    "label": "Metadata_moa",
    "compound": "Metadata_Compound",
    "treatments": ["Metadata_Compound", "Metadata_Concentration"],
    "batch": "Metadata_Week",
}
"""What the columns mean, for `jumpduck.evaluate`."""


def a_screen(
    *, labels=4, compounds=3, doses=2, replicates=3, features=8, signal=0.6, weeks=3, seed=0
):
    """A table with one row a well; each compound is in one or two weeks, a plate a replicate."""
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for label in range(labels):
        of_label = rng.normal(size=features)
        for number in range(compounds):
            of_compound = of_label + 0.5 * rng.normal(size=features)
            first = int(rng.integers(weeks))
            for dose in range(doses):
                for replicate in range(replicates):
                    # a third replicate a week later, so that some treatments have two weeks
                    week = (first + (replicate == 2 and number == 0)) % weeks
                    rows.append(
                        {
                            "Metadata_Plate": f"week{week}_{replicate}",
                            "Metadata_Well": f"{'ABCDEFGH'[label]}{number * doses + dose + 1:02}",
                            "Metadata_Week": f"week{week}",
                            "Metadata_moa": f"moa {label}",
                            "Metadata_Compound": f"compound {label}{number}",
                            "Metadata_Concentration": 0.5 + dose,
                        }
                    )
                    values.append(signal * of_compound + rng.normal(size=features))
    names = [f"Cells_Feature_{at}" for at in range(features)]
    return pl.concat([pl.DataFrame(rows), pl.DataFrame(np.array(values), names)], how="horizontal")


def with_shuffled_labels(screen, seed):
    """The same table with its labels shuffled among its compounds."""
    labels = screen.select("Metadata_Compound", "Metadata_moa").unique().sort("Metadata_Compound")
    shuffled = labels.with_columns(pl.col("Metadata_moa").shuffle(seed))
    return screen.drop("Metadata_moa").join(shuffled, on="Metadata_Compound").select(screen.columns)
