"""A package of Quilt becomes a catalog: checked, whatever its manifest and its table hold."""

import base64
import hashlib
import json
import shutil
from pathlib import Path

import pytest

import jumpduck
from jumpduck.errors import CatalogError, JumpduckError, QueryError, StoreError
from jumpduck.synthetic import quilt
from tests.support.places import DATA
from tests.support.s3_server import S3Server

PACKAGE = f"{quilt.BUCKET}/{quilt.USER}/{quilt.NAME}"
HEADER = {"version": "v0", "user_meta": {}, "message": None}
CHANGES = ("size", "meta", "logical_key", "header")
EMPTY = hashlib.sha256(b"").hexdigest()


def entry(key, physical=None, **said):
    line = {
        "logical_key": key,
        "physical_keys": [physical or f"s3://{quilt.BUCKET}/{key}"],
        "size": 0,
        "hash": {"type": "SHA256", "value": EMPTY},
        "meta": {},
    }
    return line | said


def registry(folder, *entries, header=HEADER):
    """A gallery with a package of these entries, and its top hash."""
    return quilt.write_revision(folder, header, entries)


def build(folder, **options):
    path = folder / "catalog.duckdb"
    options = {"package": PACKAGE, "gallery": str(folder)} | options
    jumpduck.catalog(path, collection="quilt", **options)
    return path


def rows_of(folder, **options):
    return jumpduck.manifest(build(folder, **options), per_well="all")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return quilt.write(tmp_path_factory.mktemp("quilt"))


