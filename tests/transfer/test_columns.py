"""Columns of a manifest beyond those that it must have."""

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError
from jumpduck.schema import OUTCOME


@pytest.fixture(scope="module")
def rows(catalog):
    return jumpduck.manifest(catalog, plates=["JD5876c3"], per_well={"trt": 1, "poscon": 1}).head(
        10
    )


def with_columns(rows):
    return rows.with_columns(
        split=pl.lit("train", pl.Categorical),
        weight=pl.lit(0.5, pl.Float32),
        fold=pl.lit(3, pl.UInt8),
        held_out=pl.lit(True),
        empty=pl.lit(None),
    )


def test_columns_of_a_user_come_through_to_results_and_sites(rows, tmp_path):
    results = jumpduck.download(with_columns(rows), tmp_path)
    types = {
        "split": pl.String, "weight": pl.Float64, "fold": pl.Int64, "held_out": pl.Boolean,
        "empty": pl.String,
    }  # fmt: skip
    for table in (
        results,
        pl.read_parquet(tmp_path / "results.parquet"),
        pl.read_parquet(tmp_path / "sites.parquet"),
    ):
        assert {name: table.schema[name] for name in types} == types
        assert table.select("split", "weight", "fold", "held_out", "empty").unique().rows() == [
            ("train", 0.5, 3, True, None)
        ]


@pytest.mark.slow
def test_a_journal_keeps_the_columns_of_a_run_that_was_killed(rows, tmp_path):
    jumpduck.download(with_columns(rows), tmp_path / "whole")
    results = jumpduck.download(with_columns(rows).head(1), tmp_path / "killed")
    from jumpduck.transfer.output_folder import OutputFolder

    folder = OutputFolder(tmp_path / "killed")
    (key,) = folder.plates.plate_keys()
    (table,) = folder.plates.files()
    table.unlink()
    folder.plates.append(key, results.rows(named=True), dict(results.schema))
    with table.with_suffix(".jsonl").open("a") as journal:
        journal.write('{"path": "half a li')
    jumpduck.download(with_columns(rows), tmp_path / "killed")
    whole, killed = (
        pl.read_parquet(tmp_path / name / "results.parquet").drop("seconds", "attempts")
        for name in ("whole", "killed")
    )
    assert whole.equals(killed)


@pytest.mark.slow
def test_manifests_with_other_columns_share_a_folder(rows, tmp_path):
    jumpduck.download(rows.head(5), tmp_path)
    jumpduck.download(rows.tail(5).with_columns(fold=pl.lit(1)), tmp_path)
    jumpduck.download(rows.head(1).with_columns(fold=pl.lit("one")), tmp_path)
    results = pl.read_parquet(tmp_path / "results.parquet")
    assert sorted(results["fold"].fill_null("")) == ["", "", "", "", "1", "1", "1", "1", "1", "one"]
    assert results.height == 10


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("status", pl.lit("x"), "'status', which is the name of a column that results.parquet"),
        ("path_DNA", pl.lit("x"), "'path_DNA', which is the name of a column"),
        ("lines\n", pl.lit("x"), "give it a printable name"),
        ("list", pl.lit([[1]]), "'list' of the manifest has the type List"),
        ("day", pl.date(2026, 1, 1), "'day' of the manifest has the type Date"),
        ("Metadata_Site", pl.lit("one"), "another type than expected"),
    ],
)
def test_a_column_that_results_cannot_keep_is_refused(rows, tmp_path, column, value, reason):
    with pytest.raises(ManifestError, match=reason):
        jumpduck.download(rows.with_columns(value.alias(column)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_keys_url_and_path_suffice(rows, tmp_path):
    least = rows.select(
        "Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well", "Metadata_Site",
        "Metadata_Channel", "url", "path",
    )  # fmt: skip
    results = jumpduck.download(least, tmp_path)
    assert set(results["status"]) == {"fetched"}
    assert results.columns == [*least.columns, *OUTCOME]
    sites = pl.read_parquet(tmp_path / "sites.parquet")
    assert sites.columns[5:] == [f"path_{channel}" for channel in least["Metadata_Channel"][:5]]


def test_a_column_may_have_any_name_that_the_tables_do_not_use(rows, catalog, tmp_path):
    values = pl.DataFrame(
        {
            column: [f"{column} {9 - n}" for n in range(rows.height)]
            for column in ("usual", "reason", "place", "row", "size_px", "kind", "share")
        }
    )
    other = jumpduck.manifest(catalog, sources=["source_2"])["url"][0]
    url = pl.when(pl.int_range(pl.len()) == 3).then(pl.lit(other)).otherwise("url")
    results = jumpduck.download(rows.with_columns(values.get_columns(), url=url), tmp_path)
    assert results["status"].to_list() == ["fetched"] * 3 + ["corrupt"] + ["fetched"] * 6
    kept = pl.read_parquet(tmp_path / "results.parquet")
    assert kept.select(values.columns).equals(values)
    assert results.select(values.columns).equals(values)


@pytest.mark.parametrize("column", ["Metadata_Well", "Metadata_Site", "Metadata_Channel"])
def test_a_row_without_its_key_is_refused(rows, tmp_path, column):
    lacking = rows.with_columns(pl.when(pl.int_range(pl.len()) > 0).then(column).alias(column))
    with pytest.raises(ManifestError, match=f"rows without {column}; fill them in"):
        jumpduck.download(lacking, tmp_path / "out")
