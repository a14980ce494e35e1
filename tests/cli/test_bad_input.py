"""Wrong input ends in one line that names it, and leaves no half-written file."""

import errno
import socket

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import QueryError
from jumpduck.storage import repeated_requests
from tests.support.disks import disk, mount
from tests.support.examples import first_quick


@pytest.fixture
def said(cli, tmp_path):
    """Run a command that must fail, and return the line that it prints."""

    def run(code, *words):
        before = sorted(tmp_path.rglob("*"))
        done = cli(*words)
        assert done.code == code, done
        assert done.err.count("\n") == 1, done.err
        assert done.err.startswith("jumpduck: ")
        assert sorted(tmp_path.rglob("*")) == before, "nothing half-written"
        return done.err

    return run


@first_quick(
    5,
    ("option", "name", "near"),
    [
        ("--plate", "1000000002", "1000000001"),
        ("--plate", "jd5876C", "JD5876c3"),
        ("--modality", "chrispr", "crispr"),
        ("--source", "4", "source_13"),
        ("--source", "source_33", "source_3"),
        ("--batch", "Demo_Phenix2", "Demo_Phenix1"),
        ("--plate-type", "TARGET1", "TARGET2"),
        ("--well", "A011", "A01"),
        ("--perturbation", "TP35", "TP53"),
        ("--perturbation", "JCP2022_0001O1", "JCP2022_000101"),
        ("--channel", "DAN", "DNA"),
        ("--per-well", "tr=6", "trt"),
    ],
)
def test_an_unknown_name_is_refused_with_similar_names(said, catalog, option, name, near):
    line = said(2, "manifest", "--catalog", catalog, option, name)
    assert name.split("=")[0] in line
    assert near in line


@pytest.mark.parametrize("text", ["trt", "trt=x", "trt=-1", "trt=6;poscon=4"])
def test_a_per_well_that_cannot_be_read_shows_how_it_is_written(said, catalog, text):
    assert "trt=6,poscon=4,negcon=3" in said(
        2, "manifest", "--catalog", catalog, "--per-well", text
    )


def test_a_selection_without_an_image_is_refused(said, catalog):
    line = said(2, "manifest", "--catalog", catalog, "--well", "B03")
    assert "has no image" in line
    assert "empty 6; `--per-well` empty=1 keeps one of each well" in line


def test_an_unknown_plate_or_source_of_a_catalog_is_refused_with_similar_names(said, gallery):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    assert "JD5876c3" in said(2, "catalog", *places, "--plate", "JD5876")
    assert "source_13" in said(2, "catalog", *places, "--source", "source_14")


@pytest.mark.slow
def test_a_published_plate_that_the_catalog_lacks_is_refused_with_the_command_that_adds_it(
    cli, said, gallery, tmp_path
):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    assert cli("catalog", *places, "--source", "source_3").code == 0
    assert "jumpduck catalog --plate" in said(2, "manifest", "--plate", "1000000001")


def test_a_metadata_folder_without_a_file_is_named(said, gallery, tmp_path):
    folder = tmp_path / "metadata"
    folder.mkdir()
    (folder / "plate.csv.gz").write_bytes((gallery.metadata / "plate.csv.gz").read_bytes())
    line = said(1, "catalog", "--gallery", gallery.gallery, "--metadata", folder)
    assert "well.csv.gz" in line
    assert str(folder) in line


def test_a_metadata_file_with_another_header_is_named(said, gallery, tmp_path):
    folder = tmp_path / "metadata"
    folder.mkdir()
    for file in gallery.metadata.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "perturbation_control.csv").write_text("jcp,role\n1,2\n")
    line = said(1, "catalog", "--gallery", gallery.gallery, "--metadata", folder)
    assert "controls.sql" in line
    assert "Metadata_JCP2022" in line


def test_a_gallery_folder_that_is_not_there_is_named(said, gallery):
    line = said(1, "catalog", "--gallery", "/no/such", "--metadata", gallery.metadata)
    assert "/no/such" in line
    assert "gallery" in line


def test_a_gallery_without_load_data_is_named(said, gallery, tmp_path):
    line = said(1, "catalog", "--gallery", gallery.metadata, "--metadata", gallery.metadata)
    assert "none of 3 plates has load_data" in line


