"""A square around each cell of a table of profiles."""

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ProfileError, QueryError
from jumpduck.rows import SITE_KEY

EDGE = 21


@pytest.fixture(scope="module")
def cells(kept):
    """Three cells of each site: one at its corner, and two at fractions of a pixel."""
    sites = jumpduck.dataset(kept).table.select(SITE_KEY)
    return sites.join(
        pl.DataFrame(
            {
                "Nuclei_Number_Object_Number": [1, 2, 3],
                "Nuclei_Location_Center_X": [0.0, 40.4, 60.6],
                "Nuclei_Location_Center_Y": [0.0, 30.6, 70.4],
            }
        ),
        how="cross",
    )


def test_a_cell_is_in_the_middle_of_its_square_and_0_lies_beyond_the_image(kept, cells):
    samples = jumpduck.dataset(kept, unit="cell", size=EDGE, cells=cells)
    whole = jumpduck.dataset(kept)
    assert len(samples) == 3 * len(whole)
    half = EDGE // 2
    for site, number in ((0, 0), (3, 1), (len(whole) - 1, 2)):
        image = np.pad(whole[site].image, ((0, 0), (half, half), (half, half)))
        y, x = [(0, 0), (31, 40), (70, 61)][number]
        sample = samples[3 * site + number]
        assert np.array_equal(sample.image, image[:, y : y + EDGE, x : x + EDGE])
        assert sample.image.shape == (5, EDGE, EDGE)
        assert sample.metadata["Metadata_Cell"] == number + 1
        assert sample.metadata["Metadata_Cell_X"] == [0.0, 40.4, 60.6][number]


def test_the_table_may_be_parquet_csv_or_a_folder_in_any_order(kept, cells, tmp_path):
    expected = jumpduck.dataset(kept, unit="cell", size=EDGE, cells=cells).digest
    other = cells.sample(fraction=1, shuffle=True, seed=1)
    other.write_parquet(tmp_path / "cells.parquet")
    other.write_csv(tmp_path / "cells.csv")
    (tmp_path / "cells").mkdir()
    for number, part in enumerate(other.partition_by("Metadata_Plate")):
        part.write_parquet(tmp_path / "cells" / f"{number}.parquet")
    for name in ("cells.parquet", "cells.csv", "cells"):
        samples = jumpduck.dataset(kept, unit="cell", size=EDGE, cells=tmp_path / name)
        assert samples.digest == expected, name
    # without numbers, cells are numbered by their positions
    bare = other.drop("Nuclei_Number_Object_Number", "Metadata_Source", "Metadata_Batch")
    assert jumpduck.dataset(kept, unit="cell", size=EDGE, cells=bare).digest == expected


def test_positions_are_those_of_the_published_image_whatever_was_kept(
    kept, kept_manifest, cells, tmp_path
):
    small = {"crop": 64, "resize": 32}
    for name, options in (("crop", {"crop": 64}), ("small", small)):
        jumpduck.download(kept_manifest, tmp_path / name, recipe="png16", limit=20, **options)
    middle = cells.filter(pl.col("Nuclei_Number_Object_Number") > 1)
    crop = jumpduck.dataset(tmp_path / "crop", unit="cell", size=9, cells=cells)
    there = crop.table.select(SITE_KEY).unique()
    middle = middle.join(there, on=SITE_KEY, how="semi")
    whole = jumpduck.dataset(kept, unit="cell", size=9, cells=middle)
    assert len(whole) == len(crop)
    for index in (0, 3, len(whole) - 1):
        assert np.array_equal(whole[index].image, crop[index].image)
    said = crop.skipped.join(crop.table, on=SITE_KEY, how="semi")
    assert said.height == len(crop) // 2
    assert said["error"][0] == "1 of 3 cells are not in the part that was kept"
    small = jumpduck.dataset(tmp_path / "small", unit="cell", size=9, cells=cells)
    assert len(small) == len(crop)
    fields = jumpduck.dataset(tmp_path / "small")
    # 30.6 and 40.4 of a middle square of 64 of 96 pixels, at half of their size
    top, left = (int(np.floor((at - 16 + 0.5) / 2 - 0.5 + 0.5)) for at in (30.6, 40.4))
    image = np.pad(fields[0].image, ((0, 0), (4, 4), (4, 4)))
    assert np.array_equal(small[0].image, image[:, top : top + 9, left : left + 9])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.drop("Metadata_Well"), "no column Metadata_Well"),
        (lambda one: one.drop("Nuclei_Location_Center_X"), "no positions of cells"),
        (
            lambda one: one.with_columns(Nuclei_Location_Center_X=pl.lit(float("nan"))),
            r"rows of the table have no site, position or number",
        ),
        (lambda one: pl.concat([one, one]), r"two rows of the cell"),
        (lambda one: one.with_columns(Metadata_Site=pl.lit("f1")), r"is not a number"),
        (lambda one: one.with_columns(Metadata_Site=pl.lit(1.5)), r"not a whole number, such as"),
        (
            lambda one: one.with_columns(pl.col("Nuclei_Number_Object_Number") + 0.5),
            r"'Metadata_Cell': 1.5",
        ),
    ],
)
def test_a_table_without_usable_positions_is_refused(kept, cells, change, said):
    with pytest.raises(ProfileError, match=said):
        jumpduck.dataset(kept, unit="cell", size=EDGE, cells=change(cells))


def test_cells_of_other_sites_are_said(kept, cells):
    strange = cells[:2].with_columns(Metadata_Well=pl.lit("Z99"))
    samples = jumpduck.dataset(kept, unit="cell", size=EDGE, cells=pl.concat([cells, strange]))
    assert len(samples) == cells.height
    row = samples.skipped.filter(Metadata_Well="Z99").row(0, named=True)
    assert row["error"] == "2 cells of a site that is not there"
    with pytest.raises(QueryError, match=r"a cell of the table \(it has \d+ cells?; of one site: "):
        jumpduck.dataset(kept, unit="cell", size=EDGE, cells=strange)
