"""The Image Data Resource: what its published tables say, and where their images are."""

import csv
import gzip

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import CatalogError, QueryError, StoreError
from jumpduck.synthetic.idr import FOLDER, write
from tests.support.places import DATA
from tests.support.range_server import RangeServer

FTP = "https://ftp.ebi.ac.uk/pub/databases/IDR"
S3 = "https://uk1s3.embassy.ebi.ac.uk/bia-integrator-data"
MOVIES = "idr0013-neumann-mitocheck/20150916-mitocheck-analysis/mitocheck"
PLATE_OF_MOVIES = "LT0001_02--ex2005_11_16--sp2005_02_17--tt17--c3"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("idr")
    return write(folder), folder


@pytest.fixture(scope="module")
def catalog(small):
    made, folder = small
    path = folder / "catalog.duckdb"
    jumpduck.catalog(path, collection="idr", **made.options)
    return path


def built(folder, tables, **options):
    """The catalog of tables that are written into a folder."""
    for name, text in tables.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    path = folder / "catalog.duckdb"
    jumpduck.catalog(path, collection="idr", metadata=str(folder), **options)
    return path


def movie_tables(annotation):
    return {
        "idr0013-screenA-plates.tsv": f"LT0001_02\t../screens/{PLATE_OF_MOVIES}.screen\n",
        "idr0013-screenA-annotation.csv": annotation,
    }


ANNOTATED = (
    "Plate,Well,Plate Issues,Control Type,siRNA Identifier,Gene Symbol\n"
    "LT0001_02,A1,,positive control,,\n"
    "LT0001_02,A4,,positive control,,KIF11\n"
    "LT0001_02,P24,,,MCO_1,TP53\n"
    "LT0001_02,C7,,empty well,,\n"
    "LT0002_99,A4,plate missing,positive control,,KIF11\n"
)


def test_wells_doses_smiles_and_roles_are_read_as_their_publisher_means_them(catalog):
    query = """
        SELECT Metadata_Well, Metadata_pert_type, Metadata_Compound, Metadata_Dose,
            Metadata_Dose_Unit, Metadata_SMILES
        FROM idr.wells WHERE Metadata_Plate = 'Week1_22123' ORDER BY ALL
    """
    smiles = r"CC1=C2C(C(=O)C3(C)O/C=C/3)C2C\C=C1"
    assert jumpduck.sql(query, catalog).rows() == [
        ("B02", "negcon", "DMSO", None, None, None),
        ("B03", "trt", "taxol", 0.3, "micromolar", smiles),
        ("G10", "trt", "nocodazole", 1.0, "micromolar", None),
        ("G11", "negcon", "DMSO", None, None, None),
    ]


def test_an_image_is_the_file_of_its_channel_in_the_order_of_the_plates_own_file(catalog):
    # the annotation names the channels, too, but actin before tubulin
    rows = jumpduck.manifest(catalog, plates="Week8_38221", wells="B03", per_well="all")
    assert rows["Metadata_Site"].unique().sort().to_list() == [1, 2, 3, 4]
    for row in rows.iter_rows(named=True):
        digit = {"DAPI": 1, "Tubulin": 2, "Actin": 4}[row["Metadata_Channel"]]
        name = f"images/Week8_38221/Week8_4sites_B03_s{row['Metadata_Site']}_w{digit}"
        assert f"/{FOLDER}/{name}" in row["url"]


@pytest.mark.slow
def test_a_mirror_on_a_web_server_needs_no_listing(small, tmp_path):
    _, folder = small
    with RangeServer(folder) as server:
        places = {name: f"{server.address}/{name}" for name in ("gallery", "metadata")}
        path = tmp_path / "catalog.duckdb"
        jumpduck.catalog(path, collection="idr", studies=["idr0035"], **places)
        rows = jumpduck.manifest(path, perturbations="Nocodazole", per_well={"trt": 1})
        results = jumpduck.download(rows, tmp_path / "images")
    assert results["status"].to_list() == ["fetched"] * 6