def test_a_gallery_that_does_not_answer_is_named(said, gallery, monkeypatch):
    monkeypatch.setattr(repeated_requests, "FIRST_RETRY_SECONDS", 0.01)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    places = ("--endpoint", address, "--metadata", gallery.metadata)
    line = said(1, "catalog", *places, "--plate", "JD5876c3")
    assert "JD5876c3" in line
    assert "5 attempts" in line


def test_a_manifest_lacking_a_column_is_refused_before_anything_is_fetched(said, choice, tmp_path):
    choice.drop("url").write_parquet(tmp_path / "manifest.parquet")
    assert "no column url" in said(1, "download")


@pytest.mark.parametrize("file", ["catalog.duckdb", "manifest.parquet"])
def test_a_file_of_another_format_is_refused(said, tmp_path, file):
    (tmp_path / file).write_text("something else")
    assert file in said(1, *(["manifest"] if file == "catalog.duckdb" else ["download"]))


def test_a_file_that_is_not_there_names_the_verb_that_makes_it(said):
    assert "jumpduck catalog" in said(1, "manifest")
    assert "jumpduck catalog" in said(1, "sql", "SELECT 1")
    assert "jumpduck manifest" in said(1, "download")


def test_a_wrong_folder_is_named_as_the_place_that_was_looked_in(said, tmp_path):
    for words in ("manifest",), ("sql", "SELECT 1"), ("plates",), ("find", "x"):
        assert f"({tmp_path / 'catalog.duckdb'})" in said(1, *words)
    line = said(1, "download")
    assert f"({tmp_path / 'manifest.parquet'})" in line
    assert "or go to the folder that has it" in line
    for verb in "status", "verify":
        assert said(1, verb, "--out", "miror") == (
            f"jumpduck: --out miror is not there ({tmp_path / 'miror'}); give the folder that "
            "`jumpduck download` filled\n"
        )
    (tmp_path / "empty").mkdir()
    assert "was not filled by jumpduck" in said(1, "status", "--out", "empty")


def test_a_folder_that_cannot_be_written_is_named(said, cli, catalog, tmp_path):
    (tmp_path / "images").write_text("a file where the folder should be")
    jumpduck.manifest(catalog, path=tmp_path / "manifest.parquet")
    assert "cannot write to images" in said(1, "download")
    line = said(1, "manifest", "--catalog", catalog, "--manifest", "images/m.parquet")
    assert "cannot write images/m.parquet" in line
    line = said(1, "catalog", "--catalog", "images/c.duckdb", "--gallery", ".", "--metadata", ".")
    assert "cannot write images/c.duckdb" in line


@pytest.mark.slow
def test_a_read_only_disk_is_named_by_every_verb_that_writes(
    said, cli, gallery, catalog, tmp_path, monkeypatch
):
    jumpduck.manifest(catalog, path=tmp_path / "manifest.parquet", plates=["JD5876c3"])
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    with disk(tmp_path / "d", "size=100m") as place:
        results = jumpduck.download(tmp_path / "manifest.parquet", place / "images")
        (place / "images" / results["path"][0]).write_bytes(b"damaged")
        mount(place, "remount,ro")
        monkeypatch.setenv("JUMPDUCK_CACHE", str(place / "cache"))
        reason = "Read-only file system"
        for named, words in {
            "d/demo": ("demo", "--out", "d/demo", "--quiet"),
            "d/c.duckdb": ("catalog", "--catalog", "d/c.duckdb", *places),
            "d/m.parquet": ("manifest", "--catalog", catalog, "--manifest", "d/m.parquet"),
            "d/new": ("download", "--out", "d/new"),
            "d/images": ("download", "--out", "d/images", "--force"),
            "d/cache": ("catalog",),
        }.items():
            line = said(1, *words)
            assert named in line
            assert reason in line
            assert "Errno" not in line
        assert "d/images" in said(1, "verify", "--repair", "--out", "d/images")
        assert "1 wrong" in cli("verify", "--out", "d/images").out
        assert cli("status", "--out", "d/images").code == 0


