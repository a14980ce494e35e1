"""`jumpduck normalize`, from a file to a file."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ProfileError, QueryError, StoreError
from jumpduck.profile_tables import writing
from jumpduck.profile_tables.profiles import PERTURBATION_FACT
from jumpduck.profile_tables.reading import read_profiles
from jumpduck.profile_tables.writing import write_parts

CONTROLS = "Metadata_pert_type = 'negcon'"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Three plates of 24 wells, of which every fourth is a control. No test may change them."""
    rng = np.random.default_rng(0)
    wells = 72
    control = np.arange(wells) % 4 == 0
    rows = pl.DataFrame(
        {
            "Metadata_Batch": ["B1"] * 48 + ["B2"] * 24,
            "Metadata_Plate": [f"P{n // 24}" for n in range(wells)],
            "Metadata_Well": [f"A{n % 24:02}" for n in range(wells)],
            "Metadata_pert_type": ["negcon" if one else "trt" for one in control],
            "Metadata_JCP2022": [
                "DMSO" if one else f"JCP{n % 12}" for n, one in enumerate(control)
            ],
            "Metadata_Count_Cells": rng.integers(50, 90, wells),
            "Cells_Constant": np.ones(wells),
            **{f"Cells_{n}": rng.normal(n, n + 1, wells) for n in range(5)},
        }
    )
    path = tmp_path_factory.mktemp("profiles") / "profiles.parquet"
    rows.write_parquet(path)
    return path