@pytest.mark.slow
def test_a_catalog_of_some_plates_asks_for_no_file_of_the_others(small, tmp_path):
    made, folder = small
    with RangeServer(folder) as server:
        options = {**made.options, "metadata": f"{server.address}/metadata"}
        path = tmp_path / "catalog.duckdb"
        jumpduck.catalog(path, collection="idr", plates="week8_38221", **options)
        asked = [name for name, _ in server.requests if name.endswith(".screen")]
    assert [name.rpartition("/")[2] for name in asked] == ["Week8_38221.screen"]
    assert jumpduck.plates(path)["Metadata_Plate"].to_list() == ["Week8_38221"]


def test_a_frame_of_a_movie_is_a_site_with_a_path_of_its_own(tmp_path):
    catalog = built(tmp_path, movie_tables(ANNOTATED), studies=["idr0013-screenA"])
    rows = jumpduck.manifest(catalog, wells="A04", per_well="all")
    assert rows["Metadata_Frame"].to_list() == rows["Metadata_Site"].to_list()
    assert rows.height == rows["path"].n_unique() == 93
    one = rows.row(49, named=True)
    assert one["url"] == (
        f"{FTP}/{MOVIES}/{PLATE_OF_MOVIES}/hdf5/00004_01.ch5"
        "#dataset=/sample/0/plate/*/experiment/*/position/*/image/channel&index=0,49,0"
    )
    assert one["path"] == ("idr0013/screenA/LT0001_02/idr0013__screenA__LT0001_02__A04__50__GFP")
    assert jumpduck.sql("SELECT count(DISTINCT site_number) FROM idr.sites", catalog).item() == 372


@pytest.mark.slow
def test_a_plate_that_is_missing_by_its_annotation_has_no_wells(tmp_path):
    catalog = built(tmp_path, movie_tables(ANNOTATED), studies=["idr0013-screenA"])
    roles = "SELECT Metadata_Well, Metadata_pert_type FROM idr.wells ORDER BY ALL"
    assert jumpduck.sql(roles, catalog).rows() == [
        ("A01", "poscon"), ("A04", "poscon"), ("C07", "empty"), ("P24", "trt"),
    ]  # fmt: skip


@pytest.mark.slow
def test_the_ome_zarr_form_of_a_study_is_asked_for_by_its_own_accession(tmp_path):
    tables = {
        "idr0035.csv": "idr0035/Week1_22123.ome.zarr,S-BIAD847/0762bf96-4f01,4051\n",
        "idr0035-screenA-plates.tsv": "Week1_22123\t../screens/a.screen\nWeek9_1\tb.screen\n",
        "idr0035-screenA-annotation.csv": "Plate,Well,Compound Name\nWeek1_22123,G10,taxol\n",
    }
    catalog = built(tmp_path, tables, studies=["s-biad847"])
    rows = jumpduck.manifest(catalog, per_well="all")
    assert rows.select("Metadata_Well", "Metadata_Site", "Metadata_Channel", "url").row(7) == (
        "G10",
        3,
        "Tubulin",
        f"{S3}/S-BIAD847/0762bf96-4f01/0762bf96-4f01.zarr#array=G/10/2/0&index=0,1,0",
    )
    assert rows.height == 12
    problems = jumpduck.sql("SELECT Metadata_Plate, reason FROM idr.problems", catalog)
    assert problems.rows() == [("Week9_1", "no OME-Zarr form in the list of these")]


@pytest.mark.slow
def test_a_frame_of_an_ome_zarr_is_its_first_axis(tmp_path):
    tables = {
        **movie_tables(ANNOTATED),
        "idr0013.csv": "idr0013/LT0001_02.ome.zarr,S-BIAD865/729c-c2f4,18352\n",
        "idr0013-screenB-plates.tsv": "",
        "idr0013-screenB-annotation.csv": "Plate,Well\n",
    }
    catalog = built(tmp_path, tables, studies=["S-BIAD865"])
    rows = jumpduck.manifest(catalog, wells="A04", where="Metadata_Frame = 50")
    assert rows["url"].to_list() == [
        f"{S3}/S-BIAD865/729c-c2f4/729c-c2f4.zarr#array=A/4/0/0&index=49,0,0"
    ]


