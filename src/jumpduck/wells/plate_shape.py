"""Rows and columns of plates, and the places of their wells."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from jumpduck.errors import QueryError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_WELL = re.compile(r"([A-Za-z]{1,2})0*([1-9][0-9]?)")


class Place(NamedTuple):
    """The place of a well on its plate, counted from 1."""

    row: int
    column: int


@dataclass(frozen=True)
class PlateShape:
    """The rows and columns of a plate."""

    rows: int
    columns: int

    @property
    def wells(self) -> int:
        """How many wells it has."""
        return self.rows * self.columns

    def holds(self, place: Place) -> bool:
        """Get whether a well lies on it."""
        return place.row <= self.rows and place.column <= self.columns


SHAPES = tuple(
    PlateShape(rows, columns)
    for rows, columns in ((2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))
)
"""Plates of 6, 12, 24, 48, 96, 384 and 1,536 wells, in rows and columns (ANSI SLAS 4-2004)."""


def row_letters(row: int) -> str:
    """Get how a row is called: 1 is A, 26 is Z and 32 is AF."""
    first, second = divmod(row - 1, len(LETTERS))
    return (LETTERS[first - 1] if first else "") + LETTERS[second]


def place_of(well: str) -> Place | None:
    """Get the place of a well from its name, as A01 or af48; None if it is not written so."""
    found = _WELL.fullmatch(well.strip())
    if found is None:
        return None
    row = 0
    for letter in found[1].upper():
        row = row * len(LETTERS) + LETTERS.index(letter) + 1
    return Place(row, int(found[2]))


def shape_of(places: Iterable[Place], wells: int | None = None) -> PlateShape:
    """Get the shape of a plate: the smallest one that holds all wells.

    Parameters
    ----------
    places
        Its wells that are known.
    wells
        Number of its wells, if that is known.

    Raises
    ------
    QueryError
        No plate has so many wells, or the plate does not hold all of `places`.
    """
    counts = ", ".join(str(shape.wells) for shape in SHAPES)
    allowed = [shape for shape in SHAPES if wells in (None, shape.wells)]
    if not allowed:
        raise QueryError(f"wells {wells} is not the size of a plate; give one of {counts}")
    known = list(places)
    for shape in allowed:
        if all(map(shape.holds, known)):
            return shape
    row, column = next(place for place in known if not allowed[-1].holds(place))
    name, size = f"{row_letters(row)}{column:02d}", allowed[-1].wells
    if wells is None:
        raise QueryError(f"there is a well {name}, which no plate of {counts} wells has")
    raise QueryError(f"wells {wells} is too few: there is a well {name}; give more than {size}")
