"""The map of a plate, read back from its SVG and PNG."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import polars as pl
import pytest
from PIL import Image

from jumpduck.errors import QueryError, StoreError
from jumpduck.figures.charts import write_chart
from jumpduck.figures.plate_map import COLOURS, OWN_COLOURS, plate_map
from jumpduck.wells.plate_shape import SHAPES, row_letters
from jumpduck.wells.well_values import well_values
from tests.support.examples import first_quick

NAMES = [f"{row_letters(row)}{column:02d}" for row in range(1, 9) for column in range(1, 13)]


def drawn(tmp_path, values, **options):
    """The elements of the SVG of a plate that say something, by what they say."""
    write_chart(plate_map(values, "A plate", **options), tmp_path / "plate.svg")
    root = ET.parse(tmp_path / "plate.svg").getroot()
    return {one.get("aria-label"): one for one in root.iter() if one.get("aria-label")}


def texts(tmp_path):
    root = ET.parse(tmp_path / "plate.svg").getroot()
    return [one.text for one in root.iter("{http://www.w3.org/2000/svg}text") if one.text]


def luminance(element):
    red, green, blue = (int(one) for one in re.findall(r"\d+", element.get("fill")))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def cells(marks, said="[A-Z]+\\d+"):
    return {
        name: one
        for label, one in marks.items()
        if (name := label.partition(":")[0]) and re.fullmatch(said, name) and one.get("fill")
    }


def test_a_planted_bright_well_is_the_brightest_cell_and_the_others_have_their_order(tmp_path):
    mean = np.random.default_rng(5).lognormal(7, 0.2, 96)
    mean[NAMES.index("C07")] = 9000
    rows = pl.DataFrame({"Metadata_Well": NAMES, "mean": mean})
    found = cells(drawn(tmp_path, well_values(rows, "mean")))
    assert found.keys() == set(NAMES)
    lights = {name: luminance(one) for name, one in found.items()}
    assert max(lights, key=lights.get) == "C07"
    assert min(lights, key=lights.get) == NAMES[int(mean.argmin())]
    rank = np.corrcoef([lights[name] for name in NAMES], mean)[0, 1]
    assert rank > 0.95


@first_quick(1, "shape", SHAPES[-2::-1] + SHAPES[-1:], ids=lambda shape: str(shape.wells))
def test_every_well_of_a_plate_is_where_its_row_and_column_are(tmp_path, shape):
    last = f"{row_letters(shape.rows)}{shape.columns:02d}"
    rows = pl.DataFrame({"Metadata_Well": ["A01", "B02", last], "x": ["a", "b", "c"]})
    marks = drawn(tmp_path, well_values(rows, "x", wells=shape.wells))
    seen = texts(tmp_path)
    assert [one for one in seen if one.isdecimal()] == [str(n + 1) for n in range(shape.columns)]
    assert {row_letters(row + 1) for row in range(shape.rows)} <= set(seen)
    wells = [label for label in marks if re.fullmatch(r"[A-Z]+\d+: .+", label)]
    assert len(wells) == shape.wells
    corners = {}
    for name in ("A01: a", "B02: b", f"{last}: c"):
        corners[name] = np.array(re.findall(r"[\d.]+", marks[name].get("d"))[:2], float)
    step = corners["B02: b"] - corners["A01: a"]
    assert step[0] == pytest.approx(step[1])
    away = (corners[f"{last}: c"] - corners["A01: a"]) / step
    assert away == pytest.approx([shape.columns - 1, shape.rows - 1])


def test_a_well_without_a_value_is_hatched_and_one_that_is_not_known_is_an_empty_square(tmp_path):
    rows = pl.DataFrame({"Metadata_Well": ["A01", "A02", "A03"], "x": [1.0, None, float("nan")]})
    marks = drawn(tmp_path, well_values(rows, "x", known=["A04"], wells=6 * 16))
    lines = {name: marks[name].get("d").count("M") for name in marks if re.match("[A-H]\\d", name)}
    assert lines["A01: 1"] == 1
    assert lines["A02: no value"] == lines["A03: no value"] == lines["A04: no value"] == 4
    assert lines["A05: no image"] == 1
    assert marks["A05: no image"].get("fill") in (None, "transparent", "none")
    assert {"no value", "no image"} <= set(texts(tmp_path))


def test_many_texts_have_the_colours_of_the_most_frequent_and_the_others_are_grey(tmp_path):
    names = [f"compound {number % 30}" for number in range(30)] + ["DMSO"] * 66
    rows = pl.DataFrame({"Metadata_Well": NAMES, "Metadata_Name": names})
    found = cells(drawn(tmp_path, well_values(rows, "perturbation")))
    fills = {name: one.get("fill") for name, one in found.items()}
    assert {fills[name] for name in NAMES[30:]} == {COLOURS[0]}
    assert len(set(fills.values())) == len(COLOURS) + 1
    assert "24 others" in texts(tmp_path)


@pytest.mark.slow
def test_a_role_has_the_same_colour_on_every_plate(tmp_path):
    for roles in (["trt", "negcon", "poscon"], ["negcon", "negcon", "trt"]):
        rows = pl.DataFrame({"Metadata_Well": ["A01", "A02", "A03"], "Metadata_pert_type": roles})
        found = cells(drawn(tmp_path, well_values(rows, "role")))
        assert [one.get("fill") for one in found.values()] == [OWN_COLOURS[one] for one in roles]


def test_colours_can_be_told_apart_without_red_or_green():
    def seen(colour, matrix):
        channels = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
        return matrix @ channels**2.2

    # Viénot, Brettel and Mollon 1999, Color Research and Application 24, 243
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    for matrix in (np.eye(3), protan, deutan):
        points = [seen(colour, matrix).clip(0) ** (1 / 2.2) for colour in COLOURS]
        apart = [
            np.linalg.norm(one - other)
            for place, one in enumerate(points)
            for other in points[:place]
        ]
        assert min(apart) > 0.1


def test_names_of_a_users_table_stay_text(tmp_path):
    rows = pl.DataFrame({"Metadata_Well": ["A01"], "x": ["</text><script>alert(1)</script>&"]})
    marks = drawn(tmp_path, well_values(rows, "x"))
    assert "A01: </text><script>alert(1)</script>&" in marks
    assert b"<script" not in (tmp_path / "plate.svg").read_bytes()


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_character_that_xml_does_not_have_is_drawn_as_a_mark(tmp_path, suffix):
    rows = pl.DataFrame({"Metadata_Well": ["A01"], "x": ["a\x1b\uffff\\u001b"]})
    write_chart(plate_map(well_values(rows, "x"), "A\0plate"), tmp_path / f"plate.{suffix}")
    if suffix == "svg":
        assert "A01: a\ufffd\ufffd\\u001b" in (tmp_path / "plate.svg").read_text("utf-8")


@pytest.mark.slow
def test_a_picture_is_sharp_and_another_file_is_not_replaced(tmp_path):
    rows = pl.DataFrame({"Metadata_Well": ["A01", "H12"], "x": [1, 1]})
    chart = plate_map(well_values(rows, "x"), "A plate")
    write_chart(chart, tmp_path / "new" / "plate.png")
    with Image.open(tmp_path / "new" / "plate.png") as image:
        assert image.width > 2 * 12 * 34
    (tmp_path / "mine.svg").write_text("my notes")
    with pytest.raises(StoreError, match="not an SVG file"):
        write_chart(chart, tmp_path / "mine.svg")
    with pytest.raises(QueryError, match="neither PNG nor SVG"):
        write_chart(chart, tmp_path / "plate.jpg")
