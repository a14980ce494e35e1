"""Batches aligned by Harmony."""

import importlib
import sys

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ProfileError, QueryError
from jumpduck.normalization import fitting
from jumpduck.normalization.batches import harmonize, row_order
from jumpduck.normalization.fitting import Fitting, InMemory
from jumpduck.normalization.references import References
from jumpduck.normalization.steps import read_steps
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.profile_tables.reading import read_profiles

if sys.platform == "win32":
    pytest.skip("harmonypy has no wheel for Windows", allow_module_level=True)
harmonypy = importlib.import_module("harmonypy")

BATCHES, TREATMENTS, FEATURES = 3, 4, 20


def table(shift=0.7, effect=6.0, rows=600, seed=0):
    """Rows of treatments with an effect each, in batches with a shift each; all around 0."""
    rng = np.random.default_rng(seed)
    batch, treatment = np.arange(rows) % BATCHES, np.arange(rows) // BATCHES % TREATMENTS
    x = rng.normal(size=(rows, FEATURES)) + effect * np.eye(TREATMENTS, FEATURES)[treatment]
    x += shift * rng.normal(size=(BATCHES, FEATURES))[batch]
    metadata = pl.DataFrame(
        {
            "Metadata_Batch": [f"B{one}" for one in batch],
            "Metadata_Plate": [f"P{one}" for one in np.arange(rows) // 60],
            "treatment": treatment,
        }
    )
    return Profiles(metadata, x - x.mean(axis=0), tuple(f"Cells_{n}" for n in range(FEATURES)))


def distances(profiles, x):
    """How far a treatment is from itself in another batch, and from another one in all batches."""
    batch = profiles.metadata["Metadata_Batch"].to_numpy()
    treatment = profiles.metadata["treatment"].to_numpy()
    means = np.array(
        [
            [x[(batch == f"B{one}") & (treatment == other)].mean(axis=0) for one in range(BATCHES)]
            for other in range(TREATMENTS)
        ]
    )
    shift = np.linalg.norm(means[:, 1:] - means[:, :1], axis=2).mean()
    of = means.mean(axis=1)
    return shift, np.linalg.norm(of[1:] - of[0], axis=1).mean()


def batch_of(profiles):
    return profiles.metadata["Metadata_Batch"].to_list()


def chain(profiles, *methods):
    every = np.ones(len(profiles), bool)
    references = References(profiles.metadata, None, every)
    steps = read_steps(methods)
    stay, _ = references.check(steps, leave_out=False)
    return Fitting(InMemory(profiles), steps, references, stay=stay)


def normalized(profiles, *methods):
    """The values, in the order of the table."""
    parts = list(chain(profiles, *methods).normalized())
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return np.concatenate([part.features for _, part in parts])[order]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_shift_of_batches_goes_and_the_effect_of_treatments_stays(seed):
    profiles = table(seed=seed)
    shift, effect = distances(profiles, profiles.features)
    shift_left, effect_left = distances(profiles, normalized(profiles, "harmony"))
    assert shift > 3.5
    assert shift_left < 0.3 * shift
    assert effect_left == pytest.approx(effect, rel=0.03)


def test_a_shift_larger_than_the_effects_goes_after_standardize_by_batch():
    profiles = table(shift=2, effect=4)
    shift, _ = distances(profiles, profiles.features)
    alone, _ = distances(profiles, normalized(profiles, "harmony"))
    assert alone > 0.9 * shift  # because each batch is a cluster of its own
    first = "standardize:on=all,by=Metadata_Batch"
    scaled = distances(profiles, normalized(profiles, first))[1]
    shift_left, effect_left = distances(profiles, normalized(profiles, first, "harmony"))
    assert shift_left < 0.1 * shift
    assert effect_left == pytest.approx(scaled, rel=0.05)


def test_values_are_those_of_the_library_called_directly():
    profiles = table()
    order = row_order(profiles.features, batch_of(profiles))
    of = {"batch": np.array(batch_of(profiles))[order]}
    made = harmonypy.run_harmony(profiles.features[order], of, "batch", verbose=False)
    np.testing.assert_array_equal(normalized(profiles, "harmony")[order], made.Z_corr)


def test_as_many_rows_as_features_are_not_taken_for_features():
    profiles = table(rows=60)
    x = np.random.default_rng(1).normal(size=(60, 60))
    order = row_order(x, batch_of(profiles))
    made = harmonypy.run_harmony(
        x[order].T, {"batch": np.array(batch_of(profiles))[order]}, "batch", verbose=False
    )
    np.testing.assert_array_equal(harmonize(x, batch_of(profiles))[order], made.Z_corr)


@pytest.mark.parametrize("methods", [("harmony",), ("spherize:on=all", "harmony")])
def test_the_order_of_rows_and_plates_changes_nothing(methods):
    profiles = table()
    order = np.random.default_rng(1).permutation(len(profiles))
    found = normalized(profiles.select(order), *methods)
    assert found == pytest.approx(normalized(profiles, *methods)[order], abs=1e-6)


def test_it_stands_anywhere_in_a_chain_and_sees_all_blocks_of_a_table(monkeypatch):
    monkeypatch.setattr(fitting, "READ_BYTES", 1)
    profiles = table()
    first, last = "standardize:on=all", "mad_robustize"
    before = profiles.with_features(normalized(profiles, first), profiles.names)
    between = profiles.with_features(harmonize(before.features, batch_of(profiles)), profiles.names)
    found = normalized(profiles, first, "harmony", last)
    assert found == pytest.approx(normalized(between, last), abs=1e-9)
    done = chain(profiles, "harmony:batch=Metadata_Plate")
    assert (done.counts[0].groups, done.counts[0].rows) == (10, 600)


def of_batch(**changed):
    """A small table with another batch in some rows."""
    profiles = table(rows=60)
    batch = [changed.get(f"row_{n}", "B1" if n % 2 else "B2") for n in range(60)]
    metadata = profiles.metadata.with_columns(pl.Series("Metadata_Batch", batch))
    return Profiles(metadata, profiles.features, profiles.names)


@pytest.mark.parametrize(
    ("profiles", "method", "said"),
    [
        (of_batch(), "harmony:batch=Metadata_Run", "'Metadata_Run' of harmony is not a column; th"),
        (of_batch(row_4=None), "harmony", r"row 5 \(.*P0\) has no Metadata_Batch, and"),
        (of_batch(row_4="B9"), "harmony", "2 rows of each batch; one row has each of .*_Batch B9;"),
        (of_batch().select(np.arange(0, 60, 2)), "harmony", "all 30 rows have Metadata_Batch B2;"),
        (of_batch().select(np.arange(29)), "harmony", "at least 30 rows, and there are 29;"),
    ],
)  # fmt: skip
def test_batches_that_cannot_be_aligned_are_said_before_a_feature_is_read(profiles, method, said):
    every = np.ones(len(profiles), bool)
    with pytest.raises((ProfileError, QueryError), match=said):
        References(profiles.metadata, None, every).check(read_steps([method]), leave_out=False)


def test_a_missing_value_is_refused():
    profiles = table(rows=60)
    profiles.features[3, 1] = np.nan
    with pytest.raises(ProfileError, match=r"'Cells_1' is missing \(NaN\) in row 4"):
        chain(profiles, "harmony")
    with pytest.raises(ProfileError, match=r"harmony takes no missing values, .* 'Cells_1' is"):
        chain(profiles, "drop_na_columns", "harmony")


@pytest.mark.parametrize("option", ["on=all", "by=Metadata_Plate", "theta=3"])
def test_it_has_one_option(option):
    with pytest.raises(QueryError, match=f"'{option}' is not an option of harmony, which has bat"):
        read_steps([f"harmony:{option}"])


def test_where_the_library_is_missing_one_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "harmonypy", None)
    with pytest.raises(QueryError, match=r"^harmony needs harmonypy; .*'jumpduck\[batch\]'$"):
        chain(table(rows=60), "harmony")


