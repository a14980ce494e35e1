import errno
import os
from pathlib import Path

import pytest

from jumpduck.errors import StoreError
from jumpduck.schema import RESULTS
from jumpduck.storage.atomic_files import (
    PART_SUFFIX,
    atomic_path,
    atomic_write,
    make_folder,
    part_path,
    refuse_links,
    remove_parts,
    sizes_in,
    sync_folder,
    sync_part,
    writable_folder,
    write_part,
)
from jumpduck.transfer.plate_tables import PlateTables

RUN, OTHER_RUN = "0" * 16, "1" * 16


def test_a_file_has_its_name_only_when_it_is_complete(tmp_path):
    target = tmp_path / "table"
    atomic_write(target, b"old")
    with atomic_path(target) as part:
        part.write_bytes(b"new")
        assert part.name.endswith(PART_SUFFIX)
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "table"
    target.write_bytes(b"old")

    def stop_in_the_middle():
        with atomic_path(target) as part:
            part.write_bytes(b"half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stop_in_the_middle()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_part_file_is_hidden_and_its_folder_is_made(tmp_path):
    target = tmp_path / "a" / "b" / "image.png"
    part = part_path(RUN, target, 1)
    file = write_part(target, part, memoryview(b"pixels"))
    sync_part(file)
    os.close(file)
    assert part.name.startswith(".")
    assert part.parent == target.parent
    assert part.read_bytes() == b"pixels"


def test_a_part_file_is_not_written_through_a_link(tmp_path):
    (tmp_path / "precious").write_bytes(b"keep")
    part = tmp_path / f".image.png{PART_SUFFIX}"
    part.symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        write_part(tmp_path / "image.png", part, b"pixels")
    assert (tmp_path / "precious").read_bytes() == b"keep"


def test_part_files_of_runs_that_have_ended_are_removed_and_nothing_else(tmp_path):
    going_on = "2" * 16
    left = part_path(OTHER_RUN, tmp_path / "image.png", 1)
    stays = [
        part_path(RUN, tmp_path / "image.png", 1),
        part_path(going_on, tmp_path / "image.png", 1),
        tmp_path / ".own.part",
        tmp_path / f"named{part_path(OTHER_RUN, tmp_path, 2).name}",
    ]
    for file in (left, *stays):
        file.touch()
    folder = part_path(OTHER_RUN, tmp_path / "image.png", 3)
    folder.mkdir()
    remove_parts(tmp_path, {RUN, going_on}.__contains__)
    assert set(tmp_path.iterdir()) == {*stays, folder}
    remove_parts(tmp_path / "nothing", lambda run: False)


def test_sizes_are_those_of_plain_files(tmp_path):
    (tmp_path / "a.png").write_bytes(b"12345")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a.png")
    assert sizes_in(tmp_path) == {"a.png": 5}
    assert sizes_in(tmp_path / "nothing") == {}


def test_a_path_through_a_link_or_a_file_is_refused(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    (tmp_path / "file").touch()
    refuse_links(tmp_path, "plain/not-yet")
    with pytest.raises(StoreError, match="is a link"):
        refuse_links(tmp_path, "link/below")
    with pytest.raises(StoreError, match="is not a folder"):
        refuse_links(tmp_path, "file")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write to"):
        writable_folder(tmp_path / "file" / "below")
    assert writable_folder(tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """What was done to the disk, in order: ("sync" | "replace" | "unlink", path)."""
    done = []

    def note(name, path):
        if Path(path).is_relative_to(tmp_path):
            done.append((name, str(Path(path).relative_to(tmp_path))))

    fsync, replace, unlink = os.fsync, Path.replace, Path.unlink

    def noting_fsync(file):
        note("sync", Path(f"/proc/self/fd/{file}").readlink())
        fsync(file)

    def noting_replace(path, target):
        note("replace", target)
        return replace(path, target)

    def noting_unlink(path, **options):
        if path.exists():
            note("unlink", path)
        return unlink(path, **options)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    monkeypatch.setattr(Path, "unlink", noting_unlink)
    return done


linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc is of Linux")


@linux
def test_each_new_folder_is_on_the_disk_before_its_first_file(steps, tmp_path):
    for make in (make_folder, writable_folder, lambda folder: _write(folder / "x")):
        steps.clear()
        name = f"new{id(make)}"
        make(tmp_path / name / "b" / "c")
        folders = [path for step, path in steps if step == "sync"]
        assert set(folders[:3]) == {".", name, f"{name}/b"}, make
        steps.clear()
        make_folder(tmp_path / name / "b" / "c")
        assert steps == [], "a folder that was there costs nothing"


def _write(target):
    os.close(write_part(target, target.with_name(f".x{PART_SUFFIX}"), b"x"))


@linux
def test_a_journal_goes_only_when_the_name_of_its_table_is_on_the_disk(steps, tmp_path):
    tables = PlateTables(tmp_path / "plates", tmp_path / "results.parquet")
    row = dict.fromkeys(RESULTS) | {"path": "a/b", "Metadata_Channel": "DNA", "status": "fetched"}
    tables.append(("s", "b", "p"), [row], RESULTS)
    assert steps[-2:] == [("sync", "plates/s/b/p.jsonl"), ("sync", "plates/s/b")]
    tables.close_journals()
    table = steps.index(("replace", "plates/s/b/p.parquet"))
    assert steps.index(("sync", "plates/s/b"), table) < steps.index(
        ("unlink", "plates/s/b/p.jsonl")
    )
    assert tables.read(("s", "b", "p"))["path"].to_list() == ["a/b"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EIO])
def test_a_file_system_that_cannot_sync_is_written_to_and_one_that_fails_is_not(
    number, monkeypatch, tmp_path
):
    def refuse(file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    if number == errno.EIO:
        with pytest.raises(OSError, match="error"):
            sync_folder(tmp_path)
        return
    atomic_write(tmp_path / "table", b"new")
    make_folder(tmp_path / "a" / "b")
    part = tmp_path / "c" / f".image.png{PART_SUFFIX}"
    file = write_part(part.with_name("image.png"), part, b"pixels")
    sync_part(file)
    os.close(file)
    assert (part.read_bytes(), (tmp_path / "table").read_bytes()) == (b"pixels", b"new")
