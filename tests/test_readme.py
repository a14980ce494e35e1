"""The README's commands run, in its order, and print what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()

# run by `.ci/run` in a fresh clone, not from inside the tests that one of them runs
SETUP = re.compile(r"^just test$|^just demo$|^export |-m venv ")


def console():
    """Get each command of the console blocks and the lines that follow it."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


def same(shown, printed):
    """Compare word by word; a line of three dots stands for anything."""
    parts = re.split(r"^\.\.\.$", shown, flags=re.MULTILINE)
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in parts)
    return re.fullmatch(rf"\s*{pattern}\s*", " ".join(printed.split()), re.DOTALL)


def run(command, cwd):
    programs = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, shell=True, cwd=cwd, capture_output=True, text=True, env=env)


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
    (shown,) = (shown for command, shown in console() if command.endswith("rust-just && just demo"))
    assert same(shown, folder[1])


def test_its_commands_print_what_it_says(folder):
    seen = [one for one in console() if not SETUP.search(one[0]) and "pip install" not in one[0]]
    assert len(seen) >= 9
    for command, shown in seen:
        done = run(command, folder[0])
        assert done.returncode == (3 if "# exits 3" in command else 0), (command, done.stderr)
        assert not shown.strip() or same(shown, done.stdout), (command, done.stdout)


def test_its_python_runs(folder):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder[0], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "TP53" in done.stdout
