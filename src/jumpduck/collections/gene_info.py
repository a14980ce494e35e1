"""NCBI's ``gene_info``: a line a gene with its number, symbol and other names."""

import gzip
from pathlib import Path

import duckdb

from jumpduck.database.sql_files import as_pattern
from jumpduck.errors import QueryError

FIRST_COLUMNS = ["#tax_id", "GeneID", "Symbol"]
OTHER_COLUMNS = {"Synonyms", "map_location", "Symbol_from_nomenclature_authority"}

WHERE_TO_GET = (
    "give Homo_sapiens.gene_info.gz as NCBI has it under gene/DATA/GENE_INFO/Mammalia, plain or .gz"
)

GENES_CALLED = r"""
    WITH named AS (
        SELECT
            GeneID,
            unnest(
                string_split(
                    concat_ws('|', Symbol, Symbol_from_nomenclature_authority, Synonyms), '|'
                )
            ) AS alias
        FROM read_csv(
            $path, delim = E'\t', header = TRUE, all_varchar = TRUE, quote = '', escape = '',
            comment = '', skip = 0, compression = if($path LIKE '%.gz', 'gzip', 'none')
        )
    )

    SELECT DISTINCT asked, GeneID
    FROM unnest($names) AS every (asked)
    INNER JOIN named
        ON regexp_replace(lower(asked), '[\s\p{Pd}_]', '', 'g')
        = regexp_replace(lower(alias), '[\s\p{Pd}_]', '', 'g')
    WHERE alias NOT IN ('', '-')
    QUALIFY rank() OVER (PARTITION BY asked ORDER BY lower(trim(asked)) <> lower(alias)) = 1
    ORDER BY ALL
"""


def gene_info_file(path: str | Path) -> str:
    """Get the path of a file of NCBI's gene_info, after a look at its first line.

    Raises
    ------
    QueryError
        There is no such file, or it is another one.
    """
    try:
        opened = gzip.open if str(path).endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8") as lines:
            columns = lines.readline(10_000).rstrip("\r\n").split("\t")
    except FileNotFoundError as error:
        raise QueryError(f"aliases {path} is not there; {WHERE_TO_GET}") from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise QueryError(f"aliases {path} cannot be read: {error}; {WHERE_TO_GET}") from error
    if columns[:3] != FIRST_COLUMNS or not set(columns) >= OTHER_COLUMNS:
        raise QueryError(
            f"aliases {path} is not NCBI's gene_info, whose first line begins with "
            f"{', '.join(FIRST_COLUMNS)}; {WHERE_TO_GET}"
        )
    return str(path)


def genes_called(path: str | Path, names: list[str]) -> dict[str, list[str]]:
    """Get the NCBI gene numbers that each of `names` is an alias of.

    Raises
    ------
    QueryError
        The file is not there, is another one, or breaks off.
    """
    found: dict[str, list[str]] = {}
    try:
        with duckdb.connect() as con:
            rows = con.execute(
                GENES_CALLED, {"path": as_pattern(gene_info_file(path)), "names": names}
            ).fetchall()
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise QueryError(f"aliases {path} cannot be read: {reason}; {WHERE_TO_GET}") from error
    for name, gene in rows:
        found.setdefault(name, []).append(gene)
    return found