def test_what_the_system_refuses_in_the_middle_is_one_line(cli, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "gallery")

    monkeypatch.setattr("jumpduck.cli.demo.write_small_gallery", refuse)
    done = cli("demo", "--quiet")
    assert done.code == 1
    assert done.err == "jumpduck: [Errno 28] No space left on device: 'gallery'\n"


@pytest.mark.parametrize(
    "words",
    [
        ("download", "-o", ""), ("download", "--out="), ("download", "--scratch", ""),
        ("split", "--into", 2, "-o", ""), ("status", "-o", ""), ("merge", "images", "", "-o", "x"),
    ],
)  # fmt: skip
def test_an_empty_name_is_not_the_current_folder(cli, tmp_path, words):
    done = cli(*words)
    assert done.code == 2
    assert "'' is empty; give the name of a file or" in done.err
    assert not any(tmp_path.iterdir())
    with pytest.raises(QueryError, match="out '' is empty"):
        jumpduck.status("")


@first_quick(1, "url", ["http://[::1/x", "http://host:port/x", "http:///x"])
@pytest.mark.parametrize("option", ["--metadata", "--index", "--gallery", "--endpoint"])
def test_an_address_that_is_none_is_named(said, gallery, option, url):
    places = () if option == "--metadata" else ("--metadata", gallery.metadata)
    code = 2 if option == "--endpoint" else 1
    assert url in said(code, "catalog", *places, option, url)


def test_a_query_with_a_syntax_error_ends_with_2_and_duckdbs_message(cli, catalog):
    done = cli("sql", "SELEC 1", "--catalog", catalog)
    assert done.code == 2
    assert "SELEC" in done.err


def test_an_earlier_catalog_survives_a_build_that_fails(cli, gallery, catalog, tmp_path):
    (tmp_path / "catalog.duckdb").write_bytes(catalog.read_bytes())
    assert cli("catalog", "--gallery", "/no/such", "--metadata", gallery.metadata).code == 1
    assert (tmp_path / "catalog.duckdb").read_bytes() == catalog.read_bytes()
    assert cli("manifest", "--dry-run").code == 0


def test_what_an_earlier_version_made_is_refused_in_one_line(said, choice, catalog, tmp_path):
    rows = choice.head(1)
    rows.write_parquet(tmp_path / "manifest.parquet", metadata={"jumpduck.query": "{}"})
    assert "was made by an earlier version of jumpduck" in said(1, "download")
    with duckdb.connect(str(tmp_path / "catalog.duckdb")) as con:
        con.execute("CREATE SCHEMA jump; CREATE TABLE jump.settings (gallery VARCHAR)")
    assert "an earlier version of jumpduck made it" in said(1, "manifest")


def test_a_system_that_starts_no_thread_is_one_line(cli, monkeypatch):
    def refuse(*_args, **_more):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("jumpduck.cli.app", refuse)
    said = cli("status")
    assert said.code == 1
    assert "no further thread" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("download", "--out", "\udcfc"),
        ("manifest", "--manifest", "\udcfc"),
        ("manifest", "--where", "\udcfc"),
        ("manifest", "--gene", "\udcfc"),
        ("find", "\udcfc"),
        ("sql", "\udcfc"),
    ],
)
def test_an_argument_that_is_not_utf_8_is_named(said, words):
    option = words[1] if len(words) > 2 else ""
    assert said(2, *words).startswith(
        f"jumpduck: {option} '\\udcfc' is not UTF-8".replace("  ", " ")
    )


def test_a_setting_that_is_not_utf_8_is_named(said, monkeypatch):
    monkeypatch.setenv("JUMPDUCK_DOWNLOAD_OUT", "\udcfc")
    assert "JUMPDUCK_DOWNLOAD_OUT '\\udcfc' is not UTF-8" in said(2, "download")


