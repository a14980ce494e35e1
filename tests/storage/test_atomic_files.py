import os

import pytest

from jumpduck.errors import StoreError
from jumpduck.storage.atomic_files import (
    PART_SUFFIX,
    PartFiles,
    atomic_path,
    atomic_write,
    refuse_links,
    sizes_in,
    sync_part,
    writable_folder,
    write_part,
)


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
    part = PartFiles().path_for(target)
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


def test_no_two_part_files_have_one_name(tmp_path):
    one, other = PartFiles(), PartFiles()
    target = tmp_path / "image.png"
    names = {parts.path_for(target) for parts in (one, other) for _ in range(100)}
    assert len(names) == 200


def test_part_files_of_other_runs_are_removed_and_nothing_else(tmp_path):
    mine, other = PartFiles(), PartFiles()
    left = other.path_for(tmp_path / "image.png")
    stays = [
        mine.path_for(tmp_path / "image.png"),
        tmp_path / ".own.part",
        tmp_path / f"named{other.path_for(tmp_path / 'x').name}",
    ]
    for file in (left, *stays):
        file.touch()
    folder = other.path_for(tmp_path / "image.png")
    folder.mkdir()
    mine.remove_others(tmp_path)
    assert set(tmp_path.iterdir()) == {*stays, folder}
    mine.remove_others(tmp_path / "nothing")


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
