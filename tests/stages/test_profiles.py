"""Published profiles are fetched with what the catalog says of each well."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ProfileError, QueryError, StoreError
from jumpduck.profile_tables import remote_parquet
from jumpduck.profile_tables.reading import read_profiles
from tests.support.places import DATA
from tests.support.s3_server import S3Server


@pytest.fixture(scope="module")
def published(gallery):
    """The published files of the small gallery, by subset."""
    index = json.loads((gallery.metadata / "profile_index.json").read_text())
    return {one["subset"]: gallery.gallery / one["url"].split(".com/")[1] for one in index}


@pytest.fixture(scope="module")
def bucket(gallery):
    with S3Server() as server:
        server.put_folder("cellpainting-gallery", gallery.gallery)
        yield server


@pytest.fixture(scope="module")
def from_s3(gallery, bucket, tmp_path_factory):
    """A catalog of the same gallery in a bucket."""
    path = tmp_path_factory.mktemp("s3") / "catalog.duckdb"
    options = {"endpoint": bucket.endpoint, "metadata": str(gallery.metadata)}
    jumpduck.catalog(path, sources=["source_2"], **options)
    return path


def test_what_was_published_is_listed_with_address_and_etag(catalog):
    found = jumpduck.profiles(catalog=catalog).published
    assert found.columns == ["subset", "url", "etag", "recipe", "config"]
    assert found["subset"].to_list() == ["all_interpretable", "compound"]
    assert found["etag"].str.len_chars().to_list() == [32, 32]


def test_plates_of_no_table_are_refused(catalog):
    with pytest.raises(QueryError, match=r"plate_types chooses of one table, .* all_interpretable"):
        jumpduck.profiles(plate_types=["TARGET2"], catalog=catalog)


@pytest.mark.parametrize("where", ["a folder", "a bucket"])
def test_all_wells_come_with_role_symbol_and_batch(catalog, from_s3, published, tmp_path, where):
    found = jumpduck.profiles(
        "all_interpretable",
        catalog=catalog if where == "a folder" else from_s3,
        path=tmp_path / "profiles.parquet",
    )
    rows = pl.read_parquet(tmp_path / "profiles.parquet")
    assert (found.wells, found.unknown, found.differing) == (12, 0, 0)
    as_published = pl.read_parquet(published["all_interpretable"])
    read = read_profiles(tmp_path / "profiles.parquet")
    assert read.metadata.select(as_published.columns[:4]).equals(as_published[:, :4])
    np.testing.assert_array_equal(read.features, as_published[:, 4:].to_numpy())
    symbols = dict(rows.select("Metadata_JCP2022", "Metadata_Symbol").rows())
    assert symbols["JCP2022_800102"] == "BRCA1"
    roles = rows.group_by("Metadata_pert_type").len().sort("Metadata_pert_type").rows()
    assert roles == [("empty", 1), ("negcon", 3), ("poscon", 3), ("trt", 5)]
    assert set(rows["Metadata_Batch"]) == {"20260101_Batch_1", "Demo_Phenix1", "20260103_Run1"}
    note = json.loads(read.facts["jumpduck.profiles"])
    assert note["subset"] == "all_interpretable"
    assert note["url"].startswith("cpg0016-jump-assembled/" if where == "a folder" else "s3://")
    assert [file.name for file in tmp_path.iterdir()] == ["profiles.parquet"]


def test_what_is_said_of_a_well_is_what_the_sites_have(catalog, tmp_path):
    jumpduck.profiles("all_interpretable", catalog=catalog, path=tmp_path / "profiles.parquet")
    rows = pl.read_parquet(tmp_path / "profiles.parquet")
    sites = jumpduck.sql("FROM jump.sites", catalog)
    shared = [name for name in rows.columns if name in sites.columns]
    assert len(shared) == 13
    wells = sites.select(shared).unique()
    assert wells.sort(shared[:4]).equals(rows.select(shared).sort(shared[:4]))


def test_plates_and_features_can_be_chosen(from_s3, tmp_path, published):
    found = jumpduck.profiles(
        "all_interpretable",
        catalog=from_s3,
        path=tmp_path / "profiles.parquet",
        plate_types=["TARGET2"],
        features=["Cells_I*"],
    )
    assert found.plates.rows() == [("source_3", "Demo_Phenix1", "JD5876c3", "TARGET2", 3)]
    assert found.features == ("Cells_Intensity_ER", "Cells_Intensity_Mito")
    read = read_profiles(tmp_path / "profiles.parquet")
    whole = pl.read_parquet(published["all_interpretable"]).filter(Metadata_Plate="JD5876c3")
    np.testing.assert_array_equal(read.features, whole.select(found.features).to_numpy())
    with pytest.raises(QueryError, match="no subset of profiles 'compond'; did you mean compound"):
        jumpduck.profiles("compond", catalog=from_s3)
    with pytest.raises(QueryError, match="no plate 'JD5876'; did you mean JD5876c3"):
        jumpduck.profiles("compound", catalog=from_s3, plates=["JD5876"])
    with pytest.raises(QueryError, match="no well is of all"):
        jumpduck.profiles("compound", catalog=from_s3, plates=["JD5876c3"], sources=["source_2"])


def test_a_dry_run_writes_nothing(from_s3, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = jumpduck.profiles("compound", catalog=from_s3, dry_run=True)
    assert found.wells == 8
    assert found.fetched_bytes > 0
    assert not list(tmp_path.iterdir())


def test_the_same_again_fetches_no_feature(from_s3, tmp_path):
    path = tmp_path / "profiles.parquet"
    first = jumpduck.profiles("compound", catalog=from_s3, path=path)
    assert not first.was_there
    before = path.stat().st_mtime_ns
    assert jumpduck.profiles("compound", catalog=from_s3, path=path).was_there
    assert path.stat().st_mtime_ns == before
    assert not jumpduck.profiles("compound", catalog=from_s3, path=path, sources="3").was_there
    assert [file.name for file in tmp_path.iterdir()] == ["profiles.parquet"]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_with_what_it_had(from_s3, bucket, tmp_path, monkeypatch):
    # so that the small file takes many requests
    monkeypatch.setattr(remote_parquet, "BLOCK_BYTES", 64)
    monkeypatch.setattr(remote_parquet, "MAX_RUN_BLOCKS", 1)
    monkeypatch.setattr(remote_parquet, "SAVED_EVERY_RUNS", 1)
    path = tmp_path / "profiles.parquet"
    whole = jumpduck.profiles("all_interpretable", catalog=from_s3, path=path)
    path.unlink()

    def stop(step, done, total):
        if step == "bytes" and done >= total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jumpduck.profiles("all_interpretable", catalog=from_s3, path=path, progress=stop)
    assert not path.exists()
    assert len(list(tmp_path.iterdir())) == 2
    again = jumpduck.profiles("all_interpretable", catalog=from_s3, path=path)
    assert again.fetched_bytes < whole.fetched_bytes * 0.7
    assert [file.name for file in tmp_path.iterdir()] == ["profiles.parquet"]
    assert pl.read_parquet(path).height == 12


@pytest.mark.slow
def test_a_file_that_is_not_the_published_one_is_refused(gallery, tmp_path, published):
    root = tmp_path / "gallery"
    shutil.copytree(gallery.gallery, root)
    jumpduck.catalog(tmp_path / "c.duckdb", gallery=str(root), metadata=str(gallery.metadata))
    file = root / published["compound"].relative_to(gallery.gallery)
    pl.read_parquet(file).reverse().write_parquet(file)
    target = tmp_path / "profiles.parquet"
    with pytest.raises(ProfileError, match="not the published file: the MD5 of its bytes is"):
        jumpduck.profiles("compound", catalog=tmp_path / "c.duckdb", path=target)
    assert not target.exists()


def test_a_file_in_a_bucket_that_has_another_etag_is_refused(
    from_s3, bucket, published, tmp_path, gallery
):
    file = published["compound"]
    key = file.relative_to(gallery.gallery).as_posix()
    bucket.put("cellpainting-gallery", key, published["all_interpretable"].read_bytes())
    try:
        with pytest.raises(ProfileError, match="not the published file: its ETag is"):
            jumpduck.profiles("compound", catalog=from_s3, path=tmp_path / "profiles.parquet")
    finally:
        bucket.put("cellpainting-gallery", key, file.read_bytes())
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_catalog_without_a_list_of_profiles_says_so(gallery, tmp_path):
    metadata = tmp_path / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    (metadata / "profile_index.json").unlink()
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(metadata))
    with pytest.raises(QueryError, match="metadata have no profile_index"):
        jumpduck.profiles(catalog=path)


@pytest.mark.slow
def test_a_list_that_names_what_is_no_published_table_is_refused(gallery, tmp_path):
    metadata = tmp_path / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    wrong = {
        "s3://cellpainting-gallery/../other.parquet": "is outside of the gallery",
        "/other.parquet": "is outside of the gallery",
        "s3://cellpainting-gallery/absent.parquet": "there is no file",
        "ftp://example.org/rows.parquet": "cannot read ftp",
    }
    index = [{"subset": f"set_{number}", "url": url} for number, url in enumerate(wrong)]
    (metadata / "profile_index.json").write_text(json.dumps(index))
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(metadata))
    for one, said in zip(index, wrong.values(), strict=True):
        with pytest.raises((ProfileError, QueryError), match=said):
            jumpduck.profiles(one["subset"], catalog=path, path=tmp_path / "profiles.parquet")


def test_what_is_not_a_table_of_profiles_is_not_replaced(catalog, tmp_path):
    path = tmp_path / "manifest.parquet"
    pl.DataFrame({"path": ["x"]}).write_parquet(path)
    with pytest.raises(StoreError, match="not a table of profiles, therefore it is not replaced"):
        jumpduck.profiles("compound", catalog=catalog, path=path)
    with pytest.raises(QueryError, match=r"does not end with \.parquet"):
        jumpduck.profiles("compound", catalog=catalog, path=tmp_path / "profiles.csv")


@pytest.mark.slow
@pytest.mark.real
def test_the_tables_that_jump_published_are_those_of_its_bucket(gallery, tmp_path):
    metadata = tmp_path / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    index = DATA / "jump_metadata/profile_index.json"
    shutil.copy(index, metadata / "profile_index.json")
    path = tmp_path / "c.duckdb"
    with S3Server() as server:
        server.put_folder("cellpainting-gallery", gallery.gallery)
        options = {"endpoint": server.endpoint, "metadata": str(metadata)}
        jumpduck.catalog(path, sources=["source_2"], **options)
        found = jumpduck.profiles(catalog=path).published
        assert found["subset"].to_list() == sorted(
            f"{name}{kind}"
            for name in ("all", "compound", "crispr", "orf")
            for kind in ("", "_interpretable")
        )
        start = "s3://cellpainting-gallery/cpg0016-jump-assembled/source_all/workspace/"
        assert found["url"].str.starts_with(start).all()
        etags = {one["etag"] for one in json.loads(index.read_text())}
        assert set(found["etag"]) == etags
        with pytest.raises(ProfileError, match="no such file"):
            jumpduck.profiles("orf", catalog=path, path=tmp_path / "orf.parquet")
