"""From the published list to a figure: profiles, normalize and evaluate as a user runs them."""

import json

import polars as pl

from tests.support.command_line import run_here


def test_published_profiles_are_normalized_and_evaluated(catalog, tmp_path):
    def run(*words):
        done = run_here(*words, cwd=tmp_path)
        assert done.code == 0, done.err
        return json.loads(done.out)

    fetched = run("profiles", "all_interpretable", "--catalog", str(catalog), "--json")
    assert fetched["profiles"] == "profiles.parquet"
    assert (fetched["wells"], len(fetched["plates"])) == (12, 3)
    controls = "Metadata_pert_type = 'negcon'"
    run(
        "normalize", "profiles.parquet", "--method", "standardize:by=none",
        "--controls", controls, "-o", "normalized.parquet", "--json",
    )  # fmt: skip
    history = pl.read_parquet_metadata(tmp_path / "normalized.parquet")["jumpduck.normalize"]
    assert json.loads(history)[0]["perturbation"] == "Metadata_JCP2022"
    rows = pl.read_parquet(tmp_path / "normalized.parquet")
    assert rows.filter(Metadata_pert_type="negcon")["Cells_Count"].mean() < 1e-9
    assert set(rows["Metadata_Symbol"]) >= {"TP53", "BRCA1"}
    (found,) = [run(
        "evaluate", "normalized.parquet", "--metric", "pert_acc",
        "--treatment", "Metadata_JCP2022", "--batch", "Metadata_Plate", "--json",
    )]  # fmt: skip
    assert {"metric", "value", "n", "chance", "low", "high"} <= found.keys()
