"""What a collection says of itself: the file collection.toml in its folder of ``sql/``."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jumpduck.collections.base import OPTIONS
from jumpduck.errors import CatalogError


@dataclass(frozen=True)
class About:
    """What a collection says of itself; a text is empty where it says nothing.

    Attributes
    ----------
    title
        What it is, in a line.
    images
        How many images it has, and of what size.
    licence
        What its publisher allows.
    publisher
        Who publishes it, as a text that cites it says.
    thanks
        Whom the publisher asks to thank.
    home
        Where it is described.
    needs
        What the user must have or give.
    options
        Options of `jumpduck.catalog` that it takes.
    """

    title: str = ""
    images: str = ""
    licence: str = ""
    publisher: str = ""
    thanks: str = ""
    home: str = ""
    needs: str = ""
    options: Sequence[str] = ("gallery", "project", "metadata", "endpoint")


def collection_about(driver: Path) -> About:
    """Get what the collection of a driver says of itself.

    Raises
    ------
    CatalogError
        The file cannot be read, or says something else than `About` has.
    """
    file = driver.parent / driver.stem / "collection.toml"
    if not file.is_file():
        return About()
    try:
        found: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        about = About(**found)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise CatalogError(f"{file} cannot be read: {error}; see sql/README.md") from error
    if unknown := [one for one in about.options if one not in OPTIONS]:
        raise CatalogError(
            f"options {unknown[0]!r} of {file} is not an option; there are {', '.join(OPTIONS)}"
        )
    return about
