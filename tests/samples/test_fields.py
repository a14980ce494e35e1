"""Whole fields of a folder or manifest, and what is said of those that are left out."""

import pickle
import shutil

import imagecodecs
import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ImageError, ManifestError, QueryError, StoreError
from jumpduck.rows import SITE_KEY
from tests.support.examples import first_quick
from tests.support.exports import changed
from tests.support.published import published_site

CHANNELS = ("DNA", "RNA", "ER", "AGP", "Mito")


@first_quick(2, "recipe", ["stack", "jxl", "png16", "tiff16", "raw"])
def test_a_field_has_the_published_grey_levels_whatever_the_recipe(recipe, kept_manifest, tmp_path):
    jumpduck.download(kept_manifest, tmp_path, recipe=recipe, limit=20)
    samples = jumpduck.dataset(tmp_path)
    assert samples.channels == CHANNELS
    assert len(samples) == 4
    manifest = pl.read_parquet(kept_manifest)
    for sample in samples.read_all(range(4)):
        levels = published_site(manifest, sample.metadata, CHANNELS)
        assert np.array_equal(sample.image, levels.astype(np.float32) / np.float32(65535))
        assert sample.image.flags.writeable


def test_files_of_8_bit_are_divided_by_255(clean):
    samples = jumpduck.dataset(clean)
    assert len(samples) == 49
    rows = pl.read_parquet(clean / "results.parquet")
    for index in (0, 7, 48):
        sample = samples[index]
        assert sample.metadata["index"] == index
        site = rows.filter([pl.col(name) == sample.metadata[name] for name in SITE_KEY])
        for channel, plane in zip(samples.channels, sample.image, strict=True):
            (path,) = site.filter(Metadata_Channel=channel)["path"]
            levels = imagecodecs.png_decode((clean / path).read_bytes())
            assert np.array_equal(plane, levels.astype(np.float32) / np.float32(255))


def test_a_manifest_gives_the_samples_of_the_folder_that_it_fills(kept, kept_manifest, tmp_path):
    folder = jumpduck.dataset(kept)
    manifest = jumpduck.dataset(kept_manifest, cache=tmp_path)
    assert manifest.channels == folder.channels
    assert len(manifest) == len(folder) + 1
    same = dict(zip(_keys(manifest), range(len(manifest)), strict=True))
    for index, key in enumerate(_keys(folder)):
        one, other = folder[index], manifest[same[key]]
        assert np.array_equal(one.image, other.image)
        assert {**other.metadata, "index": index} == one.metadata


def test_sites_that_lack_an_image_are_rows_with_the_reason(kept):
    samples = jumpduck.dataset(kept)
    (row,) = samples.skipped.rows(named=True)
    assert (row["Metadata_Well"], row["Metadata_Site"], row["Metadata_Channel"]) == ("B01", 3, "ER")
    assert row["status"] == "missing"
    with pytest.raises(ManifestError, match=r"1 sites .* lack images .*B01 3 of ER.*channels"):
        jumpduck.dataset(kept, missing="raise")
    # without that channel nothing lacks
    assert jumpduck.dataset(kept, channels="DNA,AGP", missing="raise").skipped.is_empty()


def test_channels_are_in_the_order_asked_for(kept):
    every, two = jumpduck.dataset(kept), jumpduck.dataset(kept, channels=["Mito", "DNA"])
    assert two.channels == ("Mito", "DNA")
    row = pl.Series(_keys(two)).index_of(_keys(every)[3])
    assert np.array_equal(two[row].image, every[3].image[[4, 0]])


def test_samples_print_what_they_are(kept):
    tiles = jumpduck.dataset(kept, channels=["DNA", "ER"], unit="tile", size=32)
    sites = tiles.table.select(SITE_KEY).unique().height
    said = f"Samples: {len(tiles)} tiles of {sites} sites, images (2, 32, 32) of DNA, ER"
    assert repr(tiles) == said


def test_where_and_split_choose_sites(kept, rows):
    for split in ("train", "val"):
        wells = rows.filter(split=split)["Metadata_Plate"].unique()
        assert set(jumpduck.dataset(kept, split=split).table["Metadata_Plate"]) == set(wells)
    chosen = jumpduck.dataset(kept, where="Metadata_Well = 'A01' AND Metadata_Site > 1").table
    assert set(chosen["Metadata_Well"]) == {"A01"}
    assert chosen["Metadata_Site"].min() == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"channels": "DNA,Actin"}, r"Actin"),
        ({"split": "test"}, r"test.*train"),
        ({"where": "Metadata_Wel = 'A01'"}, r"did you mean Metadata_Well"),
        ({"where": "Metadata_Site > 99"}, r"no site of .* fulfils"),
        ({"unit": "tiles"}, r"unit 'tiles' is not one of field, tile, cell"),
        ({"unit": "tile"}, r"needs `size`"),
        ({"size": 32}, r"size 32 has no effect on whole fields"),
        ({"unit": "tile", "size": 32, "tiles": "random", "stride": 3}, r"stride 3 has an effect"),
        ({"unit": "tile", "size": 32, "tiles_per_site": 3}, r"tiles_per_site 3 has no effect"),
        ({"unit": "tile", "size": 0}, r"size 0 is not a whole number from 1"),
        ({"unit": "tile", "size": "64"}, r"size '64' is not a whole number from 1"),
        ({"channels": ["DNA", "DNA"]}, r"channels names DNA twice"),
        ({"unit": "tile", "size": 500}, r"smaller than a tile of 500 x 500"),
        ({"unit": "cell", "size": 32}, r"needs `cells`"),
        ({"unit": "tile", "size": 8, "tiles": "foreground", "nuclei": "Actn"}, r"Actn"),
        ({"library": "jax"}, r"library 'jax' is not one of"),
        ({"cache_gb": -1}, r"cache_gb -1 is below 0"),
    ],
)
def test_a_wrong_option_is_said_with_what_is_allowed(options, said, kept):
    with pytest.raises(QueryError, match=said):
        jumpduck.dataset(kept, **options)


