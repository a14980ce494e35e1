"""Every relation: its key, its columns, its comments, its place in the driver."""

import re

import duckdb
import pytest

from jumpduck.database.sql_files import driver_files, frame, open_catalog, sql_root

SITE = "Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site"
KEYS = {
    "plates": "Metadata_Source, Metadata_Batch, Metadata_Plate",
    "wells": "Metadata_Source, Metadata_Plate, Metadata_Well",
    "treatments": "Metadata_Source, Metadata_Plate, Metadata_Well",
    "compounds": "Metadata_JCP2022",
    "compound_sources": "Metadata_Compound_Source, Metadata_JCP2022",
    "orfs": "Metadata_JCP2022",
    "crisprs": "Metadata_JCP2022",
    "controls": "Metadata_JCP2022",
    "microscopes": "Metadata_Source",
    "microscope_filters": "Metadata_Filter_Configuration",
    "cellprofiler_versions": "Metadata_Source",
    "source_sizes": "Metadata_Source",
    "recipe_sizes": "recipe",
    "perturbations": "Metadata_JCP2022",
    "find_perturbations(['TP53', 'DMSO'])": "asked, Metadata_JCP2022",
    "find(['TP53', 'DMSO'])": "asked, Metadata_JCP2022",
    "load_data_files": "Metadata_Source, Metadata_Batch, Metadata_Plate",
    "load_rows": SITE,
    "sites": SITE,
    "images": f"{SITE}, Metadata_Channel",
    "select_sites()": SITE,
    "sample_sites()": SITE,
    "site_files()": SITE,
    "manifest()": "path",
}


@pytest.fixture(scope="module")
def con(catalog):
    with open_catalog(catalog) as con:
        yield con


def test_every_file_is_in_its_driver_and_every_line_of_the_driver_is_a_file():
    root = sql_root()
    assert sorted(driver_files("jump")) == sorted((root / "jump").glob("*.sql"))


def test_every_file_makes_the_relation_it_is_named_after(con):
    made = frame(
        con,
        """
        SELECT table_name AS name FROM duckdb_tables() WHERE schema_name = 'jump' UNION
        SELECT view_name FROM duckdb_views() WHERE schema_name = 'jump' UNION
        SELECT function_name FROM duckdb_functions() WHERE schema_name = 'jump'
        """,
    )
    assert set(made["name"]) == {file.stem for file in driver_files("jump")}


def test_every_file_begins_with_what_it_makes():
    for file in driver_files("jump"):
        first, second, *_ = file.read_text().splitlines()
        assert re.match(rf"-- jump\.{file.stem}(\(.*\))?: .+\.$", first), file
        made = file.read_text()
        if "CREATE OR REPLACE MACRO" not in made or "AS TABLE" in made:
            assert second.startswith("-- key: "), file


def test_every_table_column_and_macro_says_what_it_is(con):
    silent = frame(
        con,
        """
        SELECT table_name AS name FROM duckdb_tables()
        WHERE schema_name = 'jump' AND comment IS NULL UNION ALL
        SELECT view_name FROM duckdb_views()
        WHERE schema_name = 'jump' AND comment IS NULL UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE schema_name = 'jump' AND comment IS NULL UNION ALL
        SELECT function_name FROM duckdb_functions()
        WHERE schema_name = 'jump' AND comment IS NULL
        """,
    )
    assert silent["name"].to_list() == []


def test_the_first_sentence_of_a_file_is_its_comment(con):
    comments = dict(
        con.execute(
            """
            SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'jump' UNION ALL
            SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'jump'
            """
        ).fetchall()
    )
    for file in driver_files("jump"):
        if file.stem in comments:
            says = file.read_text().splitlines()[0].partition(": ")[2].rstrip(".")
            assert says.lower() == comments[file.stem].lower()


@pytest.mark.parametrize("relation", KEYS)
def test_keys_are_unique_and_never_null(con, relation):
    key = KEYS[relation]
    rows, distinct, nulls = con.execute(
        f"""
        SELECT count(*), count(DISTINCT ({key})), count(*) FILTER (({key.replace(",", " || '' ||")})
        IS NULL) FROM jump.{relation}
        """
    ).fetchall()[0]
    assert rows == distinct > 0
    assert nulls == 0


def test_every_metadata_key_is_text_but_the_site(con):
    odd = con.execute(
        """
        SELECT DISTINCT column_name, data_type FROM duckdb_columns()
        WHERE schema_name = 'jump' AND starts_with(column_name, 'Metadata_')
        AND data_type <> 'VARCHAR' AND table_name <> 'microscope_filters'
        """
    ).fetchall()
    assert sorted(odd) == [
        ("Metadata_Objective_NA", "DOUBLE"),
        ("Metadata_Pixel_Size_Microns", "DOUBLE"),
        ("Metadata_Site", "INTEGER"),
        ("Metadata_Sites_Per_Well", "INTEGER"),
    ]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Metadata_pert_type", {"trt", "poscon", "negcon", "empty"}),
        ("Metadata_PlateType", {"COMPOUND", "TARGET2", "CRISPR"}),
        ("Metadata_Plate", {"1000000001", "JD5876c3", "JD-CC9-R1-05"}),
    ],
)
def test_sites_hold_accepted_values(con, column, values):
    found = frame(con, f"SELECT DISTINCT {column} AS value FROM jump.sites")
    assert set(found["value"]) == values


def test_a_site_may_be_number_zero(con):
    assert con.execute("SELECT min(Metadata_Site) FROM jump.sites").fetchall() == [(0,)]


def test_roles_come_from_the_table_of_controls(con):
    roles = con.execute(
        """
        SELECT DISTINCT Metadata_JCP2022, Metadata_pert_type FROM jump.sites
        WHERE Metadata_pert_type <> 'trt' ORDER BY ALL
        """
    ).fetchall()
    assert roles == [
        ("JCP2022_033924", "negcon"),
        ("JCP2022_037716", "poscon"),
        ("JCP2022_046054", "poscon"),
        ("JCP2022_800002", "negcon"),
        ("JCP2022_805264", "poscon"),
        ("JCP2022_999999", "empty"),
    ]


def test_the_driver_runs_twice_into_the_same_database(gallery, tmp_path):
    with duckdb.connect(str(tmp_path / "twice.duckdb")) as con:
        con.execute("SET VARIABLE jump_gallery = $g", {"g": str(gallery.gallery)})
        con.execute("SET VARIABLE jump_metadata = $m", {"m": str(gallery.metadata)})
        for _ in range(2):
            for file in driver_files("jump"):
                con.execute(file.read_text())
        assert con.execute("SELECT count(*) FROM jump.sites").fetchall() == [(75,)]
