import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from jumpduck.errors import ImageError, ManifestError, QueryError, StoreError
from jumpduck.imaging.illumination import decode_illumination
from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.recipes.base import Source
from jumpduck.recipes.preprocessing import LEVEL_IMAGES
from jumpduck.recipes.registry import BUILT_IN, build, rebuild
from jumpduck.synthetic.cells import Phenotype, draw_site
from tests.support.examples import first_quick
from tests.support.pixels import formula, tiff
from tests.support.places import DATA, ROOT

FIELD = draw_site(200, Phenotype(), 7)
CHANNELS = ("DNA", "RNA", "ER", "AGP", "Mito")
MARGIN = 40  # around a crop of 120 pixels


def row(channel="DNA", **more):
    return {
        "Metadata_Source": "source_2", "Metadata_Batch": "b", "Metadata_Plate": "p",
        "Metadata_Well": "A01", "Metadata_Site": 1, "Metadata_Channel": channel,
        "url": f"s3://x/{channel}.tif", "path": f"source_2/b/p/{channel}", **more,
    }  # fmt: skip


def source(channel="DNA", plane=None, **more):
    data = tiff(FIELD[channel] if plane is None else plane, compression="lzw", rowsperstrip=200)
    return Source(data, row(channel, **more))


def make(recipe, *sources, fetch=None):
    context = recipe.prepare([one.row for one in sources], fetch) if recipe.prepare else None
    return recipe.make(list(sources), context)


def cropped(channel="DNA"):
    return FIELD[channel][MARGIN:-MARGIN, MARGIN:-MARGIN]


READERS = {
    "png8": imagecodecs.png_decode,
    "png8-plate": imagecodecs.png_decode,
    "png16": imagecodecs.png_decode,
    "tiff16": lambda data: tifffile.imread(io.BytesIO(data)),
    "jxl": imagecodecs.jpegxl_decode,
}


@pytest.mark.parametrize("name", ["png16", "tiff16", "jxl"])
@pytest.mark.parametrize("crop", [120, 0, 7, 1000])
def test_a_lossless_recipe_keeps_every_pixel_of_the_crop(name, crop):
    made = make(build(name, crop=crop), source())
    first = 0 if crop in (0, 1000) else 100 - crop // 2
    last = 200 if crop in (0, 1000) else first + crop
    assert np.array_equal(READERS[name](made.data), FIELD["DNA"][first:last, first:last])


def test_png8_is_the_published_formula_of_the_crop():
    made = make(build("png8", crop=120), source())
    assert np.array_equal(imagecodecs.png_decode(made.data), formula(cropped()))
    made = make(build("png8", crop=0, percentile=0.1), source())
    assert np.array_equal(imagecodecs.png_decode(made.data), formula(FIELD["DNA"], 0.1))


def test_jxl_of_eight_bits_holds_the_pixels_of_png8():
    made = make(build("jxl", crop=120, bits=8), source())
    assert np.array_equal(imagecodecs.jpegxl_decode(made.data), formula(cropped()))


def test_png8_crops_before_it_stretches_and_reports_what_it_measured():
    plane = FIELD["DNA"].copy()
    plane[:10] = 65535  # outside the crop: must not count
    made = make(build("png8", crop=120), source(plane=plane))
    assert np.array_equal(imagecodecs.png_decode(made.data), formula(cropped()))
    (seen,) = made.measured
    assert (seen.width, seen.height) == (200, 200)
    assert seen.low == np.percentile(cropped().astype(float), 1)
    assert seen.high == np.percentile(cropped().astype(float), 99)
    assert seen.mean == pytest.approx(cropped().mean())
    assert (seen.saturated, seen.constant) == (0, False)
    assert seen.focus > 0


def test_a_constant_image_is_made_and_flagged():
    made = make(build("png8"), source(plane=np.zeros((50, 50), np.uint16)))
    assert not imagecodecs.png_decode(made.data).any()
    (seen,) = made.measured
    assert (seen.constant, seen.low, seen.high, seen.focus) == (True, 0, 0, None)


