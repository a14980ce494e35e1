"""What a user names to be written is checked before it is made."""

import pytest

from jumpduck.errors import StoreError
from jumpduck.exports.export_folder import ExportFolder
from jumpduck.storage.replaced_files import is_png, refuse_other_file


@pytest.mark.parametrize("name", ["file/x.png", "file/new/x.png", "n" * 300 + ".png"])
def test_a_name_below_a_file_and_one_that_no_file_can_have_are_refused(tmp_path, name):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(StoreError, match=r"cannot write .*(is not a folder|too long)"):
        refuse_other_file(tmp_path / name, "a picture", is_png)
    with pytest.raises(StoreError, match=r"cannot write .*(is not a folder|too long)"):
        ExportFolder(tmp_path / name, {}).check()


def test_folders_that_are_not_there_yet_are_no_reason_to_refuse(tmp_path):
    refuse_other_file(tmp_path / "new" / "folder" / "x.png", "a picture", is_png)
    ExportFolder(tmp_path / "new" / "folder", {}).check()
    assert list(tmp_path.iterdir()) == []
