"""A manifest may be CSV, and several files."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jumpduck
from jumpduck.errors import ManifestError
from jumpduck.transfer.manifest_reader import Manifest
from tests.support.examples import examples
from tests.support.mutations import mutations


@pytest.fixture(scope="module")
def rows(catalog):
    """A manifest of two plates."""
    return jumpduck.manifest(catalog, sources="2,3", per_well={"trt": 2})


def all_rows(manifest):
    opened = Manifest.open(manifest)
    return as_csv_has_it(pl.concat([plate.rows() for plate in opened.plates()]))


def as_csv_has_it(rows):
    """A column of numbers that only the collection knows is text in CSV, as keys are."""
    return rows.with_columns(pl.col("^Metadata_Prot_Match$").cast(pl.String))


@pytest.mark.slow
def test_a_manifest_is_csv_if_its_name_says_so_and_has_the_same_rows(cli, catalog, rows, tmp_path):
    words = ("manifest", "--catalog", catalog, "--source", "2,3", "--per-well", "trt=2")
    assert cli(*words, "--manifest", "m.csv").code == 0
    assert (tmp_path / "m.csv").read_text().startswith("Metadata_Source,Metadata_Batch,")
    assert cli(*words, "--manifest", "m.parquet").code == 0
    assert all_rows(tmp_path / "m.csv").equals(all_rows(tmp_path / "m.parquet"), null_equal=True)
    assert jumpduck.manifest(catalog, path=tmp_path / "n.CSV").height == 255
    for name in ("m.csv", "m.parquet"):
        assert cli("download", "--manifest", name, "--out", name.partition(".")[2]).code in (0, 3)
    kept = [
        as_csv_has_it(pl.read_parquet(tmp_path / name / "results.parquet")).drop(
            "seconds", "attempts"
        )
        for name in ("csv", "parquet")
    ]
    assert kept[0].sort("path").equals(kept[1].sort("path"), null_equal=True)


def test_a_csv_with_columns_of_a_users_own_keeps_them_and_keys_are_text(rows, tmp_path):
    own = rows.head(3).with_columns(
        Metadata_Plate=pl.lit("0012"), Metadata_Dose=pl.lit("1.50"),
        path=pl.format("a/b/0012/{}", pl.int_range(3)), weight=pl.Series([1, 2, None]),
        split=pl.lit("train"), doubt=pl.Series([0.5, None, 2]),
    )  # fmt: skip
    own.write_csv(tmp_path / "m.csv")
    read = all_rows(tmp_path / "m.csv")
    assert set(read["Metadata_Plate"]) == {"0012"}
    assert set(read["Metadata_Dose"]) == {"1.50"}
    assert read["weight"].to_list() == ["1", "2", None]
    assert read["doubt"].to_list() == ["0.5", None, "2.0"]
    assert set(read["split"]) == {"train"}


@pytest.mark.parametrize("text", ["000", "true", "1e5", "2020-01-01", "0x1F", "inf", "1", "-0"])
def test_texts_of_a_csv_stay_the_texts_that_they_are(rows, tmp_path, text):
    own = rows.head(4).with_columns(code=pl.lit(text), number=pl.int_range(4), share=0.5)
    own.write_csv(tmp_path / "m.csv")
    own.write_parquet(tmp_path / "m.parquet")
    assert all_rows(tmp_path / "m.csv")["code"].to_list() == [text] * 4
    both = all_rows([tmp_path / "m.parquet", tmp_path / "m.csv"])
    assert both["code"].to_list() == [text] * 4
    assert both["number"].to_list() == ["0", "1", "2", "3"]
    assert set(both["share"]) == {"0.5"}


@pytest.mark.slow
def test_a_split_in_csv_has_the_parts_that_it_was_given(cli, catalog, tmp_path):
    split = ("--split", "01=0.5,1=0.5", "--split-by", "plate", "--seed", "1")
    choice = ("--catalog", catalog, "--per-well", "trt=1", "--channel", "DNA", *split)
    parts = []
    for name in ("csv", "parquet"):
        assert cli("manifest", *choice, "--manifest", f"m.{name}").code == 0
        assert cli("download", "--manifest", f"m.{name}", "--out", name).code in (0, 3)
        sites = pl.read_parquet(tmp_path / name / "sites.parquet")
        parts.append(sites["split"].sort().to_list())
    assert parts[0] == parts[1]
    assert set(parts[0]) == {"01", "1"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["_part", "_number", "part", "number", "row", "place", "first"])
def test_columns_of_a_user_keep_their_values_whatever_their_names(rows, tmp_path, name):
    own = rows.with_columns(pl.format("a{}", pl.int_range(pl.len())).alias(name))
    own.head(9).write_parquet(tmp_path / "a.parquet")
    own[6:].write_parquet(tmp_path / "b.parquet")
    read = all_rows([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert set(read.select("path", name).rows()) == set(own.select("path", name).rows())
    kept = jumpduck.download([tmp_path / "a.parquet"], tmp_path / "images", limit=2)
    assert kept[name].to_list() == ["a0", "a1"]
    jumpduck.download([tmp_path / "a.parquet"], tmp_path / "images", limit=4)
    written = pl.read_parquet(tmp_path / "images" / "results.parquet")
    assert set(written[name]) == {"a0", "a1", "a2", "a3"}


def test_a_pattern_takes_manifests_alone(cli, rows, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "README").write_text("what lies here")
    (folder / "log.txt").write_text("made today")
    done = cli("download", "--manifest", "parts/*", "--dry-run")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "a pattern takes files whose names end in .parquet or .csv" in done.err
    rows.head(3).write_parquet(folder / "a.parquet")
    rows[3:5].write_csv(folder / "b.CSV")
    done = cli("download", "--manifest", "parts/*", "--dry-run", "--json")
    assert json.loads(done.out)["files"] == 5


@pytest.mark.slow
def test_a_csv_does_not_keep_the_server_and_it_is_said(cli, s3, tmp_path):
    at = ("--metadata", "s3://metadata", "--endpoint", s3.endpoint, "--source", "source_3")
    assert cli("catalog", *at).code == 0
    assert f"--endpoint {s3.endpoint}" in cli("manifest", "--manifest", "m.csv").out
    done = cli("download", "--manifest", "m.csv", "--endpoint", s3.endpoint, "--limit", "5")
    assert done.code == 0


def test_several_manifests_and_patterns_are_one_manifest(cli, rows, tmp_path):
    rows.filter(pl.col("Metadata_Source") == "source_3").write_parquet(tmp_path / "part-2.parquet")
    rows.filter(pl.col("Metadata_Source") == "source_2").write_csv(tmp_path / "part-1.csv")
    for words in (["part-1.csv", "part-2.parquet"], ["part-*"], ["part-1.csv", "part-*"]):
        done = cli("download", "--manifest", *words, "--dry-run", "--json")
        assert json.loads(done.out)["files"] == rows.height
    together = all_rows([tmp_path / "part-1.csv", tmp_path / "part-2.parquet"])
    assert (
        together.sort("path")
        .select(sorted(rows.columns))
        .equals(as_csv_has_it(rows).sort("path").select(sorted(rows.columns)), null_equal=True)
    )
    assert cli("download", "--manifest", "part-*", "-o", "images").code in (0, 3)
    assert pl.read_parquet(tmp_path / "images" / "results.parquet").height == rows.height


@pytest.mark.slow
@examples(3)
@given(
    parts=st.lists(st.lists(st.integers(0, 19), unique=True, min_size=1), min_size=2, max_size=4)
)
def test_rows_that_several_manifests_have_are_there_once(rows, tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("parts")
    paths = []
    for number, chosen in enumerate(parts):
        paths.append(folder / f"{number}.{'csv' if number % 2 else 'parquet'}")
        part = rows[chosen]
        part.write_csv(paths[-1]) if number % 2 else part.write_parquet(paths[-1])
    expected = as_csv_has_it(rows)[sorted({place for chosen in parts for place in chosen})]
    read = all_rows(paths)
    assert read.sort("path").select(rows.columns).equals(expected.sort("path"), null_equal=True)
    plates = read.select("Metadata_Source", "Metadata_Plate")
    assert Manifest.open(paths).plate_count == plates.n_unique()


def test_manifests_that_say_different_things_of_one_path_are_refused(cli, rows, tmp_path):
    rows.head(4).write_parquet(tmp_path / "a.parquet")
    other = rows.head(6).with_columns(
        url=pl.when(pl.row_index() == 2).then(pl.lit("s3://b/c")).otherwise("url")
    )
    other.write_parquet(tmp_path / "b.parquet")
    done = cli("download", "--manifest", "a.parquet", "b.parquet")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert rows["path"][2] in done.err
    assert "a.parquet and b.parquet, with different values of url" in done.err
    pl.concat([rows.head(2), rows.head(1)]).write_parquet(tmp_path / "c.parquet")
    rows[3:5].write_parquet(tmp_path / "d.parquet")
    assert (
        "occurs twice in c.parquet" in cli("download", "--manifest", "c.parquet", "d.parquet").err
    )
    assert not (tmp_path / "images").exists()


def test_manifests_of_different_servers_are_refused(rows, tmp_path):
    for number, server in enumerate(("null", '"http://127.0.0.1:9"')):
        notes = {"jumpduck.catalog": f'{{"endpoint": {server}}}'}
        rows[number : number + 1].write_parquet(tmp_path / f"{number}.parquet", metadata=notes)
    with pytest.raises(ManifestError, match=r"AWS and http://127.0.0.1:9; download them"):
        Manifest.open(str(tmp_path / "*.parquet"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.csv", b"", "cannot be read as CSV"),
        ("m.csv", b"a,b\n1,2\n", "no column Metadata_Source"),
        ("m.csv", b"\xff\xfe\x00", "m"),
        ("m.csv", None, "there is no manifest"),
        ("m-*.csv", None, "no manifest has a name like m-*.csv"),
    ],
)
def test_a_csv_that_is_none_is_one_line(cli, tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = cli("download", "--manifest", name)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert said in done.err


@pytest.mark.slow
def test_broken_csv_is_one_line_or_can_be_read(rows, tmp_path):
    path = tmp_path / "m.csv"
    rows.head(12).write_csv(path)
    read, said = 0, []
    for data in mutations([path.read_bytes()], 150, 1):
        path.write_bytes(data)
        try:
            all_rows(path)
            read += 1
        except jumpduck.errors.JumpduckError as error:
            said.append(str(error))
    assert [line for line in said if "\n" in line] == []
    assert read
    assert said
