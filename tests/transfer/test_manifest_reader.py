"""A manifest is refused before anything is fetched if one of its rows is wrong."""

import gc
import hashlib
import json
import os
import resource
import subprocess
import sys
import unicodedata
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import jumpduck
from jumpduck.errors import ManifestError
from jumpduck.schema import MANIFEST
from jumpduck.transfer.manifest_reader import Manifest, folded
from tests.support.broken_manifests import read_all
from tests.support.examples import examples, first_quick
from tests.support.places import ROOT


@pytest.fixture(scope="module")
def rows(choice):
    """The first three rows of a manifest."""
    return choice.head(3)


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "a/./x",
        "a//x",
        ".jumpduck/x",
        "a/.hidden/x",
        "a/",
        "a\\..\\x",
        "a/x\0",
        "x",
        "",
    ],
)
def test_a_path_that_could_leave_the_folder_is_refused(rows, tmp_path, path):
    bad = rows.with_columns(path=pl.when(pl.row_index() == 1).then(pl.lit(path)).otherwise("path"))
    with pytest.raises(ManifestError, match="path"):
        jumpduck.download(bad, tmp_path / "images")
    assert not (tmp_path / "images").exists()


@examples(30)
@given(st.text("ab./\\\0\n", max_size=9))
def test_a_path_is_refused_unless_each_part_of_it_is_a_plain_name(path):
    *folders, name = path.split("/")
    plain = all(part and part[0] != "." for part in (*folders, name))
    safe = plain and folders and not set("\\\0\n") & set(path)
    row = {key: None if kind != pl.String else "x" for key, kind in MANIFEST.items()}
    rows = pl.DataFrame({**row, "Metadata_Site": 1, "path": path}, schema=MANIFEST)
    if safe:
        assert Manifest.open(rows).folders == {"/".join(folders)}
    else:
        with pytest.raises(ManifestError, match="path"):
            Manifest.open(rows)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("url", "ftp://host/a.tif", "ftp://"),
        ("url", None, "url"),
        ("Metadata_Plate", "../../x", "plate"),
        ("Metadata_Plate", None, "Metadata_Plate"),
        ("path", "a/same", "twice"),
        ("Metadata_Channel", None, "Metadata_Channel"),
        ("Metadata_Well", None, "Metadata_Well"),
        ("Metadata_Site", None, "Metadata_Site"),
        ("Metadata_Site", 1.5, "Metadata_Site 1.5"),
        ("Metadata_Site", 2**40, "Metadata_Site|damaged"),
        ("Metadata_Channel", "DNA\x01", "control character"),
        ("Metadata_Channel", "DNA\ufffe", "control character"),
        ("Metadata_Plate", "x" * 226, "225 bytes"),
        ("Metadata_Source", "\u00e9" * 113, "225 bytes"),
        ("path", "results.parquet/a", "name of a table"),
        ("path", "Sites.parquet/a/b", "name of a table"),
    ],
)
def test_a_row_with_a_wrong_value_is_refused(rows, tmp_path, column, value, reason):
    wrong = rows.with_columns(pl.lit(value).alias(column))
    with pytest.raises(jumpduck.errors.JumpduckError, match=reason):
        jumpduck.download(wrong, tmp_path / "images")
    assert not (tmp_path / "images").exists()


ALIKE = (
    ("a", "A"),
    ("\u00e9", "e\u0301"),
    ("\u00c9", "e\u0301"),
    ("stra\u00dfe", "STRASSE"),
    ("\u212a", "k"),
    ("\ufb01", "FI"),
    ("\u03c2", "\u03a3"),
)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_macos_would_take_for_one_are_refused(rows, tmp_path, one, other):
    places = {
        "paths": {"path": pl.Series([f"{one}/x", "b/x", f"{other}/x"])},
        "plates": {"Metadata_Plate": pl.Series([one, one, other])},
    }
    for what, columns in places.items():
        with pytest.raises(ManifestError, match=f"{what} .*differ only in case") as found:
            jumpduck.download(rows.with_columns(**columns), tmp_path / "images")
        assert one in str(found.value)
        assert other in str(found.value)
    stacks = rows.with_columns(
        path=pl.Series([f"a/{one}__DNA", "a/b__DNA", f"a/{other}__RNA"]),
        Metadata_Site=pl.Series([1, 2, 3], dtype=pl.Int32),
        Metadata_Channel=pl.Series(["DNA", "DNA", "RNA"]),
    )
    with pytest.raises(ManifestError, match=r"files .*\.ome\.tiff.* differ only in case"):
        jumpduck.download(stacks, tmp_path / "images", recipe="stack")
    assert not (tmp_path / "images").exists()


