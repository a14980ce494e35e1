"""A folder can be handed on: its card says what it is, and how to make it again."""

import os
import re
import shlex
import shutil

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import StoreError
from tests.support.command_line import run_here
from tests.support.folders import files


@pytest.fixture(scope="module")
def filled(gallery, tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # the command of a card must not depend on where the catalog was made
        where = (os.path.relpath(one, folder) for one in (gallery.gallery, gallery.metadata))
        jumpduck.catalog("c.duckdb", **dict(zip(("gallery", "metadata"), where, strict=True)))
    jumpduck.manifest(
        folder / "c.duckdb", folder / "m.parquet", channels=["DNA", "ER"], roles=["trt"],
        per_well={"trt": 2}, seed=5, split={"train": 0.5, "test": 0.5}, split_by="Metadata_Well",
    )  # fmt: skip
    jumpduck.download(folder / "m.parquet", folder / "images", recipe="stack", crop=64)
    return folder


@pytest.mark.slow
def test_the_command_of_a_card_makes_the_same_images(filled, tmp_path):
    readme, *_ = jumpduck.card(filled / "images", name="Two channels")
    text = readme.read_text()
    (command,) = re.findall(r"^```console\n\$ (.*)\n```$", text, re.MULTILINE)
    for words in command.split(" && "):
        assert run_here(*shlex.split(words)[1:], cwd=tmp_path).code in (0, 3), words
    again, *_ = jumpduck.card(tmp_path / "images", name="Two channels")
    assert again.read_text() == text
    differ = {"croissant.json"}  # it has the SHA-256 of tables, and these have times
    made, other = files(filled / "images"), files(tmp_path / "images")
    assert {name for name in made | other if made.get(name) != other.get(name)} == differ


@pytest.mark.slow
def test_the_command_of_a_card_takes_no_more_of_the_manifest_than_the_folder_has(filled, tmp_path):
    jumpduck.download(filled / "m.parquet", tmp_path, recipe="png8", limit=3)
    readme, *_ = jumpduck.card(tmp_path)
    (command,) = re.findall(r"&& jumpduck download (.*)$", readme.read_text(), re.MULTILINE)
    assert "--limit=3" in command.split()
    jumpduck.download(filled / "m.parquet", tmp_path, recipe="png8")
    readme, *_ = jumpduck.card(tmp_path)
    assert re.findall(r"&& jumpduck download .*$", readme.read_text(), re.MULTILINE)
    assert "--limit" not in readme.read_text()


def command_of(out):
    """The download of the command in the card of a folder; None if there is none."""
    readme, *_ = jumpduck.card(out)
    found = re.search(r"&& (jumpduck download .*)$", readme.read_text(), re.MULTILINE)
    return found and found[1]


@pytest.mark.parametrize("by", [{"into": 2}, pytest.param({"by": "plate"}, marks=pytest.mark.slow)])
def test_the_card_of_one_shard_makes_that_shard_and_that_of_all_shards_all(filled, tmp_path, by):
    manifest, shards, out = filled / "m.parquet", tmp_path / "shards", tmp_path / "images"
    index = jumpduck.split(manifest, shards, **by)
    for number, file in enumerate(index["file"], 1):
        jumpduck.download(shards / file, out, recipe="png8", crop=8)
        part = f"--shard={number}/{index.height}"
        if number == 1:
            assert part in command_of(out).split()
        rows = jumpduck.download(
            manifest, tmp_path / "again", recipe="png8", crop=8, shard=part.partition("=")[2]
        )
        assert set(rows["path"].str.strip_suffix(".png")) == set(
            pl.read_parquet(shards / file)["path"]
        )
    assert "--shard" not in command_of(out)
    assert command_of(out) == command_of(tmp_path / "again")


@pytest.mark.slow
def test_the_card_of_a_shard_that_no_command_names_says_which_one_it_is(filled, tmp_path):
    shards, out = tmp_path / "shards", tmp_path / "images"
    jumpduck.split(filled / "m.parquet", shards, into=3, cut=True)
    files = [shards / "0001.parquet", shards / "0003.parquet"]
    jumpduck.download(files, out, recipe="png8", crop=8)
    assert command_of(out) is None
    assert "a part of a manifest, shards 1, 3 of 3, so no one" in (out / "README.md").read_text()
    jumpduck.download(shards, tmp_path / "all", recipe="png8", crop=8)
    assert command_of(tmp_path / "all") == "jumpduck download --crop 8 --percentile 1.0"


def test_the_card_counts_what_there_is(filled):
    readme, *_ = jumpduck.card(filled / "images")
    text = readme.read_text()
    results = pl.read_parquet(filled / "images" / "results.parquet")
    kept = results.filter(pl.col("status") == "fetched")
    assert f"{kept.height:,} images of " in text
    for column in ("Metadata_Source", "Metadata_pert_type", "split"):
        for (value,), rows in kept.group_by(column):
            sites = rows.select("Metadata_Plate", "Metadata_Well", "Metadata_Site").n_unique()
            name = str(value).replace("_", r"\_")
            line = next(x for x in text.splitlines() if x.startswith(f"| {name} |"))
            assert line.split(" | ")[-2:] == [str(sites), f"{rows.height} |"]
    assert "seed 5" in text
    assert "(montage.png)" in text
    assert (filled / "images" / "montage.png").read_bytes().startswith(b"\x89PNG")
    assert "cpg0016-jump: CC0 1.0" in text


def test_a_folder_of_several_choices_has_no_command(filled, tmp_path):
    rows = pl.read_parquet(filled / "m.parquet")
    jumpduck.download(rows.head(4), tmp_path / "out", recipe="png8")
    readme, *_ = jumpduck.card(tmp_path / "out")
    assert "no one command makes it again" in readme.read_text()


def test_a_folder_without_an_image_or_with_some_to_fetch_has_a_card_that_says_so(filled, tmp_path):
    rows = pl.read_parquet(filled / "m.parquet").head(2)
    jumpduck.download(rows.with_columns(url=pl.lit(str(tmp_path / "none.tif"))), tmp_path / "out")
    assert {one.name for one in jumpduck.card(tmp_path / "out")} >= {"README.md"}
    text = (tmp_path / "out" / "README.md").read_text()
    assert "2 further images could not be had" in text
    assert "and so on: the images" not in text
    table = tmp_path / "out" / "results.parquet"
    left = {"jumpduck.left": '{"run": 3}'}
    none = pl.read_parquet(table, glob=False).clear()
    none.write_parquet(table, metadata=left)
    (tmp_path / "out" / ".jumpduck").rename(tmp_path / "hidden")
    pl.read_parquet(tmp_path / "out" / "sites.parquet").clear().write_parquet(
        tmp_path / "out" / "sites.parquet"
    )
    jumpduck.card(tmp_path / "out")
    assert "Not fetched yet: 3 images." in (tmp_path / "out" / "README.md").read_text()


def test_a_readme_of_the_users_own_is_refused(filled, tmp_path):
    jumpduck.download(pl.read_parquet(filled / "m.parquet").head(2), tmp_path / "out")
    readme, montage = (tmp_path / "out" / name for name in ("README.md", "montage.png"))
    readme.write_text("# Mine\n")
    before = files(tmp_path / "out")
    with pytest.raises(StoreError, match=r"README\.md is there"):
        jumpduck.card(tmp_path / "out")
    assert files(tmp_path / "out") == before
    readme.unlink()
    for folder in (readme, montage):
        folder.mkdir()
        with pytest.raises(StoreError, match=rf"{folder.name}.* (is there|it is a folder)"):
            jumpduck.card(tmp_path / "out")
        folder.rmdir()


def test_nothing_of_the_data_is_taken_for_markdown(filled, tmp_path):
    role = "<script>|`x`\n# no"
    rows = pl.read_parquet(filled / "m.parquet").head(2)
    jumpduck.download(rows.with_columns(Metadata_pert_type=pl.lit(role)), tmp_path / "out")
    readme, *_ = jumpduck.card(tmp_path / "out", name="`a` <b>\n## c")
    text = readme.read_text().partition("jumpduck card -->")[2]
    assert "<script>" not in text.replace("\\<", "")
    assert not re.search(r"^#+ (no|c)", text, re.MULTILINE)
    assert r"\<script\>\|\`x\` \# no" in text


def test_neither_are_the_names_of_a_collection_and_of_a_recipe(filled, tmp_path):
    rows = pl.read_parquet(filled / "m.parquet").head(2)
    rows.write_parquet(
        tmp_path / "m.parquet", metadata={"jumpduck.catalog": '{"collection": "<script>"}'}
    )
    jumpduck.download(tmp_path / "m.parquet", tmp_path / "out")
    results = pl.read_parquet(tmp_path / "out" / "results.parquet")
    shutil.copytree(tmp_path / "out", tmp_path / "copy", ignore=lambda *_: [".jumpduck"])
    metadata = pl.read_parquet_metadata(tmp_path / "out" / "results.parquet")
    del metadata["ARROW:schema"]
    results.with_columns(recipe=pl.lit("<script> 1")).write_parquet(
        tmp_path / "copy" / "results.parquet", metadata=metadata
    )
    readme, *_ = jumpduck.card(tmp_path / "copy")
    text = readme.read_text()
    assert r"the collection \<script\> depends" in text
    assert r"(recipe \<script\> 1)" in text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what mlcroissant imports
@pytest.mark.slow  # because mlcroissant takes seconds to import
def test_croissant_is_valid_and_its_records_are_the_rows(filled):
    import mlcroissant

    _, file, _ = jumpduck.card(filled / "images")
    found = mlcroissant.Dataset(str(file))
    assert found.metadata.ctx.issues.errors == set()
    sites = pl.read_parquet(filled / "images" / "sites.parquet")
    records = list(found.records("sites"))
    assert [one["sites/Metadata_Well"].decode() for one in records] == sites[
        "Metadata_Well"
    ].to_list()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what mlcroissant imports
@pytest.mark.slow  # because mlcroissant takes seconds to import
def test_croissant_is_valid_where_names_of_channels_and_columns_have_blanks(filled, tmp_path):
    import mlcroissant

    rows = pl.read_parquet(filled / "m.parquet").filter(Metadata_Channel="DNA").head(2)
    odd = {"my notes": "x", "a%20b": "y", '"<b>\\': "z"}
    odd_rows = rows.with_columns(Metadata_Channel=pl.lit("Hoechst 33342"), **{
        name: pl.lit(value) for name, value in odd.items()
    })  # fmt: skip
    jumpduck.download(odd_rows, tmp_path / "out")
    _, file, _ = jumpduck.card(tmp_path / "out")
    found = mlcroissant.Dataset(str(file))
    assert found.metadata.ctx.issues.errors == set()
    (record, _) = found.records("images")
    assert {value.encode() for value in odd.values()} < set(record.values())
