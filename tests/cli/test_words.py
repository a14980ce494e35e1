"""The command line in words that people use."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("verb", "word", "meant"),
    [
        ("manifest", "--out", "--manifest"),
        ("manifest", "--output", "--manifest"),
        ("manifest", "-o", "--manifest"),
        ("manifest", "--genes", "--gene"),
        ("manifest", "--limit", "--max-sites"),
        ("manifest", "--controls", "--with-controls"),
        ("manifest", "--pert-type", "--role"),
        ("catalog", "--out", "--catalog"),
        ("catalog", "--bucket", "--gallery"),
        ("download", "--output", "--out"),
        ("download", "--input", "--manifest"),
        ("download", "--threads", "--connections"),
        ("download", "--overwrite", "--force"),
        ("find", "--symbol", "--name"),
        ("plates", "--input", "--catalog"),
        ("verify", "--cores", "--threads"),
    ],
)
def test_an_option_of_another_verb_or_program_brings_the_one_that_means_the_same(
    cli, verb, word, meant
):
    for words in ((word, "x"), (f"{word}=x",)):
        done = cli(verb, *words)
        assert done.code == 2
        assert f"Unknown option: {word}. Here it is {meant}." in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("verify mirror", "mirror stands without an option. Did you mean --out mirror?"),
        ("download images", "Did you mean --out images?"),
        ("plates CRISPR", "Did you mean --plate-type CRISPR?"),
        ("sql FROM jump.channels", "Put the query in quotes."),
        ("get TP53", "--out is missing; name a folder: jumpduck get TP53 -o tp53"),
        ("find --gene TP53", "Names need no option here: jumpduck find TP53"),
        ("download --resume", "The same command goes on where a run ended."),
    ],
)
def test_a_wrong_command_line_brings_the_right_one(cli, words, said):
    done = cli(*words.split())
    assert done.code == 2
    assert said in done.err


@pytest.mark.slow
def test_completions_that_nobody_reads_on_are_no_error():
    show = f"{sys.executable} -m jumpduck completion show --shell bash"
    done = subprocess.run(f"{show} | head -1", shell=True, capture_output=True, text=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def test_an_unknown_option_is_not_said_to_mean_what_a_verb_reads(cli):
    done = cli("plates", "--out", "x")
    assert "--catalog" not in done.err
    assert "Did you mean" in cli("manifest", "--sede", "1").err


@pytest.mark.slow
def test_perturbations_are_given_without_an_option(cli, catalog):
    of = ("manifest", "--catalog", catalog, "--dry-run")
    named = cli(*of, "--perturbation", "TP53", "DMSO").out
    for words in (["TP53", "DMSO"], ["TP53,DMSO"], ["TP53 DMSO"], ["tp53, dmso"]):
        assert cli(*of, *words).out == named
    assert cli("manifest", "TP53", "DMSO", *of[1:]).out == named
    assert "'TP35'" in cli(*of, "TP35").err


@pytest.mark.slow
def test_names_are_written_as_people_write_them(cli, catalog):
    of = ("manifest", "--catalog", catalog, "--dry-run")
    written = cli(*of, "--source", "source_3", "source_13", "--channel", "DNA", "ER").out
    assert cli(*of, "--source", "3,13", "--channel", "dna,er").out == written
    crispr = cli(*of, "--modality", "crispr").out
    assert crispr == cli(*of, "--where", "Metadata_modality = 'crispr'").out


@pytest.mark.slow
def test_the_catalog_takes_the_same_words(cli, gallery, tmp_path):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    assert cli("catalog", *places, "--source", "3,13", "--plate-type", "crispr target2").code == 0
    assert cli("plates", "--source", "2", "--csv").out.splitlines()[1].split(",")[4] == "0"
    assert cli("plates", "--plate-type", "crispr", "--csv").out.splitlines()[1].split(",")[4] == "4"


@pytest.mark.slow
def test_the_short_option_of_the_output_folder_is_o(cli, catalog, tmp_path):
    assert cli("manifest", "tp53", "--catalog", catalog).code == 0
    assert cli("download", "-o", "tp53/").code == 0
    assert (tmp_path / "tp53" / "results.parquet").is_file()
