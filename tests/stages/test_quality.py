"""What stands out in a folder, and the file that keeps it."""

import json

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from tests.support.measured_images import PLATE, folder_of, images


@pytest.fixture
def out(tmp_path):
    mean = np.random.default_rng(2).normal(1000, 30, 24)
    mean[7] = 20_000
    return folder_of(images(wells=12, sites=2, mean=mean), tmp_path / "images")


@pytest.mark.parametrize("name", ["outliers.parquet", "new/outliers.csv", "o.CSV.gz"])
def test_what_stands_out_is_kept_with_its_key_and_reason(out, tmp_path, name):
    file = tmp_path / name
    found = jumpduck.quality(out, path=file)
    read = pl.read_parquet if file.suffix == ".parquet" else pl.read_csv
    kept = read(file)
    assert kept["reason"].to_list() == found.rows["reason"].to_list()
    image = kept.row(0, named=True)
    key = {**PLATE, "Metadata_Well": "A04", "Metadata_Site": 1, "Metadata_Channel": "DNA"}
    assert {name: image[name] for name in key} == key
    assert kept.columns == [*key, "measure", "value", "z", "reason"]
    assert jumpduck.quality(out, threshold=1e9, path=file).rows.is_empty()  # in its place


@pytest.mark.parametrize("name", ["x.txt", "x.csv.zip", "x.tsv", "parquet"])
def test_a_name_that_says_neither_parquet_nor_csv_is_refused_before_anything_is_read(
    tmp_path, name
):
    with pytest.raises(QueryError, match=r"path .*with \.parquet or \.csv or \.csv\.gz"):
        jumpduck.quality(tmp_path / "none", path=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["results.parquet", "sites.parquet", "notes.csv", "empty.csv"])
def test_another_file_is_not_replaced(out, name):
    (out / "notes.csv").write_text("Metadata_Well,why\nA01,dust\n")
    (out / "empty.csv").write_bytes(b"\xff\xfe")
    before = (out / name).read_bytes()
    with pytest.raises(StoreError, match="and not a table of outliers, therefore it is not"):
        jumpduck.quality(out, path=out / name)
    assert (out / name).read_bytes() == before


def test_a_folder_without_measured_images_says_so(tmp_path):
    missing = folder_of(images(wells=3, status="missing"), tmp_path / "images")
    with pytest.raises(ManifestError, match=r"no image in .* was measured, because none was"):
        jumpduck.quality(missing)
    with pytest.raises(StoreError, match="was not filled by jumpduck"):
        jumpduck.quality(tmp_path)


def test_the_command_prints_few_rows_and_both_tables_as_json(tmp_path, cli):
    random = np.random.default_rng(4)
    mean = random.normal(1000, 30, 200)
    mean[:30] = 20_000
    rows = images(wells=20, sites=10, mean=mean)
    constant = images(wells=1, Metadata_Channel="ER", constant=[True], mean=0.0, focus=None)
    folder_of(pl.concat([rows, constant], how="vertical_relaxed"), tmp_path / "images")
    printed = cli("quality", "images", "--outliers", "o.parquet")
    assert printed.out.count("brighter than its plate") == 20
    assert "and 14 more, which --json lists" in printed.err
    assert "stand out within their plate and channel: 30; wells: 3" in printed.out
    assert "constant images: 1" in printed.out
    assert "images of 1 of 2 plates and channels are not compared" in printed.out
    assert "jumpduck manifest --exclude o.parquet" in printed.out
    found = json.loads(cli("quality", "--json").out)
    assert len(found["outliers"]) == 34
    assert [one["Metadata_Channel"] for one in found["plates"]] == ["DNA", "ER"]
    assert cli("quality", "--csv").out.count("\n") == 35
    refused = cli("quality", "--threshold", "0")
    assert refused.code == 2
    assert "--threshold 0.0 is not allowed" in refused.err


def test_a_narrow_terminal_shows_the_plate_in_one_line_and_the_reason_in_several(tmp_path, cli):
    rows = images(wells=30, mean=[9e3, *[1e3] * 29], Metadata_Plate="A-PLATE-0012")
    folder_of(rows, tmp_path / "images")
    printed = cli("quality", TTY_COMPATIBLE="1", COLUMNS="80").out
    table = printed.partition("no space for")[0]
    assert {"A-PLATE-0012", "A01", "DNA", "mean", "brighter"} <= set(table.split())
    assert max(map(len, table.splitlines())) <= 80
