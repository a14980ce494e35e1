"""The picture that compares tables of profiles."""

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError, StoreError

ASKED = {
    "label": "Metadata_moa", "compound": "Metadata_name", "treatments": ["Metadata_name"],
}  # fmt: skip


@pytest.fixture
def tables(tmp_path):
    """Two tables of 12 compounds with three wells each; the second one says less."""
    draw = np.random.default_rng(14)
    compound = np.repeat(np.arange(12), 3)
    places = []
    for name, noise in (("CellProfiler", 0.5), ("<dino> & \x07", 3)):
        features = draw.normal(size=(4, 6))[compound % 4] + noise * draw.normal(size=(36, 6))
        frame = pl.DataFrame({
            "Metadata_Well": [f"A{one:02d}" for one in range(36)],
            "Metadata_name": [f"c{one}" for one in compound],
            "Metadata_moa": [f"moa <{one}>" for one in compound % 4],
            **{f"emb{one}": features[:, one] for one in range(6)},
        })  # fmt: skip
        places.append(tmp_path / f"{name}.parquet")
        frame.write_parquet(places[-1])
    return places


@pytest.mark.slow  # draws
def test_two_tables_are_compared_in_one_picture(tables, tmp_path):
    names = ["nsc", "map", "pr_auc", "outliers"]
    jumpduck.evaluate(tables, names, **ASKED, resamples=50, nulls=100, figure=tmp_path / "c.svg")
    drawn = (tmp_path / "c.svg").read_text()
    titles = ["average precision", "recall among the k nearest", "CellProfiler.parquet: PCA"]
    for text in (*names, *titles, "&lt;dino&gt; &amp;", "moa &lt;1&gt;"):
        assert text in drawn, text


@pytest.mark.slow  # draws
def test_a_picture_has_what_was_measured(tables, tmp_path):
    jumpduck.evaluate(tables[:1], ["nsc"], **ASKED, resamples=50, figure=tmp_path / "c.svg")
    drawn = (tmp_path / "c.svg").read_text()
    assert "nsc" in drawn
    assert "average precision" not in drawn
    assert "recall" not in drawn


def test_a_picture_of_another_kind_is_refused_before_anything_is_measured(tables, tmp_path):
    with pytest.raises(QueryError, match=r"figure .*c\.html is neither PNG nor SVG"):
        jumpduck.evaluate(tables, ["nsc"], figure=tmp_path / "c.html")
    (tmp_path / "c.svg").write_text("mine")
    with pytest.raises(StoreError, match="SVG"):
        jumpduck.evaluate(tables, ["nsc"], figure=tmp_path / "c.svg")
