"""A manifest is divided into manifests: balanced, the same each time, and nothing is lost."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.rows import PLATE_KEY
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.shards import MAX_OF_MEAN, MeasuredPlates, shards_of, why_unbalanced
from tests.support.examples import examples, first_quick
from tests.support.folders import same


def made_up(sizes, sites=4, channels=2):
    """A manifest of plates, each image with so many bytes."""
    return pl.concat(
        pl.select(number=pl.int_range(sites * channels)).select(
            Metadata_Source=pl.lit("source_1"),
            Metadata_Batch=pl.lit("b"),
            Metadata_Plate=pl.lit(f"p{plate}"),
            Metadata_Well=pl.format("A{}", pl.col("number") // channels // 2),
            Metadata_Site=(pl.col("number") // channels % 2).cast(pl.Int32),
            Metadata_Channel=pl.format("C{}", pl.col("number") % channels),
            own=pl.lit(plate),
            estimated_bytes=pl.lit(size, pl.Int64),
            url=pl.format("s3://bucket/{}/{}.tif", pl.lit(plate), "number"),
            path=pl.format("source_1/b/{}/{}", pl.lit(f"p{plate}"), "number"),
        )
        for plate, size in enumerate(sizes)
    )


def split(rows, folder, **options):
    """Write shards of a frame, and get the index and the rows of each."""
    folder.mkdir(exist_ok=True)
    rows.write_parquet(folder / "manifest.parquet", metadata={"jumpduck.catalog": "{}"})
    index = jumpduck.split(folder / "manifest.parquet", folder / "shards", **options)
    return index, [pl.read_parquet(folder / "shards" / name) for name in index["file"]]


@pytest.fixture(scope="module")
def chosen(catalog, tmp_path_factory):
    path = tmp_path_factory.mktemp("chosen") / "manifest.parquet"
    jumpduck.manifest(catalog, path=path, per_well={"trt": 2, "negcon": 1})
    return path


@pytest.fixture
def manifest(chosen, tmp_path):
    """A manifest of the three plates of the demo."""
    return Path(shutil.copy(chosen, tmp_path))


@examples(8)
@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=30),
    into=st.integers(1, 30),
    cut=st.booleans(),
)
def test_shards_together_are_the_manifest(sizes, into, cut, tmp_path_factory):
    rows = made_up(sizes)
    into = min(into, len(sizes))
    index, shards = split(rows, tmp_path_factory.mktemp("split"), into=into, cut=cut)
    assert index.height == into
    assert index["files"].to_list() == [shard.height for shard in shards]
    assert min(index["files"]) > 0
    place = {path: number for number, path in enumerate(rows["path"])}
    for shard in shards:
        assert shard.schema == rows.schema
        places = [place[path] for path in shard["path"]]
        assert places == sorted(places)
        assert cut or shard.select(PLATE_KEY).is_unique().sum() <= shard.height
    assert pl.concat(shards).sort("path").equals(rows.sort("path"))
    plates = pl.concat([shard.select(PLATE_KEY).unique() for shard in shards])
    sites = pl.concat(
        [shard.select(pl.exclude("^(path|url|.*Channel)$")).unique() for shard in shards]
    )
    assert cut or plates.is_unique().all()
    assert sites.is_unique().all()


@examples(4)
@given(sizes=st.lists(st.integers(50, 100), min_size=40, max_size=60), into=st.integers(1, 4))
def test_shards_of_many_plates_are_balanced(sizes, into, tmp_path_factory):
    rows = made_up([size * 10**6 for size in sizes])
    index, _ = split(rows, tmp_path_factory.mktemp("split"), into=into)
    assert index["gb"].max() <= MAX_OF_MEAN * index["gb"].mean()


@pytest.mark.parametrize("near_rows", [1, 100])
def test_shards_are_balanced_also_if_their_plates_are_to_stand_near_one_another(
    tmp_path, monkeypatch, near_rows
):
    monkeypatch.setattr("jumpduck.transfer.shards.NEAR_ROWS", near_rows)
    monkeypatch.setattr("jumpduck.transfer.shard_writer.MAX_READ_ROWS", near_rows)
    sizes = [1000, *[10_000_000 + 1000 * n for n in range(40)], 90_000_000, 1000]
    index, shards = split(made_up(sizes), tmp_path, into=5)
    assert index["gb"].max() <= MAX_OF_MEAN * index["gb"].mean()
    assert pl.concat(shards).height == 8 * len(sizes)


def test_a_cut_balances_plates_that_whole_plates_do_not(tmp_path):
    rows = made_up([1_000_000] * 2 + [20_000_000], sites=40)
    whole, _ = split(rows, tmp_path / "whole", into=3)
    assert whole["gb"].max() > 2 * whole["gb"].mean()
    cut, shards = split(rows, tmp_path / "cut", into=3, cut=True)
    assert cut["gb"].max() <= MAX_OF_MEAN * cut["gb"].mean()
    notes = [
        json.loads(pl.read_parquet_metadata(tmp_path / "cut" / "shards" / name)["jumpduck.shard"])
        for name in cut["file"]
    ]
    assert [(note["number"], note["of"], note["cut"]) for note in notes] == [
        (1, 3, True), (2, 3, True), (3, 3, True),
    ]  # fmt: skip
    assert [len(shard.select(PLATE_KEY).unique()) for shard in shards] == cut["plates"].to_list()


def test_a_site_whose_channels_stand_apart_is_not_divided(tmp_path):
    rows = made_up([1, 1]).sort("Metadata_Plate", "Metadata_Channel", maintain_order=True)
    _, shards = split(rows, tmp_path, into=2, cut=True)
    assert [set(shard["Metadata_Plate"]) for shard in shards] == [{"p0"}, {"p1"}]
    why = "2 parts that it can be cut into, because the rows of its sites do not stand together"
    with pytest.raises(QueryError, match=why):
        split(rows, tmp_path / "three", into=3, cut=True)
    shuffled = made_up([1, 2, 40]).sample(fraction=1, shuffle=True, seed=1)
    plates = MeasuredPlates(shuffled.lazy())
    why = why_unbalanced(plates, shards_of(plates, 2, cut=True), cut=True)
    assert "because the rows of its sites do not stand together; sort the manifest" in why


def test_rows_of_a_plate_that_stand_apart_come_together(tmp_path):
    rows = made_up([1, 1, 1])[::-1].sort("Metadata_Site", maintain_order=True)
    _, shards = split(rows, tmp_path, into=3)
    assert [shard["Metadata_Plate"].unique().to_list() for shard in shards] == [
        ["p2"], ["p1"], ["p0"],
    ]  # fmt: skip


def test_gigabytes_of_a_shard_are_not_exceeded_unless_a_plate_has_more(tmp_path):
    sizes = [n * 10**9 // 8 for n in (48, 48, 3, 3, 60, 1)]
    index, _ = split(made_up(sizes), tmp_path, gb=50)
    assert sorted(index["gb"])[-2:] == [48, 60]
    assert index.filter(pl.col("gb") > 50)["plates"].to_list() == [1]


def test_by_plate_gives_a_shard_for_each_plate_in_order(tmp_path):
    _, shards = split(made_up([3, 1, 2]), tmp_path, by="plate")
    assert [shard["Metadata_Plate"][0] for shard in shards] == ["p0", "p1", "p2"]


def test_without_an_estimate_shards_have_equal_numbers_of_files(cli, tmp_path):
    rows = made_up([1] * 8)
    for own in (rows.drop("estimated_bytes"), rows.with_columns(estimated_bytes=None)):
        own.write_parquet(tmp_path / "m.parquet")
        done = cli("split", "m.parquet", "--into", "4", "--dry-run")
        assert "does not estimate bytes" in done.err
        assert "largest_files\n4\t8\t64\t16\t16.0\t16" in done.out
        assert "gb needs the column estimated_bytes" in cli("split", "m.parquet", "--gb", "1").err
    assert not (tmp_path / "shards").exists()


def test_the_same_manifest_gives_the_same_bytes_and_the_names_that_the_index_has(
    cli, manifest, tmp_path, monkeypatch
):
    def content(folder):
        return {file.name: file.read_bytes() for file in (tmp_path / folder).iterdir()}

    assert cli("split", manifest, "--into", "3").code == 0
    first = content("shards")
    assert set(first) == {"0001.parquet", "0002.parquet", "0003.parquet", "index.tsv"}
    header, *lines = first["index.tsv"].decode().splitlines()
    assert header == "shard\tfile\tplates\tfiles\tgb\tsha256"
    assert [line.split("\t")[:3] for line in lines] == [
        ["1", "0001.parquet", "1"], ["2", "0002.parquet", "1"], ["3", "0003.parquet", "1"],
    ]  # fmt: skip
    assert cli("split", manifest, "--into", "3").code == 0  # an interrupted one is done again
    assert content("shards") == first
    monkeypatch.setattr("jumpduck.transfer.shards.NEAR_ROWS", 1)
    monkeypatch.setattr("jumpduck.transfer.shard_writer.MAX_READ_ROWS", 1)
    assert cli("split", manifest, "--into", "3", "-o", "again").code == 0
    assert content("again") == first


def test_shards_of_another_split_are_not_mixed(cli, manifest, tmp_path):
    assert cli("split", manifest, "--into", "2").code == 0
    before = sorted((tmp_path / "shards").iterdir())
    done = cli("split", manifest, "--into", "3")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "--shards shards has 0001.parquet, which is a shard of another split" in done.err
    assert "give another folder" in done.err
    assert sorted((tmp_path / "shards").iterdir()) == before
    assert (
        "manifest.parquet, which is not a shard"
        in cli("split", manifest, "--into", "2", "-o", ".").err
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "`--into`, `--by` or `--gb` says how to divide, and none is given"),
        (("--into", "2", "--gb", "1"), 2, "`--into` and `--gb` are given; give one"),
        (("--into", "0"), 2, "--into 0 is below 1"),
        (("--gb", "0"), 2, "--gb 0.0 is not above 0"),
        (("--gb", "inf"), 2, "--gb inf is not above 0, or without an end; give gigabytes"),
        (("--into", "4"), 2, "--into 4 is more than the 3 plates to fetch, and"),
        (("--into", "4"), 2, "`--cut` to divide plates"),
        (("--into", "4000", "--cut"), 2, "sites of the manifest, because a site is not divided"),
        (("--by", "plate", "--cut"), 2, "--cut divides plates"),
        (("--into", "2", "--out", "images"), 2, "is read with `--left` only"),
        (("--into", "2", "--left"), 1, "--out images is not there"),
        (("--into", "2", "-o", "manifest.parquet"), 1, "is not a folder"),
    ],
)
def test_what_cannot_be_split_is_said_before_anything_is_written(
    cli, manifest, tmp_path, words, code, said
):
    before = sorted(tmp_path.iterdir())
    done = cli("split", manifest, *words)
    assert (done.code, done.err.count("\n")) == (code, 1)
    assert said in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_shard_is_a_manifest_with_what_the_manifest_says_of_itself(manifest, tmp_path):
    jumpduck.split(manifest, tmp_path / "shards", into=2)
    whole, shard = (
        pl.read_parquet_metadata(file) for file in (manifest, tmp_path / "shards/0002.parquet")
    )
    ours = {name: text for name, text in whole.items() if name.startswith("jumpduck.")}
    assert {"jumpduck.catalog", "jumpduck.query", "jumpduck.sql"} <= set(ours)
    assert ours.items() <= shard.items()
    assert set(json.loads(shard["jumpduck.shard"])) >= {"number", "of", "digest", "cut"}


def test_shards_downloaded_one_by_one_are_what_one_run_makes(manifest, tmp_path):
    jumpduck.download(manifest, tmp_path / "whole")
    jumpduck.split(manifest, tmp_path / "shards", into=3)
    for number in (2, 1, 3):
        jumpduck.download(tmp_path / f"shards/000{number}.parquet", tmp_path / "images")
    same(tmp_path / "images", tmp_path / "whole")
    assert Manifest.open(tmp_path / "shards").files == Manifest.open(manifest).files
    assert set(jumpduck.download(tmp_path / "shards", tmp_path / "images")["status"]) <= {
        "present", "missing", "corrupt",
    }  # fmt: skip


def test_a_shard_without_files_has_the_rows_of_the_file(manifest, tmp_path):
    index = jumpduck.split(manifest, tmp_path / "shards", into=2)
    for number, name in zip(index["shard"], index["file"], strict=True):
        by_name, of_file = (
            pl.concat([plate.rows() for plate in opened.plates()])
            for opened in (
                Manifest.open(manifest, shard=f"{number}/2"),
                Manifest.open(tmp_path / "shards" / name),
            )
        )
        assert by_name.equals(of_file)
    got = jumpduck.download(manifest, tmp_path / "images", shard="2/2", limit=4)
    assert got["path"].to_list() == [path + ".png" for path in of_file["path"][:4]]


@pytest.mark.parametrize(
    ("shard", "said"),
    [
        ("3/2", "the first is 1/2 and the last 2/2"),
        ("0/2", "the first is 1/2 and the last 2/2"),
        ("1/0", "give NUMBER/OF, as 1/200"),
        ("x", "'x' is not like 7/200"),
        ("-1/2", "is not like 7/200"),
        ("1/4", "more than the 3 plates of the manifest"),
    ],
)
def test_a_shard_out_of_range_is_a_usage_error(cli, manifest, tmp_path, shard, said):
    done = cli("download", "--manifest", manifest, f"--shard={shard}")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err
    assert "--shard" in done.err
    assert not (tmp_path / "images").exists()


def test_a_shard_that_was_edited_is_refused(cli, manifest, tmp_path):
    jumpduck.split(manifest, tmp_path / "shards", into=2)
    shard = tmp_path / "shards/0002.parquet"
    pl.read_parquet(shard).head(3).write_parquet(shard)
    for names in ("shards/0002.parquet", "shards", "shards/*.parquet"):
        done = cli("download", "--manifest", names)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert "is not as `jumpduck split` wrote it" in done.err
        assert not (tmp_path / "images").exists()
    (tmp_path / "own").mkdir()
    shutil.copy(shard, tmp_path / "own")
    assert cli("download", "--manifest", "own/0002.parquet").code == 0
    shard.unlink()
    assert "is not there" in cli("download", "--manifest", "shards").err
    assert "without index.tsv" in cli("download", "--manifest", "own").err


@pytest.mark.parametrize("line", [1, 2, 3, None])
def test_an_index_that_lacks_a_shard_or_has_one_twice_is_refused(cli, manifest, tmp_path, line):
    jumpduck.split(manifest, tmp_path / "shards", by="plate")
    index = tmp_path / "shards" / "index.tsv"
    lines = index.read_text().splitlines(keepends=True)
    kept = [*lines, lines[1]] if line is None else lines[:line] + lines[line + 1 :]
    index.write_text("".join(kept))
    done = cli("download", "--manifest", "shards", "--out", "images")
    assert done.code == 1
    assert "each shard of its split once" in done.err
    assert not (tmp_path / "images").exists()


def test_the_index_of_shards_is_no_manifest_and_what_to_give_is_said(cli, manifest, tmp_path):
    jumpduck.split(manifest, tmp_path / "shards", by="plate")
    done = cli("download", "--manifest", "shards/index.tsv")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "give its folder, shards, for all shards" in done.err
    assert "such as shards/0001.parquet" in done.err


def test_a_recipe_of_the_whole_plate_takes_no_part_of_one(cli, manifest, tmp_path):
    jumpduck.split(manifest, tmp_path / "shards", into=4, cut=True)
    done = cli("download", "--manifest", "shards/0001.parquet", "--recipe", "png8-plate")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "this shard of the manifest has a part of" in done.err
    assert not (tmp_path / "images").exists()
    assert not Manifest.open(tmp_path / "shards").cuts_plates
    jumpduck.split(tmp_path / "shards/0001.parquet", tmp_path / "again", into=1)
    assert Manifest.open(tmp_path / "again").cuts_plates
    jumpduck.split(manifest, tmp_path / "plates", into=3)
    done = cli(
        "download", "--manifest", "plates/0001.parquet", "--recipe", "png8-plate", "--dry-run"
    )
    assert done.code == 0


SLOW_TOO = [pytest.param(name, marks=pytest.mark.slow) for name in ("stack", "png8")]


@first_quick(1, "recipe", ["png8-plate", *SLOW_TOO])
def test_what_is_left_is_what_the_folders_do_not_have(cli, manifest, tmp_path, recipe):
    rows = pl.read_parquet(manifest)
    jumpduck.download(manifest, tmp_path / "a", shard="1/3", recipe=recipe)
    jumpduck.download(manifest, tmp_path / "b", shard="2/3", recipe=recipe, limit=10)
    here = jumpduck.download(manifest, tmp_path / "b", shard="2/3", recipe=recipe, limit=10)
    gone = here.filter(status="present")["path"][0]
    (tmp_path / "b" / gone).unlink()
    done = cli("split", manifest, "--left", "--out", "a", "b", "--into", "2", "-o", "left")
    assert done.code == 0, done.err
    left = pl.concat([pl.read_parquet(file) for file in (tmp_path / "left").glob("*.parquet")])
    had = [pl.read_parquet(tmp_path / out / "results.parquet") for out in "ab"]
    key = ["Metadata_Plate", "Metadata_Well", "Metadata_Site", "Metadata_Channel"]
    there = pl.concat(had).filter(pl.col("status") == "fetched", pl.col("path") != gone)
    expected = rows.join(there, on=key, how="anti")
    if recipe == "png8-plate":
        expected = rows.join(expected, on="Metadata_Plate", how="semi")
    assert sorted(left["path"]) == sorted(expected["path"])


@pytest.mark.slow
def test_a_site_whose_file_lacks_a_channel_is_left_whole(catalog, tmp_path):
    rows = jumpduck.manifest(catalog, plates=["JD5876c3"], per_well={"trt": 2})
    rows.write_parquet(tmp_path / "m.parquet")
    site = rows.head(2)
    jumpduck.download(site, tmp_path / "images", recipe="stack")
    jumpduck.split(
        tmp_path / "m.parquet", tmp_path / "left", into=1, left=True, out=tmp_path / "images"
    )
    assert pl.read_parquet(tmp_path / "left/0001.parquet").height == rows.height


@pytest.mark.slow
def test_nothing_left_writes_no_shard(cli, rows, whole, tmp_path):
    rows.write_parquet(tmp_path / "m.parquet")
    done = cli("split", "m.parquet", "--left", "--out", whole, "--into", "2")
    assert (done.code, done.out) == (
        0, "nothing is left: all files of the manifest are there; no shard written\n",
    )  # fmt: skip
    assert not (tmp_path / "shards").exists()


@pytest.mark.slow
def test_files_that_could_not_be_had_are_left_and_counted(cli, manifest, tmp_path):
    assert cli("download", "--manifest", manifest).code == 3
    done = cli("split", manifest, "--left", "--into", "1", "-o", "left", "--json")
    assert json.loads(done.out)["not_had"] == {"missing": 1}
    assert json.loads(done.out)["files"] == 1


def test_a_manifest_is_split_also_from_several_files(manifest, tmp_path):
    jumpduck.split(manifest, tmp_path / "three", by="plate")
    jumpduck.split(tmp_path / "three", tmp_path / "two", into=2)
    whole = Manifest.open(manifest)
    assert Manifest.open(tmp_path / "two").files == whole.files
    assert Manifest.open(tmp_path / "two/0001.parquet").endpoint == whole.endpoint


def test_a_folder_of_shards_that_cannot_be_written_is_said(manifest, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to"):
        jumpduck.split(manifest, tmp_path / "file/shards", into=2)
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(ManifestError, match="has no column"):
        jumpduck.split(tmp_path / "x.parquet", tmp_path / "shards", into=1)
