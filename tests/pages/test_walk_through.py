"""The notebook of the docs runs as a script, and what it makes is what the tables say."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from PIL import Image

from tests.support.places import ROOT

NOTEBOOK = ROOT / "docs/walk_through.py"
ROLES = ["negcon", "poscon", "trt"]


def test_the_walk_through_is_a_notebook():
    import jupytext
    import nbformat

    notebook = jupytext.read(NOTEBOOK)
    nbformat.validate(notebook)
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds.count("code") == kinds.count("markdown") > 5
    assert "pip install" in notebook.cells[0].source
    assert notebook.metadata.kernelspec.name == "python3"
    assert jupytext.writes(notebook, fmt="ipynb")


@pytest.mark.slow
def test_the_walk_through_runs_as_a_script_and_makes_what_its_tables_say(tmp_path):
    done = subprocess.run(
        [sys.executable, NOTEBOOK], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "tp53.png") as picture:
        picture.verify()
    shown = pl.read_parquet(tmp_path / "images/results.parquet")
    assert shown.n_unique(["Metadata_Source", "Metadata_Batch", "Metadata_Plate"]) == 1
    assert (
        shown.filter(pl.col("Metadata_Name") == "TP53")["Metadata_pert_type"].unique()[0] == "trt"
    )
    assert "negcon" in shown["Metadata_pert_type"]

    results = pl.read_parquet(tmp_path / "train/results.parquet")
    good = results.filter(pl.col("status") == "fetched")
    site = ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]
    channels = good["Metadata_Channel"].n_unique()
    whole = (
        good.group_by(*site, "split", "Metadata_pert_type").len().filter(pl.col("len") == channels)
    )
    assert (whole.group_by("Metadata_Plate").agg(pl.col("split").n_unique())["split"] == 1).all()
    for part in ("train", "test"):
        made = np.load(tmp_path / f"{part}.npz")
        of_part = whole.filter(pl.col("split") == part)
        counts = dict(of_part["Metadata_pert_type"].value_counts().iter_rows())
        assert made["images"].shape == (of_part.height, channels, 64, 64)
        assert made["images"].dtype == np.uint8
        assert np.bincount(made["labels"]).tolist() == [counts[role] for role in ROLES]
        files = good.filter(pl.col("split") == part)
        means = files.sort(*site)["path"].map_elements(
            lambda name: float(np.asarray(Image.open(tmp_path / "train" / name)).mean()), pl.Float64
        )
        assert made["images"].mean() == pytest.approx(means.mean())
