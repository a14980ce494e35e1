"""Classifiers and regressions that are asked about groups that they have not seen.

This module needs the extra ``evaluation``: it imports scikit-learn inside of its functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.confusion import correlated
from jumpduck.evaluation.extra import check_extra
from jumpduck.evaluation.group_sums import group_sums, interval_of_sums
from jumpduck.evaluation.measured import Measured, interval
from jumpduck.evaluation.similarities import Floats, Rows
from jumpduck.evaluation.subject import FOLDS, Sample, Subject

MAX_ITERATIONS = 2_000
"""Of the solver of the classifier."""

ALPHAS = np.logspace(-3, 6, 19)
"""Penalties that ridge regression chooses from, within the folds that it is fitted on."""

Regression = Literal["ols", "ridge"]


def classifier_top1(subject: Subject) -> Measured:
    """Get the share of wells whose label a classifier tells that has not seen their compound.

    Logistic regression for several classes, on z-scored features, with weights that balance labels,
    fitted on all folds but one and asked about that one. A group is in one fold; groups are what
    `fold_by` names, by default the compounds, or else the treatments. Chance is the mean for labels
    permuted among the wells: the sum over labels of their share, times that of predictions.
    """
    return _top(subject, 1)


def classifier_top2(subject: Subject) -> Measured:
    """Get `classifier_top1` of the two most probable labels."""
    return _top(subject, 2)


def classifier_top3(subject: Subject) -> Measured:
    """Get `classifier_top1` of the three most probable labels."""
    return _top(subject, 3)


def classifier_mcc(subject: Subject) -> Measured:
    """Get the Matthews correlation of labels with the predictions of `classifier_top1`.

    Its table has the number of wells by label and predicted label.
    """
    found = _classified(subject)
    return correlated(
        "classifier_mcc",
        subject,
        labels=found.labels,
        predicted=found.predicted.classes,
        names=found.names,
        units=found.groups,
        excluded=found.sample.excluded,
    )


def r2_ols(subject: Subject) -> Measured:
    """Get R2 of a number that least squares predict of wells whose compound they have not seen.

    The number is that of the column `target`; features are z-scored, and folds are those of
    `classifier_top1`. R2 is 1 - the squared errors by the squared distances from the mean, of all
    folds together; a constant has 0.
    """
    return _explained("r2_ols", subject, "ols")


def r2_ridge(subject: Subject) -> Measured:
    """Get `r2_ols` by ridge regression, with a penalty chosen among the wells it is fitted on."""
    return _explained("r2_ridge", subject, "ridge")


@dataclass(frozen=True)
class Predicted:
    """Classes that a classifier gave to profiles of groups that it was not fitted on.

    Attributes
    ----------
    ranked
        Profiles by classes: the numbers of the classes, the most probable first.
    folds
        The fold of each profile.
    """

    ranked: Rows
    folds: Rows

    @property
    def classes(self) -> Rows:
        """The most probable class of each profile."""
        return self.ranked[:, 0]


def classify(
    features: Floats,
    labels: Rows,
    groups: Rows,
    *,
    seed: int,
    names: Sequence[str],
    folds: int = FOLDS,
) -> Predicted:
    """Predict the label of each profile from those of other groups.

    Features are z-scored by the profiles that a fold is fitted on; the classifier is a multinomial
    logistic regression with weights that balance the labels. A label's groups are spread over the
    folds, and a group is in one fold.

    Parameters
    ----------
    features
        Profiles by features, in an order that does not depend on that of the rows of the table.
    labels
        The number of the label of each profile, from 0 on.
    groups
        The number of the group of each profile, such as its compound.
    seed
        Another seed, other folds.
    names
        What each label is called.
    folds
        How often it is fitted.

    Raises
    ------
    ProfileError
        A label has fewer groups than there are folds, or there is one label only.
    """
    from sklearn.linear_model import LogisticRegression  # pyright: ignore
    from sklearn.model_selection import StratifiedGroupKFold  # pyright: ignore
    from sklearn.pipeline import make_pipeline  # pyright: ignore
    from sklearn.preprocessing import StandardScaler  # pyright: ignore

    _check_labels(labels, groups, names, folds)
    of_folds: Any = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    fold_of = np.empty(len(labels), dtype=np.int64)
    ranked = np.empty((len(labels), len(names)), dtype=np.int64)
    for number, (fitted, asked) in enumerate(of_folds.split(features, labels, groups)):
        model: Any = make_pipeline(
            StandardScaler(),
            LogisticRegression(class_weight="balanced", max_iter=MAX_ITERATIONS),
        )
        model.fit(features[fitted], labels[fitted])
        scores = np.full((len(asked), len(names)), -1.0)
        scores[:, model.classes_] = model.predict_proba(features[asked])
        ranked[asked] = np.argsort(-scores, axis=1, kind="stable")
        fold_of[asked] = number
    return Predicted(ranked=ranked, folds=fold_of)


def _check_labels(labels: Rows, groups: Rows, names: Sequence[str], folds: int) -> None:
    pairs = np.unique(np.column_stack([labels, groups]), axis=0)
    counts = np.bincount(pairs[:, 0], minlength=len(names))
    if len(names) < 2:
        raise ProfileError("all profiles have one label, so that there is nothing to predict")
    few = np.flatnonzero(counts < folds)
    if len(few):
        one = int(few[np.argmin(counts[few])])
        raise ProfileError(
            f"{len(few)} of {len(names)} labels have fewer groups than the {folds} folds, such as "
            f"{names[one]!r} with {counts[one]}: a classifier would be asked about labels that it "
            "has not seen; leave such labels out with `where`, or give fewer `folds`"
        )


def in_top(predicted: Predicted, labels: Rows, top: int) -> NDArray[np.bool_]:
    """Get whether the label of each profile is among the `top` most probable ones."""
    return (predicted.ranked[:, :top] == labels[:, None]).any(axis=1)


def chance_in_top(predicted: Predicted, labels: Rows, top: int) -> float:
    """Get the expected share of `in_top` if the labels were permuted among the profiles.

    The sum over labels of the share of profiles that have it, times that of predictions with it.
    """
    classes = predicted.ranked.shape[1]
    have = np.bincount(labels, minlength=classes) / len(labels)
    named = np.bincount(predicted.ranked[:, :top].ravel(), minlength=classes) / len(labels)
    return float(have @ named)


def regress(
    features: Floats,
    target: Floats,
    groups: Rows,
    *,
    seed: int,
    how: Regression,
    folds: int = FOLDS,
) -> Floats:
    """Predict a number of each profile from those of other groups.

    Features are z-scored by the profiles that a fold is fitted on. ``ols`` is ordinary least
    squares; ``ridge`` chooses its penalty among `ALPHAS` by leaving out one fitted profile after
    the other.

    Raises
    ------
    ProfileError
        There are fewer groups than folds, the number does not vary, or ``ols`` has no more
        profiles to fit than features.
    """
    from sklearn.linear_model import LinearRegression, RidgeCV  # pyright: ignore
    from sklearn.model_selection import GroupKFold  # pyright: ignore
    from sklearn.pipeline import make_pipeline  # pyright: ignore
    from sklearn.preprocessing import StandardScaler  # pyright: ignore

    n_groups = len(np.unique(groups))
    if n_groups < folds:
        raise ProfileError(f"{n_groups} groups are fewer than the {folds} folds; name other groups")
    if np.ptp(target) == 0:
        raise ProfileError(f"the target is {target[0]:g} in all rows: there is nothing to predict")
    of_folds: Any = GroupKFold(folds, shuffle=True, random_state=seed)
    predicted = np.empty(len(target))
    for fitted, asked in of_folds.split(features, target, groups):
        if how == "ols" and len(fitted) <= features.shape[1]:
            raise ProfileError(
                f"least squares have {len(fitted)} profiles to fit {features.shape[1]} features: "
                "they would fit any target; use ridge regression, or fewer features"
            )
        last = LinearRegression() if how == "ols" else RidgeCV(alphas=ALPHAS)
        model: Any = make_pipeline(StandardScaler(), last)
        model.fit(features[fitted], target[fitted])
        predicted[asked] = model.predict(features[asked])
    return predicted


def error_parts(predicted: Floats, target: Floats) -> Floats:
    """Get what `r_squared` needs of each profile."""
    centred = target - target.mean()  # because squares of large numbers lose digits
    return np.column_stack([(target - predicted) ** 2, np.ones(len(target)), centred, centred**2])


def r_squared(sums: Floats) -> Floats:
    """Get 1 - the squared errors by the squared distances from the mean, of `error_parts`."""
    errors, n, total, squares = np.moveaxis(sums, -1, 0)
    return 1 - errors / (squares - total**2 / n)


@dataclass(frozen=True)
class _Classified:
    sample: Sample
    labels: Rows
    names: list[str]
    groups: Rows
    predicted: Predicted


def _classified(subject: Subject) -> _Classified:
    return subject.once("classified", lambda: _classify(subject))


def _classify(subject: Subject) -> _Classified:
    sample, groups = _with_groups("classifier", subject, "label")
    (label,) = subject.keys.columns("label")
    texts = sample.metadata[label].cast(pl.String).to_numpy()
    names, labels = np.unique(texts, return_inverse=True)
    predicted = classify(
        sample.features,
        labels,
        groups,
        seed=subject.seed,
        names=names.tolist(),
        folds=subject.folds,
    )
    return _Classified(sample, labels, names.tolist(), groups, predicted)


def _with_groups(metric: str, subject: Subject, *needed: str) -> tuple[Sample, Rows]:
    check_extra(metric)
    keys = subject.keys
    key = next((one for one in ("fold_by", "compound", "treatments") if keys.columns(one)), None)
    if key is None:
        raise QueryError("fold_by is needed; give the column with what is in one fold only")
    sample = subject.wells(*needed, key)
    # by value and not by row, so that the folds of several tables are the same
    ranks = sample.metadata.select(pl.struct(keys.columns(key)).rank("dense") - 1).to_series()
    return sample, ranks.to_numpy().astype(np.intp)


def _top(subject: Subject, top: int) -> Measured:
    found = _classified(subject)
    right = in_top(found.predicted, found.labels, top)
    return Measured(
        f"classifier_top{top}",
        float(right.mean()),
        len(right),
        chance_in_top(found.predicted, found.labels, top),
        *interval(right.astype(np.float64), found.groups, subject.seed, subject.resamples),
        found.sample.excluded,
        more={
            "folds": subject.folds,
            "groups": int(found.groups.max()) + 1,
            "labels": len(found.names),
        },
    )


def _explained(metric: str, subject: Subject, how: Regression) -> Measured:
    sample, groups = _with_groups(metric, subject, "target")
    (name,) = subject.keys.columns("target")
    if not sample.metadata.schema[name].is_numeric():
        raise QueryError(f"target {name!r} is not a column of numbers; give one")
    target = sample.metadata[name].cast(pl.Float64).to_numpy()
    if not np.isfinite(target).all():
        raise ProfileError(f"target {name!r} is not finite in each row; leave such rows out")
    predicted = regress(
        sample.features, target, groups, seed=subject.seed, how=how, folds=subject.folds
    )
    sums = group_sums(error_parts(predicted, target), groups)
    low, high = interval_of_sums(sums, r_squared, subject.seed, subject.resamples)
    return Measured(
        metric,
        float(r_squared(sums.sum(axis=0))),
        len(target),
        0.0,
        low,
        high,
        sample.excluded,
        more={"folds": subject.folds, "groups": len(sums)},
    )
