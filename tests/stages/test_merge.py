"""Several output folders become one, as if all had been downloaded into it."""

import json
import shutil
import time
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError, StoreError
from jumpduck.transfer.asked import AskedTables
from jumpduck.transfer.gathered_tables import GatheredTables
from jumpduck.transfer.merged_folders import MergedFolders
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.plate_tables import PlateTables
from tests.support.command_line import process
from tests.support.examples import first_quick
from tests.support.folders import files, same


@pytest.fixture(scope="module")
def made(catalog, tmp_path_factory):
    """A manifest, a folder with all of it, and a folder for each of its plates. Not to change."""
    place = tmp_path_factory.mktemp("made")
    jumpduck.manifest(catalog, path=place / "manifest.parquet", per_well={"trt": 2, "negcon": 1})
    jumpduck.download(place / "manifest.parquet", place / "whole")
    for number in (1, 2, 3):
        jumpduck.download(place / "manifest.parquet", place / f"p{number}", shard=f"{number}/3")
    return place


@pytest.fixture
def parts(made, tmp_path):
    """Copies of the folders of the plates, to change."""
    names = [f"p{number}" for number in (1, 2, 3)]
    return [Path(shutil.copytree(made / name, tmp_path / name)) for name in names]


def assert_is_whole(out, made):
    same(out, made / "whole")
    assert files(out).keys() == files(made / "whole").keys()
    sites = [pl.read_parquet(one / "sites.parquet") for one in (out, made / "whole")]
    assert sites[0].equals(sites[1].select(sites[0].columns))
    rows = pl.read_parquet(made / "manifest.parquet").height
    progress = jumpduck.status(out)
    assert (progress.plates["files"].sum(), progress.plates["left"].sum()) == (rows, 0)
    assert set(jumpduck.verify(out)["status"]) == {"missing"}
    again = jumpduck.download(made / "manifest.parquet", out)
    assert set(again["status"]) == {"present", "missing"}


def test_merged_folders_are_what_one_run_makes(made, parts, tmp_path):
    found = jumpduck.merge(parts, tmp_path / "images")
    assert found["folder"].to_list() == [str(part) for part in parts]
    assert found["files"].sum() == len(files(made / "whole"))
    assert (found["there"].sum(), found["gone"].sum()) == (0, 0)
    assert not any(part.exists() for part in parts)
    assert_is_whole(tmp_path / "images", made)


@first_quick(1, "into", ["one of them", "copies"])
@pytest.mark.slow
def test_a_folder_may_be_one_of_those_that_are_merged_and_others_may_stay(made, parts, into):
    before = [files(part) for part in parts]
    jumpduck.merge(parts, parts[0], copy=into == "copies")
    assert [part.exists() for part in parts] == [True, *[into == "copies"] * 2]
    if into == "copies":
        assert [files(part) for part in parts[1:]] == before[1:]
        assert jumpduck.status(parts[1]).plates["left"].sum() == 0
    assert_is_whole(parts[0], made)


def test_a_folder_without_hidden_files_is_merged(made, parts, tmp_path):
    shutil.rmtree(parts[1] / ".jumpduck")
    jumpduck.merge(parts, tmp_path / "images")
    same(tmp_path / "images", made / "whole")
    assert files(tmp_path / "images").keys() == files(made / "whole").keys()


@pytest.mark.slow
def test_files_on_another_disk_are_copied_and_compared(made, parts, tmp_path, monkeypatch):
    rename = Path.replace

    def other_disk(self, target):
        if self.suffix == ".png":
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", other_disk)
    damaged = parts[0] / next(iter(files(parts[0])))
    data = damaged.read_bytes()
    damaged.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    found = jumpduck.merge(parts, tmp_path / "images")
    assert found["gone"].to_list() == [1, 0, 0]
    assert jumpduck.status(tmp_path / "images").plates["left"].sum() == 1
    assert damaged.exists()  # what is not as the results say is not removed
    jumpduck.download(made / "manifest.parquet", tmp_path / "images")
    assert_is_whole(tmp_path / "images", made)


