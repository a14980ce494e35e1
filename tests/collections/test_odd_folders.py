"""A folder whose name DuckDB takes for a pattern is that folder alone, whatever lies beside it."""

import gzip
import tempfile

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError, StoreError
from jumpduck.synthetic.gallery import write_gallery
from tests.support.catalogs import by_command_line

pytestmark = pytest.mark.slow  # seconds of whole commands

ODD, BESIDE = "w[A]*?x", "wAbcx"
"""The second is one of the names that fit the first as a pattern."""

HEADER = (
    "#tax_id\tGeneID\tSymbol\tLocusTag\tSynonyms\tdbXrefs\tchromosome\tmap_location\tdescription"
    "\ttype_of_gene\tSymbol_from_nomenclature_authority\n"
)
ALIASES = HEADER + "9606\t5347\tPLK1\t-\t{}\t-\t1\t16p12\ta\tb\tPLK1\n"
NAMES = "broad_sample\tInChIKey\tpert_iname\ttarget_list\tmoa\nBRD-1\t{}\tone\tA\tb\n"
QUERIES = {
    "plates": "SELECT count(*) FROM jump.plates",
    "wells": "SELECT count(*) FROM jump.wells WHERE Metadata_Plate = 'beside'",
    "names": "SELECT count(*) FROM jump.annotation_files WHERE path IS NOT NULL",
    "sites": "SELECT count(*), count(DISTINCT Metadata_Plate) FROM jump.sites",
    "problems": "SELECT count(*) FROM jump.problems",
    "path": "SELECT count(*) FROM jump.load_data_files WHERE path LIKE '%wAbcx%'",
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Galleries, metadata and aliases in two folders; temporary files and the cache in the odd."""
    for name, in_it in ((ODD, "here"), (BESIDE, "beside")):
        made = write_gallery(tmp_path / name, edges=(16, 16))
        file = tmp_path / name / "metadata/JUMP-Target-2_compound_metadata.tsv"
        file.write_text(NAMES.format(in_it))
        aliases = tmp_path / name / "gene_info.gz"
        aliases.write_bytes(gzip.compress(ALIASES.format(in_it).encode()))
        for folder in ("temporary", "cache"):
            (tmp_path / name / folder).mkdir()
    for name, row in (("plate", "source_4,B,beside,ORF"), ("well", "source_4,beside,A01,x")):
        file = made.metadata / f"{name}.csv.gz"
        file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()) + f"{row}\n".encode()))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ODD / "temporary"))
    monkeypatch.setenv("JUMPDUCK_CACHE", str(tmp_path / ODD / "cache"))
    return tmp_path


def said(path):
    return {what: jumpduck.sql(query, path).row(0) for what, query in QUERIES.items()}


def test_a_catalog_is_of_the_folders_named_and_not_of_those_beside_them(folders, catalog):
    places = {name: str(folders / ODD / name) for name in ("gallery", "metadata")}
    path = folders / "w[A]*" / "c.duckdb"
    jumpduck.catalog(path, aliases=folders / ODD / "gene_info.gz", **places)
    assert jumpduck.find("here", path)["matched_by"].to_list() == ["alias"]
    assert jumpduck.manifest(path).height
    assert said(path) == {**said(catalog), "names": (1,)}


def test_the_duckdb_command_line_reads_the_folders_named_and_not_those_beside_them(
    folders, catalog
):
    named = (folders / ODD).rename(folders / "w[A]*x")  # with a ?, it finds no .csv.gz
    path = named / "c.duckdb"
    done = by_command_line(named / "gallery", named / "metadata", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert said(path) == {**said(catalog), "names": (1,)}


def test_a_site_index_is_the_file_named_and_not_one_beside_it(folders, catalog):
    with_images = "SELECT DISTINCT Metadata_Plate FROM jump.sites ORDER BY ALL"
    plates = jumpduck.sql(with_images, catalog)
    url = pl.format("s3://cellpainting-gallery/{}.tif", "Metadata_Plate").alias("URL_OrigDNA")
    key = "Metadata_Source", "Metadata_Batch", "Metadata_Plate"
    lines = jumpduck.sql(f"SELECT {', '.join(key)} FROM jump.plates", catalog).select(
        *key, url, Metadata_Well=pl.lit("A01"), Metadata_Site=pl.lit("1")
    )
    lines.write_parquet(folders / ODD / "index.parquet")
    lines.head(1).with_columns(Metadata_Plate=pl.lit("x")).write_parquet(
        folders / BESIDE / "index.parquet"
    )
    path = folders / "w[A]*" / "c.duckdb"
    jumpduck.catalog(
        path,
        gallery=str(folders / ODD / "gallery"),
        metadata=str(folders / ODD / "metadata"),
        index=str(folders / ODD / "index.parquet"),
    )
    assert jumpduck.sql(with_images, path).equals(plates)


def test_a_catalog_whose_path_duckdb_cannot_write_is_refused_in_one_line(gallery, tmp_path):
    with pytest.raises(StoreError, match=r"w\?x/c.duckdb: DuckDB writes no database"):
        jumpduck.catalog(tmp_path / "w?x/c.duckdb", gallery=str(gallery.gallery))


def test_find_reads_the_aliases_of_the_file_named(folders, catalog):
    aliases = folders / ODD / "gene_info.gz"
    assert jumpduck.find("here", catalog, aliases=aliases).height
    with pytest.raises(QueryError, match="there is no perturbation 'beside'"):
        jumpduck.find("beside", catalog, aliases=aliases)
