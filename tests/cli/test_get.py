"""jumpduck get does what its three commands do."""

import json
import shlex
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from jumpduck.cli import app
from jumpduck.cli.get import GetOptions, three_commands
from tests.support.examples import first_quick


@pytest.fixture
def places(gallery):
    return "--gallery", str(gallery.gallery), "--metadata", str(gallery.metadata)


def commands(out):
    return [shlex.split(line)[1:] for line in out.splitlines() if line.startswith("jumpduck ")]


def kept(folder):
    return {
        file.relative_to(folder): file.read_bytes()
        for file in (*folder.rglob("*.png"), folder / "manifest.parquet")
    }


@pytest.mark.slow
def test_get_prints_three_commands_that_do_the_same_when_they_are_copied(cli, places, tmp_path):
    done = cli("get", "TP53", "--with-controls", "-o", "tp53/", *places)
    assert done.code == 0, done
    first, second, third = commands(done.out)
    assert first == [
        "catalog",
        "--perturbation",
        "TP53",
        *places,
        "--catalog",
        "tp53/catalog.duckdb",
    ]
    assert second[:4] == ["manifest", "--perturbation", "TP53", "--with-controls"]
    assert third == ["download", "--manifest", "tp53/manifest.parquet", "--out", "tp53/images"]
    (tmp_path / "tp53").rename(tmp_path / "by_get")
    for words in (first, second, third):
        assert cli(*words).code == 0
    assert kept(tmp_path / "tp53") == kept(tmp_path / "by_get")
    sites = pl.read_parquet(tmp_path / "tp53" / "images" / "sites.parquet")
    assert set(sites["Metadata_pert_type"]) == {"trt", "negcon"}


@pytest.mark.slow
def test_get_reads_the_plates_that_are_needed_alone(cli, places, tmp_path):
    assert cli("get", "TP53", "-o", "x", *places, "--per-well", "trt=1").code == 0
    plates = jumpduck.plates(tmp_path / "x" / "catalog.duckdb").filter(pl.col("wells") > 0)
    assert plates["Metadata_Plate"].to_list() == ["JD-CC9-R1-05"]


@pytest.mark.slow
def test_get_again_fetches_nothing(cli, places, tmp_path):
    words = ("get", "TP53", "-o", "x", *places, "--per-well", "trt=1", "--channel", "dna")
    assert "fetched" in cli(*words).out
    again = cli(*words).out
    assert "present" in again
    assert "fetched\t" not in again


def test_each_option_of_get_goes_to_the_commands_that_take_it():
    options = GetOptions(
        perturbations=("TP53",), genes=("PLK1",), sources=("3",), wells=("A01",), channels=("dna",),
        per_well={"trt": 2}, max_gb=1.5, illum=True, seed=4, with_controls=True,
        recipe="jxl", crop=0, effort=3, connections=8, max_requests=20.0,
        gallery="here", metadata="there", endpoint="http://127.0.0.1:1", project="cpg0000", out="o",
    )  # fmt: skip
    catalog, manifest, download = (" ".join(words) for words in three_commands(options))
    assert catalog.startswith("catalog --perturbation TP53 PLK1 --source 3 --gallery here")
    assert "--project cpg0000 --metadata there --endpoint http://127.0.0.1:1" in catalog
    for words in (
        "--perturbation TP53", "--gene PLK1", "--source 3", "--well A01", "--channel dna",
        "--per-well trt=2", "--max-gb 1.5", "--illum", "--seed 4", "--with-controls",
    ):  # fmt: skip
        assert words in manifest
    for words in (
        "--recipe jxl", "--crop 0", "--effort 3", "--illum", "--connections 8",
        "--max-requests 20.0",
    ):  # fmt: skip
        assert words in download
    assert "--channel" not in download
    for words in three_commands(options):
        app.parse_args(words, exit_on_error=False)


def test_get_needs_names_that_are_known_and_writes_nothing_without(cli, places, tmp_path):
    done = cli("get", "-o", "x", *places)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "jumpduck get TP53 -o tp53" in done.err
    done = cli("get", "TP35", "-o", "x", *places)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "there is no perturbation 'TP35'; did you mean TP53" in done.err
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
    assert "--out is missing" in cli("get", "TP53").err


@pytest.mark.slow
def test_files_that_could_not_be_had_end_get_with_3(cli, gallery, places):
    plate = gallery.missing.split("/")[2]
    done = cli("get", "--plate", plate, "-o", "x", *places, "--per-well", "trt=9,negcon=9,poscon=9")
    assert done.code == 3
    assert "1 of " in done.err


@pytest.mark.slow
def test_get_prints_the_json_of_each_command(cli, places):
    done = cli("get", "TP53", "-o", "x", *places, "--per-well", "trt=1", "--json")
    objects = [json.loads(line) for line in done.out.splitlines()]
    assert Path(objects[0]["catalog"]) == Path("x/catalog.duckdb")
    assert objects[1]["files"] == 5
    assert objects[-1]["by_status"][0] == objects[-1]["by_status"][0] | {
        "status": "fetched", "files": 5,
    }  # fmt: skip
    assert cli("get", "TP53", "-o", "x", *places, "--quiet").out == ""


