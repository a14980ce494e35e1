"""No group is in two parts of a choice, and nothing that is added moves one."""

import functools
import json
import re

import polars as pl
import pytest

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError
from jumpduck.selection.scaffolds import murcko_scaffold
from tests.support.examples import first_quick

GROUPS = {
    "source": ["Metadata_Source"],
    "batch": ["Metadata_Source", "Metadata_Batch"],
    "plate": ["Metadata_Source", "Metadata_Batch", "Metadata_Plate"],
    "perturbation": ["Metadata_JCP2022"],
    "compound": ["Metadata_JCP2022"],
}
HALVES = {"train": 0.5, "test": 0.5}


def parts_of(catalog, by, **options):
    """The rows of the first seed with which no part is empty; a gallery has few groups."""
    return _parts_of(catalog, by, json.dumps(options))


@functools.cache
def _parts_of(catalog, by, options):
    halves = {"split": HALVES, "split_by": by, **json.loads(options)}
    for seed in range(30):
        try:
            return seed, jumpduck.manifest(catalog, seed=seed, **halves)
        except QueryError:
            continue
    raise AssertionError("no seed divides the gallery")


@first_quick(1, "by", GROUPS)
def test_a_group_is_never_in_two_parts_and_no_site_is_in_none(galleries, by):
    _, rows = parts_of(galleries[0], by)
    assert rows["split"].null_count() == 0
    assert rows.group_by(GROUPS[by]).agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(rows["split"]) == set(HALVES)


@first_quick(1, "by", GROUPS)
def test_a_further_source_moves_no_group(galleries, by):
    one, _, more = galleries
    seed, rows = parts_of(one, by)
    again = jumpduck.manifest(more, split=HALVES, split_by=by, seed=seed)
    assert again.filter(pl.col("Metadata_Source") != "source_4").equals(rows)
    both = pl.concat([rows, again])
    assert both.group_by(GROUPS[by]).agg(pl.col("split").n_unique())["split"].max() == 1


@pytest.mark.slow
def test_a_part_is_the_same_whatever_is_chosen_of_its_groups(galleries):
    seed, rows = parts_of(galleries[0], "perturbation")
    part = dict(rows.select("Metadata_JCP2022", "split").unique().iter_rows())
    for options in ({"per_source": 9}, {"per_well": {"trt": 1}}, {"max_sites": 40}):
        others = jumpduck.manifest(
            galleries[0], split=HALVES, split_by="perturbation", seed=seed, **options
        )
        found = others.select("Metadata_JCP2022", "split").unique().iter_rows()
        assert all(part[name] == split for name, split in found)


@pytest.mark.slow
def test_mirror_images_and_compounds_of_one_scaffold_are_in_one_part(plates, galleries):
    """The keys of the two compounds of plate P1 differ in their second layer alone."""
    for seed in range(8):
        options = {"plates": "P1", "wells": ["A01", "A02", "A04"], "seed": seed}
        try:
            rows = jumpduck.manifest(plates, split=HALVES, split_by="compound", **options)
        except QueryError:
            continue
        assert rows.filter(pl.col("Metadata_Well") < "A03")["split"].n_unique() == 1
    _, rows = parts_of(galleries[0], "scaffold")
    scaffolds = rows.with_columns(
        scaffold=pl.col("Metadata_SMILES").map_elements(murcko_scaffold, pl.String)
    )
    assert scaffolds["scaffold"].n_unique() == 3
    assert scaffolds.group_by("scaffold").agg(pl.col("split").n_unique())["split"].max() == 1


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [("CC1CCCCC1", "C1CCCCC1"), ("CS(C)=O", "no ring"), ("C1CC", None), ("", None)],
)
def test_a_scaffold_is_the_rings_of_a_compound(smiles, scaffold):
    assert murcko_scaffold(smiles) == scaffold


@pytest.mark.slow
def test_shares_hold_for_many_groups_whatever_their_role(plates):
    with open_catalog(plates) as con:
        con.execute(
            "CREATE TEMP VIEW groups AS "
            "SELECT 'group ' || i AS split_group, i % 5 AS role FROM range(20000) AS one (i)"
        )
        counts = frame(
            con,
            "SELECT role, split, count(*) / 4000 AS share FROM split_sites("
            "groups, ['train', 'val', 'test'], [0.8, 0.9], seed := 3) GROUP BY ALL",
        )
    wanted = {"train": 0.8, "val": 0.1, "test": 0.1}
    assert counts.height == 15
    assert all(abs(share - wanted[split]) < 0.03 for _, split, share in counts.rows())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"split": {"a": 0.5, "b": 0.4}, "split_by": "plate"},
            "split a=0.5,b=0.4 sums to 0.9; its shares must sum",
        ),
        ({"split": {"a": 1.0}, "split_by": "plate"}, "is not two or more names with shares above"),
        ({"split": {"a": 1.5, "b": -0.5}, "split_by": "plate"}, "is not two or more names"),
        ({"split": HALVES}, "`split` and `split_by` go together; give `split_by`, as compound"),
        ({"split_by": "plate"}, "`split` and `split_by` go together; give `split`, as train=0.8"),
        ({"split": HALVES, "split_by": "wel"}, "there is no group to split by 'wel'; "),
        ({"split": HALVES, "split_by": "compound"}, "these sites have no compound: crispr "),
        (
            {"split": {"a": 0.5, "b": 0.3, "c": 0.2}, "split_by": "source", "plates": "P1"},
            "no source of the choice belongs to",
        ),
        (
            {"split": HALVES, "split_by": "scaffold", "plates": "P1"},
            "3 compounds have no SMILES that RDKit can read, as JCP2022_0",
        ),
    ],
)
def test_a_split_that_cannot_be_is_refused(plates, tmp_path, options, reason):
    with pytest.raises(QueryError, match=re.escape(reason)):
        jumpduck.manifest(plates, path=tmp_path / "m.parquet", **options)
    assert not list(tmp_path.iterdir())


def test_scaffolds_are_refused_without_rdkit(plates, monkeypatch):
    monkeypatch.setattr("jumpduck.selection.scaffolds.find_spec", lambda _: None)
    with pytest.raises(QueryError, match=r"needs RDKit; install the extra: pip install"):
        jumpduck.manifest(plates, split=HALVES, split_by="scaffold")


def test_a_split_that_is_not_written_like_one_shows_how(cli, plates):
    for text in ("train", "train=x", "train=0.5,train=0.5"):
        done = cli("manifest", "--catalog", plates, "--split", text, "--split-by", "plate")
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert "is not like train=0.8,val=0.1,test=0.1" in done.err


@first_quick(1, "name", ["held-out-source", "held-out-plate"])
def test_presets_hold_out_sources_and_plates(cli, catalog, name):
    done = cli("manifest", "--catalog", catalog, "--dry-run", "--preset", name)
    assert done.code == 0, done.err
    assert set(re.findall(r"^(train|test)\t", done.out, re.MULTILINE)) == {"train", "test"}


@pytest.mark.slow
def test_the_part_of_a_site_is_a_column_of_results_and_sites(catalog, tmp_path):
    _, rows = parts_of(catalog, "source", per_well={"trt": 1, "poscon": 0, "negcon": 0})
    jumpduck.download(rows, tmp_path)
    split = dict(rows.select("Metadata_Source", "split").unique().iter_rows())
    for name in ("results", "sites"):
        table = pl.read_parquet(tmp_path / f"{name}.parquet")
        assert dict(table.select("Metadata_Source", "split").unique().iter_rows()) == split
