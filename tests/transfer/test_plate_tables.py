"""The tables of plates: their order, and folders of earlier versions."""

import os

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.imaging.readers import page_channels
from jumpduck.stages.download import DownloadOptions, download_plates
from jumpduck.transfer import scheduler
from jumpduck.transfer.journal import Journal
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder


@pytest.fixture(scope="module")
def rows(catalog):
    return jumpduck.manifest(catalog, plates=["JD5876c3"], per_well={"trt": 2})


def tables(folder):
    return [
        pl.read_parquet(folder / name).drop("seconds", "attempts", strict=False)
        for name in ("results.parquet", "sites.parquet")
    ]


def key_of(rows):
    return rows.select("Metadata_Source", "Metadata_Batch", "Metadata_Plate").row(0)


def same(one, other):
    return all(a.equals(b) for a, b in zip(tables(one), tables(other), strict=True))


@pytest.mark.slow
def test_a_run_killed_before_its_table_was_written_ends_with_the_manifests_order(rows, tmp_path):
    results = jumpduck.download(rows, tmp_path / "whole")
    jumpduck.download(rows, tmp_path / "killed")
    folder = OutputFolder(tmp_path / "killed")
    (key,) = folder.plates.plate_keys()
    folder.plates.files()[0].unlink()
    folder.plates.append(key, results[::-1].rows(named=True), dict(results.schema))
    jumpduck.download(rows, tmp_path / "killed")
    assert same(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_repaired_rows_keep_their_place(rows, tmp_path):
    jumpduck.download(rows, tmp_path / "whole")
    jumpduck.download(rows, tmp_path / "repaired")
    for file in sorted((tmp_path / "repaired").rglob("*__DNA.png"))[::2]:
        file.unlink()
    wrong = jumpduck.verify(tmp_path / "repaired")
    assert wrong.height > 2
    assert set(jumpduck.repair(wrong, tmp_path / "repaired")["status"]) == {"fetched"}
    assert same(tmp_path / "whole", tmp_path / "repaired")


@pytest.mark.slow
def test_a_repaired_stack_has_its_pages_in_the_same_order(rows, tmp_path):
    lacks = (pl.col("Metadata_Well") == "A01") & (pl.col("Metadata_Channel") == "RNA")
    some = rows.filter(~lacks)
    shuffled = pl.concat(
        [some.filter(pl.col("Metadata_Well") != "A01"), some.filter(Metadata_Well="A01")]
    )
    results = jumpduck.download(shuffled, tmp_path, recipe="stack")
    file = tmp_path / results["path"][0]
    before = file.read_bytes()
    assert page_channels(before) == ["DNA", "RNA", "ER", "AGP", "Mito"]
    file.unlink()
    jumpduck.repair(jumpduck.verify(tmp_path), tmp_path)
    assert file.read_bytes() == before


def test_a_channel_that_a_stack_would_have_twice_is_refused(rows, tmp_path):
    one = rows.head(1)
    stem = one["path"][0].removesuffix("__DNA")
    twice = pl.concat([one, one.with_columns(path=pl.lit(stem))])
    with pytest.raises(ManifestError, match="two images of channel 'DNA'"):
        jumpduck.download(twice, tmp_path / "out", recipe="stack")


def test_a_folder_whose_name_is_a_pattern_gets_its_tables(rows, tmp_path):
    out = tmp_path / "o[1]*"
    for _ in range(2):
        jumpduck.download(rows.head(3), out)
    assert pl.read_parquet(out / "results.parquet", glob=False).height == 3


def test_rows_that_verify_did_not_return_are_not_repaired(rows, tmp_path):
    with pytest.raises(QueryError, match="give the rows"):
        jumpduck.repair(rows, tmp_path)


@pytest.mark.slow
def test_the_results_of_a_plate_that_is_there_are_handed_on_before_the_next_is_opened(
    catalog, tmp_path, monkeypatch
):
    rows = jumpduck.manifest(catalog, per_well={"trt": 1})
    there = jumpduck.download(rows, tmp_path)["status"] == "fetched"
    options = DownloadOptions(rows.filter(there), tmp_path)
    manifest, recipe = Manifest.open(options.manifest), options.build()
    opened = []
    open_plate = scheduler.open_plate

    def count(folder, plate, *more):
        opened.append(plate.key)
        return open_plate(folder, plate, *more)

    monkeypatch.setattr(scheduler, "open_plate", count)
    assert [len(opened) for _ in download_plates(options, manifest, recipe)] == [1, 2, 3]


@pytest.mark.slow
def test_plates_that_share_a_folder_leave_each_others_files_alone(rows, tmp_path):
    name = pl.col("path").str.replace_all("/", "_")
    plates = [
        rows.head(40).with_columns(Metadata_Plate=pl.lit(plate), path=pl.lit(f"all/{plate}") + name)
        for plate in ("P1", "P2", "P3", "P4", "P5", "P6")
    ]
    results = jumpduck.download(pl.concat(plates), tmp_path, connections=32)
    assert set(results["status"]) == {"fetched"}
    assert len(list((tmp_path / "all").iterdir())) == 240


@pytest.mark.slow
def test_rows_of_a_killed_run_are_gathered_by_a_run_of_another_manifest(rows, tmp_path):
    one, other = rows.head(4), rows.tail(4).with_columns(Metadata_Plate=pl.lit("other"))
    results = jumpduck.download(one, tmp_path)
    (table,) = OutputFolder(tmp_path).plates.files()
    table.unlink()
    killed = OutputFolder(tmp_path)
    killed.plates.append(key_of(one), results.rows(named=True), dict(results.schema))
    jumpduck.download(other, tmp_path)
    assert tables(tmp_path)[0].height == 8


def test_results_are_gathered_although_the_clock_was_set_back(rows, tmp_path):
    for some in (rows.head(4), rows.tail(4).with_columns(Metadata_Plate=pl.lit("other"))):
        jumpduck.download(some, tmp_path)
        for name in ("results.parquet", "sites.parquet"):
            os.utime(tmp_path / name, (4e9, 4e9))
    assert tables(tmp_path)[0].height == 8


def test_the_tables_are_current_by_whatever_name_the_folder_is_called(rows, tmp_path, monkeypatch):
    jumpduck.download(rows.head(4), tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    assert jumpduck.status("out").gathered
    (tmp_path / "out").rename(tmp_path / "moved")
    assert jumpduck.status("moved").gathered


def test_a_reader_sees_the_rows_of_a_plate_while_it_closes(rows, tmp_path, monkeypatch):
    results = jumpduck.download(rows.head(4), tmp_path / "out")
    key = key_of(rows)
    writer, reader = (OutputFolder(tmp_path).plates for _ in range(2))
    writer.append(key, results.rows(named=True), dict(results.schema))
    read = Journal.read

    def close_first(self):
        monkeypatch.undo()
        writer.replace(key, results)
        return read(self)

    monkeypatch.setattr(Journal, "read", close_first)
    assert reader.read(key).height == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["results.parquet", "sites.parquet", "*.sites"])
@pytest.mark.parametrize("left", [0, 100])
def test_a_torn_table_that_is_made_of_others_is_made_again(rows, tmp_path, name, left):
    some = rows.head(4)
    jumpduck.download(some, tmp_path)
    before = tables(tmp_path)
    (table,) = tmp_path.rglob(name)
    os.truncate(table, left)
    jumpduck.download(some, tmp_path)
    (tmp_path / "results.parquet").touch()
    jumpduck.download(pl.concat([some, rows[4:5]]), tmp_path)
    jumpduck.download(some, tmp_path)
    now = tables(tmp_path)
    assert [table.height for table in now] == [5, 1]
    assert now[0].filter(pl.col("path").is_in(before[0]["path"].implode())).equals(before[0])


def test_a_torn_table_of_a_plate_is_named_with_what_to_do(rows, tmp_path):
    jumpduck.download(rows.head(4), tmp_path)
    (table,) = OutputFolder(tmp_path).plates.files()
    os.truncate(table, 0)
    for verb in (jumpduck.status, jumpduck.verify, lambda out: jumpduck.download(rows[:4], out)):
        with pytest.raises(StoreError, match=r"\.parquet cannot be read: .*; remove it"):
            verb(tmp_path)
    table.unlink()
    jumpduck.download(rows.head(4), tmp_path)
    assert tables(tmp_path)[0].height == 4