@pytest.mark.slow
def test_a_catalog_is_built_for_the_plates_of_a_perturbation(gallery, tmp_path):
    path = tmp_path / "c.duckdb"
    places = {"gallery": str(gallery.gallery), "metadata": str(gallery.metadata)}
    jumpduck.catalog(path, perturbations=["TP53,DMSO"], **places)
    seen = set(jumpduck.sql("SELECT DISTINCT Metadata_Plate FROM jump.sites", path).to_series())
    wells = jumpduck.sql("FROM jump.wells SEMI JOIN jump.find_perturbations(['TP53', 'DMSO']) "
                         "USING (Metadata_JCP2022)", path)  # fmt: skip
    assert seen == set(wells["Metadata_Plate"])
    with pytest.raises(jumpduck.errors.QueryError, match="TP53"):
        jumpduck.catalog(path, perturbations=["TP35"], **places)
    with pytest.raises(jumpduck.errors.CatalogError, match="no plate is of all"):
        jumpduck.catalog(path, perturbations=["TP53"], sources=["source_3"], **places)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "error"),
    [
        ("download", KeyboardInterrupt()),
        *(
            pytest.param(*one, marks=pytest.mark.slow)
            for one in (
                ("catalog", KeyboardInterrupt()),
                ("manifest", KeyboardInterrupt()),
                ("catalog", RuntimeError("Query interrupted")),
            )
        ),
    ],
)
def test_an_interrupted_get_says_that_the_same_get_goes_on(cli, places, monkeypatch, verb, error):
    def interrupt(*_, **__):
        raise error

    def interrupt_run(*_, **__):
        yield from ()
        interrupt()

    words = ("get", "TP53", "-o", "a b", *places, "--per-well", "trt=1", "--crop", "0")
    place, what = {
        "catalog": ("jumpduck.stages.catalog.table_source", interrupt),
        "manifest": ("jumpduck.stages.manifest.plates_to_ask", interrupt),
        "download": ("jumpduck.cli.download.download_plates", interrupt_run),
    }[verb]
    with monkeypatch.context() as patch:
        patch.setattr(place, what)
        done = cli(*words)
    assert done.code == 130
    assert done.err.startswith("jumpduck: interrupted; what is finished is kept. Go on with: ")
    again = shlex.split(done.err.partition("Go on with: ")[2])[1:]
    assert again[0] == "get"
    assert cli(*again).code == 0
    assert "present" in cli(*words).out


@pytest.mark.slow
def test_a_dry_run_of_get_says_what_there_is_to_fetch_and_writes_nothing(cli, places, tmp_path):
    words = ("get", "TP53", "-o", "x", *places, "--per-well", "trt=1", "--recipe", "jxl")
    said = cli(*words, "--dry-run")
    assert said.code == 0, said
    assert list(tmp_path.iterdir()) == []
    assert "5 files, about " in said.out
    assert "there already: 0 files; left to fetch: 5; nothing fetched (--dry-run)" in said.out
    assert " -> x/images, where " in said.out
    done = cli(*words)
    assert commands(done.out) == commands(said.out)
    assert "there already: 5 files; left to fetch: 0;" in cli(*words, "--dry-run").out
    manifest, download = map(json.loads, cli(*words, "--dry-run", "--json").out.splitlines())
    assert (manifest["files"], download["files"], download["there"]) == (5, 5, 5)
    assert cli(*words, "--dry-run", "--quiet").out == ""


@first_quick(
    2,
    ("settings", "variables", "said"),
    [
        ('[manifest]\nmanifset = "x"', {}, "manifset"),
        ('[download]\nconnections = "many"', {}, "connections"),
        ("[download]\nconnections = 1000", {}, "--connections 1000"),
        ("", {"JUMPDUCK_DOWNLOAD_LIMIT": "x"}, "limit"),
    ],
)
def test_a_wrong_setting_of_an_inner_command_is_named_before_get_writes(
    cli, places, tmp_path, settings, variables, said
):
    (tmp_path / "jumpduck.toml").write_text(settings)
    for more in ((), ("--dry-run",)):
        done = cli("get", "TP53", "-o", "x", *places, *more, **variables)
        assert done.code == 2
        assert done.err.lower().count(said) == 1, done.err
    assert not (tmp_path / "x").exists()


@first_quick(
    4,
    "words",
    [
        ("--split-by", "plate"),
        ("--per-source", "0"),
        ("--per-source", "2", "--per-plate", "2"),
        ("--per-well", "nope=1"),
        ("--max-gb", "0"),
        ("--role", "nope"),
        ("--recipe", "nope"),
        ("--recipe", "raw", "--crop", "3"),
        ("--crop", "3", "--crop-um", "3"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_ends_get_before_it_writes(cli, places, tmp_path, words):
    for more in ((), ("--dry-run",)):
        done = cli("get", "TP53", "-o", "x", *places, *words, *more)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_option_of_get_and_a_setting_of_an_inner_command_count_together(cli, places, tmp_path):
    (tmp_path / "jumpduck.toml").write_text(
        '[manifest]\nper-well = "trt=1"\n[download]\nrecipe = "jxl"'
    )
    done = cli("get", "TP53", "-o", "x", *places, "--effort", "1")
    assert done.code == 0, done
    assert len(list((tmp_path / "x").rglob("*.jxl"))) == 5


@pytest.mark.slow
def test_values_that_begin_with_a_minus_are_printed_so_that_they_can_be_copied(
    cli, places, tmp_path
):
    condition = "-Metadata_Site < 0"
    words = (*places, f"--where={condition}", "--seed=-1", "--per-well", "trt=1")
    done = cli("get", "TP53", "--out=-x", *words)
    assert done.code == 0, done
    for again in commands(done.out):
        assert cli(*again).code == 0
    assert f"--where={condition}" in commands(done.out)[1]
    assert "left to fetch: 0" in cli("get", "TP53", "--out=-x", *words, "--dry-run").out
    assert (tmp_path / "-x" / "images").is_dir()


def test_an_option_that_another_verb_has_is_said_to_be_there(cli):
    assert "jumpduck manifest --preset" in cli("get", "TP53", "-o", "x", "--preset", "a").err
    assert "jumpduck download" in cli("manifest", "--recipe", "jxl").err