ODD = {
    "/uod/idr/filesets/idr0001-other/a_w<1,2,4>.tif": "a path that is not of the study",
    "/etc/passwd": "a path that is not of the study",
    f"/uod/idr/filesets/{FOLDER}/../x_w<1,2,4>.tif": "a path with an odd part",
    f"/uod/idr/filesets/{FOLDER}/x_w<1,2,../../y>.tif": "a path with an odd part",
    f"/uod/idr/filesets/{FOLDER}/x_w<1,2>.tif": "not as many files as channels",
    f"/uod/idr/filesets/{FOLDER}/x.tif": "not as many files as channels",
}


@pytest.mark.slow
def test_a_line_of_a_plates_file_that_names_something_odd_is_a_row(tmp_path):
    good = f"/uod/idr/filesets/{FOLDER}/images/P1/a_w<1,2,4>.tif"
    fields = "".join(f"Field_{place} = {path}\n" for place, path in enumerate([good, *ODD]))
    block = "Row = {}\nColumn = 0\nAxisTypes = {}\nChannelNames = {}\n{}"
    tables = {
        "idr0035-screenA-plates.tsv": "P1\t../screens/P1.screen\n",
        "idr0035-screenA-annotation.csv": "Plate,Well,Compound Name\nP1,A1,taxol\nP1,west,x\n",
        "screens/P1.screen": "[Plate]\nName = P1\n"
        "\n[Well 0]\n"
        + block.format(0, "C", "DAPI,Tubulin,Actin", fields)
        + "\n[Well 1]\n"
        + block.format(1, "T", "DAPI,Tubulin,Actin", f"Field_0 = {good}\n")
        + "\n[Well 2]\n"
        + block.format(2, "C", "DAPI,DAPI,Actin", f"Field_0 = {good}\n")
        + "\n[Well 3]\n"
        + block.format(3, "C", "a,b,../c", f"Field_0 = {good}\n")
        + "\n[Well 4]\n"
        + block.format(4, "C", "a,DAPI,c", f"Field_0 = {good}\n"),
    }
    catalog = built(tmp_path, tables, studies=["idr0035"])
    rows = jumpduck.manifest(catalog, per_well="all")
    # a well that no line annotates has images, too; a channel that nobody knows keeps its name
    found = rows.select("Metadata_Well", "Metadata_Channel", "Metadata_pert_type")
    assert found.rows() == [
        ("A01", "DAPI", "trt"), ("A01", "Tubulin", "trt"), ("A01", "Actin", "trt"),
        ("E01", "DAPI", "unknown"),
    ]  # fmt: skip
    kinds = jumpduck.sql(
        "SELECT kind, list(Metadata_Channel) FROM idr.channels GROUP BY ALL", catalog
    )
    assert dict(kinds.rows()) == {"stain": ["DAPI", "Tubulin", "Actin"], "other": ["a", "c"]}
    marks = "SELECT marks FROM idr.channels ORDER BY position"
    assert jumpduck.sql(marks, catalog)["marks"].to_list() == ["nuclei", None, "cells", None, None]
    problems = jumpduck.sql("SELECT reason, lines FROM idr.problems", catalog)
    assert dict(problems.rows()) == {
        **{reason: list(ODD.values()).count(reason) for reason in ODD.values()},
        "files along the axis T, which are not read": 1,
        "channels without names of their own": 1,
        "a channel whose name cannot be that of a file": 1,
        "an annotated well that cannot be one: west": 1,
        "imaged wells that no line of the annotation has": 1,
    }


def plate_tables(annotation, wells):
    """The tables of a plate P1 of idr0035 with a block for each of these wells: column, files."""
    blocks = "".join(
        f"\n[Well {place}]\nRow = 0\nColumn = {column}\nChannelNames = DAPI,Tubulin,Actin\n"
        + "".join(
            f"Field_{field} = /uod/idr/filesets/{FOLDER}/images/P1/{name}_w<1,2,4>.tif\n"
            for field, name in enumerate(names)
        )
        for place, (column, names) in enumerate(wells)
    )
    return {
        "idr0035-screenA-plates.tsv": "P1 \t../screens/P1.screen\n",
        "idr0035-screenA-annotation.csv": annotation,
        "screens/P1.screen": f"[Plate]\nName = P1\n{blocks}",
    }


def problems_of(catalog):
    found = jumpduck.sql("SELECT Metadata_Plate, reason, lines FROM idr.problems", catalog)
    return {(plate, reason): lines for plate, reason, lines in found.rows()}


