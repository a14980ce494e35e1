"""Which module may import which, and which library stands where."""

import ast
import subprocess
import sys
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import jumpduck
from tests.support.places import ROOT

PACKAGE = Path(jumpduck.__file__).parent
MAX_LINES = 400

# room -> the rooms that its modules may import, beside its own and those of BASE
BASE = {"cores", "counts", "daemon_pool", "errors", "options", "rows", "schema", "words"}
ROOMS = {
    "cores": set(),
    "counts": set(),
    "daemon_pool": set(),
    "errors": set(),
    "interrupts": set(),
    "options": {"errors"},
    "words": set(),
    "rows": set(),
    "schema": {"errors", "rows"},
    "storage": set(),
    "imaging": set(),
    "synthetic": set(),
    "database": set(),
    "collections": {"containers", "database", "selection", "storage"},
    "selection": {"database"},
    "recipes": {"imaging"},
    "wells": {"selection"},
    "figures": {"imaging", "recipes", "storage", "transfer", "wells"},
    "embeddings": {"imaging", "samples", "storage"},
    "exports": {"imaging", "recipes", "storage", "transfer", "wells"},
    "containers": {"imaging", "storage"},
    "transfer": {"containers", "imaging", "recipes", "storage"},
    "samples": {
        "containers",
        "imaging",
        "profile_tables",
        "recipes",
        "selection",
        "storage",
        "transfer",
    },
    "profiling": {
        "embeddings",
        "imaging",
        "normalization",
        "profile_tables",
        "recipes",
        "selection",
        "storage",
        "transfer",
    },
    "cluster": set(),
    "profile_tables": {"database", "storage"},
    "normalization": {"profile_tables"},
    "evaluation": {"profile_tables"},
    "descriptions": {"collections", "database", "recipes", "selection", "storage", "transfer"},
}
ROOMS["stages"] = set(ROOMS) - {"synthetic"}
ROOMS["cli"] = set(ROOMS)
ROOMS["__main__"] = {"cli", "interrupts"}

# library -> the only rooms that may import it
LIBRARIES = {
    "rich": {"cli"},
    "textual_image": {"cli"},
    "cyclopts": {"cli"},
    "obstore": {"storage"},
    "httpx": {"collections"},
    "PIL": {"figures"},
    "altair": {"figures"},
    "jinja2": {"figures"},
    "vl_convert": {"figures"},
    "zarr": {"exports"},
    "ome_zarr": {"exports"},
    "pyarrow": {"exports"},
    "pyfive": {"containers"},
    "rdkit": {"selection"},
    "dask": {"cluster"},
    "distributed": {"cluster"},
    "dask_jobqueue": {"cluster"},
    "torch": {"embeddings"},
    "kornia": {"embeddings"},
    "lightning": {"embeddings"},
    "transformers": {"embeddings"},
    "onnxruntime": {"embeddings"},
    "safetensors": {"embeddings"},
    "sklearn": {"evaluation"},
    "scipy": {"evaluation", "profiling"},
    "skimage": {"profiling"},
    "centrosome": {"profiling"},
    "cp_measure": set(),
    "pandas": set(),
    "pycytominer": set(),
    "copairs": set(),
    "umap": {"evaluation"},
    "harmonypy": {"normalization"},
}


@cache  # because reading a module takes a hundredth of a second, and several tests ask
def imports(file):
    """The modules that `file` imports, at its top or inside a function."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def module_name(file):
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}
MODULES.pop("jumpduck")  # it imports the verbs and nothing else


@cache  # not when the tests are collected, because each worker would do it
def arrows():
    """The modules of the package that each one imports."""
    return {
        name: {one for one in imports(file) if one in MODULES} for name, file in MODULES.items()
    }


def room(name):
    return name.split(".")[1]


def test_every_module_imports_only_from_the_rooms_that_its_own_may_know():
    wrong = []
    for name, others in arrows().items():
        allowed = ROOMS[room(name)] | {room(name)} | (BASE if room(name) not in BASE else set())
        wrong += [f"{name} imports {other}" for other in others if room(other) not in allowed]
    assert wrong == []


def test_the_rooms_of_the_table_are_those_of_the_package():
    assert {room(name) for name in MODULES} == set(ROOMS)


def test_no_import_comes_back_to_where_it_began():
    TopologicalSorter(ROOMS).prepare()
    TopologicalSorter(arrows()).prepare()


def test_no_stage_imports_another():
    stages = {name for name in MODULES if name.startswith("jumpduck.stages.")}
    assert {f"jumpduck.stages.{verb}" for verb in jumpduck.__all__} <= stages
    assert {name: across for name in stages if (across := arrows()[name] & stages)} == {}


def test_no_module_of_the_package_has_the_name_of_a_public_function():
    taken = [name for name in jumpduck.__all__ if f"jumpduck.{name}" in MODULES]
    assert jumpduck.__all__
    assert taken == []


def test_libraries_are_imported_only_where_they_belong():
    wrong = []
    seen = defaultdict(set)
    for name, file in MODULES.items():
        for library in {one.split(".")[0] for one in imports(file)} & set(LIBRARIES):
            seen[library].add(room(name))
            if room(name) not in LIBRARIES[library]:
                wrong.append(f"{name} imports {library}")
    assert wrong == []
    assert seen["obstore"] == LIBRARIES["obstore"], "the test sees the imports of libraries"


def test_help_loads_none_of_the_slow_libraries():
    slow = ("duckdb", "polars", "numpy", "obstore", "httpx", "imagecodecs")
    slow += ("torch", "skimage", "scipy", "centrosome")
    script = (
        "import sys; from jumpduck.cli import run; run(['--help']);"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "Usage" in done.stdout
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_modules_have_at_most_400_lines():
    lines = {name: len(file.read_text().splitlines()) for name, file in MODULES.items()}
    assert {name: n for name, n in lines.items() if n > MAX_LINES} == {}


@pytest.mark.slow
def test_no_test_module_imports_another_one():
    wrong = []
    for file in (ROOT / "tests").rglob("*.py"):
        for one in imports(file):
            if one.startswith("tests.") and not one.startswith("tests.support"):
                wrong.append(f"{file.relative_to(ROOT)} imports {one}")
    assert wrong == []


def test_tests_lie_in_a_folder_named_as_the_room_they_test():
    others = {"bench", "e2e", "pages", "sql", "support"}
    folders = {file.parent.name for file in (ROOT / "tests").rglob("test_*.py")} - {"tests"}
    assert folders - others <= set(ROOMS)
