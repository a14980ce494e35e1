"""Groups keep exactly as many sites as were asked for, evenly spread, whatever else there is."""

import functools
import json
import re

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError
from tests.support.examples import first_quick

SITE = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well", "Metadata_Site"]
KEYS = {
    "per_source": SITE[:1],
    "per_batch": SITE[:2],
    "per_plate": SITE[:3],
    "per_perturbation": ["Metadata_JCP2022"],
    "per_compound": ["Metadata_JCP2022"],
}
EVERY = {"per_well": "all"}


def sites_of(catalog, **options):
    return _sites_of(catalog, json.dumps(options))


@functools.cache
def _sites_of(catalog, options):
    return jumpduck.manifest(catalog, **json.loads(options)).filter(Metadata_Channel="DNA")


@pytest.mark.parametrize(
    "option",
    [pytest.param(one, marks=[pytest.mark.slow] * (one != "per_source")) for one in KEYS],
)
@first_quick(1, "per_well", [{}, EVERY])
def test_each_group_keeps_exactly_so_many_sites_or_all_that_it_has(galleries, option, per_well):
    there = sites_of(galleries[0], **per_well).group_by(KEYS[option]).len("there")
    for count in (1, 7, 40):
        kept = sites_of(galleries[0], **per_well, **{option: count})
        both = there.join(kept.group_by(KEYS[option]).len("kept"), on=KEYS[option], how="left")
        assert both.select((pl.col("kept") == pl.col("there").clip(upper_bound=count)).all())[
            "kept"
        ].item(), both


def spread(rows, group, within):
    """The difference in numbers of sites between the parts of a group that are not exhausted."""
    return rows.group_by(*group, *within).len("kept")


@first_quick(
    1,
    ("option", "within"),
    [
        ("per_perturbation", SITE[:1]),
        ("per_source", SITE[1:2]),
        ("per_batch", SITE[2:3]),
        ("per_plate", SITE[3:4]),
    ],
)
def test_a_group_is_spread_evenly_over_its_parts(galleries, option, within):
    """A part has as many as the others, or one less, or all that it has."""
    group = KEYS[option]
    there = spread(sites_of(galleries[0], **EVERY), group, within).rename({"kept": "there"})
    kept = spread(sites_of(galleries[0], **EVERY, **{option: 11}), group, within)
    both = there.join(kept, on=[*group, *within], how="left").with_columns(
        pl.col("kept").fill_null(0), most=pl.col("kept").fill_null(0).max().over(group)
    )
    assert both.filter(
        (pl.col("kept") < pl.col("most") - 1) & (pl.col("kept") < pl.col("there"))
    ).is_empty()


@first_quick(1, "option", ["per_source", "per_batch", "per_plate"])
@pytest.mark.slow
def test_another_source_moves_nothing_in_the_others(galleries, option):
    one, _, more = galleries
    kept = sites_of(one, **{option: 9})
    assert (
        sites_of(more, **{option: 9}).filter(pl.col("Metadata_Source") != "source_4").equals(kept)
    )
    assert sites_of(one, sources="source_2", **{option: 9}).equals(
        kept.filter(Metadata_Source="source_2")
    )


@pytest.mark.slow
def test_what_is_chosen_of_a_perturbation_depends_on_its_sites_alone(galleries):
    every = sites_of(galleries[0], per_perturbation=5)
    for name in every["Metadata_JCP2022"].unique():
        alone = sites_of(galleries[0], perturbations=name, per_perturbation=5)
        assert alone.equals(every.filter(Metadata_JCP2022=name))


@first_quick(1, "options", [{"per_perturbation": 5}, {"per_source": 9, "max_sites": 20}])
def test_any_order_of_input_gives_the_same_bytes(galleries, tmp_path, options):
    for name, catalog in zip("ab", galleries, strict=False):
        jumpduck.manifest(catalog, path=tmp_path / f"{name}.csv", **options)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.slow
def test_a_budget_comes_on_top_and_added_controls_are_not_counted(galleries):
    whole = sites_of(galleries[0], per_source=9)
    part = sites_of(galleries[0], per_source=9, max_sites=10)
    assert part.height == 10
    assert part.join(whole, on="path", how="anti").is_empty()
    treated = {"roles": "trt", "per_perturbation": 2, "controls_per_plate": 1}
    rows = sites_of(galleries[0], **treated)
    assert set(rows.filter(Metadata_pert_type="trt").group_by("Metadata_JCP2022").len()["len"]) == {
        2
    }
    plates = rows.filter(Metadata_pert_type="trt")["Metadata_Plate"].unique()
    controls = rows.filter(Metadata_pert_type="negcon")
    assert set(controls["Metadata_Plate"]) <= set(plates)
    assert controls.select("Metadata_Plate", "Metadata_Well").unique().height == len(
        controls["Metadata_Plate"].unique()
    )


@pytest.mark.slow
def test_groups_that_have_too_few_are_a_table(cli, galleries):
    words = ("manifest", "--catalog", galleries[0], "--dry-run", "--per-plate", 60)
    done = cli(*words)
    assert "of less than 60 sites each, of which all are chosen:" in done.out
    assert re.search(r"source_1/B0/P100\t\d+\n", done.out)
    assert '"too_few": {"source_' in cli(*words, "--json").out


@pytest.mark.slow
def test_every_site_of_every_well_is_kept_by_one_word(cli, plates):
    with_word = cli("manifest", "--catalog", plates, "--dry-run", "--per-well", "all", "--json")
    every = dict.fromkeys(("trt", "poscon", "negcon", "empty", "unknown", "bad_construct"), 99)
    assert f'"files": {jumpduck.manifest(plates, per_well=every).height},' in with_word.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"per_source": 0}, "per_source 0 is not allowed; give a number of sites, 1 or more"),
        ({"per_source": 3, "per_plate": 2}, "`per_source` and `per_plate` cannot be exact at once"),
        ({"per_well": "most"}, "per_well 'most' is neither `all` nor numbers of sites by role"),
        ({"per_compound": 3}, "these sites have no compound: crispr "),
    ],
)
def test_groups_that_cannot_be_balanced_are_refused(plates, tmp_path, options, reason):
    with pytest.raises(QueryError, match=re.escape(reason)):
        jumpduck.manifest(plates, path=tmp_path / "m.parquet", **options)
    assert not list(tmp_path.iterdir())
