"""A manifest is refused before anything is fetched if one of its rows is wrong."""

import unicodedata
from functools import partial

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import jumpduck
from jumpduck.errors import ManifestError
from jumpduck.schema import MANIFEST
from jumpduck.transfer.manifest_reader import Manifest, folded
from tests.support.examples import examples


@pytest.fixture(scope="module")
def rows(catalog):
    """The first three rows of a manifest."""
    return jumpduck.manifest(catalog).head(3)


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


@examples(100)
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


FORMS = (
    str.upper, str.lower, str.casefold, str.swapcase, str.title,
    partial(unicodedata.normalize, "NFC"), partial(unicodedata.normalize, "NFD"),
)  # fmt: skip


@examples(100)
@given(st.text(st.characters(codec="utf-8"), max_size=5), st.sampled_from(FORMS))
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
