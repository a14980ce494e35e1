"""The options that several verbs share, and how their values are read."""

from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from jumpduck.errors import QueryError

CHOOSE = Group("What to choose", sort_key=1)
PLACES = Group("Where to read", sort_key=2)
WORK = Group("How to work", sort_key=3)
OUTPUT = Group("Output", sort_key=4)

Sources = Annotated[
    tuple[str, ...],
    Parameter(
        "--source",
        group=CHOOSE,
        consume_multiple=True,
        negative="",
        show_default=False,
        help="Sources to keep.",
    ),
]
Batches = Annotated[
    tuple[str, ...],
    Parameter(
        "--batch",
        group=CHOOSE,
        consume_multiple=True,
        negative="",
        show_default=False,
        help="Batches to keep.",
    ),
]
Plates = Annotated[
    tuple[str, ...],
    Parameter(
        "--plate",
        group=CHOOSE,
        consume_multiple=True,
        negative="",
        show_default=False,
        help="Plates to keep.",
    ),
]
PlateTypes = Annotated[
    tuple[str, ...],
    Parameter(
        "--plate-type",
        group=CHOOSE,
        consume_multiple=True,
        negative="",
        show_default=False,
        help="Plate types to keep: COMPOUND, ORF, CRISPR, TARGET2 ...",
    ),
]
Wells = Annotated[
    tuple[str, ...],
    Parameter(
        "--well",
        group=CHOOSE,
        consume_multiple=True,
        negative="",
        show_default=False,
        help="Wells to keep.",
    ),
]
Perturbations = Annotated[
    tuple[str, ...],
    Parameter(
        "--perturbation",
        group=CHOOSE,
        consume_multiple=True,
        negative="",
        show_default=False,
        help="JCP2022 identifiers, gene symbols or names of controls to keep.",
    ),
]
CatalogFile = Annotated[
    Path, Parameter("--catalog", group=PLACES, help="Catalog made by jumpduck catalog.")
]
Endpoint = Annotated[
    str | None,
    Parameter("--endpoint", group=PLACES, help="S3 server other than AWS: http://HOST:PORT."),
]
Json = Annotated[
    bool,
    Parameter(
        "--json",
        group=OUTPUT,
        negative="",
        show_default=False,
        help="Print JSON instead: one object, the last line.",
    ),
]
Quiet = Annotated[
    bool,
    Parameter("--quiet", group=OUTPUT, negative="", show_default=False, help="Print errors only."),
]
DryRun = Annotated[
    bool,
    Parameter(
        "--dry-run",
        group=OUTPUT,
        negative="",
        show_default=False,
        help="Say what would be done, and stop.",
    ),
]


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