def test_a_crop_in_micrometres_is_as_many_pixels_as_the_source_needs():
    recipe = build("png16", crop_um=60)
    for size, edge in ((0.5, 120), (0.6, 100), (0.598, 100), (1.0, 60)):
        made = make(recipe, source(Metadata_Pixel_Size_Microns=size))
        assert imagecodecs.png_decode(made.data).shape == (edge, edge)
    assert recipe.columns == ("Metadata_Pixel_Size_Microns",)
    with pytest.raises(ManifestError, match="Metadata_Pixel_Size_Microns, and this row has none"):
        make(recipe, source())


@pytest.mark.parametrize("size", [1e-9, 0.0, -0.5, 1e9, float("inf")])
def test_a_pixel_size_that_no_microscope_has_is_the_reason_of_the_row_where_it_is_used(size):
    one = source(Metadata_Pixel_Size_Microns=size)
    for name, options in (("tiff16", {}), ("stack", {}), ("png8", {"crop_um": 60})):
        with pytest.raises(ManifestError, match=r"not between 0[.]001 and 1000 micrometres"):
            build(name, **options).check(one.row, None)
    for name in ("png8", "tiff16"):
        made = make(build(name, crop=7, resize=5), one)
        assert decode_image(made.data).shape == (5, 5)


def test_a_pixel_size_that_is_not_known_is_not_written():
    for size in (None, float("nan")):
        one = source(Metadata_Pixel_Size_Microns=size)
        recipe = build("tiff16", crop=8)
        recipe.check(one.row, None)
        with tifffile.TiffFile(io.BytesIO(make(recipe, one).data)) as file:
            assert file.pages[0].tags["ResolutionUnit"].value == 1  # none


def test_resized_images_have_the_size_asked_for_and_the_same_mean():
    made = make(
        build(
            "tiff16",
            crop=120,
            resize=48,
        ),
        source(Metadata_Pixel_Size_Microns=0.5),
    )
    image = tifffile.imread(io.BytesIO(made.data))
    assert image.shape == (48, 48)
    assert image.mean() == pytest.approx(cropped().mean(), abs=0.5)
    with tifffile.TiffFile(io.BytesIO(made.data)) as file:
        up, down = file.pages[0].tags["XResolution"].value
    assert 1e4 * down / up == pytest.approx(0.5 * 120 / 48)


def test_raw_is_the_file_itself_and_refuses_what_cannot_be_decoded():
    one = source()
    assert make(build("raw"), one).data == one.data
    with pytest.raises(ImageError):
        make(build("raw"), Source(one.data[:-500], one.row))


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "raw"])
def test_a_file_says_how_it_was_made(name):
    recipe = build(name, crop=120)
    made = make(recipe, source(), fetch=lambda _: source().data)
    match recipe.suffix:
        case ".png":
            with Image.open(io.BytesIO(made.data)) as image:
                note = image.text["jumpduck"]
        case ".jxl":
            note = made.data.partition(b"<jumpduck>")[2].partition(b"</jumpduck>")[0]
        case ".tiff":
            with tifffile.TiffFile(io.BytesIO(made.data)) as file:
                note = file.pages[0].description
        case ".ome.tiff":
            with tifffile.TiffFile(io.BytesIO(made.data)) as file:
                ome = tifffile.xml2dict(file.ome_metadata)["OME"]
                note = ome["StructuredAnnotations"]["CommentAnnotation"]["Value"]
    said = json.loads(note)
    assert (said["recipe"], said["version"]) == (name, recipe.version)
    assert said["parameters"] == json.loads(json.dumps(dict(recipe.parameters)))
    assert said["parameters"]["crop"] == 120
    if name != "stack":
        assert said["low"] == made.measured[0].low


def test_a_stack_has_the_channels_in_the_manifests_order_with_names_and_pixel_size():
    sources = [source(one, Metadata_Pixel_Size_Microns=0.6) for one in CHANNELS]
    recipe = build("stack", crop=120)
    context = recipe.prepare([one.row for one in sources], None)
    made = recipe.make(sources[::-1], context)
    with tifffile.TiffFile(io.BytesIO(made.data)) as file:
        assert file.is_ome
        (series,) = file.series
        assert series.axes == "CYX"
        assert np.array_equal(series.asarray(), np.stack([cropped(one) for one in CHANNELS]))
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
    assert [one["Name"] for one in pixels["Channel"]] == list(CHANNELS)
    assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeXUnit"]) == (0.6, "µm")
    # one measurement an input, in the order of the inputs
    assert [one.mean for one in made.measured] == [cropped(c).mean() for c in reversed(CHANNELS)]
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.n_frames == 5