DOSES = {
    "30 micromolar": (30.0, "micromolar"), ".5 µM": (0.5, "µM"), "1e-3": (0.001, None),
    "5.%": (5.0, "%"), " 2 mg/ml ": (2.0, "mg/ml"), "": (None, None),
}  # fmt: skip
ODD_DOSES = ("1,000 nanomolar", "0,5 micromolar", "1-10 micromolar", "10 uM 5", "much", "1e999")


def test_a_dose_that_is_not_exactly_a_number_and_a_unit_is_none_and_a_row(tmp_path):
    doses = [*DOSES, *ODD_DOSES]
    lines = [f'P1,A{place},x,"{dose}"\n' for place, dose in enumerate(doses, 1)]
    wells = [(column, [f"a{column}"]) for column in range(len(doses))]
    tables = plate_tables("Plate,Well,Compound Name,Dose\n" + "".join(lines), wells=wells)
    catalog = built(tmp_path, tables, studies=["idr0035"])
    query = "SELECT Metadata_Dose, Metadata_Dose_Unit FROM idr.wells ORDER BY Metadata_Well"
    found = jumpduck.sql(query, catalog).rows()
    assert found == [*DOSES.values(), *[(None, None)] * len(ODD_DOSES)]
    reason = "a dose that is not a number and a unit: 0,5 micromolar"
    assert problems_of(catalog) == {("P1", reason): len(ODD_DOSES)}


@pytest.mark.slow
def test_a_well_beyond_a_plate_of_movies_has_no_movie_of_another_well(tmp_path):
    annotation = ANNOTATED + "".join(
        f"LT0001_02,{well},,,MCO_2,TP53\n" for well in ("A25", "Q1", "AA01")
    )
    catalog = built(tmp_path, movie_tables(annotation), studies=["idr0013-screenA"])
    assert set(jumpduck.manifest(catalog, genes="TP53")["Metadata_Well"]) == {"P24"}
    reason = "an annotated well beyond row P or column 24, which no movie has"
    assert problems_of(catalog) == {("LT0001_02", reason): 3}


@pytest.mark.slow
def test_a_plate_or_well_that_only_one_of_the_tables_has_is_a_row(tmp_path):
    annotation = (
        '"Plate","Well","Compound Name"\n"P1 ","A1","taxol"\n"#P1","A1","x"\n"p1","A3","x"\n'
        '"P1","B1","x"\n"P1","B2","x"\n'
    )
    tables = plate_tables(annotation, wells=[(0, ["a"]), (2, ["b", "c"])])
    catalog = built(tmp_path, tables, studies=["idr0035"])
    assert jumpduck.manifest(catalog, compounds="taxol")["Metadata_Well"].unique().item() == "A01"
    unlisted = "an annotated plate that the list of plates has not"
    of_p1 = {
        ("p1", unlisted): 1,
        ("P1", "imaged wells that no line of the annotation has"): 1,
        ("P1", "annotated wells without an image in the file of the plate"): 2,
    }
    assert problems_of(catalog) == {**of_p1, ("#P1", unlisted): 1}
    catalog = built(tmp_path, tables, studies=["idr0035"], plates="P1")
    assert problems_of(catalog) == of_p1


@pytest.mark.slow
def test_a_field_that_is_named_twice_is_used_once_or_not_if_its_files_differ(tmp_path):
    wells = [(0, ["a", "b"]), (0, ["a", "other"]), (1, ["c"])]
    tables = plate_tables("Plate,Well,Compound Name\nP1,A1,x\nP1,A2,x\n", wells=wells)
    catalog = built(tmp_path, tables, studies=["idr0035"])
    rows = jumpduck.manifest(catalog, per_well="all").unique(["Metadata_Well", "Metadata_Site"])
    sites = rows.select("Metadata_Well", "Metadata_Site").sort("Metadata_Well")
    assert sites.rows() == [("A01", 1), ("A02", 1)]
    assert problems_of(catalog) == {
        ("P1", "a field that is named twice"): 1,
        ("P1", "a field that is named twice, with other files"): 2,
    }


