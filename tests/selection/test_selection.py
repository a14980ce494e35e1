"""What can be asked for beyond names: roles, controls, conditions, budgets, known issues."""

import inspect
import json

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import Selection
from jumpduck.selection.pipeline import make_query
from tests.support.examples import first_quick

WELL = ["Metadata_Source", "Metadata_Plate", "Metadata_Well"]
SITE = [*WELL, "Metadata_Site"]


def sites(rows):
    return rows.select(SITE).unique(maintain_order=True)


def test_a_gene_is_found_by_symbol_number_or_identifier(catalog):
    by_symbol = jumpduck.manifest(catalog, genes=["TP53"])
    assert set(by_symbol["Metadata_JCP2022"]) == {"JCP2022_800101"}
    for name in ("7157", "tp53", "JCP2022_800101"):
        assert jumpduck.manifest(catalog, genes=[name]).equals(by_symbol)


@pytest.mark.slow
def test_a_compound_is_found_by_inchikey_its_first_layer_or_smiles(catalog):
    rows = jumpduck.manifest(catalog, compounds=["RYYVLZVUVIJVGH-UHFFFAOYSA-N"])
    assert set(rows["Metadata_JCP2022"]) == {"JCP2022_000101"}
    for name in ("RYYVLZVUVIJVGH", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "ryyvlzvuvijvgh-aaaaaaaaaa-n"):
        assert jumpduck.manifest(catalog, compounds=[name]).equals(rows)


def test_a_gene_is_refused_as_a_compound(catalog):
    with pytest.raises(QueryError, match="'TP53' is not a compound, but a gene"):
        jumpduck.manifest(catalog, compounds=["TP53"])


def test_with_controls_adds_the_negative_controls_of_the_same_plates_only(catalog):
    rows = jumpduck.manifest(catalog, genes=["TP53"], with_controls=True)
    wells = set(rows.select("Metadata_Plate", "Metadata_Name").unique().rows())
    assert wells == {("JD-CC9-R1-05", "TP53"), ("JD-CC9-R1-05", "non-targeting")}


def test_controls_are_added_even_if_the_condition_excludes_them(catalog):
    rows = jumpduck.manifest(catalog, where="Metadata_Name = 'TP53'", with_controls=True)
    assert set(rows["Metadata_pert_type"]) == {"trt", "negcon"}


def test_roles_can_be_chosen(catalog):
    rows = jumpduck.manifest(catalog, roles=["poscon"])
    assert set(rows["Metadata_pert_type"]) == {"poscon"}


HOSTILE = ["'; DROP TABLE jump.plates; --", '"]); --', "$sources", "\\'", "%"]
NAMED = ["sources", "batches", "plate_types", "wells", "perturbations", "genes", "roles"]


@first_quick(
    6,
    ("argument", "name"),
    [*(("plates", name) for name in HOSTILE), *((argument, HOSTILE[0]) for argument in NAMED)],
)
def test_a_name_is_never_run_as_sql(catalog, argument, name):
    before = catalog.read_bytes()
    with pytest.raises(QueryError):
        jumpduck.manifest(catalog, **{argument: [name]})
    assert catalog.read_bytes() == before


def test_a_budget_of_sites_takes_one_of_each_well_before_two_of_any(catalog):
    rows = sites(jumpduck.manifest(catalog, max_sites=15))
    assert rows.height == 15
    per_well = rows.group_by(WELL).len()["len"]
    assert (len(per_well), per_well.max()) == (11, 2)


@pytest.mark.slow
def test_a_larger_budget_keeps_what_a_smaller_one_chose(catalog):
    small, large = (sites(jumpduck.manifest(catalog, max_sites=n)) for n in (9, 30))
    assert small.join(large, on=SITE, how="anti").is_empty()


def test_a_budget_of_gigabytes_is_kept_and_used(catalog):
    rows = jumpduck.manifest(catalog, max_gb=0.2)
    with open_catalog(catalog) as con:
        sizes = dict(
            con.execute("SELECT Metadata_Source, mean_bytes FROM jump.source_sizes").fetchall()
        )
    spent = sum(sizes[source] for source in rows["Metadata_Source"]) / 1e9
    assert 0.2 - 5 * max(sizes.values()) / 1e9 < spent <= 0.2