def test_a_stack_with_a_threshold_is_what_cellpaintssl_reads():
    sources = [source(one, Metadata_Pixel_Size_Microns=0.6) for one in CHANNELS]
    recipe = build("stack", crop=120, otsu=CHANNELS[1])
    made = recipe.make(sources, recipe.prepare([one.row for one in sources], None))
    assert recipe.suffix == ".tiff"
    assert rebuild("stack", recipe.parameters).parameters == recipe.parameters
    assert "otsu" not in build("stack").parameters
    with tifffile.TiffFile(io.BytesIO(made.data)) as file:
        image = file.asarray()
        about = json.loads(file.pages[0].tags["ImageDescription"].value)
    assert np.array_equal(image, np.stack([cropped(one) for one in CHANNELS]))
    assert about["channels"] == list(CHANNELS)
    plane = cropped(CHANNELS[1]).astype(float)
    between = {
        level: (plane <= level).mean() * (plane > level).mean()
        * (plane[plane <= level].mean() - plane[plane > level].mean()) ** 2
        for level in np.unique(plane)[:-1]
    }  # fmt: skip
    assert round(float(about["otsuth"]) * 65535) == max(between, key=between.get)
    with pytest.raises(ManifestError, match="otsu 'XYZ' is not a channel of the manifest, which"):
        build("stack", otsu="XYZ").prepare([one.row for one in sources], None)


def test_a_stack_has_the_order_asked_for_or_names_the_channel_that_is_missing():
    made = make(build("stack", channels=["ER", "DNA"], crop=120), source("DNA"), source("ER"))
    pages = tifffile.imread(io.BytesIO(made.data))
    assert np.array_equal(pages, np.stack([cropped("ER"), cropped("DNA")]))
    one = make(build("stack", channels="DNA", crop=120), source("DNA"))  # one name, not letters
    assert page_channels(one.data) == ["DNA"]
    with pytest.raises(ManifestError, match="RNA"):
        make(build("stack", channels=["DNA", "RNA"]), source("DNA"))
    with pytest.raises(ManifestError, match="RNA"):
        make(build("stack", channels=["DNA"]), source("DNA"), source("RNA"))
    with pytest.raises(ImageError, match="the site lacks ER"):
        build("stack", channels=["DNA", "ER"]).make([source("DNA")], None)
    with pytest.raises(ImageError, match="differ"):
        make(build("stack"), source("DNA"), source("ER", plane=np.ones((9, 9), np.uint16)))


def npy(plane):
    buffer = io.BytesIO()
    np.save(buffer, plane)
    return buffer.getvalue()


def test_illumination_is_fetched_once_a_channel_and_divided_out():
    illum = np.linspace(1, 2, 200 * 200).reshape(200, 200)
    seen = []

    def fetch(url):
        seen.append(url)
        return npy(illum)

    recipe = build("tiff16", crop=120, illum=True)
    sources = [source(one, url_illum=f"s3://x/Illum{one}.npy") for one in ("DNA", "ER")] * 3
    context = recipe.prepare([one.row for one in sources], fetch)
    assert sorted(seen) == ["s3://x/IllumDNA.npy", "s3://x/IllumER.npy"]
    for one in sources[:2]:
        made = tifffile.imread(io.BytesIO(recipe.make([one], context).data))
        middle = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
        plane = FIELD[one.row["Metadata_Channel"]][middle]
        assert np.abs(made - plane / illum[middle]).max() <= 0.51


def npy_header(text):
    text = text.encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


def npz(plane):
    buffer = io.BytesIO()
    np.savez(buffer, illum=plane)
    return buffer.getvalue()


