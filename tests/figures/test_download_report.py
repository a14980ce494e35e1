"""What the report says, read from its file without a browser."""

import base64
import io
import json
import re

import numpy as np
import polars as pl
import pytest
from PIL import Image

import jumpduck
from jumpduck.errors import StoreError
from jumpduck.figures.download_report import content, thumbnails
from jumpduck.figures.download_report.facts import facts_of
from jumpduck.rows import PLATE_KEY
from jumpduck.transfer.filled_folder import FilledFolder
from tests.support import measured_folders

HOSTILE = "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>é\u202e"


def content_of(file):
    """The object that the script of a report reads."""
    text = file.read_text("utf-8")
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', text)
    return json.loads(found[1])


def column(values):
    """What the script makes of a column."""
    if isinstance(values, list):
        return values
    if "rows" in values:
        return [values["same"]] * values["rows"]
    if "texts" in values:
        return [None if one is None else values["texts"][one] for one in values["numbers"]]
    return [None if one is None else one * values["scale"] for one in values["values"]]


def grey(webp):
    """The grey levels of a picture."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(webp))).convert("L"), float)


@pytest.fixture(scope="module", autouse=True)
def without_libraries():
    """Leave Vega out, because bundling it takes two seconds; tests in a browser draw with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jumpduck.figures.download_report.charts.libraries", lambda: "")
        yield


@pytest.fixture(scope="module")
def results():
    """Two plates: a bright well, images that failed, a known issue, a hostile name."""
    well, site, channel = (pl.col(f"Metadata_{name}") for name in ("Well", "Site", "Channel"))
    first = pl.col("Metadata_Plate") == "P000"
    bright = first & (well == "C05") & (channel == "ER")
    gone = first & (well == "B02") & (site == 1) & (channel == "DNA")
    bad = ~first & (well == "B03") & (channel == "Mito")
    table = measured_folders.table(plates=2, wells=24, sites=2)
    return table.with_columns(
        mean=pl.when(gone | bad).then(None).when(bright).then(9 * pl.col("mean")).otherwise("mean"),
        status=pl.when(gone)
        .then(pl.lit("missing"))
        .when(bad)
        .then(pl.lit("corrupt"))
        .otherwise("status"),
        error=pl.when(gone)
        .then(pl.format("{}: no such file", "url"))
        .when(bad)
        .then(pl.lit(HOSTILE)),
        known_issue=pl.when(~first & (well == "D01")).then(pl.lit("out of focus")),
        Metadata_Name=pl.when(well == "A01").then(pl.lit(HOSTILE)).otherwise("Metadata_Name"),
    )


@pytest.fixture(scope="module")
def folder(results, tmp_path_factory):
    return measured_folders.write(tmp_path_factory.mktemp("report") / "images", results, edge=8)


@pytest.fixture(scope="module")
def made(folder):
    return jumpduck.report(folder)


@pytest.fixture(scope="module")
def found(made):
    return content_of(made.path)


def test_plates_are_counted_by_status(found, folder, made):
    done = pl.col("status") == "fetched"
    results = pl.read_parquet(folder / "results.parquet")
    counts = (
        results.group_by(PLATE_KEY)
        .agg(pl.len(), done.sum(), *((pl.col("status") == name).sum().alias(name)
             for name in ("missing", "corrupt")), pl.col("size").filter(done).sum())
        .sort(PLATE_KEY)
    )  # fmt: skip
    names = ("source", "batch", "plate", "images", "done", "missing", "corrupt", "kept_bytes")
    rows = list(zip(*(column(found["plates"][name]) for name in names), strict=True))
    assert rows == counts.rows()
    assert (made.plates, made.wells, made.images) == (2, 48, results.height)
    assert made.done == results.filter(done).height


def test_the_numbers_of_wells_and_plates_are_those_of_the_results(found, results):
    of_channel = results.filter(Metadata_Channel="ER").group_by("Metadata_Plate", "Metadata_Well")
    wells = of_channel.agg(pl.col("mean", "focus").mean())
    expected = {(plate, well): values for plate, well, *values in wells.iter_rows()}
    at = [one["name"] for one in found["channels"]].index("ER")
    for plate, shown in zip(column(found["plates"]["plate"]), found["wells"], strict=True):
        numbers = (column(shown[f"{name}_{at}"]) for name in ("mean", "focus"))
        for well, *values in zip(column(shown["well"]), *numbers, strict=True):
            # numbers are rounded to the fourth digit of the largest one of their channel
            assert values[0] == pytest.approx(expected[plate, well][0], abs=10)
            assert values[1] == pytest.approx(expected[plate, well][1], abs=0.0001)
    medians = results.group_by("Metadata_Plate", "Metadata_Channel").agg(pl.col("mean").median())
    expected = {(plate, channel): median for plate, channel, median in medians.iter_rows()}
    quality = {name: column(values) for name, values in found["quality"].items()}
    plates = [column(found["plates"]["plate"])[one] for one in quality["plate"]]
    channels = [found["channels"][one]["name"] for one in quality["channel"]]
    shown = dict(zip(zip(plates, channels, strict=True), quality["mean_50"], strict=True))
    assert shown == pytest.approx(expected, abs=1)


