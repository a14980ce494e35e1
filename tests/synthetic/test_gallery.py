"""The gallery that is drawn for the demo and for the tests."""

import pytest

from jumpduck.synthetic.gallery import write_gallery
from tests.support.folders import files


@pytest.mark.slow
def test_the_same_gallery_is_written_every_time(tmp_path):
    made = [write_gallery(tmp_path / name, edges=(16, 24)) for name in "ab"]
    assert files(made[0].gallery) == files(made[1].gallery)
    assert files(made[0].metadata) == files(made[1].metadata)
    others = 3 + 2  # the load_data of three plates, and two tables of profiles
    assert len(files(made[0].gallery)) == made[0].files + others