@pytest.fixture(scope="module")
def made(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("catalog") / "catalog.duckdb"
    jumpduck.catalog(path, collection="quilt", **small.options)
    return path


def test_each_channel_of_a_cell_is_the_maximum_of_its_pages_with_hash_and_labels(made):
    rows = jumpduck.manifest(made, per_well="all")
    first = rows.row(0, named=True)
    assert rows["Metadata_Channel"].to_list()[:3] == ["dna", "membrane", "structure"]
    assert [url.rpartition("&")[2] for url in rows["url"][:3]] == [
        "pages=0-/3", "pages=1-/3", "pages=2-/3",
    ]  # fmt: skip
    assert "#checksum=SHA256:" in first["url"]
    assert (first["Metadata_Plate"], first["Metadata_Well"]) == ("3500001459", "93000")
    assert (first["Metadata_Site"], first["Metadata_CellId"]) == (230741, "230741")
    assert first["Metadata_Perturbation"] == first["Metadata_structure_name"] == "TOMM20"
    assert "Metadata_crop_raw" not in rows.columns
    every = jumpduck.manifest(made, channels="struct_segmentation_roof")
    assert every["url"][0].endswith("&pages=4-/5")
    assert jumpduck.sql("SELECT DISTINCT kind FROM quilt.channels ORDER BY ALL", made).rows() == [
        ("other",),
        ("stain",),
    ]
    marks = "SELECT Metadata_Channel, marks FROM quilt.channels WHERE marks IS NOT NULL"
    assert jumpduck.sql(marks, made).rows() == [("dna", "nuclei")]


def test_a_split_of_the_package_is_kept_beside_one_that_is_made_by_its_groups(made):
    asked = {"per_well": "all", "split": {"train": 0.5, "test": 0.5}, "seed": 1}
    rows = jumpduck.manifest(made, split_by="Metadata_FOVId", **asked)
    assert set(rows["Metadata_split"]) == {"train", "val", "test"}
    assert set(rows["split"]) == {"train", "test"}
    assert rows.group_by("Metadata_FOVId").n_unique()["split"].max() == 1
    assert rows.equals(jumpduck.manifest(made, split_by="Metadata_FOVId", **asked))
    with pytest.raises(QueryError, match="'Metadata_FOV'; did you mean Metadata_FOVId"):
        jumpduck.manifest(made, split_by="Metadata_FOV", **asked)


@pytest.mark.slow
def test_a_package_is_read_from_s3_in_both_layouts_and_by_short_hashes(tmp_path, small):
    package = small.options["gallery"]
    top_hash = next(iter((small_packages := package_folder(package)).iterdir())).name
    manifest = (small_packages / top_hash).read_bytes()
    with S3Server() as server:
        user, name = quilt.USER, quilt.NAME
        table = f"{user}/{name}/metadata.csv"
        server.put(quilt.BUCKET, table, (small_packages.parents[1] / table).read_bytes())
        v2 = f".quilt/v2/manifests/{user}@{name}/{top_hash}/manifest.jsonl"
        server.put(quilt.BUCKET, v2, manifest)
        server.put(quilt.BUCKET, f".quilt/v2/tags/{user}@{name}/latest", f" {top_hash}\n".encode())
        asked = {"gallery": None, "endpoint": server.endpoint}
        rows = rows_of(tmp_path, **asked)
        assert rows.height == small.images
        assert rows["url"].str.starts_with(f"s3://{quilt.BUCKET}/{user}/{name}/crop_raw/").all()
        assert rows.equals(rows_of(tmp_path, top_hash=top_hash[:7], **asked))
        assert rows.equals(rows_of(tmp_path, top_hash=top_hash, **asked))
        with pytest.raises(CatalogError, match="no revision begins with top_hash '000000'"):
            build(tmp_path, top_hash="000000", **asked)
        with pytest.raises(QueryError, match=f"did you mean {user}/{name}"):
            build(tmp_path, package=f"{quilt.BUCKET}/{user}/{name}s", **asked)


def package_folder(gallery):
    return Path(gallery) / ".quilt" / "packages"


@pytest.mark.slow
def test_a_package_without_a_table_is_sorted_by_folder_and_name(tmp_path):
    registry(
        tmp_path,
        entry("plate/b_ch1.tiff"),
        entry("plate/b_ch2.tiff"),
        entry("plate/c.png", meta={"user_meta": {"channel": "DNA"}}),
        entry("README.md"),
    )
    rows = rows_of(tmp_path)
    found = rows.select("Metadata_Plate", "Metadata_Well", "Metadata_Channel").rows()
    assert found == [("plate", "b", "ch1"), ("plate", "b", "ch2"), ("plate", "c", "DNA")]


def test_keys_versions_and_hashes_become_a_url(tmp_path):
    chunked = base64.b64encode(bytes(32)).decode()
    registry(
        tmp_path,
        entry("a.tiff", "s3://other/a%20b%23c%2B+%C3%A9.tiff?versionId=V.1_"),
        entry("b.tiff", hash={"type": "sha2-256-chunked", "value": chunked}),
        entry("c.tiff", hash={"type": "CRC64NVME", "value": "AAAAAAAAAAA="}),
    )
    assert rows_of(tmp_path)["url"].to_list() == [
        f"s3://other/a b#c++é.tiff#version=V.1_&checksum=SHA256:{EMPTY}",
        f"{tmp_path}/b.tiff#checksum=sha2-256-chunked:{chunked}",
        f"{tmp_path}/c.tiff#checksum=CRC64NVME:AAAAAAAAAAA=",
    ]


@pytest.mark.slow
def test_an_image_that_cannot_be_had_is_left_out_and_named(tmp_path):
    part, control = "a part that is empty, . or ..", "is not UTF-8, or has a control character"
    wrong, elsewhere = "its hash cannot be checked", "it is not in a bucket"
    bad = [
        (entry("../1.tif"), part),
        (entry("x/../../2.tif"), part),
        (entry("3.tif", "s3://allencell/x/%2E%2E/a.tif"), part),
        (entry("4.tif", "s3://allencell/x%00.tif"), control),
        (entry("5.tif", "s3://allencell/x%ff.tif"), control),
        (entry("6.tif", "file://host/a.tif"), elsewhere),
        (entry("7.tif", "https://host/a.tif"), elsewhere),
        (entry("8.tif", "s3://b/a.tif?versionId=x%26page=3"), elsewhere),
        (entry("9.tif", hash={"type": "MD5", "value": "0" * 32}), wrong),
        (entry("10.tif", hash={"type": "SHA256", "value": "abcd"}), wrong),
        (entry("11.tif", meta={"user_meta": {"channel": "../x"}}), "its channel is not a name"),
        (entry(".x/a.tif"), "its plate or well cannot be the name of a folder"),
        (entry("x" * 300 + ".tif"), "the names of its plate and well are too long"),
    ]
    registry(tmp_path, entry("good/a.tif"), *(one for one, _ in bad))
    path = build(tmp_path)
    assert jumpduck.manifest(path, per_well="all").height == 1
    problems = jumpduck.sql("SELECT reason, lines FROM quilt.problems", path).rows()
    for one, reason in bad:
        of = [lines for text, lines in problems if reason in text]
        assert of, (one, reason)
    assert sum(lines for _, lines in problems) == len(bad)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([entry("a.tif"), entry("a.tif")], "two lines have the logical_key a.tif"),
        ([entry("a.tif"), {"size": 1}], "it has no logical_key"),
        ([entry(5)], "it has no logical_key"),
        ([entry("a\n.tif")], "its logical_key has a control character"),
        ([entry("a.tif", size="12")], 'its size is "12", not a whole number'),
        ([entry("a.tif", size=1.5)], "its size is 1.5, not a whole number"),
        ([entry("a.tif", size=-1)], "its size is -1, not a whole number"),
        ([entry("a.tif", size=None)], "its size is absent, not a whole number"),
        ([entry("a.tif", hash=None)], "it has no hash with a type and a value"),
        ([entry("a.tif", hash="abc")], "it has no hash with a type and a value"),
        ([entry("a.tif", physical_keys="s3://a/b")], "its physical_keys are not a list"),
        ([entry("a.tif", physical_keys=[5])], "its physical key is not text"),
        ([entry("a.tif", meta=[1])], "its meta is not an object"),
        (['{"logical_key": "a", "size": 1, "size": 2}'], 'duplicate key "size"'),
        (["[1]"], "Expected OBJECT"),
        (['{"logical_key": "a"'], "unexpected end of data"),
        (
            [json.dumps(entry("a.tif"))[:-2] + '"a":' + "[" * 30000 + "]" * 30000 + "}}"],
            "recursion",
        ),
    ],
)
def test_a_manifest_that_no_package_has_is_refused_in_one_line(tmp_path, lines, reason):
    top_hash = registry(tmp_path)
    manifest = package_folder(tmp_path) / top_hash
    texts = [json.dumps(HEADER), *(x if isinstance(x, str) else json.dumps(x) for x in lines)]
    manifest.write_text("\n".join(texts))
    with pytest.raises(CatalogError, match=f"manifest of top hash {top_hash} cannot be read") as no:
        build(tmp_path)
    assert reason in str(no.value)
    assert len(str(no.value)) < 1000


