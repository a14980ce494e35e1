"""A condition of a user is one condition on the columns of a site, and nothing else."""

import re

import duckdb
import pytest

import jumpduck
from jumpduck.database.connection import open_catalog
from jumpduck.database.where_condition import check_where
from jumpduck.errors import QueryError
from tests.support.examples import first_quick


@pytest.fixture(scope="module")
def check(catalog):
    with open_catalog(catalog) as con:
        yield lambda where: check_where(con, where, "jump.sites")


def test_a_condition_keeps_the_sites_that_fulfil_it(catalog):
    rows = jumpduck.manifest(catalog, where="Metadata_Site < 3 AND Metadata_Well LIKE 'A%'")
    assert rows["Metadata_Site"].max() == 2
    assert set(rows["Metadata_Well"].str.slice(0, 1)) == {"A"}


@pytest.mark.parametrize(
    "where",
    [
        "Metadata_Site < 5 -- x",
        "Metadata_Site < 5 -- it's ) an end",
        "Metadata_Site < 5 /* x; ( */",
        "-- first\nMetadata_Site < 5",
        "Metadata_Well = '-- ); '",
        "Metadata_Name <> 'SUBQUERY'",
        "(Metadata_Site < 5) OR (Metadata_Well = 'A01')",
        "COLUMNS('Metadata_(Well|Plate)$') LIKE '%1'",
        "regexp_matches(Metadata_Well, '^[A-H]') AND age(DATE '2020-01-02', '2020-01-01') > '1 h'",
    ],
)
def test_a_comment_or_an_odd_text_is_part_of_a_condition(check, where):
    assert check(where) == where


@first_quick(
    1, "more", [(), ("--with-controls",), pytest.param(("--max-sites", 5), marks=pytest.mark.slow)]
)
def test_a_condition_that_ends_with_a_comment_runs_everywhere(cli, catalog, more):
    words = ("manifest", "--catalog", catalog, "--where", "Metadata_Site < 5 -- x", *more)
    assert cli(*words).code == 0
    shown = cli(*words, "--show-sql").out
    with duckdb.connect(str(catalog), read_only=True) as con:
        assert con.execute(shown).fetchall()


@pytest.mark.parametrize(
    "where",
    [
        "1) UNION (SELECT 1",
        "TRUE) --",
        "TRUE; DROP TABLE jump.plates",
        "Metadata_Site < 5;",
        "TRUE; --",
        "TRUE) GROUP BY (1",
        "TRUE) LIMIT (1",
        "TRUE LIMIT 1",
        "TRUE GROUP BY ALL",
        "Metadata_Site < 5) OR (TRUE",
        "(Metadata_Site < 5",
        "Metadata_Site < 5)",
        "Metadata_Site < 5 /* x",
        "Metadata_Site < $1",
        "Metadata_Plate IN (SELECT Metadata_Plate FROM jump.plates)",
        "EXISTS (FROM read_text('/etc/passwd'))",
        "no_such_column = 1",
        "count(*) > 1",
        "row_number() OVER () < 3",
        " ",
        "(",
        "TRUE)) AS x, (SELECT 1 WHERE (TRUE",
        "Metadata_Well = '\ud800'",
    ],
)
def test_a_where_that_is_not_one_condition_is_refused(check, where):
    with pytest.raises(QueryError, match="where"):
        check(where)


@first_quick(
    6,
    ("where", "name"),
    [
        ("random() < 0.5", "random"),
        ("Metadata_Site < 3 AND [x FOR x IN [1] IF x < random()] = []", "random"),
        ("now() > '2020-01-01'", "now"),
        ("current_date > '2020-01-01'", "current_date"),
        ("current_timestamp > '2020-01-01'", "get_current_timestamp"),
        ("ago(INTERVAL 1 DAY) > '2020-01-01'", "ago"),
        ("uuid()::VARCHAR > 'a'", "uuid"),
        ("error('x') IS NULL", "error"),
        ("getvariable('x') IS NULL", "getvariable"),
        ("current_setting('threads') > 1", "current_setting"),
        ("current_catalog() = 'x'", "current_catalog"),
        ("current_localtimestamp() > '2020-01-01'", "current_localtimestamp"),
        ("current_localtime() > '12:00'", "current_localtime"),
        ("localtimestamp > '2020-01-01'", "current_localtimestamp"),
        ("age(TIMESTAMP '2020-01-01') > INTERVAL 1 DAY", "age"),
        ("vector_type(Metadata_Well) = 'FLAT_VECTOR'", "vector_type"),
        ("version() LIKE 'v%'", "version"),
        ("hash(Metadata_Well) % 2 = 0", "hash"),
    ],
)
def test_a_function_that_gives_another_answer_another_time_is_refused_by_name(check, where, name):
    with pytest.raises(QueryError, match=rf"has {name}\(\)"):
        check(where)


def test_what_can_be_used_instead_of_a_hash_of_duckdb_is_said(check):
    with pytest.raises(QueryError, match=r"another version of DuckDB; use md5_number\(\)"):
        check("hash(Metadata_Well) % 2 = 0")
    assert check("md5_number(Metadata_Well) % 2 = 0")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("Metadata_Sit < 5", "no column 'Metadata_Sit'; did you mean Metadata_Site?"),
        ("modalty = 'orf'", "no column 'modalty'; did you mean Metadata_modality"),
        ("Qqq = 'Actin'", "no column 'Qqq'; there are Metadata_Source, "),
    ],
)
def test_a_column_that_is_not_there_is_named_with_the_nearest_ones(check, where, said):
    with pytest.raises(QueryError, match=re.escape(said)):
        check(where)


def test_duckdbs_suggestions_are_kept(check):
    with pytest.raises(QueryError, match='Did you mean "lower"'):
        check("lowr(Metadata_Well) = 'a01'")


@pytest.mark.parametrize("written", [True, False])
def test_a_value_that_cannot_be_read_is_one_line(catalog, tmp_path, written):
    path = tmp_path / "m.parquet" if written else None
    with pytest.raises(QueryError, match=r"where .*: Conversion Error: Could not convert"):
        jumpduck.manifest(catalog, path=path, where="Metadata_Well::INTEGER > 1")
    assert not list(tmp_path.iterdir())
