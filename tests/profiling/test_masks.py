"""Masks and label images that somebody made become objects."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.mask_files import MaskFiles
from jumpduck.profiling.masks import encode_labels, read_mask
from jumpduck.profiling.objects import CELLS, CYTOPLASM, NUCLEI
from jumpduck.profiling.segmentation import SegmentOptions, segment

SHAPE = (120, 160)
OPTIONS = SegmentOptions(nuclei="n")


def discs(*places, shape=SHAPE, numbers=None):
    rows, columns = np.indices(shape)
    image = np.zeros(shape, np.int64)
    for at, (row, column, radius) in enumerate(places):
        image[np.hypot(rows - row, columns - column) <= radius] = numbers[at] if numbers else 1
    return image


def tiff(image, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, image, **options)
    return file.getvalue()


PAIR = [(60, 50, 14), (60, 76, 14)]
AROUND = [(60, 48, 24), (60, 78, 24)]


@pytest.mark.parametrize(
    "file",
    [
        lambda image: tiff(image.astype(np.uint8) * 255),
        lambda image: tiff(image.astype(np.uint16), compression="zstd"),
        lambda image: tiff(image.astype(np.uint32), compression="deflate", predictor=True),
        lambda image: tiff(image.astype(np.int32), byteorder=">"),
        lambda image: imagecodecs.png_encode(image.astype(np.uint8) * 255),
        lambda image: imagecodecs.png_encode(image.astype(np.uint16)),
    ],
)
def test_a_mask_of_any_depth_is_read_and_its_touching_objects_are_divided(file):
    mask = read_mask(file(discs(*PAIR)), SHAPE)
    found = segment({}, OPTIONS, {NUCLEI: mask})
    assert found.count == 2
    assert list(found.labels) == [NUCLEI]
    assert np.array_equal(found.labels[NUCLEI] > 0, discs(*PAIR) > 0)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
def test_numbered_objects_keep_their_order_and_agree_between_files(kind):
    top = np.iinfo(kind).max
    nuclei = discs((30, 30, 9), (30, 100, 9), (90, 60, 9), numbers=[top, 3, 7]).astype(kind)
    cells = discs((30, 30, 20), (30, 100, 20), (90, 60, 20), numbers=[top, 3, 7]).astype(kind)
    found = segment({}, OPTIONS, {NUCLEI: nuclei, CELLS: cells})
    assert found.count == 3
    for before, after in ((3, 1), (7, 2), (top, 3)):
        assert np.array_equal(found.labels[NUCLEI] == after, nuclei == before)
        assert np.array_equal(found.labels[CELLS] == after, cells == before)
    cytoplasm = found.labels[CYTOPLASM]
    assert np.array_equal(cytoplasm, np.where(nuclei == 0, found.labels[CELLS], 0))


def test_cells_of_a_mask_are_parted_between_the_nuclei():
    found = segment({}, OPTIONS, {NUCLEI: discs(*PAIR), CELLS: discs(*AROUND) * 255})
    cells = found.labels[CELLS]
    assert np.array_equal(cells > 0, discs(*AROUND) > 0)
    assert np.array_equal(cells[discs(*PAIR) > 0], found.labels[NUCLEI][discs(*PAIR) > 0])
    left, right = np.bincount(cells.ravel())[1:]
    assert left == pytest.approx(right, rel=0.1)


def test_nuclei_of_a_mask_have_the_numbers_of_the_cells_that_they_lie_in():
    cells = discs((60, 35, 20), (60, 110, 20), numbers=[5, 9])
    found = segment({}, OPTIONS, {NUCLEI: discs((60, 35, 9), (60, 110, 9)), CELLS: cells})
    assert [found.labels[NUCLEI][60, column] for column in (35, 110)] == [1, 2]
    assert [found.labels[CELLS][45, column] for column in (35, 110)] == [1, 2]


def test_a_cell_without_a_nucleus_and_a_mask_of_cytoplasm_are_kept():
    cells = discs((60, 35, 20), (60, 110, 20), numbers=[1, 2])
    nuclei, rest = discs((60, 35, 9)), discs((60, 35, 15), (60, 110, 15))
    found = segment({}, OPTIONS, {NUCLEI: nuclei, CELLS: cells, CYTOPLASM: rest})
    assert found.count == 2
    assert not (found.labels[NUCLEI] == 2).any()
    assert list(found.flags["too_small"]) == [False, True]
    kept = (rest > 0) & (nuclei == 0)
    assert np.array_equal(found.labels[CYTOPLASM], np.where(kept, cells, 0))


def test_nuclei_of_a_mask_have_cells_in_a_channel():
    light = np.where(discs(*AROUND) > 0, 4000, 300).astype(np.uint16)
    options = SegmentOptions(nuclei="n", cells="c")
    found = segment({"c": light}, options, {NUCLEI: discs(*PAIR)})
    assert list(found.labels) == [NUCLEI, CELLS, CYTOPLASM]
    assert found.count == 2
    assert (found.labels[CELLS] > 0).sum() >= discs(*AROUND).sum()


def test_empty_masks_have_no_object():
    empty = np.zeros(SHAPE, np.uint8)
    found = segment({}, OPTIONS, {NUCLEI: empty, CELLS: empty})
    assert found.count == 0
    assert set(found.labels) == {NUCLEI, CELLS, CYTOPLASM}


def promised(width, height):
    """A PNG and a TIFF that promise a size and have nothing of it."""
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(20)
    entries = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1)]
    entries += [(278, height), (279, width * height % 2**32)]
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return png, b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(200)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            tiff(np.zeros((120, 161), np.uint8)),
            "a mask of 161 x 120 pixels for planes of 160 x 120",
        ),
        (imagecodecs.png_encode(np.zeros((9, 9), np.uint8)), "a mask of 9 x 9 pixels"),
        (promised(60_000, 60_000)[0], "a mask of 60000 x 60000 pixels"),
        (promised(60_000, 60_000)[1], "pixels|cut short"),
        (promised(160, 120)[0], "not a readable image"),
        (promised(160, 120)[1], "cut short|beyond|TIFF"),
        (tiff(np.zeros(SHAPE, np.float32)), "floats"),
        (tiff(np.full(SHAPE, -1, np.int16)), "it has the value -1"),
        (tiff(np.zeros((*SHAPE, 3), np.uint8), photometric="rgb"), "not one grey plane"),
        (tiff(np.zeros((2, *SHAPE), np.uint8)), "more than one page"),
        (imagecodecs.png_encode(np.zeros((*SHAPE, 3), np.uint8)), "not one grey plane"),
        (b"", "empty file"),
        (b"mask", "not a"),
        (tiff(np.ones(SHAPE, np.uint8), compression="deflate")[:-150], "."),
    ],
)
def test_a_file_that_is_no_mask_of_the_site_is_refused(data, said):
    with pytest.raises(ImageError, match=said):
        read_mask(data, SHAPE)


def test_masks_that_do_not_fit_are_refused():
    nuclei = discs((30, 30, 9))
    with pytest.raises(QueryError, match="'nuclei', which is not one of Nuclei, Cells, Cytoplasm"):
        segment({}, OPTIONS, {"nuclei": nuclei})
    with pytest.raises(ImageError, match="mask Cells has 9 x 9 pixels, mask Nuclei 160 x 120"):
        segment({}, OPTIONS, {NUCLEI: nuclei, CELLS: nuclei[:9, :9]})
    noise = np.arange(400 * 400).reshape(400, 400)
    with pytest.raises(ImageError, match="159999 objects in Nuclei; a site may have 100000"):
        segment({}, OPTIONS, {NUCLEI: noise})


@pytest.mark.parametrize(("highest", "bits"), [(70, 16), (65_535, 16), (65_536, 32)])
def test_label_images_are_written_and_read_back(highest, bits):
    labels = discs((30, 30, 9), (30, 100, 9), numbers=[1, highest]).astype(np.int32)
    data = encode_labels(labels, "note", pixel_size_um=0.5)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.pages[0].asarray().dtype == f"uint{bits}"
        assert file.pages[0].description == "note"
        assert np.array_equal(file.asarray(), labels)
    assert np.array_equal(read_mask(data, SHAPE), labels)


KEY = {
    "Metadata_Source": "s", "Metadata_Batch": "b", "Metadata_Plate": "p", "Metadata_Well": "A01",
    "Metadata_Site": 3,
}  # fmt: skip


def test_the_masks_of_a_site_are_found_by_a_pattern(tmp_path):
    (tmp_path / "p").mkdir()
    for name, image in ((NUCLEI, discs(*PAIR)), (CELLS, discs(*AROUND))):
        (tmp_path / "p" / f"A01_3_{name}.tiff").write_bytes(tiff(image.astype(np.uint8)))
    found = MaskFiles(f"{tmp_path}/{{plate}}/{{well}}_{{site}}_{{object}}.tiff").read(KEY, SHAPE)
    assert list(found) == [NUCLEI, CELLS]
    assert np.array_equal(found[CELLS], discs(*AROUND))
    one = MaskFiles(f"{tmp_path}/p/{{well}}_{{site}}_Cells.tiff").read(KEY, SHAPE)
    assert list(one) == [NUCLEI]


def test_a_site_without_a_mask_or_with_a_wrong_one_is_told_with_its_path(tmp_path):
    files = MaskFiles(f"{tmp_path}/{{well}}.png")
    with pytest.raises(ImageError, match=r"no mask: there is no file .*/A01\.png"):
        files.read(KEY, SHAPE)
    path = tmp_path / "A01.png"
    path.write_bytes(imagecodecs.png_encode(np.zeros((9, 9), np.uint8)))
    with pytest.raises(ImageError, match=r"mask .*/A01\.png: a mask of 9 x 9 pixels"):
        files.read(KEY, SHAPE)
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ImageError, match=r"1099511627776 bytes, where 160 x 120 pixels take at"):
        files.read(KEY, SHAPE)
    for odd in ("../A01", "..", "a\\b", "a\0b", ""):
        with pytest.raises(ImageError, match="cannot be a part of a path"):
            files.read({**KEY, "Metadata_Well": odd}, SHAPE)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("masks/{Plate}.png", r"have \{Plate\}; placeholders are \{source\}"),
        ("masks/{well.png", "have a single brace"),
        ("masks/{object}.png", "say nothing of a site"),
    ],
)
def test_a_pattern_that_finds_no_site_is_refused(pattern, said):
    with pytest.raises(QueryError, match=said):
        MaskFiles(pattern)
