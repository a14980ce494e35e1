"""Packages of Quilt: their names, and what is known of those that have a name of their own."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from jumpduck.database.sql_files import sql_root
from jumpduck.errors import QueryError

_NAME = re.compile(r"([a-z0-9][a-z0-9.-]{1,62})/([\w-]+)/([\w-]+)", re.ASCII)


class PackageName(NamedTuple):
    """Bucket, user and name of a package."""

    bucket: str
    user: str
    name: str


@dataclass(frozen=True)
class KnownPackage:
    """What must be known of a package to read more of it than its names tell.

    Attributes
    ----------
    package
        ``BUCKET/USER/NAME``.
    known
        What is known, and from what.
    also
        Other names.
    table
        Path of its table in the package, one row a cell.
    plate, well, site, label
        Columns of the table.
    modality
        What `label` names.
    columns
        Columns of the table that a catalog keeps; all by default.
    images
        Columns that name images, with the channels of each file in the order of its pages.
    """

    package: str
    known: str = ""
    also: Sequence[str] = ()
    table: str | None = None
    plate: str | None = None
    well: str | None = None
    site: str | None = None
    label: str | None = None
    modality: str | None = None
    columns: Sequence[str] = ()
    images: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def pages(self) -> list[dict[str, str | None]]:
        """Get the rows of quilt.pages: each channel is the maximum over z of its pages."""
        rows: list[dict[str, str | None]] = []
        for column, channels in self.images.items():
            for number, channel in enumerate(channels):
                row: dict[str, str | None] = {
                    "image_column": f"Metadata_{column}",
                    "channel": channel,
                    "kind": "other" if "segmentation" in channel else "stain",
                    "position": str(len(rows) + 1),
                    "place": f"pages={number}-/{len(channels)}",
                }
                rows.append(row)
        return rows


def known_packages() -> dict[str, KnownPackage]:
    """Get the packages that have a name of their own, by all their names."""
    text = (sql_root() / "quilt" / "packages.toml").read_text(encoding="utf-8")
    found: dict[str, KnownPackage] = {}
    for name, said in tomllib.loads(text).items():
        package = KnownPackage(**said)
        found |= dict.fromkeys((name, *package.also), package)
    return found


def find_package(asked: str | None) -> tuple[PackageName, KnownPackage]:
    """Get the name of a package, and what is known of it.

    Raises
    ------
    QueryError
        No package was named, or it is not the name of one.
    """
    known = known_packages()
    names = ", ".join(sorted(known))
    allowed = f"give BUCKET/USER/NAME, or one of {names}"
    if not asked:
        raise QueryError(f"package is missing; {allowed}")
    if asked in known:
        return PackageName(*known[asked].package.split("/")), known[asked]
    match = _NAME.fullmatch(asked)
    if match is None:
        raise QueryError(f"package {asked!r} is not the name of a package; {allowed}")
    same = (one for one in known.values() if one.package == asked)
    return PackageName(*match.groups()), next(same, KnownPackage(asked))
