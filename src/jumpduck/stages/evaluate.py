"""Tables of profiles -> how well they tell treatments apart, beside chance."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.cores import usable_cores
from jumpduck.errors import ProfileError, QueryError, StoreError
from jumpduck.evaluation.measured import RESAMPLES, Measured
from jumpduck.evaluation.pair_tables import read_pairs
from jumpduck.evaluation.projection import Projection, check_projection, projected
from jumpduck.evaluation.registry import check_metrics, measure
from jumpduck.evaluation.subject import FOLDS, NULLS, TOP_PERCENT, Keys, Statistic, Subject
from jumpduck.figures.charts import SUFFIXES, check_charts, write_chart
from jumpduck.options import expanded, takes
from jumpduck.profile_tables.reading import read_profiles
from jumpduck.selection.criteria import Names, as_names
from jumpduck.storage.atomic_files import atomic_path
from jumpduck.storage.replaced_files import check_ending, is_parquet, refuse_other_file

OWN_COLUMNS = {"profiles", "metric"}
"""Columns by which a table of metrics is known."""


@dataclass(frozen=True)
class EvaluateOptions(Keys):
    """What to evaluate, and how.

    Parameters
    ----------
    profiles
        Tables of profiles, Parquet or CSV (also .csv.gz). Several are compared: other features, or
        other normalizations, of the same wells.
    metrics
        What to measure; ``jumpduck help evaluate`` lists the names.
    pairs
        Table of two columns, Parquet or CSV, with names of compounds that are known to belong
        together, for `known_pairs`; by default those with the same label are.
    where
        SQL condition on the columns that are not features; rows for which it is not true are left
        out.
    features
        Names of features, or patterns such as ``emb*``; inferred by default.
    distance
        Distance of two profiles: cosine, correlation or euclidean.
    average
        How the wells of a treatment become its profile: mean or median.
    standardize
        Bring each feature to mean 0 and standard deviation 1 over all rows first, as CellPaintSSL
        does.
    seed
        Seed of bootstrap samples and of random orders.
    resamples
        Bootstrap samples of an interval.
    nulls
        Random orders that p-values are made of.
    top_percent
        The most similar pairs among which `known_pairs` looks, in percent of all.
    folds
        How often a classifier or regression is fitted, each time without the groups of one fold.
    path
        Parquet file to write the metrics to.
    queries
        Parquet file to write one row a query to: its neighbour, its average precision.
    groups
        Parquet file to write one row a group to, such as the mAP of a label with p and q.
    figure
        Picture that compares the tables, .png or .svg: values with intervals and chance; with
        `map`, how average precision is distributed; with `pr_auc`, precision by recall; and the
        profiles on a plane.
    projection
        How profiles come onto that plane: pca, or umap of the extra umap.
    """

    profiles: str | Path | Sequence[str | Path]
    metrics: str | Sequence[str]
    _: KW_ONLY
    pairs: str | Path | None = None
    where: str | None = None
    features: Names = ()
    distance: str = "cosine"
    average: Statistic = "mean"
    standardize: bool = False
    seed: int = 0
    resamples: int = RESAMPLES
    nulls: int = NULLS
    top_percent: float = TOP_PERCENT
    folds: int = FOLDS
    path: str | Path | None = None
    queries: str | Path | None = None
    groups: str | Path | None = None
    figure: str | Path | None = None
    projection: Projection = "pca"


@dataclass(frozen=True)
class Evaluation:
    """What was measured.

    Attributes
    ----------
    metrics
        One row a table of profiles and metric: profiles, metric, value, n, chance, low, high,
        excluded and further figures.
    queries
        One row a query of each metric.
    groups
        One row a group of each metric that has figures for groups.
    measured
        What each metric gave, by table of profiles.
    """

    metrics: pl.DataFrame
    queries: pl.DataFrame
    groups: pl.DataFrame
    measured: Mapping[str, Sequence[Measured]]


@takes(EvaluateOptions)
def evaluate(options: EvaluateOptions) -> Evaluation:
    """Get how well profiles tell treatments apart, beside chance and with an interval.

    The order of rows and plates changes nothing. ``jumpduck.evaluation.registry.METRICS``
    has the metrics, and docs/evaluate.md their definitions.

    Returns
    -------
    Evaluation
        ``metrics`` is the table; ``queries`` and ``groups`` say more.

    Raises
    ------
    QueryError
        A metric or column is not there, or a metric needs a column that was not given.
    ProfileError
        A table cannot be used: the message names the row and the column.
    StoreError
        A file to write is of another kind or cannot be written.
    """
    metrics = [options.metrics] if isinstance(options.metrics, str) else options.metrics
    places = options.profiles
    places = [places] if isinstance(places, str | Path) else places
    check_metrics(metrics)
    for name, given in (("metrics", metrics), ("profiles", places)):
        if not given:
            raise QueryError(f"{name} is empty; name at least one")
    targets = {
        name: expanded(path)
        for name in ("path", "queries", "groups")
        if (path := getattr(options, name)) is not None
    }
    for name, target in targets.items():
        refuse_other_file(target, "a table of metrics", _is_metrics)
        check_ending(name, target, (".parquet",))
    if len({*targets.values()}) < len(targets):
        names = " and ".join(f"`{name}`" for name in targets)
        raise QueryError(f"two of {names} are the same file; give each its own")
    figure = None if options.figure is None else expanded(options.figure)
    if figure is not None:
        if figure.suffix.lower() not in SUFFIXES:
            raise QueryError(f"figure {figure} is neither PNG nor SVG; give a name that ends so")
        check_charts(figure)
        check_projection(options.projection)
    found: dict[str, Sequence[Measured]] = {}
    points: dict[str, pl.DataFrame] = {}
    for place in places:
        subject = _subject(place, options)
        found[str(place)] = measure(subject, metrics)
        if figure is not None:
            points[str(place)] = projected(subject, options.projection)
    evaluation = Evaluation(
        _metrics(found),
        _joined(found, "queries"),
        _joined(found, "groups"),
        found,
    )
    frames = {
        "path": evaluation.metrics, "queries": evaluation.queries, "groups": evaluation.groups
    }  # fmt: skip
    for name, target in targets.items():
        _write(frames[name], target)
    if figure is not None:
        _draw(evaluation, points, options.projection, figure)
    return evaluation


def _draw(
    evaluation: Evaluation, points: Mapping[str, pl.DataFrame], projection: str, figure: Path
) -> None:
    from jumpduck.figures.comparison import Compared, comparison  # of the extra report

    names = short_names(list(points))
    curves = _of_first_metric(evaluation.groups, "k")
    precisions = _of_first_metric(evaluation.queries, "average_precision")
    measures = [pl.col("value", "chance", "low", "high").cast(pl.Float64)]
    columns = ["k", "precision", "recall", "chance_precision"]
    tables = {
        "values": evaluation.metrics.select("profiles", "metric", *measures),
        "precisions": precisions.select(pl.exclude("metric")),
        "curves": curves.select("profiles", *columns) if curves.height else curves,
        "points": pl.concat(
            one.select(pl.lit(place).alias("profiles"), pl.all()) for place, one in points.items()
        ),
    }
    named = {
        name: table.with_columns(pl.col("profiles").replace(names))
        for name, table in tables.items()
    }
    compared = Compared(list(names.values()), **named, projection=projection.upper())
    write_chart(comparison(compared), figure)


def short_names(places: Sequence[str]) -> dict[str, str]:
    """Get the names of files without their folders, unless two are the same."""
    files = {place: Path(place).name for place in places}
    return files if len(set(files.values())) == len(files) else {place: place for place in files}


def _of_first_metric(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Get the rows of the first metric that has a column."""
    if column not in rows.columns:
        return rows.clear()
    return rows.drop_nulls(column).filter(pl.col("metric") == pl.col("metric").first())


