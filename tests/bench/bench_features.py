"""How fast samples are read, cells are found and measured, and a model is applied to tiles.

    just bench features

The three benchmarks `cells`, `dataset` and `embed`, one after the other, as they are by default;
`embed` in the environment of `just setup-torch`, if it is there.
"""

import os
import subprocess
import sys

from tests.support.places import ROOT

TORCH = ROOT / ".venv-torch" / "bin" / "python"


def run(name: str, python: str) -> None:
    """Run one benchmark, which prints what it measures."""
    print(f"== {name}", flush=True)
    subprocess.run([python, "-m", f"tests.bench.bench_{name}"], cwd=ROOT, check=True)


def main() -> None:
    run("cells", sys.executable)
    run("dataset", sys.executable)
    if os.access(TORCH, os.X_OK):
        run("embed", str(TORCH))
    else:
        print("== embed: left out, because there is no .venv-torch; `just setup-torch` makes it")


if __name__ == "__main__":
    main()
