"""Images that cannot be read while an epoch is taken, also in worker processes."""

import shutil

import polars as pl
import pytest

import jumpduck
from jumpduck.embeddings.sample_loader import SampleLoader
from jumpduck.errors import ImageError, StoreError

pytestmark = pytest.mark.torch

BROKEN, ABSENT = 5, 17
"""Numbers of the two sites."""


@pytest.fixture
def copied(folder, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(folder, tmp_path / "images")


def load(place, workers, kind, **options):
    dataset = jumpduck.dataset(place, library="torch", kind=kind, **options)
    return dataset, SampleLoader(dataset, 8, num_workers=workers)


def break_two(copied):
    rows = pl.read_parquet(copied / "results.parquet").sort("Metadata_Well", "Metadata_Channel")
    wells = rows["Metadata_Well"].unique().sort()
    broken, absent = (
        copied / rows.filter(Metadata_Well=wells[index])["path"][0] for index in (BROKEN, ABSENT)
    )
    broken.write_bytes(b"x" * broken.stat().st_size)
    absent.unlink()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", ["map", "iterable"])
def test_a_site_that_cannot_be_read_is_a_row_and_moves_no_other(folder, copied, workers, kind):
    dataset, loader = load(copied, workers, kind)
    _, whole = load(folder, workers, kind)
    break_two(copied)
    expected = [metadata["index"] for _, metadata in whole]
    for images, metadata in loader:
        left = [index for index in expected.pop(0) if index not in (BROKEN, ABSENT)]
        assert metadata["index"] == left
        assert len(images) == len(left)
    assert expected == []
    skipped = dataset.samples.skipped
    keys = dataset.samples.table.select("Metadata_Well")[[BROKEN, ABSENT]]
    assert skipped.select("Metadata_Well").equals(keys)
    assert skipped["status"].to_list() == ["corrupt", "missing"]
    assert skipped["error"].null_count() == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_it_ends_the_epoch_where_that_was_asked_for(copied, workers):
    _, loader = load(copied, workers, "iterable", missing="raise")
    break_two(copied)
    with pytest.raises((ImageError, StoreError), match="P000"):
        list(loader)
