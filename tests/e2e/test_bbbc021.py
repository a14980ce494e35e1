"""A few wells of a whole BBBC021 plate over HTTP: the bytes that come are counted."""

import csv
import io
import zipfile

import numpy as np
import pytest
import tifffile

import jumpduck
from jumpduck.collections.bbbc021 import TABLES
from tests.support.folders import files
from tests.support.range_server import RangeServer

PLATE = "Week4_27481"
WELLS = [f"{row}{column:02d}" for row in "BCDEFG" for column in range(2, 12)]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with the tables and the zip of one plate: 60 wells, 4 sites, 3 channels."""
    folder = tmp_path_factory.mktemp("published")
    image = io.BytesIO()
    noise = np.random.default_rng(0).integers(200, 4000, (128, 160), np.uint16)
    tifffile.imwrite(image, noise, metadata=None)
    lines = []
    with zipfile.ZipFile(folder / f"BBBC021_v1_images_{PLATE}.zip", "w") as file:
        for well in WELLS:
            for site in range(1, 5):
                names = []
                for number in (1, 2, 4):
                    names.append(
                        f"{well}_s{site}_w{number}BEDC2073-A983-4B98-95E9-84466707A25D.tif"
                    )
                    file.writestr(zipfile.ZipInfo(f"{PLATE}/{names[-1]}"), image.getvalue())
                places = [value for name in names for value in (name, f"Week4/{PLATE}")]
                lines.append([*places, PLATE, well, 1, "taxol", 1])
    for table, rows in (("image", lines), ("mechanism", [["taxol", 1, "x"]])):
        name, columns = TABLES[table]
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
    return folder


@pytest.mark.slow
def test_four_wells_of_a_plate_take_less_than_a_twentieth_of_its_zip(published, tmp_path):
    """Two sites of each: 24 of 720 images. A server without ranges sends the zip once."""
    size = (published / f"BBBC021_v1_images_{PLATE}.zip").stat().st_size
    path = tmp_path / "catalog.duckdb"
    sent, made = {}, {}
    for ranges in (True, False):
        with RangeServer(published, ranges=ranges) as server:
            where = {"gallery": server.address, "metadata": server.address}
            jumpduck.catalog(path, collection="bbbc021", **where)
            rows = jumpduck.manifest(path, wells=["B02", "D05", "E07", "G11"], per_well={"trt": 2})
            server.clear()
            results = jumpduck.download(rows, tmp_path / str(ranges))
            sent[ranges], made[ranges] = server.sent, files(tmp_path / str(ranges))
        assert results["status"].to_list() == ["fetched"] * 24
    assert sent[True] < 0.05 * size
    # more than once, because of each refused request for a part some of the body is on its way
    assert size <= sent[False] < 1.5 * size
    assert made[True] == made[False]
