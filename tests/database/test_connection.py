"""A connection to a catalog reads it, and reads and writes nothing else."""

import json
import shutil

import duckdb
import pytest

import jumpduck
from jumpduck.database.connection import open_catalog
from jumpduck.errors import ManifestError, QueryError
from tests.support.examples import first_quick


@first_quick(
    8,
    "query",
    [
        "COPY (SELECT 1) TO '{folder}/x.csv'",
        "COPY jump.plates TO '{folder}/x.parquet'",
        "EXPORT DATABASE '{folder}/x'",
        "ATTACH '{folder}/x.duckdb'",
        "FROM read_text('{folder}/secret.csv')",
        "FROM read_csv('{folder}/secret.csv')",
        "FROM '{folder}/secret.csv'",
        "FROM glob('{folder}/*')",
        "FROM read_parquet('s3://bucket/key')",
        "FROM 'https://127.0.0.1:1/x.csv'",
        "INSTALL httpfs",
        "LOAD '{folder}/x.duckdb_extension'",
        "CREATE PERSISTENT SECRET s (TYPE s3)",
        "SET enable_external_access = TRUE",
        "SET temp_directory = '{folder}/x'",
        "SET profiling_output = '{folder}/x.json'",
        "DELETE FROM jump.plates",
        "CREATE TABLE jump.x AS SELECT 1",
        "FROM catalog",  # a variable of Python where the query runs
    ],
)
def test_a_query_reads_and_writes_no_other_file(catalog, tmp_path, query):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    before = catalog.read_bytes()
    with pytest.raises(QueryError):
        jumpduck.sql(query.format(folder=tmp_path), catalog)
    assert [file.name for file in tmp_path.iterdir()] == ["secret.csv"]
    assert catalog.read_bytes() == before


def test_the_message_says_what_can_be_used_instead(catalog):
    with pytest.raises(QueryError, match="only the catalog can be read here, use duckdb itself"):
        jumpduck.sql("FROM read_text('/etc/hostname')", catalog)


def test_a_connection_of_ones_own_keeps_its_settings(catalog, tmp_path):
    with duckdb.connect(str(catalog), read_only=True) as own, open_catalog(catalog) as con:
        con.execute("FROM jump.plates")
        own.execute(f"COPY (FROM jump.plates) TO '{tmp_path}/x.csv'")
        with open_catalog(catalog, memory_limit="100MB") as other:
            limits = {
                one.execute("SELECT current_setting('memory_limit')").fetchall()[0]
                for one in (own, con, other)
            }
            assert len(limits) == 2


def test_a_query_larger_than_memory_still_runs(catalog):
    with open_catalog(catalog, memory_limit="20MB") as con:
        query = (
            "SELECT count(*) FROM (SELECT DISTINCT repeat(i::VARCHAR, 9) FROM range(500000) t(i))"
        )
        assert con.execute(query).fetchall() == [(500_000,)]
    assert not catalog.with_name(catalog.name + ".tmp").exists()


def test_a_catalog_that_is_open_for_writing_is_refused_as_that(catalog, tmp_path):
    path = tmp_path / "it's.duckdb"
    shutil.copy(catalog, path)
    assert jumpduck.sql("FROM jump.plates", path).height == 3
    with (
        duckdb.connect(str(path)),
        pytest.raises(ManifestError, match="open for writing in this or another process"),
    ):
        open_catalog(path)


def test_a_folder_in_place_of_a_file_is_one_line(cli, gallery, catalog, tmp_path):
    for verb in (["manifest"], ["find", "TP53"], ["sql", "SELECT 1"]):
        done = cli(*verb, "--catalog", ".")
        assert (done.code, done.err.count("\n")) == (1, 1), done.err
        assert "catalog . is a folder" in done.err
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    for words in (
        ("manifest", "--catalog", catalog, "--manifest", "."),
        ("manifest", "--catalog", catalog, "--manifest", tmp_path),
        ("catalog", *places, "--catalog", "."),
    ):
        done = cli(*words)
        assert (done.code, done.err.count("\n")) == (1, 1), done.err
        assert "it is a folder; give the name of a file" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_several_columns_have_gets_a_number(catalog):
    query = "FROM jump.plates p JOIN jump.wells w USING (Metadata_Plate)"
    assert jumpduck.sql(query, catalog).columns.count("Metadata_Source_1") == 1
    counted = jumpduck.sql("SELECT count(*), count(*) FROM jump.plates", catalog)
    assert counted.columns == ["count_star()", "count_star()_1"]


