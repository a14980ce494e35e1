"""The code blocks of a page, as the reader runs them.

A console block is made of commands, each after ``$ ``, and of what they print; a line of three dots
stands for any lines. A command that ends with ``# exits 3`` ends with that exit code, every other
one with 0. What stands behind the language says more:

    ```console                in a folder that `jumpduck demo` has filled
    ```console archive        in an empty folder, with the demo's gallery as the archive
    ```python                 run in the folder of the demo
    ```python file=mine.py    written to that file of that folder
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Block:
    language: str
    note: str
    text: str

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command and what it prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


def blocks(page: str) -> list[Block]:
    """The code blocks of `page` that begin a line, those of a list's entries not included."""
    found = re.findall(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [Block(*parts) for parts in found]


def matches(shown: str, printed: str) -> bool:
    """Compare word by word; a line of three dots stands for anything."""
    parts = re.split(r"^\.\.\.$", shown, flags=re.MULTILINE)
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in parts)
    return bool(re.fullmatch(rf"\s*{pattern}\s*", " ".join(printed.split()), re.DOTALL))


def shell(command: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `command` in a shell that finds the programs of this environment."""
    programs = Path(sys.executable).parent
    env = {**os.environ, **env, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, shell=True, cwd=cwd, capture_output=True, text=True, env=env)
