"""A nucleus of a real field, as CellProfiler itself measured it."""

import csv

import numpy as np
import pytest
import tifffile

from jumpduck.profiling.measure import measure
from jumpduck.profiling.objects import Objects
from tests.support.places import DATA

FOLDER = DATA / "images" / "cytodataframe" / "NF1_cellpainting_data_shrunken"
CHANNELS = ("DAPI", "GFP", "RFP")


@pytest.fixture(scope="module")
def nucleus():
    """What CellProfiler, and what we measured; ours also of images less CellProfiler's constant."""
    from scipy import ndimage

    with (DATA / "profiles" / "cellprofiler_NF1_D7_nucleus.csv").open() as file:
        theirs = {row["feature"]: float(row["value"]) for row in csv.DictReader(file)}
    mask = tifffile.imread(FOLDER / "Plate_2_masks" / "D7_01_1_1_DAPI_001_MaskNuclei.tiff")
    labels, count = ndimage.label(mask)
    planes = {
        channel: tifffile.imread(FOLDER / "Plate_2_images" / f"D7_01_{n}_1_{channel}_001.tif")
        for n, channel in enumerate(CHANNELS, start=1)
    }
    objects = Objects({"Nuclei": labels.astype(np.int32)}, count)
    published = _measured(planes, objects)
    # Their images had an illumination function subtracted, which is nearly a constant here.
    name = "Nuclei_Intensity_MeanIntensity_{}"
    constants = {one: published[name.format(one)] - theirs[name.format(one)] for one in CHANNELS}
    assert constants == pytest.approx({"DAPI": 0.0483, "GFP": 0.0625, "RFP": 0.0239}, abs=1e-4)
    corrected = {
        one: np.maximum(plane / 65535 - constants[one], 0) for one, plane in planes.items()
    }
    return theirs, published, _measured(corrected, objects)


def _measured(planes, objects):
    found = measure(planes, objects, ["cellprofiler"])
    corner = ("Nuclei_AreaShape_BoundingBoxMinimum_X", "Nuclei_AreaShape_BoundingBoxMinimum_Y")
    row = np.flatnonzero((found[corner[0]] == 415) & (found[corner[1]] == 121)).item()
    return {name: column[row] for name, column in found.items()}


def differing(ours, theirs, begins, share):
    names = [name for name in theirs if name.startswith(tuple(f"Nuclei_{one}" for one in begins))]
    assert names
    return [name for name in names if ours[name] != pytest.approx(theirs[name], rel=share)]


@pytest.mark.real
def test_every_feature_of_cellprofiler_has_its_column(nucleus):
    theirs, ours, _ = nucleus
    others = {name for name in theirs if name.startswith("Nuclei_Children_")}
    assert set(theirs) - set(ours) == others


@pytest.mark.real
def test_shape_feret_zernike_and_place_are_those_of_cellprofiler(nucleus):
    theirs, ours, _ = nucleus
    assert differing(ours, theirs, ["AreaShape_", "Location_Center_"], 0.001) == []


@pytest.mark.real
def test_spread_and_correlation_are_those_of_cellprofiler(nucleus):
    theirs, ours, _ = nucleus
    spread = ["Intensity_StdIntensity", "Intensity_MADIntensity", "Correlation_Correlation"]
    assert differing(ours, theirs, spread, 0.01) == []


@pytest.mark.real
def test_levels_and_where_light_lies_are_those_of_cellprofiler_after_its_constant(nucleus):
    theirs, _, ours = nucleus
    begins = ["Intensity_", "Location_", "Texture_", "RadialDistribution_"]
    assert differing(ours, theirs, begins, 0.01) == []
    names = ["FracAtD", "MeanFrac"]
    begins = [f"RadialDistribution_{name}" for name in names]
    assert differing(ours, theirs, begins, 0.001) == []
    begins = [f"Correlation_{name}" for name in ("K_", "Manders", "Overlap")]
    assert differing(ours, theirs, begins, 0.001) == []


@pytest.mark.real
def test_texture_is_that_of_cellprofiler(nucleus):
    theirs, ours, _ = nucleus
    # these two change with a constant that is added to an image
    with_level = ("SumAverage", "DifferenceVariance")
    kept = {
        name: value for name, value in theirs.items() if not any(one in name for one in with_level)
    }
    assert differing(ours, kept, ["Texture_"], 0.01) == []