def test_a_planted_bright_well_stands_out(found):
    rows = {name: column(values) for name, values in found["outliers"].items()}
    wells = zip(rows["plate"], rows["well"], rows["site"], rows["channel"], strict=True)
    assert (0, "C05", None, 2) in set(wells)
    plate = found["wells"][0]
    assert dict(zip(column(plate["well"]), column(plate["outlier"]), strict=True))["C05"]


def test_wells_of_which_a_well_or_an_image_stands_out_are_counted_as_wells_with_outliers(
    found, made
):
    rows = {name: column(values) for name, values in found["outliers"].items()}
    wells = set(zip(rows["plate"], rows["well"], strict=True))
    assert sum(column(found["plates"]["outlier_wells"])) == len(wells)
    text = re.sub(r"<[^>]*>|\s+", " ", made.path.read_text("utf-8").partition("<main")[2])
    assert re.search(rf"Wells with outliers +{len(wells)} ", text)


def test_failures_and_known_issues_are_told_with_their_plate(found, results):
    faults = {name: column(values) for name, values in found["faults"].items()}
    rows = set(
        zip(faults["plate"], faults["well"], faults["status"], faults["reason"], strict=True)
    )
    assert rows == {
        (0, "B02", "missing", "no such file"),
        (1, "B03", "corrupt", HOSTILE),
    }
    issues = {name: column(values) for name, values in found["issues"].items()}
    assert (issues["plate"], issues["issue"], issues["images"]) == ([1], ["out of focus"], [10])


def test_what_comes_from_data_is_text_and_never_html(made):
    text = made.path.read_text("utf-8")
    assert "alert(1)</script>" not in text
    assert "<img src=x" not in text
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    assert "default-src &#39;none&#39;" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_nothing_of_the_report_is_fetched(made):
    text = made.path.read_text("utf-8")
    without_scripts = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r'(?:src|href|action)="(?!#)[^"]*"|@import|url\(', without_scripts) == []


def test_pictures_are_those_of_the_files_with_failures_first(found, folder, results):
    first = found["pictures"][0]
    assert next(iter(first)) == "B02"
    site, pictures = first["B02"][0]
    assert site == 1
    assert pictures[0] == [0, None, "missing: no such file"]
    row = results.filter(
        Metadata_Plate="P000", Metadata_Well="C05", Metadata_Site=1, Metadata_Channel="ER"
    )
    shown = grey(first["C05"][0][1][2][1])
    with Image.open(folder / row["path"][0]) as kept:
        whole = np.asarray(kept.resize(shown.shape, Image.Resampling.BOX), float)
    assert np.corrcoef(whole.ravel(), shown.ravel())[0, 1] > 0.9


@pytest.mark.slow
def test_the_same_folder_gives_the_same_bytes(made, folder, tmp_path):
    again = jumpduck.report(folder, tmp_path / "again.html")
    assert again.path.read_bytes() == made.path.read_bytes()
    assert again.bytes == made.path.stat().st_size


