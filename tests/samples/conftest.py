from pathlib import Path

import polars as pl
import pytest

import jumpduck


@pytest.fixture(scope="session")
def kept_manifest(catalog, tmp_path_factory) -> Path:
    """The plates of source_2 and source_3 with a column split; one image is missing."""
    path = tmp_path_factory.mktemp("samples") / "manifest.parquet"
    split = {"train": 0.5, "val": 0.5}
    jumpduck.manifest(catalog, sources="2,3", split=split, split_by="plate", path=path)
    return path


@pytest.fixture(scope="session")
def kept(kept_manifest, tmp_path_factory) -> Path:
    """A folder of these plates with all grey levels. No test may change it."""
    out = tmp_path_factory.mktemp("kept")
    jumpduck.download(kept_manifest, out, recipe="png16")
    return out


@pytest.fixture(scope="session")
def rows(kept) -> pl.DataFrame:
    """The results of that folder."""
    return pl.read_parquet(kept / "results.parquet")
