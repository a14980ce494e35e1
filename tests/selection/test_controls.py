"""Which wells are compared with what was named."""

import re
from dataclasses import replace

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import Selection
from jumpduck.selection.pipeline import make_query
from jumpduck.stages.manifest import write_manifest
from tests.support.examples import first_quick


@first_quick(
    1,
    ("asked", "controls"),
    [
        ({"genes": "TP53", "plates": ["C1"]}, {"non-targeting"}),
        ({"genes": "TP53", "plates": ["O1"]}, {"LacZ"}),
        ({"compounds": "AMG900", "plates": ["O1"]}, {"DMSO"}),
        ({"plates": ["P1"], "wells": ["A01"]}, {"DMSO"}),
    ],
)
def test_controls_are_of_the_modality_of_what_they_are_compared_with(plates, asked, controls):
    """DMSO beside a knock-out is the control of neither gene; LacZ that of no compound."""
    rows = jumpduck.manifest(plates, **asked, with_controls=True)
    negcon = rows.filter(Metadata_pert_type="negcon")
    assert set(negcon["Metadata_Name"]) == controls
    assert set(negcon["Metadata_modality"]) == set(rows["Metadata_modality"])


@pytest.mark.slow
def test_wells_without_a_modality_of_their_own_get_every_negative_control_of_their_plate(plates):
    asked = {"per_well": {"unknown": 1, "empty": 1}, "with_controls": True}
    unknown = jumpduck.manifest(plates, roles=["unknown"], plates=["C1"], **asked)
    assert set(unknown["Metadata_Name"].drop_nulls()) == {"non-targeting", "DMSO"}
    empty = jumpduck.manifest(plates, roles=["empty"], plates=["O1"], **asked)
    assert set(empty["Metadata_Name"]) == {"Empty", "LacZ", "DMSO"}


@pytest.mark.slow
def test_a_budget_is_spent_on_what_was_named_before_controls(plates):
    """A gene has two wells, and its plates 24 wells of controls; each well keeps six sites."""
    gene = Selection(genes="TP53", sources="source_13", with_controls=True)
    cases = [({"max_sites": 14}, 12, 2)] * 6 + [({"max_sites": 5}, 5, 0), ({"max_gb": 0.2}, 12, 2)]
    with open_catalog(plates) as con:
        query = make_query(con, gene)
        for seed, (budget, named, controls) in enumerate(cases):
            rows = frame(con, replace(query, selection=replace(gene, seed=seed, **budget)).text())
            roles = rows.filter(Metadata_Channel="DNA")["Metadata_pert_type"].to_list()
            assert (roles.count("trt"), roles.count("negcon")) == (named, controls)


