"""png8 against what jump_download's own function gave under its numpy, for 400 planes."""

import imagecodecs
import numpy as np
import polars as pl
import pytest

from jumpduck.imaging.transforms import to_8bit
from jumpduck.schema import MANIFEST
from tests.support.pixels import tiff
from tests.support.places import DATA

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def planes():
    """Each plane with the pixels that jump_download gave for it."""
    with np.load(DATA / "oracles/png8_numpy1.24.4.npz") as file:
        names = [name.removeprefix("plane_") for name in file.files if name.startswith("plane_")]
        return {name: (file[f"plane_{name}"], file[f"png8_{name}"]) for name in names}


def test_png8_is_jump_downloads_bit_for_bit(planes):
    assert len(planes) == 400
    for name, (plane, expected) in planes.items():
        assert np.array_equal(to_8bit(plane, 1.0), expected), name


def test_png8_from_the_command_line_is_jump_downloads_bit_for_bit(planes, cli, tmp_path):
    planes = dict([*planes.items()][::10])  # the test above has all of them
    rows = []
    for number, (name, (plane, _)) in enumerate(planes.items()):
        file = tmp_path / f"{name}.tif"
        file.write_bytes(tiff(plane))
        row = dict.fromkeys(MANIFEST, "x") | {"Metadata_Site": number, "path": f"a/{name}__x"}
        rows.append(row | {"url": str(file)})
    pl.DataFrame(rows, MANIFEST).write_parquet(tmp_path / "manifest.parquet")
    done = cli("download", "--recipe", "png8", "--quiet")
    assert done.code == 0, done.err
    for name, (_, expected) in planes.items():
        made = imagecodecs.png_decode((tmp_path / f"images/a/{name}__x.png").read_bytes())
        assert np.array_equal(made, expected), name