ILLUM = np.ones((200, 200))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (npy(ILLUM[:100]), "200 x 100 pixels, the image 200 x 200"),
        (npy(0 * ILLUM), "not above 0"),
        (npy(np.nan * ILLUM), "not above 0"),
        (npy(1e300 * ILLUM), "not above 0"),  # infinite as float32
        (npy(1e-300 * ILLUM), "not above 0"),  # 0 as float32
        (npy(np.ones(7)), "not a plane"),
        (npy(ILLUM.astype(np.int32)), "not a plane"),
        (npy(ILLUM)[:5000], "cut short"),
        (npy(ILLUM)[:70], "not an .npy file"),
        (npz(ILLUM), "not an .npy file"),
        (npz(ILLUM)[:500], "not an .npy file"),
        (b"<Error>", "not an .npy file"),
        (b"", "not an .npy file"),
        (npy(np.array([{}], object)), "not a plane"),
        (
            npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2000000, 2000000)}"),
            "promises 2000000 x 2000000 values",
        ),
        (npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 5)}"), "5 x -1"),
        (npy_header("{'descr': '<f8'," + 9000 * "("), "not an .npy file"),
        (None, "no illumination function of DNA"),
    ],
)
def test_an_illumination_function_that_does_not_fit_is_the_reason_of_the_row(answer, reason):
    def fetch(url):
        if answer is None:
            raise FileNotFoundError(url)
        return answer

    recipe = build("png8", illum=True)
    # an ImageError would say that the image is corrupt
    with pytest.raises(StoreError, match=reason):
        make(recipe, source(url_illum="s3://x/I.npy"), fetch=fetch)


@pytest.mark.parametrize("options", [{}, {"order": "F"}, {"dtype": np.float16}, {"dtype": ">f4"}])
def test_an_illumination_function_of_any_layout_is_read(options):
    plane = np.linspace(1, 2, 6).reshape(2, 3)
    found = decode_illumination(npy(np.asarray(plane, **options)))
    assert found.dtype == np.float32
    assert np.allclose(found, plane, rtol=1e-3)


def test_a_plate_without_one_illumination_function_a_channel_names_the_column():
    recipe = build("png8", illum=True)
    assert recipe.columns == ("url_illum",)
    context = recipe.prepare([row()], None)
    with pytest.raises(StoreError, match="no value of url_illum for DNA"):
        recipe.check(row(), context)
    rows = [row(url_illum="s3://x/1"), row(url_illum="s3://x/2"), row(url_illum=None)]
    context = recipe.prepare(rows, None)
    with pytest.raises(StoreError, match="3 values of url_illum for DNA"):
        recipe.check(row(), context)


