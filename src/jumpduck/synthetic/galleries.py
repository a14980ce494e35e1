"""Small galleries by their collection, each in the true layout of the published one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SmallGallery:
    """What was written.

    Attributes
    ----------
    options
        Options of `jumpduck.catalog`, beside `path` and `collection`, that build its catalog.
    perturbation
        Name of a perturbation on its plates, for `jumpduck find`.
    files
        Number of files.
    bytes
        Their size.
    images
        Number of images that its catalog has.
    faults
        Status (missing, corrupt) of each image that was planned to be so, by its path in a
        manifest, which has no suffix.
    """

    options: Mapping[str, Any]
    perturbation: str
    files: int
    bytes: int
    images: int
    faults: Mapping[str, str] = field(default_factory=dict[str, str])


WRITERS: Mapping[str, str] = {
    "bbbc021": "jumpduck.synthetic.bbbc021:write",
    "cpg": "jumpduck.synthetic.cpg:write",
    "idr": "jumpduck.synthetic.idr:write",
    "jump": "jumpduck.synthetic.gallery:write",
    "jump_lite": "jumpduck.synthetic.jump_lite:write",
    "own": "jumpduck.synthetic.own:write",
    "quilt": "jumpduck.synthetic.quilt:write",
}
"""Module and function of each collection that has a small gallery."""


def write_small_gallery(collection: str, folder: Path) -> SmallGallery:
    """Write the small gallery of a collection into a folder, and get what was written."""
    module, _, name = WRITERS[collection].partition(":")
    write: Callable[[Path], SmallGallery] = getattr(import_module(module), name)
    return write(folder)
