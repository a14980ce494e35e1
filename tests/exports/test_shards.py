"""webdataset and datasets read what was exported for them."""

import gc
import json
import os
import subprocess
import sys
import tarfile
import warnings

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError
from jumpduck.exports import hugging_face, shards
from jumpduck.imaging.readers import decode_image
from jumpduck.rows import SITE_KEY
from tests.support.exports import changed, results

READ_BY_DATASETS = """
import io, json, sys
import numpy as np
from datasets import Image, load_dataset
loaded = load_dataset(sys.argv[1], cache_dir=sys.argv[2])
seen = {}
for split, rows in loaded.items():
    assert isinstance(rows.features["image_DNA"], Image), rows.features
    for row in rows:
        images = {n: None if v is None else np.asarray(v).tolist() for n, v in row.items()
                  if n.startswith("image_")}
        row = {n: v for n, v in row.items() if n not in images}
        seen.setdefault(split, []).append([row, images])
print(json.dumps(seen))
"""

CHANNELS = ["DNA", "RNA", "ER", "AGP", "Mito"]


def samples(*tars):
    """What webdataset reads of tar files."""
    import webdataset

    urls = [str(tar) for tar in sorted(tars)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # because it does not close its files
        found = list(webdataset.WebDataset(urls, shardshuffle=False, empty_check=False))
        gc.collect()
    return found


def of_sites(folder):
    """Bytes of the kept file of each channel, by the site."""
    rows = results(folder).filter(status="fetched")
    sites = rows.group_by(SITE_KEY, maintain_order=True).agg("Metadata_Channel", "path")
    return {
        (*names, site): {
            channel: (folder / path).read_bytes()
            for channel, path in zip(channels, paths, strict=True)
        }
        for *names, site, channels, paths in sites.rows()
    }


@pytest.mark.slow
def test_webdataset_reads_each_site_with_its_channels_in_order(images, tmp_path):
    found = jumpduck.export("webdataset", images, tmp_path / "out")
    kept = {key: files for key, files in of_sites(images).items() if len(files) == 5}
    read = samples(*(tmp_path / "out").glob("*.tar"))
    assert (found.sites, found.images) == (len(kept), 5 * len(kept))
    assert len(read) == len(kept)
    for sample in read:
        about = json.loads(sample["json"])
        key = tuple(about[name] for name in SITE_KEY)
        assert sample["__key__"] == "__".join(map(str, key))
        assert about["channels"] == CHANNELS
        assert {name: sample[about["files"][name]] for name in CHANNELS} == kept[key]
        ends = [name for name in sample if not name.startswith("_")]
        assert ends == ["json", *(f"{name.lower()}.png" for name in CHANNELS)]


@pytest.mark.slow
def test_shards_are_of_bounded_size_and_each_of_one_split(images, tmp_path, monkeypatch):
    rows = results(images).with_columns(
        split=pl.when(pl.col("Metadata_Well") == "A01")
        .then(pl.lit("train"))
        .otherwise(pl.lit("test"))
    )
    folder = changed(images, tmp_path, rows)
    monkeypatch.setattr(shards, "MAX_SHARD_BYTES", 100_000)
    jumpduck.export("webdataset", folder, tmp_path / "out")
    about = json.loads((tmp_path / "out/dataset.json").read_text())
    for split, well in (("train", "A01"), ("test", "B01")):
        tars = list((tmp_path / "out" / split).glob("*.tar"))
        assert len(tars) > 2
        assert f"shard-{{000000..{len(tars) - 1:06}}}" in about["splits"][split]["urls"]
        read = [json.loads(sample["json"]) for sample in samples(*tars)]
        assert {one["Metadata_Well"] for one in read} == {well}
        assert len(read) == about["splits"][split]["sites"]
        for tar in tars:
            with tarfile.open(tar) as opened:
                sizes = [one.size for one in opened if one.name.endswith(".png")]
            assert sum(sizes) <= 100_000


@pytest.mark.slow
def test_a_sample_of_a_stack_says_the_page_of_each_channel(stacks, tmp_path):
    jumpduck.export("webdataset", stacks, tmp_path / "out", channels=["Mito", "DNA"])
    kept = of_sites(stacks)
    for sample in samples(*(tmp_path / "out").glob("*.tar")):
        about = json.loads(sample["json"])
        key = tuple(about[name] for name in SITE_KEY)
        assert sample["stack.ome.tiff"] == kept[key]["DNA"]
        assert (about["channels"], about["pages"]) == (["Mito", "DNA"], {"Mito": 4, "DNA": 0})
    jumpduck.export("webdataset", stacks, tmp_path / "one", channels=["AGP"])
    about = json.loads(samples(*(tmp_path / "one").glob("*.tar"))[0]["json"])
    assert (about["files"], about["pages"]) == ({"AGP": "stack.ome.tiff"}, {"AGP": 3})


def test_a_site_that_lacks_an_image_is_a_sample_that_says_so_if_it_is_asked_for(images, tmp_path):
    found = jumpduck.export("webdataset", images, tmp_path / "out", incomplete=True)
    read = [json.loads(sample["json"]) for sample in samples(*(tmp_path / "out").glob("*.tar"))]
    (lacking,) = [about for about in read if about["lacks"]]
    assert lacking["channels"] == ["DNA", "RNA", "AGP", "Mito"]
    assert lacking["lacks"].keys() == {"ER"}
    assert (found.left_out, len(read)) == (0, found.sites)


@pytest.mark.slow
def test_keys_of_samples_have_no_dot_of_a_name(images, tmp_path):
    rows = results(images).with_columns(Metadata_Plate=pl.lit("plate.1 x"))
    folder = changed(images, tmp_path, rows.filter(Metadata_PlateType="COMPOUND"))
    jumpduck.export("webdataset", folder, tmp_path / "out")
    read = samples(*(tmp_path / "out").glob("*.tar"))
    assert all("__plate%2E1%20x__" in sample["__key__"] for sample in read)
    assert all(json.loads(sample["json"])["Metadata_Plate"] == "plate.1 x" for sample in read)


@pytest.mark.slow
def test_datasets_loads_the_images_of_each_split_with_their_columns(images, tmp_path, monkeypatch):
    rows = results(images).with_columns(
        split=pl.when(pl.col("Metadata_Well") == "A01")
        .then(pl.lit("train"))
        .otherwise(pl.lit("test")),
        own=pl.lit("=1+1 `|"),
        share=pl.lit(0.5),
        flag=pl.lit(value=True),
    )
    folder = changed(images, tmp_path, rows)
    monkeypatch.setattr(shards, "MAX_SHARD_BYTES", 200_000)
    monkeypatch.setattr(hugging_face, "ROW_GROUP_BYTES", 50_000)
    jumpduck.export("huggingface", folder, tmp_path / "out", incomplete=True)
    done = subprocess.run(
        [sys.executable, "-c", READ_BY_DATASETS, tmp_path / "out", tmp_path / "cache"],
        capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    kept = of_sites(folder)
    assert {split: len(rows) for split, rows in seen.items()} == {"test": 13, "train": 13}
    for split, found in seen.items():
        for row, images_of in found:
            key = tuple(row[name] for name in SITE_KEY)
            assert row["split"] == split
            assert (row["own"], row["share"], row["flag"]) == ("=1+1 `|", 0.5, True)
            assert [name.removeprefix("image_") for name in images_of] == CHANNELS
            for name, pixels in images_of.items():
                data = kept[key].get(name.removeprefix("image_"))
                assert pixels == (None if data is None else decode_image(data).tolist())


@pytest.mark.parametrize(
    ("split", "why"), [(None, "without a value"), ("../x", "cannot be the name"), ("", "cannot")]
)
def test_a_split_that_is_no_name_of_a_folder_is_refused(split, why, images, tmp_path):
    rows = results(images).with_columns(split=pl.lit(split, pl.String))
    folder = changed(images, tmp_path, rows)
    for form in ("webdataset", "huggingface"):
        with pytest.raises(QueryError, match=why):
            jumpduck.export(form, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_split_is_a_text_in_the_card_and_all_is_refused(images, tmp_path):
    rows = results(images).with_columns(split=pl.lit("1"))
    folder = changed(images, tmp_path, rows)
    jumpduck.export("huggingface", folder, tmp_path / "out")
    assert '- split: "1"\n' in (tmp_path / "out" / "README.md").read_text()
    for split in ("all", "ALL"):
        rows.with_columns(split=pl.lit(split)).write_parquet(folder / "results.parquet")
        with pytest.raises(QueryError, match="means all splits"):
            jumpduck.export("huggingface", folder, tmp_path / split)


@pytest.mark.parametrize("channels", [[], ["ER"]])
def test_a_stack_is_no_image_of_datasets(stacks, tmp_path, channels):
    with pytest.raises(QueryError, match="first page of a stack alone"):
        jumpduck.export("huggingface", stacks, tmp_path / "out", channels=channels)


def test_a_column_that_has_a_name_of_the_form_is_refused(images, tmp_path):
    rows = results(images).with_columns(lacks=pl.lit(1), image_ER=pl.lit(1))
    folder = changed(images, tmp_path, rows)
    with pytest.raises(QueryError, match="'lacks'"):
        jumpduck.export("webdataset", folder, tmp_path / "out")
    with pytest.raises(QueryError, match="'image_ER'"):
        jumpduck.export("huggingface", folder, tmp_path / "out")
