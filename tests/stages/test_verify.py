"""What verify, repair and status say of a folder, whatever happened to it before."""

import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.recipes.registry import build
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.scheduler import Scheduler
from jumpduck.transfer.task_threads import TaskThreads
from tests.support.examples import first_quick
from tests.support.folders import facts, files
from tests.support.interruption import interrupt


def of_another_plate(rows):
    return rows.with_columns(Metadata_Plate=pl.lit("other"), path="other/" + pl.col("path"))


def counts(frame):
    return dict(frame["status"].value_counts().iter_rows())


@pytest.mark.slow
def test_verify_tells_what_is_not_fetched_yet(rows, tmp_path, monkeypatch, cli):
    interrupt(monkeypatch, 9)
    with pytest.raises(KeyboardInterrupt):
        jumpduck.download(rows, tmp_path / "images", connections=1)
    lacking = jumpduck.verify(tmp_path / "images")
    assert counts(lacking) == {"left": rows.height - 9}
    said = cli("verify")
    assert said.code == 3
    assert f"9 right, {lacking.height} not fetched" in said.out
    assert "36 are not fetched; the same `jumpduck download` goes on" in said.err
    jumpduck.download(rows, tmp_path / "images")
    assert jumpduck.verify(tmp_path / "images").is_empty()
    assert cli("verify").code == 0


def test_verify_tells_which_files_could_not_be_had(rows, tmp_path, cli):
    absent = rows.with_columns(pl.col("url") + ".absent")
    jumpduck.download(absent, tmp_path / "images")
    assert counts(jumpduck.verify(tmp_path / "images")) == {"missing": rows.height}
    said = cli("verify")
    assert said.code == 3
    assert f"0 right, {rows.height} missing" in said.out


def test_what_is_broken_at_its_source_is_said_to_be_so_for_ever(rows, tmp_path, cli):
    broken = tmp_path / "broken.tiff"
    broken.write_bytes(b"no image")
    urls = [str(broken), rows["url"][1] + ".absent", *rows["url"][2:]]
    rows.with_columns(url=pl.Series(urls)).write_parquet(tmp_path / "manifest.parquet")
    so = (
        "what is missing or corrupt is probably so at its source for ever: with all other files, "
        "the folder is whole"
    )
    for verb in "download", "verify", "status":
        said = cli(verb)
        assert said.err.endswith(f"; {so}\n")
        assert "goes on" not in said.err
        assert said.code == (0 if verb == "status" else 3)


def test_verify_compares_with_the_manifest_that_it_is_given(rows, out):
    assert jumpduck.verify(out, manifest=rows.head(7)).is_empty()
    more = rows.head(3).with_columns(path="more/" + pl.col("path"))
    lacking = jumpduck.verify(out, manifest=pl.concat([rows.head(7), more]))
    assert lacking.select("path", "status").rows() == [
        (f"{path}.png", "left") for path in more["path"]
    ]