@pytest.mark.parametrize(
    "value",
    [
        "INTERVAL 13 month",
        "[{'a': INTERVAL 1 day}]",
        "UNION_VALUE(x := 1)",
        "DATE '290000-01-01'",
        "[{'a': DATE '20000-01-01'}]",
        "TIMESTAMP 'infinity'",
        "1::VARIANT",
        "[{'a': 1::VARIANT}]",
        "MAP {'x': DATE '5000000-01-01'}",
        "[MAP {1: TIMESTAMP '10000-01-01'}]",
        "MAP {DATE '20000-01-01': 1}",
        "MAP {['a']: 1}",
    ],
)
def test_a_value_that_no_table_here_can_hold_is_refused_in_one_line(catalog, value, capfd):
    with pytest.raises(QueryError, match="CAST"):
        jumpduck.sql(f"SELECT {value} AS x", catalog)
    assert jumpduck.sql(f"SELECT CAST({value} AS VARCHAR) AS x", catalog).height == 1
    assert not capfd.readouterr().err


LOGGING = "logging(storage := ''file'', storage_path := ''/x'')"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("CALL enable_logging(storage := 'file', storage_path := '/x')", "enable_logging"),
        ('SELECT 1; FROM system.main."Enable_Logging"()', "enable_logging"),
        (f"FROM query('FROM enable_' || '{LOGGING}'); SELECT 1", "query"),
        (f"FROM system.main.\"QUERY\" /* ( */ ('FROM enable_' || '{LOGGING}')", "query"),
        (
            f"FROM json_execute_serialized_sql(json_serialize_sql('FROM enable_' || '{LOGGING}'))",
            "json_execute_serialized_sql",
        ),
        ("FROM pandas_scan(NULL)", "pandas_scan"),
        ("CALL enable_profiling(format := 'json', save_location := '/x'); FROM range(1)", "enable"),
    ],
)
def test_a_query_that_would_end_the_process_is_refused(catalog, query, name):
    with pytest.raises(QueryError, match=f"a query cannot have {name}"):
        jumpduck.sql(query, catalog)


def test_a_name_that_a_query_cannot_have_may_be_in_a_text_a_comment_or_a_column(catalog):
    query = "SELECT 'query(enable_logging' AS query, 1 AS é -- FROM query('x')"
    assert jumpduck.sql(query, catalog).row(0) == ("query(enable_logging", 1)
    assert jumpduck.sql(f"SELECT query FROM ({query}\n) ORDER BY (query)", catalog).height == 1


def test_a_query_that_is_no_text_is_refused_in_one_line(catalog):
    with pytest.raises(QueryError, match="no text can have"):
        jumpduck.sql("SELECT '\ud800'", catalog)


def test_numbers_that_json_lacks_are_null_and_keys_are_texts(cli, catalog):
    query = (
        "SELECT 'nan'::DOUBLE AS a, 1e308 * 10 AS b, [-1e308 * 10, 1.5] AS c, "
        "MAP {DATE '2020-01-01': 'nan'::FLOAT} AS d"
    )
    out = cli("sql", query, "--json", "--catalog", catalog).out
    row = {"a": None, "b": None, "c": [None, 1.5], "d": {"2020-01-01": None}}
    assert json.loads(out, parse_constant=pytest.fail)["rows"] == [row]
    done = cli("sql", query, "--csv", "--catalog", catalog)
    assert (done.code, done.err) == (0, "")


def test_headers_and_values_are_printed_as_they_are(cli, catalog):
    out = cli("sql", "SELECT '[/b]' AS \"[/a]\", '[red]\\[' AS b", "--catalog", catalog).out
    assert all(text in out for text in ("[/a]", "[/b]", "[red]\\["))


@pytest.mark.parametrize(
    "query",
    [
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "PIVOT jump.plates ON Metadata_Source",
        "SELECT NULL::DATE",
    ],
)
def test_what_only_reads_is_answered(catalog, query):
    assert jumpduck.sql(query, catalog).width


def test_an_answer_does_not_depend_on_the_time_zone(catalog, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    found = jumpduck.sql("SELECT CAST(TIMESTAMPTZ '2020-01-01' AS VARCHAR) AS t", catalog)
    assert found["t"].to_list() == ["2020-01-01 00:00:00+00"]
