"""jumpduck evaluate"""

import polars as pl

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, WORK, Csv, Json, reads
from jumpduck.cli.printer import Printer
from jumpduck.stages.evaluate import EvaluateOptions, short_names
from jumpduck.stages.evaluate import evaluate as look


@reads(
    EvaluateOptions,
    {
        PLACES: ("profiles", "features", "where"),
        CHOOSE: (
            "metrics", "label", "compound", "treatments", "batch", "well",
            "pos_sameby", "pos_diffby", "neg_sameby", "neg_diffby", "target", "fold_by", "pairs",
        ),
        WORK: (
            "distance", "average", "standardize", "seed", "resamples", "nulls", "top_percent",
            "folds",
        ),
        OUTPUT: ("path", "queries", "groups", "figure", "projection"),
    },
    positional="profiles",
    flags={
        "path": "--table", "profiles": "--profiles", "queries": "--queries", "groups": "--groups"
    },
    short={"path": ["-o"]},
)  # fmt: skip
def evaluate(options: EvaluateOptions, *, csv: Csv = False, json: Json = False) -> None:
    """Measure how well profiles tell treatments apart, beside chance.

    Each value comes with chance, the value to expect of profiles that say nothing, and with an
    interval (low, high) over bootstrap samples of compounds or treatments. What could not be
    measured is left out and counted. docs/evaluate.md and docs/metrics.md define the metrics:

    - accuracy of the nearest well: pert_acc, nsb, nsp, nsp_position, nsbp, nsbp_position
    - accuracy of the nearest treatment: nsc, nscb, nsc_mcc
    - mean average precision: map of labels, replicate_map of treatments
    - the k nearest: pr_auc, precision_at_r, pr_auc_macro, precision_at_r_macro
    - replicates: replicate_correlation, replicate_rank_correlation, percent_replicating,
      percent_matching
    - known pairs of compounds: known_pairs
    - fitted in folds of compounds: classifier_top1, classifier_top2, classifier_top3,
      classifier_mcc, r2_ols, r2_ridge
    - how batches mix: batch_rejection, silhouette_batch, silhouette_label
    - wells that stand out: outliers

    For example:

    ```
    jumpduck evaluate profiles.parquet --metric pert_acc nsb --treatment Metadata_gene
    jumpduck evaluate a.csv.gz b.parquet --metric nsc --label Metadata_moa --compound Metadata_name
    ```
    """
    printer = Printer(as_json=json, as_csv=csv)
    found = look(**vars(options))
    for place, measured in found.measured.items():
        for one in measured:
            printer.event(
                {
                    "profiles": place,
                    "metric": one.metric,
                    "value": one.value,
                    "n": one.n,
                    "chance": one.chance,
                    "low": one.low,
                    "high": one.high,
                    **one.more,
                    "excluded": one.excluded,
                }
            )
    shown = found.metrics
    if printer.for_reader:
        shown = shown.with_columns(pl.col("profiles").replace(short_names(list(found.measured))))
    several = len(found.measured) > 1
    excluded = shown.filter(pl.col("excluded") > 0)
    if not several and not csv:
        shown = shown.drop("profiles")
    # long names of tables fold, because the figures must have space
    printer.table(shown if csv else shown.drop("why_excluded"), keys=("metric",))
    for row in excluded.iter_rows(named=True):
        where = f"{row['profiles']}: " if several else ""
        printer.remark(f"{where}{row['metric']}: left out: {row['why_excluded']}")
    for target in (options.path, options.queries, options.groups, options.figure):
        if target is not None:
            printer.line(f"-> {target}")
