"""Samples of a lab's own files, which may be replaced, have any size, or not be there."""

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.errors import QueryError, StoreError
from jumpduck.samples import recent_sites
from jumpduck.samples.geometry import MAX_TRIED
from jumpduck.samples.recent_sites import RecentSites
from jumpduck.schema import MANIFEST


def own(folder, plates):
    """A manifest of the sites of plates: of each its images' shapes, None where it has no file."""
    rows = []
    for plate, shapes in plates.items():
        for site, shape in enumerate(shapes):
            file = folder / f"{plate}-{site}.tif"
            if shape is not None:
                image = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
                tifffile.imwrite(file, image, metadata=None)
            rows.append(
                ("s", "b", plate, "A01", site, "DNA", str(file), f"s/b/{plate}/{site}__DNA")
            )
    path = folder / "manifest.parquet"
    pl.DataFrame(rows, schema=MANIFEST, orient="row").write_parquet(path)
    return path


def test_a_local_image_that_was_replaced_has_statistics_of_its_own(tmp_path):
    manifest = own(tmp_path, {"p": [(20, 20), (20, 20)]})
    options = {"cache": tmp_path / "cache", "unit": "tile", "size": 5, "tiles": "foreground"}
    options["nuclei"] = "DNA"
    first = jumpduck.dataset(manifest, **options)
    bright = np.zeros((20, 20), np.uint16)
    bright[:5, 5:10] = 9000
    old, old_tiles = first.statistics(), len(first)
    part, whole = first.digest_of(range(2)), first.digest
    tifffile.imwrite(tmp_path / "p-1.tif", bright, metadata=None)
    again = jumpduck.dataset(manifest, **options)
    assert again.statistics().mean[0] != old.mean[0]
    assert len(again) < old_tiles
    assert again.digest != whole
    assert again.digest_of(range(len(again))) != part


def test_the_digest_is_another_one_for_another_server(tmp_path):
    manifest = own(tmp_path, {"p": [(20, 20)]})
    digests = {
        jumpduck.dataset(manifest, endpoint=f"http://127.0.0.1:{port}").digest for port in (1, 2)
    }
    assert len(digests) == 2


@pytest.mark.parametrize("unit", ["tile", "cell"])
def test_a_site_of_another_size_than_its_plate_is_a_row_and_no_part_of_it_is_taken(tmp_path, unit):
    manifest = own(tmp_path, {"p": [(20, 20), (40, 40), (20, 20)], "q": [(40, 40)]})
    cells = pl.DataFrame(
        {
            "Metadata_Plate": ["p", "p", "p", "q"],
            "Metadata_Well": "A01",
            "Metadata_Site": [0, 1, 2, 0],
            "Location_Center_X": 5.0,
            "Location_Center_Y": 5.0,
        }
    )
    options = {"unit": unit, "size": 10, "cells": cells if unit == "cell" else None}
    samples = jumpduck.dataset(manifest, **options, cache=tmp_path / "cache")
    found = [one.metadata for one in samples.read_all(range(len(samples)))]
    assert {(one["Metadata_Plate"], one["Metadata_Site"]) for one in found} == {
        ("p", 0), ("p", 2), ("q", 0),
    }  # fmt: skip
    (row,) = samples.skipped.rows(named=True)
    assert row["Metadata_Site"] == 1
    assert "the image has 40 x 40 pixels, and those of its plate" in row["error"]


def test_of_a_plate_without_images_a_few_sites_are_tried_and_the_others_are_rows(tmp_path):
    manifest = own(tmp_path, {"p": [None] * 30, "q": [None, (20, 20)]})
    samples = jumpduck.dataset(manifest, unit="tile", size=10, cache=tmp_path / "cache")
    assert set(samples.table["Metadata_Plate"]) == {"q"}
    skipped = samples.skipped
    assert skipped["status"].to_list() == ["missing"] * MAX_TRIED + ["failed"] * (30 - MAX_TRIED)
    assert "not tried, because the first 5 sites of its plate" in skipped["error"][-1]
    assert "p-4.tif" in skipped["error"][-1]


def test_where_nothing_answers_the_size_of_images_is_asked_for_a_few_times(tmp_path):
    plates = {f"p{number}": [None] * 3 for number in range(10)}
    manifest = own(tmp_path, plates)
    for plate in plates:
        for site in range(3):
            (tmp_path / f"{plate}-{site}.tif").mkdir()
    options = {"unit": "tile", "size": 10, "cache": tmp_path / "cache"}
    with pytest.raises(StoreError, match=r"none of the first 5 sites can be read, such as s b p1"):
        jumpduck.dataset(manifest, **options)


def test_decoded_sites_are_kept_by_their_bytes_but_never_fewer_than_come_mixed(monkeypatch):
    read = []

    def planes(site):
        read.append(site)
        return [np.zeros((10, 10), np.uint8)] * 5

    for most_bytes, kept in ((10_000, 4), (1500, 3), (10, 2)):
        monkeypatch.setattr(recent_sites, "MAX_BYTES", most_bytes)
        recent = RecentSites(least=2, most=4)
        for site in range(9):
            recent.get(site, planes)
        read.clear()
        for site in range(9 - kept, 9):
            recent.get(site, planes)
        assert read == []
        recent.get(8 - kept, planes)
        assert read == [8 - kept]


def test_all_images_missing_are_said_with_the_reason(tmp_path):
    manifest = own(tmp_path, {"p": [None] * 3})
    with pytest.raises(QueryError, match="no site of"):
        jumpduck.dataset(manifest, unit="tile", size=10, cache=tmp_path / "cache")