@first_quick(
    1,
    "budget",
    [
        {"max_gb": 1e300},
        {"max_sites": 10**30},
        pytest.param({"max_gb": 2e13}, marks=pytest.mark.slow),
        pytest.param({"max_sites": 2**63 - 1}, marks=pytest.mark.slow),
    ],
)
def test_a_budget_without_a_bound_keeps_all(choice, catalog, budget):
    kept = sites(jumpduck.manifest(catalog, **budget))
    assert kept.height == sites(choice).height


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"per_source": 1.5}, "per_source 1.5"), ({"max_sites": 2.7}, "max_sites 2.7"),
        ({"controls_per_plate": 1.5}, "controls_per_plate 1.5"),
        ({"per_well": {"trt": 1.5}}, "per_well trt 1.5"), ({"seed": 0.5}, "seed 0.5"),
    ],
)  # fmt: skip
def test_a_fraction_is_not_rounded_without_a_word(catalog, asked, said):
    with pytest.raises(QueryError, match=f"{said} is not a whole number"):
        jumpduck.manifest(catalog, **asked)


@pytest.mark.parametrize("budget", [{"max_sites": 0}, {"max_gb": -1.0}])
def test_a_budget_of_nothing_is_refused(catalog, budget):
    with pytest.raises(QueryError, match="above 0"):
        jumpduck.manifest(catalog, **budget)


@pytest.mark.slow
def test_a_manifest_made_in_chunks_equals_one_made_at_once(catalog, monkeypatch):
    from jumpduck.stages import manifest as stage

    whole = jumpduck.manifest(catalog, seed=4)
    monkeypatch.setattr(stage, "CHUNK_SITES", 1)
    assert jumpduck.manifest(catalog, seed=4).equals(whole)
    keys = whole.select("Metadata_Source", "Metadata_Batch", *SITE[1:])
    assert keys.equals(keys.sort(keys.columns, maintain_order=True))


@pytest.mark.slow
def test_the_sql_that_is_shown_chooses_the_same(cli, catalog):
    words = ("--gene", "TP53", "--with-controls", "--where", "Metadata_Site < 4", "--seed", 5)
    shown = cli("manifest", "--catalog", catalog, *words, "--show-sql").out
    with duckdb.connect(str(catalog), read_only=True) as con:
        by_sql = pl.DataFrame(con.sql(shown.rstrip().removesuffix(";")))
    assert cli("manifest", "--catalog", catalog, *words).code == 0
    by_verb = jumpduck.manifest(
        catalog, genes=["TP53"], with_controls=True, where="Metadata_Site < 4", seed=5
    )
    assert by_sql["path"].to_list() == by_verb["path"].to_list()


