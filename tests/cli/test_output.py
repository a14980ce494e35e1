"""How tables look on a terminal, and what a pipe gets."""

import io
import json
import shutil
import subprocess

import polars as pl
import pytest
from cyclopts.completion.detect import ShellDetectionError

import jumpduck
from jumpduck.cli.printer import Printer, size_text
from jumpduck.cli.transfer_report import by_reason, reasons
from jumpduck.rows import PLATE_KEY
from tests.support.examples import first_quick

LONG = pl.DataFrame(
    {
        "Metadata_Source": ["source_1", "source_13"],
        "Metadata_Plate": ["a plate with quite a long name", "P2"],
        "what": ["words " * 12, "short"],
        "files": [1234567, 2],
        "Metadata_Well": ["A01", "B02"],
        "more": ["x" * 30, None],
    }
)


@pytest.fixture
def shown(monkeypatch, capsys):
    def show(frame, width, **options):
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("COLUMNS", str(width))
        Printer(**options).table(frame)
        return capsys.readouterr().out

    return show


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_keys_stay_whole_on_a_terminal_of_any_width(shown, width):
    out = shown(LONG, width)
    for key in ("source_13", "a plate with quite a long name", "B02"):
        assert key in out
    table = [line for line in out.splitlines() if not line.startswith("no space for")]
    assert max(map(len, table)) <= max(width, 60)


def test_columns_without_space_are_named(shown):
    assert "no space for" not in shown(LONG, 200)
    out = shown(LONG, 65, as_csv=False)
    assert "no space for what, files, more; --csv and --json print all columns" in out
    assert "words" not in out
    assert "no space for what, files, more; --json prints all columns" in shown(LONG, 65)


@first_quick(
    1,
    ("words", "shown"),
    [
        (["find", "TP53"], "asked Name modality plates wells sites estimated_gb"),
        (["find", "TP53", "--wells"], "Source Batch Plate Well pert_type sites"),
        (["plates"], "Source Batch Plate wells sites estimated_gb"),
        (["status", "--plates"], "Source Batch Plate files left"),
    ],
)
def test_a_terminal_of_80_columns_shows_what_was_asked_for(
    cli, choice, catalog, tmp_path, words, shown
):
    if words[0] == "status":
        jumpduck.download(choice.head(3), tmp_path / "images")
    else:
        words = [*words, "--catalog", catalog]
    table = cli(*words, TTY_COMPATIBLE="1", COLUMNS="80").out.partition("no space for")[0]
    assert set(shown.split()) <= set(table.split())
    assert max(map(len, table.splitlines())) <= 80


def test_a_list_is_shown_as_json(catalog, cli):
    words = ("sql", "--catalog", catalog, "SELECT ['a', 'b'] AS l, {'x': [1], 'y': NULL} AS s")
    out = cli(*words, TTY_COMPATIBLE="1", COLUMNS="80").out
    assert '["a", "b"]' in out
    assert '{"x": [1], "y": null}' in out
    assert "shape" not in out


def test_a_long_text_folds_beside_whole_keys(shown):
    out = shown(LONG.drop("more"), 110)
    assert " ".join(out.split()).count("words") == 12
    assert "no space for" not in out


def test_a_pipe_gets_each_value_in_full(catalog, cli):
    rows = jumpduck.sql("FROM jump.sites", catalog)
    done = cli("sql", "--catalog", catalog, "FROM jump.sites")
    assert done.err == ""
    header, *lines = done.out.splitlines()
    assert header.split("\t") == rows.columns
    assert len(lines) == rows.height > 50
    values = dict(zip(rows.columns, lines[0].split("\t"), strict=True))
    assert json.loads(values["images"]) == rows["images"].to_list()[0]
    assert float(values["image_bytes"]) == rows["image_bytes"][0]


def test_a_value_with_a_tab_stays_in_its_column(catalog, cli):
    done = cli("sql", "--catalog", catalog, "SELECT 'a\tb\nc' AS one, 2 AS two")
    assert done.out == "one\ttwo\na b c\t2\n"


def test_csv_can_be_read_back(catalog, cli):
    done = cli("sql", "--csv", "--catalog", catalog, "SELECT 'a, \"b\"\nc' AS one, 1234567 AS two")
    assert pl.read_csv(io.StringIO(done.out)).rows() == [('a, "b"\nc', 1234567)]


def test_a_terminal_is_told_how_many_rows_there_are(catalog, cli):
    words = ("sql", "--catalog", catalog, "SELECT site_number FROM jump.sites")
    out = cli(*words, TTY_COMPATIBLE="1", COLUMNS="80").out
    assert "rows in all; a pipe, --csv and --json get them" in out
    assert len(out.splitlines()) == 52


