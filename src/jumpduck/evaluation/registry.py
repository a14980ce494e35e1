"""The metrics by name. One module a family; each metric is a function of a `Subject`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation import (
    batch_mixing,
    confusion,
    cross_validation,
    distant,
    knn_accuracy,
    known_pairs,
    mean_average_precision,
    precision_at_k,
    replicates,
)
from jumpduck.evaluation.measured import Measured
from jumpduck.evaluation.subject import Subject

Metric = Callable[[Subject], Measured]
"""Measures profiles. Its name is that of the metric, and the first line of its docstring says what
it gets; it raises QueryError where a key is missing that it needs."""

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.__name__: metric
        for metric in (
            knn_accuracy.pert_acc,
            knn_accuracy.nsb,
            knn_accuracy.nsp,
            knn_accuracy.nsp_position,
            knn_accuracy.nsbp,
            knn_accuracy.nsbp_position,
            knn_accuracy.nsc,
            knn_accuracy.nscb,
            mean_average_precision.map,
            mean_average_precision.replicate_map,
            confusion.nsc_mcc,
            precision_at_k.pr_auc,
            precision_at_k.pr_auc_macro,
            precision_at_k.precision_at_r,
            precision_at_k.precision_at_r_macro,
            replicates.percent_replicating,
            replicates.percent_matching,
            replicates.replicate_correlation,
            replicates.replicate_rank_correlation,
            known_pairs.known_pairs,
            cross_validation.classifier_top1,
            cross_validation.classifier_top2,
            cross_validation.classifier_top3,
            cross_validation.classifier_mcc,
            cross_validation.r2_ols,
            cross_validation.r2_ridge,
            batch_mixing.batch_rejection,
            batch_mixing.silhouette_batch,
            batch_mixing.silhouette_label,
            distant.outliers,
        )
    }
)


def check_metrics(names: Sequence[str]) -> None:
    """Raise QueryError for a name that is not one of a metric."""
    for name in names:
        if name not in METRICS:
            raise QueryError(f"metric {name!r} is not one of {', '.join(METRICS)}")


def measure(subject: Subject, names: Sequence[str]) -> list[Measured]:
    """Get what the metrics give, in the order of the names.

    Raises
    ------
    QueryError
        There is no such metric, or a key is missing that one needs.
    ProfileError
        A metric cannot be measured on these profiles.
    """
    check_metrics(names)
    found: list[Measured] = []
    for name in dict.fromkeys(names):
        try:
            found.append(METRICS[name](subject))
        except QueryError as error:
            raise QueryError(f"{error} (metric {name} is {meaning(name)})") from error
        except ProfileError as error:
            said = str(error)
            raise ProfileError(said if name in said else f"{name}: {said}") from error
    return found


def meaning(name: str) -> str:
    """Get what a metric is, such as: the share of treatments whose nearest neighbour has ..."""
    first = inspect.cleandoc(METRICS[name].__doc__ or "").partition("\n")[0]
    return first.removeprefix("Get ").removesuffix(".")
