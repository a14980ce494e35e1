# Commands for working on jumpduck. `just` lists them; each one sets up the environment first.

set positional-arguments

bin := if os_family() == "windows" { ".venv/Scripts" } else { ".venv/bin" }

# Polars and DuckDB take a fifth less processor time for small tables if they have one thread each;
# DuckDB asks for the number of cores as Slurm gives it. `just test-all` gives them all cores.
one_thread := "POLARS_MAX_THREADS=1 SLURM_CPUS_ON_NODE=1"

# Syncing files to a disk takes a quarter of the processor time and half of the clock's; the quick
# tests use a disk in memory if it has 4 GB free. `just test-all` uses the disk.
in_memory := "TMPDIR=$([ $(df -Pk /dev/shm 2>/dev/null | awk 'END { print int($4) }') -gt 4000000 ] && echo /dev/shm || echo $TMPDIR)"

bin_torch := if os_family() == "windows" { ".venv-torch/Scripts" } else { ".venv-torch/bin" }

[private]
default:
    @just --list --unsorted

# make .venv from the lock; does nothing if nothing changed
setup:
    #!/usr/bin/env sh
    set -eu
    now=$(cat requirements.lock pyproject.toml | cksum)
    if [ -f .venv/setup ] && [ "$(cat .venv/setup)" = "$now" ]; then exit 0; fi
    uv venv --quiet --allow-existing --python '>=3.11,<3.14' .venv
    uv pip sync --quiet --python .venv requirements.lock
    uv pip install --quiet --python .venv --no-deps --editable .
    echo "$now" > .venv/setup

# make .venv-torch: the lock, then by pip torch and the extras that need it
setup-torch:
    #!/usr/bin/env sh
    set -eu
    now=$(cat requirements.lock pyproject.toml | cksum)
    if [ -f .venv-torch/setup ] && [ "$(cat .venv-torch/setup)" = "$now" ]; then exit 0; fi
    uv venv --quiet --allow-existing --seed --python '>=3.11,<3.14' .venv-torch
    uv pip sync --quiet --python .venv-torch requirements.lock
    # pip and not uv, because pip is what is told where the builds of torch without CUDA are
    {{ bin_torch }}/python -m pip install --quiet --group torch
    {{ bin_torch }}/python -m pip install --quiet --editable '.[train,transformers,onnx]'
    echo "$now" > .venv-torch/setup

# do the whole job once, on a small generated gallery
demo *options: setup
    @{{ bin }}/jumpduck demo "$@"

# build catalog.duckdb
catalog *options: setup
    @{{ bin }}/jumpduck catalog "$@"

# choose images: manifest.parquet
manifest *options: setup
    @{{ bin }}/jumpduck manifest "$@"

# fetch and process the images of a manifest
download *options: setup
    @{{ bin }}/jumpduck download "$@"

# query the catalog: just sql "FROM jump.sites LIMIT 5"
sql *options: setup
    @{{ bin }}/jumpduck sql "$@"

# run the tests that take two minutes on two cores; `just test -k sampling` runs some of them
test *options: setup
    @{{ just_executable() }} test-with {{ bin }}/python "$@"

# the same with the Python of another environment
[private]
test-with python *options:
    @shift; {{ one_thread }} {{ in_memory }} {{ python }} -m pytest -n auto --dist loadfile "$@"

# run all tests: also the pages, many kills, half a minute of faults, more examples
test-all *options: setup
    @{{ bin }}/python -m pytest -n auto --dist loadfile -m "" --hypothesis-profile=thorough "$@"

# run the tests that need torch, in an environment of their own
test-torch *options: setup-torch
    @# from the files that have some, because to read all others takes longer than these tests
    @OMP_NUM_THREADS=1 {{ bin_torch }}/python -m pytest -n auto --dist loadfile -m torch "$@" \
        $(grep -rl --include='test_*.py' 'mark\.torch' tests)

# compare with the alternatives, outside the tests: just bench pixels, download, processes, shards, members, catalog, quilt, get, export, show, normalize, evaluate or features (cells, dataset and embed; embed in .venv-torch)
bench name *options: setup
    @shift; {{ if name == "embed" { bin_torch } else { bin } }}/python -m tests.bench.bench_{{ name }} "$@"

# draw docs/recipes.png and docs/show.png
picture: setup
    @{{ bin }}/python docs/recipes.py
    @{{ bin }}/python docs/show.py

# write docs/tables.md
tables: setup
    @{{ bin }}/python docs/tables.py

# check lint and types
check: setup
    {{ bin }}/ruff check
    {{ bin }}/ruff format --check
    {{ bin }}/pyright
    {{ bin }}/sqlfluff lint --disable-progress-bar sql/*/

# check the types of what imports torch
check-torch: setup-torch
    {{ bin_torch }}/pyright -p pyright-torch.json

# format the Python code
fmt: setup
    {{ bin }}/ruff check --fix
    {{ bin }}/ruff format

# write requirements.lock anew from pyproject.toml
lock:
    uv pip compile --quiet --universal --generate-hashes pyproject.toml --group dev -o requirements.lock
