"""The README's commands run, in its order, and print what it says."""

import re
import subprocess
import sys

import pytest

from tests.support.console import commands, matches, run
from tests.support.places import ROOT

README = (ROOT / "README.md").read_text()

# run by `.ci/run` in a fresh clone, not from inside the tests that one of them runs
SETUP = re.compile(r"^just test$|^just demo$|^export |-m venv ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the reader is after the first command, and what that printed."""
    folder = tmp_path_factory.mktemp("readme")
    done = run("jumpduck demo", folder)
    return folder / "jumpduck-demo", done.stdout


def test_every_just_recipe_it_names_is_there():
    recipes = set(re.findall(r"^(\w+)[^:=]*:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\$ |&& )just (\w+)", README, re.MULTILINE))
    assert {"demo", "test", "setup"} <= named <= recipes


def test_the_tests_that_guard_its_promises_are_there():
    there = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", README)
    assert len(named) > 10
    assert [name for name in named if f"def {name}(" not in there] == []


def test_the_first_command_prints_what_it_says(folder):
    (shown,) = (
        shown for command, shown in commands(README) if command.endswith("rust-just && just demo")
    )
    assert matches(shown, folder[1])


def test_its_commands_print_what_it_says(folder):
    seen = [
        one for one in commands(README) if not SETUP.search(one[0]) and "pip install" not in one[0]
    ]
    assert len(seen) >= 9
    for command, shown in seen:
        done = run(command, folder[0])
        assert done.returncode == (3 if "# exits 3" in command else 0), (command, done.stderr)
        assert not shown.strip() or matches(shown, done.stdout), (command, done.stdout)


def test_its_python_runs(folder):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder[0], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "TP53" in done.stdout
