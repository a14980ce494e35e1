"""A table of profiles is written while its parts come."""

import subprocess
import sys
import textwrap

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import ProfileError, StoreError
from jumpduck.profile_tables import writing
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.profile_tables.reading import read_profiles
from jumpduck.profile_tables.writing import write_parts
from tests.support.large_profiles import write_large_profiles


def parts(number, error=None, names=("Cells_A", "Cells_B")):
    for plate in range(number):
        if error is not None and plate == 2:
            raise error
        metadata = pl.DataFrame({"Metadata_Plate": [f"P{plate}"] * 10})
        yield Profiles(metadata, np.full((10, 2), plate + 0.1), names, {"jumpduck.steps": "a"})


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.csv.gz"])
def test_the_rows_come_in_the_order_of_the_parts(tmp_path, name, monkeypatch):
    monkeypatch.setattr(writing, "GROUP_BYTES", 3 * 8 * 7)
    assert write_parts(parts(5), tmp_path / name, {"jumpduck.more": "b"}) == 50
    found = read_profiles(tmp_path / name)
    plates = np.repeat(["P0", "P1", "P2", "P3", "P4"], 10).tolist()
    assert found.metadata["Metadata_Plate"].to_list() == plates
    np.testing.assert_array_equal(found.features[:, 1], np.repeat(np.arange(5) + 0.1, 10))
    if name.endswith(".parquet"):
        assert found.facts == {"jumpduck.steps": "a", "jumpduck.more": "b"}


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_what_ends_the_parts_ends_the_writing_and_the_earlier_file_stays(tmp_path, name):
    write_parts(parts(1), tmp_path / name)
    before = (tmp_path / name).read_bytes()
    for error, raised in (
        (ProfileError("plate P2 has no controls"), ProfileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(28, "No space left"), StoreError),
    ):
        with pytest.raises(raised):
            write_parts(parts(5, error), tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


def test_parts_with_other_columns_and_no_part_at_all_are_refused(tmp_path):
    both = [*parts(1), *parts(1, names=("Cells_A", "Cells_C"))]
    with pytest.raises(ProfileError, match="other columns than the first"):
        write_parts(both, tmp_path / "rows.parquet")
    with pytest.raises(ProfileError, match="no row to write"):
        write_parts([], tmp_path / "rows.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_large_table_is_read_and_written_in_little_memory(tmp_path):
    script = """
        import resource, sys
        from jumpduck.profile_tables import reading
        from jumpduck.profile_tables import writing
        reading.GROUP_BYTES = reading.BLOCK_BYTES = writing.GROUP_BYTES = 2**25
        rows = writing.write_parts(reading.iterate_profiles(sys.argv[1]), sys.argv[2])
        print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    peaks = []
    for plates in (40, 240):  # 0.07 and 0.44 GB of features
        write_large_profiles(tmp_path / "in.parquet", plates, features=600)
        words = [sys.executable, "-c", textwrap.dedent(script)]
        done = subprocess.run(
            [*words, tmp_path / "in.parquet", tmp_path / "out.parquet"],
            capture_output=True,
            text=True,
            check=True,
        )
        rows, kilobytes = map(int, done.stdout.split())
        assert rows == 384 * plates
        peaks.append(kilobytes / 2**20)
    assert peaks[1] - peaks[0] < 0.2