@pytest.mark.parametrize("copy", [False, pytest.param(True, marks=pytest.mark.slow)])
@first_quick(1, "place", ["_adopt_file", "remove_table", "add", "write", "empty"])
def test_a_merge_that_was_killed_goes_on(made, parts, tmp_path, monkeypatch, place, copy):
    """It is stopped at each place in turn, once at the first call and once in the middle."""
    owner = {
        "_adopt_file": MergedFolders,
        "remove_table": PlateTables,
        "add": AskedTables,
        "write": GatheredTables,
        "empty": MergedFolders,
    }[place]
    real, calls = getattr(owner, place), []
    stop = [2, {"_adopt_file": 120, "remove_table": 4, "add": 4}.get(place, 99)]

    def killed(*args):
        calls.append(args)
        if len(calls) in stop:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, place, killed)
        for _ in range(3):
            try:
                jumpduck.merge(parts, tmp_path / "images", copy=copy)
                break
            except KeyboardInterrupt:
                continue
    left = [part for part in parts if part.exists()]
    jumpduck.merge(left or [tmp_path / "images"], tmp_path / "images", copy=copy)
    assert [part.exists() for part in parts] == [copy] * 3
    assert_is_whole(tmp_path / "images", made)


@pytest.mark.slow
def test_the_same_file_in_two_folders_counts_once(made, parts, tmp_path):
    again = Path(shutil.copytree(parts[0], tmp_path / "again"))
    found = jumpduck.merge([*parts, again], tmp_path / "images")
    assert found["there"].to_list() == [0, 0, 0, len(files(made / "p1"))]
    assert not again.exists()
    assert_is_whole(tmp_path / "images", made)


@pytest.mark.slow
def test_different_files_of_one_path_are_refused_and_nothing_is_moved(cli, made, parts, tmp_path):
    jumpduck.download(made / "manifest.parquet", tmp_path / "other", shard="1/3", crop=64)
    before = [files(part) for part in (*parts, tmp_path / "other")]
    done = cli("merge", *parts, "other", "-o", "images")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert f"is in {parts[0]} and in other with different checksums" in done.err
    assert [files(part) for part in (*parts, tmp_path / "other")] == before
    assert not (tmp_path / "images").exists()
    for path in before[3]:  # the next step that the message names
        (tmp_path / "other" / path).unlink()
    jumpduck.merge([*parts, tmp_path / "other"], tmp_path / "images")
    assert files(tmp_path / "images").keys() == files(made / "whole").keys()


@pytest.mark.slow
def test_a_file_that_one_folder_could_not_have_comes_from_the_other(made, parts, tmp_path):
    rows = pl.read_parquet(made / "manifest.parquet")
    gone = rows.with_columns(url=pl.col("url") + ".gone")
    jumpduck.download(gone, tmp_path / "gone")
    jumpduck.merge([parts[0], tmp_path / "gone", *parts[1:]], tmp_path / "images")
    assert files(tmp_path / "images").keys() == files(made / "whole").keys()
    jumpduck.download(rows, tmp_path / "images")
    same(tmp_path / "images", made / "whole")


@pytest.mark.slow
def test_files_that_are_not_there_count_as_left(cli, made, parts, tmp_path):
    gone = next(iter(files(parts[1])))
    (parts[1] / gone).unlink()
    done = cli("merge", *parts, "-o", "images")
    assert done.code == 0
    assert "not there as the results say, therefore left: 1 file; `jumpduck status`" in done.err
    assert jumpduck.status(tmp_path / "images").plates["left"].sum() == 1
    jumpduck.download(made / "manifest.parquet", tmp_path / "images")
    assert_is_whole(tmp_path / "images", made)


