"""Tables of profiles are read from Parquet and CSV, and written."""

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import ProfileError, QueryError
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.profile_tables.reading import read_profiles
from jumpduck.profile_tables.writing import write_parts

ROWS = pl.DataFrame(
    {
        "Metadata_Plate": ["007", "007", "8"],
        "Metadata_Well": ["A01", "A02", "A01"],
        "Metadata_moa": ["DMSO", "Aurora", None],
        "Metadata_Concentration": [0.0, 0.5, 1.0],
        "Cells_Area": [1.5, None, 3.0],
        "Nuclei_Area": [1, 2, 3],
        "Other": [7.0, 8.0, 9.0],
    }
)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.csv.gz"])
def test_columns_that_cell_profiler_names_are_features_and_all_others_metadata(tmp_path, name):
    if name.endswith(".parquet"):
        ROWS.write_parquet(tmp_path / name)
    else:
        gz = "gzip" if name.endswith(".gz") else "uncompressed"
        ROWS.write_csv(tmp_path / name, compression=gz)
    found = read_profiles(tmp_path / name)
    assert found.names == ("Cells_Area", "Nuclei_Area")
    assert found.features.dtype == np.float64
    assert found.features.flags.c_contiguous
    np.testing.assert_array_equal(found.features, [[1.5, 1], [np.nan, 2], [3, 3]])
    assert found.metadata.equals(ROWS.select("^Metadata.*$", "Other"))


def test_without_such_columns_numbers_are_features_that_do_not_begin_with_metadata(tmp_path):
    pl.DataFrame({"Metadata_Dose": [1], "emb_0": [0.5], "emb_1": [2], "note": ["x"]}).write_csv(
        tmp_path / "rows.csv"
    )
    found = read_profiles(tmp_path / "rows.csv")
    assert found.names == ("emb_0", "emb_1")
    assert found.metadata.rows(named=True) == [{"Metadata_Dose": 1, "note": "x"}]


def test_features_can_be_named_by_names_and_patterns(tmp_path):
    ROWS.write_parquet(tmp_path / "rows.parquet")
    read = read_profiles(tmp_path / "rows.parquet", features=["Oth*", "Nuclei_Area"])
    assert read.names == ("Nuclei_Area", "Other")
    with pytest.raises(QueryError, match=r"features 'Nuclei_Aria' fits no column; did you mean Nu"):
        read_profiles(tmp_path / "rows.parquet", features=["Nuclei_Aria"])
    with pytest.raises(ProfileError, match="feature 'Metadata_moa' is String, not a number"):
        read_profiles(tmp_path / "rows.parquet", features=["Metadata_moa"])


def test_a_condition_chooses_rows(tmp_path):
    ROWS.write_parquet(tmp_path / "rows.parquet")
    found = read_profiles(tmp_path / "rows.parquet", where="Metadata_moa <> 'DMSO'")
    assert found.metadata["Metadata_Well"].to_list() == ["A02"]
    assert found.features[:, 1].tolist() == [2]
    none = read_profiles(tmp_path / "rows.parquet", where="Metadata_Plate = 'x'")
    assert (len(none), none.features.shape) == (0, (0, 2))
    with pytest.raises(QueryError, match="did you mean Metadata_moa"):
        read_profiles(tmp_path / "rows.parquet", where="Metadata_mao = 'DMSO'")
    with pytest.raises(QueryError, match="where"):
        read_profiles(tmp_path / "rows.parquet", where="1=1) OR (1=1; COPY x TO 'y'")


def test_plates_that_are_numbers_in_the_file_are_text(tmp_path):
    rows = pl.DataFrame({"Metadata_Plate": [25955, None], "Cells_Area": [1.0, 2.0]})
    for number in (pl.Int64, pl.Float64):  # pandas makes floats of them where one is missing
        rows.cast({"Metadata_Plate": number}).write_parquet(tmp_path / "rows.parquet")
        read = read_profiles(tmp_path / "rows.parquet")
        assert read.metadata["Metadata_Plate"].to_list() == ["25955", None]


@pytest.mark.parametrize("name", ["out/rows.parquet", "rows.csv", "rows.csv.gz"])
def test_what_was_written_is_read_as_it_was(tmp_path, name):
    ROWS.write_parquet(tmp_path / "rows.parquet")
    found = read_profiles(tmp_path / "rows.parquet")
    values = np.random.default_rng(0).normal(size=(3, 4)) * 1e-7
    written = found.with_features(values, ["Cells_1", "Cells_2", "Nuclei_3", "Cytoplasm_4"])
    write_parts([written], tmp_path / name, {"jumpduck.steps": "a"})
    again = read_profiles(tmp_path / name)
    np.testing.assert_array_equal(again.features, values)
    assert again.metadata.equals(found.metadata)
    if name.endswith(".parquet"):
        assert again.facts == {"jumpduck.steps": "a"}
        write_parts([again.select([2, 0])], tmp_path / name)
        assert read_profiles(tmp_path / name).facts == {"jumpduck.steps": "a"}


def test_words_for_missing_numbers_in_csv_are_missing_numbers(tmp_path):
    text = "Metadata_Plate,Cells_A,Cells_B\n007,NA,1\n008,2.5,-inf\n"
    (tmp_path / "rows.csv").write_text(text)
    np.testing.assert_array_equal(
        read_profiles(tmp_path / "rows.csv").features, [[np.nan, 1], [2.5, -np.inf]]
    )


def test_rows_are_selected_by_number_or_by_truth_value():
    profiles = Profiles(ROWS.select("Metadata_Well"), np.arange(6.0).reshape(3, 2), ("a", "b"))
    for rows in ([2, 0], np.array([2, 0])):
        chosen = profiles.select(rows)
        assert chosen.features.tolist() == [[4, 5], [0, 1]]
        assert chosen.metadata["Metadata_Well"].to_list() == ["A01", "A01"]
    assert profiles.select(np.array([False, True, False])).features.tolist() == [[2, 3]]
    assert len(profiles.select([])) == 0


def test_profiles_whose_parts_do_not_fit_together_are_refused():
    rows = ROWS.select("Metadata_Well")
    with pytest.raises(ProfileError, match="metadata has 3 rows, features 2"):
        Profiles(rows, np.zeros((2, 1)), ("a",))
    with pytest.raises(ProfileError, match=r"shape \(3, 2\)"):
        Profiles(rows, np.zeros((3, 2)), ("a",))
    with pytest.raises(ProfileError, match="several columns 'a'"):
        Profiles(rows, np.zeros((3, 2)), ("a", "a"))
