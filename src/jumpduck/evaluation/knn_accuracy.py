"""Accuracy of the nearest neighbour's label, by who may be a neighbour.

The rule of all of them: a query whose label no allowed neighbour has is missing, not wrong, because
no profile could make it right; it is counted. Chance is the mean share of the allowed neighbours
that have the query's label: the accuracy to expect of a neighbour that is drawn at random.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.measured import Measured, interval, interval_of_pairs
from jumpduck.evaluation.neighbours import nearest
from jumpduck.evaluation.similarities import Rows
from jumpduck.evaluation.subject import Sample, Subject

NO_MATCH = "no allowed neighbour has the label"
ONE_BATCH = "of a label in one batch only"


def pert_acc(subject: Subject) -> Measured:
    """Get the share of wells whose nearest neighbour is of the same treatment."""
    return _accuracy("pert_acc", subject, subject.wells("treatments"), "treatments", [])


def nsb(subject: Subject) -> Measured:
    """Get `pert_acc` without neighbours of the same batch that are of the same treatment.

    NSB, "not same batch", as CellPaintSSL computes it (Sci Rep 15:4876, `evaluate.py`): wells of
    other treatments of the same batch can be neighbours.
    """
    exclude = [("batch", "treatments")]
    return _accuracy("nsb", subject, subject.wells("treatments", "batch"), "treatments", exclude)


def nsp(subject: Subject) -> Measured:
    """Get the share of wells whose nearest neighbour of another treatment has the same label."""
    return _accuracy(
        "nsp", subject, subject.wells("label", "treatments"), "label", [("treatments",)]
    )


def nsp_position(subject: Subject) -> Measured:
    """Get the share of wells whose nearest neighbour at another position has the same label.

    What CellPaintSSL calls "not same perturbation": the position stands for the perturbation, which
    is right only if all plates have one layout.
    """
    sample = subject.wells("label", "well")
    return _accuracy("nsp_position", subject, sample, "label", [("well",)])


def nsbp(subject: Subject) -> Measured:
    """Get `nsp` without neighbours of the same batch that have the same label."""
    sample = subject.wells("label", "treatments", "batch")
    return _accuracy("nsbp", subject, sample, "label", [("treatments",), ("batch", "label")])


def nsbp_position(subject: Subject) -> Measured:
    """Get `nsp_position` without neighbours of the same batch that have the same label."""
    sample = subject.wells("label", "well", "batch")
    return _accuracy("nsbp_position", subject, sample, "label", [("well",), ("batch", "label")])


def nsc(subject: Subject) -> Measured:
    """Get the share of treatments whose nearest neighbour of another compound has the same label.

    NSC, "not same compound" (Ljosa et al. 2013, J Biomol Screen 18:1321): treatment profiles, and
    no dose of the query's compound.
    """
    sample = subject.treatments("label", "compound")
    return _accuracy("nsc", subject, sample, "label", [("compound",)])


def nscb(subject: Subject) -> Measured:
    """Get `nsc` without neighbours that share a batch, and without labels in one batch only.

    NSCB, "not same compound or batch" (Ando et al. 2017). A treatment with wells in several batches
    shares a batch with another one if any of them is the same. A label of which any two treatments
    share a batch is left out of queries and neighbours: it could only be wrong.
    """
    sample = subject.treatments("label", "compound", "batch")
    label, batch = subject.keys.columns("label"), subject.keys.columns("batch")
    alone = _without_neighbour(sample, sample.codes(label), Exclusions.of(sample.metadata, [batch]))
    labels = sample.codes(label)
    dropped = np.isin(labels, np.setdiff1d(labels[alone], labels[~alone]))
    if dropped.all():
        raise ProfileError(
            f"nscb: each {label[0]} is in one {batch[0]} only, so that none could be found in "
            "another; name another column with `batch`, or measure nsc"
        )
    kept = sample.select(np.flatnonzero(~dropped), {ONE_BATCH: int(dropped.sum())})
    return _accuracy("nscb", subject, kept, "label", [("compound",), ("batch",)])


def _without_neighbour(sample: Sample, labels: Rows, exclusions: Exclusions) -> np.ndarray:
    return np.array(
        [own == 0 for _, own in allowed(labels, exclusions, range(len(sample)))], np.bool_
    )


def allowed(labels: Rows, exclusions: Exclusions, queries: Sequence[int]) -> list[tuple[int, int]]:
    """Get for each query how many neighbours are allowed, and how many of them have its label."""
    sizes = np.bincount(labels, minlength=labels.max(initial=-1) + 1)
    found: list[tuple[int, int]] = []
    for row in queries:
        out = exclusions.rows(row)
        own = int(sizes[labels[row]] - (labels[out] == labels[row]).sum())
        found.append((len(labels) - len(out), own))
    return found


def _accuracy(
    metric: str,
    subject: Subject,
    sample: Sample,
    label: str,
    exclude: Sequence[Sequence[str]],
) -> Measured:
    """Measure the accuracy of the nearest neighbour's label, where keys say who is excluded."""
    keys = subject.keys
    columns = [[name for key in some for name in keys.columns(key)] for some in exclude]
    exclusions = Exclusions.of(sample.metadata, columns)
    if len(sample) < 2:
        raise ProfileError(f"{metric} needs at least two profiles, and there is {len(sample)}")
    labels = sample.codes(keys.columns(label))
    counts = np.array(allowed(labels, exclusions, range(len(sample))))
    queries = np.flatnonzero(counts[:, 1])
    excluded = {**sample.excluded, **_no_match(len(sample) - len(queries))}
    if not len(queries):
        raise ProfileError(
            f"{metric}: no profile has an allowed neighbour with its {label}; each "
            f"{', '.join(keys.columns(label))} is there once, or only with what is excluded"
        )
    found = nearest(
        subject.similarities(sample), exclusions, queries=queries, workers=subject.workers
    )
    of = found.rows[:, 0]
    correct = (labels[of] == labels[queries]).astype(np.float64)
    chances = counts[queries, 1] / counts[queries, 0]
    units, value = subject.units(sample)[queries], float(correct.mean())
    bounds = interval(correct, units, subject.seed, subject.resamples)
    low, high = interval_of_pairs(value, bounds)
    said = described(subject, sample)
    return Measured(
        metric,
        value,
        len(queries),
        float(chances.mean()),
        low,
        high,
        excluded,
        queries=pl.concat(
            [
                said[queries],
                said[of].rename(lambda name: f"neighbour_{name}"),
                pl.DataFrame(
                    {
                        "distance": found.distances[:, 0],
                        "correct": correct.astype(np.bool_),
                        "chance": chances,
                    }
                ),
            ],
            how="horizontal",
        ),
    )


def _no_match(number: int) -> Mapping[str, int]:
    return {NO_MATCH: number} if number else {}


def described(subject: Subject, sample: Sample) -> pl.DataFrame:
    """Get what each profile is of, as columns of a table of queries; lists as text."""
    keys = ("treatments", "compound", "label", "batch", "well")
    names = [name for key in keys for name in subject.keys.columns(key)]
    schema = sample.metadata.schema
    return sample.metadata.select(
        pl.col(one).cast(pl.List(pl.String)).list.join(", ")
        if isinstance(schema[one], pl.List)
        else pl.col(one)
        for one in dict.fromkeys([*names, "Metadata_Plate"])
        if one in schema
    )
