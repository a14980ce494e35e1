"""Chains of steps on tables: what they are fitted on, in any order of rows, in parts, kept."""

import dataclasses
import io
import json
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import ProfileError, QueryError
from jumpduck.normalization import fitting
from jumpduck.normalization.fitted import Fitted, groups_of
from jumpduck.normalization.fitting import Fitting, InMemory
from jumpduck.normalization.kinds import COMBINATIONS, KINDS
from jumpduck.normalization.references import References
from jumpduck.normalization.steps import read_steps
from jumpduck.profile_tables.profiles import Profiles

NAMES = tuple(f"Cells_{letter}" for letter in "abcdef")


def table(plates=4, wells=40, seed=0, names=NAMES):
    """Plates with an effect of each plate, of which every fourth well is a control."""
    rng = np.random.default_rng(seed)
    rows = plates * wells
    mixed = rng.normal(size=(rows, len(names))) @ rng.normal(size=(len(names), len(names)))
    plate = np.repeat(np.arange(plates), wells)
    metadata = pl.DataFrame(
        {
            "Metadata_Batch": [f"B{one // 2}" for one in plate],
            "Metadata_Plate": [f"P{one}" for one in plate],
            "Metadata_Well": [f"A{one:02}" for one in np.tile(np.arange(wells), plates)],
            "control": np.tile(np.arange(wells) % 4 == 0, plates),
            "treatment": [
                None if n % 10 == 9 else f"T{n}" for n in np.tile(np.arange(wells), plates)
            ],
            "cells": rng.integers(50, 100, rows),
        }
    )
    return Profiles(metadata, mixed + rng.normal(size=(plates, len(names)))[plate], names)


def references(profiles):
    treated = profiles.metadata["treatment"].is_not_null().to_numpy()
    return References(profiles.metadata, profiles.metadata["control"].to_numpy(), treated)


def chain(profiles, *methods, keep=False, **options):
    return Fitting(
        InMemory(profiles), read_steps(methods, **options), references(profiles), keep=keep
    )


def normalized(profiles, *methods, **options):
    """The profiles mapped, in the order of the table."""
    done = chain(profiles, *methods, **options)
    parts = list(done.normalized())
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    values = np.concatenate([part.features for _, part in parts])[order]
    return profiles.with_features(values, done.names)


EACH = [
    "drop_na_columns",
    "variance_filter",
    "variance_threshold",
    "frequency_threshold",
    "correlation_threshold",
    "drop_outliers",
    "standardize",
    "robustize",
    "mad_robustize",
    "spherize",
    "spherize:kind=PCA,on=all",
    "spherize:by=Metadata_Plate",
    "mad_robustize:by=none",
    "robustize:by=Metadata_Batch",
    "tvn",
    "subtract_well_position",
    "subtract_plate_mean",
    "regress_cell_count:count=cells",
]
CHAINS = [*((one,) for one in EACH), *((one,) for one in COMBINATIONS), ("robustize", "tvn")]


def test_each_step_that_is_a_map_is_in_the_table_of_tests():
    maps = {name for name, kind in KINDS.items() if kind.align is None}
    assert {one.partition(":")[0] for one in EACH} == maps


