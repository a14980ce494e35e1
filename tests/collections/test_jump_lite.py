"""JUMP-lite: the layouts of the release, the packings of its arrays, and what its tables say."""

import shutil

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.collections.jump_lite import LAYOUTS
from jumpduck.errors import CatalogError, QueryError
from jumpduck.synthetic.cells import draw_site
from jumpduck.synthetic.jump_lite import EDGE, IMAGES, METADATA, ROOT, WELLS, write
from tests.support.range_server import RangeServer

INDEX = "jump_lite_site_index.parquet"
L07 = {"wells": "L07", "per_well": "all"}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jump_lite")
    write(folder)
    return folder / "gallery"


@pytest.fixture(scope="module")
def built(gallery, tmp_path_factory):
    path = tmp_path_factory.mktemp("catalog") / "catalog.duckdb"
    jumpduck.catalog(path, collection="jump-lite", gallery=str(gallery))
    return path


def test_the_planes_of_an_array_are_the_channels_in_its_order(built, gallery, tmp_path):
    rows = jumpduck.manifest(built, **L07)
    assert rows["Metadata_Site"].unique().sort().to_list() == [0, 1, 2]
    start = f"{gallery}/{IMAGES}/zstd.zarr/source_13__20220914_Run1__CP-CC9-R1-01__L07__0"
    assert rows.filter(Metadata_Site=0).select("Metadata_Channel", "url").rows() == [
        (channel, f"{start}#array=&index={plane}")
        for plane, channel in enumerate(("AGP", "DNA", "ER", "Mito", "RNA"))
    ]
    marks = "SELECT marks FROM jump_lite.channels ORDER BY position"
    assert jumpduck.sql(marks, built)["marks"].to_list() == [None, "nuclei", None, None, "cells"]
    jumpduck.download(rows.filter(Metadata_Site=1), tmp_path, recipe="tiff16")
    drawn = draw_site(EDGE, WELLS[3].phenotype, seed=10)
    found = pl.read_parquet(tmp_path / "results.parquet").select("Metadata_Channel", "path")
    for channel, path in found.rows():
        assert np.array_equal(tifffile.imread(tmp_path / path), drawn[channel])