def test_the_command_normalizes_and_says_what_it_dropped(cli, written, tmp_path):
    done = cli(
        "normalize", written, "--method", "spherize_mad_robustize", "--controls", CONTROLS,
        "-o", "out/done.parquet",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert "72 rows, 6 features: Cells_Constant, Cells_0, Cells_1, …\n18 controls\n" in done.out
    assert "step 1 variance_filter dropped 1 feature: Cells_Constant\n" in done.out
    assert done.out.endswith("72 rows, 5 features -> out/done.parquet\n")
    found = read_profiles(tmp_path / "out/done.parquet")
    assert found.metadata.equals(read_profiles(written).metadata)
    for plate in ("P0", "P1", "P2"):
        own = found.features[(found.metadata["Metadata_Plate"] == plate).to_numpy()]
        assert np.median(own, axis=0) == pytest.approx(np.zeros(5), abs=1e-12)
        assert np.median(np.abs(own), axis=0) == pytest.approx(np.full(5, 1 / 1.4826))


def test_rows_without_a_perturbation_are_those_of_the_column_that_the_table_or_the_user_names(
    written, tmp_path
):
    profiles = read_profiles(written)
    keys = profiles.metadata.with_columns(
        pl.when(pl.int_range(pl.len()) % 12 > 1).then("Metadata_JCP2022").alias("Metadata_JCP2022")
    )
    path = tmp_path / "profiles.parquet"

    def perturbed(**options):
        asked = {"methods": ["mad_robustize"], "path": tmp_path / "out.parquet", **options}
        return jumpduck.normalize(path, **asked).perturbed

    write_parts([replace(profiles, metadata=keys)], path)
    assert (perturbed(), perturbed(perturbation="Metadata_JCP2022")) == (72, 60)
    write_parts([replace(profiles, metadata=keys)], path, {PERTURBATION_FACT: "Metadata_JCP2022"})
    assert perturbed() == 60


def test_the_file_says_how_it_was_made_and_keeps_what_was_done_before(written, tmp_path):
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    jumpduck.normalize(
        written, methods=["variance_threshold", "standardize"], controls=CONTROLS, path=first
    )
    jumpduck.normalize(first, methods="spherize:kind=ZCA", controls=CONTROLS, path=second)
    one, two = json.loads(pl.read_parquet_metadata(second)["jumpduck.normalize"])
    assert [step["name"] for step in one["steps"]] == ["variance_threshold", "standardize"]
    assert one["dropped"] == {"1 variance_threshold": ["Cells_Constant"]}
    assert two["controls"] == CONTROLS
    assert (one["profiles"], two["profiles"]) == (written.name, "first.parquet")
    assert str(tmp_path) not in str(pl.read_parquet_metadata(second))
    assert two["steps"] == [
        {
            "name": "spherize", "on": "controls", "by": [], "kind": "ZCA", "center": True,
            "epsilon": 1e-6, "shrinkage": "auto",
        }
    ]  # fmt: skip


def test_with_json_there_is_one_object(cli, written):
    words = ("normalize", written, "--method", "variance_filter", "--controls", CONTROLS, "--json")
    found = json.loads(cli(*words).out)
    assert found["rows_out"] == 72
    assert found["features_out"] == 5
    assert found["dropped"] == {"1 variance_filter": ["Cells_Constant"]}
    assert found["steps"][0]["rows"] == 72


def test_with_dry_run_nothing_is_written_and_what_is_wrong_is_said(cli, written, tmp_path):
    words = ("normalize", written, "--method", "standardize", "--dry-run", "--controls")
    done = cli(*words, CONTROLS)
    assert done.out.endswith("nothing written (--dry-run)\n")
    assert list(tmp_path.iterdir()) == []
    done = cli(*words, "Metadata_Plate = 'P0' AND Metadata_pert_type = 'negcon'")
    assert done.code == 1
    assert "P1 has no; Metadata_Plate P2 has no; `--leave-out` leaves such plates out" in done.err


def test_plates_without_controls_are_left_out_and_counted_if_asked(cli, written, tmp_path):
    done = cli(
        "normalize", written, "--method", "variance_threshold", "standardize", "--leave-out",
        "--controls", f"{CONTROLS} AND Metadata_Plate <> 'P1'",
    )  # fmt: skip
    assert done.code == 0
    assert "left out 1 plate: Metadata_Plate P1 (0 controls for standardize)\n" in done.out
    found = read_profiles(tmp_path / "normalized.parquet")
    assert found.metadata["Metadata_Plate"].unique().sort().to_list() == ["P0", "P2"]


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ("Metadata_pert_type = 'DMSO'", "others; Metadata_pert_type has 'trt', 'negcon'"),
        ("Metadata_Plate IS NOT NULL", "is true for every one of the 72 rows"),
        (
            "Metadata_pert_typ = 'negcon'",
            "there is no column 'Metadata_pert_typ'; did you mean Metadata_pert",
        ),
        (None, "--controls is not given, and standardize is fitted on them"),
    ],
)
def test_a_condition_of_controls_that_tells_none_apart_is_refused(cli, written, controls, said):
    given = () if controls is None else ("--controls", controls)
    done = cli("normalize", written, "--method", "standardize", *given)
    assert done.code in (1, 2)
    assert done.err.startswith("jumpduck: --controls")
    assert said in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "methods is empty; give steps such as spherize_mad_robustize"),
        ({"methods": ["mad_robustize"], "perturbation": "x"}, "perturbation 'x' is not a column"),
        ({"methods": ["mad_robustize"], "fit": "f.npz"}, "methods does not go with `fit`"),
        ({"aggregate": ["Metadata_Well"], "save_fit": "f.npz"}, "save_fit has nothing to keep"),
        ({"aggregate": ["Metadata_Well"], "average": "mode"}, "'mode' is not one of mean, median"),
        ({"methods": ["mad_robustize"], "average": "median"}, "average 'median' averages nothing"),
        ({"methods": ["mad_robustize"], "path": "x.xlsx"}, "x.xlsx does not say in which form"),
        ({"methods": ["mad_robustize"], "save_fit": "fit"}, "save_fit .*fit does not say"),
    ],
)
def test_options_that_do_not_go_together_are_refused(written, tmp_path, options, said):
    with pytest.raises(QueryError, match=said):
        jumpduck.normalize(written, **{"path": tmp_path / "x.parquet", **options})


def test_another_file_and_the_table_itself_are_not_replaced(written, tmp_path):
    for path in (written, tmp_path / "notes.txt", tmp_path / "manifest.parquet"):
        if path.name == "notes.txt":
            path.write_text("mine")
        elif path != written:
            pl.DataFrame({"url": ["x"]}).write_parquet(path)
        before = path.read_bytes()
        with pytest.raises((StoreError, QueryError), match=r"is the table|is not replaced"):
            jumpduck.normalize(written, methods=["mad_robustize"], path=path)
        with pytest.raises(StoreError, match="is not replaced"):
            jumpduck.normalize(
                written, methods=["mad_robustize"], path=tmp_path / "x.parquet", save_fit=path
            )
        assert path.read_bytes() == before


def test_a_damaged_parquet_file_is_not_replaced(written, tmp_path):
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 and more")
    with pytest.raises(StoreError, match="not a table of normalized profiles"):
        jumpduck.normalize(written, methods=["mad_robustize"], path=damaged)