def test_a_line_with_too_few_or_too_many_values_is_named(tmp_path):
    for line, count in (("P1,A1", 2), ("P1,A1,taxol,1", 4)):
        tables = plate_tables(f"Plate,Well,Compound Name\nP1,A1,x\n{line}\n", wells=[(0, ["a"])])
        words = rf"line 3 of .*idr0035-screenA-annotation\.csv has {count} values, the header has 3"
        with pytest.raises(CatalogError, match=words):
            built(tmp_path, tables, studies=["idr0035"])
    tables = plate_tables("a title\n\nPlate,Well\n", wells=[(0, ["a"])])
    with pytest.raises(CatalogError, match=r"is not its header, .*: it is 'a title'"):
        built(tmp_path, tables, studies=["idr0035"])


@pytest.mark.slow
def test_a_channel_may_have_a_folder_of_its_own(tmp_path):
    start = "idr0036-gustafsdottir-cellpainting/2016-01-19-screens-bbbc022/20585-"
    parts = "ERSyto/IXMtest_A01_s1_w22C,ERSytoBleed/IXMtest_A01_s1_w3F,Hoechst/IXMtest_A01_s1_w1"
    tables = {
        "idr0036-screenA-plates.tsv": "20585\t../screens/20585.screen\n",
        "idr0036-screenA-annotation.csv": "Plate,Well,Compound Name\n20585,a01,taxol\n",
        "screens/20585.screen": "[Plate]\nName = 20585\n\n[Well 0]\nRow = 0\nColumn = 0\n"
        "AxisTypes = C\nChannelNames = ERSyto,ERSytoBleed,Hoechst\n"
        f"Field_0 = /uod/idr/filesets/{start}<{parts}>.tif\n",
    }
    rows = jumpduck.manifest(built(tmp_path, tables, studies=["idr0036"]), compounds="taxol")
    assert rows.select("Metadata_Channel", "url").rows() == [
        ("ERSyto", f"{FTP}/{start}ERSyto/IXMtest_A01_s1_w22C.tif"),
        ("Hoechst", f"{FTP}/{start}Hoechst/IXMtest_A01_s1_w1.tif"),
    ]


def test_a_study_that_is_not_known_brings_those_that_are(tmp_path):
    for studies, words in (
        (["idr9999"], r"there are idr0013 \(S-BIAD865\), "),
        ((), r"needs `studies`: .*idr0035 \(S-BIAD847\)"),
        (["idr0035", "S-BIAD847"], "two forms of the same images"),
    ):
        with pytest.raises(QueryError, match=words):
            jumpduck.catalog(tmp_path / "c", collection="idr", studies=studies)


def test_a_gallery_folder_that_does_not_exist_is_one_line(tmp_path):
    with pytest.raises(StoreError, match="absent is not a folder"):
        built(tmp_path, {}, studies=["idr0035"], gallery=str(tmp_path / "absent"))


def test_a_study_without_annotation_is_one_line_that_names_the_file(tmp_path):
    tables = movie_tables(ANNOTATED)
    del tables["idr0013-screenA-annotation.csv"]
    with pytest.raises(CatalogError, match=r"no annotation idr0013-screenA-annotation\.csv"):
        built(tmp_path, tables, studies=["idr0013-screenA"])
    with pytest.raises(CatalogError, match="no list of plates idr0035-screenA-plates"):
        built(tmp_path, {}, studies=["idr0035"])
    with pytest.raises(CatalogError, match="no columns Plate and Well"):
        built(tmp_path, movie_tables("Plate,Position\nLT0001_02,A1\n"), studies=["idr0013-screenA"])


@pytest.mark.slow
def test_an_annotation_may_be_packed(tmp_path):
    tables = movie_tables(ANNOTATED)
    packed = gzip.compress(tables.pop("idr0013-screenA-annotation.csv").encode())
    file = tmp_path / "idr0013-screenA-annotation.csv.gz"
    file.write_bytes(packed)
    catalog = built(tmp_path, tables, studies=["idr0013-screenA"])
    assert jumpduck.find(["tp53"], catalog)["wells"].to_list() == [1]
    assert set(jumpduck.manifest(catalog, genes="TP53")["Metadata_Well"]) == {"P24"}
    for damaged in (packed[:-20], packed[:10] + b"\xff" + packed[11:]):
        file.write_bytes(damaged)
        with pytest.raises(CatalogError, match="cannot be unpacked"):
            built(tmp_path, tables, studies=["idr0013-screenA"])


