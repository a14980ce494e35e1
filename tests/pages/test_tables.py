"""docs/tables.md says what the catalog and jumpduck.schema say."""

import importlib.util

from tests.support.places import ROOT


def test_the_page_of_tables_is_up_to_date(catalog):
    source = ROOT / "docs/tables.py"
    spec = importlib.util.spec_from_file_location("docs_tables", source)
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    written = tables.PAGE.read_text(encoding="utf-8")
    assert tables.page(catalog) == written, "run `just tables`, and look at what changed"


def test_each_table_of_the_catalog_and_each_of_its_columns_has_a_comment():
    text = (ROOT / "docs/tables.md").read_text(encoding="utf-8")
    assert "|  |\n" not in text
    assert "\n.\n" not in text
