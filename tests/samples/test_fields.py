"""Whole fields of a folder that a download filled."""

import imagecodecs
import numpy as np
import polars as pl

import jumpduck
from jumpduck.rows import SITE_KEY


def test_a_field_has_the_pixels_of_its_files_in_the_order_of_the_channels(clean):
    samples = jumpduck.dataset(clean)
    assert len(samples) == 49
    assert samples.channels == ("AGP", "DNA", "ER", "Mito", "RNA")
    rows = pl.read_parquet(clean / "results.parquet")
    for index in (0, 7, 48):
        sample = samples[index]
        assert sample.metadata["index"] == index
        key = [pl.col(name) == sample.metadata[name] for name in SITE_KEY]
        site = rows.filter(key)
        for channel, plane in zip(samples.channels, sample.image, strict=True):
            (path,) = site.filter(Metadata_Channel=channel)["path"]
            levels = imagecodecs.png_decode((clean / path).read_bytes())
            assert np.array_equal(plane, levels.astype(np.float32) / np.float32(255))