@pytest.mark.slow
def test_a_plate_whose_named_sites_all_stay_out_brings_no_controls(plates, tmp_path):
    path = tmp_path / "catalog.duckdb"
    path.write_bytes(plates.read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute(
            "INSERT INTO jump.known_issues VALUES "
            "('source_13', 'B', 'C1', 'A01', NULL, NULL, 'drop', 'toss', 'here#1')"
        )
    rows = jumpduck.manifest(path, genes="TP53", with_controls=True, plates=["C1", "C2"])
    assert set(rows["Metadata_Plate"]) == {"C2"}


@pytest.mark.slow
def test_it_is_said_if_no_control_was_added(cli, plates):
    words = ("manifest", "--catalog", plates, "--dry-run", "--gene", "TP53", "--with-controls")
    assert "no control" not in cli(*words).out
    said = cli(*words, "--max-sites", 2).out
    assert "no control was added: the budget was spent before, or the plates have none" in said


def control_wells(rows):
    wells = rows.filter(pl.col("Metadata_pert_type") != "trt").select(
        "Metadata_Plate", "Metadata_Well", "Metadata_pert_type"
    )
    return wells.unique().group_by("Metadata_Plate", "Metadata_pert_type").len()


@pytest.mark.slow
def test_controls_of_a_plate_are_bounded_and_the_same_whatever_plates_there_are(plates):
    gene = {"genes": "TP53", "sources": "source_13"}
    rows = jumpduck.manifest(plates, **gene, controls_per_plate=4)
    assert sorted(control_wells(rows).rows()) == [("C1", "negcon", 4), ("C2", "negcon", 4)]
    alone = jumpduck.manifest(plates, **gene, controls_per_plate=4, plates="C1")
    assert alone.equals(rows.filter(Metadata_Plate="C1"))
    fewer = jumpduck.manifest(plates, **gene, controls_per_plate=2)
    assert fewer.join(rows, on="path", how="anti").is_empty()
    assert not rows.equals(jumpduck.manifest(plates, **gene, controls_per_plate=4, seed=1))


@first_quick(
    2,
    ("options", "names"),
    [
        ({"controls": ["negcon", "poscon"]}, {"DMSO", "AMG900"}),
        ({"controls": "poscon"}, {"AMG900"}),
        ({"controls": ["negcon", "poscon"], "controls_per_plate": 1}, {"DMSO"}),
        ({"controls": ["negcon", "poscon"], "controls_per_plate": 2}, {"DMSO", "AMG900"}),
    ],
)
def test_controls_have_the_roles_asked_for_each_in_its_turn(plates, options, names):
    rows = jumpduck.manifest(plates, plates="P1", wells="A01", **options)
    assert set(rows["Metadata_Name"].drop_nulls()) == names


@pytest.mark.slow
def test_controls_that_were_named_are_not_bounded(plates):
    rows = jumpduck.manifest(plates, plates="C1", controls_per_plate=1)
    assert rows.equals(jumpduck.manifest(plates, plates="C1"))


@pytest.mark.slow
def test_the_summary_has_a_line_for_each_role(cli, plates):
    words = ("--catalog", plates, "--dry-run", "--gene", "TP53", "--source", "source_13")
    done = cli("manifest", *words, "--controls-per-plate", 4)
    assert "negcon: wells 8, sites 24\ntrt: wells 2, sites 12\n" in done.err
    done = cli("manifest", *words, "--control", "poscon", "negcon", "--json")
    assert '"Metadata_pert_type": "negcon"' in done.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"controls_per_plate": 0}, "controls_per_plate 0 is not allowed; give 1 or more"),
        ({"controls": "DMSO"}, "there is no role of controls 'DMSO'; there are negcon, poscon"),
    ],
)
def test_controls_that_cannot_be_asked_for_are_refused(plates, options, reason):
    with pytest.raises(QueryError, match=re.escape(reason)):
        jumpduck.manifest(plates, **options)


@first_quick(
    1,
    "options",
    [
        {"with_controls": True},
        {"controls_per_plate": 1},
        {"with_controls": True, "per_plate": 2},
        {"with_controls": True, "max_sites": 5},
    ],
)
@pytest.mark.slow
def test_named_wells_of_which_no_site_is_kept_bring_no_controls(plates, options):
    with pytest.raises(QueryError, match="no site of these roles is kept: unknown 9; `per_well`"):
        jumpduck.manifest(plates, roles=["unknown"], plates=["C1"], **options)


def test_a_manifest_that_needs_more_memory_than_it_may_take_is_one_line_with_a_next_step(
    cli, plates, monkeypatch
):
    monkeypatch.setattr("jumpduck.stages.manifest.MEMORY_LIMIT", "3MB")
    done = cli("manifest", "--catalog", plates)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "the manifest needs more memory than the 3MB that it may take" in done.err
    assert "choose parts of it, such as one `--source` at a time" in done.err


@pytest.mark.slow
def test_controls_of_many_plates_are_bounded_in_the_memory_that_a_manifest_has(
    many_plates, tmp_path
):
    """More sites than are looked at together, of plates as large as real ones."""
    for selection in (
        Selection(controls_per_plate=4),
        Selection(controls_per_plate=4, max_gb=50),
        Selection(per_perturbation=7, with_controls=True),
        Selection(perturbations=["JCP2022_000001"], controls_per_plate=4),
    ):
        write_manifest(many_plates, tmp_path / "m.parquet", selection, left_out=True)
        assert "negcon" in pl.read_parquet(tmp_path / "m.parquet")["Metadata_pert_type"]
