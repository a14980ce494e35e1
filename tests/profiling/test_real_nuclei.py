"""Nuclei of real fields against the masks that were published with them."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from jumpduck.profiling.masks import read_mask
from jumpduck.profiling.objects import NUCLEI
from jumpduck.profiling.segmentation import SegmentOptions, segment
from tests.support.places import DATA

FOLDER = DATA / "images" / "cytodataframe" / "NF1_cellpainting_data_shrunken"


@pytest.mark.real
@pytest.mark.parametrize("pixel_um", [0.32, 0.6])
@pytest.mark.parametrize("field", ["B7_01_1_3_DAPI_001", "D7_01_1_1_DAPI_001"])
def test_real_nuclei_are_those_of_the_published_masks(field, pixel_um):
    plane = tifffile.imread(FOLDER / "Plate_2_images" / f"{field}.tif")
    data = (FOLDER / "Plate_2_masks" / f"{field}_MaskNuclei.tiff").read_bytes()
    mask = read_mask(data, plane.shape) > 0
    found = segment({"n": plane}, SegmentOptions(nuclei="n", pixel_um=pixel_um))
    # the masks leave out what touches the border
    inner = np.append(False, ~found.flags["touches_border"])
    nuclei = inner[found.labels[NUCLEI]]
    assert 2 * (nuclei & mask).sum() / (nuclei.sum() + mask.sum()) > 0.97
    assert inner.sum() == pytest.approx(ndimage.label(mask)[1], rel=0.1)


@pytest.mark.real
def test_real_masks_are_read_as_objects():
    for file in sorted((FOLDER / "Plate_2_masks").glob("*MaskNuclei.tiff")):
        mask = read_mask(file.read_bytes(), (904, 1224))
        found = segment({}, SegmentOptions(nuclei="n", pixel_um=0.32), {NUCLEI: mask})
        assert np.array_equal(found.labels[NUCLEI] > 0, mask > 0)
        assert found.count == pytest.approx(ndimage.label(mask)[1], rel=0.1)
