"""The plates of a catalog, each with what there is to see of it."""

import csv
import io
import json

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError

NAMES = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate"]


def test_each_plate_is_listed_with_the_wells_sites_and_light_of_its_images(catalog):
    plates = jumpduck.plates(catalog)
    sites = jumpduck.sql("FROM jump.sites", catalog)
    light = pl.col("image_channels").list.eval(pl.element().cast(pl.String).str.contains("Bright"))
    counted = sites.group_by(NAMES).agg(
        wells=pl.col("Metadata_Well").n_unique(),
        sites=pl.len(),
        brightfield=light.list.any().any(),
        estimated_gb=(pl.col("image_bytes") * pl.col("image_channels").list.len()).sum() / 1e9,
    )
    columns = [*NAMES, "wells", "sites", "brightfield"]
    assert plates.select(columns).equals(counted.select(columns).sort(NAMES), null_equal=True)
    assert plates["estimated_gb"].to_list() == pytest.approx(
        counted.sort(NAMES)["estimated_gb"].to_list()
    )


@pytest.mark.slow
def test_a_published_plate_without_images_in_the_catalog_has_0_wells(gallery, tmp_path, cli):
    places = {"gallery": str(gallery.gallery), "metadata": str(gallery.metadata)}
    path = tmp_path / "catalog.duckdb"
    jumpduck.catalog(path, plates=["JD5876c3"], **places)
    plates = jumpduck.plates(path)
    assert dict(plates.select("Metadata_Plate", "wells").rows()) == {
        "JD-CC9-R1-05": 0, "1000000001": 0, "JD5876c3": 3,
    }  # fmt: skip
    done = cli("plates")
    assert "1 of 3 plates with images in this catalog" in done.err
    assert "jumpduck catalog --plate NAME" in done.err


@pytest.mark.slow
def test_known_issues_of_a_plate_are_its_own_and_those_of_its_parts(gallery, tmp_path):
    path = tmp_path / "catalog.duckdb"
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(gallery.metadata))
    with duckdb.connect(str(path)) as con:
        con.execute("DELETE FROM jump.known_issues")
        con.execute("""
            INSERT INTO jump.known_issues VALUES
                ('source_3', NULL, 'JD5876c3', NULL, NULL, NULL, 'flag', 'turned', '#1'),
                ('source_3', NULL, 'JD5876c3', 'A01', NULL, NULL, 'drop', 'out of focus', '#2'),
                ('source_3', NULL, 'JD5876c3', 'A02', NULL, NULL, 'drop', 'out of focus', '#2')
        """)
    issues = dict(jumpduck.plates(path).select("Metadata_Plate", "known_issues").rows())
    assert issues == {"JD5876c3": "turned; out of focus", "JD-CC9-R1-05": None, "1000000001": None}


def test_plates_are_listed_by_source_batch_plate_and_type(catalog):
    def names(**asked):
        return jumpduck.plates(catalog, **asked)["Metadata_Plate"].to_list()

    assert names(sources="source_3") == ["JD5876c3"]
    assert names(plate_types="target2, compound") == ["1000000001", "JD5876c3"]
    assert names(batches=["Demo_Phenix1"], sources=["3", "13"]) == ["JD5876c3"]
    with pytest.raises(QueryError, match="no plate fits all that was asked for together"):
        names(sources="3", plate_types="CRISPR")
    with pytest.raises(QueryError, match="there is no plate 'JD5876'; did you mean JD5876c3"):
        names(plates="JD5876")


def test_the_verb_prints_tabs_csv_and_json(cli, catalog):
    of = ("plates", "--catalog", catalog, "--source", "3")
    tabs, commas = cli(*of).out, cli(*of, "--csv").out
    one = next(csv.DictReader(io.StringIO(tabs), delimiter="\t"))
    assert one == next(csv.DictReader(io.StringIO(commas)))
    assert (one["Metadata_Plate"], one["sites"], one["brightfield"]) == ("JD5876c3", "21", "true")
    assert json.loads(cli(*of, "--json").out)["plates"][0]["sites"] == 21
