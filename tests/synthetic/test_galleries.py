"""The small galleries of the demo."""

import sys

import pytest

from jumpduck.synthetic.galleries import write_small_gallery
from tests.support.examples import first_quick


@first_quick(2, "collection", ["cpg", "idr", "bbbc021", "jump_lite"])
@pytest.mark.slow
def test_a_small_gallery_is_written_again_where_it_is(collection, tmp_path):
    first, second = (write_small_gallery(collection, tmp_path) for _ in range(2))
    assert (first.options, first.images) == (second.options, second.images)


@pytest.mark.slow
def test_the_demo_of_the_idr_leaves_out_what_needs_an_extra_that_is_not_there(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyfive", None)
    assert write_small_gallery("idr", tmp_path).options["studies"] == ["S-BIAD851", "idr0035"]