def test_a_sample_reads_some_of_the_files_and_counts_all(rows, out, cli):
    for file in files(out):
        (out / file).write_bytes(b"damaged")
    found = [jumpduck.verify(out, sample="20%", seed=seed)["path"].to_list() for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    assert 0 < len(found[0]) < rows.height / 2
    said = cli("verify", "--sample", "20%", "--seed", "1", "--json")
    assert f'"wrong": {len(found[0])}' in said.out
    assert f'"unread": {rows.height - len(found[0])}' in said.out
    assert len(jumpduck.verify(out, sample=1.0)) == rows.height


@pytest.mark.parametrize("sample", ["0", "x", "120%", 0.0, -1, 2, "nan"])
def test_a_sample_that_is_not_a_share_is_refused(sample):
    with pytest.raises(QueryError, match=r"sample .* is not a share"):
        jumpduck.verify(sample=sample)


def test_a_file_of_an_earlier_recipe_is_not_what_was_asked_for(rows, out, monkeypatch):
    interrupt(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        jumpduck.download(rows, out, resize=32, connections=1)
    lacking = jumpduck.verify(out)
    assert counts(lacking) == {"left": rows.height - 1}
    status = jumpduck.status(out).plates
    assert (status["done"] + status["left"]).to_list() == [rows.height]
    assert status["left"].item() == lacking.height


def test_a_repair_leaves_what_was_asked_for_as_it_was(rows, out):
    before = jumpduck.status(out).plates
    os.truncate(out / next(iter(files(out))), 0)
    jumpduck.repair(jumpduck.verify(out), out)
    assert jumpduck.status(out).plates.equals(before)


def test_status_counts_what_all_runs_into_a_folder_were_asked_for(rows, out):
    other = rows.head(2).with_columns(
        Metadata_Plate=pl.lit("other"), path="other/" + pl.col("path")
    )
    for manifest in (rows.head(3), other):
        jumpduck.download(manifest, out)
    plates = jumpduck.status(out).plates
    assert plates.select("Metadata_Plate", "files", "done", "left").rows() == [
        ("other", 2, 2, 0),
        ("JD5876c3", rows.height, rows.height, 0),
    ]


def test_status_says_what_the_same_command_would_do(rows, out, cli):
    assert "all done" in cli("status").err
    jumpduck.download(rows.with_columns(pl.col("url") + ".absent"), out, force=True)
    said = cli("status").err
    assert f"all tried; {rows.height} not had: the same `jumpduck download` tries again" in said


def test_a_repair_beside_another_recipe_is_refused_and_leaves_the_rows(rows, out):
    name = next(iter(files(out)))
    os.truncate(out / name, 1)
    wrong = jumpduck.verify(out)
    with (
        OutputFolder.open(out, Manifest.open(rows), build("png16")),
        pytest.raises(StoreError, match=r"is being filled .* with recipe png16 2"),
    ):
        jumpduck.repair(wrong, out)
    assert jumpduck.verify(out)["path"].to_list() == [name]


def test_an_interrupted_repair_leaves_the_rows(out, monkeypatch):
    name = next(iter(files(out)))
    os.truncate(out / name, 1)
    wrong = jumpduck.verify(out)
    monkeypatch.setattr(TaskThreads, "_do", lambda *_: None)
    monkeypatch.setattr(Scheduler, "_collect", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        jumpduck.repair(wrong, out)
    assert jumpduck.verify(out)["path"].to_list() == [name]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["png8", "stack"])
def test_files_are_repaired_whatever_their_paths_end_in(rows, tmp_path, recipe):
    number = pl.int_range(pl.len()).cast(pl.String)
    site = rows.head(5 if recipe == "png8" else 1).with_columns(path="own/image" + number)
    jumpduck.download(site, tmp_path, recipe=recipe)
    before = files(tmp_path)
    for name in before:
        (tmp_path / name).unlink()
    assert set(jumpduck.repair(jumpduck.verify(tmp_path), tmp_path)["status"]) == {"fetched"}
    assert files(tmp_path) == before


def test_a_copied_folder_without_hidden_files_is_verified_and_continued(rows, copied, whole, cli):
    assert jumpduck.verify(copied).is_empty()
    assert not (copied / ".jumpduck").exists()
    status = jumpduck.status(copied)
    assert status.plates.select("files", "done", "left").row(0) == (rows.height, rows.height, 0)
    name = next(iter(files(copied)))
    (copied / name).unlink()
    assert jumpduck.verify(copied)["path"].to_list() == [name]
    assert jumpduck.verify(copied, manifest=rows)["path"].to_list() == [name]
    results = jumpduck.download(rows, copied)
    assert counts(results) == {"present": rows.height - 1, "fetched": 1}
    assert files(copied) == files(whole)
    assert facts(copied).equals(facts(whole))


def test_a_copied_folder_is_repaired(copied, whole):
    name = next(iter(files(copied)))
    (copied / name).unlink()
    assert jumpduck.repair(jumpduck.verify(copied), copied)["status"].to_list() == ["fetched"]
    assert files(copied) == files(whole)


def test_a_copied_folder_goes_on_with_another_manifest_and_keeps_its_rows(rows, copied):
    other = rows.head(2).with_columns(
        Metadata_Plate=pl.lit("other"), path="other/" + pl.col("path")
    )
    jumpduck.download(other, copied)
    assert facts(copied).height == rows.height + 2
    assert jumpduck.verify(copied).is_empty()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pl.lit("../outside/x.png").alias("path"), "could leave the folder"),
        (pl.lit("..").alias("Metadata_Plate"), "could leave the folder or names no plate"),
        (pl.lit("x").alias("size"), "is not a table of results: column size"),
    ],
)
def test_results_from_elsewhere_that_are_not_those_of_a_download_are_refused(
    rows, copied, change, said
):
    table = copied / "results.parquet"
    pl.read_parquet(table).with_columns(change).write_parquet(table)
    for verb in (jumpduck.verify, jumpduck.status, lambda out: jumpduck.download(rows, out)):
        with pytest.raises(StoreError, match=said):
            verb(copied)