@pytest.fixture
def few_rows_at_once(monkeypatch):
    """Rows are checked three at a time, as those of a large manifest are in its row groups."""
    for module in ("manifest_plates", "manifest_reader"):
        monkeypatch.setattr(f"jumpduck.transfer.{module}.CHECKED_ROWS", 3)


def of_plates(rows, plates, paths):
    """Rows of these plates with these paths."""
    one = rows.head(1).select(pl.all().repeat_by(len(paths)).explode())
    return one.with_columns(Metadata_Plate=pl.Series(plates), path=pl.Series(paths))


@pytest.mark.parametrize(
    ("plates", "paths", "reason"),
    [
        ("AAAAB", ["a/1", "a/2", "a/3", "a/1", "b/1"], "occurs twice"),
        ("AAAAB", ["a/1", "a/2", "a/3", "A/1", "b/1"], "differ only in case"),
        ("AABBB", ["a/1", "b/2", "b/3", "b/2", "c/1"], "occurs twice"),
        ("AABBB", ["a/1", "B/2", "b/3", "b/2", "c/1"], "differ only in case"),
        ("AAAAB", ["a/1", "a/2", "a/3", "a/.x", "b/1"], "could leave"),
        ("AAAAB", ["a/1", "a/2", "a/3", "b/4", "b/../1"], "could leave"),
        ("AAAAB", ["a/1", "a/2", "a/3", "a/" + "x" * 240, "b/1"], "shorten it"),
        ("AAAAB", ["a/1", "a/2", "a/3", "a/4", "x" * 240 + "/1"], "shorten it"),
    ],
)
def test_a_wrong_path_is_found_wherever_it_stands(few_rows_at_once, rows, plates, paths, reason):
    with pytest.raises(ManifestError, match=reason):
        Manifest.open(of_plates(rows, list(plates), paths))


def test_plates_may_share_folders_and_have_several(few_rows_at_once, rows):
    paths = ["a/1", "b/c/2", "a/3", "a/4", "a/5", "b/c/6", "B/7"]
    manifest = Manifest.open(of_plates(rows, list("AAAABBC"), paths))
    assert manifest.folders == {"a", "b/c", "B"}
    assert [(one.key[2], one.first, one.count) for one in manifest.plates()] == [
        ("A", 0, 4), ("B", 4, 2), ("C", 6, 1)
    ]  # fmt: skip


def test_rows_of_plates_that_do_not_stand_together_are_put_together(few_rows_at_once, rows):
    paths = [f"a/{number}" for number in range(8)]
    manifest = Manifest.open(of_plates(rows, list("ABBABBBC"), paths))
    found = {one.key[2]: one.rows()["path"].to_list() for one in manifest.plates()}
    assert list(found) == ["A", "B", "C"]
    assert found == {
        "A": ["a/0", "a/3"], "B": ["a/1", "a/2", "a/4", "a/5", "a/6"], "C": ["a/7"]
    }  # fmt: skip


FORMS = (
    str.upper, str.lower, str.casefold, str.swapcase, str.title,
    partial(unicodedata.normalize, "NFC"), partial(unicodedata.normalize, "NFD"),
)  # fmt: skip


