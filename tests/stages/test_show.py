"""Pictures of sites: what they hold, compared with what was put into the images."""

import json
import re
import tempfile

import numpy as np
import polars as pl
import pytest
import tifffile
from PIL import Image

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.figures.montage import (
    CONTROLS_GAP_PIXELS,
    FIRST_COLUMN_PIXELS,
    GAP_PIXELS,
    HEADER_PIXELS,
    PLATE_PIXELS,
    bar_length_um,
)
from jumpduck.figures.text import font, wrapped
from jumpduck.figures.tiles import TILE_PIXELS

EDGE = 64
STEP = TILE_PIXELS + GAP_PIXELS
PIXEL_UM = 0.5


def site(plate, well, number, role, name, modality="crispr", **more):
    keys = {"Metadata_Source": "lab", "Metadata_Batch": "b", "Metadata_Plate": plate}
    return {
        **keys,
        "Metadata_Well": well,
        "Metadata_Site": number,
        "Metadata_pert_type": role,
        "Metadata_modality": modality,
        "Metadata_Name": name,
        "Metadata_Pixel_Size_Microns": PIXEL_UM,
        **more,
    }


def plane(level):
    """Background at 100 in the upper half, cells at some grey level in the lower half."""
    image = np.full((EDGE, EDGE), 100, np.uint16)
    image[EDGE // 2 :] = level
    return image


def keep(folder, images, recipe="png16", **options):
    """Download the images of sites: pairs of a site and its planes by channel."""
    rows = []
    for one, planes in images:
        start = "/".join(one[f"Metadata_{name}"] for name in ("Source", "Batch", "Plate"))
        key = f"{start}/{start.replace('/', '__')}__{one['Metadata_Well']}__{one['Metadata_Site']}"
        for channel, image in planes.items():
            path = f"{key}__{channel}"
            file = folder / "published" / f"{path.replace('/', '_')}.tiff"
            file.parent.mkdir(exist_ok=True)
            if image is not None:
                tifffile.imwrite(file, image)
            rows.append({**one, "Metadata_Channel": channel, "url": str(file), "path": path})
    manifest = pl.DataFrame(rows).sort("Metadata_Plate", maintain_order=True)
    jumpduck.download(manifest, folder / "images", recipe=recipe, **options)
    return folder / "images"


def tile(path, row, column, *, plates=1, gaps=0):
    """The tile of a picture, whose rows are counted over all plates."""
    top = plates * (PLATE_PIXELS + HEADER_PIXELS) + row * STEP + gaps * CONTROLS_GAP_PIXELS
    left = FIRST_COLUMN_PIXELS + column * STEP
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), np.int64)
    return pixels[top : top + TILE_PIXELS, left : left + TILE_PIXELS]


