"""jumpduck evaluate: what it prints and writes."""

import json

import polars as pl
import pytest

import jumpduck
from tests.support.screens import KEYS, a_screen

WORDS = (
    "--label", "Metadata_moa", "--compound", "Metadata_Compound", "--treatment",
    "Metadata_Compound", "Metadata_Concentration", "--batch", "Metadata_Week",
    "--resamples", "50", "--nulls", "100",
)  # fmt: skip


@pytest.fixture
def tables(tmp_path):
    a_screen().write_csv(tmp_path / "one.csv")
    a_screen(signal=0.1).write_parquet(tmp_path / "two.parquet")
    return tmp_path


def test_json_is_one_object_a_metric(cli, tables):
    done = cli("evaluate", "one.csv", "--metric", "nsc", "nscb", "map", *WORDS, "--json")
    assert (done.code, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["metric"] for line in lines] == ["nsc", "nscb", "map"]
    for line in lines:
        assert {*line} >= {"metric", "value", "n", "chance", "low", "high", "excluded"}
        assert 0 <= line["low"] <= line["value"] <= line["high"] <= 1
    assert lines[1]["n"] + sum(lines[1]["excluded"].values()) == lines[0]["n"] == 24


def test_where_leaves_rows_out_of_queries_and_neighbours(cli, tables):
    words = ("--metric", "nsc", *WORDS, "--where", "Metadata_moa <> 'moa 1'")
    done = cli("evaluate", "one.csv", *words, "--queries", "queries.parquet", "--json")
    assert json.loads(done.out)["n"] == 18
    rows = pl.read_parquet(tables / "queries.parquet")
    assert "moa 1" not in {*rows["Metadata_moa"], *rows["neighbour_Metadata_moa"]}


def test_a_condition_that_leaves_no_row_is_named(cli, tables):
    words = ("--metric", "nsc", *WORDS, "--where", "Metadata_moa = 'none'")
    done = cli("evaluate", "one.csv", *words)
    assert done.code == 1
    assert "--where \"Metadata_moa = 'none'\" is true for no row of one.csv" in done.err


def test_tables_are_compared_in_one_and_written(cli, tables):
    written = ("-o", "m.parquet", "--queries", "q.parquet", "--groups", "g.parquet")
    words = ("--metric", "map", "nsc", *WORDS, *written)
    done = cli("evaluate", "one.csv", "two.parquet", *words, TTY_COMPATIBLE="1", COLUMNS="140")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].split()[:5] == ["profiles", "metric", "value", "n", "chance"]
    assert done.out.count("one.csv") == done.out.count("two.parquet") == 2
    metrics, queries, groups = (pl.read_parquet(tables / f"{x}.parquet") for x in "mqg")
    assert metrics["metric"].to_list() == ["map", "nsc"] * 2
    better, worse = metrics.filter(pl.col("metric") == "map")["value"]
    assert better > worse
    counts = queries.group_by("profiles", "metric").len()["len"]
    assert counts.to_list() == [24] * 4
    assert groups["profiles"].unique().len() == 2
    assert groups.filter(pl.col("q_value") < pl.col("p_value")).is_empty()
    again = cli("evaluate", "one.csv", "two.parquet", *words)
    assert again.code == 0  # its own files are replaced
    assert pl.read_parquet(tables / "m.parquet").equals(metrics)


def test_names_of_tables_leave_space_for_the_figures(cli, tables):
    long = tables / ("long_" * 10) / ("name_" * 10 + ".csv")
    long.parent.mkdir()
    long.write_bytes((tables / "one.csv").read_bytes())
    words = ("--metric", "nscb", *WORDS)
    done = cli("evaluate", long, "two.parquet", *words, TTY_COMPATIBLE="1", COLUMNS="80")
    shown = "profiles metric value n chance low high excluded"
    assert done.out.splitlines()[0].split() == shown.split()
    assert "long_" not in done.out
    assert "two.parquet: nscb: left out: of a label in one batch only: 6" in done.out


def test_what_is_left_out_is_said(cli, tables):
    done = cli("evaluate", "one.csv", "--metric", "nscb", *WORDS)
    assert "nscb: left out: of a label in one batch only: 6" in done.err


def test_another_file_is_not_replaced(cli, tables):
    before = (tables / "two.parquet").read_bytes()
    done = cli("evaluate", "one.csv", "--metric", "nsc", *WORDS, "-o", "two.parquet")
    assert done.code == 1
    assert "two.parquet" in done.err
    assert (tables / "two.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (("-o", "m.csv"), "--table m.csv does not say in which form to write"),
        (
            ("-o", "m.parquet", "--groups", "m.parquet"),
            "two of `--table` and `--groups` are the same file",
        ),
    ],
)
def test_files_to_write_are_parquet_and_differ(cli, tables, written, said):
    done = cli("evaluate", "one.csv", "--metric", "nsc", *WORDS, *written)
    assert done.code == 2
    assert said in done.err


def test_errors_speak_of_flags(cli, tables):
    done = cli("evaluate", "one.csv", "--metric", "nsc", "--label", "Metadata_moa")
    assert done.code == 2
    assert "--compound is needed" in done.err
    assert "(metric nsc is the share of treatments whose nearest" in done.err
    done = cli("evaluate", "one.csv", "--metric", "nsc", *WORDS, "--distance", "far")
    assert done.code == 2
    assert "--distance 'far' is not one of cosine" in done.err


def test_one_table_and_one_metric_need_no_list(tables):
    path = tables / "one.csv"
    one = jumpduck.evaluate(path, "nsc", **KEYS, resamples=50).metrics
    assert one.equals(jumpduck.evaluate([path], ["nsc"], **KEYS, resamples=50).metrics)
