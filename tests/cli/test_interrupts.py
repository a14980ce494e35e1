"""Ctrl-C and SIGTERM end the command line at moments at which Python alone does not."""

import os
import signal
import subprocess
import sys

import pytest

AT_AN_IMPORT = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.{number})
sys.meta_path.insert(0, Interrupting())
"""

LOST = """
import os, signal, time
import jumpduck.cli
def run(_words):
    send = lambda: os.kill(os.getpid(), signal.{number})
    todo = [{todo}]
    while True:
        try:
            todo.pop(0)() if todo else time.sleep(60)
        except KeyboardInterrupt:
            pass
jumpduck.cli.run = run
"""

MAIN = "from jumpduck.__main__ import main; main()"


def ended(script, *words, cwd):
    """Run the command line after a script, and get its exit code, stdout and stderr."""
    running = subprocess.run(
        [sys.executable, "-c", script + MAIN, *map(str, words)],
        cwd=cwd, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return running.returncode, running.stdout, running.stderr


@pytest.mark.parametrize(
    ("verb", "name"),
    [
        pytest.param("catalog", "cyclopts", marks=pytest.mark.slow),
        ("catalog", "jumpduck.cli.catalog"),
        pytest.param("catalog", "polars", marks=pytest.mark.slow),
        pytest.param("catalog", "pandas", marks=pytest.mark.slow),  # DuckDB imports it for itself
        pytest.param("find", "jumpduck.cli.find", marks=pytest.mark.slow),
        pytest.param("find", "duckdb", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_during_an_import_ends_a_verb_with_one_line(verb, name, catalog, gallery, tmp_path):
    places = ("--gallery", gallery.gallery, "--metadata", gallery.metadata)
    words = {"catalog": places, "find": ("TP53", "--catalog", catalog)}[verb]
    script = AT_AN_IMPORT.format(name=name, number="SIGINT")
    assert ended(script, verb, *words, cwd=tmp_path) == (130, "", "jumpduck: interrupted\n")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_run_that_does_not_end_after_a_signal_is_ended(number, tmp_path):
    code = 128 + getattr(signal, number)
    script = LOST.format(number=number, todo="send")
    assert ended(script, cwd=tmp_path) == (code, "", "jumpduck: interrupted\n")


def test_a_second_ctrl_c_ends_at_once_a_run_that_does_not_end_after_the_first(tmp_path):
    """The limit is moved away, because otherwise it would end the run."""
    script = LOST.format(number="SIGINT", todo="send, lambda: time.sleep(1), send")
    script += "import jumpduck.interrupts; jumpduck.interrupts.LIMIT_SECONDS = 1000\n"
    assert ended(script, cwd=tmp_path) == (130, "", "jumpduck: interrupted\n")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no such shell")
def test_a_job_that_shall_ignore_ctrl_c_ignores_it(catalog, tmp_path):
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    script += AT_AN_IMPORT.format(name="jumpduck.cli.find", number="SIGINT")
    code, out, err = ended(script, "find", "TP53", "--catalog", catalog, cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "TP53" in out
