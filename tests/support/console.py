"""Run the console blocks of a page and compare what they print."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def commands(page: str) -> Iterator[tuple[str, str]]:
    """Each command of the console blocks of `page` and the lines that follow it."""
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


def matches(shown: str, printed: str) -> bool:
    """Compare word by word; a line of three dots stands for anything."""
    parts = re.split(r"^\.\.\.$", shown, flags=re.MULTILINE)
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in parts)
    return bool(re.fullmatch(rf"\s*{pattern}\s*", " ".join(printed.split()), re.DOTALL))


def run(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` in a shell that finds the programs of this environment."""
    programs = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, shell=True, cwd=cwd, capture_output=True, text=True, env=env)
