"""A plate by what its wells are, or what was measured."""

import gzip
import json
import re

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from tests.support.measured_images import PLATE, folder_of, images

OTHER_SOURCE = {**PLATE, "Metadata_Source": "S2"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Two plates of one name and one of another. No test may change the folder."""
    roles = np.repeat(["trt", "negcon"], [40, 8])
    rows = [
        images(wells=24, sites=2, mean=np.arange(48.0), Metadata_pert_type=roles, **PLATE),
        images(wells=24, sites=2, mean=500.0, Metadata_Channel="ER", Metadata_pert_type=roles),
        images(wells=1, Metadata_pert_type="trt", **OTHER_SOURCE),
        images(wells=1, Metadata_pert_type="trt", **{**PLATE, "Metadata_Plate": "P 2"}),
    ]
    return folder_of(
        pl.concat(rows, how="vertical_relaxed"), tmp_path_factory.mktemp("plate") / "images"
    )


def test_numbers_of_a_well_are_the_median_of_its_images_in_a_channel(filled):
    found = jumpduck.plate("P1", "mean", out=filled, source="S1", channel="dna")
    expected = np.median(np.arange(48.0).reshape(24, 2), axis=1)
    assert found.values.wells["value"].to_numpy() == pytest.approx(expected)
    assert found.said == "mean: median of the images of a well, channel DNA"
    both = jumpduck.plate("P1", "mean", out=filled, source="s1")
    assert both.values.wells["value"][0] == pytest.approx(np.median([0, 1, 500, 500]))
    assert both.said == "mean: median of the images of a well, 2 channels together"


def test_a_joined_table_is_compared_by_its_keys(filled, tmp_path):
    profiles = pl.DataFrame(
        {
            "Metadata_Source": ["S1", "S2", "S1"],
            "Metadata_Plate": ["P1", "P1", "P 2"],
            "Metadata_Well": ["A02", "A02", "A02"],
            "Cells_Area": [1.5, 99.0, 98.0],
        }
    )
    profiles.write_parquet(tmp_path / "p.parquet")
    profiles.write_csv(tmp_path / "p.csv")
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress((tmp_path / "p.csv").read_bytes()))
    files = [tmp_path / name for name in ("p.parquet", "p.csv", "p.csv.gz")]
    for table in (profiles, *files):
        found = jumpduck.plate("P1", "cells_area", out=filled, source="S1", join=table)
        values = dict(found.values.wells.select("Metadata_Well", "value").iter_rows())
        assert len(values) == 24
        assert {well: value for well, value in values.items() if value} == {"A02": 1.5}
    role = jumpduck.plate("P1", "role", out=filled, source="S1", join=profiles)
    assert role.values.wells["value"].value_counts(sort=True).rows() == [("trt", 20), ("negcon", 4)]
    with pytest.raises(QueryError, match="join frame has no row of plate S1, B1, P1"):
        jumpduck.plate("P1", "Cells_Area", out=filled, source="S1", join=profiles.clear())
    with pytest.raises(ManifestError, match="join frame has no column Metadata_Well"):
        jumpduck.plate("P1", out=filled, source="S1", join=profiles.drop("Metadata_Well"))
    (tmp_path / "no.parquet").write_bytes(b"PAR1")
    with pytest.raises(ManifestError, match=r"no.parquet cannot be read: .* give a Parquet or CSV"):
        jumpduck.plate("P1", out=filled, source="S1", join=tmp_path / "no.parquet")


def test_a_catalog_shows_a_plate_before_anything_is_downloaded(catalog):
    found = jumpduck.plate("1000000001", catalog=catalog)
    assert found.key == ("source_2", "20260101_Batch_1", "1000000001")
    roles = dict(found.values.wells.select("Metadata_Well", "value").iter_rows())
    assert roles == {"A01": "negcon", "A02": "poscon", "B01": "trt", "B02": "trt", "B03": "empty"}
    with pytest.raises(QueryError, match="by 'focus' is what a download measures; give its folder"):
        jumpduck.plate("1000000001", "focus", catalog=catalog)
    with pytest.raises(QueryError, match="channel is that of downloaded images"):
        jumpduck.plate("1000000001", catalog=catalog, channel="DNA")


def test_beside_a_folder_the_catalog_says_which_wells_there_are(catalog, tmp_path):
    key = ("source_2", "20260101_Batch_1", "1000000001")
    plate = dict(zip(PLATE, key, strict=True))
    folder_of(images(wells=1, **plate), tmp_path / "images")
    found = jumpduck.plate("1000000001", "mean", out=tmp_path / "images", catalog=catalog)
    values = dict(found.values.wells.select("Metadata_Well", "value").iter_rows())
    assert values == {"A01": 1000, "A02": None, "B01": None, "B02": None, "B03": None}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"plate": "P1"}, "plate 'P1' is in several: S1, S2; say which with `source`"),
        ({"plate": "P3"}, "there is no plate 'P3'; there are P 2, P1"),
        ({"plate": "P 2", "source": "S2"}, "there is no source 'S2'; there is S1"),
        ({"plate": "P 2", "by": "focsu"}, "there is no column 'focsu'; did you mean focus"),
        ({"plate": "P 2", "by": "error"}, "by 'error' has no value on plate 'P 2'"),
        ({"plate": "P 2", "channel": "DAN"}, "there is no channel 'DAN'"),
        ({"plate": "P 2", "wells": 100}, "wells 100 is not the size of a plate"),
        ({"plate": "P 2", "path": "x.jpg"}, "path x.jpg is neither PNG nor SVG"),
    ],
)
def test_what_is_not_there_brings_what_is(filled, options, says):
    with pytest.raises(QueryError, match=says):
        jumpduck.plate(out=filled, **options)


def test_without_a_plate_the_plates_of_the_folder_or_the_catalog_are_named(filled, catalog, cli):
    of_folder = cli("plate", "--out", filled)
    assert (of_folder.code, of_folder.out) == (2, "")
    assert f"--plate is not given; in {filled} there are P 2, P1; name one" in of_folder.err
    assert f"jumpduck status --plates --out {filled}" in of_folder.err
    of_catalog = cli("plate", "--catalog", catalog)
    assert of_catalog.code == 2
    assert "there are 1000000001, JD-CC9-R1-05, JD5876c3; name one" in of_catalog.err
    assert "did you mean JD5876c3?" in cli("plate", "JD5867c3", "--catalog", catalog).err


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(StoreError, match="was not filled by jumpduck"):
        jumpduck.plate("P1", out=tmp_path)


@pytest.mark.slow
def test_the_command_draws_and_prints_what_it_drew(filled, tmp_path, cli):
    words = ("plate", "P1", "--source", "s1", "--out", filled)
    printed = cli(*words)
    assert printed.out.splitlines()[1:] == ["trt\t20", "negcon\t4", "role -> plate.png"]
    assert (tmp_path / "plate.png").read_bytes().startswith(b"\x89PNG")
    mean = cli(*words, "--by", "mean", "--channel", "ER", "--picture", "er.svg", "--wells", "1536")
    assert mean.out.splitlines()[1].startswith("mean\t24\t500.0\tA01\t500.0\t500.0\t")
    assert "er.svg" in mean.out
    svg = (tmp_path / "er.svg").read_text()
    assert len(set(re.findall(r'aria-label="([A-Z]+\d+): ', svg))) == 1536
    assert "AF48: no image" in svg


def test_values_by_well_are_printed_without_a_picture(filled, tmp_path, cli):
    words = ("plate", "P1", "--source", "S1", "--out", filled, "--by", "mean", "--channel", "DNA")
    head, first, *_ = cli(*words, "--csv").out.splitlines()
    assert head.split(",")[-5:] == ["Metadata_Well", "row", "column", "value", "rows"]
    assert first == "S1,B1,P1,A01,1,1,0.5,2"
    found = json.loads(cli(*words, "--json").out)
    assert (found["shape"], len(found["wells"]), found["picture"]) == ([16, 24], 24, None)
    assert not list(tmp_path.glob("*.png"))


def test_without_the_extra_a_picture_says_how_to_install_it(filled, monkeypatch, cli):
    monkeypatch.setattr("jumpduck.figures.charts.find_spec", lambda name: None)
    words = ("plate", "P1", "--source", "S1", "--out", filled)
    assert "pip install 'jumpduck[report]'" in cli(*words).err
    assert cli(*words, "--csv").code == 0