def test_png8_plate_stretches_all_images_of_a_channel_alike():
    planes = {f"s3://x/{n}.tif": (FIELD["DNA"] // 4 * n).astype(np.uint16) for n in (1, 2, 3)}
    sources = [source(plane=plane, url=url, path=url) for url, plane in planes.items()]
    recipe = build("png8-plate", crop=120)
    made = {one.row["url"]: one.data for one in sources}
    middle = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    pooled = np.concatenate([plane[middle] for plane in planes.values()]).astype(float)
    low, high = np.percentile(pooled, 1), np.percentile(pooled, 99)
    for order in (sources, sources[::-1]):
        context = recipe.prepare([one.row for one in order], made.__getitem__)
        for one in order:
            file = recipe.make([one], context)
            plane = planes[one.row["url"]][middle].astype(np.float32)
            share = (plane - np.float32(low)) / np.float32(high - low + 2.2e-16)
            expected = np.floor(255 * np.clip(share, 0, 1))
            assert np.array_equal(imagecodecs.png_decode(file.data), expected)
            assert (file.measured[0].low, file.measured[0].high) == (low, high)


def test_png8_plate_reads_a_sample_of_the_plate_and_ignores_missing_images():
    seen = []

    def fetch(url):
        seen.append(url)
        if int(url[6:]) % 2:
            raise FileNotFoundError(url)
        return data

    data = source().data
    rows = [row(url=f"s3://x{n}", path=f"{n}") for n in range(3 * LEVEL_IMAGES)]
    recipe = build("png8-plate", crop=120)
    context = recipe.prepare(rows, fetch)
    assert len(seen) == LEVEL_IMAGES
    assert recipe.prepare(rows[::-1], fetch).levels == context.levels
    first, again = set(seen[:LEVEL_IMAGES]), set(seen[LEVEL_IMAGES:])
    assert first == again
    context = recipe.prepare([row(url="s3://x1")], fetch)
    with pytest.raises(StoreError, match="none of 1 images of DNA"):
        recipe.make([source()], context)


def test_levels_of_a_plate_do_not_depend_on_what_fails_once():
    """Else the files of a run with faults would differ from those of one without."""
    recipe = build("png8-plate", crop=120)
    planes = {f"s3://x/{n}.tif": FIELD["DNA"] // 4 * n for n in (1, 2, 3)}
    files = {url: source(plane=plane.astype(np.uint16)).data for url, plane in planes.items()}
    rows = [row(url=url, path=url) for url in planes]
    whole = recipe.prepare(rows, files.__getitem__)
    bad = rows[0]["url"]

    def prepare(*answers):
        """Read the plate, with these answers to the first requests of one file."""
        left = list(answers)

        def fetch(url):
            answer = left.pop(0) if url == bad and left else files[url]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return recipe.prepare(rows, fetch)

    assert prepare(files[bad][:-500]).levels == whole.levels
    context = prepare(StoreError("503", 5))
    with pytest.raises(StoreError, match=r"one of the 3 images .* of DNA could not be read: 503"):
        recipe.check(rows[1], context)
    # what is wrong for good is left out
    others = recipe.prepare(rows[1:], files.__getitem__).levels
    for wrong in ([FileNotFoundError(bad)], [StoreError("no address")], [b"", b""]):
        assert prepare(*wrong).levels == others != whole.levels


def digests(names=tuple(BUILT_IN)):
    return {
        name: sha256(make(build(name), source(), fetch=lambda _: source().data).data).hexdigest()
        for name in names
    }


@pytest.mark.slow
def test_the_same_image_gives_the_same_bytes_in_any_thread_and_process():
    expected = digests()
    with ThreadPoolExecutor(4) as pool:
        assert all(one.result() == expected for one in [pool.submit(digests) for _ in range(4)])
    script = "from tests.recipes.test_recipes import digests; print(digests())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == str(expected), done.stderr


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("png9", {}, "did you mean png"),
        ("zzz", {}, "there are png8"),
        ("nowhere:recipe", {}, "cannot be imported"),
        ("jumpduck.recipes.builtin:nothing", {}, "cannot be imported"),
        ("jumpduck.recipes.builtin:CROP", {}, "not a function"),
        ("tests.recipes.test_recipes:digests", {}, "must return a jumpduck.recipes.Recipe"),
        ("png8", {"bits": 8}, "no option 'bits'; its options: crop"),
        ("raw", {"crop": 8}, "its options: none"),
        ("png8", {"crop": -1}, "crop -1"),
        ("png8", {"crop_um": 0}, "crop_um 0"),
        ("png8", {"crop": 76.5}, "crop 76.5 is not a whole number"),
        ("png8", {"resize": 0}, "resize 0"),
        ("png8", {"resize": 224.0}, "resize 224.0 is not a whole number"),
        ("png8", {"resize": 100_000}, "resize 100000 is not between 1 and 8192"),
        ("png8", {"percentile": 50}, "percentile 50"),
        ("png8", {"percentile": float("nan")}, "percentile nan"),
        ("jxl", {"bits": 12}, "bits 12 is not one of 8, 16"),
        ("jxl", {"effort": 0}, "effort 0"),
        ("jxl", {"distance": -1}, "distance -1"),
        ("stack", {"compression": "lzw"}, "zstd, deflate"),
    ],
)
def test_a_wrong_recipe_or_option_is_refused_when_the_recipe_is_built(name, options, reason):
    with pytest.raises(QueryError, match=reason):
        build(name, **options)


@pytest.mark.real
@first_quick(2, "file", sorted((DATA / "images/pe2loaddata_v1").glob("*.tiff")))
def test_png8_of_a_real_plane_is_the_formula_and_no_larger_than_pillows(file):
    made = make(build("png8"), Source(file.read_bytes(), row()))
    expected = formula(tifffile.imread(file)[156:924, 156:924])
    assert np.array_equal(imagecodecs.png_decode(made.data), expected)
    buffer = io.BytesIO()
    Image.fromarray(expected).save(buffer, "png")
    assert len(made.data) < 1.15 * len(buffer.getvalue())
