"""Plates in OME-Zarr, as ome-zarr-models validates and ome-zarr opens them."""

import json

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError
from jumpduck.imaging.readers import decode_image
from jumpduck.rows import SITE_KEY
from tests.support.exports import changed, exported, results

# ome-zarr calls what it has deprecated itself, when it is imported
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated class Scaler:DeprecationWarning")

CHANNELS = ["DNA", "RNA", "ER", "AGP", "Mito"]


@pytest.fixture(scope="module")
def plates(images, tmp_path_factory):
    """The plates of the PNGs, with the site that lacks ER. No test may change them."""
    out = tmp_path_factory.mktemp("plates") / "out"
    jumpduck.export("ome-zarr", images, out, incomplete=True)
    return out


def planes_of(folder):
    """Pixels of each channel, by source, batch, plate, well and site."""
    rows = results(folder).filter(status="fetched")
    found = {}
    for row in rows.iter_rows(named=True):
        key = tuple(row[name] for name in SITE_KEY)
        page = CHANNELS.index(row["Metadata_Channel"]) if row["path"].endswith(".ome.tiff") else 0
        plane = decode_image((folder / row["path"]).read_bytes(), page=page)
        found.setdefault(key, {})[row["Metadata_Channel"]] = plane
    return found


def field_of(well, site):
    """The folder of a site in that of its well."""
    ends = f'__{site}"'
    (found,) = (file.parent for file in well.glob("*/zarr.json") if ends in file.read_text())
    return found


def fields_of(out):
    """Each field of the plates by the key of its site, with what ome-zarr reads of it."""
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    found = {}
    for plate in sorted(out.glob("*.zarr")):
        wells = json.loads((plate / "zarr.json").read_text())["attributes"]["ome"]["plate"]["wells"]
        for well in wells:
            about = json.loads((plate / well["path"] / "zarr.json").read_text())
            for image in about["attributes"]["ome"]["well"]["images"]:
                (node,) = Reader(parse_url(plate / well["path"] / image["path"]))()
                *key, site = node.metadata["name"].split("__")
                row, column = well["path"].split("/")
                assert key == [*plate.stem.split("__"), f"{row}{int(column):02}"]
                found[*key, int(site)] = node
    return found


@pytest.mark.slow
def test_plates_are_valid_and_open_with_the_pixels_of_the_kept_files(plates, images):
    from ome_zarr_models.v05 import HCS

    kept = planes_of(images)
    fields = fields_of(plates)
    assert fields.keys() == kept.keys()
    assert len(list(plates.glob("*.zarr"))) == 2
    for plate in plates.glob("*.zarr"):
        import zarr

        valid = HCS.from_zarr(zarr.open_group(plate, mode="r"))
        assert {well.path for well in valid.ome_attributes.plate.wells} == {"A/1", "B/1"}
        assert all(group.attributes for group in valid.well_groups)
    for key, node in fields.items():
        assert node.metadata["channel_names"] == CHANNELS
        image = np.asarray(node.data[0])
        for place, channel in enumerate(CHANNELS):
            plane = kept[key].get(channel)
            assert np.array_equal(image[place], np.zeros_like(image[0]) if plane is None else plane)
        assert image.dtype == np.uint8
        assert node.metadata["contrast_limits"] == [[0.0, 255.0]] * 5


@pytest.mark.slow
def test_the_whole_plate_opens_as_ome_zarr_shows_it(plates):
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    for plate in plates.glob("*.zarr"):
        node = next(iter(Reader(parse_url(plate))()))
        assert np.asarray(node.data[0]).max() > 0
        assert node.metadata["channel_names"] == CHANNELS


@pytest.mark.slow
def test_the_plate_shows_every_well_also_where_wells_have_other_sites(rows, tmp_path):
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    sites = {"A01": 2, "B01": 5}
    some = rows.filter(
        Metadata_PlateType="TARGET2",
        Metadata_Channel="DNA",
        Metadata_Site=pl.col("Metadata_Well").replace_strict(sites, return_dtype=pl.Int32),
    )
    jumpduck.download(some, tmp_path / "images", recipe="png16")
    jumpduck.export("ome-zarr", tmp_path / "images", tmp_path / "out")
    (plate,) = (tmp_path / "out").glob("*.zarr")
    node = next(iter(Reader(parse_url(plate))()))
    kept = {key[3:]: planes["DNA"] for key, planes in planes_of(tmp_path / "images").items()}
    assert np.array_equal(
        np.asarray(node.data[0])[0], np.vstack([kept[one] for one in sites.items()])
    )