@pytest.mark.parametrize(
    "name",
    ["hash", "order", *(pytest.param(one, marks=pytest.mark.slow) for one in CHANGES)],
)
def test_a_manifest_that_was_changed_is_refused_whatever_was_changed(tmp_path, name):
    lines = [entry("a/b.tif", meta={"user_meta": {"b": 1, "a": 0.1}}), entry("a.tif")]
    top_hash = registry(tmp_path, *lines)
    manifest = package_folder(tmp_path) / top_hash
    texts = manifest.read_text().splitlines()
    assert json.loads(texts[1])["logical_key"] == "a/b.tif"  # as in folders, and not as texts
    changes = {
        "size": texts[1].replace('"size": 0', '"size": 1'),
        "hash": texts[1].replace(EMPTY, "0" * 64),
        "meta": texts[1].replace("0.1", "0.2"),
        "logical_key": texts[1].replace("a/b.tif", "a/c.tif"),
    }
    header = texts[0].replace("null", '"x"') if name == "header" else texts[0]
    rest = [changes.get(name, texts[1]), texts[2]]
    rest = rest[::-1] if name == "order" else rest
    manifest.write_text("\n".join([header, *rest]) + "\n")
    if name == "order":  # of which the top hash says nothing
        assert rows_of(tmp_path).height == 2
        return
    with pytest.raises(CatalogError, match=f"and {top_hash} was asked for: it was changed"):
        build(tmp_path)