@pytest.mark.slow
def test_the_commands_that_go_on_are_named(rows, tmp_path, cli):
    absent = pl.col("url") + ".absent"
    for name in ("one", "two"):
        rows.head(3).with_columns(absent).write_parquet(tmp_path / f"{name}.parquet")
        cli("download", "--manifest", f"{name}.parquet", "--out", "a b", "--crop", 0)
    one, two = (
        f"`jumpduck download --manifest {name}.parquet --out 'a b' --crop 0`"
        for name in ("one", "two")
    )
    assert f"3 not had: {two} tries again" in cli("status", "--out", "a b").err
    rows.tail(2).with_columns(absent).write_parquet(tmp_path / "one.parquet")
    cli("download", "--manifest", "one.parquet", "--out", "a b", "--crop", 0)
    assert f"5 could not be had; {one} and {two} try again" in cli("verify", "--out", "a b").err
    rows.head(9).write_parquet(tmp_path / "nine.parquet")
    said = cli("verify", "--out", "a b", "--manifest", "nine.parquet").err
    assert "`jumpduck download --manifest nine.parquet --out 'a b' --crop 0` goes on" in said
    rows.head(3).write_parquet(tmp_path / "three.parquet")
    cli("download", "--manifest", "three.parquet", "--out", "a b", "--crop", 0)
    # what it was asked for has the place of what two.parquet asked for
    assert f"2 could not be had; {one} tries again" in (cli("verify", "--out", "a b").err)


@pytest.mark.slow
def test_verify_compares_with_several_manifests_as_one(rows, tmp_path, cli):
    rows.head(4).write_parquet(tmp_path / "a.parquet")
    rows[4:6].write_csv(tmp_path / "b.csv")
    rows[6:9].write_parquet(tmp_path / "c 1.parquet")
    assert cli("download", "--manifest", "a.parquet", "b.csv").code == 0
    done = cli("verify", "--manifest", "a.parquet", "b.csv")
    assert (done.code, done.out.splitlines()[0]) == (0, "6 right")
    assert jumpduck.verify(tmp_path / "images", manifest=str(tmp_path / "[ab].*")).is_empty()
    done = cli("verify", "--manifest", "b.csv", "c 1.parquet")
    assert done.out.splitlines()[0] == "2 right, 3 not fetched"
    assert "`jumpduck download --manifest b.csv 'c 1.parquet' --out images` goes on" in done.err


def test_a_copy_of_an_unfinished_folder_is_not_taken_for_a_whole_one(
    rows, tmp_path, monkeypatch, cli
):
    interrupt(monkeypatch, 9)
    with pytest.raises(KeyboardInterrupt):
        jumpduck.download(rows, tmp_path / "images", connections=1)
    hidden = shutil.ignore_patterns(".jumpduck")
    copy = Path(shutil.copytree(tmp_path / "images", tmp_path / "copy", ignore=hidden))
    assert counts(jumpduck.verify(copy)) == {"left": rows.height - 9}
    plates = jumpduck.status(copy).plates
    assert plates.select("done", "left").sum().row(0) == (9, rows.height - 9)
    assert cli("verify", "--out", "copy").code == 3
    assert f"{rows.height - 9} not fetched" in cli("status", "--out", "copy").err


@pytest.mark.slow
def test_a_manifest_that_names_other_urls_fetches_them(rows, whole, out):
    other = rows.with_columns(pl.col("url").shift(-1).fill_null(rows["url"][0]))
    lacking = jumpduck.verify(out, manifest=other)
    assert counts(lacking) == {"left": rows.height}
    results = jumpduck.download(other, out)
    assert set(results["status"]) == {"fetched"}
    assert facts(out)["url"].to_list() == other.sort("path")["url"].to_list()
    before = dict(facts(whole).select("url", "checksum").rows())
    assert dict(facts(out).select("url", "checksum").rows()) == before
    assert jumpduck.verify(out).is_empty()


