"""Who may import whom: errors <- schema <- tools <- stages <- cli, and nothing across."""

import ast
import subprocess
import sys
from pathlib import Path

import jumpduck

PACKAGE = Path(jumpduck.__file__).parent
OUTSIDE = {  # library -> the only places that may know it
    "rich": {"cli"},
    "cyclopts": {"cli"},
    "obstore": {"storage"},
    "httpx": {"collections"},
    "torch": set(),
}


def imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(name):
    match name.split(".")[1:2]:
        case ["cli"] | ["__main__"]:
            return 3
        case ["stages"]:
            return 2
        case ["errors"]:
            return 0
        case _:
            return 1


def modules():
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), file


def test_no_module_imports_from_a_layer_above_it():
    for name, file in modules():
        for other in imports(file):
            if other.startswith("jumpduck.") and name != "jumpduck":
                assert layer(other) <= layer(name), f"{name} imports {other}"


def test_no_stage_imports_another():
    for name, file in modules():
        if name.startswith("jumpduck.stages."):
            across = [one for one in imports(file) if one.startswith("jumpduck.stages")]
            assert not across, f"{name} imports {across}"


def test_libraries_stay_where_they_belong():
    for name, file in modules():
        for other in imports(file):
            allowed = OUTSIDE.get(other.split(".")[0])
            assert allowed is None or name.split(".")[1] in allowed, f"{name} imports {other}"


def test_help_loads_neither_duckdb_nor_polars():
    script = (
        "import sys; from jumpduck.cli import run; run(['--help']);"
        "print([name for name in ('duckdb', 'polars', 'obstore', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_modules_stay_short():
    long = {name: n for name, file in modules() if (n := len(file.read_text().splitlines())) > 400}
    assert not long
