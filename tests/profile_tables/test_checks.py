"""What is wrong with a table of profiles is said with its column or row."""

import re

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import ProfileError
from jumpduck.profile_tables import checks
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.profile_tables.reading import read_profiles

WELLS = pl.DataFrame({"Metadata_Plate": ["P1", "P1", "P2"], "Metadata_Well": ["A01", "A02", "A01"]})


def profiles(**changed):
    values = np.array([[1.0, 4], [2, 5], [3, 7]])
    for place, value in changed.items():
        values[int(place[1]), int(place[3])] = value
    return Profiles(WELLS, values, ("Cells_A", "Nuclei_B"))


def test_missing_and_infinite_values_are_named():
    checks.check_finite(profiles())
    said = r"'Nuclei_B' is missing \(NaN\) in row 2 \(P1/A02\); 1 values of 1 features"
    with pytest.raises(ProfileError, match=said):
        checks.check_finite(profiles(r1c1=np.nan))
    checks.check_finite(profiles(r1c1=np.nan), missing=True)
    with pytest.raises(ProfileError, match=r"'Cells_A' is infinite in row 3 \(P2/A01\)"):
        checks.check_finite(profiles(r1c1=np.nan, r2c0=-np.inf), missing=True)


@pytest.mark.parametrize("name", ["*", "^Cells.*$", "^\n$", "row number"])
def test_a_name_that_would_mean_other_columns_is_refused(tmp_path, name):
    file = tmp_path / "rows.parquet"
    WELLS.with_columns(pl.lit("x").alias(name), Cells_A=1.0).write_parquet(file)
    with pytest.raises(ProfileError, match=re.escape(f"has a column {name!r}; give it another")):
        read_profiles(file)


@pytest.mark.parametrize("name", ['a"b', "a'b", "a\nb", "group", "x, y", "with rows", "a\u202eb"])
def test_any_other_name_is_read_and_can_be_in_a_condition(tmp_path, name):
    file = tmp_path / "rows.parquet"
    WELLS.with_columns(pl.lit("x").alias(name), Cells_A=1.0).write_parquet(file)
    quoted = name.replace('"', '""')
    found = read_profiles(file, where=f"\"{quoted}\" = 'x'")
    assert found.metadata.columns == ["Metadata_Plate", "Metadata_Well", name]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read: empty CSV"),
        ("Metadata_Plate,Metadata_Well\nP1,A01\n", "no feature among the 2 columns"),
        ("Metadata_Plate,Cells_A,Cells_A\nP1,1,2\n", "has several columns 'Cells_A'"),
        ("Metadata_Plate,Cells_A\nP1,1\nP1,high\n", "has 'high' in row 2 of feature 'Cells_A'"),
        ("Metadata_Plate,Cells_A\nP1,1,2\n", "cannot be read: found more fields"),
        ("Metadata_Plate,,Cells_A\nP1,1,2\n", "has a column without a name"),
    ],
)
def test_csv_that_is_not_a_table_of_profiles_is_said(tmp_path, text, said):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(ProfileError, match=re.escape(said)):
        read_profiles(tmp_path / "rows.csv")


def test_text_among_the_features_of_a_parquet_file_is_said(tmp_path):
    file = tmp_path / "rows.parquet"
    WELLS.with_columns(Cells_A=1.0, Cells_B=pl.lit("high")).write_parquet(file)
    with pytest.raises(ProfileError, match="feature 'Cells_B' is String, not a number"):
        read_profiles(file)
    WELLS.with_columns(Cells_A=1.0, Cells_B=pl.lit("2.5")).write_parquet(file)
    with pytest.raises(ProfileError, match="feature 'Cells_B' is String, not a number"):
        read_profiles(file)
    WELLS.with_columns(emb_0=1.0, emb_1=pl.lit("2.5")).write_parquet(file)
    assert read_profiles(file).names == ("emb_0",)
    with pytest.raises(ProfileError, match="feature 'emb_1' is String"):
        read_profiles(file, features=["emb*"])


def test_parquet_with_a_name_twice_and_what_is_not_parquet_is_said(tmp_path):
    file = tmp_path / "rows.parquet"
    file.write_bytes(b"PAR1 and more")
    with pytest.raises(ProfileError, match=r"rows.parquet cannot be read"):
        read_profiles(file)
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table([pa.array([1.0])] * 2, names=["Cells_A", "Cells_A"]), file)
    with pytest.raises(ProfileError, match="column with name 'Cells_A' has more than one"):
        read_profiles(file)


def test_numbers_in_quotes_are_numbers_in_csv(tmp_path):
    (tmp_path / "rows.csv").write_text('Metadata_Plate,Cells_A\n"1","2.5"\n"2","3"\n')
    found = read_profiles(tmp_path / "rows.csv")
    assert found.features[:, 0].tolist() == [2.5, 3]
    assert found.metadata["Metadata_Plate"].to_list() == ["1", "2"]