@pytest.mark.parametrize("methods", CHAINS, ids="+".join)
def test_the_order_of_rows_and_plates_changes_nothing(methods):
    profiles = table()
    order = np.random.default_rng(1).permutation(len(profiles))
    expected = normalized(profiles, *methods).select(order)
    found = normalized(profiles.select(order), *methods)
    assert found.names == expected.names
    assert found.features == pytest.approx(expected.features, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("methods", CHAINS, ids="+".join)
def test_a_table_that_is_read_in_parts_gives_what_one_in_memory_gives(methods, monkeypatch):
    profiles = table()
    expected = normalized(profiles, *methods)
    monkeypatch.setattr(fitting, "HELD_BYTES", 0)
    monkeypatch.setattr(fitting, "READ_BYTES", 1)
    monkeypatch.setattr(fitting, "GATHERED_BYTES", 1000)
    found = normalized(profiles, *methods)
    assert found.names == expected.names
    assert found.features == pytest.approx(expected.features, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("methods", CHAINS, ids="+".join)
def test_what_was_fitted_and_kept_in_a_file_gives_the_same_for_the_same_plates(methods):
    profiles = table()
    done = chain(profiles, *methods, keep=True)
    expected = np.concatenate([part.features for _, part in done.normalized()])
    file = io.BytesIO()
    done.fitted.save(file)
    fitted = Fitted.load(file.getvalue(), "fit.npz")
    found = fitted.apply(profiles.with_features(profiles.features[:, ::-1], NAMES[::-1]))
    assert found.names == done.names
    np.testing.assert_array_equal(found.features, expected)


def test_a_fit_on_some_rows_and_its_use_on_others_is_that_of_all_where_rows_were_not_references():
    profiles = table()
    controls = profiles.metadata["control"].to_numpy()
    part = profiles.select(controls | (np.arange(len(profiles)) % 3 == 0))
    methods = ("standardize", "spherize")
    kept = chain(part, *methods, keep=True)
    list(kept.normalized())
    found = kept.fitted.apply(profiles).features
    assert found == pytest.approx(normalized(profiles, *methods).features, abs=1e-10)


def test_spherize_mad_robustize_is_the_published_order_step_by_step():
    profiles = table()
    x = np.array(profiles.features)
    x[:, 2] *= 1e-4  # its variance is below 1e-5
    profiles = profiles.with_features(x, NAMES)
    controls = profiles.metadata["control"].to_numpy()
    named = profiles.metadata["treatment"].is_not_null().to_numpy()
    x = np.delete(x, 2, axis=1)
    mean, deviation = x[controls].mean(axis=0), x[controls].std(axis=0)
    z = (x - mean) / deviation
    _, sizes, rotation = np.linalg.svd(z[controls], full_matrices=False)
    z = z @ (rotation.T / (sizes + 1e-6)) @ rotation * np.sqrt(controls.sum() - 1)
    for plate in profiles.metadata["Metadata_Plate"].unique():
        own = (profiles.metadata["Metadata_Plate"] == plate).to_numpy()
        middle = np.median(z[own & named], axis=0)
        distance = np.median(np.abs(z[own & named] - middle), axis=0)
        z[own] = (z[own] - middle) / (1.4826 * distance + 1e-18)
    found = normalized(profiles, "spherize_mad_robustize")
    assert found.names == (*NAMES[:2], *NAMES[3:])
    assert found.features == pytest.approx(z, abs=1e-9)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_combinations_are_two_passes_of_a_variance_filter_and_a_step(name):
    first, second = COMBINATIONS[name][1], COMBINATIONS[name][3]
    assert f"{first}_{second}" == name
    profiles = table()
    one = normalized(profiles, "variance_filter", first)
    expected = normalized(one, "variance_filter", second)
    assert normalized(profiles, name).features == pytest.approx(expected.features, abs=1e-9)


def test_the_mean_of_a_well_position_is_that_of_all_plates():
    profiles = table()
    found = normalized(profiles, "subtract_well_position").features
    wells = found.reshape(4, 40, -1)
    assert wells.mean(axis=0) == pytest.approx(np.zeros((40, 6)), abs=1e-12)


def test_missing_values_stay_missing_where_columns_with_few_of_them_are_kept():
    profiles = table()
    x = np.array(profiles.features)
    x[3, 1], x[:100, 2] = np.nan, np.nan
    profiles = profiles.with_features(x, NAMES)
    found = normalized(profiles, "drop_na_columns", "mad_robustize")
    assert found.names == (*NAMES[:2], *NAMES[3:])
    assert np.argwhere(np.isnan(found.features)).tolist() == [[3, 1]]
    with pytest.raises(ProfileError, match=r"spherize takes no missing .* 'Cells_b' .* row 4 \(B0"):
        normalized(profiles, "drop_na_columns", "spherize")


@pytest.mark.parametrize(("value", "what"), [(np.nan, "missing"), (np.inf, "infinite")])
def test_a_value_that_is_not_a_number_is_said_with_its_feature_and_row(value, what):
    profiles = table()
    profiles.features[45, 4] = value
    with pytest.raises(ProfileError, match=rf"'Cells_e' is {what}.* row 46 \(.*P1/A05\)"):
        normalized(profiles, "standardize")


def test_a_feature_that_is_constant_is_said_before_it_is_whitened_and_counted_when_scaled():
    profiles = table()
    profiles.features[:, 3] = 7
    with pytest.raises(ProfileError, match=r"1 features are constant among the 40 .*\(Cells_d\)"):
        normalized(profiles, "spherize")
    done = chain(profiles, "standardize")
    assert not np.concatenate([part.features for _, part in done.normalized()])[:, 3].any()
    assert done.counts[0].flat == 4


def test_a_plate_with_too_few_controls_is_said_or_left_out():
    profiles = table()
    control = profiles.metadata["control"].to_numpy().copy()
    control[40:80] = False
    control[80:119] = False  # plate P2 has one left? it is well 39 of 40, so make it one
    control[119] = True
    both = References(profiles.metadata, control, np.ones(len(control), bool))
    steps = read_steps(["standardize"])
    with pytest.raises(ProfileError, match=r"Metadata_Plate P1 has no; Metadata_Plate P2 has 1;"):
        both.check(steps, leave_out=False)
    stay, left_out = both.check(steps, leave_out=True)
    assert np.flatnonzero(~stay).tolist() == list(range(40, 120))
    assert left_out == {
        "Metadata_Plate P1": "0 controls for standardize",
        "Metadata_Plate P2": "1 controls for standardize",
    }
    found = Fitting(InMemory(profiles), steps, both, stay=stay)
    assert sum(len(part) for _, part in found.normalized()) == 80


def test_a_fit_of_other_features_or_plates_is_refused():
    done = chain(table(), "standardize", keep=True)
    list(done.normalized())
    with pytest.raises(ProfileError, match=r"of 6 features; the table lacks 1 \(Cells_f\) and has"):
        done.fitted.apply(table(names=(*NAMES[:5], "Cells_g")))
    with pytest.raises(ProfileError, match="standardize was not fitted for Metadata_Plate P4"):
        done.fitted.apply(table(plates=5))


@pytest.mark.parametrize("value", [[1], b"\xff", timedelta(1), {"a": 1}])
def test_a_column_to_go_by_that_cannot_be_text_is_refused(value):
    rows = pl.DataFrame({"Metadata_x": [value] * 2})
    with pytest.raises(ProfileError, match=r"by 'Metadata_x' is .*; name a column of text"):
        groups_of(rows, ["Metadata_x"], 2)


def test_a_file_that_is_not_a_fit_or_is_damaged_is_refused():
    done = chain(table(), "spherize")
    file = io.BytesIO()
    done.fitted.save(file)
    data = file.getvalue()
    for wrong in (b"", b"something else", data[:200], data[:-500]):
        with pytest.raises(ProfileError, match=r"fit f\.npz is not a file that `save_fit` wrote"):
            Fitted.load(wrong, "f.npz")
    arrays = dict(np.load(io.BytesIO(data)))
    for name, other in (("0/0/matrix", np.zeros((6, 5))), ("0/0/center", np.array([None] * 6))):
        changed = io.BytesIO()
        np.savez(changed, **{**arrays, name: other}, allow_pickle=True)
        with pytest.raises(ProfileError, match="is damaged"):
            Fitted.load(changed.getvalue(), "f.npz")


def no_fit(data, change):
    """A file that no fit gives, made of one that was saved."""
    arrays = dict(np.load(io.BytesIO(data)))
    header = json.loads(str(arrays["header"]))
    changed = io.BytesIO()
    if change == "bomb":
        np.savez_compressed(changed, **{**arrays, "more": np.zeros(10**7)})
    elif change == "huge shape":
        claim = b"'shape': (" + b"9" * 12 + b",)"
        np.savez(changed, **arrays)
        data = changed.getvalue()
        at = data.index(b"'shape': (6,)")
        return data[:at] + claim + data[at + len(claim) :]
    elif change == "deep header":
        np.savez(changed, **{**arrays, "header": np.array("[" * 100_000)})
    elif change == "pickle":
        np.savez(changed, **{**arrays, "header": np.array([object])}, allow_pickle=True)
    else:
        maps = header["steps"][0]["maps"]
        if change == "infinite fact":
            maps[0]["facts"]["rows"] = float("inf")
        elif change == "other key":
            maps[0]["key"] = ["P1"]
        elif change == "drops nothing":
            arrays.pop("0/0/kept")
        elif change == "also scales":
            arrays["0/0/scale"] = np.ones(6)
        np.savez(changed, **{**arrays, "header": np.array(json.dumps(header))})
    return changed.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        "bomb", "huge shape", "deep header", "pickle", "infinite fact", "other key",
        "drops nothing", "also scales",
    ],
)  # fmt: skip
def test_a_fit_of_a_stranger_is_refused_before_it_takes_memory(change):
    file = io.BytesIO()
    chain(table(), "variance_threshold").fitted.save(file)
    assert Fitted.load(file.getvalue(), "f.npz").steps
    with pytest.raises(ProfileError, match=r"fit f\.npz is not a file that `save_fit` wrote"):
        Fitted.load(no_fit(file.getvalue(), change), "f.npz")


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("spherise", "methods 'spherise' is not known; did you mean spherize"),
        (
            "spherize:method=ZCA",
            "'method=ZCA' is not an option of spherize, which has on=…, by=…, k",
        ),
        ("spherize:center=no", "methods spherize:center=no is neither true nor false"),
        ("mad_robustize:epsilon=x", "methods mad_robustize:epsilon=x is not a number of 0 or more"),
        ("standardize:on=negcon", "on 'negcon' of standardize is not one of controls, perturbed"),
        ("variance_filter:on=all", "variance_filter looks at controls and at treated rows"),
        ("drop_outliers:by=Metadata_Plate", "drops features of all rows; it takes no by="),
        ("tvn:by=none", "tvn goes by groups; give it columns, such as by=Metadata_Batch"),
        ("spherize_standardize:on=all", "give options to the steps, not to spherize_standardize"),
    ],
)
def test_a_chain_that_is_written_wrong_is_refused_with_what_is_allowed(method, said):
    with pytest.raises(QueryError, match=said.replace("(", r"\(")):
        read_steps([method])


@pytest.mark.parametrize("options", ["kind=XCA", "shrinkage=lots", "center=false"])
def test_an_option_of_spherize_that_does_not_exist_is_refused(options):
    with pytest.raises(QueryError, match=options.partition("=")[0]):
        read_steps([f"spherize:{options}"])


def test_steps_are_fitted_on_what_was_asked_for_all_of_them():
    steps = read_steps(["variance_filter", "mad_robustize", "tvn"], "all", ("none",))
    assert [(one.on, one.by) for one in steps] == [
        ("controls and treated", ()),
        ("all", ()),
        ("all", ("Metadata_Batch",)),
    ]
    assert dataclasses.replace(steps[1], on="x").kind is KINDS["mad_robustize"]
