"""The report as a reader sees and uses it, in Chromium."""

import re

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.rows import PLATE_KEY
from tests.support import measured_folders
from tests.support.browser import DESKTOP, PHONE, axe_problems, open_browser, open_file

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>é\u202e" + "x" * 300


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def results():
    """Three plates of three sources: a well without focus, a failed image, a hostile name."""
    well, channel = pl.col("Metadata_Well"), pl.col("Metadata_Channel")
    first = pl.col("Metadata_Plate") == "P000"
    gone = first & (well == "B02") & (pl.col("Metadata_Site") == 1) & (channel == "DNA")
    table = measured_folders.table(plates=3, wells=48, sites=2)
    return table.with_columns(
        focus=pl.when(first & (well == "C05")).then(9 * pl.col("focus")).otherwise("focus"),
        mean=pl.when(gone).then(None).otherwise("mean"),
        status=pl.when(gone).then(pl.lit("missing")).otherwise("status"),
        error=pl.when(gone).then(pl.lit(HOSTILE)),
        known_issue=pl.when(first & (well == "D01")).then(pl.lit(HOSTILE)),
        Metadata_Name=pl.when(well == "A01").then(pl.lit(HOSTILE)).otherwise("Metadata_Name"),
    )


@pytest.fixture(scope="module")
def file(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "images"
    return jumpduck.report(measured_folders.write(folder, results, edge=24)).path


def loaded(page):
    """Wait until both charts are drawn."""
    page.wait_for_selector("#quality-chart svg")
    page.wait_for_selector("#map-chart svg")
    return page


def rows_of(page, table):
    return page.locator(f"#{table} tbody tr").all_inner_texts()


def column_of(page, table, title):
    heads = page.locator(f"#{table} thead th").all_inner_texts()
    place = [re.sub(r"\s+", " ", head).strip() for head in heads].index(title)
    return [row.split("\t")[place] for row in rows_of(page, table)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_every_reader_can_use_it(browser, file, size, scheme):
    with open_file(browser, file, size, scheme) as page:
        loaded(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert axe_problems(page) == []
        wide = "all => all.filter((one) => one.scrollWidth > one.clientWidth).length"
        assert size == PHONE or page.locator(".scroll").evaluate_all(wide) == 0
        first = page.locator("#wells-table tbody button").first
        frame = page.locator("#wells-table .scroll").bounding_box()
        assert first.bounding_box()["x"] - frame["x"] >= 5, "the frame of the focus is cut off"
        first.click()
        assert page.locator("dialog").bounding_box()["width"] <= size[0]
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert axe_problems(page) == []


def test_tables_are_sorted_and_searched_with_the_keyboard(browser, file, results):
    plates = results.group_by(PLATE_KEY).agg(pl.len(), pl.col("status").eq("fetched").sum())
    images = {key[2]: counts for *key, counts, _ in plates.rows()}
    with open_file(browser, file) as page:
        loaded(page)
        shown = dict(zip(column_of(page, "plates-table", "Plate"),
                         column_of(page, "plates-table", "Images"), strict=True))  # fmt: skip
        assert {plate: int(count) for plate, count in shown.items()} == images
        button = page.locator("#plates-table thead button", has_text="Missing")
        button.focus()
        page.keyboard.press("Enter")
        head = page.locator("#plates-table thead th", has_text="Missing")
        assert head.get_attribute("aria-sort") == "descending"
        assert column_of(page, "plates-table", "Missing") == ["1", "0", "0"]
        page.keyboard.press("Space")
        assert head.get_attribute("aria-sort") == "ascending"
        assert column_of(page, "plates-table", "Missing") == ["0", "0", "1"]
        page.get_by_label("Search in Images by plate").fill("source_2")
        assert column_of(page, "plates-table", "Plate") == ["P001"]
        assert "1 of 3 rows" in page.locator("#plates-table [role=status]").inner_text()


def test_the_wells_of_a_plate_are_reached_from_chart_table_and_keyboard(browser, file):
    with open_file(browser, file) as page:
        loaded(page)
        page.get_by_label("Search in Wells of plate P000").fill("B02")
        assert column_of(page, "wells-table", "Status") == ["missing"]
        page.keyboard.press("Tab")
        page.locator("#wells-table tbody button").focus()
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        assert dialog.get_by_role("heading", level=2).inner_text() == "Well B02 of plate P000"
        assert dialog.get_by_role("img").count() == 2 * 5 - 1
        assert "missing" in dialog.locator(".hole").inner_text()
        assert (
            dialog.locator("img").first.evaluate("one => one.complete && one.naturalWidth") == 128
        )
        page.keyboard.press("Escape")
        assert not dialog.is_visible()
        assert page.evaluate("document.activeElement.textContent") == "B02"

        page.get_by_label("Plate", exact=True).select_option(label="2: P001 (source_2 / Batch1)")
        page.locator("#map-chart svg path[fill]").nth(20).wait_for()
        page.locator("#map-chart .mark-rect.role-mark path").nth(13).click()
        title = dialog.get_by_role("heading", level=2).inner_text()
        assert re.fullmatch(r"Well \w+ of plate P001", title)
        page.get_by_role("button", name="Close").click()
        assert not dialog.is_visible()


def test_the_well_that_was_planted_is_the_brightest_of_the_map(browser, file):
    with open_file(browser, file) as page:
        loaded(page)
        page.get_by_label("Colour").select_option(label="Focus: ER")
        marks = page.locator("#map-chart .mark-rect.role-mark path")
        page.wait_for_function(
            "document.querySelector('#map-chart').textContent.includes('Focus: ER')"
        )
        fills = marks.evaluate_all("all => all.map((one) => getComputedStyle(one).fill)")
        wells = marks.evaluate_all("all => all.map((one) => one.__data__.datum.well)")
        light = [np.array(list(map(int, re.findall(r"\d+", fill)))).sum() for fill in fills]
        assert wells[int(np.argmax(light))] == "C05"
        assert len(wells) == 48


def test_what_stands_out_and_what_failed_is_listed(browser, file):
    with open_file(browser, file) as page:
        loaded(page)
        assert set(column_of(page, "outliers-table", "Well")) == {"C05"}
        assert column_of(page, "faults-table", "Well") == ["B02"]
        assert HOSTILE in column_of(page, "faults-table", "Reason")[0]
        assert column_of(page, "issues-table", "Images") == ["10"]


def test_wells_are_listed_as_on_the_plate(browser, tmp_path, results):
    wells = ["AA01", "B10", "Z02", "B09"]
    rows = pl.concat(results.head(1).with_columns(Metadata_Well=pl.lit(one)) for one in wells)
    made = jumpduck.report(measured_folders.write(tmp_path / "images", rows, edge=24))
    with open_file(browser, made.path) as page:
        loaded(page)
        shown = ["B09", "B10", "Z02", "AA01"]
        assert column_of(page, "wells-table", "Well") == shown
        button = page.locator("#wells-table thead button", has_text="Well")
        button.click()
        assert column_of(page, "wells-table", "Well") == shown
        button.click()
        assert column_of(page, "wells-table", "Well") == shown[::-1]


def test_a_folder_of_one_image_and_one_of_which_nothing_came_are_shown(browser, tmp_path, results):
    one = results.head(1)
    measures = ("mean", "focus", "saturated")
    none = one.with_columns(pl.lit(None, pl.Float64).alias(name) for name in measures)
    none = none.with_columns(status=pl.lit("failed"), error=pl.lit("timeout"))
    odd = one.with_columns(Metadata_Well=pl.lit("well 7"))
    for name, rows in (("one", one), ("none", none), ("odd", odd)):
        made = jumpduck.report(measured_folders.write(tmp_path / name, rows, edge=24))
        with open_file(browser, made.path, PHONE) as page:
            page.wait_for_selector("#quality-chart svg")
            page.locator("#wells-table tbody button").click()
            dialog = page.get_by_role("dialog")
            assert dialog.locator("li").count() == 1
            assert dialog.locator("img").count() == (name != "none")


def test_every_colour_is_drawn_where_no_modality_is_known_and_roles_are_words_of_the_language(
    browser, tmp_path, results
):
    odd = {"A01": "constructor", "A02": "toString", "A03": "__proto__"}
    role = pl.col("Metadata_Well").replace_strict(odd, default="trt")
    rows = results.with_columns(Metadata_pert_type=role)
    made = jumpduck.report(measured_folders.write(tmp_path / "images", rows, edge=24))
    with open_file(browser, made.path, PHONE) as page:
        loaded(page)
        for place in range(page.locator("#colour option").count()):
            before = page.query_selector("#map-chart svg")
            page.locator("#colour").select_option(index=place)
            page.wait_for_function(
                "svg => ![null, svg].includes(document.querySelector('#map-chart svg'))", arg=before
            )