def test_an_empty_folder_or_a_file_that_is_no_manifest_is_refused(tmp_path):
    with pytest.raises(StoreError):
        jumpduck.dataset(tmp_path)
    with pytest.raises(ManifestError, match=r"does not exist; give a folder .*, or a manifest"):
        jumpduck.dataset(tmp_path / "none.parquet")


def test_a_site_with_two_images_of_one_channel_is_refused(kept_manifest, tmp_path):
    rows = pl.read_parquet(kept_manifest)
    twice = rows[:1].with_columns(path=pl.col("path") + "b")
    pl.concat([rows, twice]).write_parquet(tmp_path / "twice.parquet")
    with pytest.raises(ManifestError, match="two images of channel"):
        jumpduck.dataset(tmp_path / "twice.parquet")


def test_broken_files_are_rows_or_errors_and_the_others_come(kept, rows, tmp_path):
    folder = changed(kept, tmp_path, rows)
    samples = jumpduck.dataset(folder)
    paths = [_path(rows, samples.table.row(number, named=True), "ER") for number in (2, 5, 7)]
    data = bytearray((folder / paths[0]).read_bytes())
    data[len(data) // 2] ^= 255
    (folder / paths[0]).write_bytes(data)  # as long as it was
    (folder / paths[1]).unlink()
    small = imagecodecs.png_encode(np.zeros((50, 60), np.uint16))
    size = (folder / paths[2]).stat().st_size
    (folder / paths[2]).write_bytes(small + bytes(size - len(small)))
    found = list(samples.read_all(samples.order(0), threads=2))
    assert sorted(one.metadata["index"] for one in found) == [
        index for index in range(len(samples)) if index not in (2, 5, 7)
    ]
    # also what a copy in another process notes
    assert pickle.loads(pickle.dumps(samples)).sample_if(2) is None
    unread = samples.skipped.filter(pl.col("Metadata_Channel").is_null())
    assert unread["status"].to_list() == ["corrupt", "missing", "corrupt"]
    assert "channel ER: " in unread["error"][0]
    assert "different sizes, 50 x 60 and 96 x 96" in unread["error"][2]
    with pytest.raises(ImageError, match=r"site source_2 .*channel ER"):
        samples[2]
    with pytest.raises(StoreError, match="is not there"):
        samples[5]


def test_raise_ends_at_the_first_broken_image(kept, rows, tmp_path):
    folder = changed(kept, tmp_path, rows)
    samples = jumpduck.dataset(folder, channels="DNA", missing="raise")
    (folder / _path(rows, samples.table.row(1, named=True), "DNA")).unlink()
    with pytest.raises(StoreError, match="site source_2"):
        list(samples.read_all(samples.order(0)))


def test_the_order_of_the_rows_and_of_the_channels_in_a_manifest_changes_nothing(
    kept_manifest, tmp_path
):
    rows = pl.read_parquet(kept_manifest)
    notes = pl.read_parquet_metadata(kept_manifest)
    notes = {name: text for name, text in notes.items() if name.startswith("jumpduck.")}
    plates = rows.partition_by("Metadata_Plate", maintain_order=True)
    shuffled = pl.concat([one.sample(fraction=1, shuffle=True, seed=3) for one in reversed(plates)])
    shuffled.write_parquet(tmp_path / "other.parquet", metadata=notes)
    one, other = (jumpduck.dataset(place) for place in (kept_manifest, tmp_path / "other.parquet"))
    assert one.digest == other.digest
    assert one.table.equals(other.table)
    assert one.order(3).tolist() == other.order(3).tolist()
    assert np.array_equal(one[4].image, other[4].image)


def test_the_digest_is_another_one_for_other_samples(kept, tmp_path):
    folder = shutil.copytree(kept, tmp_path / "copy")
    plain = jumpduck.dataset(kept)
    assert jumpduck.dataset(folder).digest == plain.digest
    others = [
        {"channels": "DNA"}, {"split": "val"}, {"standardise": True},
        {"unit": "tile", "size": 32}, {"unit": "tile", "size": 32, "stride": 16},
        {"unit": "tile", "size": 32, "tiles": "random"},
        {"unit": "tile", "size": 32, "tiles": "random", "seed": 2},
    ]  # fmt: skip
    digests = {jumpduck.dataset(kept, **options).digest for options in others}
    assert len(digests | {plain.digest}) == len(others) + 1


def _keys(samples):
    return ["/".join(map(str, row)) for row in samples.table.select(SITE_KEY).rows()]


def _path(rows, key, channel):
    site = rows.filter([pl.col(name) == key[name] for name in SITE_KEY])
    return site.filter(Metadata_Channel=channel)["path"].item()
