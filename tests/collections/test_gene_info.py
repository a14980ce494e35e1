"""NCBI's gene_info: other names of genes, and the arms of the chromosomes that they lie on."""

import gzip

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import CatalogError, QueryError
from tests.support.examples import first_quick

HEADER = (
    "#tax_id\tGeneID\tSymbol\tLocusTag\tSynonyms\tdbXrefs\tchromosome\tmap_location\tdescription"
    "\ttype_of_gene\tSymbol_from_nomenclature_authority\tFull_name_from_nomenclature_authority"
    "\tNomenclature_status\tOther_designations\tModification_date\tFeature_type\n"
)


def line(gene, symbol, synonyms, arm, name="-", tax=9606):
    return (
        f"{tax}\t{gene}\t{symbol}\t-\t{synonyms}\t-\t1\t{arm}\ta 'gene' \"so\tprotein-coding"
        f"\t{name}\t-\tO\t-\t20260101\t-\n"
    )


TEXT = HEADER + "".join(
    [
        line(7157, "TP53", 'BCC7|LFS1|P53|TRP53|"q"', "17p13.1", "TP53"),
        line(672, "BRCA1", "IRIS|TP53|shared", "17q21.31"),
        line(5347, "PLK1", "PLK|STPK13|shared", "-"),
        line(999999, "OTHER", "P53", "Xq22", tax=10090),
    ]
)


@pytest.fixture(scope="module", params=["gz", pytest.param("plain", marks=pytest.mark.slow)])
def gene_info(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ncbi")
    if request.param == "plain":
        (file := folder / "Homo_sapiens.gene_info").write_text(TEXT)
    else:
        (file := folder / "Homo_sapiens.gene_info.gz").write_bytes(gzip.compress(TEXT.encode()))
    return file


@pytest.fixture(scope="module")
def knows(gallery, gene_info, tmp_path_factory):
    """A catalog that was made with the file."""
    path = tmp_path_factory.mktemp("aliases") / "c.duckdb"
    places = {"gallery": str(gallery.gallery), "metadata": str(gallery.metadata)}
    jumpduck.catalog(path, aliases=gene_info, **places)
    return path


@first_quick(
    4,
    ("name", "genes"),
    [
        ("p53", [("alias", "TP53")]),
        ("Trp-53", [("alias", "TP53")]),
        ('"q"', [("alias", "TP53")]),
        ("IRIS", [("alias", "BRCA1")]),
        ("shared", [("alias", "BRCA1"), ("alias", "PLK1")]),
        ("TP53", [("gene symbol", "TP53")]),
    ],
)
def test_a_gene_is_found_by_the_aliases_of_ncbi_and_a_symbol_is_not_the_alias_of_another(
    knows, name, genes
):
    found = jumpduck.find(name, knows).select("matched_by", "Metadata_Name").unique()
    assert sorted(found.rows()) == genes


def test_a_manifest_takes_an_alias_where_the_catalog_knows_it(knows):
    assert set(jumpduck.manifest(knows, genes="p53")["Metadata_Name"]) == {"TP53"}


def test_find_takes_a_file_of_ncbi_beside_a_catalog_without_one(catalog, gene_info):
    with pytest.raises(QueryError, match="file of NCBI: `jumpduck catalog --aliases FILE`"):
        jumpduck.find("p53", catalog)
    found = jumpduck.find(["p53", "PLK1", "shared"], catalog, aliases=gene_info)
    rows = (
        found.select("asked", "matched_by", "Metadata_Name").unique().sort("asked", "Metadata_Name")
    )
    assert rows.rows() == [
        ("PLK1", "gene symbol", "PLK1"),
        ("p53", "alias", "TP53"),
        ("shared", "alias", "BRCA1"),
        ("shared", "alias", "PLK1"),
    ]


@first_quick(2, "name", ["P-53", "Trp-53", "P.53", "shared"])
def test_a_file_of_ncbi_knows_the_spellings_that_a_catalog_with_it_knows(
    catalog, knows, gene_info, name
):
    found = []
    for asked in ({"catalog": knows}, {"catalog": catalog, "aliases": gene_info}):
        try:
            rows = jumpduck.find(name, **asked).select("matched_by", "Metadata_JCP2022")
        except QueryError:
            rows = pl.DataFrame()
        found.append(sorted(rows.rows()))
    assert found[0] == found[1]
    assert bool(found[0]) == (name != "P.53")


def test_a_site_says_the_chromosome_arm_of_its_gene(knows):
    query = """
        SELECT DISTINCT Metadata_Name, Metadata_Chromosome_Arm FROM jump.sites
        WHERE Metadata_modality = 'crispr' ORDER BY ALL
    """
    arms = dict(jumpduck.sql(query, knows).rows())
    assert arms == {"BRCA1": "17q", "PLK1": None, "TP53": "17p", "non-targeting": None}


OTHERS = {
    "absent.gz": None,
    "table.csv": b"Symbol,GeneID\nTP53,7157\n",
    "gene2refseq.gz": gzip.compress(b"#tax_id\tGeneID\tstatus\n9606\t1\t-\n"),
    "plain.gz": TEXT.encode(),
    "packed.tsv": gzip.compress(TEXT.encode()),
    "empty": b"",
    "short.tsv": b"#tax_id\tGeneID\tSymbol\n",
    "half.gz": gzip.compress(TEXT.encode())[:40],
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_file_is_refused_in_one_line_that_says_where_the_right_one_is(
    catalog, gallery, tmp_path, name
):
    file = tmp_path / name
    if OTHERS[name] is not None:
        file.write_bytes(OTHERS[name])
    with pytest.raises(QueryError, match=r"aliases .*Homo_sapiens\.gene_info\.gz") as error:
        jumpduck.find("p53", catalog, aliases=file)
    assert "\n" not in str(error.value)
    with pytest.raises((QueryError, CatalogError)) as error:
        jumpduck.catalog(tmp_path / "c.duckdb", gallery=str(gallery.gallery), aliases=file)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "c.duckdb").exists()


@pytest.mark.slow
def test_the_command_line_finds_an_alias_and_lists_the_wells(gallery, gene_info, cli):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    assert cli("catalog", *places).code == 0
    done = cli("find", "p53", "--aliases", gene_info, "--wells", "--csv")
    assert done.code == 0
    header, *rows = done.out.splitlines()
    assert header.startswith("asked,Metadata_Source,Metadata_Batch,Metadata_Plate,")
    assert {row.split(",")[-1] for row in rows} == {"alias"}
    assert "Metadata_pert_type,Metadata_modality" in header
    refused = cli("find", "p53", "--aliases", "catalog.duckdb")
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "--aliases" in refused.err


@pytest.mark.slow
def test_get_finds_a_gene_by_its_alias(gallery, gene_info, cli, tmp_path):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    done = cli("get", "p53", "--aliases", gene_info, "--per-well", "trt=1", "-o", "p53", *places)
    assert done.code == 0, done
    sites = pl.read_parquet(tmp_path / "p53" / "images" / "sites.parquet")
    assert set(sites["Metadata_Name"]) == {"TP53"}