@examples(20)
@given(st.text(st.characters(codec="utf-8"), max_size=5), st.sampled_from(FORMS))
@pytest.mark.slow
def test_names_that_are_equal_without_case_and_form_are_equal_when_folded(name, form):
    def alone(name):
        return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())

    assume(alone(name) == alone(form(name)))
    one, other = folded(pl.Series([name, form(name)]))
    assert one == other
    assert folded(pl.Series([name]))[0] == one, "whatever stands beside it"


@pytest.mark.parametrize(
    ("site", "stem", "plate", "reason"),
    [
        (2, "x__", "p", "two sites of plate p would be the file 'a/x.ome.tiff'"),
        (1, "y__", "p", "a site of plate p would not be one file"),
        (1, "x__", "q", "two plates would share the file 'a/x.ome.tiff'"),
        (1, "x_", "p", "a site of plate p would not be one file"),
    ],
)
def test_sites_and_stacks_that_are_not_one_to_one_are_refused(
    rows, tmp_path, site, stem, plate, reason
):
    two = rows.head(2).with_columns(
        Metadata_Plate=pl.Series(["p", plate]),
        Metadata_Well=pl.lit("A01"),
        Metadata_Site=pl.Series([1, site], dtype=pl.Int32),
        path=pl.Series(["a/x__DNA", f"a/{stem}RNA"]),
    )
    with pytest.raises(ManifestError, match=reason):
        jumpduck.download(two, tmp_path / "images", recipe="stack")
    assert not (tmp_path / "images").exists()


def test_a_broken_manifest_is_one_line_or_can_be_read(tmp_path):
    found = read_all(60, 0, tmp_path / "manifest.parquet")
    assert 3 < found["read"] < 50
    assert all(reason and "\n" not in reason for reason in found["reasons"])


def test_a_manifest_that_makes_polars_panic_is_one_line(rows, tmp_path):
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    rows = rows.select(pl.col(list(MANIFEST)).repeat_by(2000).explode())
    path = pl.format("a/{}", pl.row_index()).alias("path")
    rows.select(path, pl.exclude("path")).write_parquet(whole)
    data = whole.read_bytes()
    footer = 8 + int.from_bytes(data[-8:-4], "little")
    cut.write_bytes(data[:4] + data[-footer:])  # its columns are said to be after its end
    with pytest.raises(ManifestError, match="damaged") as error:
        Manifest.open(cut)
    assert isinstance(error.value.__cause__, pl.exceptions.PanicException)


@pytest.mark.slow
def test_thousands_of_broken_manifests_are_one_line_or_can_be_read(tmp_path):
    """In processes of their own, because what ends one would end the test."""
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.broken_manifests", "1250", seed, file],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # Rust reports a panic there
            text=True,
        )
        for seed, file in (("1", tmp_path / "one"), ("2", tmp_path / "two"))
    ]
    for run in runs:
        said, _ = run.communicate()
        assert run.returncode == 0
        found = json.loads(said)
        assert 125 < found["read"] < 1125
        assert found["seconds"] < 5
        assert found["peak_kb"] < 700_000
        assert all(reason and "\n" not in reason for reason in found["reasons"])
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime - begun.ru_utime < 60  # processor time of two processes


def test_rows_come_from_the_manifest_that_was_checked_although_another_has_its_name(rows, tmp_path):
    """And its descriptor is closed with it."""
    path = tmp_path / "manifest.parquet"
    rows.write_parquet(path)
    opened = Manifest.open(path)
    held = opened._file._descriptor
    rows.with_columns(path=pl.lit("../outside/x")).write_parquet(tmp_path / "new")
    (tmp_path / "new").replace(path)
    assert opened.read(0, 3).equals(rows.select(*opened.columns))
    del opened
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)


def test_a_manifest_that_is_replaced_during_a_run_changes_nothing(rows, tmp_path):
    path, other = tmp_path / "manifest.parquet", tmp_path / "other.parquet"
    rows.write_parquet(path)
    rows.with_columns(path=pl.lit("../outside/x")).write_parquet(other)

    def replace(event):
        if event["event"] == "plan":
            other.replace(path)

    results = jumpduck.download(path, tmp_path / "out", progress=replace)
    assert results["path"].to_list() == [f"{name}.png" for name in rows["path"]]


