"""The tables of `jumpduck profile` in other tools, in place of IDR_stream, and up to evaluate."""

import json

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.synthetic.galleries import write_small_gallery
from jumpduck.synthetic.gallery import PLATES, write_gallery

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def profiled(tmp_path_factory):
    """The sites and cells of the demo's gallery, with larger images than other tests have."""
    folder = tmp_path_factory.mktemp("chain")
    catalog = folder / "catalog.duckdb"
    gallery = write_gallery(folder / "gallery", edges=(256, 288))
    jumpduck.catalog(catalog, gallery=str(gallery.gallery), metadata=str(gallery.metadata))
    options = {"nuclei": "DNA", "cells": "RNA", "aggregate": "site"}
    jumpduck.profile(jumpduck.manifest(catalog), folder / "out", **options)
    return folder / "out"


def cells(out):
    return pl.read_parquet(sorted(out.glob("cells/*/*/*.parquet")))


def test_pycytominer_aggregates_the_cells_and_takes_only_features_for_features(profiled):
    pycytominer = pytest.importorskip("pycytominer")
    from pycytominer.cyto_utils import infer_cp_features

    frame = cells(profiled).to_pandas()
    features = infer_cp_features(frame)
    assert all(name.startswith(("Nuclei_", "Cells_", "Cytoplasm_")) for name in features)
    assert frame[features].dtypes.map(lambda dtype: dtype.kind).eq("f").all()
    strata = ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]
    theirs = pycytominer.aggregate(
        frame, strata, features=features, operation="mean", compute_object_count=True
    )
    ours = pl.read_parquet(profiled / "profiles.parquet")
    both = ours.join(pl.from_pandas(theirs), on=strata)
    assert both.height == ours.height == len(theirs)
    assert (both["Metadata_Object_Count"] == both["Metadata_Object_Count_right"]).all()
    name = "Cells_AreaShape_Area"
    assert np.allclose(both[name], both[f"{name}_right"], rtol=1e-5)


def test_a_cell_has_the_columns_by_which_cytotable_and_cytodataframe_know_it(profiled):
    """CytoTable names numbers and parents so; CytoDataFrame crops by boxes, centres and files."""
    every = cells(profiled)
    assert {
        "Metadata_ImageNumber", "Metadata_ObjectNumber", "Metadata_Nuclei_Number_Object_Number",
        "Metadata_Cells_Number_Object_Number", "Metadata_Cytoplasm_Parent_Cells",
        "Metadata_Cytoplasm_Parent_Nuclei", "Metadata_Cells_Parent_Nuclei",
        "Metadata_Plate", "Metadata_Well", "Metadata_Site", "Image_FileName_DNA",
        "Nuclei_Location_Center_X", "Nuclei_Location_Center_Y",
        *(
            f"{part}_AreaShape_BoundingBox{end}_{axis}"
            for part in ("Nuclei", "Cells", "Cytoplasm")
            for end in ("Minimum", "Maximum") for axis in "XY"
        ),
    } <= set(every.columns)  # fmt: skip
    key = ["Metadata_Plate", "Metadata_ImageNumber", "Metadata_ObjectNumber"]
    assert every.select(key).is_unique().all()
    assert every["Metadata_ObjectNumber"].equals(every["Metadata_Cytoplasm_Parent_Nuclei"].rename(
        "Metadata_ObjectNumber"
    ))  # fmt: skip
    assert every["Image_FileName_DNA"].str.ends_with(".tif").any()


IDR_STREAM = {
    "Location_Center_X": "Nuclei_Location_Center_X",
    "Location_Center_Y": "Nuclei_Location_Center_Y",
    "Metadata_Plate": "Metadata_Plate",
    "Metadata_Well": "Metadata_Well",
    "Metadata_Site": "Metadata_Site",  # IDR_stream appends the frame to the well
    "Metadata_Plate_Map_Name": "Metadata_PlateType",
    "Metadata_DNA": "Image_FileName_GFP",
    "Metadata_Gene": "Metadata_Gene_Target",
    "Metadata_Gene_Replicate": "Metadata_Replicate",
}
"""Columns of IDR_stream's table of cells, and those of this one that say the same."""


def test_frames_of_movies_are_profiled_by_one_command_with_the_columns_of_idr_stream(tmp_path, cli):
    pytest.importorskip("pyfive")
    made = write_small_gallery("idr", tmp_path / "idr")
    options = {**made.options, "studies": ["idr0013-screenA"]}
    jumpduck.catalog(tmp_path / "catalog.duckdb", collection="idr", **options)
    assert cli("manifest").code == 0
    done = cli("profile", "--illum-from-plate", "mean", "--limit", "12", "--out", "out")
    assert done.code == 0, done.err
    every = cells(tmp_path / "out")
    assert set(IDR_STREAM.values()) <= set(every.columns)
    assert every["Metadata_Frame"].n_unique() > 1
    assert every["Metadata_pert_type"].unique().to_list() == ["poscon"]
    assert not [*(tmp_path / "out").rglob("*.ch5"), *(tmp_path / "out").rglob("*.tif*")]


def test_the_phenotypes_of_the_demo_are_told_apart_and_shuffled_ones_are_not(
    profiled, cli, tmp_path
):
    """Sites of the same phenotype on any plate against all others, by mean average precision."""
    drawn = {
        (plate.name, well): str(phenotype)
        for plate in PLATES
        for well, (_, phenotype) in plate.wells.items()
    }
    sites = pl.read_parquet(profiled / "profiles.parquet")
    keys = sites.select("Metadata_Plate", "Metadata_Well").rows()
    labels = pl.Series("Metadata_Phenotype", [drawn[key] for key in keys])
    found: list[dict[str, float]] = []
    for values in (labels, labels.shuffle(seed=1)):
        sites.with_columns(values).write_parquet(tmp_path / "sites.parquet")
        steps = ("drop_na_columns", "variance_filter", "standardize:by=Metadata_Plate")
        controls = ("--controls", "Metadata_pert_type = 'negcon'")
        assert cli("normalize", "sites.parquet", "--method", *steps, *controls).code == 0
        words = ("--metric", "map", "--label", "Metadata_Phenotype", "--json")
        found.append(json.loads(cli("evaluate", "normalized.parquet", *words).out))
    told, shuffled = found
    assert told["value"] > told["low"] > told["chance"]
    assert shuffled["low"] < shuffled["chance"] < shuffled["high"]
