"""What is measured of objects: against cp_measure, and where there is little to measure."""

import numpy as np
import pytest

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.measure import image_quality, measure
from jumpduck.profiling.objects import Objects
from tests.support.cellprofiler import measured_by_cp_measure
from tests.support.cells import cells

KINDS = ("Nuclei", "Cells", "Cytoplasm")

NEIGHBOURS = (
    *("NumberOfNeighbors", "PercentTouching", "AngleBetweenNeighbors"),
    *("FirstClosestObjectNumber", "FirstClosestDistance"),
    *("SecondClosestObjectNumber", "SecondClosestDistance"),
)


def of(labels, count, planes, features=("core",)):
    return measure(planes, Objects({"Nuclei": np.asarray(labels, np.int32)}, count), features)


def differing(found, expected):
    """The columns that differ by more than 1e-6 of the value, and by more than rounding."""
    return [
        name
        for name, values in expected.items()
        if not np.allclose(found[name], np.array(values), rtol=1e-6, atol=1e-9, equal_nan=True)
    ]


@pytest.fixture(scope="module")
def field():
    return cells(edge=200, across=3, channels=2)


@pytest.fixture(scope="module")
def core(field):
    planes, labels = field
    return measure(planes, Objects(labels, 9), ["core"])


@pytest.fixture(scope="module")
def everything(field):
    planes, labels = field
    return measure(planes, Objects(labels, 9), ["cellprofiler"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_core_features_are_those_of_cp_measure(field, core, kind):
    planes, labels = field
    groups = ("sizeshape", "intensity", "pearson", "manders_fold", "overlap")
    expected = measured_by_cp_measure(kind, planes, labels[kind], groups)
    assert len(expected) == 127
    assert differing(core, expected) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_takes_longer_is_that_of_cp_measure(field, everything, kind):
    planes, labels = field
    expected = measured_by_cp_measure(kind, planes, labels[kind])
    assert len(expected) == 443
    assert differing(everything, expected) == []


def test_the_longer_set_holds_the_core_unchanged(core, everything):
    assert all(np.array_equal(everything[name], core[name], equal_nan=True) for name in core)


def test_columns_and_their_order_depend_on_no_object(field, everything):
    planes, labels = field
    no_objects = Objects({kind: 0 * one for kind, one in labels.items()}, 0)
    none = measure(planes, no_objects, ["cellprofiler"])
    assert list(none) == list(everything)
    assert {column.dtype for column in none.values()} == {np.dtype(float)}
    assert {column.shape for column in none.values()} == {(0,)}


def test_an_object_without_pixels_in_a_label_image_has_no_numbers_there(field, everything):
    planes, labels = field
    without = np.where(labels["Cytoplasm"] == 4, 0, labels["Cytoplasm"])
    found = measure(planes, Objects({**labels, "Cytoplasm": without}, 9), ["cellprofiler"])
    assert list(found) == list(everything)
    assert found["Cytoplasm_AreaShape_Area"][3] == 0
    for name, column in found.items():
        if name.startswith("Cytoplasm_") and not name.endswith("_Area"):
            assert np.isnan(column[3]), name
        if "_Neighbors_" not in name:  # because an object less makes others closest
            others = np.delete(column, 3), np.delete(everything[name], 3)
            assert np.allclose(*others, rtol=1e-12, equal_nan=True), name


def test_one_pixel_in_a_corner_has_the_numbers_of_cp_measure():
    labels = np.zeros((12, 12), np.int32)
    labels[0, 0] = 1
    labels[11, 5:8] = 2
    planes = {"a": np.full((12, 12), 3000, np.uint16), "b": np.arange(144).reshape(12, 12) * 1.0}
    planes["b"] = planes["b"].astype(np.uint16)
    found = of(labels, 2, planes)
    groups = ("sizeshape", "intensity", "manders_fold")
    expected = measured_by_cp_measure("Nuclei", planes, labels, groups)
    assert differing(found, expected) == []


def test_neighbours_share_an_edge_and_the_closest_have_the_closest_centres():
    labels = np.zeros((12, 30), np.int32)
    labels[2:6, 2:6], labels[2:6, 6:10], labels[6:10, 10:14] = 1, 2, 3  # 2 and 3 share a corner
    labels[2:6, 24:28] = 5
    found = of(labels, 5, {})
    column = {name: found[f"Nuclei_Neighbors_{name}_Adjacent"].tolist() for name in NEIGHBOURS}
    assert column["NumberOfNeighbors"][:3] == [1, 1, 0]
    assert column["PercentTouching"][:3] == [100 * 4 / 12, 100 * 5 / 12, 100 * 1 / 12]
    assert column["FirstClosestObjectNumber"][:3] == [2, 1, 2]
    assert column["SecondClosestObjectNumber"][:3] == [3, 3, 1]
    assert column["FirstClosestDistance"][:3] == pytest.approx([4, 4, 32**0.5])
    assert column["AngleBetweenNeighbors"][1] == pytest.approx(135)
    assert all(np.isnan(values[3]) for values in column.values())
    assert column["FirstClosestObjectNumber"][4] == 3


def test_an_object_alone_has_no_neighbour():
    labels = np.zeros((5, 5), np.int32)
    labels[2:4, 2:4] = 1
    found = of(labels, 1, {})
    assert {found[f"Nuclei_Neighbors_{name}_Adjacent"][0] for name in NEIGHBOURS} == {0}


def test_a_constant_channel_has_a_spread_of_exactly_0_and_no_correlation():
    labels = np.ones((9, 9), np.int32)
    planes = {"a": np.full((9, 9), 4711, np.uint16), "b": np.eye(9, dtype=np.uint16)}
    found = of(labels, 1, planes)
    assert found["Nuclei_Intensity_StdIntensity_a"] == 0
    assert np.isnan(found["Nuclei_Correlation_Correlation_a_b"])


def test_a_black_channel_has_no_centre_of_mass():
    planes = {"a": np.zeros((9, 9), np.uint16)}
    found = of(np.ones((9, 9)), 1, planes)
    assert np.isnan(found["Nuclei_Location_CenterMassIntensity_X_a"])
    assert found["Nuclei_Intensity_IntegratedIntensity_a"] == 0


def test_a_black_channel_is_spread_evenly():
    planes = {"a": np.zeros((40, 40), np.uint16)}
    found = of(np.ones((40, 40)), 1, planes, ["cellprofiler"])
    assert found["Nuclei_RadialDistribution_RadialCV_a_1of4"] == 0
    assert found["Nuclei_Granularity_1_a"] == 0
    assert np.isnan(found["Nuclei_Texture_Contrast_a_3_00_256"])
    assert np.isnan(found["Nuclei_RadialDistribution_FracAtD_a_1of4"])


def test_an_image_of_few_pixels_has_no_granularity():
    planes = {"a": np.arange(49, dtype=np.uint16).reshape(7, 7)}
    found = of(np.ones((7, 7)), 1, planes, ["cellprofiler"])
    assert np.isnan(found["Nuclei_Granularity_1_a"])
    assert np.isfinite(found["Nuclei_AreaShape_Zernike_2_0"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_scattered_pixels_of_few_levels_have_the_numbers_of_cp_measure(seed):
    from scipy import ndimage

    random = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(random.normal(size=(50, 70)), 1.5)
    parts, count = ndimage.label(noise > 0.05)
    columns = np.arange(70) // 9 % 2  # so that objects are cut, touch and have several parts
    labels = np.unique(np.where(parts > 0, parts + count * columns, 0), return_inverse=True)[1]
    labels = labels.reshape(parts.shape).astype(np.int32)
    light = [noise, random.normal(size=noise.shape) - 2 * noise]
    planes = {
        name: ((one - one.min()) / np.ptp(one) * (65535, 60, 4000)[seed % 3]).astype(np.uint16)
        for name, one in zip("ab", light, strict=True)
    }
    found = of(labels, int(labels.max()), planes, ["cellprofiler"])
    groups = ("sizeshape", "zernike", "feret", "radial_distribution", "radial_zernikes")
    groups += ("intensity", "texture", "pearson", "manders_fold", "rwc", "costes")
    expected = measured_by_cp_measure("Nuclei", planes, labels, groups)
    # the angle of a moment that is 0 is rounding
    wrong = [name for name in differing(found, expected) if "ZernikePhase" not in name]
    assert wrong == []


def test_levels_are_shares_of_the_largest_that_their_type_holds():
    labels = np.ones((4, 4))
    of_bits = {
        bits: of(labels, 1, {"a": np.full((4, 4), level, f"uint{bits}")})
        for bits, level in ((8, 51), (16, 13107))
    }
    share = of(labels, 1, {"a": np.full((4, 4), 0.2)})
    name = "Nuclei_Intensity_MeanIntensity_a"
    assert of_bits[8][name] == pytest.approx(0.2)
    assert of_bits[16][name] == share[name] == pytest.approx(0.2)


def test_planes_and_features_that_cannot_be_measured_are_named():
    labels = np.ones((4, 4))
    with pytest.raises(QueryError, match=r"features \['core2'\] are not of core, cellprofiler"):
        of(labels, 1, {"a": np.ones((4, 4), np.uint16)}, ["core", "core2"])
    with pytest.raises(ImageError, match="channel a has 4 x 5 pixels, objects Nuclei 4 x 4"):
        of(labels, 1, {"a": np.ones((5, 4), np.uint16)})
    with pytest.raises(ImageError, match="channel a is of int16"):
        of(labels, 1, {"a": np.ones((4, 4), np.int16)})
    with pytest.raises(ImageError, match="not finite or above 16"):
        of(labels, 1, {"a": np.full((4, 4), 4000.0)})
    with pytest.raises(ImageError, match="not finite or above 16"):
        of(labels, 1, {"a": np.full((4, 4), np.nan)})


def test_the_focus_falls_when_an_image_is_blurred():
    sharp = np.random.default_rng(0).integers(0, 65536, (64, 64), dtype=np.uint16)
    blurred = (sharp // 2 + np.roll(sharp, 1, 1) // 2).astype(np.uint16)
    found = image_quality({"a": sharp, "b": blurred})
    for name in ("FocusScore_{}", "LocalFocusScore_{}_20", "PowerLogLogSlope_{}"):
        assert found[f"ImageQuality_{name.format('b')}"] < found[f"ImageQuality_{name.format('a')}"]
    assert found["ImageQuality_MeanIntensity_a"] == pytest.approx(sharp.mean() / 65535)
    assert found["ImageQuality_TotalArea_a"] == 64 * 64


def test_a_constant_image_has_a_quality():
    found = image_quality({"a": np.zeros((5, 50), np.uint16), "b": np.full((40, 40), 7, np.uint8)})
    assert np.isfinite(list(found.values())).all()
    assert found["ImageQuality_PercentMaximal_a"] == found["ImageQuality_PercentMinimal_b"] == 100
    assert found["ImageQuality_FocusScore_a"] == found["ImageQuality_FocusScore_b"] == 0
