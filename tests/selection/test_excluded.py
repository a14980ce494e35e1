"""Sites and wells that a manifest leaves out."""

import json

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError
from jumpduck.rows import SITE_KEY
from jumpduck.selection import excluded
from tests.support.examples import first_quick

PLATE = "1000000001"
WELL = SITE_KEY[:-1]


@pytest.fixture(scope="module")
def every(catalog):
    """All sites of a plate, as keys."""
    rows = jumpduck.manifest(catalog, plates=PLATE, per_well="all", keep_known_bad=True)
    return rows.select(SITE_KEY).unique(maintain_order=True)


def sites(catalog, **options):
    rows = jumpduck.manifest(catalog, plates=PLATE, **options)
    return set(rows.select(SITE_KEY).unique().rows())


@pytest.mark.slow
def test_another_site_takes_the_place_of_one_that_is_left_out(catalog, every):
    one = {"trt": 1, "poscon": 1, "negcon": 1}
    before = sites(catalog, per_well=one)
    left_out = pl.DataFrame(list(before), schema=every.schema, orient="row")
    after = sites(catalog, per_well=one, exclude=left_out)
    assert len(after) == len(before)
    assert not after & before


def test_a_row_without_a_site_names_the_whole_well_and_columns_of_ones_own_do_not_matter(
    catalog, every
):
    wells = every.filter(Metadata_Well="B01").select(*WELL, why=pl.lit("dust")).unique()
    kept = sites(catalog, exclude=wells)
    assert {one[3] for one in kept} == {"A01", "A02", "B02"}
    mixed = wells.with_columns(Metadata_Site=pl.lit(None, pl.Int64))
    assert sites(catalog, exclude=mixed) == kept


@first_quick(1, "name", ["o.csv.gz", "o.parquet", "o.csv"])
def test_a_file_is_as_good_as_a_frame_and_the_manifest_says_which_it_was(
    catalog, every, tmp_path, name
):
    rows = every.head(5).with_columns(pl.col("Metadata_Site").cast(pl.Float64))  # as pandas has it
    if name.endswith("parquet"):
        rows.write_parquet(tmp_path / name)
    else:
        gzip = "gzip" if name.endswith("gz") else "uncompressed"
        rows.write_csv(tmp_path / name, compression=gzip)
    target = tmp_path / "manifest.parquet"
    written = jumpduck.manifest(catalog, target, plates=PLATE, exclude=tmp_path / name)
    first = target.read_bytes()
    assert written.equals(jumpduck.manifest(catalog, plates=PLATE, exclude=every.head(5)))
    asked = json.loads(pl.read_parquet_metadata(target)["jumpduck.query"])["exclude"]
    assert (asked["name"], asked["rows"], len(asked["sha256"])) == (name, 5, 64)
    jumpduck.manifest(catalog, target, plates=PLATE, exclude=tmp_path / name)
    assert target.read_bytes() == first


@pytest.mark.slow
def test_controls_that_are_added_are_left_out_too(catalog, every):
    wells = every.filter(Metadata_Well="A01").select(WELL).unique()
    added = sites(catalog, perturbations="JCP2022_000101", with_controls=True)
    assert "A01" in {one[3] for one in added}
    kept = sites(catalog, perturbations="JCP2022_000101", with_controls=True, exclude=wells)
    assert kept == {one for one in added if one[3] != "A01"}


@first_quick(1, "options", [{"max_sites": 9}, {"per_source": 9}, {"per_plate": 9}])
@pytest.mark.slow
def test_a_budget_is_spent_on_other_sites(catalog, every, options):
    before = sites(catalog, **options)
    left_out = pl.DataFrame(list(before)[:4], schema=every.schema, orient="row")
    after = sites(catalog, exclude=left_out, **options)
    assert len(after) == 9
    assert not after & set(left_out.rows())


@pytest.mark.slow
def test_looking_at_a_few_rows_at_a_time_changes_nothing(catalog, every, tmp_path, monkeypatch):
    notes = []
    for rows in (excluded.CHUNK_ROWS, 2):
        monkeypatch.setattr(excluded, "CHUNK_ROWS", rows)
        jumpduck.manifest(catalog, tmp_path / "m.parquet", exclude=every.head(7))
        notes.append(pl.read_parquet_metadata(tmp_path / "m.parquet")["jumpduck.query"])
    assert notes[0] == notes[1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Metadata_Plate,Metadata_Well\n1,A01\n", "has no column Metadata_Source, Metadata_Batch;"),
        (",".join(WELL) + "\na,b,,A01\n", r"row 1 of exclude .* has no Metadata_Plate"),
        (
            ",".join(SITE_KEY) + "\na,b,c,A01,\na,b,c,A01,1.5\n",
            r"row 2 of exclude .* has Metadata_Site '1.5', which is not a whole number",
        ),
        (",".join(SITE_KEY) + "\na,b,c,A01,99999999999\n", "which is not a whole number"),
        ("", "cannot be read"),
        (None, r"exclude .* is not a file"),
    ],
)
def test_a_table_that_names_no_sites_is_refused(catalog, tmp_path, text, says):
    if text is not None:
        (tmp_path / "o.csv").write_text(text)
    with pytest.raises(ManifestError, match=says):
        jumpduck.manifest(catalog, exclude=tmp_path / "o.csv")
    (tmp_path / "o.parquet").write_text("PAR1")
    with pytest.raises(ManifestError, match=r"o.parquet cannot be read: .* give a Parquet or CSV"):
        jumpduck.manifest(catalog, exclude=tmp_path / "o.parquet")


@pytest.mark.slow
def test_leaving_all_out_says_why_nothing_is_left(catalog, every):
    with pytest.raises(QueryError, match=r"`exclude` names each of the .* sites asked for; name"):
        jumpduck.manifest(catalog, plates=PLATE, exclude=every)


def test_the_command_counts_what_was_left_out_and_names_rows_that_fit_nothing(
    catalog, every, tmp_path, cli
):
    others = every.head(5).with_columns(Metadata_Plate=pl.lit("P2"))
    rows = pl.concat([every.head(3), others])
    rows.write_csv(tmp_path / "o.csv.gz", compression="gzip")
    words = ("manifest", "--catalog", catalog, "--plate", PLATE, "--exclude", "o.csv.gz")
    printed = cli(*words).out
    assert "3 sites left out because of --exclude" in printed
    assert "5 of 8 rows of `--exclude` fit no site of this catalog: source_2/" in printed
    assert "and 2 more" in printed
    shown = cli(*words, "--show-sql").out
    rows = cli("sql", "--catalog", catalog, f"SELECT count(*) FROM ({shown.strip().rstrip(';')})")
    assert rows.code == 2  # because a catalog reads no other file
    import duckdb

    with duckdb.connect(str(catalog), read_only=True) as con:
        files = con.sql(shown.replace("'o.csv.gz'", f"'{tmp_path / 'o.csv.gz'}'")).fetchall()
    assert len(files) == pl.read_parquet(tmp_path / "manifest.parquet").height
