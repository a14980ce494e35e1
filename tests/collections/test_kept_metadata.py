"""The tables of the metadata are made once, and kept for the next catalog."""

import gzip
import shutil

import pytest

import jumpduck
from jumpduck.storage.cache_folder import cache_folder
from tests.support.catalogs import content

pytestmark = pytest.mark.slow  # seconds of whole commands


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JUMPDUCK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def build(path, gallery, metadata=None, **options):
    metadata = str(metadata or gallery.metadata)
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=metadata, **options)
    return content(path)


def test_a_catalog_of_kept_tables_is_one_of_tables_that_were_just_read(
    gallery, catalog, cache, tmp_path
):
    first, second = (build(tmp_path / name, gallery) for name in ("a.duckdb", "b.duckdb"))
    assert first == second == content(catalog)
    (kept,) = (cache / "tables").iterdir()
    read = kept.stat().st_mtime_ns
    some = build(tmp_path / "c.duckdb", gallery, perturbations=["TP53"])
    assert some["jump.wells"] == first["jump.wells"]
    assert len(some["jump.sites"]) < len(first["jump.sites"])
    assert [one.stat().st_mtime_ns for one in (cache / "tables").iterdir()] == [read]


def test_other_metadata_are_read_again_and_replace_what_was_kept(gallery, cache, tmp_path):
    build(tmp_path / "a.duckdb", gallery)
    before = set((cache / "tables").iterdir())
    other = shutil.copytree(gallery.metadata, tmp_path / "metadata")
    text = gzip.decompress((other / "crispr.csv.gz").read_bytes()).replace(b"TP53", b"TP99")
    (other / "crispr.csv.gz").write_bytes(gzip.compress(text))
    found = build(tmp_path / "b.duckdb", gallery, other)
    assert "TP99" in str(found["jump.crisprs"])
    after = set((cache / "tables").iterdir())
    assert len(after) == 1
    assert before & after == set()


def test_kept_tables_that_are_damaged_are_made_again(gallery, catalog, cache, tmp_path):
    build(tmp_path / "a.duckdb", gallery)
    (kept,) = (cache / "tables").iterdir()
    kept.write_bytes(b"something else")
    assert build(tmp_path / "b.duckdb", gallery) == content(catalog)


def test_a_cache_that_cannot_be_written_is_done_without(gallery, catalog, cache, tmp_path):
    cache.write_text("a file where the folder should be")
    assert build(tmp_path / "a.duckdb", gallery) == content(catalog)
    assert cache_folder() == cache


def test_tables_that_another_process_removes_before_they_are_copied_are_done_without(
    gallery, catalog, cache, tmp_path, monkeypatch
):
    def late(source, target, copy=shutil.copyfile):
        if source.parent == cache / "tables":
            source.unlink()  # as a process does that reads other metadata
        return copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", late)
    assert build(tmp_path / "a.duckdb", gallery) == content(catalog)
    assert list((cache / "tables").iterdir()) == []