@pytest.mark.slow
def test_odd_values_are_hashed_as_quilt_does(tmp_path):
    values = [
        1.5, 0.1, 1e-5, 1e16, 1e22, -0.0, 123456.789, 5e-324, float("nan"), float("inf"), 2**70,
        "é", "\u0001", "a/b", 'q"q', "\\", "\x7f", "😀", "a,b", None, [1, 2],
        {"z": 1, "a": True},
    ]  # fmt: skip
    meta = {"user_meta": {f"k{number}": value for number, value in enumerate(values)}}
    lines = [
        entry("é/куилт.tif", meta=meta),
        entry("a b.tif", meta={"user_meta": {"b b": 1, "a!": 2, "B": 3}}),
        entry("a-b/x.tif", meta={"other": 1, "user_meta": {}}),
        entry("a/x.tif", meta={"user_meta": {"b": 1, "a": 0.1, "ab": "x y", "c": -7}}),
        {"logical_key": "a/", "meta": {"user_meta": {"of": "a folder"}}},
    ]
    hashed = [line for line in lines if "size" in line]
    top_hash = registry(tmp_path, *hashed)
    manifest = package_folder(tmp_path) / top_hash
    texts = [json.dumps(HEADER)] + [json.dumps(one, ensure_ascii=False) for one in lines]
    manifest.write_text("\n".join(texts), encoding="utf-8")
    assert rows_of(tmp_path).height == len(hashed)


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"package": None}, QueryError, "package is missing; give BUCKET/USER/NAME, or one of"),
        ({"package": "aics/cells"}, QueryError, "package 'aics/cells' is not the name"),
        ({"package": "allencell/../x"}, QueryError, "is not the name of a package"),
        ({"top_hash": "abc"}, QueryError, "top_hash 'abc' is not 6 to 64 of the letters"),
        ({"top_hash": "0" * 64}, CatalogError, "the manifest of top hash 0000"),
        ({"package": "allencell/aics/cell"}, QueryError, "there is no package 'aics/cell'"),
        ({"gallery": "/nowhere"}, StoreError, "gallery /nowhere is not a folder"),
        ({"metadata": "x"}, QueryError, "metadata cannot be used for collection 'quilt'"),
    ],
)
def test_what_cannot_be_asked_for_is_one_clear_line(tmp_path, options, error, reason):
    registry(tmp_path, entry("a.tif"))
    with pytest.raises(error) as found:
        build(tmp_path, **options)
    assert reason in str(found.value)


def test_a_pointer_to_nothing_and_one_that_is_none_are_told_apart(tmp_path):
    top_hash = registry(tmp_path, entry("a.tif"))
    (package_folder(tmp_path) / top_hash).unlink()
    with pytest.raises(CatalogError, match=f"the manifest of top hash {top_hash} is not in"):
        build(tmp_path)
    pointer = tmp_path / ".quilt" / "named_packages" / quilt.USER / quilt.NAME / "latest"
    pointer.write_text("<html>")
    with pytest.raises(CatalogError, match="has '<html>', which is not a top hash"):
        build(tmp_path)
    pointer.write_text("x" * 5000)
    with pytest.raises(CatalogError, match="more than 1000 bytes"):
        build(tmp_path)


def with_table(folder, text, *entries, name="metadata.csv"):
    data = text.encode()
    (folder / name).write_bytes(data)
    value = {"type": "SHA256", "value": hashlib.sha256(data).hexdigest()}
    registry(folder, *entries, entry(name, size=len(data), hash=value))
    return folder


