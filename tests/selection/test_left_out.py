"""What a selection leaves out is counted, and the reason why nothing is left is the true one."""

import duckdb
import pytest

import jumpduck
from jumpduck.database.connection import open_catalog
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import Selection
from jumpduck.selection.left_out import left_out
from jumpduck.selection.pipeline import make_query
from tests.support.examples import first_quick

SITE = ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]


@pytest.fixture(scope="module")
def defective(plates, tmp_path_factory):
    """The catalog with issues of its own: a plate, a site of most wells, a channel of one well."""
    path = tmp_path_factory.mktemp("defective") / "catalog.duckdb"
    path.write_bytes(plates.read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute(
            """
            DELETE FROM jump.known_issues;
            INSERT INTO jump.known_issues VALUES
            ('source_13', NULL, 'C2', NULL, NULL, NULL, 'drop', 'toss', 'here#1'),
            ('source_13', NULL, 'C1', NULL, 5, NULL, 'drop', 'blurred', 'here#2'),
            ('source_3', NULL, 'P1', 'A01', NULL, 'ER', 'drop', 'zero-filled', 'here#3'),
            ('source_3', NULL, 'P1', NULL, NULL, NULL, 'flag', 'rotated?', 'here#4')
            """
        )
    return path


def counted(catalog, **options):
    with open_catalog(catalog) as con:
        return left_out(con, make_query(con, Selection(**options)))


def chosen(catalog, **options):
    return set(jumpduck.manifest(catalog, **options).select(SITE).rows())


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 3, "sources": "source_13"},
        {"channels": ["DNA"]},
        {"per_well": {"trt": 0, "negcon": 9}},
        {"max_sites": 20},
    ],
)
def test_the_number_of_known_bad_sites_is_what_keeping_them_adds(defective, options):
    kept = chosen(defective, **options, keep_known_bad=True)
    added = len(kept - chosen(defective, **options))
    assert counted(defective, **options).known_bad == added > 0
    assert counted(defective, **options, keep_known_bad=True).known_bad == 0


@pytest.mark.slow
def test_sites_left_out_for_their_role_are_counted_and_said(cli, plates):
    assert counted(plates).by_role == {"empty": 18, "unknown": 18}
    assert counted(plates, sources="source_13").by_role == {"unknown": 9}
    assert counted(plates, per_well={"unknown": 1, "empty": 1}).by_role == {}
    said = cli("manifest", "--catalog", plates, "--dry-run", "--source", "source_13").out
    assert "9 sites left out because of the role: unknown 9 (--per-well unknown=1" in said


def test_sites_that_lack_a_channel_asked_for_are_counted_and_said(cli, plates):
    asked = {"plates": "P1", "channels": ["DNA", "Brightfield"]}
    assert counted(plates, **asked).without_channels == 6 * 8
    words = ("--dry-run", "--plate", "P1", "--channel", "DNA", "Brightfield")
    assert "48 sites left out for lack of a --channel" in (
        cli("manifest", "--catalog", plates, *words).out
    )


@first_quick(
    3,
    ("options", "reason"),
    [
        ({"compounds": "FK-866"}, "this catalog has no image of FK-866; `jumpduck find` says"),
        (
            {"genes": "TP53", "plates": "P1"},
            "`plates` and `genes`; there are 27 without `plates`, 54 without `genes`; ask for less",
        ),
        ({"where": "Metadata_Site > 9"}, "no site of this catalog fulfils `where`; ask for less"),
        ({"plates": "O1", "channels": "Brightfield"}, "none of the 45 sites asked for has an im"),
        (
            {"plates": "C2"},
            "each of the 117 sites asked for is known to be bad; `keep_known_bad`",
        ),
        (
            {"plates": "O1", "roles": "empty"},
            "no site of these roles is kept: empty 9; `per_well` empty=1",
        ),
        ({"max_gb": 1e-6}, "`max_gb` 1e-06 is less than one site takes"),
    ],
)
def test_the_reason_why_nothing_is_left_is_the_true_one(defective, options, reason):
    with pytest.raises(QueryError) as said:
        jumpduck.manifest(defective, **options)
    assert str(said.value).startswith("the selection has no image: ")
    assert reason in str(said.value)


@first_quick(2, "well", ["A01", "a1", "A1", "a01", " A001"])
def test_a_well_is_found_however_it_is_written(plates, well):
    assert set(jumpduck.manifest(plates, wells=[well])["Metadata_Well"]) == {"A01"}


@pytest.mark.parametrize(
    ("option", "name", "command"),
    [
        ("sources", "source_13", "`jumpduck catalog --source source_13`"),
        ("batches", "20260103_Run1", "`jumpduck catalog`"),
        ("plates", "JD-CC9-R1-05", "`jumpduck catalog --plate JD-CC9-R1-05`"),
        ("plate_types", "CRISPR", "`jumpduck catalog --plate-type CRISPR`"),
    ],
)
def test_a_published_place_without_images_here_is_told_apart_from_a_misspelt_one(
    one_source, option, name, command
):
    with pytest.raises(QueryError, match="is published, but this catalog has no images") as said:
        jumpduck.manifest(one_source, **{option: [name]})
    assert str(said.value).endswith(command)


@pytest.fixture(scope="module")
def one_source(gallery, tmp_path_factory):
    """A catalog of one source of the demo's gallery."""
    path = tmp_path_factory.mktemp("one") / "catalog.duckdb"
    places = {"gallery": str(gallery.gallery), "metadata": str(gallery.metadata)}
    jumpduck.catalog(path, sources=["source_3"], **places)
    return path
