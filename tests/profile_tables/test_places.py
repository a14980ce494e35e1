"""Tables of profiles are read from folders and servers, plate by plate."""

import itertools

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import ProfileError, StoreError
from jumpduck.profile_tables import reading
from jumpduck.profile_tables.reading import iterate_profiles, read_profiles
from tests.support.range_server import RangeServer
from tests.support.s3_server import S3Server

PLATES, WELLS, FEATURES = ("P1", "P2", "P3"), 40, 300


def plate(name, seed=0):
    rng = np.random.default_rng([seed, *name.encode()])
    keys = {
        "Metadata_Plate": [name] * WELLS,
        "Metadata_Well": [f"{row}{column:02}" for row in "AB" for column in range(1, 21)],
        "Metadata_pert_type": ["negcon" if n % 8 == 0 else "trt" for n in range(WELLS)],
    }
    values = rng.normal(size=(FEATURES, WELLS))
    return pl.DataFrame(keys | {f"Cells_{n}": one for n, one in enumerate(values)})


@pytest.fixture(scope="module")
def rows():
    return pl.concat(map(plate, PLATES))


@pytest.fixture(scope="module")
def server():
    with S3Server() as running:
        yield running


def same(found, rows):
    assert found.metadata.equals(rows.select(found.metadata.columns))
    np.testing.assert_array_equal(found.features, rows.select(found.names).to_numpy())


def test_a_folder_of_files_is_one_table_in_the_order_of_their_paths(tmp_path, rows):
    for name in PLATES:
        (tmp_path / name).mkdir()
        plate(name).write_parquet(tmp_path / name / f"{name}.parquet")
    (tmp_path / "readme.txt").write_text("not a table")
    same(read_profiles(tmp_path), rows)
    chosen = "Metadata_Plate <> 'P2' AND Metadata_Well = 'B03'"
    expected = rows.filter((pl.col("Metadata_Plate") != "P2") & (pl.col("Metadata_Well") == "B03"))
    same(read_profiles(tmp_path, where=chosen), expected)


def test_the_name_of_a_folder_says_the_plate_of_files_that_do_not(tmp_path, rows):
    for name in PLATES:
        folder = tmp_path / f"Metadata_Plate={name}"
        folder.mkdir()
        plate(name).drop("Metadata_Plate").write_parquet(folder / "part.parquet")
    found = read_profiles(tmp_path)
    same(found, rows)
    plates = [one.metadata["Metadata_Plate"][0] for one in iterate_profiles(tmp_path)]
    assert plates == list(PLATES)


def test_files_with_other_features_are_refused_by_name(tmp_path, rows):
    plate("P1").write_parquet(tmp_path / "a.parquet")
    plate("P2").rename({"Cells_7": "Cells_x"}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(ProfileError, match=r"1 are in .*a.parquet only, such as 'Cells_7'"):
        read_profiles(tmp_path)
    found = read_profiles(tmp_path, features=["Cells_1"])
    assert found.names == ("Cells_1",)
    assert found.metadata.columns == ["Metadata_Plate", "Metadata_Well", "Metadata_pert_type"]


@pytest.mark.parametrize("mixed", [False, True])
def test_plates_come_one_after_the_other_whether_or_not_their_rows_do(
    tmp_path, rows, mixed, monkeypatch
):
    # so that each plate is a group of its own, and a block has a few of its rows
    monkeypatch.setattr(reading, "GROUP_BYTES", 8 * FEATURES * WELLS)
    monkeypatch.setattr(reading, "BLOCK_BYTES", 8 * FEATURES * 7)
    table = rows.sample(fraction=1, shuffle=True, seed=1) if mixed else rows
    table.write_parquet(tmp_path / "rows.parquet", row_group_size=25)
    found = list(iterate_profiles(tmp_path / "rows.parquet", where="Metadata_Well <> 'A01'"))
    kept = table.filter(pl.col("Metadata_Well") != "A01")
    assert len(found) == 3
    for one, (_, expected) in zip(
        found, kept.group_by("Metadata_Plate", maintain_order=True), strict=True
    ):
        same(one, expected)


def test_a_plate_that_is_not_named_is_said_with_its_row(tmp_path, rows):
    rows[:4].with_columns(Metadata_Plate=pl.Series(["P1", "P1", None, "P1"])).write_parquet(
        tmp_path / "rows.parquet"
    )
    with pytest.raises(ProfileError, match="row 3 of the table has no Metadata_Plate"):
        next(iterate_profiles(tmp_path / "rows.parquet"))
    with pytest.raises(ProfileError, match="no column 'Metadata_Plat'; did you mean Metadata_Pl"):
        next(iterate_profiles(tmp_path / "rows.parquet", "Metadata_Plat"))


def test_of_a_file_on_s3_only_what_is_needed_is_fetched(tmp_path, rows, server):
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=WELLS, compression="uncompressed")
    server.put("lab", "profiles/rows.parquet", (tmp_path / "rows.parquet").read_bytes())
    url = "s3://lab/profiles/rows.parquet"
    same(read_profiles(url, endpoint=server.endpoint), rows)
    one = read_profiles(url, endpoint=server.endpoint, where="Metadata_Plate = 'P2'")
    same(one, plate("P2"))
    plates = list(iterate_profiles(url, endpoint=server.endpoint))
    for found, name in zip(plates, PLATES, strict=True):
        same(found, plate(name))
    # a folder, and CSV
    server.put("lab", "profiles/more.parquet", (tmp_path / "rows.parquet").read_bytes())
    same(read_profiles("s3://lab/profiles", endpoint=server.endpoint), pl.concat([rows, rows]))
    server.put("lab", "rows.csv", rows.write_csv().encode())
    same(read_profiles("s3://lab/rows.csv", endpoint=server.endpoint), rows)


