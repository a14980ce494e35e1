"""From petabyte-scale microscopy archives to verified images: metadata first.

The verbs of the command line, as functions on Polars frames: `catalog`, `find`, `manifest`,
`plates`, `split`, `download`, `submit`, `status`, `verify`, `merge`,
`repair`, `show`, `plate`, `report`, `quality`, `embed`, `profile`, `profiles`, `normalize`,
`evaluate`, `export`, `dataset`, `cite`, `card`, `sql`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from jumpduck.stages.card import card as card
    from jumpduck.stages.catalog import catalog as catalog
    from jumpduck.stages.cite import cite as cite
    from jumpduck.stages.dataset import dataset as dataset
    from jumpduck.stages.download import download as download
    from jumpduck.stages.embed import embed as embed
    from jumpduck.stages.evaluate import evaluate as evaluate
    from jumpduck.stages.export import export as export
    from jumpduck.stages.find import find as find
    from jumpduck.stages.manifest import manifest as manifest
    from jumpduck.stages.merge import merge as merge
    from jumpduck.stages.normalize import normalize as normalize
    from jumpduck.stages.plate import plate as plate
    from jumpduck.stages.plates import plates as plates
    from jumpduck.stages.profile import profile as profile
    from jumpduck.stages.profiles import profiles as profiles
    from jumpduck.stages.quality import quality as quality
    from jumpduck.stages.repair import repair as repair
    from jumpduck.stages.report import report as report
    from jumpduck.stages.show import show as show
    from jumpduck.stages.split import split as split
    from jumpduck.stages.sql import sql as sql
    from jumpduck.stages.status import status as status
    from jumpduck.stages.submit import submit as submit
    from jumpduck.stages.verify import verify as verify

__all__ = [
    "card",
    "catalog",
    "cite",
    "dataset",
    "download",
    "embed",
    "evaluate",
    "export",
    "find",
    "manifest",
    "merge",
    "normalize",
    "plate",
    "plates",
    "profile",
    "profiles",
    "quality",
    "repair",
    "report",
    "show",
    "split",
    "sql",
    "status",
    "submit",
    "verify",
]


def __getattr__(name: str) -> object:
    # imported when first used, so that `jumpduck --help` need not load DuckDB and Polars, and so
    # that Ctrl-C ends the imports of the command line in one line
    if name in __all__:
        return getattr(import_module(f"jumpduck.stages.{name}"), name)
    if name == "__version__":
        return import_module("importlib.metadata").version("jumpduck")
    raise AttributeError(f"module 'jumpduck' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
