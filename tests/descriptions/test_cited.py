"""What to cite is what the images were published as."""

import json
import re

import polars as pl
import pytest

import jumpduck
from jumpduck.collections.references import citations, references
from jumpduck.database.sql_files import drivers


@pytest.fixture(scope="module")
def filled(catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cited")
    jumpduck.manifest(catalog, folder / "m.parquet", roles=["negcon"], channels=["DNA"])
    jumpduck.download(folder / "m.parquet", folder / "images")
    return folder


def test_each_line_of_a_collection_names_a_reference_with_a_doi_or_a_url():
    lines = {driver.stem: citations(driver.stem) for driver in drivers()}
    assert {name for name, known in lines.items() if not known} == {"own"}
    used = {one.key for known in lines.values() for one in known if one.key}
    assert used == set(references())
    assert all(one.doi or one.url for one in references().values())
    assert all(one.dataset or one.key for known in lines.values() for one in known)


def test_a_download_keeps_what_to_cite_in_its_folder(filled):
    found = jumpduck.cite(filled / "images")
    assert [one.name for one in found.datasets] == ["cpg0016-jump"]
    assert [one.key for one in found.references] == [
        "Chandrasekaran2023", "Weisbart2024", "CellPaintingGallery",
    ]  # fmt: skip
    assert (filled / "images" / "citation.txt").read_text() == found.text
    assert (filled / "images" / "citation.bib").read_text() == found.bibtex
    assert "cpg0016-jump (Chandrasekaran et al., 2023)" in found.text
    assert "AWS Open Data Sponsorship Program" in found.text
    assert "cpg0016-jump: CC0 1.0" in found.text
    assert re.findall(r"^@\w+\{(\w+),", found.bibtex, re.MULTILINE) == [
        *(one.key for one in found.references), "jumpduck",
    ]  # fmt: skip
    assert found.bibtex.count("{") == found.bibtex.count("}")


@pytest.mark.slow
def test_a_study_without_images_in_the_folder_is_not_cited(tmp_path):
    from jumpduck.synthetic.galleries import write_small_gallery

    gallery = write_small_gallery("idr", tmp_path)
    jumpduck.catalog(tmp_path / "c.duckdb", collection="idr", **gallery.options)
    rows = jumpduck.manifest(tmp_path / "c.duckdb")
    one = pl.col("Metadata_Source") == "idr0035"
    jumpduck.manifest(
        tmp_path / "c.duckdb", tmp_path / "m.parquet", where="Metadata_Source = 'idr0035'"
    )
    jumpduck.download(tmp_path / "m.parquet", tmp_path / "images", limit=4)
    assert rows["Metadata_Source"].n_unique() > rows.filter(one)["Metadata_Source"].n_unique()
    found = jumpduck.cite(tmp_path / "images")
    assert [(one.name, one.licence) for one in found.datasets] == [("idr0035", "CC BY 4.0")]
    assert [one.key for one in found.references] == ["Caie2010", "Williams2017"]


def test_what_is_not_known_is_said(filled, tmp_path):
    rows = pl.read_parquet(filled / "m.parquet").head(2)
    jumpduck.download(rows, tmp_path / "out")
    found = jumpduck.cite(tmp_path / "out")
    assert found.datasets == ()
    assert "does not say which collection" in found.text
    assert found.bibtex.startswith("@software{jumpduck,")


def test_the_command_prints_text_bibtex_or_json(filled, cli):
    run = cli("cite", filled / "images")
    assert (run.code, run.out) == (0, (filled / "images" / "citation.txt").read_text())
    run = cli("cite", filled / "images", "--bibtex")
    assert (run.code, run.out) == (0, (filled / "images" / "citation.bib").read_text())
    run = cli("cite", filled / "images", "--json")
    assert [one["name"] for one in json.loads(run.out)["datasets"]] == ["cpg0016-jump"]
    run = cli("cite", filled)
    assert run.code == 1
    assert "was not filled by jumpduck" in run.err


def test_a_citation_of_the_users_own_is_left(filled, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "citation.bib").write_text("@misc{mine,\n}\n")
    jumpduck.download(pl.read_parquet(filled / "m.parquet").head(1), tmp_path / "out")
    assert (tmp_path / "out" / "citation.bib").read_text() == "@misc{mine,\n}\n"
    assert (tmp_path / "out" / "citation.txt").is_file()
