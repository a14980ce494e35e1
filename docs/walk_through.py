# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     name: python3
# ---

# %% [markdown]
# # From a gene's name to a batch of images
#
# This notebook takes about a minute. It works on a small generated gallery in the layout of JUMP,
# so it needs no account and no network. It is kept as Python: `jupytext --to ipynb walk_through.py`
# makes a notebook of it.
#
# **Install.** In a clone of the repository: `pip install .`. For Colab: `uv build --wheel` in a
# clone writes `dist/jumpduck-….whl`; upload it, and run `%pip install jumpduck-*.whl` in a cell.

# %%
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

import jumpduck
from jumpduck.synthetic.galleries import write_small_gallery

# %% [markdown]
# ## A catalog
#
# The catalog has all that was published about plates, wells and images. For the real JUMP, leave
# out the first line and `**archive`, and name what you need, such as `perturbations=["TP53"]`.

# %%
archive = write_small_gallery("jump", Path("archive")).options
jumpduck.catalog("catalog.duckdb", **archive)

# %% [markdown]
# ## A gene
#
# Any name does: a gene symbol, an identifier, a compound's InChIKey, a control.

# %%
found = jumpduck.find("TP53", catalog="catalog.duckdb")
print(found.select("asked", "Metadata_JCP2022", "Metadata_modality", "plates", "wells", "sites"))

# %% [markdown]
# ## A manifest with controls
#
# A manifest has a row for each file to fetch. Controls are wells of the same plates.

# %%
rows = jumpduck.manifest("catalog.duckdb", perturbations=["TP53"], with_controls=True)
print(rows.group_by("Metadata_Name", "Metadata_pert_type").len("files"))

# %% [markdown]
# ## A download
#
# Each file is checked, and the results have a row for each of them. If it was interrupted, run it
# again, and it continues.

# %%
results = jumpduck.download(rows, "images")
print(results["status"].value_counts())

# %% [markdown]
# ## A picture
#
# A row is a site, a column a channel, and the last column has them in colour. All images of a
# channel and plate have one scale, so that what looks brighter is brighter.

# %%
picture = jumpduck.show("TP53", sites=3, controls=3, out="images", path="tp53.png")
Image.open(picture.path)

# %% [markdown]
# ## Images to train on
#
# All compounds and their controls, in two parts that share no plate, because images of one plate
# resemble each other. The images are small, show the same piece of the specimen whatever the
# microscope (300 µm), and have one scale of brightness within a plate. There are two plates, and
# with this seed each part gets one of them.

# %%
rows = jumpduck.manifest(
    "catalog.duckdb",
    modalities=["compound"],
    per_well={"trt": 3, "negcon": 3, "poscon": 3},
    split={"train": 0.5, "test": 0.5},
    split_by="plate",
    seed=3,
)
results = jumpduck.download(rows, "train", recipe="png8-plate", crop_um=300, resize=64)
print(results["status"].value_counts())

# %% [markdown]
# ## Quality
#
# The images and wells that stand out within their plate and channel; `z` is the robust z-score.
# Look at them before you drop them, because an effect stands out, too. A manifest leaves out those
# of such a table: `jumpduck.manifest(exclude=…)`.

# %%
outliers = jumpduck.quality("train", threshold=5)
print(outliers.rows.select("Metadata_Plate", "Metadata_Well", "Metadata_Channel", "measure", "z"))

# %% [markdown]
# ## A batch
#
# `sites.parquet` has a row for each site, with the path of each channel. A path is null where the
# file could not be had, so such sites are left out. The label is the role of the well.

# %%
sites = pl.read_parquet("train/sites.parquet")
channels = [name for name in sites.columns if name.startswith("path_")]
sites = sites.drop_nulls(channels)
labels = sorted(sites["Metadata_pert_type"].unique())


def batch(part):
    """Images (sites, channels, rows, columns) and labels of a part."""
    chosen = sites.filter(pl.col("split") == part)
    images = [
        [np.asarray(Image.open(Path("train", path))) for path in paths]
        for paths in chosen.select(channels).iter_rows()
    ]
    return np.array(images), np.array([labels.index(role) for role in chosen["Metadata_pert_type"]])


for part in ("train", "test"):
    images, classes = batch(part)
    counts = np.bincount(classes, minlength=len(labels)).tolist()
    print(part, images.shape, images.dtype, dict(zip(labels, counts, strict=True)))
    np.savez(f"{part}.npz", images=images, labels=classes)
