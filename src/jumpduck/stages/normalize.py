"""A table of profiles -> a table of normalized profiles."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError, QueryError, StoreError
from jumpduck.normalization.aggregation import AVERAGES, Aggregation
from jumpduck.normalization.checks import check_kept
from jumpduck.normalization.fitted import Fitted
from jumpduck.normalization.fitting import Applied, Fitting, StepCounts, check_held
from jumpduck.normalization.kinds import KINDS
from jumpduck.normalization.references import References, Rows
from jumpduck.normalization.report import Normalized, dropped_by, steps_frame
from jumpduck.normalization.steps import Step, read_steps
from jumpduck.options import expanded, takes
from jumpduck.profile_tables.conditions import rows_where
from jumpduck.profile_tables.profiles import PERTURBATION_FACT
from jumpduck.profile_tables.reading import ProfileTable, open_profiles
from jumpduck.profile_tables.writing import write_blocks, write_parts
from jumpduck.schema import CANNOT_READ
from jumpduck.selection.criteria import Names, as_names
from jumpduck.storage.atomic_files import atomic_path, make_folder
from jumpduck.storage.object_reader import scheme_of
from jumpduck.storage.replaced_files import check_ending, is_parquet, refuse_other_file

HISTORY = "jumpduck.normalize"
"""Fact of the file that is written: what was done to its profiles, as JSON."""

SHOWN_VALUES = 5
"""Values of a column that a message lists."""


@dataclass(frozen=True)
class NormalizeOptions:
    """What to normalize, and how.

    Parameters
    ----------
    profiles
        Table of profiles: Parquet or CSV, or a folder of Parquet files; local or `s3://`.
    methods
        Steps by name, in their order, such as `mad_robustize`, or a combination such as
        `spherize_mad_robustize`. After a colon, what differs from the step's defaults:
        `spherize:kind=ZCA,on=all`.
    controls
        SQL condition on the columns of the table that tells the controls, such as
        `Metadata_pert_type = 'negcon'`.
    on
        Rows that scaling and whitening are fitted on: controls, perturbed or all. By default each
        step has its own.
    by
        Columns that tell apart groups of rows that are fitted each by itself, or `none`. By default
        each step has its own.
    perturbation
        Column that says what a well was treated with; rows without a value count as neither treated
        nor perturbed. By default the column that the table itself names, as one that
        `jumpduck profiles` wrote does; without any, all rows are perturbed.
    features
        Names of features, or patterns such as `emb*`. By default the columns that begin with Cells,
        Nuclei or Cytoplasm, or else all columns of numbers that do not begin with Metadata_.
    where
        SQL condition; rows for which it is not true are left out.
    aggregate
        Columns; rows that have the same values in them become one, after the last step.
    average
        How they become one: mean or median.
    leave_out
        Leave out plates that have too few rows to fit a step on, and count them.
    fit
        File of an earlier `save_fit`, to apply what was fitted then. Takes the place of `methods`.
    save_fit
        File to keep what was fitted in, for other tables with the same features.
    path
        File to write: Parquet, or CSV if its name ends with .csv or .csv.gz.
    endpoint
        S3 server other than AWS.
    """

    profiles: str | Path
    _: KW_ONLY
    methods: Names = ()
    controls: str | None = None
    on: str | None = None
    by: Names = ()
    perturbation: str | None = None
    features: Names = ()
    where: str | None = None
    aggregate: Names = ()
    average: str = AVERAGES[0]
    leave_out: bool = False
    fit: str | Path | None = None
    save_fit: str | Path | None = None
    path: str | Path = "normalized.parquet"
    endpoint: str | None = None


@takes(NormalizeOptions)
def normalize(options: NormalizeOptions) -> Normalized:
    """Filter, scale, whiten or aggregate profiles, and write them to a file.

    Tables of more than 0.9 GB are read plate by plate, once for each step that is fitted on all
    plates together, and once more; rows of a plate then stand together.

    Returns
    -------
    Normalized
        What was done, and what was left out.

    Raises
    ------
    QueryError
        An option is wrong, or a condition is not one.
    ProfileError
        The table cannot be used: a value that is not a number, a constant feature, a plate without
        controls, other features than those of the fit.
    StoreError
        A file cannot be written.
    """
    return normalize_profiles(options)


def normalize_profiles(options: NormalizeOptions, *, dry_run: bool = False) -> Normalized:
    """Do what `normalize` does; with `dry_run`, check all but the features, and write nothing."""
    steps = _check(options)
    source, target = expanded(options.profiles), expanded(options.path)
    if target.exists() and source.exists() and target.samefile(source):
        raise QueryError(f"path {target} is the table that is read; give another name")
    refuse_other_file(target, "a table of normalized profiles", _is_normalized)
    check_ending("path", target, (".parquet", ".csv", ".csv.gz"))
    if options.save_fit is not None:
        kept = expanded(options.save_fit)
        refuse_other_file(kept, "a fit", _is_fit)
        check_ending("save_fit", kept, (".npz",))
    with open_profiles(
        options.profiles,
        features=as_names(options.features),
        where=options.where,
        endpoint=options.endpoint,
    ) as table:
        if not len(table):
            raise ProfileError(f"profiles {options.profiles} has no rows to normalize")
        if options.fit is not None:
            return _apply(options, table, dry_run=dry_run)
        return _fit(options, table, steps, dry_run=dry_run)


def _check(options: NormalizeOptions) -> tuple[Step, ...]:
    """Get the steps, if the options go together."""
    if options.fit is not None:
        for name in ("methods", "controls", "on", "by", "perturbation", "save_fit", "leave_out"):
            if getattr(options, name):
                raise QueryError(f"{name} does not go with `fit`, which has its own; leave one out")
        return ()
    steps = read_steps(as_names(options.methods), options.on, as_names(options.by) or None)
    if not steps and not options.aggregate:
        raise QueryError(
            "methods is empty; give steps such as spherize_mad_robustize, or columns to "
            f"`aggregate`; there are {', '.join(KINDS)}"
        )
    if options.average != AVERAGES[0] and not options.aggregate:
        raise QueryError(
            f"average {options.average!r} averages nothing; give columns to `aggregate`, such as "
            "Metadata_Plate Metadata_Well"
        )
    if options.save_fit is not None and not steps:
        raise QueryError("save_fit has nothing to keep, because there are no methods")
    if options.save_fit is not None:
        check_kept(steps)
    return steps


def _perturbation(options: NormalizeOptions, table: ProfileTable) -> str | None:
    """Get the column that says what a well was treated with, if anybody does."""
    named = table.facts.get(PERTURBATION_FACT)
    return options.perturbation or (named if named in table.metadata.columns else None)


def _roles(options: NormalizeOptions, table: ProfileTable) -> tuple[Rows | None, Rows]:
    """Get which rows are controls, and which have a perturbation."""
    metadata = table.metadata
    height = metadata.height
    column = _perturbation(options, table)
    if column is not None and column not in metadata.columns:
        raise QueryError(
            f"perturbation {column!r} is not a column; there are {', '.join(metadata.columns)}"
        )
    perturbed = np.ones(height, np.bool_)
    if column is not None:
        perturbed = metadata[column].is_not_null().to_numpy()
    if options.controls is None:
        return None, perturbed
    controls = np.zeros(height, np.bool_)
    controls[rows_where(metadata, options.controls, "controls")] = True
    if not controls.any() or controls.all():
        what = "every one" if controls.any() else "none"
        raise ProfileError(
            f"controls {options.controls!r} is true for {what} of the {height:,} rows; it must "
            f"tell the controls from the others{_values(metadata, options.controls)}"
        )
    return controls, perturbed


def _values(metadata: pl.DataFrame, condition: str) -> str:
    """Get the values of the columns that a condition names, most frequent first, for a message."""
    said = ""
    for name in metadata.columns:
        if name in condition:
            counts = metadata[name].value_counts(sort=True)
            some = [repr(one) for one in counts[name].head(SHOWN_VALUES)]
            more = ", …" * (counts.height > SHOWN_VALUES)
            said += f"; {name} has {', '.join(some)}{more}"
    return said


def _fit(
    options: NormalizeOptions, table: ProfileTable, steps: Sequence[Step], *, dry_run: bool
) -> Normalized:
    """Fit a chain to a table, and write the table mapped."""
    controls, perturbed = _roles(options, table)
    references = References(table.metadata, controls, perturbed)
    stay, left_out = references.check(steps, leave_out=options.leave_out)
    check_held(steps, int(stay.sum()), len(table.names))
    done = Normalized(
        path=expanded(options.path),
        rows=len(table),
        rows_out=int(stay.sum()),
        features=table.names,
        features_out=table.names,
        controls=None if controls is None else int(controls.sum()),
        perturbed=int(perturbed.sum()),
        steps=steps_frame(steps, [StepCounts()] * len(steps), [table.names] * (len(steps) + 1)),
        dropped={},
        left_out=left_out,
    )
    if dry_run:
        return done
    fitting = Fitting(table, steps, references, stay=stay, keep=options.save_fit is not None)
    names = [*(one.names for one in fitting.fitted.steps), fitting.names]
    done = replace(done, features_out=fitting.names, dropped=dropped_by(steps, names))
    facts = _facts(options, table, steps, done)
    rows = _write(options, table, fitting, facts, stay)
    if options.save_fit is not None:
        _save(Fitted(fitting.fitted.steps, facts), expanded(options.save_fit))
    # when all plates are through, what was fitted on each of them is counted, too
    return replace(done, rows_out=rows, steps=steps_frame(steps, fitting.counts, names))


def _apply(options: NormalizeOptions, table: ProfileTable, *, dry_run: bool) -> Normalized:
    """Apply a chain that was fitted before."""
    fitted = _load(expanded(options.fit or ""))
    fitted.columns_for(table.names)
    steps = [one.step for one in fitted.steps]
    names = [*(one.names for one in fitted.steps), fitted.steps[-1].names_out]
    counts = [StepCounts() for _ in steps]
    for count, one in zip(counts, fitted.steps, strict=True):
        count.add(one.maps)
        count.rows = sum(int(made.facts.get("rows", 0)) for made in one.maps.values())
    done = Normalized(
        path=expanded(options.path),
        rows=len(table),
        rows_out=len(table),
        features=table.names,
        features_out=names[-1],
        controls=None,
        perturbed=len(table),
        steps=steps_frame(steps, counts, names),
        dropped=dropped_by(steps, names),
        left_out={},
    )
    if dry_run:
        return done
    stay = np.ones(len(table), np.bool_)
    facts = _facts(options, table, steps, done)
    rows = _write(options, table, Applied(fitted, table), facts, stay)
    return replace(done, rows_out=rows)


def _write(
    options: NormalizeOptions,
    table: ProfileTable,
    chain: Fitting | Applied,
    facts: Mapping[str, str],
    stay: Rows,
) -> int:
    """Write the profiles, averaged if that was asked for, and get the number of rows."""
    target = expanded(options.path)
    if not options.aggregate:
        return write_blocks(chain.normalized(), target, facts)
    numbers = np.cumsum(stay) - 1  # of a row among those that stay
    metadata = table.metadata.filter(stay)
    average = Aggregation(metadata, as_names(options.aggregate), options.average)
    for rows, profiles in chain.normalized():
        average.add(numbers[rows], profiles)
    return write_parts([average.profiles(chain.names)], target, facts)


def _facts(
    options: NormalizeOptions, table: ProfileTable, steps: Sequence[Step], done: Normalized
) -> dict[str, str]:
    """Get what the written file says of how it was made, after what the table says of itself."""
    now = {
        "profiles": _name(options.profiles),
        "where": options.where,
        "controls": options.controls,
        "perturbation": _perturbation(options, table),
        "steps": [{"name": one.name, "on": one.on, "by": one.by, **one.options} for one in steps],
        "fit": None if options.fit is None else _name(options.fit),
        "aggregate": as_names(options.aggregate),
        "average": options.average if options.aggregate else None,
        "rows": {"read": done.rows, "controls": done.controls, "perturbed": done.perturbed},
        "dropped": done.dropped,
        "left_out": done.left_out,
        "jumpduck": version("jumpduck"),
        "numpy": np.__version__,
    }
    # a table of somebody else may say anything under this name; it is kept as text
    before: list[Any] = []
    if (text := table.facts.get(HISTORY)) is not None:
        try:
            before = list(json.loads(text))
        except (ValueError, TypeError):
            before = [text]
    return {**table.facts, HISTORY: json.dumps([*before, now])}


def _name(place: str | Path) -> str:
    """Get a place without its folders if it is on this machine, which is nobody else's concern."""
    return Path(place).name if scheme_of(str(place)) == "file" else str(place)


def _load(file: Path) -> Fitted:
    try:
        return Fitted.load(file.read_bytes(), str(file))
    except OSError as error:
        raise ProfileError(f"fit {file} cannot be read: {error.strerror or error}") from error


def _save(fitted: Fitted, file: Path) -> None:
    try:
        make_folder(file.parent)
        with atomic_path(file) as part, part.open("wb") as opened:
            fitted.save(opened)
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror or error}") from error


def _is_fit(file: Path) -> bool:
    """Get whether a file is one that `save_fit` wrote."""
    try:
        _load(file)
    except ProfileError:
        return False
    return True


def _is_normalized(file: Path) -> bool:
    """Get whether a file may be what `normalize` wrote: by its facts, or as CSV by its name."""
    if is_parquet(file):
        try:
            return HISTORY in pl.read_parquet_metadata(file)
        except CANNOT_READ:
            return False
    return file.name.lower().endswith((".csv", ".csv.gz"))