@pytest.fixture(scope="module")
def defective(catalog, tmp_path_factory):
    """The catalog with issues of its own. No test may change it."""
    path = tmp_path_factory.mktemp("defective") / "defective.duckdb"
    path.write_bytes(catalog.read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute(
            """
            DELETE FROM jump.known_issues;
            INSERT INTO jump.known_issues VALUES
            ('source_3', NULL, 'JD5876c3', 'B01', 2, 'ER', 'drop', 'zero-filled', 'here#1'),
            ('source_13', '20260103_Run1', NULL, NULL, NULL, NULL, 'flag', 'rotated?', 'here#2'),
            ('source_13', NULL, NULL, 'A01', NULL, 'DNA', 'flag', 'dim', 'here#3'),
            ('source_2', NULL, '1000000001', NULL, NULL, NULL, 'drop', 'toss', 'here#4')
            """
        )
    return path


def test_known_bad_images_are_left_out(defective):
    rows = jumpduck.manifest(defective, per_well={"trt": 9})
    assert set(rows["Metadata_Source"]) == {"source_3", "source_13"}
    b01 = rows.filter(Metadata_Plate="JD5876c3", Metadata_Well="B01")
    assert set(b01["Metadata_Site"]) == {1, 3, 4, 5, 6, 7}


def test_a_known_bad_channel_does_not_matter_if_it_is_not_asked_for(defective):
    rows = jumpduck.manifest(defective, channels=["DNA"], per_well={"trt": 9})
    b01 = rows.filter(Metadata_Plate="JD5876c3", Metadata_Well="B01")
    assert set(b01["Metadata_Site"]) == {1, 2, 3, 4, 5, 6, 7}


def test_known_bad_images_can_be_kept_and_are_marked(defective):
    rows = jumpduck.manifest(defective, keep_known_bad=True, per_well={"trt": 9})
    assert rows.filter(Metadata_Source="source_2")["known_issue"].unique().to_list() == ["toss"]


def test_flagged_images_are_kept_with_the_words_of_the_issue(defective):
    rows = jumpduck.manifest(defective, sources=["source_13"])
    assert rows["known_issue"].null_count() == 0
    both = rows.filter(Metadata_Well="A01", Metadata_Channel="DNA")
    assert both["known_issue"].unique().to_list() == ["rotated?; dim"]


@first_quick(
    1,
    "options",
    [
        {"per_well": {"trt": 9}},
        {"channels": ["Brightfield", "ER", "DNA"], "illum": True, "keep_known_bad": True},
        {"brightfield": True, "max_gb": 0.1},
        {"plates": ["1000000001", "JD5876c3"], "keep_known_bad": True, "seed": 5},
        {"max_sites": 7, "with_controls": True, "wells": ["b1"]},
    ],
)
def test_sql_alone_gives_the_manifest_that_python_gives(options, defective, monkeypatch):
    monkeypatch.setattr("jumpduck.stages.manifest.CHUNK_SITES", 1)  # each plate in a chunk
    rows = jumpduck.manifest(defective, **options)
    with open_catalog(defective) as con:
        assert frame(con, make_query(con, Selection(**options)).text()).equals(rows)
    assert rows.height > 3


def test_every_known_issue_names_where_it_was_reported(catalog):
    with open_catalog(catalog) as con:
        reports = frame(con, "SELECT report FROM jump.known_issues")["report"]
    assert len(reports) > 0
    assert reports.str.contains(r"^[a-zA-Z-]+/[a-zA-Z_]+(#[0-9]+| prep/.*)$").all()


def test_find_says_what_a_name_means_and_where_it_is(catalog):
    found = jumpduck.find(["tp53", "672", "DMSO"], catalog)
    assert found.select("asked", "matched_by", "Metadata_JCP2022", "wells", "sites").rows() == [
        ("672", "NCBI gene", "JCP2022_800102", 1, 6),
        ("DMSO", "name", "JCP2022_033924", 2, 13),
        ("tp53", "gene symbol", "JCP2022_800101", 1, 6),
    ]


def test_find_suggests_similar_names(cli, catalog):
    done = cli("find", "BRCA2", "--catalog", catalog)
    assert (done.code, "BRCA1" in done.err) == (2, True)


@pytest.mark.slow
def test_one_text_is_one_name(catalog):
    assert jumpduck.manifest(catalog, genes="TP53").equals(
        jumpduck.manifest(catalog, genes=["TP53"])
    )
    with pytest.raises(QueryError, match="no gene '29'"):
        jumpduck.manifest(catalog, genes="29")


def test_help_shows_the_parameters_of_a_selection_with_types():
    parameters = inspect.signature(jumpduck.manifest).parameters
    assert list(parameters)[:2] == ["catalog", "path"]
    assert str(parameters["max_gb"]) == "max_gb: float | None = None"


def test_the_manifest_file_has_the_sql_that_made_it(catalog, tmp_path):
    rows = jumpduck.manifest(catalog, path=tmp_path / "m", genes="TP53", with_controls=True)
    notes = pl.read_parquet_metadata(tmp_path / "m")
    with duckdb.connect(str(catalog), read_only=True) as con:
        assert pl.DataFrame(con.sql(notes["jumpduck.sql"])).equals(rows)
    assert json.loads(notes["jumpduck.catalog"])["collection"] == "jump"