def _subject(place: str | Path, options: EvaluateOptions) -> Subject:
    profiles = read_profiles(place, features=as_names(options.features), where=options.where)
    if options.where is not None and not len(profiles):
        raise ProfileError(f"where {options.where!r} is true for no row of {place}; correct it")
    return Subject.of(
        profiles,
        options,
        distance=options.distance,
        average=options.average,
        standardize=options.standardize,
        seed=options.seed,
        resamples=options.resamples,
        nulls=options.nulls,
        workers=usable_cores(),
        folds=options.folds,
        pairs=None if options.pairs is None else read_pairs(expanded(options.pairs)),
        top_percent=options.top_percent,
    )


def _metrics(found: Mapping[str, Sequence[Measured]]) -> pl.DataFrame:
    rows = [
        {
            "profiles": place,
            "metric": one.metric,
            "value": one.value,
            "n": one.n,
            "chance": one.chance,
            "low": one.low,
            "high": one.high,
            "excluded": sum(one.excluded.values()),
            "why_excluded": "; ".join(f"{why}: {n}" for why, n in one.excluded.items()),
            **one.more,
        }
        for place, measured in found.items()
        for one in measured
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _joined(found: Mapping[str, Sequence[Measured]], name: str) -> pl.DataFrame:
    """Get the tables of all metrics as one."""
    frames = [
        frame.select(pl.lit(place).alias("profiles"), pl.lit(one.metric).alias("metric"), pl.all())
        for place, measured in found.items()
        for one in measured
        if (frame := getattr(one, name)).width
    ]
    if not frames:
        return pl.DataFrame(schema={"profiles": pl.String, "metric": pl.String})
    return pl.concat(frames, how="diagonal_relaxed")


def _write(frame: pl.DataFrame, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as part:
            frame.write_parquet(part, compression="zstd")
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error


def _is_metrics(file: Path) -> bool:
    """Get whether a file is a table that `evaluate` wrote, by its columns."""
    try:
        return is_parquet(file) and set(pl.read_parquet_schema(file)) >= OWN_COLUMNS
    except pl.exceptions.PolarsError:
        return False
