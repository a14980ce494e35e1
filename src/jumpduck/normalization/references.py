"""Rows that steps are fitted on, and what is wrong with them before a feature is read."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError, QueryError
from jumpduck.normalization.batches import check_batches
from jumpduck.normalization.fitted import groups_of, said
from jumpduck.normalization.kinds import ALL, CONTROLS, PERTURBED, PLATE, ROLES, Key
from jumpduck.normalization.steps import Step

MAX_NAMED = 3
"""Groups that a message lists."""

Rows = NDArray[np.bool_]


class References:
    """Which rows of a table are controls, and which have a perturbation.

    Parameters
    ----------
    metadata
        What each row is of.
    controls
        The controls; None where nobody said which.
    perturbed
        Rows with a perturbation, controls too.
    """

    def __init__(self, metadata: pl.DataFrame, controls: Rows | None, perturbed: Rows) -> None:
        self._metadata = metadata
        self._rows: Mapping[str, Rows | None] = {
            CONTROLS: controls,
            PERTURBED: perturbed,
            ALL: np.ones(len(perturbed), np.bool_),
        }

    def of(self, step: Step) -> dict[Key, Rows]:
        """Get the rows that a step is fitted on; those of each role for a step that takes both."""
        if step.on == ROLES:
            controls = self._some(CONTROLS, step)
            return {
                (CONTROLS,): controls,
                ("treated",): self._some(PERTURBED, step) & ~controls,
            }
        return {(): self._some(step.on, step)}

    def check(self, steps: Sequence[Step], *, leave_out: bool) -> tuple[Rows, dict[str, str]]:
        """Get the rows to go on with, and why which plates are left out.

        Parameters
        ----------
        leave_out
            Leave out the plates that lack rows that a step of the plate is fitted on.

        Raises
        ------
        QueryError
            Controls are needed, and nobody said which they are.
        ProfileError
            There are no controls or nothing else, or a group or batch has too few rows.
        """
        stay = np.ones(len(self._metadata), np.bool_)
        left_out: dict[str, str] = {}
        for step in steps:
            for role, rows in self.of(step).items():
                what = role[0] if role else step.on
                if not rows.any():
                    raise ProfileError(f"{step.name}: none of {len(rows):,} rows is {_one(what)}")
                groups = groups_of(self._metadata, step.by, len(rows))
                few = {
                    key: int(rows[numbers].sum())
                    for key, numbers in groups.items()
                    if rows[numbers].sum() < step.kind.least
                }
                if leave_out and PLATE in step.by:
                    for key, count in few.items():
                        stay[groups[key]] = False
                        left_out[said(step.by, key)] = f"{count} {what} for {step.name}"
                elif few:
                    raise ProfileError(_too_few(step, what, few))
        if not stay.any():
            raise ProfileError("no plate is left: each lacks rows that a step is fitted on")
        for column in (str(step.options["batch"]) for step in steps if step.kind.align):
            check_batches(self._metadata, column, stay)
        return stay, left_out

    def _some(self, on: str, step: Step) -> Rows:
        rows = self._rows[on]
        if rows is None:
            raise QueryError(
                f"controls is not given, and {step.name} is fitted on them; give a SQL condition "
                "such as Metadata_pert_type = 'negcon'"
                + ("" if step.on == ROLES else f", or fit it on others: {step.name}:on=all")
            )
        return rows


def _too_few(step: Step, what: str, few: Mapping[Key, int]) -> str:
    named = [f"{said(step.by, key)} has {count or 'no'}" for key, count in few.items()]
    more = f" and {len(named) - MAX_NAMED:,} more" if len(named) > MAX_NAMED else ""
    groups = "; ".join(named[:MAX_NAMED]) + more
    plural = {CONTROLS: "controls", PERTURBED: "rows with a perturbation", ALL: "rows"}
    advice = "`leave_out` leaves such plates out, " if PLATE in step.by else ""
    return (
        f"{step.name} needs at least {step.kind.least} {plural.get(what, what + ' rows')} in each "
        f"group: {groups}; {advice}by=none fits it on all rows together"
    )


def _one(what: str) -> str:
    return {CONTROLS: "a control", PERTURBED: "perturbed", ALL: "there"}.get(what, what)