@pytest.mark.parametrize("content", ["other rows", "no Parquet"])
def test_a_manifest_that_is_written_to_during_a_run_ends_it_in_one_line(content, rows, tmp_path):
    path = tmp_path / "manifest.parquet"
    rows.write_parquet(path)

    def write(event):
        if event["event"] == "plan" and content == "other rows":
            rows.head(1).write_parquet(path)
        elif event["event"] == "plan":
            path.write_bytes(b"x")

    with pytest.raises(ManifestError, match=r"manifest.parquet was written to while it was read"):
        jumpduck.download(path, tmp_path / "out", progress=write)


def test_a_plate_with_the_longest_name_is_filled(rows, tmp_path):
    named = rows.with_columns(Metadata_Plate=pl.lit("x" * 225))
    assert jumpduck.download(named, tmp_path / "out")["status"].to_list() == ["fetched"] * 3


def test_rows_are_checked_again_when_a_file_was_written_to_and_its_time_put_back(rows, tmp_path):
    path, out = tmp_path / "manifest.parquet", tmp_path / "out"
    bad = rows.with_columns(path="../" + pl.col("path").str.slice(3))
    rows.write_parquet(path, compression="uncompressed")
    before = path.stat()
    content = path.read_bytes()

    def write(event):
        if event["event"] == "plan":
            for good, wrong in zip(rows["path"], bad["path"], strict=True):
                nonlocal content
                content = content.replace(good.encode(), wrong.encode())
            with path.open("r+b") as file:
                file.write(content)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(ManifestError, match="could leave the output folder"):
        jumpduck.download(path, out, progress=write)
    assert path.stat().st_size == before.st_size
    assert not list(tmp_path.glob("*/*.png"))


def test_a_site_of_another_type_is_read_as_a_number(rows):
    whole = rows.with_columns(pl.col("Metadata_Site").cast(pl.Float64))
    assert Manifest.open(whole).read(0, 3)["Metadata_Site"].to_list() == list(rows["Metadata_Site"])


@pytest.mark.slow
def test_a_tilde_is_the_home_folder_in_each_path(catalog, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "c.duckdb").symlink_to(catalog)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    rows = jumpduck.manifest("~/c.duckdb", path="~/m.parquet", max_sites=1)
    assert jumpduck.download("~/m.parquet", "~/images").height == rows.height
    assert jumpduck.status("~/images").plates["done"].sum() == rows.height
    jumpduck.verify("~/images")
    assert jumpduck.sql("SELECT 1 AS x", "~/c.duckdb").height == 1
    assert not list(Path.cwd().iterdir())


def test_what_identifies_the_rows_does_not_depend_on_the_version_of_a_library(rows):
    two = Manifest.open(rows.head(2))
    text = "".join(f"{path},{url}\n" for path, url in rows.head(2).select("path", "url").rows())
    assert two.digest_of(("path", "url")) == hashlib.sha256(text.encode()).hexdigest()


@first_quick(2, "chosen", [[0], [1], [0, 1], [0, 2], [2, 0]])
def test_a_part_is_the_manifest_that_its_rows_would_be(choice, tmp_path, chosen):
    every = choice
    every.write_parquet(tmp_path / "manifest.parquet")
    whole = Manifest.open(tmp_path / "manifest.parquet")
    plates = list(whole.plates())
    part = whole.part([plates[number] for number in chosen])
    rows = pl.concat(plates[number].rows() for number in chosen)
    same = Manifest.open(rows)
    assert part.scan(list(part.columns)).collect().equals(rows)
    assert part.digest_of(["path", "url"]) == same.digest_of(["path", "url"])
    for name in ("files", "plate_count", "folders", "columns"):
        assert getattr(part, name) == getattr(same, name)
    assert part.estimated_bytes() == same.estimated_bytes()
    assert part.files_by_plate().equals(same.files_by_plate())
    assert pl.concat(plate.rows() for plate in part.plates()).equals(rows)
    assert whole.files == every.height
