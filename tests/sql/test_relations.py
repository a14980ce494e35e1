"""Every relation: its key, its columns, its comments, its place in the driver."""

import gzip
import re
import shutil

import duckdb
import pytest

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.database.sql_files import driver_files, find_driver, sql_root
from jumpduck.errors import CatalogError
from tests.support.catalogs import by_command_line, content

SITE = "Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site"
KEYS = {
    "channels": "Metadata_Channel",
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
    "site_perturbations": "perturbation_number",
    "annotation_files": "file",
    "find_wells(['TP53', 'DMSO'])": (
        "asked, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well"
    ),
    "find_perturbations(['TP53', 'DMSO'])": "asked, Metadata_JCP2022",
    "find(['TP53', 'DMSO'])": "asked, Metadata_JCP2022",
    "perturbation_names": "name, matched_by, Metadata_JCP2022",
    "named_plates": "Metadata_Source, Metadata_Batch, Metadata_Plate",
    "load_data_files": "Metadata_Source, Metadata_Batch, Metadata_Plate",
    "load_data_columns": "column_name",
    "load_data_lines": "plate_number, Metadata_Well, Metadata_Site",
    "imaged_plates": "plate_number",
    "sites": SITE,
}


MACROS = {
    "keep_imaged(jump.sites, ['DNA'])": SITE,
    "drop_known_bad(jump.sites)": SITE,
    "sample_sites(jump.sites)": SITE,
    "list_files(jump.sites, jump.sites)": "path",
    "list_plates(jump.plates, jump.sites, jump.channels)": KEYS["plates"],
}
JUMP = find_driver("jump")


@pytest.fixture(scope="module")
def con(catalog):
    with open_catalog(catalog) as con:
        yield con


def test_every_file_is_in_its_driver_and_every_line_of_the_driver_is_a_file():
    root = sql_root()
    files = [*(root / "common").glob("*.sql"), *(root / "jump").glob("*.sql")]
    assert sorted(driver_files(JUMP)) == sorted(files)


def test_every_file_makes_the_relation_it_is_named_after(con):
    made = frame(
        con,
        """
        SELECT table_name AS name FROM duckdb_tables() WHERE NOT internal UNION
        SELECT view_name FROM duckdb_views() WHERE NOT internal UNION
        SELECT function_name FROM duckdb_functions()
        WHERE NOT internal AND schema_name IN ('main', 'jump')
        """,
    )
    assert set(made["name"]) == {file.stem for file in driver_files(JUMP)}


def test_no_file_of_sql_names_a_channel_but_the_table_of_channels():
    """Columns of the published table of filters aside: each has a channel in its name."""
    for file in driver_files(JUMP):
        if file.stem != "microscope_filters":
            text = re.sub("--.*", "", file.read_text())
            assert not re.search(
                r"\b(DNA|RNA|ER|AGP|Mito|Brightfield\w*|HighZBF|LowZBF)\b", text
            ), file


def test_every_file_begins_with_what_it_makes():
    for file in driver_files(JUMP):
        first, second, *_ = file.read_text().splitlines()
        schema = "main" if file.parent.name == "common" else "jump"
        assert re.match(rf"-- {schema}\.{file.stem}(\(.*\))?: .+\.$", first), file
        made = file.read_text()
        if "CREATE OR REPLACE MACRO" not in made or "AS TABLE" in made:
            assert second.startswith("-- key: "), file


def test_every_table_column_and_macro_has_a_comment(con):
    silent = frame(
        con,
        """
        SELECT table_name AS name FROM duckdb_tables()
        WHERE NOT internal AND comment IS NULL UNION ALL
        SELECT view_name FROM duckdb_views()
        WHERE NOT internal AND comment IS NULL UNION ALL
        SELECT table_name || '.' || column_name FROM duckdb_columns()
        WHERE NOT internal AND comment IS NULL UNION ALL
        SELECT function_name FROM duckdb_functions()
        WHERE NOT internal AND schema_name IN ('main', 'jump') AND comment IS NULL
        """,
    )
    assert silent["name"].to_list() == []


