"""Which collections there are, and which need Python, because fetching beforehand is worth it."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from jumpduck.collections.about import collection_about
from jumpduck.collections.base import CatalogOptions, SqlAlone, TableSource, check_options
from jumpduck.database.sql_files import sql_root

TABLE_SOURCES: Mapping[str, str] = {
    "bbbc021": "jumpduck.collections.bbbc021:Bbbc021Tables",
    "cpg": "jumpduck.collections.cpg:GalleryProject",
    "idr": "jumpduck.collections.idr:IdrTables",
    "jump": "jumpduck.collections.jump:JumpTables",
    "jump_lite": "jumpduck.collections.jump_lite:JumpLiteTables",
    "own": "jumpduck.collections.own:OwnPlates",
    "quilt": "jumpduck.collections.quilt:QuiltTables",
}
"""Module and class of each collection that needs Python."""


def table_source(driver: Path, options: CatalogOptions, scratch: Path) -> TableSource:
    """Get where the tables of a collection come from.

    Raises
    ------
    QueryError
        An option is set that the collection does not take.
    """
    name = driver.stem
    check_options(name, options, collection_about(driver).options)
    if driver.parent == sql_root() and name in TABLE_SOURCES:
        module, _, made_by = TABLE_SOURCES[name].partition(":")
        return getattr(import_module(module), made_by)(options, scratch)
    return SqlAlone(name, options)