@pytest.mark.slow
def test_pictures_and_wells_that_have_no_space_are_counted(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(thumbnails, "MAX_IMAGES", 40)
    monkeypatch.setattr(content, "MAX_VALUES", 24 * 30)
    made = jumpduck.report(folder, tmp_path / "small.html")
    found = content_of(made.path)
    files = [one for wells in found["pictures"] for sites in wells.values() for one in sites]
    assert sum(len(pictures) for _, pictures in files) <= 40
    assert made.wells_with_pictures == sum(map(len, found["pictures"])) < made.wells
    assert (made.wells_shown, found["wells"][1]) == (24, None)
    assert f"pictures of {made.wells_with_pictures} of 48" in made.path.read_text("utf-8")


def test_a_path_that_leaves_the_folder_is_not_read(results, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    rows = results.head(5).with_columns(path=pl.lit("../secret.png"))
    path = measured_folders.write(tmp_path / "images", rows)
    folder = FilledFolder(path, rows.lazy(), pl.scan_parquet(path / "sites.parquet"), (), left=0)
    pictures = thumbnails.thumbnails(folder, facts_of(folder).wells, 1000)
    (reason,) = {one.reason for site in pictures for one in site.pictures}
    assert "could leave the folder" in reason


def test_pictures_of_a_plate_have_one_scale_whatever_the_recipe_stretched(results, tmp_path):
    four_times = pl.when(pl.col("Metadata_Site") == 1).then(1000.0).otherwise(4000.0)
    rows = results.filter(Metadata_Well="A01", Metadata_Channel="DNA", Metadata_Plate="P000")
    rows = rows.with_columns(low=0.0, high=four_times, parameters=pl.lit('{"percentile": 1.0}'))
    found = content_of(jumpduck.report(measured_folders.write(tmp_path / "a", rows, edge=64)).path)
    sites = found["pictures"][0]["A01"]
    dark, bright = (grey(pictures[0][1]).mean() for _, pictures in sites)
    assert bright / dark == pytest.approx(4, rel=0.1)


def test_what_came_is_counted_beside_what_was_tried(results, tmp_path, cli):
    missing = pl.col("Metadata_Channel") == "ER"
    rows = results.filter(Metadata_Plate="P000", Metadata_Well="A01", Metadata_Site=1).with_columns(
        status=pl.when(missing).then(pl.lit("missing")).otherwise(pl.lit("fetched"))
    )
    done = cli("report", measured_folders.write(tmp_path / "one", rows, edge=8))
    line = "4 of 5 images done, of 1 well on 1 plate; pictures of 1 well"
    assert (done.code, done.out.splitlines()[0]) == (0, line)


@pytest.mark.slow
def test_a_table_of_the_users_own_need_not_know_of_known_issues(results, tmp_path):
    own = results.drop("known_issue").filter(Metadata_Plate="P000", Metadata_Well="A01")
    made = jumpduck.report(measured_folders.write(tmp_path / "own", own, edge=8))
    assert column(content_of(made.path)["plates"]["issues"]) == [0]


@pytest.mark.slow
def test_a_users_table_may_have_any_further_column(results, tmp_path):
    more = {"number": 7, "issue": "mine", "order": 1, "name": "x", "rank": 0, "reason": "mine"}
    rows = results.drop("known_issue").with_columns(
        pl.lit(of).alias(name) for name, of in more.items()
    )
    folder = measured_folders.write(tmp_path / "images", rows, edge=8)
    own = content_of(jumpduck.report(folder).path)
    rest = pl.read_parquet(folder / "results.parquet").drop(more)
    rest.with_columns(known_issue=pl.lit(None, pl.String)).write_parquet(folder / "results.parquet")
    same = content_of(jumpduck.report(folder).path)
    assert own == same


def test_a_file_that_is_not_a_report_is_not_replaced(folder, made, tmp_path):
    other = tmp_path / "thesis.html"
    other.write_text("<!doctype html>\n<title>mine</title>")
    with pytest.raises(StoreError, match=r"not a report.*another name"):
        jumpduck.report(folder, other)
    assert "mine" in other.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["stack", "jxl"])
def test_what_was_asked_for_is_told_and_any_recipe_is_shown(catalog, tmp_path, recipe):
    manifest = tmp_path / "manifest.parquet"
    jumpduck.manifest(catalog, manifest, genes="TP53", channels=["DNA", "ER"], seed=7)
    jumpduck.download(manifest, tmp_path / "images", recipe=recipe)
    made = jumpduck.report(tmp_path / "images")
    text = made.path.read_text("utf-8")
    assert "<dt>genes</dt><dd>TP53</dd>" in text
    assert "<dt>seed</dt><dd>7</dd>" in text
    words = "".join(f"<span>{one}</span> " for one in ("--gene", "TP53", "--channel", "DNA"))
    assert words in text, "a line ends between words, not at a hyphen"
    assert "not finished" not in text
    pictures = [
        picture
        for wells in content_of(made.path)["pictures"]
        for sites in wells.values()
        for _, site in sites
        for picture in site
    ]
    assert len(pictures) == made.images
    assert all(webp for _, webp, _ in pictures)


@pytest.mark.slow
def test_an_unfinished_download_and_mixed_recipes_are_said_first(results, tmp_path):
    first = pl.col("Metadata_Site") == 1
    recipes = pl.when(first).then(pl.lit("raw 1")).otherwise(pl.lit("png8 2"))
    folder = measured_folders.write(tmp_path / "images", results.with_columns(recipe=recipes))
    file = folder / "results.parquet"
    pl.read_parquet(file).write_parquet(file, metadata={"jumpduck.left": '{"run": 8}'})
    made = jumpduck.report(folder)
    text = made.path.read_text("utf-8")
    assert made.left == 8
    assert "of the images that were asked for, it has still to fetch 8," in text
    assert "files of different recipes" in text