def test_a_run_that_was_killed_before_it_wrote_what_it_was_asked_for_has_nothing_to_verify(
    tmp_path,
):
    (tmp_path / ".jumpduck" / "asked").mkdir(parents=True)
    for verb in (jumpduck.verify, jumpduck.status):
        with pytest.raises(StoreError, match="was not filled by jumpduck"):
            verb(tmp_path)


def test_two_plates_do_not_share_a_path(rows, tmp_path):
    mine = rows.head(4).with_columns(path="all/" + pl.col("Metadata_Channel"))
    jumpduck.download(mine, tmp_path)
    before = files(tmp_path)
    other = mine.with_columns(Metadata_Plate=pl.lit("other"), url=rows["url"].slice(5, 4))
    for _ in range(2):
        with pytest.raises(ManifestError, match="is that of a file of plate"):
            jumpduck.download(other, tmp_path)
    assert files(tmp_path) == before
    assert jumpduck.verify(tmp_path).is_empty()


@pytest.mark.parametrize("name", ["*.json", "*.parquet"])
@first_quick(2, "text", ["", "{}", "null", "[]", '{"number": null}', "[" * 100_000])
def test_a_torn_record_of_what_was_asked_for_says_what_to_remove(rows, out, name, text):
    (file,) = (out / ".jumpduck" / "asked").glob(name)
    file.write_text(text)
    for verb in (jumpduck.status, jumpduck.verify, lambda out: jumpduck.download(rows, out)):
        with pytest.raises(StoreError, match=r"remove .*\.\*, and run the same"):
            verb(out)
    for file in (out / ".jumpduck" / "asked").iterdir():
        file.unlink()
    assert set(jumpduck.download(rows, out)["status"]) == {"present"}


def test_lines_of_a_journal_that_are_not_rows_are_passed_over(rows, out):
    folder = OutputFolder(out)
    (key,) = folder.plates.plate_keys()
    journal = folder.plates.files()[0].with_suffix(".jsonl")
    odd = ["1", "null", '"x"', "{}", "[" * 100_000, '{"columns": 1}', '{"columns": {"path": 1}}']
    journal.write_text("\n".join([*odd, '{"path": 3, "Metadata_Channel": "DNA"}', "{"]))
    assert folder.plates.read(key).height == rows.height
    assert jumpduck.verify(out).is_empty()
    jumpduck.download(rows, out)
    assert not journal.exists()


def test_tables_of_plates_that_were_lost_are_made_again_from_the_results(rows, out):
    before = facts(out)
    for file in OutputFolder(out).plates.files():
        file.unlink()
    jumpduck.download(of_another_plate(rows.head(1)), out)
    now = facts(out)
    assert now.filter(pl.col("Metadata_Plate") != "other").equals(before)
    assert now.height == before.height + 1


@pytest.mark.slow
def test_images_of_a_plate_have_one_size_also_over_several_manifests(rows, tmp_path):
    odd = tmp_path / "odd.tiff"
    tifffile.imwrite(odd, np.ones((90, 90), np.uint16))
    first = rows.head(1).with_columns(url=pl.lit(str(odd)))
    for some in (first, rows.tail(rows.height - 1)):
        jumpduck.download(some, tmp_path / "out", crop=0)
    results = facts(tmp_path / "out")
    assert results.filter(status="corrupt")["url"].to_list() == [str(odd)]
    assert len(files(tmp_path / "out")) == rows.height - 1


@pytest.mark.slow
def test_all_images_of_a_plate_have_the_same_levels_whatever_was_there_before(rows, tmp_path):
    jumpduck.download(rows, tmp_path / "whole", recipe="png8-plate")
    jumpduck.download(rows, tmp_path / "begun", recipe="png8-plate", limit=10)
    results = jumpduck.download(rows, tmp_path / "begun", recipe="png8-plate")
    assert files(tmp_path / "begun") == files(tmp_path / "whole")
    assert counts(results)["fetched"] > rows.height - 10
    again = jumpduck.download(rows, tmp_path / "begun", recipe="png8-plate")
    assert counts(again) == {"present": rows.height}
