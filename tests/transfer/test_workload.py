"""What a download takes on paper is arithmetic with the measured numbers of the pages."""

import re

import pytest

from jumpduck.recipes.registry import BUILT_IN
from jumpduck.transfer.workload import COSTS, Workload
from tests.support.places import ROOT

FLUORESCENCE = {"images": 40_600_000, "fetched_bytes": 96_000_000_000_000}


def test_all_of_jump_in_a_day_is_470_images_and_9_gigabits_a_second():
    one = Workload(**FLUORESCENCE)
    assert one.images_per_second == pytest.approx(470, abs=1)
    assert one.gbit_per_second == pytest.approx(8.9, abs=0.05)
    assert one.s3_share == pytest.approx(470 / 5500, abs=0.001)
    assert one.cores("png8") == pytest.approx(470 * 11.3 / 1000, abs=0.05)
    assert one.kept_gb("png8") == pytest.approx(40.6 * 212)
    assert one.kept_gb("raw") == 96_000


def test_ten_nodes_share_the_work_and_ask_s3_and_keep_as_much_as_one():
    one, ten = Workload(**FLUORESCENCE), Workload(**FLUORESCENCE, nodes=10)
    for recipe in COSTS:
        assert ten.cores(recipe) == pytest.approx(one.cores(recipe) / 10)
        assert ten.kept_gb(recipe) == one.kept_gb(recipe)
    assert ten.gbit_per_second == pytest.approx(one.gbit_per_second / 10)
    assert ten.s3_share == pytest.approx(one.s3_share)


def test_the_measured_numbers_are_those_of_the_page_of_recipes():
    page = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
    row = re.compile(r"^\| `([\w-]+)` \|[^|]*\| ([\d.]+)[^|]*\| ([\d.]+)[^|]*\|$", re.MULTILINE)
    there = {name: (float(size), float(ms)) for name, size, ms in row.findall(page)}
    assert set(COSTS) == set(BUILT_IN) == set(there)
    for name, cost in COSTS.items():
        size, ms = there[name]
        assert cost.recipe_ms == ms
        if cost.kept_bytes is not None:
            assert cost.kept_bytes / 1e6 == pytest.approx(size, abs=0.005)


def test_the_tables_on_paper_are_what_the_formula_gives():
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    nodes = [Workload(**FLUORESCENCE, nodes=count) for count in (1, 10)]
    busy = [", ".join(f"{one.cores(name):.{digits}f}" for name in ("png8", "jxl", "raw"))
            for one, digits in zip(nodes, (1, 2), strict=True)]  # fmt: skip
    one, ten = nodes
    assert f"| {one.images_per_second:.0f} | {ten.images_per_second:.0f} |" in page
    assert f"| {one.s3_share:.1%} | {ten.s3_share:.1%} |".replace("%", " %") in page
    assert f"| {one.gbit_per_second:.1f} | {ten.gbit_per_second:.2f} |" in page
    assert f"| {busy[0]} | {busy[1]} |" in page
    kept = dict(re.findall(r"^\| (`[^|]+`) \| ([\d.]+) \|$", page, re.MULTILINE))
    names = {name: size for some, size in kept.items() for name in re.findall(r"`([\w-]+)`", some)}
    assert names == {name: f"{one.kept_gb(name) / 1000:.1f}" for name in COSTS}
