"""A chain of steps, as it is written."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jumpduck.errors import QueryError
from jumpduck.normalization.kinds import (
    ALL,
    COMBINATIONS,
    CONTROLS,
    KINDS,
    PERTURBED,
    ROLES,
    Kind,
    Option,
)
from jumpduck.normalization.whitening import check_options

ON = (CONTROLS, PERTURBED, ALL)


@dataclass(frozen=True)
class Step:
    """One step of a chain.

    Parameters
    ----------
    name
        Which step, one of `KINDS`.
    on
        Rows that it is fitted on.
    by
        Columns that tell apart groups that are fitted each by itself.
    options
        All options of the step.
    """

    name: str
    on: str
    by: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])

    @property
    def kind(self) -> Kind:
        """What the step does."""
        return KINDS[self.name]


def read_steps(
    texts: Sequence[str], on: str | None = None, by: Sequence[str] | None = None
) -> tuple[Step, ...]:
    """Get the steps of a chain from their names, each with options of its own.

    Parameters
    ----------
    texts
        Names of steps or combinations, such as ``mad_robustize``; after a colon what differs from
        the defaults: ``spherize:kind=ZCA,on=all``. Several columns of ``by`` are joined by ``+``;
        ``by=none`` is none.
    on, by
        What steps are fitted on and by, instead of their defaults. Filters look at groups of their
        own, and take no `by`.

    Raises
    ------
    QueryError
        A name or option is not known, or a value is not one of those allowed.
    """
    written = [one for text in texts for one in _parts(text)]
    return tuple(_step(name, options, on, by) for name, options in written)


def _parts(text: str) -> list[tuple[str, dict[str, str]]]:
    name, _, rest = text.partition(":")
    if name in COMBINATIONS:
        if rest:
            raise QueryError(f"methods {text!r}: give options to the steps, not to {name}")
        return [(one, {}) for one in COMBINATIONS[name]]
    if name not in KINDS:
        known = [*COMBINATIONS, *KINDS]
        near = difflib.get_close_matches(name, known, n=3)
        raise QueryError(
            f"methods {name!r} is not known; "
            + (f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}")
        )
    options: dict[str, str] = {}
    kind = KINDS[name]
    allowed = (*(() if kind.align else ("on", "by")), *kind.options)
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        if not equals or key not in allowed:
            raise QueryError(
                f"methods {text!r}: {pair!r} is not an option of {name}, which has "
                + ", ".join(f"{one}=…" for one in allowed)
            )
        options[key] = value
    return [(name, options)]


def _step(name: str, given: Mapping[str, str], on: str | None, by: Sequence[str] | None) -> Step:
    kind = KINDS[name]
    if kind.align:  # all rows are changed together, whatever the other steps are fitted on
        on, by = None, None
    rows = given.get("on", (kind.on if kind.on == ROLES else on) or kind.on)
    if rows not in ON and kind.on != ROLES:
        raise QueryError(f"on {rows!r} of {name} is not one of {', '.join(ON)}")
    if kind.on == ROLES and rows != ROLES:
        raise QueryError(f"{name} looks at controls and at treated rows; it takes no on={rows}")
    columns = tuple(given["by"].split("+")) if "by" in given else by
    groups = kind.by if columns is None else () if tuple(columns) == ("none",) else tuple(columns)
    if kind.drops:
        if "by" in given:
            raise QueryError(f"{name} drops features of all rows; it takes no by={given['by']}")
        groups = ()
    if name in ("tvn", "subtract_well_position") and "by" not in given:
        groups = kind.by  # because it is by batch or well that these steps are defined
    if name in ("tvn", "subtract_well_position", "subtract_plate_mean") and not groups:
        raise QueryError(f"{name} goes by groups; give it columns, such as by={kind.by[0]}")
    options = {
        key: _value(name, key, given[key], default) if key in given else default
        for key, default in kind.options.items()
    }
    if name == "spherize":  # here, because it is fitted after other steps, which take long
        center = bool(options["center"])
        check_options(str(options["kind"]), str(options["shrinkage"]), center=center)
    return Step(name, rows, groups, options)


def _value(name: str, key: str, text: str, default: Option) -> Option:
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise QueryError(f"methods {name}:{key}={text} is neither true nor false")
        return text == "true"
    if isinstance(default, str):
        return text
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 <= number < float("inf"):
        raise QueryError(f"methods {name}:{key}={text} is not a number of 0 or more")
    return number
