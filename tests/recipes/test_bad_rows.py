"""What is wrong with some rows of a manifest fails those rows, and fetches no image for nothing."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError
from tests.support.fault_proxy import Faults


@pytest.fixture(scope="module")
def rows(catalog, gallery):
    """One site over S3; its images have 96 x 96 pixels."""
    rows = jumpduck.manifest(catalog, plates=["JD5876c3"], wells=["A01"]).head(5)
    assert rows["Metadata_Channel"].n_unique() == 5
    return rows.with_columns(
        pl.col("url").str.replace(str(gallery.gallery), "s3://cellpainting-gallery", literal=True)
    )


@pytest.mark.slow
def test_an_odd_illumination_function_fails_its_rows_and_fetches_no_image_twice(rows, s3, tmp_path):
    shapes = {"good": (128, 128), "other size": (5, 7), "cut": (128, 128)}
    files = {name: str(tmp_path / f"{name}.npy") for name in [*shapes, "absent"]}
    for name, shape in shapes.items():
        np.save(files[name], np.ones(shape))
    with Path(files["cut"]).open("r+b") as file:
        file.truncate(1000)
    urls = [files["good"], files["other size"], files["cut"], files["absent"], None]
    with Faults(s3.endpoint) as proxy:
        results = jumpduck.download(
            rows.with_columns(url_illum=pl.Series(urls)),
            tmp_path / "out",
            endpoint=proxy.endpoint,
            illum=True,
        )
    assert results["status"].to_list() == ["fetched", "failed", "failed", "failed", "failed"]
    for error, reason in zip(
        results["error"][1:],
        ["7 x 5 pixels, the image", "cut short", ": no such file: /", "no value of url_illum"],
        strict=True,
    ):
        assert reason in error
    assert sorted(proxy.asked.values()) == [1, 1], "the image of a function that fits, and of one"


@pytest.mark.slow
def test_a_row_without_a_pixel_size_fails_and_the_others_are_made(rows, s3, tmp_path):
    sizes = pl.Series([0.5, None, 1e-9, float("nan"), 0.6])
    rows = rows.with_columns(Metadata_Pixel_Size_Microns=sizes)
    with Faults(s3.endpoint) as proxy:
        results = jumpduck.download(rows, tmp_path, endpoint=proxy.endpoint, crop_um=10)
    assert results["status"].to_list() == ["fetched", "failed", "failed", "failed", "fetched"]
    assert proxy.requests == 2


@pytest.mark.parametrize(
    ("options", "column", "hint"),
    [
        ({"illum": True}, "url_illum", "`jumpduck manifest --illum` writes it where"),
        ({"crop_um": 10.0}, "Metadata_Pixel_Size_Microns", "give it in the samplesheet"),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_column_that_no_row_has_is_named_before_anything_is_fetched(
    rows, tmp_path, options, column, hint, is_there
):
    if is_there:
        rows = rows.with_columns(pl.lit(None).alias(column))
    else:
        rows = rows.drop(column, strict=False)
    with pytest.raises(ManifestError, match=f"needs the column {column} .* in it; {hint}"):
        jumpduck.download(rows, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
