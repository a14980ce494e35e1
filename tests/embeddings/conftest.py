import pytest

from tests.support import measured_folders


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder as a download fills it: 49 sites of 3 channels. No test may change it."""
    rows = measured_folders.table(plates=1, wells=54, sites=1, channels=("DNA", "RNA", "ER"))
    rows = rows.head(3 * 49)
    return measured_folders.write(tmp_path_factory.mktemp("samples") / "images", rows, edge=20)
