"""Further metrics of BBBC021's published profiles, computed a second time by hand."""

import itertools

import numpy as np
import polars as pl
import pytest

from jumpduck.evaluation.registry import measure
from jumpduck.evaluation.subject import Keys, Subject
from jumpduck.profile_tables.reading import read_profiles
from tests.support.places import DATA, ROOT

pytestmark = [pytest.mark.real, pytest.mark.slow]

FILE = DATA / "profiles/BBBC021_feature_selected_mad_robustize.csv.gz"
TREATMENT = ("Metadata_Compound", "Metadata_Concentration")


def test_the_figures_of_the_page_are_those_computed_by_hand():
    from sklearn.metrics import matthews_corrcoef

    keys = Keys(
        label="Metadata_moa", compound="Metadata_Compound", treatments=TREATMENT,
        batch="Metadata_Plate",
    )  # fmt: skip
    profiles = read_profiles(FILE, where="Metadata_moa <> 'DMSO'")
    names = ["nsc_mcc", "precision_at_r", "percent_replicating", "percent_matching"]
    subject = Subject.of(profiles, keys, folds=2)
    found = {one.metric: one.value for one in measure(subject, [*names, "classifier_top1"])}

    table = pl.read_csv(FILE).filter(pl.col("Metadata_moa") != "DMSO")
    features = [name for name in table.columns if not name.startswith("Metadata_")]
    wells = {
        key: of.select(features).to_numpy()
        for key, of in table.group_by("Metadata_moa", *TREATMENT, maintain_order=True)
    }
    profile = {key: values.mean(axis=0) for key, values in wells.items()}
    assert len(profile) == 103
    right, told, precisions = [], [], []
    for query, own in profile.items():
        others = [key for key in profile if key[1] != query[1]]
        cosine = [
            own @ profile[key] / np.linalg.norm(own) / np.linalg.norm(profile[key])
            for key in others
        ]
        ranked = [others[at][0] for at in np.argsort(cosine)[::-1]]
        right.append(query[0])
        told.append(ranked[0])
        r = ranked.count(query[0])
        precisions.append(ranked[:r].count(query[0]) / r)
    assert found["nsc_mcc"] == pytest.approx(matthews_corrcoef(right, told))
    assert found["precision_at_r"] == pytest.approx(np.mean(precisions))

    compounds = {}
    for (moa, compound, _), values in wells.items():
        compounds.setdefault((moa, compound), []).extend(values)
    matching = {}
    for (moa, _), values in compounds.items():
        matching.setdefault(moa, []).append(np.mean(values, axis=0))
    assert found["percent_replicating"] == pytest.approx(above(list(wells.values())), abs=0.03)
    assert found["percent_matching"] == pytest.approx(above(list(matching.values())), abs=0.1)

    text = (ROOT / "docs/metrics.md").read_text()
    for name, value in found.items():
        assert f"| `{name}` | {value:.3f} |" in text, (name, value)


def above(groups):
    """Get the share of groups above the 95th percentile of others' medians, drawn anew."""
    draw = np.random.default_rng(99)

    def median(rows):
        pairs = np.corrcoef(rows)
        return np.median([pairs[a, b] for a, b in itertools.combinations(range(len(rows)), 2)])

    thresholds = {}
    for size in {len(one) for one in groups if len(one) > 1}:
        medians = []
        for _ in range(5000):
            chosen = draw.permutation(len(groups))[:size]
            medians.append(median([groups[one][draw.integers(len(groups[one]))] for one in chosen]))
        thresholds[size] = np.quantile(medians, 0.95)
    return np.mean([median(one) > thresholds[len(one)] for one in groups if len(one) > 1])
