"""What the pages say is true: commands, output, Python, names of tests, links and estimates."""

import re
import shlex

import pytest

from jumpduck.cli import app
from jumpduck.collections.base import REQUIRED, REQUIRED_MACROS
from jumpduck.rows import SITE_KEY
from tests.support.pages import (
    PAGES,
    blocks,
    matches,
    name_of,
    named_commands,
    prose,
    run_page,
)
from tests.support.places import DATA, ROOT

README = ROOT / "README.md"
WITH_CODE = [
    page for page in PAGES if any(block.language in ("console", "python") for block in blocks(page))
]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_commands_and_python_of_a_page_run_and_print_what_it_says(
    page, demo, tmp_path, monkeypatch
):
    run_page(page, demo[0], tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name.startswith("from-") or page.name == "profile-images.md"],
    ids=name_of,
)
def test_commands_that_a_page_only_names_parse(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = named_commands(page)
    assert commands
    for command in commands:
        words = shlex.split(command, comments=True)[1:]
        app.parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_shows(demo):
    (block,) = (one for one in blocks(README) if one.note == "install")
    (shown,) = (shown for command, shown in block.commands() if command == "jumpduck demo")
    assert matches(shown, demo[1])


@pytest.mark.real
def test_the_estimates_for_the_real_jump_follow_from_the_published_numbers():
    import polars as pl

    folder = DATA / "jump_metadata"
    tables = {
        name: pl.read_csv(folder / file, infer_schema=False)
        for name, file in {
            "plates": "plate.csv.gz",
            "wells": "well_v0.2.0.csv.gz",
            "counts": "stats/cpg0016_well_count.csv",
            "bytes": "stats/cpg0016_source_images_size.csv",
            "tiffs": "stats/cpg0016_source_images_tiff_count.csv",
        }.items()
    }
    sizes = tables["bytes"].join(tables["tiffs"], on="source")
    mean = sizes.select("source", mean=pl.col("bytes").cast(float) / pl.col("tiffs").cast(float))
    key = ["Metadata_Source", "Metadata_Plate"]
    chosen = tables["plates"].filter(
        pl.col("Metadata_Source") == "source_3", pl.col("Metadata_PlateType") == "TARGET2"
    )
    of_plates = 5 * tables["wells"].join(chosen, on=key).height
    of_all = tables["counts"].join(mean, left_on="Metadata_Source", right_on="source")
    wells = pl.col("n_wells").cast(float)
    gigabyte, kept, bytes_a_second = 1e9, 212_000, 125e6
    per_file = mean.filter(pl.col("source") == "source_3")["mean"].item()
    fetched = of_plates * per_file
    everything = of_all.select((5 * wells * pl.col("mean")).sum()).item()
    files = of_all.select((5 * wells).sum()).item()
    text = README.read_text()
    assert chosen.height == 25
    for number in (
        f"{of_plates:,}",
        f"{fetched / gigabyte:.0f} GB",
        f"{of_plates * kept / gigabyte:.0f} GB",
        f"{fetched / bytes_a_second / 60:.0f} minutes",
        f"{5 * int(5 * gigabyte / per_file / 5):,}",
        f"{files / 1e6:.1f} million",
        f"{everything / 1e12:.0f} TB",
        f"{files * kept / 1e12:.1f} TB",
        f"{everything / bytes_a_second / 3600:.0f} hours",
    ):
        assert number in text, number


def test_the_readme_is_short():
    assert len(README.read_text().split()) <= 750


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file) if file else page
        assert place.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", place.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings]
            assert anchor in slugs, target


def test_every_page_is_listed_in_one_place():
    index = ROOT / "docs/README.md"
    listed = {(index.parent / link).resolve() for link in re.findall(r"\]\((.*?)\)", prose(index))}
    assert {*PAGES, ROOT / "docs/walk_through.py"} - {index} == listed
    assert "](docs/README.md)" in (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_just_recipes_that_a_page_names_exist(page):
    justfile = (ROOT / "justfile").read_text()
    recipes = set(re.findall(r"^([\w-]+)[^:=\n]*:(?!=)", justfile, re.MULTILINE))
    named = set(re.findall(r"(?:`|^\$ |^|&& )just ([a-z][\w-]*)", page.read_text(), re.MULTILINE))
    assert named <= recipes


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_tests_that_a_page_names_exist(page):
    there = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", page.read_text())
    assert [name for name in named if f"def {name}(" not in there] == []


def test_each_promise_has_a_test():
    text = (ROOT / "docs/guarantees.md").read_text()
    rows = re.findall(r"^\| (?!promise)([A-Z`].*?) \| (.*?) \|$", text, re.MULTILINE)
    assert len(rows) >= 15
    assert all("`test_" in tests or "the same tests" in tests for _, tests in rows)


def test_the_page_of_the_sql_names_all_that_a_collection_must_make():
    table = (ROOT / "sql/README.md").read_text().partition("## What a collection makes")[2]
    words = set(re.findall(r"\w+", table))
    site_key = set(SITE_KEY)  # the page calls it the site's key
    for relation, columns in REQUIRED.items():
        assert {relation, *columns} - site_key <= words, relation
    assert set(REQUIRED_MACROS) <= words


def test_the_architecture_names_modules_that_exist():
    text = (ROOT / "docs/architecture.md").read_text()
    modules = re.findall(r"`(\w+/(?:\w+\.py)?)`", text)
    assert len(modules) > 10
    places = (ROOT, ROOT / "src/jumpduck")
    assert [one for one in modules if not any((place / one).exists() for place in places)] == []