def test_the_first_sentence_of_a_file_is_its_comment(con):
    comments = dict(
        con.execute(
            """
            SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal UNION ALL
            SELECT view_name, comment FROM duckdb_views() WHERE NOT internal UNION ALL
            SELECT function_name, comment FROM duckdb_functions()
            WHERE NOT internal AND schema_name IN ('main', 'jump')
            """
        ).fetchall()
    )
    for file in driver_files(JUMP):
        if file.stem in comments:
            says = file.read_text().splitlines()[0].partition(": ")[2].rstrip(".")
            assert says.lower() == comments[file.stem].lower()


@pytest.mark.parametrize("relation", [*(f"jump.{name}" for name in KEYS), *MACROS])
def test_keys_are_unique_and_never_null(con, relation):
    key = {**MACROS, **KEYS}[relation.removeprefix("jump.")]
    rows, distinct, nulls = con.execute(
        f"""
        SELECT count(*), count(DISTINCT ({key})), count(*) FILTER (({key.replace(",", " || '' ||")})
        IS NULL) FROM {relation}
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
        ("Metadata_Concentration_Micromolar", "DOUBLE"),
        ("Metadata_Objective_NA", "DOUBLE"),
        ("Metadata_Pixel_Size_Microns", "DOUBLE"),
        ("Metadata_Prot_Match", "DOUBLE"),
        ("Metadata_Site", "INTEGER"),
        ("Metadata_Sites_Per_Well", "INTEGER"),
        ("Metadata_Well_Column", "INTEGER"),
        ("Metadata_Well_Row", "INTEGER"),
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


@pytest.mark.slow
def test_both_ways_in_give_the_same_tables(gallery, catalog, tmp_path):
    done = by_command_line(gallery.gallery, gallery.metadata, tmp_path / "c.duckdb")
    assert (done.returncode, done.stderr) == (0, "")
    assert content(tmp_path / "c.duckdb") == content(catalog)
    files = "SELECT * FROM list_files(jump.sites, jump.sites) ORDER BY ALL"
    with duckdb.connect(str(tmp_path / "c.duckdb")) as con, open_catalog(catalog) as same:
        assert con.execute(files).fetchall() == same.execute(files).fetchall()


@pytest.fixture
def doubled(gallery, tmp_path):
    """Metadata in which a well stands twice."""
    folder = tmp_path / "metadata"
    shutil.copytree(gallery.metadata, folder)
    lines = gzip.decompress((folder / "well.csv.gz").read_bytes()).splitlines(keepends=True)
    (folder / "well.csv.gz").write_bytes(gzip.compress(b"".join([*lines, lines[1]])))
    return folder


def test_a_doubled_row_is_refused_with_its_table_and_key(gallery, doubled, tmp_path):
    key = r"two rows of jump.wells have the same key \(Metadata_Source, .*source_2.*A01"
    with pytest.raises(CatalogError, match=key):
        jumpduck.catalog(tmp_path / "c.duckdb", gallery=str(gallery.gallery), metadata=str(doubled))


@pytest.mark.slow
def test_a_build_that_fails_leaves_the_earlier_catalog_on_both_ways(gallery, doubled, tmp_path):
    path = tmp_path / "c.duckdb"
    assert by_command_line(gallery.gallery, gallery.metadata, path).returncode == 0
    before = content(path)
    done = by_command_line(gallery.gallery, doubled, path)
    assert done.returncode == 1
    assert "source_2" in done.stderr
    assert content(path) == before
    with pytest.raises(CatalogError):
        jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(doubled))
    assert content(path) == before
    assert by_command_line(gallery.gallery, gallery.metadata, path).returncode == 0
    assert set(content(path)) == set(before), "the driver runs twice into the same file"


def test_no_line_of_a_csv_file_is_taken_for_a_comment():
    # because DuckDB guesses that lines with # at the beginning are comments, unless it is told
    calls = [
        (file.name, call.partition(";")[0])
        for file in sql_root().rglob("*.sql")
        for call in file.read_text().split("read_csv(")[1:]
    ]
    told = r"comment = (''){1,2}, skip = 0|auto_detect = FALSE"
    untold = [name for name, call in calls if not re.search(told, call)]
    assert len(calls) > 20
    assert untold == []
