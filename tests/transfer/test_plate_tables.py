"""The tables of plates: their order, and folders of earlier versions."""

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.imaging.readers import ome_channels
from jumpduck.stages.download import DownloadOptions, download_plates
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


def same(one, other):
    return all(a.equals(b) for a, b in zip(tables(one), tables(other), strict=True))


def test_a_run_killed_before_its_table_was_written_ends_with_the_manifests_order(rows, tmp_path):
    results = jumpduck.download(rows, tmp_path / "whole")
    jumpduck.download(rows, tmp_path / "killed")
    folder = OutputFolder(tmp_path / "killed")
    (key,) = folder.plates.plate_keys()
    folder.plates.files()[0].unlink()
    folder.plates.append(key, results[::-1].rows(named=True), dict(results.schema))
    jumpduck.download(rows, tmp_path / "killed")
    assert same(tmp_path / "whole", tmp_path / "killed")


def test_repaired_rows_keep_their_place(rows, tmp_path):
    jumpduck.download(rows, tmp_path / "whole")
    jumpduck.download(rows, tmp_path / "repaired")
    for file in sorted((tmp_path / "repaired").rglob("*__DNA.png"))[::2]:
        file.unlink()
    wrong = jumpduck.verify(tmp_path / "repaired")
    assert wrong.height > 2
    assert set(jumpduck.repair(wrong, tmp_path / "repaired")["status"]) == {"fetched"}
    assert same(tmp_path / "whole", tmp_path / "repaired")


def test_a_repaired_stack_has_its_pages_in_the_same_order(rows, tmp_path):
    lacks = (pl.col("Metadata_Well") == "A01") & (pl.col("Metadata_Channel") == "RNA")
    some = rows.filter(~lacks)
    shuffled = pl.concat(
        [some.filter(pl.col("Metadata_Well") != "A01"), some.filter(Metadata_Well="A01")]
    )
    results = jumpduck.download(shuffled, tmp_path, recipe="stack")
    file = tmp_path / results["path"][0]
    before = file.read_bytes()
    assert ome_channels(before) == ["DNA", "RNA", "ER", "AGP", "Mito"]
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


def test_a_folder_of_an_earlier_version_is_refused_in_one_line(rows, tmp_path):
    (tmp_path / ".jumpduck").mkdir()
    (tmp_path / ".jumpduck" / "plan.parquet").touch()
    for verb in (jumpduck.status, jumpduck.verify, lambda out: jumpduck.download(rows, out)):
        with pytest.raises(StoreError, match="filled by an earlier version of jumpduck"):
            verb(tmp_path)


def test_rows_that_verify_did_not_return_are_not_repaired(rows, tmp_path):
    with pytest.raises(QueryError, match="give the rows"):
        jumpduck.repair(rows, tmp_path)


def test_the_results_of_a_plate_that_is_there_are_handed_on_before_the_next_is_opened(
    catalog, tmp_path, monkeypatch
):
    rows = jumpduck.manifest(catalog, per_well={"trt": 1})
    there = jumpduck.download(rows, tmp_path)["status"] == "fetched"
    options = DownloadOptions(rows.filter(there), tmp_path)
    manifest, recipe = Manifest.open(options.manifest), options.build()
    opened = []
    open_plate = OutputFolder.open_plate

    def count(self, plate, *more):
        opened.append(plate.key)
        return open_plate(self, plate, *more)

    monkeypatch.setattr(OutputFolder, "open_plate", count)
    assert [len(opened) for _ in download_plates(options, manifest, recipe)] == [1, 2, 3]


def test_plates_that_share_a_folder_leave_each_others_files_alone(rows, tmp_path):
    name = pl.col("path").str.replace_all("/", "_")
    plates = [
        rows.head(40).with_columns(Metadata_Plate=pl.lit(plate), path=pl.lit(f"all/{plate}") + name)
        for plate in ("P1", "P2", "P3", "P4", "P5", "P6")
    ]
    results = jumpduck.download(pl.concat(plates), tmp_path, connections=32)
    assert set(results["status"]) == {"fetched"}
    assert len(list((tmp_path / "all").iterdir())) == 240
