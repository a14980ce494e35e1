import os

import pytest

from jumpduck.errors import StoreError
from jumpduck.storage.atomic_files import (
    PART_SUFFIX,
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
    file, part = write_part(target, memoryview(b"pixels"))
    sync_part(file)
    os.close(file)
    assert part.name == f".image.png{PART_SUFFIX}"
    assert part.parent == target.parent
    assert part.read_bytes() == b"pixels"


def test_a_part_file_is_not_written_through_a_link(tmp_path):
    (tmp_path / "precious").write_bytes(b"keep")
    (tmp_path / f".image.png{PART_SUFFIX}").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        write_part(tmp_path / "image.png", b"pixels")
    assert (tmp_path / "precious").read_bytes() == b"keep"


def test_sizes_are_those_of_plain_files_and_part_files_are_removed(tmp_path):
    (tmp_path / "a.png").write_bytes(b"12345")
    (tmp_path / f".b.png{PART_SUFFIX}").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a.png")
    assert sizes_in(tmp_path) == {"a.png": 5}
    assert not (tmp_path / f".b.png{PART_SUFFIX}").exists()
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
