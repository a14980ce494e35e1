import re

import httpx
import pytest

from jumpduck.collections import published_metadata as published
from jumpduck.collections.published_metadata import blob_id, metadata_folder
from jumpduck.errors import CatalogError, StoreError
from jumpduck.storage.object_reader import ObjectReader
from tests.support.places import DATA


def test_the_blob_id_is_gits():
    # git hash-object of these bytes
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_folder_without_a_file_is_refused_and_the_file_is_named(gallery, tmp_path):
    for file in gallery.metadata.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "crispr.csv.gz").unlink()
    with pytest.raises(CatalogError, match=r"no crispr\.csv\.gz"):
        metadata_folder(str(tmp_path), tmp_path, ObjectReader())


def serve(monkeypatch, files):
    asked = []

    def get(url, **options):
        asked.append(url)
        name = url.rpartition("/")[2]
        status = 200 if name in files else 404
        return httpx.Response(status, content=files.get(name), request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)
    return asked


def test_the_pinned_revision_is_fetched_once_and_an_altered_file_again(
    gallery, tmp_path, monkeypatch
):
    files = {file.name: file.read_bytes() for file in gallery.metadata.iterdir()}
    monkeypatch.setattr(published, "BLOBS", {name: blob_id(data) for name, data in files.items()})
    monkeypatch.setenv("JUMPDUCK_CACHE", str(tmp_path))
    asked = serve(monkeypatch, files)
    folder = metadata_folder(published.ROOT, tmp_path, ObjectReader())
    assert len(asked) == len(files)
    (folder / "plate.csv.gz").write_bytes(b"half a fi")
    assert metadata_folder(published.ROOT, tmp_path, ObjectReader()) == folder
    assert asked[len(files) :] == [f"{published.ROOT}/plate.csv.gz"]
    assert (folder / "plate.csv.gz").read_bytes() == files["plate.csv.gz"]


def test_a_file_that_is_not_the_published_one_is_refused(gallery, tmp_path, monkeypatch):
    monkeypatch.setenv("JUMPDUCK_CACHE", str(tmp_path))
    serve(monkeypatch, dict.fromkeys(published.BLOBS, b"something else"))
    with pytest.raises(CatalogError, match=re.escape(published.BLOBS["plate.csv.gz"])):
        metadata_folder(published.ROOT, tmp_path, ObjectReader())
    assert not list(tmp_path.rglob("*.csv*"))


def test_a_server_that_cannot_be_reached_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(published.time, "sleep", lambda _: None)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9/.*HTTPS_PROXY, or name a"):
        metadata_folder("http://127.0.0.1:9/metadata", tmp_path, ObjectReader())


def test_the_list_of_profiles_is_fetched_once_and_only_the_published_one_is_kept(
    tmp_path, monkeypatch
):
    text = b'[{"subset": "orf"}]'
    monkeypatch.setattr(published, "PROFILE_INDEX_BLOB", blob_id(text))
    asked = serve(monkeypatch, {"profile_index.json": b"[]"})
    reason = published.fetch_profile_index(published.ROOT, tmp_path, ObjectReader())
    assert reason is not None
    assert f"expected {blob_id(text)}" in reason
    assert not list(tmp_path.iterdir())
    asked = serve(monkeypatch, {"profile_index.json": text})
    for _ in range(2):
        assert published.fetch_profile_index(published.ROOT, tmp_path, ObjectReader()) is None
    assert asked == [f"{published.MANIFESTS}/profile_index.json"]
    assert (tmp_path / "profile_index.json").read_bytes() == text


def test_a_list_of_profiles_that_cannot_be_had_is_a_reason_and_no_error(tmp_path, monkeypatch):
    serve(monkeypatch, {})
    reason = published.fetch_profile_index(published.ROOT, tmp_path, ObjectReader())
    assert reason is not None
    assert "no such file" in reason
    other = "https://example.org/metadata"
    assert published.fetch_profile_index(other, tmp_path, ObjectReader()) is None


@pytest.mark.real
def test_the_list_of_profiles_is_the_one_of_the_pinned_revision():
    data = (DATA / "jump_metadata/profile_index.json").read_bytes()
    assert blob_id(data) == published.PROFILE_INDEX_BLOB
