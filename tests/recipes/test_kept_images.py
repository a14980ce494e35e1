"""What a kept image shows, as its row of the results says."""

import json

import pytest

from jumpduck.recipes.kept_images import kept_edges_um

PUBLISHED = {"width": 1280, "height": 1080, "Metadata_Pixel_Size_Microns": 0.5}
NONE = {"crop": 0, "crop_um": None, "resize": None}


def row(recipe, parameters, **others):
    return {**PUBLISHED, "recipe": recipe, "parameters": json.dumps(parameters), **others}


@pytest.mark.parametrize(
    ("recipe", "parameters", "edges"),
    [
        ("raw 1", {}, (540.0, 640.0)),
        ("png8 1", {**NONE}, (540.0, 640.0)),
        ("png8 1", {**NONE, "resize": 640}, (540.0, 640.0)),
        ("png8 1", {**NONE, "crop": 768, "resize": 384}, (384.0, 384.0)),
        ("png16 1", {"crop": 768, "crop_um": 100.0, "resize": 100}, (100.0, 100.0)),
        ("mine 1", {**NONE}, None),
        ("png8 1", {"taste": 1}, None),
    ],
)
def test_the_pixels_of_a_kept_image_have_the_size_that_its_recipe_gave_them(
    recipe, parameters, edges
):
    assert kept_edges_um(row(recipe, parameters)) == edges


@pytest.mark.parametrize("unknown", [None, float("nan"), 0.0, -1.0, 1e9])
def test_a_size_that_pixels_cannot_have_is_not_known(unknown):
    assert kept_edges_um(row("raw 1", {}, Metadata_Pixel_Size_Microns=unknown)) is None
