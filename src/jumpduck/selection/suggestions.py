"""Names that a user gives, compared with the names there are."""

import difflib
import re
from collections.abc import Collection, Sequence

from jumpduck.errors import QueryError

CUTOFF = 0.55
"""How alike a name must be to be suggested, from 0 to 1; less brings bad_construct for control."""

FEW_NAMES = 8
"""So many names are all listed where none is suggested."""

_NAME = re.compile(r"[^\s,]+")


def separate(asked: str | Sequence[str], known: Collection[str]) -> list[str]:
    """Get one name a text: those that are not `known` are separated at commas and blanks."""
    return [
        name
        for text in ([asked] if isinstance(asked, str) else asked)
        for name in ([text] if text in known else _NAME.findall(text) or [text])
    ]


def known_names(what: str, asked: str | Sequence[str], known: Collection[str]) -> list[str]:
    """Get names as they are written among `known`.

    A text may hold several names, separated by commas or blanks. A name may be written in another
    case, and a number stands for the word with that number: ``3`` for ``source_3``.

    Raises
    ------
    QueryError
        There is no such name, or several may be meant; the message has the nearest ones.
    """
    found: list[str] = []
    for name in separate(asked, known):
        meant = meant_by(name, known)
        check_names(what, meant if len(meant) == 1 else [name], known)
        found += meant
    return list(dict.fromkeys(found))


def meant_by(name: str, known: Collection[str]) -> list[str]:
    """Get the names that one may stand for."""
    if name in known:
        return [name]
    if alike := [one for one in known if one.lower() == name.lower()]:
        return alike
    if name.isdecimal():
        return [one for one in known if re.fullmatch(rf"[A-Za-z]+_{name}", one)]
    return []


def check_names(what: str, asked: Sequence[str], known: Collection[str]) -> None:
    """Raise QueryError, with the nearest names, for the first of `asked` not among `known`."""
    lower: dict[str, str] = {}
    for name in known:
        lower.setdefault(name.lower(), name)
    for name in asked:
        if name in known:
            continue
        near = difflib.get_close_matches(name.lower(), lower, n=3, cutoff=CUTOFF)
        names = ", ".join(lower[one] for one in near)
        hint = f"did you mean {names}?" if near else some_of(known)
        raise QueryError(f"there is no {what} {name!r}; {hint}")


def some_of(known: Collection[str]) -> str:
    """Get a clause that says which names there are: all of a few, else the first ones."""
    shown = len(known) if len(known) <= FEW_NAMES else FEW_NAMES // 2
    more = f" and {len(known) - shown:,} more" if len(known) > shown else ""
    verb = "is" if len(known) == 1 else "are"
    return (
        f"there {verb} {', '.join(sorted(known)[:shown])}{more}"
        if known
        else "there is none at all"
    )
