"""An export that is ended somewhere goes on, and ends like one that was not."""

import signal
import subprocess
import sys
import time

import pytest

import jumpduck
from jumpduck.errors import StoreError
from jumpduck.exports import shards
from tests.support.command_line import process
from tests.support.examples import first_quick
from tests.support.exports import changed, exported, results

FORMS = ["loaddata", "webdataset", "huggingface"]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "MAX_SHARD_BYTES", 200_000)


def interrupt_after(images):
    """A progress that ends the run when so many images are done."""

    def progress(done, _of_all):
        if done >= images:
            raise KeyboardInterrupt

    return progress


@first_quick(1, "form", FORMS)
def test_an_export_that_was_interrupted_goes_on_and_has_the_same_bytes(form, images, tmp_path):
    jumpduck.export(form, images, tmp_path / "whole")
    whole = exported(tmp_path / "whole")
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        jumpduck.export(form, images, out, progress=interrupt_after(60))
    there = {path: (out / path).stat().st_ino for path in exported(out)}
    assert 0 < len(there) < len(whole)
    jumpduck.export(form, images, out)
    assert exported(out) == whole
    assert {path: (out / path).stat().st_ino for path in there} == there
    assert {entry.name for entry in (out / ".jumpduck").iterdir()} == {
        "export.json", "pieces.jsonl",
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_same_command_finds_and_mends_what_was_damaged(form, images, tmp_path):
    out = tmp_path / "out"
    jumpduck.export(form, images, out)
    whole = exported(out)
    pieces = [path for path in whole if path.endswith((".tar", ".parquet", "load_data.csv"))]
    damaged = bytearray(whole[pieces[0]])
    damaged[len(damaged) // 2] ^= 1
    (out / pieces[0]).write_bytes(damaged)
    (out / pieces[-1]).unlink()
    jumpduck.export(form, images, out)
    assert exported(out) == whole


def test_a_kept_file_that_changed_ends_the_export_before_its_shard_has_a_name(images, tmp_path):
    folder = changed(images, tmp_path, results(images))
    path = results(images)["path"][0]
    data = bytearray((folder / path).read_bytes())
    data[-20] ^= 1
    (folder / path).write_bytes(data)
    with pytest.raises(StoreError, match=r"another checksum.*verify --repair"):
        jumpduck.export("webdataset", folder, tmp_path / "out")
    assert list((tmp_path / "out").rglob("*000000.tar")) == []
    data[-20] ^= 1
    (folder / path).write_bytes(data)
    jumpduck.export("webdataset", folder, tmp_path / "out")
    jumpduck.export("webdataset", images, tmp_path / "whole")
    assert exported(tmp_path / "out") == exported(tmp_path / "whole")


def test_a_folder_of_something_else_stays_as_it_is(images, tmp_path):
    mine = tmp_path / "mine"
    (mine / "deep").mkdir(parents=True)
    (mine / "deep" / "notes.txt").write_text("x")
    with pytest.raises(StoreError, match="is not an export"):
        jumpduck.export("webdataset", images, mine)
    with pytest.raises(StoreError, match="is not an export"):
        jumpduck.export("webdataset", images, images)
    assert exported(mine) == {"deep/notes.txt": b"x"}
    out = tmp_path / "out"
    jumpduck.export("webdataset", images, out)
    before = exported(out)
    for more in ({"channels": "DNA"}, {"incomplete": True}):
        with pytest.raises(StoreError, match="has another export: webdataset of 25 sites"):
            jumpduck.export("webdataset", images, out, **more)
    with pytest.raises(StoreError, match="has another export"):
        jumpduck.export("huggingface", images, out)
    assert exported(out) == before


def test_a_file_of_the_users_where_a_shard_should_be_stays(images, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        jumpduck.export("webdataset", images, out, progress=interrupt_after(1))
    jumpduck.export("webdataset", images, tmp_path / "whole")
    last = out / max(path for path in exported(tmp_path / "whole") if path.endswith(".tar"))
    assert not last.exists()
    last.write_text("mine")
    with pytest.raises(StoreError, match="was not written by this export"):
        jumpduck.export("webdataset", images, out)
    assert last.read_text() == "mine"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Call to deprecated class Scaler:DeprecationWarning")
@pytest.mark.parametrize("form", [*FORMS, "ome-zarr"])
def test_an_export_that_is_killed_again_and_again_has_the_bytes_of_another(form, images, tmp_path):
    jumpduck.export(form, images, tmp_path / "whole")
    out = tmp_path / "out"
    journal = out / ".jumpduck" / "pieces.jsonl"
    script = (
        "from jumpduck.exports import shards; shards.MAX_SHARD_BYTES = 200_000; "
        f"import jumpduck; jumpduck.export({form!r}, {str(images)!r}, {str(out)!r})"
    )
    killed = 0
    for _ in range(2):
        before = journal.stat().st_size if journal.exists() else 0
        with subprocess.Popen([sys.executable, "-c", script]) as running:
            while running.poll() is None:
                if journal.exists() and journal.stat().st_size > before:
                    running.kill()
            killed += running.returncode == -signal.SIGKILL
    assert killed
    jumpduck.export(form, images, out)
    assert exported(out) == exported(tmp_path / "whole")


@pytest.mark.slow
def test_a_signal_ends_an_export_with_one_line_and_the_command_goes_on(images, tmp_path, cli):
    with process("export", "webdataset", images, "-o", "out", cwd=tmp_path) as running:
        while not (tmp_path / "out" / ".jumpduck").exists() and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate()
    assert running.returncode in (130, 3), said
    assert len(said.splitlines()) == 1
    assert cli("export", "webdataset", images, "-o", "out").code == 3
    jumpduck.export("webdataset", images, tmp_path / "whole")


@pytest.mark.parametrize("form", ["paths", "webdataset"])
def test_an_export_has_the_rows_that_it_began_with_although_a_run_replaces_them(
    form, images, tmp_path
):
    rows = results(images)
    folder = changed(images, tmp_path, rows)
    other = changed(images, tmp_path / "other", rows.head(1).drop("Metadata_Name"))

    def replace(done, _of_all):
        if not done:
            (other / "results.parquet").replace(folder / "results.parquet")

    end = ".csv" if form == "paths" else ""
    found = jumpduck.export(form, folder, tmp_path / f"out{end}", progress=replace)
    assert results(folder).height == 1
    whole = jumpduck.export(form, images, tmp_path / f"whole{end}")
    assert (found.sites, found.pieces) == (whole.sites, whole.pieces)
    if form == "webdataset":
        assert exported(found.out) == exported(whole.out)
    else:
        assert len(found.out.read_text().splitlines()) == found.images + 1