@pytest.mark.slow
def test_what_was_asked_of_a_folder_and_is_left_is_asked_of_the_merged_one(
    cli, made, parts, tmp_path
):
    words = ("--manifest", made / "manifest.parquet", "--shard", "2/3", "--recipe", "png16")
    done = cli("download", *words, "--out", "unfinished", "--limit", "3")
    assert done.code == 0
    jumpduck.merge([parts[0], tmp_path / "unfinished"], tmp_path / "in one")
    runs = OutputFolder.read(tmp_path / "in one").asked.runs()
    commands = [str(run.notes["command"]) for run in runs]
    assert commands[0].endswith(f"--limit 3 --shard 2/3 --out '{tmp_path / 'in one'}'")


@pytest.mark.slow
def test_a_merge_whose_process_was_killed_again_and_again_goes_on(made, parts, tmp_path):
    out, every = tmp_path / "images", len(files(made / "whole"))
    for share in (0, 0.3, 0.6, 1):
        words = [part for part in parts if part.exists()]
        with process("merge", *words, "-o", out) as merge:
            while merge.poll() is None and len([*out.rglob("*.png")]) < max(1, share * every):
                time.sleep(0.001)
            merge.kill()
    left = [part for part in parts if part.exists()]
    jumpduck.merge(left or [out], out)
    assert not any(part.exists() for part in parts)
    assert_is_whole(out, made)


def test_a_folder_inside_of_one_that_is_merged_is_refused(cli, parts):
    before = files(parts[0])
    (parts[0] / "link").symlink_to(parts[0])
    for out in (parts[0] / "in", parts[0] / "link" / "a" / "b"):
        for more in ((), ("--dry-run",)):
            done = cli("merge", *parts, "-o", out, *more)
            assert (done.code, done.err.count("\n")) == (2, 1)
            assert f"--out {out} is inside of {parts[0]}, which is merged into it" in done.err
    (parts[0] / "link").unlink()
    assert files(parts[0]) == before


@pytest.mark.slow
def test_a_folder_that_is_being_filled_is_refused(cli, made, parts, tmp_path):
    seen = []

    def event(event):
        if event["event"] == "plan":
            for own in (parts[1], parts[0]):
                done = cli("merge", own, "p3", "-o", "images" if own == parts[1] else parts[1])
                seen.append((done.code, done.err))

    jumpduck.download(made / "manifest.parquet", parts[1], progress=event)
    for code, said in seen:
        assert code == 1
        assert "is being filled by another run" in said
    assert parts[0].exists()
    assert not (tmp_path / "images").exists()


def test_a_dry_run_counts_and_moves_nothing(cli, made, parts, tmp_path):
    before = [files(part) for part in parts]
    done = cli("merge", *parts, "-o", "images", "--dry-run", "--json")
    assert done.code == 0
    counted = json.loads(done.out)["folders"]
    assert sum(one["files"] for one in counted) == len(files(made / "whole"))
    assert [files(part) for part in parts] == before
    assert not (tmp_path / "images").exists()


def test_other_files_in_a_folder_stay(cli, parts, tmp_path):
    (parts[0] / "notes.txt").write_text("mine")
    done = cli("merge", *parts, "-o", "images")
    assert f"{parts[0]} keeps files that no results name" in done.err
    assert [file.name for file in parts[0].iterdir()] == ["notes.txt"]


def test_a_disk_without_space_for_a_small_merge_is_said_with_sizes(parts, tmp_path, monkeypatch):
    monkeypatch.setattr("jumpduck.transfer.merged_folders.free_bytes", lambda _place: 1_000)
    with pytest.raises(StoreError, match=r"have 0\.[\d]+ MB and 0\.0 MB are free"):
        jumpduck.merge(parts, tmp_path / "images", copy=True)
    assert not (tmp_path / "images").exists()


def test_what_is_not_an_output_folder_is_refused(cli, parts, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="was not filled by jumpduck"):
        jumpduck.merge([*parts, tmp_path / "empty"], tmp_path / "images")
    with pytest.raises(StoreError, match="is not there"):
        jumpduck.merge([*parts, tmp_path / "none"], tmp_path / "images")
    with pytest.raises(QueryError, match="name the output folders"):
        jumpduck.merge([], tmp_path / "images")
    assert cli("merge").code == 2
    assert all(part.exists() for part in parts)