def cells(one):
    """The mean of the part of a tile where the cells are."""
    return one[TILE_PIXELS * 5 // 8 : TILE_PIXELS * 7 // 8, 60:-60].mean()


BRIGHT = (
    (site("p1", "A01", 1, "trt", "MYT1"), {"DNA": plane(4100)}),
    (site("p1", "B01", 1, "negcon", "no-target"), {"DNA": plane(1100)}),
)


@pytest.mark.parametrize("recipe", ["png8", "png8-plate", "png16", "stack", "jxl"])
def test_a_brightness_of_four_times_is_seen_on_one_scale_a_plate_and_not_on_one_an_image(
    tmp_path, recipe
):
    out = keep(tmp_path, BRIGHT, recipe)
    target = tmp_path / "a.png"
    shown = jumpduck.show("MYT1", out=out, path=target)
    bright, dark = cells(tile(target, 0, 0)), cells(tile(target, 1, 0, gaps=1))
    assert bright == pytest.approx(255, abs=2)
    assert dark == pytest.approx(255 * (1100 - 100) / (4100 - 100), abs=3)
    assert shown.images["black"].to_list() == pytest.approx([100, 100], abs=20)
    assert shown.images["white"].to_list() == pytest.approx([4100, 4100], abs=40)
    jumpduck.show("MYT1", out=out, path=target, stretch="image")
    assert cells(tile(target, 0, 0)) == pytest.approx(cells(tile(target, 1, 0, gaps=1)), abs=2)
    with Image.open(target) as image:  # in place of the levels, it is said that there are none
        words = image.crop((FIRST_COLUMN_PIXELS, 64, FIRST_COLUMN_PIXELS + TILE_PIXELS, 76))
        assert len(words.getcolors()) > 1


def test_the_composite_adds_channels_up_in_the_colours_that_were_asked_for(tmp_path):
    left, right = np.full((2, EDGE, EDGE), 100, np.uint16)
    left[:, : EDGE // 2], right[:, EDGE // 2 :] = 1000, 1000
    planes = {"DNA": left, "ER": right, "Mito": left}
    out = keep(tmp_path, [(site("p1", "A01", 1, "trt", "MYT1"), planes)])
    target = tmp_path / "a.png"
    colours = {"DNA": "#0080FF", "ER": "red", "Mito": "lime"}
    jumpduck.show("MYT1", out=out, path=target, colours=colours, composite=["DNA", "ER"])
    composite = tile(target, 0, 3)
    assert composite[80, 40].tolist() == [0, 128, 255]
    assert composite[80, 150].tolist() == [255, 0, 0]
    jumpduck.show("MYT1", out=out, path=target, channels="er,dna", colours=colours)
    assert tile(target, 0, 0)[80, 40].tolist() == [0, 0, 0], "ER comes first, as asked"
    assert tile(target, 0, 2)[80, 40].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("options", "width_um"),
    [
        ({"crop": 0}, EDGE * PIXEL_UM),
        ({"crop": 40}, 40 * PIXEL_UM),
        ({"crop": 40, "resize": 20}, 40 * PIXEL_UM),
        ({"crop_um": 10.0}, 10),
    ],
)
def test_the_scale_bar_is_as_long_as_it_says(tmp_path, options, width_um):
    dark_below = plane(4100)[::-1]
    out = keep(tmp_path, [(site("p1", "A01", 1, "trt", "MYT1"), {"DNA": dark_below})], **options)
    target = tmp_path / "a.png"
    jumpduck.show("MYT1", out=out, path=target)
    bar_um = {32: 10, 20: 5, 10: 2}[round(width_um)]
    assert bar_pixels(target, 1) == [round(bar_um * TILE_PIXELS / width_um)]


def bar_pixels(path, columns):
    """The length of the scale bar in each column of the first row, below which no cells are."""
    lower = (tile(path, 0, column)[TILE_PIXELS * 3 // 4 :] for column in range(columns))
    return [int((one == 255).all(axis=2).sum(axis=1).max()) for one in lower]


def test_the_scale_bar_is_that_of_the_image_below_it_where_channels_differ_in_size(tmp_path):
    large, small = plane(4100)[::-1], plane(4100)[::-1][8:-8, 8:-8]  # 32 and 24 µm
    out = keep(tmp_path, [(site("p1", "A01", 1, "trt", "MYT1"), {"DNA": large, "ER": small})])
    target = tmp_path / "a.png"
    for channels, bar in (("DNA,ER", 5 * TILE_PIXELS / 24), ("ER,DNA", 10 * TILE_PIXELS / 32)):
        jumpduck.show("MYT1", out=out, path=target, channels=channels)
        assert bar_pixels(target, 3) == [0, bar, 0], "the composite has no one size of its pixels"
    jumpduck.show("MYT1", out=out, path=target, channels="ER,DNA", composite="ER")
    assert bar_pixels(target, 2) == [0, 10 * TILE_PIXELS / 32]
    (
        out / pl.read_parquet(out / "results.parquet").filter(Metadata_Channel="ER")["path"][0]
    ).unlink()
    jumpduck.show("MYT1", out=out, path=target, channels="DNA,ER")
    assert bar_pixels(target, 3) == [0, 0, 10 * TILE_PIXELS / 32], "the composite is DNA alone"


def test_there_is_no_scale_bar_where_the_size_of_the_pixels_is_not_known(tmp_path):
    one = site("p1", "A01", 1, "trt", "MYT1") | {"Metadata_Pixel_Size_Microns": None}
    out = keep(tmp_path, [(one, {"DNA": plane(4100)[::-1]})])
    jumpduck.show("MYT1", out=out, path=tmp_path / "a.png")
    assert tile(tmp_path / "a.png", 0, 0)[TILE_PIXELS * 3 // 4 :].max() == 0


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A folder with two plates with controls of two modalities, and one with controls alone."""
    planes = {"DNA": plane(500)}
    sites = [
        site("p1", "A01", 1, "trt", "MYT1"),
        site("p1", "A01", 2, "trt", "MYT1"),
        site("p1", "A02", 1, "trt", "MYT1"),
        site("p1", "B01", 1, "negcon", "no-target"),
        site("p1", "B02", 1, "negcon", "no-target"),
        site("p1", "C01", 1, "negcon", "DMSO", "compound"),
        site("p1", "D01", 1, "poscon", "PLK1"),
        site("p2", "A01", 1, "trt", "MYT1"),
        site("p2", "B01", 1, "negcon", "no-target"),
        site("p2", "C01", 1, "trt", "BRCA1"),
        site("p3", "B01", 1, "negcon", "no-target"),
        site("p3", "C01", 1, "trt", "aspirin", "compound"),
    ]
    return keep(tmp_path_factory.mktemp("few"), [(one, planes) for one in sites])


def places(shown):
    keys = ("Metadata_Plate", "Metadata_Well", "Metadata_Site")
    return ["".join(map(str, one)) for one in shown.images.select(keys).rows()]


def test_controls_are_negative_controls_of_the_same_plates_and_modality(few, tmp_path):
    out, target = few, tmp_path / "a.png"
    shown = jumpduck.show(genes="myt1", out=out, path=target)
    assert places(shown) == ["p1A011", "p1A012", "p1A021", "p1B011", "p1B021", "p2A011", "p2B011"]
    assert shown.images["is_control"].to_list() == [False] * 3 + [True] * 2 + [False, True]
    assert (shown.left_out, shown.controls_left_out, shown.notes) == (0, 0, ())
    assert shown.path == target
    none = jumpduck.show(compounds="aspirin", out=out, path=target)
    assert places(none) == ["p3C011"]
    assert "no negative control of the same plates and modality" in none.notes[0]


def test_rows_are_spread_over_plates_and_wells_and_the_last_line_counts_the_others(few, tmp_path):
    out, target = few, tmp_path / "a.png"
    shown = jumpduck.show("MYT1", out=out, path=target, sites=2, controls=2)
    assert places(shown) == ["p1A011", "p1B011", "p2A011", "p2B011"]
    assert (shown.left_out, shown.controls_left_out) == (2, 1)
    text = "Not shown: 2 more of what was asked for and 1 more of negative controls"
    assert shown.left_out_text == text
    assert places(jumpduck.show("MYT1", out=out, path=target, sites=3, controls=0)) == [
        "p1A011", "p1A021", "p2A011",
    ]  # fmt: skip


def test_without_a_name_it_is_one_site_of_each_well_the_most_complete_one(tmp_path):
    images = [
        (site("p1", "A01", 1, "trt", "MYT1"), {"DNA": plane(500), "ER": None}),
        (site("p1", "A01", 2, "trt", "MYT1"), {"DNA": plane(500), "ER": plane(500)}),
        (site("p1", "A02", 1, "negcon", "DMSO"), {"DNA": plane(500), "ER": plane(500)}),
        (site("p2", "A01", 1, "trt", "BRCA1"), {"DNA": plane(500), "ER": plane(500)}),
    ]
    out, target = keep(tmp_path, images), tmp_path / "a.png"
    assert places(jumpduck.show(out=out, path=target))[::2] == ["p1A012", "p1A021", "p2A011"]
    one = jumpduck.show(out=out, path=target, plates="p1", sites=1)
    assert (places(one)[::2], one.left_out) == (["p1A012"], 1)


def test_controls_without_a_name_are_refused_because_all_wells_are_shown(few, tmp_path, cli):
    picture = tmp_path / "a.png"
    for more in (("--plate", "p1"), ("--modality", "crispr"), ()):
        refused = cli("show", "--out", few, *more, "--controls", "2", "--picture", picture)
        assert refused.code == 2
        assert "--controls 2 has no effect without a perturbation" in refused.err
    assert not picture.exists()
    assert cli("show", "--out", few, "--role", "trt", "--controls", "2", "--dry-run").code == 0


def test_an_image_that_is_not_there_or_cannot_be_read_is_a_hatched_tile_with_the_reason(tmp_path):
    planes = {"DNA": plane(500), "ER": None, "Mito": plane(500), "AGP": plane(500)}
    out = keep(tmp_path, [(site("p1", "A01", 1, "trt", "MYT1"), planes)])
    next(out.rglob("*__Mito.png")).unlink()
    next(out.rglob("*__AGP.png")).write_bytes(b"\x89PNG and no more")
    target = tmp_path / "a.png"
    shown = jumpduck.show("MYT1", out=out, path=target, controls=0)
    said = dict(shown.images.select("Metadata_Channel", "status").rows())
    assert said == {"DNA": "fetched", "ER": "missing", "Mito": "missing", "AGP": "corrupt"}
    errors = shown.images["error"].to_list()
    assert errors[0] is None
    assert "removed from the folder" in errors[2]
    for column, (status, error) in enumerate(zip(said.values(), errors, strict=True)):
        colours = {tuple(one) for one in tile(target, 0, column).reshape(-1, 3).tolist()}
        hatched = {(0x34, 0x3A, 0x46), (0xFF, 0x9E, 0x64), (0xF4, 0xF5, 0xF7)} <= colours
        assert hatched == (error is not None), status


def test_a_channel_of_a_stack_that_is_shown_alone_is_the_page_of_that_name(tmp_path):
    out = keep(
        tmp_path,
        [(site("p1", "A01", 1, "trt", "MYT1"), {"DNA": plane(500), "ER": plane(4100)})],
        "stack",
    )
    shown = jumpduck.show("MYT1", out=out, path=tmp_path / "a.png", channels="ER")
    assert shown.images.select("Metadata_Channel", "white").rows() == [("ER", 4100)]


def test_a_file_that_was_replaced_since_it_was_kept_is_hatched_and_not_drawn(tmp_path):
    out = keep(tmp_path, BRIGHT)
    first, second = sorted(out.rglob("*__DNA.png"))
    first.write_bytes(second.read_bytes())
    shown = jumpduck.show("MYT1", out=out, path=tmp_path / "a.png")
    assert shown.images["status"].to_list() == ["corrupt", "fetched"]
    assert "another checksum" in shown.images["error"][0]


def test_a_name_that_is_not_there_brings_the_nearest_ones_and_the_next_step(few, tmp_path):
    out, target = few, tmp_path / "a.png"

    def refused(*names, **options):
        with pytest.raises(QueryError) as caught:
            jumpduck.show(*names, out=out, path=target, catalog="none.duckdb", **options)
        return str(caught.value)

    assert "there is no perturbation 'MYTT1'; did you mean MYT1?" in refused("MYTT1")
    assert "none.duckdb is not there" in refused("MYTT1")
    assert "no gene 'aspirin'" in refused(genes="aspirin")
    assert "no well 'A09'; did you mean A02, A01?" in refused(wells="A09")
    assert "no plate 'p9'; there are p1, p2, p3" in refused(plates="p9")
    assert "no channel 'Foo'; there is DNA" in refused(channels="Foo")
    assert "no channel 'Foo'; there is DNA" in refused(composite="Foo")
    assert "no channel 'Foo'; there is DNA" in refused(colours={"Foo": "red"})
    assert "colours DNA=blurple is not a colour; write it like" in refused(
        colours={"DNA": "blurple"}
    )
    assert "sites 0 is not a whole number from 1" in refused(sites=0)
    for rows in ({"sites": 384}, {"controls": 228}, {"roles": "trt", "sites": 200, "controls": 28}):
        assert re.search("227.* rows.* in pictures of their own", refused(**rows))
    assert "stretch 'all' is not one of plate, image" in refused(stretch="all")
    assert "no site of" in refused("MYT1", roles="poscon")
    assert not target.exists()


def test_what_is_not_a_picture_or_not_a_download_is_refused(tmp_path):
    out = keep(tmp_path, BRIGHT)
    thesis = tmp_path / "thesis.png"
    thesis.write_text("years of work")
    with pytest.raises(StoreError, match=r"^path .*thesis.png is another file and not a picture"):
        jumpduck.show(out=out, path=thesis)
    with pytest.raises(QueryError, match=r"path .*a.jpg is not a PNG"):
        jumpduck.show(out=out, path=tmp_path / "a.jpg")
    with pytest.raises(StoreError, match="jumpduck download"):
        jumpduck.show(out=tmp_path / "published", path=tmp_path / "a.png")
    assert thesis.read_text() == "years of work"


def test_a_plate_with_files_of_two_recipes_is_refused(tmp_path):
    keep(tmp_path, BRIGHT[:1])
    other = tmp_path / "other"
    other.mkdir()
    keep(other, BRIGHT[1:], crop=40)
    for name in ("results.parquet", "sites.parquet"):
        tables = [pl.read_parquet(one / "images" / name) for one in (tmp_path, other)]
        pl.concat(tables).write_parquet(tmp_path / "images" / name)
    with pytest.raises(ManifestError, match=r"plate p1 are files of two recipes, png16 2 with \{"):
        jumpduck.show(plates="p1", out=tmp_path / "images", path=tmp_path / "a.png")


def test_a_path_that_leaves_the_folder_is_not_read(tmp_path):
    out = keep(tmp_path, BRIGHT)
    table = out / "results.parquet"
    rows = pl.read_parquet(table, glob=False)
    rows.with_columns(path=pl.lit("../published/x.tiff")).write_parquet(table)
    shown = jumpduck.show("MYT1", out=out, path=tmp_path / "a.png")
    assert set(shown.images["status"]) == {"corrupt"}


@pytest.mark.slow
def test_names_that_only_a_catalog_knows_are_found_through_it(catalog, tmp_path):
    rows = jumpduck.manifest(catalog, genes="TP53", with_controls=True, channels="DNA")
    jumpduck.download(rows, tmp_path / "images")
    options = {"out": tmp_path / "images", "path": tmp_path / "a.png", "catalog": catalog}
    by_number = jumpduck.show("7157", **options)
    assert by_number.images.equals(jumpduck.show("TP53", **options).images)
    assert set(by_number.images["name"]) > {"TP53"}
    with pytest.raises(QueryError, match=r"is known, but .* has no site of it; `remote` shows it"):
        jumpduck.show("PLK1", **options)
    with pytest.raises(QueryError, match="there is no gene 'TP5'; did you mean TP53"):
        jumpduck.show(genes="TP5", **options)


@pytest.mark.slow
def test_remote_fetches_what_is_shown_and_keeps_nothing(catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    target = tmp_path / "a.png"
    options = {"sites": 2, "controls": 1, "channels": "DNA,ER", "path": target}
    shown = jumpduck.show(genes="TP53", remote=True, catalog=catalog, **options)
    assert shown.images.height == 6
    assert set(shown.images["status"]) == {"fetched"}
    assert shown.images["is_control"].sum() == 2
    assert {file.name for file in tmp_path.rglob("*")} == {"scratch", "a.png"}
    rows = jumpduck.manifest(catalog, genes="TP53", with_controls=True, channels="DNA,ER")
    jumpduck.download(rows, tmp_path / "images")
    kept = jumpduck.show("TP53", out=tmp_path / "images", **options)
    assert kept.images["black"].to_list() == pytest.approx(shown.images["black"].to_list(), rel=0.1)
    with pytest.raises(QueryError, match="`remote` needs a perturbation"):
        jumpduck.show(roles="trt", remote=True, catalog=catalog, path=target)


def test_the_command_line_prints_what_is_shown_and_where(cli, few, tmp_path):
    done = cli("show", "MYT1", "--out", few, "--sites", "2", "--controls", "2")
    assert done.out == (
        "2 sites beside 2 of negative controls of the same plates and modality\n"
        "Not shown: 2 more of what was asked for and 1 more of negative controls\n"
        "-> show.png\n"
    )
    found = json.loads(
        cli("show", "--out", few, "--gene", "MYT1", "--colour", "DNA=cyan", "--json").out
    )
    assert found["picture"] == "show.png"
    first = found["shown"][0]
    assert (first["Metadata_pert_type"], first["status"], first["Metadata_Site"]) == (
        "trt", "fetched", 1,
    )  # fmt: skip
    assert re.fullmatch(r"lab/b/p1/.*\.png", first["path"])
    (tmp_path / "show.png").unlink()
    done = cli("show", "MYT1", "--out", few, "--dry-run")
    assert done.out.endswith("nothing to fetch; nothing drawn (--dry-run)\n")
    assert not (tmp_path / "show.png").exists()
    said = cli("show", "--colour", "DNA")
    assert (said.code, said.err) == (
        2, "jumpduck: --colour 'DNA' is not like dna=#00FFFF,er=green\n",
    )  # fmt: skip


def test_each_plate_has_the_columns_of_its_own_channels(tmp_path):
    images = [
        (site("p1", "A01", 1, "trt", "MYT1"), {"DNA": plane(4100)}),
        (site("p2", "A01", 1, "trt", "MYT1"), {"ER": plane(4100), "Mito": plane(1100)}),
    ]
    shown = jumpduck.show("MYT1", out=keep(tmp_path, images), path=tmp_path / "a.png")
    keys = ("Metadata_Plate", "Metadata_Channel", "status")
    assert shown.images.select(keys).rows() == [
        ("p1", "DNA", "fetched"), ("p2", "ER", "fetched"), ("p2", "Mito", "fetched"),
    ]  # fmt: skip
    assert cells(tile(tmp_path / "a.png", 1, 0, plates=2)) == pytest.approx(255, abs=2)


@pytest.mark.slow
def test_labels_that_are_too_long_are_wrapped_and_end_with_an_ellipsis():
    name = "4-[(E)-2-(3,5-dimethoxyphenyl)ethenyl]phenol β-D-glucoside and more words than fit"
    lines = wrapped(name, 16, 180, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert max(font(16).getlength(line) for line in lines) <= 180
    assert name.replace(" ", "").startswith("".join(lines).replace(" ", "")[:-1])
    assert wrapped("TP53", 16, 180, 3) == ["TP53"]
    assert len(wrapped("C" * 100_000, 16, 180, 3)) == 3, "also of a name that no line holds"
    box = font(16).getmask("µ").getbbox()
    assert box != font(16).getmask("\ue000").getbbox(), "the font has the letter of micrometres"


@pytest.mark.slow
def test_the_highest_picture_has_no_more_pixels_than_programs_open():
    from jumpduck.figures.montage import MAX_PIXELS, MAX_ROWS, Row, draw_montage
    from jumpduck.figures.tiles import Tile

    rows = [
        Row(
            f"p{number}",
            "MYT1",
            [],
            "",
            is_control=False,
            tiles={"DNA": Tile(fault="x")},
            edges_um={},
        )
        for number in range(MAX_ROWS)
    ]
    drawn = draw_montage(rows, [{}] * MAX_ROWS, {"DNA": (0, 0, 255)}, [], "end", each_alone=True)
    assert MAX_PIXELS - 300 < drawn.height <= MAX_PIXELS


@pytest.mark.parametrize(
    ("longest_um", "expected"), [(76.8, 50), (0.9, 0.5), (20, 20), (199, 100), (5.0, 5)]
)
def test_a_scale_bar_is_1_2_or_5_times_a_power_of_ten(longest_um, expected):
    assert bar_length_um(longest_um) == pytest.approx(expected)
