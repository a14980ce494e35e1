"""`jumpduck download` with one and with several processes, from local files.

All of a case run in turns, each in a process of its own; figures are medians of the rounds.

    just bench processes [--files 600] [--rounds 5] [--processes 2 4 8 16]

With ``--lock PY_SPY`` it samples Python's lock of one process with that program. An outcome is
measured with a recipe that makes nothing, so that the main process alone has work.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import tifffile

from jumpduck.schema import MANIFEST

EDGE_PIXELS = 1080
OUTCOMES = 10_000
SAMPLES_A_SECOND = 200

RUN = """
import json, resource, sys, time
from jumpduck.stages.download import download  # imports are not measured
manifest, out, recipe, processes = json.loads(sys.argv[1])
def cpu(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime
begin, own = time.perf_counter(), cpu(resource.RUSAGE_SELF)
results = download(manifest, out, recipe=recipe, processes=processes)
assert set(results["status"]) == {"fetched"}, results["error"].unique()
seconds = time.perf_counter() - begin
print(json.dumps([seconds, cpu(resource.RUSAGE_SELF) - own, cpu(resource.RUSAGE_CHILDREN)]))
"""

NOTHING = """
from jumpduck.recipes import Encoded, Measured, Recipe
def nothing():
    measured = Measured(1080, 1080, 412.0, 2904.0, 1234.5, 0.0, 0.33, False)
    return Recipe("nothing", 1, ".bin", {}, False, lambda *_: Encoded(b"x", [measured]))
"""


def planes(folder: Path, files: int) -> pl.DataFrame:
    """Twelve uncompressed planes with the noise of a camera, as often as wanted."""
    rng = np.random.default_rng(0)
    glow = 400 + 1500 * np.hypot(*np.meshgrid(*[np.linspace(-1, 1, EDGE_PIXELS)] * 2)) ** 2
    for number in range(12):
        plane = rng.poisson(glow).astype(np.uint16)
        tifffile.imwrite(folder / f"{number}.tif", plane, metadata=None)
    return rows_of([str(folder / f"{number % 12}.tif") for number in range(files)])


def rows_of(urls: list[str]) -> pl.DataFrame:
    count = range(len(urls))
    text = {name: "x" for name, kind in MANIFEST.items() if kind == pl.String}
    rows = [text | {"Metadata_Site": n, "url": urls[n], "path": f"x/x/{n}__DNA"} for n in count]
    return pl.DataFrame(rows, MANIFEST)


def run(root: Path, manifest: str, recipe: str, processes: int) -> tuple[float, float, float]:
    """Seconds, processor seconds of the main process, and of the others."""
    with tempfile.TemporaryDirectory(dir=root) as out:
        words = json.dumps([str(root / manifest), out, recipe, processes])
        done = subprocess.run(
            [sys.executable, "-c", RUN, words], cwd=root, check=True, stdout=subprocess.PIPE
        )
    return tuple(json.loads(done.stdout))


def lock_seconds(root: Path, py_spy: str, files: int) -> float:
    """Seconds in which one process, making `files` images, has a thread with the lock."""
    with tempfile.TemporaryDirectory(dir=root) as out:
        words = json.dumps([str(root / "images.parquet"), out, "png8", 1])
        command = [sys.executable, "-c", RUN, words]
        sampling = ["--gil", "-r", str(SAMPLES_A_SECOND), "-f", "raw", "-o", root / "samples"]
        subprocess.run(
            [py_spy, "record", *sampling, "--", *command],
            cwd=root, check=True, capture_output=True,
        )  # fmt: skip
    lines = [one.rpartition(" ") for one in (root / "samples").read_text().splitlines()]
    return sum(int(n) for stack, _, n in lines if "import" not in stack) / SAMPLES_A_SECOND


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--files", type=int, default=600)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--processes", type=int, nargs="+", default=[2])
    options.add_argument("--lock", metavar="PY_SPY")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        planes(root, asked.files).write_parquet(root / "images.parquet")
        (root / "recipe_of_nothing.py").write_text(NOTHING)
        (root / "tiny").write_bytes(b"x")
        rows_of([str(root / "tiny")] * OUTCOMES).write_parquet(root / "tiny.parquet")
        counts = [1, *asked.processes]
        seen = {count: [] for count in counts}
        for _ in range(asked.rounds):
            for count in counts:
                seen[count].append(run(root, "images.parquet", "png8", count))
        for count, found in seen.items():
            seconds, own, others = (
                statistics.median(column) for column in zip(*found, strict=True)
            )
            each = (own + others) / asked.files * 1e3
            ratios = [one[0] / other[0] for one, other in zip(seen[1], found, strict=True)]
            print(
                f"{count} processes: {asked.files / seconds:.0f} images/s, {each:.2f} ms of "
                f"processor an image, {own / asked.files * 1e3:.2f} of the main process; "
                f"/ one process: {statistics.median(ratios):.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f})"
            )
        _, own, _ = run(root, "tiny.parquet", "recipe_of_nothing:nothing", asked.processes[0])
        print(
            f"main process: {own / OUTCOMES * 1e6:.0f} us an outcome, {OUTCOMES / own:.0f} a second"
        )
        if asked.lock:
            # the least, because a process that waits for a core with the lock has it longer
            held = min(lock_seconds(root, asked.lock, asked.files) for _ in range(asked.rounds))
            print(f"lock of one process: {held / asked.files * 1e3:.2f} ms an image")


if __name__ == "__main__":
    begun = time.perf_counter()
    main()
    print(f"{time.perf_counter() - begun:.0f} s")