@pytest.mark.slow
def test_a_remark_beside_a_table_does_not_come_into_a_pipe(choice, tmp_path, cli):
    jumpduck.download(choice.head(3), tmp_path / "images")
    done = cli("status")
    assert {len(line.split("\t")) for line in done.out.splitlines()} == {10}
    assert "not running" in done.err
    assert "not running" not in cli("status", "--csv").out
    assert pl.read_csv(io.StringIO(cli("status", "--csv", "--plates").out)).columns[:3] == list(
        PLATE_KEY
    )


def test_sites_that_lack_the_same_channel_are_one_line_whichever_image_it_is():
    rows = [
        {
            "path": f"source_1/B/P/P__A01__{site}.site.zip",
            "url": f"s3://b/{site}-{channel}.tiff",
            "Metadata_Channel": channel,
            "status": "missing",
            "error": f"channel DNA: no such file: s3://b/{site}-DNA.tiff",
        }
        for site in (1, 2)
        for channel in ("AGP", "DNA", "ER")
    ]
    (line,) = reasons(by_reason(pl.DataFrame(rows)))
    assert line == "missing: 2 sites, such as source_1/B/P/P__A01__1: channel DNA: no such file"


def test_files_that_could_not_be_had_for_one_reason_are_one_line(choice, tmp_path, cli):
    rows = choice.head(12)
    absent = rows.with_columns(pl.col("url") + ".absent")
    pl.concat([absent.head(11), rows.tail(1).with_columns(url=pl.lit("http://["))]).write_parquet(
        tmp_path / "manifest.parquet"
    )
    done = cli("download")
    assert done.code == 3
    first = f"{min(rows['path'][:11])}.png"
    assert f"missing: 11 files, such as {first}: no such file" in done.out
    assert "for ever" not in done.err  # because nothing at all is there
    assert f"failed: {rows['path'][11]}.png: 'http://['" in done.out
    assert f"missing: 11 files, such as {first}: no such file" in cli("verify").out
    assert "for ever" not in cli("verify").err + cli("status").err


@pytest.mark.slow
def test_a_dry_run_tells_size_space_recipe_and_time(catalog, tmp_path, cli):
    rows = jumpduck.manifest(catalog, path=tmp_path / "manifest.parquet")
    said = json.loads(cli("download", "--dry-run", "--json", "--recipe", "raw").out)
    assert said["files"] == rows.height
    assert said["estimated_gb"] == pytest.approx(rows["estimated_bytes"].sum() / 1e9)
    assert said["free_gb"] == pytest.approx(shutil.disk_usage(tmp_path).free / 1e9, rel=0.1)
    assert said["recipe"].startswith("raw ")
    cli("download", "--out", "other")
    assert json.loads(cli("download", "--dry-run", "--json").out)["estimated_seconds"] > 0
    assert "MB/s of the last download here" in cli("download", "--dry-run").out
    rows.drop("estimated_bytes").write_parquet(tmp_path / "manifest.parquet")
    assert json.loads(cli("download", "--dry-run", "--json").out)["estimated_gb"] is None


def test_help_of_a_verb_is_what_its_option_help_prints(cli):
    assert cli("help", "status").out == cli("status", "--help").out
    assert cli("help").out == cli("--help").out
    assert cli("help", "statu").code == 2


@first_quick(1, "shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_verbs_and_options(cli, shell):
    script = cli("completion", "show", "--shell", shell).out
    assert "download" in script
    assert "max-gb" in script
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_a_shell_that_cannot_be_told_is_to_be_named_by_its_flag(cli, monkeypatch):
    def detect(*_, **__):
        raise ShellDetectionError

    monkeypatch.setattr("cyclopts.App.generate_completion", detect)
    done = cli("completion", "show")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "name it with --shell" in done.err


@pytest.mark.slow
def test_the_file_of_completions_is_written_where_the_shell_looks(cli, tmp_path):
    done = cli("completion", "install", "--shell", "fish", HOME=str(tmp_path))
    assert done.code == 0
    assert (tmp_path / ".config" / "fish" / "completions" / "jumpduck.fish").is_file()


def test_sums_and_sizes_are_printed_without_noise(capsys):
    names = ("estimated_gb", "estimated_gb_kept", "dose")
    Printer().table(pl.DataFrame({name: [0.1 + 0.2] for name in names}))
    values = "0.3\t0.3\t0.30000000000000004"
    assert capsys.readouterr().out == "\t".join(names) + f"\n{values}\n"
    sizes = [size_text(size) for size in (49_700, 4.2e6, 41.6e6, 5e12)]
    assert sizes == ["0.0497 MB", "4.2 MB", "0.0416 GB", "5,000 GB"]


def test_a_collection_is_shown_with_the_command_that_makes_its_catalog(cli, monkeypatch):
    monkeypatch.setattr(Printer, "for_reader", True)
    said = cli("collections", "bbbc021", "CPG").out
    assert "\n\njumpduck catalog --collection bbbc021\n" in said
    assert "\n\njumpduck catalog --collection CPG ...\n" in said