def test_a_table_names_the_images_and_dangling_and_doubled_ones_are_problems(tmp_path):
    text = "Plate,well,source,a_path,b\np1,A01,x,1.tif,\np1,A01,y,2.tif,3.tif\np1,,z,gone.tif,\n"
    with_table(tmp_path, text, *(entry(f"{number}.tif") for number in (1, 2, 3)))
    path = build(tmp_path)
    rows = jumpduck.manifest(path, per_well="all")
    keys = ("Metadata_Plate", "Metadata_Well", "Metadata_Site", "Metadata_Channel")
    assert rows.select(*keys, "Metadata_own_source").rows() == [
        ("p1", "A01", 1, "a", "x"),
        ("p1", "A01", 2, "a", "y"),
        ("p1", "A01", 2, "b", "y"),
    ]
    problems = jumpduck.sql("SELECT reason FROM quilt.problems", path).rows()
    assert problems == [("the package has no such image: gone.tif",)]
    text = "plate,site,image\np1,1,1.tif\np1,1,2.tif\n"
    with_table(tmp_path, text, entry("1.tif"), entry("2.tif"))
    path = build(tmp_path)
    assert jumpduck.manifest(path, per_well="all").height == 1
    problems = jumpduck.sql("SELECT reason FROM quilt.problems", path).rows()
    assert problems == [("another image has the same plate, well, site and channel",)]


def test_a_table_that_was_changed_or_names_no_image_is_refused(tmp_path):
    with_table(tmp_path, "a,b\n1,2\n", entry("1.tif"))
    with pytest.raises(CatalogError, match="has no images that its table names"):
        build(tmp_path)
    (tmp_path / "metadata.csv").write_text("a,image\n1,1.tif\n")
    with pytest.raises(
        CatalogError, match=r"table metadata\.csv is not the one that was published"
    ):
        build(tmp_path)
    (tmp_path / "metadata.csv").unlink()
    with pytest.raises(CatalogError, match=r"table metadata\.csv cannot be had: no such file"):
        build(tmp_path)
    with_table(tmp_path, 'a,image\n"1,1.tif\n', entry("1.tif"))
    with pytest.raises(JumpduckError):
        build(tmp_path)


@pytest.mark.real
@pytest.mark.slow
def test_the_top_hashes_of_the_real_fixtures_come_out(tmp_path):
    real = DATA / "quilt" / "registry_v1_fixture"
    folder = shutil.copytree(real, tmp_path / "real", copy_function=shutil.copyfile)
    asked = {"package": "quilt-fixture/jumpduck/fixture"}
    latest = rows_of(folder, **asked)
    assert latest["Metadata_Channel"].to_list() == ["Mito", "DNA"]
    assert latest["url"][0].endswith(
        "fov_ch1.tiff#checksum=sha2-256-chunked:r2ACksf7fYmhufdg0FekXamoalIxYnTasl4vF4gI8e8="
    )
    for revision in ("50a05a", "ab801c"):
        assert rows_of(folder, top_hash=revision, **asked).height == 2


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "top_hash"),
    [
        (
            "top_hash_test_manifest",
            "3426a3f721e41a1d83174c691432a39ff13720426267fc799dccf3583153e850",
        ),
        ("local_manifest", "4cf8b52e3647c21207c1f60394f394f7dbf1a04a89d94aeb6c28a9bf09688f2b"),
        ("quilt_manifest", "4cf8b52e3647c21207c1f60394f394f7dbf1a04a89d94aeb6c28a9bf09688f2b"),
    ],
)
def test_the_top_hash_of_quilts_own_manifests_comes_out(tmp_path, name, top_hash):
    packages = package_folder(tmp_path)
    packages.mkdir(parents=True)
    shutil.copyfile(DATA / "quilt" / f"{name}.jsonl", packages / top_hash)
    with pytest.raises(CatalogError, match="has no images"):  # which comes after the top hash
        build(tmp_path, top_hash=top_hash)