@pytest.mark.parametrize(
    "package", ["jpegxl_lossy_hq", pytest.param("jpegxl_lossy_d20", marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_a_lossy_packing_is_chosen_by_its_name_and_comes_close(gallery, tmp_path, package):
    catalog = tmp_path / "catalog.duckdb"
    jumpduck.catalog(catalog, collection="jump_lite", gallery=str(gallery), package=package)
    rows = jumpduck.manifest(catalog, **L07, channels="DNA")
    results = jumpduck.download(rows[:1], tmp_path / "out", recipe="tiff16")
    assert results["status"].to_list() == ["fetched"]
    drawn = draw_site(EDGE, WELLS[3].phenotype, seed=9)["DNA"]
    close = tifffile.imread(tmp_path / "out" / results["path"][0])
    difference = np.abs(close.astype(float) - drawn).mean()
    assert 0 < difference < drawn.mean() / 2


def test_a_packing_that_the_release_has_not_brings_those_that_it_has(tmp_path):
    with pytest.raises(QueryError, match=r"no package 'jpegxl'; did you mean jpegxl_lossy"):
        jumpduck.catalog(tmp_path / "c", collection="jump_lite", package="jpegxl")


@pytest.mark.slow
def test_both_layouts_of_the_release_are_found_also_on_a_web_server(gallery, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(gallery / METADATA, older / ROOT / LAYOUTS[1].metadata)
    shutil.copytree(gallery / IMAGES, older / ROOT / LAYOUTS[1].images)
    catalog = tmp_path / "catalog.duckdb"
    with RangeServer(tmp_path) as server:
        jumpduck.catalog(catalog, collection="jump_lite", gallery=f"{server.address}/older")
        rows = jumpduck.manifest(catalog, **L07)
        assert f"/{ROOT}/images_compressed/jump_lite/v1.0/zstd.zarr/" in rows["url"][0]
        results = jumpduck.download(rows[:5], tmp_path / "out")
    assert set(results["status"]) == {"fetched"}


@pytest.mark.slow
def test_tables_in_another_folder_leave_the_images_where_they_are(gallery, tmp_path):
    shutil.copytree(
        gallery / IMAGES / "zstd.zarr", tmp_path / ROOT / LAYOUTS[1].images / "zstd.zarr"
    )
    catalog = tmp_path / "catalog.duckdb"
    places = {"gallery": str(tmp_path), "metadata": str(gallery / METADATA)}
    jumpduck.catalog(catalog, collection="jump_lite", **places)
    assert f"/{LAYOUTS[1].images}/" in jumpduck.manifest(catalog, **L07)["url"][0]


def test_a_gallery_without_the_release_is_one_line(tmp_path):
    with pytest.raises(CatalogError, match="may not be public yet"):
        jumpduck.catalog(tmp_path / "c", collection="jump_lite", gallery=str(tmp_path))
    places = {"gallery": str(tmp_path), "metadata": str(tmp_path)}
    with pytest.raises(CatalogError, match=f"has no {INDEX}"):
        jumpduck.catalog(tmp_path / "c", collection="jump_lite", **places)


def test_roles_modalities_and_names_are_those_of_the_release(built):
    found = jumpduck.find(["plk1"], built)
    assert found.select("Metadata_JCP2022", "Metadata_Source", "wells").rows() == [
        ("JCP2022_805264", "source_13", 1)
    ]
    rows = jumpduck.manifest(built, genes="AKT1", with_controls=True)
    roles = rows.select("Metadata_Well", "Metadata_pert_type", "Metadata_modality").unique()
    assert set(roles.rows()) == {("B07", "trt", "orf"), ("A01", "negcon", "orf")}


def test_the_embeddings_of_each_site_are_listed(built, gallery):
    query = "FROM jump_lite.embeddings(['subcell']) ORDER BY url LIMIT 1"
    assert jumpduck.sql(query, built)["url"].item() == (
        f"{gallery}/{ROOT}/workspace_dl/embeddings/subcell-jpegxl_lossy_mq/2026_jump_lite_v1.0"
        "/source_13/20220914_Run1/CP-CC9-R1-01/A02-0/embedding.parquet"
    )
    query = "SELECT count(*) FROM jump_lite.embedding_sets"
    assert jumpduck.sql(query, built).item() == 16


@pytest.mark.slow
def test_odd_lines_of_the_index_are_rows_and_known_issues_of_jump_hold(gallery, tmp_path):
    tables = tmp_path / "tables"
    shutil.copytree(gallery / METADATA, tables)
    index = pl.read_parquet(tables / INDEX)
    plate = {"Metadata_Source": "source_7", "Metadata_Batch": "20210727_Run3"}
    plate |= {"Metadata_Plate": "CP3-SC1-18", "Metadata_Well": "I22"}
    key = "source_7__20210727_Run3__CP3-SC1-18__I22"
    lines = [
        {**plate, "Metadata_Site": 2, "Metadata_Site_Key": f"{key}__2"},
        {**plate, "Metadata_Site": 5, "Metadata_Site_Key": "../../../etc/passwd"},
        {**plate, "Metadata_Site": 2, "Metadata_Site_Key": f"{key}__2"},
        *(
            {
                **plate,
                "Metadata_Plate": odd,
                "Metadata_Site": 1,
                "Metadata_Site_Key": "__".join(["source_7", "20210727_Run3", *end, "I22__1"]),
            }
            for odd, end in ((None, []), ("..", [".."]), ("a/b", ["a/b"]))
        ),
    ]
    pl.concat([index, pl.DataFrame(lines, index.schema)]).write_parquet(tables / INDEX)
    catalog = tmp_path / "catalog.duckdb"
    places = {"gallery": str(gallery), "metadata": str(tables)}
    jumpduck.catalog(catalog, collection="jump_lite", **places)
    query = "SELECT Metadata_Plate, reason, lines FROM jump_lite.problems ORDER BY ALL"
    no_name = "a source, batch, plate or well that is absent or no name of a folder"
    assert jumpduck.sql(query, catalog).rows() == [
        ("..", no_name, 1),
        ("CP3-SC1-18", "a key that is not made of its parts", 1),
        ("CP3-SC1-18", "the same site once more", 1),
        ("a/b", no_name, 1),
        (None, no_name, 1),
    ]
    bad = {"plates": "CP3-SC1-18", "per_well": "all"}
    with pytest.raises(QueryError, match="known to be bad"):
        jumpduck.manifest(catalog, **bad)
    kept = jumpduck.manifest(catalog, **bad, keep_known_bad=True)
    issues = kept.select("Metadata_Channel", "known_issue").drop_nulls()
    assert issues.rows() == [("ER", "zero-filled TIFF")]
