"""What the pages say of torch is true, too."""

import pytest

from tests.support.pages import PAGES, blocks, name_of, run_page

pytestmark = pytest.mark.torch

WITH_TORCH = [page for page in PAGES if any(block.note == "torch" for block in blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_TORCH, ids=name_of)
def test_blocks_that_need_torch_run_and_print_what_the_page_says(page, demo, tmp_path, monkeypatch):
    run_page(page, demo[0], tmp_path, monkeypatch, torch=True)
