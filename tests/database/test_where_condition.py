"""A condition of a user is one condition on the columns of a site, and nothing else."""

import pytest

import jumpduck
from jumpduck.errors import QueryError


def test_a_condition_keeps_the_sites_that_fulfil_it(catalog):
    rows = jumpduck.manifest(catalog, where="Metadata_Site < 3 AND Metadata_Well LIKE 'A%'")
    assert rows["Metadata_Site"].max() == 2
    assert set(rows["Metadata_Well"].str.slice(0, 1)) == {"A"}


@pytest.mark.parametrize(
    "where",
    [
        "1) UNION (SELECT 1",
        "TRUE) --",
        "TRUE; DROP TABLE jump.plates",
        "TRUE) GROUP BY (1",
        "TRUE) LIMIT (1",
        "Metadata_Plate IN (SELECT Metadata_Plate FROM jump.plates)",
        "EXISTS (FROM read_text('/etc/passwd'))",
        "no_such_column = 1",
        "",
        "(",
        "TRUE)) AS x, (SELECT 1 WHERE (TRUE",
    ],
)
def test_a_where_that_is_not_one_condition_is_refused(catalog, where):
    before = catalog.read_bytes()
    with pytest.raises(QueryError, match="where"):
        jumpduck.manifest(catalog, where=where or " ")
    assert catalog.read_bytes() == before