@pytest.fixture
def written(tmp_path):
    profiles = table(rows=90)
    path = tmp_path / "profiles.parquet"
    features = pl.DataFrame(profiles.features, schema=list(profiles.names), orient="row")
    profiles.metadata.hstack(features).write_parquet(path)
    return path


def test_the_command_aligns_a_table_and_says_so_in_the_file(cli, written, tmp_path):
    done = cli("normalize", written, "--method", "harmony", "--on", "controls", "-o", "done.csv")
    assert (done.code, done.err) == (0, "")
    assert "\nharmony\tall\t\t3\t90\t20\t20\t" in done.out
    profiles = read_profiles(written)
    expected = harmonize(profiles.features, batch_of(profiles))
    assert read_profiles(tmp_path / "done.csv").features == pytest.approx(expected, rel=1e-12)


def test_it_is_not_kept_for_other_tables(written, tmp_path):
    options = {"methods": ["standardize:on=all", "harmony"], "path": tmp_path / "done.parquet"}
    with pytest.raises(QueryError, match="save_fit does not go with harmony, which changes the ro"):
        jumpduck.normalize(written, save_fit=tmp_path / "fit.npz", **options)
    assert not (tmp_path / "fit.npz").exists()


def test_a_table_too_large_for_memory_is_refused_with_its_size(cli, written, monkeypatch):
    monkeypatch.setattr(fitting, "HELD_BYTES", 10_000)
    done = cli("normalize", written, "--method", "harmony", "--dry-run")
    assert done.code
    assert "harmony needs all rows in memory" in done.err
    assert "90 rows of 20 features are 0.0 GB" in done.err
