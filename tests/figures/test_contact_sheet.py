import numpy as np
import polars as pl
import pytest
from PIL import Image

from jumpduck.errors import ManifestError
from jumpduck.figures import contact_sheet as module
from jumpduck.figures.contact_sheet import (
    GAP_PIXELS,
    HEADER_PIXELS,
    LABEL_PIXELS,
    MARGIN_PIXELS,
    PLATE_PIXELS,
    TILE_PIXELS,
    contact_sheet,
)
from jumpduck.imaging.writers import encode_jxl, encode_ome_tiff, encode_png, encode_tiff

CHANNELS = ("nuclei", "Tubulin", "w3")
STEP = TILE_PIXELS + GAP_PIXELS


def site(well="A01", number=0, **more):
    keys = {"Metadata_Source": "lab", "Metadata_Batch": "b", "Metadata_Plate": "p1"}
    return {**keys, "Metadata_Well": well, "Metadata_Site": number, **more}


def plane(left, right, dtype=np.uint16, edge=200):
    """Left half at one grey level, right half at another."""
    image = np.full((edge, edge), left, dtype)
    image[:, edge // 2 :] = right
    return image


def write(folder, rows):
    columns = [f"path_{channel}" for channel in CHANNELS]
    table = pl.DataFrame([{**dict.fromkeys(columns), **row} for row in rows])
    others = [name for name in table.columns if name not in columns]
    table.select(*others, *columns).write_parquet(folder / "sites.parquet")


def draw(folder):
    with Image.open(contact_sheet(folder)) as image:
        return np.asarray(image)


def tile(sheet, row, column):
    """The grey tile of a channel in the first plate."""
    top = HEADER_PIXELS + PLATE_PIXELS + STEP * row
    left = MARGIN_PIXELS + LABEL_PIXELS + STEP * column
    return sheet[top : top + TILE_PIXELS, left : left + TILE_PIXELS, 0]


def halves(tile):
    return tile[:, : TILE_PIXELS // 2 - 2].mean(), tile[:, TILE_PIXELS // 2 + 2 :].mean()


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("a.png", lambda left, right: encode_png(plane(left, right))),
        ("a.tiff", lambda left, right: encode_tiff(plane(left, right))),
        ("a.tiff", lambda left, right: encode_tiff(plane(left // 9, right // 9, np.uint8))),
        ("a.jxl", lambda left, right: encode_jxl(plane(left, right))),
    ],
)
def test_a_file_with_grey_levels_is_stretched(tmp_path, name, encode):
    (tmp_path / name).write_bytes(encode(300, 900))
    write(tmp_path, [site(path_nuclei=name)])
    assert halves(tile(draw(tmp_path), 0, 0)) == (0, 255)


@pytest.mark.parametrize(("name", "encode"), [("a.png", encode_png), ("a.jxl", encode_jxl)])
def test_a_picture_of_8_bits_is_drawn_as_it_is(tmp_path, name, encode):
    (tmp_path / name).write_bytes(encode(plane(40, 120, np.uint8)))
    write(tmp_path, [site(path_Tubulin=name)])
    assert halves(tile(draw(tmp_path), 0, 1)) == (40, 120)


def test_a_stack_is_drawn_by_the_names_of_its_pages(tmp_path):
    pages = {"w3": plane(500, 0), "nuclei": plane(0, 500)}
    (tmp_path / "a.ome.tiff").write_bytes(encode_ome_tiff(list(pages.values()), list(pages)))
    write(tmp_path, [site(path_nuclei="a.ome.tiff", path_w3="a.ome.tiff")])
    sheet = draw(tmp_path)
    assert halves(tile(sheet, 0, 0)) == (0, 255)
    assert halves(tile(sheet, 0, 2)) == (255, 0)


def test_a_missing_or_broken_file_is_a_crossed_tile(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG and no more")
    write(tmp_path, [site(path_nuclei="broken.png", path_Tubulin="gone.png")])
    sheet = draw(tmp_path)
    crosses = [tile(sheet, 0, column) for column in range(3)]
    assert crosses[0].max() > crosses[0].min()
    assert np.array_equal(crosses[0], crosses[1])
    assert np.array_equal(crosses[0], crosses[2])


def test_an_image_of_any_proportions_keeps_them(tmp_path):
    wide = np.full((100, 400), 200, np.uint8)
    (tmp_path / "a.png").write_bytes(encode_png(wide))
    write(tmp_path, [site(path_nuclei="a.png")])
    bright = tile(draw(tmp_path), 0, 0) == 200
    assert bright.any(axis=0).sum() == TILE_PIXELS
    assert bright.any(axis=1).sum() == TILE_PIXELS // 4


def test_each_well_is_drawn_once_by_its_most_complete_site(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}.png").write_bytes(encode_png(plane(number, number, np.uint8)))
    write(
        tmp_path,
        [
            site(number=0),
            site(number=7, path_nuclei="2.png"),
            site(number=3, path_nuclei="1.png"),
            site("B02", number=5, path_nuclei="2.png"),
        ],
    )
    sheet = draw(tmp_path)
    assert [tile(sheet, row, 0).mean() for row in (0, 1)] == [1, 2]
    assert len(sheet) == HEADER_PIXELS + PLATE_PIXELS + 2 * STEP + MARGIN_PIXELS


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"Metadata_Name": "DMSO", "gene": "TP53"}, "DMSO"),
        ({"CellId": "230741", "Metadata_Perturbation": "NPM1"}, "NPM1"),
        ({"Metadata_Name": None, "size": 2.5, "gene": "TP53"}, "TP53"),
        ({"Metadata_pert_type": "trt", "dose": 3}, None),
    ],
)
def test_a_well_is_named_by_its_name_or_the_first_text_of_the_collection(columns, expected):
    assert module._name(site(**columns, path_nuclei="a.png")) == expected


def test_wells_beyond_the_limit_are_counted_in_the_last_line(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_WELLS", 2)
    write(tmp_path, [site(f"A{number:02d}") for number in range(2)])
    whole = draw(tmp_path)
    write(tmp_path, [site(f"A{number:02d}") for number in range(5)])
    assert len(draw(tmp_path)) == len(whole) + PLATE_PIXELS


def test_long_texts_are_cut_to_the_width_they_have():
    long = "a-name-of-a-compound-that-does-not-fit-beside-its-tiles"
    cut = module._shortened(long, 14, LABEL_PIXELS)
    assert cut.endswith("…")
    assert module._font(14).getlength(cut) <= LABEL_PIXELS
    assert module._shortened("short", 14, LABEL_PIXELS) == "short"


def test_a_folder_without_sites_is_refused_with_the_next_step(tmp_path):
    with pytest.raises(ManifestError, match="jumpduck download"):
        contact_sheet(tmp_path)
    write(tmp_path, [site()])
    pl.read_parquet(tmp_path / "sites.parquet").clear().write_parquet(tmp_path / "sites.parquet")
    with pytest.raises(ManifestError, match="names no images"):
        contact_sheet(tmp_path)