def test_a_file_of_another_kind_is_never_replaced(said, cli, gallery, catalog, tmp_path):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    manifest = ("manifest", "--catalog", tmp_path / "catalog.duckdb", "--manifest")
    (tmp_path / "catalog.duckdb").write_bytes(catalog.read_bytes())
    rows = jumpduck.manifest(catalog, path=tmp_path / "manifest.parquet").head(1)
    jumpduck.download(rows, tmp_path / "images")
    results = tmp_path / "images" / "results.parquet"
    pl.read_parquet(results).write_csv(tmp_path / "results.csv")
    for name in ("thesis.txt", "thesis.png"):
        (tmp_path / name).write_text("years of work")
    (tmp_path / "photo.csv").write_bytes(bytes(range(256)))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    for name, kind in {
        "catalog.duckdb": "a DuckDB file",
        "thesis.txt": "another file",
        "photo.csv": "another file",
        "results.csv": "another file",
        "images/results.parquet": "a Parquet file",
        "/dev/null": "not a plain file",
    }.items():
        assert said(1, *manifest, name) == (
            f"jumpduck: --manifest {name} is {kind} and not a manifest, therefore it is not "
            "replaced; give another name, or remove that file\n"
        )
    line = said(1, "catalog", *places, "--catalog", "manifest.parquet")
    assert line.startswith("jumpduck: --catalog manifest.parquet is a Parquet file and not a cat")
    line = said(1, "show", "--picture", "thesis.png")
    assert line.startswith("jumpduck: --picture thesis.png is another file and not a picture")
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.slow
def test_an_empty_file_and_an_earlier_manifest_catalog_or_picture_are_replaced(
    cli, gallery, tmp_path
):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    for name in ("catalog.duckdb", "m.parquet", "m.csv", "sheet.png"):
        (tmp_path / name).touch()
    for _ in range(2):
        assert cli("catalog", *places, "--source", "3").code == 0
        for name in ("m.csv", "m.parquet"):
            assert cli("manifest", "--per-well", "trt=1", "--manifest", name).code == 0
        rows = pl.read_parquet(tmp_path / "m.parquet")
        assert pl.read_csv(tmp_path / "m.csv").height == rows.height
        jumpduck.download(rows, tmp_path / "images")
        jumpduck.show(out=tmp_path / "images", path=tmp_path / "sheet.png")
    rows.with_columns(mine=1).write_parquet(tmp_path / "m.parquet")
    assert cli("manifest", "--manifest", "m.parquet").code == 0


@pytest.mark.parametrize("name", ["catalog.duckdb", "images", "thesis.txt", ".git"])
def test_the_demo_refuses_a_folder_that_is_not_its_own(said, tmp_path, name):
    (tmp_path / name).mkdir()
    assert f"--out . holds {name}, which the demo did not make" in said(1, "demo", "-o", ".")


def test_the_demo_goes_on_in_its_own_folder_until_something_else_is_in_it(
    said, cli, tmp_path, monkeypatch
):
    begun = []
    write = "jumpduck.cli.demo.write_small_gallery"
    monkeypatch.setattr(write, lambda _, out: begun.append(out) or 1 / 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cli("demo", "-o", "x")
    (tmp_path / "x" / "train.parquet").touch()
    assert "--out x holds train.parquet" in said(1, "demo", "-o", "x")
    assert "--out x holds the demo of jump;" in said(1, "demo", "-o", "x", "--collection", "own")
    assert len(begun) == 2


@pytest.mark.parametrize(
    ("verb", "file", "flag"),
    [
        ("show", "x.png", "--picture"), ("show --remote TP53", "x.png", "--picture"),
        ("show --dry-run", "X.PNG", "--picture"), ("plate P1", "x.svg", "--picture"),
        ("report", "x.html", "--report"), ("quality", "x.csv", "--outliers"),
    ],
)  # fmt: skip
def test_a_file_to_write_in_place_of_the_folder_to_read_is_told_its_flag(cli, verb, file, flag):
    done = cli(*verb.split(), "-o", file)
    said = "is not the folder that `jumpduck download` filled; the file to write is"
    assert (done.code, done.err) == (2, f"jumpduck: --out {file} {said} `{flag}`\n")


def test_a_name_that_does_not_say_what_to_write_is_refused(cli, tmp_path):
    for verb, flag, ending in (
        ("quality", "--outliers", ".parquet or .csv or .csv.gz"),
        ("report", "--report", ".html or .htm"),
    ):
        done = cli(verb, flag, "x.txt")
        assert done.code == 2
        assert f"jumpduck: {flag} x.txt does not say" in done.err
        assert done.err.endswith(f"give a name that ends with {ending}\n")
    assert list(tmp_path.iterdir()) == []
