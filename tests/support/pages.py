"""The pages of the project and their code blocks, as a reader runs them.

A console block is made of commands, each after ``$ `` (its further lines after ``> ``), and of what
they print; a line of three dots stands for any lines. A command that ends with ``# exits 3`` ends
with that exit code, every other one with 0. What stands behind the language says more::

    ```console                in the folder that `jumpduck demo` has filled
    ```console install        not run here: it would change the machine
    ```console archive        in an empty folder, with the demo's gallery as the archive
    ```python                 in the folder of the demo, after the page's earlier blocks
    ```python file=mine.py    written to that file of that folder
    ```python theirs          of another tool: only checked to parse
    ```console torch          run where torch is installed, as ```python torch is
"""

import itertools
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command_line import Run, run_here
from tests.support.places import ROOT

PAGES = sorted([
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "sql/README.md")),
    *(ROOT / "docs").glob("*.md"),
])  # fmt: skip

_BLOCK = re.compile(r"^( *)```(\w+) ?([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    language: str
    note: str
    """What stands behind the language."""
    text: str

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command and what it prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            first, *lines = part.splitlines(keepends=True)
            more = list(itertools.takewhile(lambda line: line.startswith("> "), lines))
            command = "".join([first, *(line.removeprefix("> ") for line in more)])
            yield command.rstrip("\n"), "".join(lines[len(more) :])


def name_of(page: Path) -> str:
    """The page's path in the checkout."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page that say their language."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [
        Block(language, note, textwrap.dedent(text) if indent else text)
        for indent, language, note, text in found
    ]


def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def named_commands(page: Path) -> list[str]:
    """The commands of jumpduck, with options, in the text of a page and in its sh blocks."""
    lines = re.findall(r"`(jumpduck \w+ [^`]+)`", prose(page))
    for block in blocks(page):
        if block.language == "sh":
            lines += [line for line in block.text.splitlines() if line.startswith("jumpduck ")]
    return lines


def matches(shown: str, printed: str) -> bool:
    """Compare word by word; a line of three dots stands for anything."""
    parts = re.split(r"^\.\.\.$", shown, flags=re.MULTILINE)
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in parts)
    return bool(re.fullmatch(rf"\s*{pattern}\s*", " ".join(printed.split()), re.DOTALL))


def run(command: str, folder: Path, **env: str) -> Run:
    """Run a command in `folder`: jumpduck in this process, any other program in a shell."""
    words = shlex.split(command, comments=True)
    if words[0] == "jumpduck":
        # as a terminal shows it, wide enough for the tables of the pages
        env = {"TTY_COMPATIBLE": "1", "COLUMNS": "140", **env}
        return run_here(*words[1:], cwd=folder, **env)
    programs = Path(sys.executable).parent
    env = {**os.environ, **env, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=env)
    return Run(done.returncode, done.stdout, done.stderr)


def run_page(page: Path, demo: Path, folder: Path, patch: pytest.MonkeyPatch, *, torch=False):
    """Run the blocks of a page one after the other, and compare what they print.

    Parameters
    ----------
    demo
        What `jumpduck demo` filled; the page gets a copy.
    torch
        Run the blocks that need torch, too.
    """
    here, empty = copy_by_links(demo, folder / "jumpduck-demo"), folder / "empty"
    empty.mkdir()
    (here / "sql").symlink_to(ROOT / "sql")
    archive = {
        f"JUMPDUCK_CATALOG_{option.upper()}": str(here / option)
        for option in ("gallery", "metadata")
    }
    patch.chdir(here)
    patch.syspath_prepend(here)
    python = {"__name__": "page"}
    for block in blocks(page):
        if block.note == "torch" and not torch:
            continue
        if block.note.startswith("file="):
            (here / block.note.removeprefix("file=")).write_text(block.text)
        elif block.language == "python" and block.note == "theirs":
            compile(block.text, name_of(page), "exec", dont_inherit=True)
        elif block.language == "python":
            exec(compile(block.text, name_of(page), "exec", dont_inherit=True), python)
        elif block.language == "console" and block.note != "install":
            place, env = (empty, archive) if block.note == "archive" else (here, {})
            for command, shown in block.commands():
                done = run(command, place, **env)
                code = int((re.findall(r"# exits (\d+)$", command) or ["0"])[0])
                assert done.code == code, (command, done.err)
                assert not shown.strip() or matches(shown, done.out), (command, done.out)


def copy_by_links(folder: Path, target: Path) -> Path:
    """Copy a folder by links to its files, because jumpduck replaces files, never changes one."""
    for file in folder.rglob("*"):
        place = target / file.relative_to(folder)
        if file.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif file.name != "lock":
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, place)
    return target