def test_what_was_fitted_is_kept_and_applied_to_another_table(cli, written, tmp_path):
    rows = pl.read_parquet(written)
    rows.filter(pl.col("Metadata_Plate") == "P0").write_parquet(tmp_path / "one.parquet")
    rows.filter(pl.col("Metadata_Plate") == "P1").write_parquet(tmp_path / "two.parquet")
    methods = ("--method", "variance_filter", "spherize", "--controls", CONTROLS)
    assert cli("normalize", "one.parquet", *methods, "--save-fit", "fit.npz").code == 0
    done = cli("normalize", "two.parquet", "--fit", "fit.npz", "-o", "b.parquet")
    assert done.out.endswith("24 rows, 5 features -> b.parquet\n")
    done = cli("normalize", "two.parquet", "--fit", "fit.npz", "--feature", "Cells_1")
    assert done.code == 1
    assert "the fit is of 6 features; the table lacks 5 (Cells_Constant, Cells_0" in done.err


def test_rows_with_the_same_values_are_averaged_with_what_they_have_in_common(written, tmp_path):
    path = tmp_path / "mean.csv"
    keys = ["Metadata_pert_type", "Metadata_JCP2022"]
    done = jumpduck.normalize(
        written, aggregate=["Metadata_JCP2022"], average="median", path=path,
        where="Metadata_Plate <> 'P2'",
    )  # fmt: skip
    found = read_profiles(path)
    assert (done.rows, done.rows_out) == (48, 10)
    assert set(found.metadata.columns) == {*keys, "Metadata_Batch"}  # one value in all these rows
    rows = pl.read_parquet(written).filter(pl.col("Metadata_Plate") != "P2")
    expected = rows.group_by(keys).agg(pl.col("^Cells.*$").median()).sort("Metadata_JCP2022")
    assert found.metadata.select(keys).equals(expected.select(keys))
    np.testing.assert_allclose(found.features, expected.drop(keys).to_numpy())


def test_columns_of_any_name_can_be_averaged_over(written, tmp_path):
    rows = pl.read_parquet(written).rename({"Metadata_Well": "group"})
    rows.write_parquet(tmp_path / "renamed.parquet")
    path = tmp_path / "mean.parquet"
    jumpduck.normalize(tmp_path / "renamed.parquet", aggregate=["group"], path=path)
    assert read_profiles(path).metadata["group"].n_unique() == rows["group"].n_unique()


def test_a_mean_over_plates_is_that_of_polars(written, tmp_path):
    path = tmp_path / "mean.parquet"
    jumpduck.normalize(written, aggregate=["Metadata_Well"], path=path)
    rows = pl.read_parquet(written)
    expected = rows.group_by("Metadata_Well").agg(pl.col("^Cells_.*$").mean()).sort("Metadata_Well")
    np.testing.assert_allclose(read_profiles(path).features, expected.drop("Metadata_Well"))


@pytest.mark.parametrize("name", ["large.parquet", "large.csv"])
def test_a_large_table_is_written_plate_by_plate(written, tmp_path, name, monkeypatch):
    small = tmp_path / f"small{name[5:]}"
    jumpduck.normalize(written, methods=["mad_robustize"], path=small)
    monkeypatch.setattr(writing, "HELD_BYTES", 0)
    jumpduck.normalize(written, methods=["mad_robustize"], path=tmp_path / name)
    one, other = read_profiles(small), read_profiles(tmp_path / name)
    assert one.metadata.equals(other.metadata)
    np.testing.assert_array_equal(one.features, other.features)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([small.name, name])


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ProfileError, match="is not there"):
        jumpduck.normalize(tmp_path / "no.parquet", methods=["mad_robustize"])


def test_the_table_of_steps_fits_a_terminal_of_80_letters(cli, written, tmp_path):
    done = cli(
        "normalize", written, "--method", "variance_filter", "mad_robustize",
        "spherize:shrinkage=oas", "--controls", CONTROLS, "-o", tmp_path / "out.parquet",
        TTY_COMPATIBLE="1", COLUMNS="80",
    )  # fmt: skip
    assert "rows  features  kept  shrinkage" in done.out
    assert "no space for groups; --json prints all columns" in done.out


def test_a_column_to_go_by_that_is_not_there_is_refused_with_the_next_step(cli, written):
    done = cli("normalize", written, "--method", "standardize:on=all,by=Metadata_Week")
    assert done.code == 1
    assert done.err.startswith("jumpduck: --by 'Metadata_Week' is not a column; there are Meta")
    assert "name another behind the step, as in tvn:by=Metadata_Plate" in done.err
