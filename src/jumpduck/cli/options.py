"""The options that several verbs share, and how their values are read."""

from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from jumpduck.errors import QueryError

CHOOSE = Group("What to choose", sort_key=1)
PLACES = Group("Where to read", sort_key=2)
WORK = Group("How to work", sort_key=3)
OUTPUT = Group("Output", sort_key=4)


def names(option: str, help_: str) -> Parameter:
    """Get an option that takes several names, in one go or repeated."""
    return Parameter(
        option,
        group=CHOOSE,
        consume_multiple=True,
        negative="",
        show_default=False,
        help=help_,
    )


def switch(option: str, help_: str, group: Group) -> Parameter:
    """Get an option that is there or not."""
    return Parameter(option, group=group, negative="", show_default=False, help=help_)


Sources = Annotated[tuple[str, ...], names("--source", "Sources to keep.")]
Batches = Annotated[tuple[str, ...], names("--batch", "Batches to keep.")]
Plates = Annotated[tuple[str, ...], names("--plate", "Plates to keep.")]
PlateTypes = Annotated[
    tuple[str, ...],
    names("--plate-type", "Plate types to keep: COMPOUND, ORF, CRISPR, TARGET2 ..."),
]
Wells = Annotated[tuple[str, ...], names("--well", "Wells to keep.")]
Perturbations = Annotated[
    tuple[str, ...], names("--perturbation", "Genes, compounds and controls, by any name.")
]
CatalogFile = Annotated[
    Path, Parameter("--catalog", group=PLACES, help="Catalog made by jumpduck catalog.")
]
Endpoint = Annotated[
    str | None,
    Parameter("--endpoint", group=PLACES, help="S3 server other than AWS: http://HOST:PORT."),
]
Json = Annotated[bool, switch("--json", "Print one JSON object instead.", OUTPUT)]
Quiet = Annotated[bool, switch("--quiet", "Print errors only.", OUTPUT)]
DryRun = Annotated[bool, switch("--dry-run", "Say what would be done, and stop.", OUTPUT)]
ShowSql = Annotated[bool, switch("--show-sql", "Print the same in SQL, and stop.", OUTPUT)]


def per_well_counts(text: str) -> dict[str, int]:
    """Get the sites to keep by role from ``trt=6,poscon=4,negcon=3``.

    Raises
    ------
    QueryError
        The text is something else.
    """
    counts: dict[str, int] = {}
    for pair in text.split(","):
        role, mark, number = pair.strip().partition("=")
        if not mark or not number.isdecimal():
            raise QueryError(f"--per-well {text!r} is not like trt=6,poscon=4,negcon=3")
        counts[role] = int(number)
    return counts
