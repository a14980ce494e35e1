"""What all verbs of the command line have in common."""

import importlib
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jumpduck
from jumpduck.cli import app
from jumpduck.evaluation.registry import METRICS
from jumpduck.normalization.kinds import COMBINATIONS, KINDS
from tests.support.command_line import process
from tests.support.places import ROOT

VERBS = sorted(name for name in app if not name.startswith("-"))


def test_every_public_function_is_a_verb():
    # repair is `jumpduck verify --repair`; dataset gives objects of Python
    others = {"demo", "collections", "get", "models", "recipes", "completion", "help"}
    assert {*jumpduck.__all__, *others} - {"repair", "dataset"} == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_and_stands_on_a_page(cli, verb):
    done = cli(verb, "--help")
    assert done.code == 0
    assert f"jumpduck {verb} " in done.out.partition("For example")[2]
    assert not re.search(r"""default: [(){"F]""", done.out)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    assert any(f"jumpduck {verb}" in page.read_text() for page in pages)


@pytest.mark.parametrize(
    ("verb", "names"), [("evaluate", [*METRICS]), ("normalize", [*KINDS, *COMBINATIONS])]
)
def test_help_names_each_metric_and_each_step(cli, verb, names):
    named = set(re.findall(r"[a-z0-9_]+", cli("help", verb).out.partition("What to choose")[0]))
    assert not {*names} - named


@pytest.mark.parametrize("verb", VERBS)
def test_defaults_are_taken_where_something_else_has_imported_pydantic(verb):
    importlib.import_module("pydantic")  # with it, cyclopts checks defaults, too
    needed = {
        "get": ["-o", "images"], "submit": ["--system", "slurm"], "plate": ["p"],
        "export": ["paths"], "completion": ["show"], "normalize": ["p"],
        "embed": ["--model", "m"],
        "evaluate": ["p", "--metric", "nsc"],
    }  # fmt: skip
    app.parse_args([verb, *needed.get(verb, [])], exit_on_error=False)


def test_usage_errors_end_with_2(cli):
    assert cli("manifest", "--sede", "1").code == 2
    assert "--seed" in cli("manifest", "--sede", "1").err
    assert cli("manifes").code == 2
    # an unset variable of the shell must not choose everything
    assert cli("manifest", "--gene", "--dry-run").code == 2
    assert cli("manifest", "--source", "--gene", "TP53").code == 2
    assert cli("manifest", "--seed", "one").code == 2
    assert cli("download", "--connections", "0").code == 2
    assert "--threads 0 is below 1" in cli("verify", "--threads", "0").err


@pytest.mark.parametrize("words", [["jumpduck"], [sys.executable, "-m", "jumpduck"]])
def test_version_prints_the_version_of_the_package(words):
    programs = str(Path(sys.executable).parent)
    done = subprocess.run(
        [*words, "--version"], capture_output=True, text=True, env={"PATH": programs}
    )
    assert (done.returncode, done.stdout.strip()) == (0, jumpduck.__version__)


@pytest.mark.slow
def test_the_process_ends_with_the_exit_code_of_the_verb(tmp_path):
    with process("download", cwd=tmp_path) as run:
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err.count("\n")) == (1, 1), err


@pytest.mark.slow
def test_json_prints_one_object_and_nothing_else(cli, gallery):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    catalog = json.loads(cli("catalog", *places, "--json").out)
    assert {"relation", "rows", "comment"} == set(catalog["relations"][0])
    manifest = json.loads(cli("manifest", "--json").out)
    assert manifest["files"] == 255
    assert manifest["by_source"][0]["Metadata_Source"] == "source_13"
    download = cli("download", "--json")
    assert download.code == 3
    by_status = {
        row["status"]: row["files"]
        for row in json.loads(download.out.splitlines()[-1])["by_status"]
    }
    assert by_status == {"fetched": 253, "missing": 1, "corrupt": 1}
    rows = json.loads(cli("sql", "SELECT 1 AS one", "--json").out)
    assert rows == {"rows": [{"one": 1}]}


@pytest.mark.slow
def test_quiet_prints_errors_only(cli, gallery):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    assert cli("catalog", *places, "--quiet").out == ""
    assert cli("manifest", "--quiet", "--source", "source_13").out == ""
    done = cli("download", "--quiet")
    assert done.out == ""
    assert done.err.count("\n") == 1


def test_a_dry_run_writes_nothing(cli, catalog, tmp_path):
    done = cli("manifest", "--catalog", catalog, "--dry-run")
    assert "255 files" in done.out
    assert list(tmp_path.iterdir()) == []
    cli("manifest", "--catalog", catalog)
    assert "255 files" in cli("download", "--dry-run").out
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.parquet"]


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_file(cli, catalog, tmp_path):
    seeds = {}
    (tmp_path / "jumpduck.toml").write_text(f'[manifest]\ncatalog = "{catalog}"\nseed = 5\n')
    for name, words, env in (
        ("file", (), {}),
        ("environment", (), {"JUMPDUCK_MANIFEST_SEED": "6"}),
        ("flag", ("--seed", "7"), {"JUMPDUCK_MANIFEST_SEED": "6"}),
    ):
        assert cli("manifest", *words, **env).code == 0
        import polars as pl

        notes = pl.read_parquet_metadata(tmp_path / "manifest.parquet")
        seeds[name] = json.loads(notes["jumpduck.query"])["seed"]
    assert seeds == {"file": 5, "environment": 6, "flag": 7}


def test_sql_reads_the_query_from_standard_input(cli, catalog):
    assert "42" in cli("sql", "--catalog", catalog, stdin="SELECT 42 AS answer").out


@pytest.mark.slow
def test_sql_without_a_query_opens_a_prompt(catalog, tmp_path):
    """At a terminal, and without a duckdb program on the path: so the prompt is jumpduck's own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "jumpduck", "sql", "--catalog", str(catalog)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": str(tmp_path)},
    )
    os.write(ours, b"SELECT 6 * 7\nAS answer;\nSELEC;\nSELECT 1 + 1 AS two;\n\x04")
    out, _ = process.communicate(timeout=60)
    assert "42" in out
    assert "two" in out
    assert process.returncode == 0


def test_ctrl_c_while_the_command_line_is_imported_is_one_line():
    script = """
import sys
class Interrupted:
    def find_spec(self, name, *_):
        if name in ("cyclopts", "importlib.metadata"):
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from jumpduck.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "jumpduck: interrupted\n")