def test_a_column_of_a_row_group_costs_less_than_the_file(tmp_path):
    big = pl.concat([plate(name, seed=seed) for seed, name in itertools.product(range(12), PLATES)])
    big.write_parquet(tmp_path / "big.parquet", row_group_size=12 * WELLS)
    size = (tmp_path / "big.parquet").stat().st_size
    with RangeServer(tmp_path) as server:
        url = f"{server.address}/big.parquet"
        found = read_profiles(url, features=["Cells_1", "Cells_200"])
        assert server.sent < size / 2
        server.clear()
        again = read_profiles(url, where="Metadata_Plate = 'P1' AND Metadata_Well = 'A01'")
        assert server.sent > size / 2  # because each row group has such a row
    same(found, big)
    assert len(again) == 12


def test_a_column_whose_name_has_a_comma_is_fetched(tmp_path):
    big = pl.concat([plate(name, seed=seed) for seed, name in itertools.product(range(12), PLATES)])
    big = big.rename({"Cells_100": "Cells, 100"})
    big.write_parquet(tmp_path / "big.parquet", row_group_size=12 * WELLS)
    with RangeServer(tmp_path) as server:
        found = read_profiles(f"{server.address}/big.parquet", features=["Cells, 100"])
    np.testing.assert_array_equal(found.features[:, 0], big["Cells, 100"].to_numpy())


def test_what_a_server_has_instead_of_a_table_is_said(tmp_path, rows):
    rows.write_parquet(tmp_path / "rows.parquet")
    data = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "text.parquet").write_text("<html>not a table</html>")
    (tmp_path / "cut.parquet").write_bytes(data[:5000])
    (tmp_path / "spoilt.parquet").write_bytes(data[:-3000] + bytes(2000) + data[-1000:])
    with RangeServer(tmp_path) as server:
        for name in ("text", "cut", "spoilt"):
            with pytest.raises(
                ProfileError, match=f"{name}.parquet.*(not a Parquet file|cannot be read)"
            ):
                read_profiles(f"{server.address}/{name}.parquet")
        with pytest.raises(ProfileError, match="no such file"):
            read_profiles(f"{server.address}/absent.parquet")
        server.ranges = False
        with pytest.raises(StoreError, match="whole files only"):
            read_profiles(f"{server.address}/rows.parquet")


def test_a_file_that_is_replaced_while_it_is_read_is_said(tmp_path, rows):
    rows.write_parquet(tmp_path / "rows.parquet", row_group_size=WELLS)
    with RangeServer(tmp_path) as server:
        url = f"{server.address}/rows.parquet"
        with reading.open_profiles(url) as table:
            rows.reverse().write_parquet(tmp_path / "rows.parquet", row_group_size=WELLS)
            with pytest.raises(StoreError, match="replaced while it was read"):
                table.read()


def test_a_place_without_a_table_is_said(tmp_path):
    with pytest.raises(ProfileError, match="no file whose name ends with"):
        read_profiles(tmp_path)
    with pytest.raises(ProfileError, match="is not there"):
        read_profiles(tmp_path / "absent.parquet")
