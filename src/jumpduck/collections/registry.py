"""Which collections need Python, because fetching beforehand is worth it."""

from pathlib import Path

from jumpduck.collections.base import CatalogOptions, SqlAlone, TableSource
from jumpduck.collections.jump import JumpTables
from jumpduck.database.sql_files import sql_root


def table_source(driver: Path, options: CatalogOptions, scratch: Path) -> TableSource:
    """Get where the tables of a collection come from."""
    if driver == sql_root() / "jump.sql":
        return JumpTables(options, scratch)
    return SqlAlone(driver.stem, options)
