import polars as pl
import pytest

from tests.support import measured_folders


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder as a download fills it: 49 sites, 29 to train on. No test may change it."""
    rows = measured_folders.table(plates=1, wells=54, sites=1, channels=("DNA", "RNA", "ER"))
    rows = rows.head(3 * 49)
    out = measured_folders.write(tmp_path_factory.mktemp("samples") / "images", rows, edge=20)
    sites = pl.read_parquet(out / "sites.parquet")
    split = pl.Series("split", ["train"] * 29 + ["val"] * 20)
    sites.with_columns(split).write_parquet(out / "sites.parquet")
    return out
