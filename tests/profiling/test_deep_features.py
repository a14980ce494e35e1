"""Features of a user's model beside those of CellProfiler, of a model whose answer is known."""

import hashlib
import threading

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.errors import ModelError
from jumpduck.profiling.deep_features import DeepOptions

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings(r"ignore:`torch\.jit\.:DeprecationWarning"),
]

ALONE = {"nuclei": "DNA", "cells": "RNA", "processes": 1}


@pytest.fixture
def rows(manifest):
    return pl.read_parquet(manifest).filter(Metadata_Source="source_2", Metadata_Well="A01")


def means(tmp_path, channels=5, factor=1.0):
    """A model whose embedding is the mean of each channel, times a factor."""
    import torch

    class Means(torch.nn.Module):
        def forward(self, images):
            return factor * images.mean((2, 3))

    file = tmp_path / "means.pt"
    torch.jit.trace(Means(), torch.zeros(1, channels, 16, 16)).save(file)
    return file


def test_a_cell_has_the_embedding_of_the_box_around_its_nucleus(rows, s3, tmp_path):
    out = tmp_path / "out"
    model = means(tmp_path)
    options = {"model": model, "box": 16, "images": True, "aggregate": "well"}
    jumpduck.profile(rows, out, endpoint=s3.endpoint, **ALONE, **options)
    every = pl.read_parquet(sorted(out.glob("cells/*/*/*.parquet")))
    names = [name for name in every.columns if "Embedding" in name]
    assert names == [f"Cells_Embedding_{n:04}" for n in range(5)]
    assert every.height > 3
    for cell in every.iter_rows(named=True):
        (file,) = out.glob(f"images/**/*__A01__{cell['Metadata_Site']}.ome.tiff")
        whole = np.pad(tifffile.imread(file) / 65535, ((0, 0), (8, 8), (8, 8)))
        row, column = (
            round(cell[f"Nuclei_Location_Center_{axis}"] + 1e-9) for axis in "YX"
        )  # fmt: skip
        box = whole[:, row : row + 16, column : column + 16]
        assert np.allclose([cell[name] for name in names], box.mean((1, 2)), rtol=1e-5)
    assert set(names) <= set(pl.read_parquet(out / "profiles.parquet").columns)


def test_the_results_know_the_file_of_the_architecture(rows, s3, tmp_path, monkeypatch):
    from safetensors.torch import save_file
    from torch import nn

    source = tmp_path / "nets_of_this_test.py"
    text = "from torch import nn\n\ndef made():\n    return nn.Sequential("
    source.write_text(text + "nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2))\n")
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2))
    save_file(module.state_dict(), tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    options = {"model": "model.safetensors", "architecture": "nets_of_this_test:made"}
    site = rows.filter(Metadata_Site=1)
    jumpduck.profile(site, "out", endpoint=s3.endpoint, **ALONE, **options, unit="site")
    parameters = pl.read_parquet("out/results.parquet")["parameters"][0]
    assert hashlib.sha256(source.read_bytes()).hexdigest() in parameters


def test_a_site_has_the_embedding_of_its_whole_images(rows, s3, tmp_path):
    images = jumpduck.profile(
        rows, tmp_path / "out", endpoint=s3.endpoint, **ALONE, model=means(tmp_path), unit="site"
    )
    for n, channel in enumerate(rows["Metadata_Channel"].unique(maintain_order=True)):
        expected = images[f"ImageQuality_MeanIntensity_{channel}"]
        assert np.allclose(images[f"Embedding_{n:04}"], expected, rtol=1e-4)


def test_a_site_of_which_a_model_gives_no_number_is_a_row_with_the_reason(rows, s3, tmp_path):
    model = means(tmp_path, factor=float("nan"))
    images = jumpduck.profile(rows, tmp_path / "out", endpoint=s3.endpoint, **ALONE, model=model)
    assert set(images["status"]) == {"corrupt"}
    assert set(images["error"]) == {"the model gave values that are not finite"}


def test_a_file_that_is_no_model_is_refused_before_anything_is_fetched(rows, tmp_path):
    (tmp_path / "model.pt").write_bytes(b"no model")
    with pytest.raises((ModelError, jumpduck.errors.QueryError)):
        jumpduck.profile(rows, tmp_path / "out", **ALONE, model=tmp_path / "model.pt")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_threads_that_begin_together_have_one_model(tmp_path):
    options = DeepOptions(str(means(tmp_path)))
    barrier, found = threading.Barrier(4), list[object]()

    def load():
        barrier.wait()
        found.append(options.load())

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(model) for model in found}) == 1
    assert len(found) == 4
