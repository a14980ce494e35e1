"""Which sites are chosen, and what may change the choice."""

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.database.connection import frame
from tests.support.examples import first_quick

SITE = ["Metadata_Source", "Metadata_Plate", "Metadata_Well", "Metadata_Site"]


def sampled(catalog, arguments="", where="TRUE", threads=None):
    config = {"threads": threads} if threads else {}
    with duckdb.connect(str(catalog), read_only=True, config=config) as con:
        return frame(
            con,
            f"""
            WITH chosen AS (FROM jump.sites WHERE {where})
            SELECT * EXCLUDE (site_number, plate_number)
            FROM sample_sites(chosen{arguments and ", " + arguments}) ORDER BY ALL
            """,
        )


def test_each_well_gives_as_many_sites_as_its_role_asks_for(catalog):
    counts = (
        sampled(catalog).group_by("Metadata_Plate", "Metadata_Well", "Metadata_pert_type").len()
    )
    assert set(counts.select("Metadata_pert_type", "len").unique().rows()) == {
        ("negcon", 3),
        ("poscon", 4),
        ("trt", 6),
    }


def test_a_well_with_fewer_sites_gives_all_of_them(catalog):
    counts = (
        sampled(catalog, "per_well := MAP {'trt': 6, 'poscon': 4, 'negcon': 100}")
        .group_by("Metadata_Plate", "Metadata_Well")
        .len()
    )
    assert counts["len"].max() == 7


def test_roles_that_hold_no_cells_come_only_when_asked_for(catalog):
    assert "empty" not in sampled(catalog)["Metadata_pert_type"]
    assert "empty" in sampled(catalog, "per_well := MAP {'empty': 1}")["Metadata_pert_type"]


def test_the_choice_does_not_depend_on_the_number_of_threads(catalog):
    assert sampled(catalog, threads=1).equals(sampled(catalog, threads=8))


def test_another_seed_makes_another_choice(catalog):
    assert not sampled(catalog, "seed := 1").equals(sampled(catalog, "seed := 2"))


def test_a_smaller_sample_is_part_of_a_larger_one(catalog):
    small = sampled(catalog, "per_well := MAP {'trt': 2, 'poscon': 2, 'negcon': 2}")
    assert small.join(sampled(catalog), on=SITE, how="anti").is_empty()


@pytest.mark.slow
def test_the_choice_in_a_well_does_not_depend_on_the_rest_of_the_catalog(
    catalog, gallery, tmp_path
):
    jumpduck.catalog(
        tmp_path / "one.duckdb",
        gallery=str(gallery.gallery),
        metadata=str(gallery.metadata),
        sources=["source_3"],
    )
    alone = sampled(tmp_path / "one.duckdb")
    assert alone.equals(sampled(catalog).filter(pl.col("Metadata_Source") == "source_3"))
    assert alone.equals(sampled(catalog, where="Metadata_Source = 'source_3'"))


def test_the_choice_follows_the_md5_of_seed_and_site(catalog):
    """A reference outside DuckDB: no version of it may change what was chosen once."""
    from hashlib import md5

    keys = [f"source_3__Demo_Phenix1__JD5876c3__A01__{site}" for site in range(1, 8)]
    best = sorted(keys, key=lambda key: md5(f"5/{key}".encode()).hexdigest())[:3]
    place = "Metadata_Plate = 'JD5876c3' AND Metadata_Well = 'A01'"
    chosen = sampled(catalog, "seed := 5", place)
    assert set(chosen["site_key"]) == set(best)


def test_the_manifest_lists_the_five_stains_of_the_sampled_sites_in_order(choice, catalog):
    rows = choice
    assert rows["Metadata_Channel"].to_list()[:5] == ["DNA", "RNA", "ER", "AGP", "Mito"]
    sites = rows.select(SITE).unique().sort(SITE)
    assert sites.equals(sampled(catalog).select(SITE).unique().sort(SITE))
    assert rows.height == 5 * sites.height
    plates = rows["Metadata_Plate"].rle_id().n_unique()
    assert plates == rows["Metadata_Plate"].n_unique(), "one plate after the other"


@first_quick(
    4,
    ("selection", "expected"),
    [
        ({"sources": ["source_13"]}, {"A01", "A02", "B01", "B02"}),
        ({"plates": ["1000000001", "JD5876c3"]}, {"A01", "A02", "B01", "B02"}),
        ({"plate_types": ["TARGET2"]}, {"A01", "A02", "B01"}),
        ({"wells": ["B02"]}, {"B02"}),
        ({"perturbations": ["TP53"]}, {"B01"}),
        ({"perturbations": ["JCP2022_000102"]}, {"B01", "B02"}),
        ({"perturbations": ["DMSO", "PLK1"]}, {"A01", "A02"}),
        ({"batches": ["Demo_Phenix1"], "wells": ["A01"]}, {"A01"}),
    ],
)
def test_a_selection_keeps_what_it_names(catalog, selection, expected):
    assert set(jumpduck.manifest(catalog, **selection)["Metadata_Well"]) == expected


def test_brightfield_is_chosen_if_asked_for_where_it_was_imaged(catalog):
    rows = jumpduck.manifest(catalog, channels=["Brightfield"])
    assert set(rows["Metadata_Plate"]) == {"JD5876c3"}


@pytest.mark.slow
def test_the_same_question_gives_the_same_bytes(catalog, tmp_path):
    for name in "ab":
        jumpduck.manifest(catalog, path=tmp_path / name, seed=3)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    notes = pl.read_parquet_metadata(tmp_path / "a")
    assert '"seed": 3' in notes["jumpduck.query"]