@pytest.mark.real
@pytest.mark.slow
def test_idr0035_and_bbbc021_say_the_same_of_every_well(tmp_path):
    catalog = tmp_path / "catalog.duckdb"
    jumpduck.catalog(catalog, collection="idr", studies=["idr0035"], metadata=str(DATA / "idr"))
    wells = jumpduck.sql("FROM idr.wells", catalog)
    assert wells.height == 3300
    images = pl.read_csv(DATA / "bbbc021/BBBC021_v1_image.csv.gz", infer_schema=False)
    assert images.height == 13200
    published = images.select(
        Metadata_Plate="Image_Metadata_Plate_DAPI",
        Metadata_Well="Image_Metadata_Well_DAPI",
        compound="Image_Metadata_Compound",
        dose=pl.col("Image_Metadata_Concentration").cast(pl.Float64),
    ).unique()
    both = wells.join(published, on=["Metadata_Plate", "Metadata_Well"], validate="1:1")
    assert both.height == published.height == 3300
    assert both.filter(pl.col("Metadata_Compound").ne_missing(pl.col("compound"))).is_empty()
    no_dose = pl.col("compound").is_in(["DMSO", "UNKNOWN"])
    differ = pl.col("Metadata_Dose").fill_null(0) != pl.col("dose")
    assert both.filter(~no_dose & differ).is_empty()
    assert set(wells["Metadata_Dose_Unit"].drop_nulls()) == {"micromolar"}
    roles = wells.group_by("Metadata_pert_type").len().sort("len")
    assert roles.rows() == [("negcon", 330), ("trt", 2970)]
    assert not wells["Metadata_SMILES"].drop_nulls().str.contains(r"\\\\").any()


@pytest.mark.real
@pytest.mark.slow
def test_the_selection_of_idr_stream_is_a_query_with_exactly_its_rows(tmp_path):
    """The published annotation is not at hand: one is made with the selection and what it avoids.

    These are, by the notebook that made the selection: the wells of plates that are missing, empty
    wells, wells without control type, and A1.
    """
    selection = DATA / "idr/idr_stream_data_to_process.tsv"
    asked = pl.read_csv(selection, separator="\t", infer_schema=False)
    assert asked.height == 6743
    listed = (DATA / "idr/idr0013-screenA-plates.tsv").read_text()
    plates = [line.partition("\t")[0] for line in listed.splitlines()]
    controls = {row[:2]: row[2:] for row in asked.select("Plate", "Well", "Control Type").rows()}
    with (tmp_path / "idr0013-screenA-annotation.csv").open("w") as file:
        lines = csv.writer(file)
        lines.writerow(("Plate", "Well", "Plate Issues", "Control Type", "siRNA Identifier"))
        for plate in [*plates, "LT9999_01"]:
            for number in range(384):
                well = f"{chr(65 + number // 24)}{number % 24 + 1}"
                issue = "plate missing" if plate == "LT9999_01" else ""
                control = "positive control" if well == "A1" or issue else ""
                control = "empty well" if well == "P2" else control
                (control,) = controls.get((plate, well), (control,))
                lines.writerow((plate, well, issue, control, "" if control else f"MCO_{number}"))
    tables = {"idr0013-screenA-plates.tsv": listed}
    catalog = built(tmp_path, tables, studies=["idr0013-screenA"])
    rows = jumpduck.manifest(
        catalog,
        roles=["poscon", "negcon"],
        where="Metadata_Frame = 50 AND Metadata_Well <> 'A01'",
    )
    assert rows.height == 6743
    wells = asked.select(
        "Plate",
        pl.col("Well").str.replace(r"^([A-P])(\d)$", "${1}0$2"),
        pl.col("Frames").cast(pl.Int32),
        pl.col("Control Type").str.head(3) + "con",
        "Well Number",
    ).rows()
    number = pl.col("url").str.extract(r"/hdf5/0*(\d+)_01\.ch5#")
    found = rows.select(
        "Metadata_Plate", "Metadata_Well", "Metadata_Frame", "Metadata_pert_type", number
    )
    assert set(found.rows()) == set(wells)
