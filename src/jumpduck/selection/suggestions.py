"""Names that a user gives, compared with the names there are."""

import difflib
from collections.abc import Collection, Sequence

from jumpduck.errors import QueryError


def check_names(what: str, asked: Sequence[str], known: Collection[str]) -> None:
    """Raise QueryError, with the nearest names, for the first of `asked` not among `known`."""
    lower: dict[str, str] = {}
    for name in known:
        lower.setdefault(name.lower(), name)
    for name in asked:
        if name in known:
            continue
        near = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.5)
        names = ", ".join(lower[one] for one in near)
        hint = f"did you mean {names}?" if near else _some(known)
        raise QueryError(f"there is no {what} {name!r}; {hint}")


def _some(known: Collection[str]) -> str:
    first = sorted(known)[:5]
    more = f" and {len(known) - 5:,} more" if len(known) > 5 else ""
    return f"there are {', '.join(first)}{more}" if first else "there is none at all"