@pytest.mark.slow
def test_a_channel_that_a_site_lacks_is_0_and_the_field_says_why(plates, images):
    lacking = results(images).filter(pl.col("status") != "fetched").row(0, named=True)
    plate = "__".join(lacking[name] for name in SITE_KEY[:3])
    folder = field_of(plates / f"{plate}.zarr" / "B/1", lacking["Metadata_Site"])
    attributes = json.loads((folder / "zarr.json").read_text())["attributes"]
    assert attributes["jumpduck"]["lacks"] == {"ER": lacking["error"]}
    listed = pl.read_csv(plates / "lacking.csv")
    assert listed["Metadata_Channel"].to_list() == ["ER"]
    others = [file for file in plates.rglob("zarr.json") if '"lacks"' in file.read_text()]
    assert others == [folder / "zarr.json"]


@pytest.mark.slow
def test_levels_are_means_of_four_pixels_where_their_scale_says(rows, tmp_path):
    import zarr

    plate = rows.filter(Metadata_PlateType="TARGET2", Metadata_Well="A01", Metadata_Site=1)
    jumpduck.download(plate, tmp_path / "raw", recipe="raw")
    from jumpduck.exports import ome_zarr_images

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ome_zarr_images, "SMALLEST_LEVEL_PIXELS", 20)
        patch.setattr(ome_zarr_images, "CHUNK_PIXELS", 50)
        jumpduck.export("ome-zarr", tmp_path / "raw", tmp_path / "out")
    (field,) = (tmp_path / "out").glob("*.zarr/A/1/0")
    about = json.loads((field / "zarr.json").read_text())["attributes"]["ome"]
    levels = [zarr.open_array(field / one["path"]) for one in about["multiscales"][0]["datasets"]]
    kept = planes_of(tmp_path / "raw").popitem()[1]
    before = np.stack([kept[name] for name in CHANNELS])
    pixel_um = plate["Metadata_Pixel_Size_Microns"][0]
    assert len(levels) > 2
    for number, (level, one) in enumerate(
        zip(levels, about["multiscales"][0]["datasets"], strict=True)
    ):
        if number:
            height, width = (edge // 2 * 2 for edge in before.shape[1:])
            blocks = before[:, :height, :width].reshape(5, height // 2, 2, width // 2, 2)
            mean = np.floor(blocks.astype(float).mean(axis=(2, 4)) + 0.5)
            found = level[:, : height // 2, : width // 2]
            assert np.array_equal(found, mean)
            assert level.shape[1:] == tuple(-(-edge // 2) for edge in before.shape[1:])
        before = level[:]
        scale, *moved = one["coordinateTransformations"]
        assert scale["scale"] == [1.0, *[pytest.approx(pixel_um * 2**number)] * 2]
        shift = pixel_um * (2**number - 1) / 2
        assert [one["translation"] for one in moved] == (
            [[0.0, pytest.approx(shift), pytest.approx(shift)]] if number else []
        )
        assert len(list((field / str(number)).rglob("c/*/*/*"))) == 1, "one shard a level"
        assert level.shards[0] == 5
        assert level.chunks[0] == 1
        assert max(level.chunks[1:]) <= 50
    windows = [channel["window"] for channel in about["omero"]["channels"]]
    assert all(0 <= one["start"] < one["end"] <= one["max"] == 65535 for one in windows)


@pytest.mark.slow
def test_stacks_and_files_of_one_image_give_the_same_pixels(stacks, tmp_path):
    jumpduck.export("ome-zarr", stacks, tmp_path / "out", channels=["Mito", "DNA"])
    kept = planes_of(stacks)
    fields = fields_of(tmp_path / "out")
    assert fields
    for key, node in fields.items():
        image = np.asarray(node.data[0])
        assert node.metadata["channel_names"] == ["Mito", "DNA"]
        assert np.array_equal(image, np.stack([kept[key]["Mito"], kept[key]["DNA"]]))


@pytest.mark.slow
def test_one_channel_of_a_stack_has_its_own_pixels(stacks, tmp_path):
    import zarr

    jumpduck.export("ome-zarr", stacks, tmp_path / "out", channels=["RNA"])
    plate = next((tmp_path / "out").glob("*.zarr"))
    source, batch, name = plate.stem.split("__")
    kept = planes_of(stacks)
    fields = {key: planes for key, planes in kept.items() if key[:3] == (source, batch, name)}
    assert fields
    for (*_, well, site), planes in fields.items():
        field = field_of(plate / well[0] / str(int(well[1:])), site)
        array = zarr.open_array(field / "0", mode="r")
        assert np.array_equal(array[0], planes["RNA"])


@pytest.mark.slow
def test_channels_that_differ_in_size_are_refused_with_those_that_agree(images, tmp_path):
    from jumpduck.imaging.writers import encode_png

    rows = results(images)
    folder = changed(images, tmp_path, rows)
    import hashlib

    data = encode_png(np.zeros((20, 30), np.uint8))
    path = rows["path"][0]
    (folder / path).write_bytes(data)
    here = pl.col("path") == path
    rows.with_columns(
        size=pl.when(here).then(len(data)).otherwise("size"),
        checksum=pl.when(here).then(pl.lit(hashlib.sha256(data).hexdigest())).otherwise("checksum"),
    ).write_parquet(folder / "results.parquet")
    with pytest.raises(QueryError, match=r"differ in size or type.*DNA 30 x 20 uint8"):
        jumpduck.export("ome-zarr", folder, tmp_path / "out")
    jumpduck.export("ome-zarr", folder, tmp_path / "others", channels=CHANNELS[1:])


@pytest.mark.slow
def test_wells_that_have_no_row_and_column_are_refused_before_anything_is_written(images, tmp_path):
    rows = results(images).with_columns(Metadata_Well=pl.lit("well 7"))
    folder = changed(images, tmp_path, rows)
    with pytest.raises(QueryError, match="is not like A01"):
        jumpduck.export("ome-zarr", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_same_fields_give_the_same_bytes_and_a_damaged_well_is_made_again(images, tmp_path):
    jumpduck.export("ome-zarr", images, tmp_path / "one")
    whole = exported(tmp_path / "one")

    def interrupt(done, of_all):
        if 0 < done < of_all:
            raise KeyboardInterrupt

    out = tmp_path / "two"
    with pytest.raises(KeyboardInterrupt):
        jumpduck.export("ome-zarr", images, out, progress=interrupt)
    assert 0 < len(exported(out)) < len(whole)
    jumpduck.export("ome-zarr", images, out)
    assert exported(out) == whole
    shard = max(whole, key=lambda path: len(whole[path]))
    (out / shard).write_bytes(b"")
    (out / min(whole)).unlink()
    jumpduck.export("ome-zarr", images, out)
    assert exported(out) == whole


@pytest.mark.slow
def test_a_plate_whose_group_would_have_too_long_a_name_is_refused_before_work(images, tmp_path):
    names = dict.fromkeys(SITE_KEY[:3], pl.lit("x" * 90))
    folder = changed(images, tmp_path, results(images).with_columns(**names))
    with pytest.raises(QueryError, match=r"279 bytes in form ome-zarr, and file systems take 255"):
        jumpduck.export("ome-zarr", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_field_has_no_size_of_its_pixels_where_those_of_its_channels_differ(images, tmp_path):
    half = pl.when(pl.col("Metadata_Channel") == "ER").then(2).otherwise(1)
    rows = results(images).filter(Metadata_Plate="1000000001", Metadata_Well="A01", Metadata_Site=1)
    rows = rows.with_columns((pl.col("width", "height") // half).cast(pl.Int32))
    folder = changed(images, tmp_path, rows)
    for name, channels in (("all", ()), ("one", "ER")):
        jumpduck.export("ome-zarr", folder, tmp_path / name, channels=channels)
        file = next((tmp_path / name).glob("*.zarr/A/1/*/zarr.json"))
        about = json.loads(file.read_text())["attributes"]["ome"]["multiscales"][0]
        units = [axis.get("unit") for axis in about["axes"]]
        assert units == ([None] * 3 if name == "all" else [None, "micrometer", "micrometer"])
