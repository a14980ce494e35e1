"""The same job over a real S3 server, read without credentials."""

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.rows import DONE
from tests.support.places import ROOT
from tests.support.web_server import web_server

pytestmark = pytest.mark.slow  # seconds of whole commands


@pytest.fixture(scope="module")
def over_s3(s3, tmp_path_factory):
    path = tmp_path_factory.mktemp("s3") / "catalog.duckdb"
    jumpduck.catalog(
        path,
        gallery="s3://cellpainting-gallery",
        metadata="s3://metadata",
        endpoint=s3.endpoint,
    )
    return path


SITES = """
    SELECT
        * EXCLUDE (site_number, plate_number, images),
        [image.channel FOR image IN images] AS channels,
        [url_decode(split_part(image.url, 'cpg0016', 2)) FOR image IN images] AS keys
    FROM jump.sites ORDER BY site_key
"""


def test_a_catalog_over_s3_holds_what_the_folder_holds(over_s3, catalog):
    with open_catalog(over_s3) as one, open_catalog(catalog) as other:
        assert frame(one, SITES).equals(frame(other, SITES))


def test_images_over_s3_are_those_from_the_folder(over_s3, catalog, gallery, tmp_path):
    one = {"sources": ["source_2"]}
    jumpduck.manifest(over_s3, path=tmp_path / "s3.parquet", **one)
    remote = jumpduck.download(tmp_path / "s3.parquet", tmp_path / "s3")
    local = jumpduck.download(jumpduck.manifest(catalog, **one), tmp_path / "local")
    assert set(remote["url"].str.extract("^(s3://[^/]+/)")) == {"s3://cellpainting-gallery/"}
    same = ["path", "status", "size", "checksum", "width", "height"]
    assert remote.select(same).sort("path").equals(local.select(same).sort("path"))
    done = remote.filter(pl.col("status").is_in(DONE))
    assert done["etag"].null_count() == 0
    assert remote.filter(pl.col("status") == "missing")["path"].to_list() == [gallery.missing]


def test_the_command_line_reads_s3_through_an_endpoint(cli, s3, tmp_path):
    places = ("--metadata", "s3://metadata", "--endpoint", s3.endpoint)
    assert cli("catalog", *places, "--source", "source_3").code == 0
    assert cli("manifest").code == 0
    # without --endpoint, because the manifest's file names it
    assert cli("download").code == 0


def test_a_mirror_over_http_serves_as_gallery_and_metadata(gallery, catalog, tmp_path):
    with web_server(gallery.gallery.parent) as root:
        path = tmp_path / "catalog.duckdb"
        jumpduck.catalog(path, gallery=f"{root}/gallery", metadata=f"{root}/metadata")
        rows = jumpduck.manifest(path, plates=["JD5876c3"])
        results = jumpduck.download(rows, tmp_path / "images")
    assert set(results["status"]) == {"fetched"}
    with open_catalog(path) as one, open_catalog(catalog) as other:
        assert frame(one, SITES).equals(frame(other, SITES))


def test_the_duckdb_command_line_builds_the_same_catalog_straight_off_s3(s3, catalog, tmp_path):
    """sql/jump.sql is run by the duckdb program, and its httpfs extension reads the bucket."""
    extension = next(Path(str(files("duckdb_extension_httpfs"))).rglob("httpfs.duckdb_extension"))
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    script = f"""
        LOAD '{extension}';
        CREATE SECRET (TYPE s3, PROVIDER config, ENDPOINT '{s3.endpoint.removeprefix("http://")}',
                       URL_STYLE 'path', USE_SSL false, REGION 'us-east-1');
        SET VARIABLE jump_metadata = 's3://metadata';
        .read sql/jump.sql
    """
    done = subprocess.run(
        [Path(sys.executable).parent / "duckdb", "-bail", "by_cli.duckdb"],
        input="\n".join(line.strip() for line in script.splitlines()),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with duckdb.connect(str(tmp_path / "by_cli.duckdb")) as one, open_catalog(catalog) as other:
        assert frame(one, SITES).equals(frame(other, SITES))
        sample = "SELECT site_key FROM sample_sites(jump.sites, seed := 7) ORDER BY ALL"
        assert frame(one, sample).equals(frame(other, sample))
