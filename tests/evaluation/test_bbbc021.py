"""BBBC021's published profiles: NSC and NSCB a second time, by brute force."""

import csv
import gzip
import json
import math

import polars as pl
import pytest

from tests.support.places import DATA, ROOT

TABLE = DATA / "profiles/BBBC021_feature_selected_mad_robustize.csv.gz"
WORDS = (
    "--label", "Metadata_moa", "--compound", "Metadata_Compound", "--treatment",
    "Metadata_Compound", "Metadata_Concentration", "--where", "Metadata_moa <> 'DMSO'", "--json",
)  # fmt: skip

pytestmark = pytest.mark.real


def treatments():
    """Compound, label, weeks, plates and mean profile of each treatment, without any library."""
    wells = {}
    with gzip.open(TABLE, "rt", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["Metadata_moa"] != "DMSO":
                key = row["Metadata_Compound"], row["Metadata_Concentration"]
                wells.setdefault(key, []).append(row)
    for (compound, _), rows in wells.items():
        names = [name for name in rows[0] if not name.startswith("Metadata_")]
        yield {
            "compound": compound,
            "moa": rows[0]["Metadata_moa"],
            "weeks": {row["Metadata_Plate"].split("_")[0] for row in rows},
            "plates": {row["Metadata_Plate"] for row in rows},
            "profile": [math.fsum(float(row[name]) for row in rows) / len(rows) for name in names],
        }


def cosine(x, y):
    product = math.fsum(a * b for a, b in zip(x, y, strict=True))
    return product / math.sqrt(math.fsum(a * a for a in x) * math.fsum(b * b for b in y))


def accuracy(table, batch=None):
    """The share of treatments whose nearest allowed one has their label, and their number."""

    def may(one, other):
        apart = batch is None or not one[batch] & other[batch]
        return one["compound"] != other["compound"] and apart

    right = []
    for query in table:
        allowed = [other for other in table if may(query, other)]
        if any(other["moa"] == query["moa"] for other in allowed):
            best = max(allowed, key=lambda other: cosine(query["profile"], other["profile"]))
            right.append(best["moa"] == query["moa"])
    return sum(right) / len(right), len(right)


def in_several(table, batch):
    """The treatments of labels of which some two share no batch."""
    return [
        one
        for one in table
        if any(
            not a[batch] & b[batch]
            for a in table
            for b in table
            if a["moa"] == b["moa"] == one["moa"]
        )
    ]


@pytest.mark.slow
def test_nsc_and_nscb_of_the_published_profiles_are_those_of_brute_force(cli, tmp_path):
    table = list(treatments())
    expected = {
        "nsc": accuracy(table),
        "plates": accuracy(in_several(table, "plates"), "plates"),
        "weeks": accuracy(in_several(table, "weeks"), "weeks"),
    }
    by_plate = cli("evaluate", TABLE, "--metric", "nsc", "nscb", "map", *WORDS, "--batch",
                   "Metadata_Plate")  # fmt: skip
    nsc, of_plates, by_label = map(json.loads, by_plate.out.splitlines())
    week = pl.col("Metadata_Plate").str.extract("^(Week[0-9]+)").alias("Metadata_Week")
    keys = dict.fromkeys(["Metadata_Plate"], pl.String)
    pl.read_csv(TABLE, schema_overrides=keys).with_columns(week).write_parquet(
        tmp_path / "p.parquet"
    )
    (of_weeks,) = map(
        json.loads,
        cli("evaluate", "p.parquet", "--metric", "nscb", *WORDS, "--batch", "Metadata_Week")
        .out.splitlines(),
    )  # fmt: skip
    for found, (value, n) in zip((nsc, of_plates, of_weeks), expected.values(), strict=True):
        assert (found["value"], found["n"]) == (pytest.approx(value, abs=1e-12), n)
        assert found["low"] <= found["value"] <= found["high"]
        assert found["chance"] < 0.1 < found["low"]
    # the numbers of treatments of the field
    assert (nsc["n"], of_weeks["n"]) == (103, 92)
    assert of_weeks["excluded"] == {"of a label in one batch only": 11}
    page = (ROOT / "docs/evaluate.md").read_text()
    rows = {"`nsc`": nsc, "`map`": by_label, "`nscb`, `--batch` is the week": of_weeks,
            "`nscb`, `--batch` is the plate": of_plates}  # fmt: skip
    for name, found in rows.items():
        value, chance, low, high = (found[key] for key in ("value", "chance", "low", "high"))
        row = f"| {name} | {found['n']} | {value:.3f} | {chance:.3f} | {low:.3f} to {high:.3f} |"
        assert row in page
    assert by_label["n"] == 103
    assert by_label["significant_groups"] == 12
