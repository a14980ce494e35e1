"""Nearest neighbours and mean average precision against copairs, their memory, and two cores.

    just bench evaluate [--profiles 10000] [--features 384] [--rounds 1] [--large 100000]
                        [--only copairs memory cores]

copairs: kNN and mAP of jumpduck, both, against the mAP of copairs on the same profiles, in turns,
each in a process of its own. copairs takes minutes for 10,000 profiles; its average precisions are
compared with ours. memory: 100,000 profiles. cores: all cores against one, in turns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

REPLICATES = 10

MADE = """
import json, time
from pathlib import Path
import numpy as np
features = np.load({features!r})
labels = np.arange(len(features)) // {replicates}
"""

OWN = """
import polars as pl
from jumpduck.evaluation.average_precision import (
    Pairs, Precision, average_precision, group_p_values, q_values
)
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.neighbours import nearest
from jumpduck.evaluation.similarities import Similarities
from jumpduck.cores import usable_cores
begin = time.perf_counter()
frame, cores = pl.DataFrame({"label": labels, "batch": labels % 7}), usable_cores()
similarities = Similarities.of(features)
neighbours = nearest(similarities, Exclusions.of(frame, [["batch"]]), workers=cores)
after_neighbours = time.perf_counter() - begin
same, apart = Pairs.of(frame, ["label"], []), Pairs.of(frame, [], ["label"])
precision = average_precision(similarities, same, apart, cores)
groups = np.split(np.arange(len(labels)), np.flatnonzero(np.diff(labels)) + 1)
q_values(group_p_values(precision, groups, 1000, 0))
average = precision.average
print("kNN", round(after_neighbours, 2), "s of", round(time.perf_counter() - begin, 2), "s")
"""

COPAIRS = """
import tempfile
import pandas as pd
from copairs.map import average_precision, mean_average_precision
begin = time.perf_counter()
frame = pd.DataFrame({"label": labels})
found = average_precision(frame, features, ["label"], [], [], ["label"], progress_bar=False)
with tempfile.TemporaryDirectory() as cache:  # because an earlier run would have the random orders
    mean_average_precision(
        found, ["label"], 1000, 0.05, 0, progress_bar=False, cache_dir=cache
    )
average = found["average_precision"].to_numpy()
"""

TOLD = """
seconds = time.perf_counter() - begin
np.save({result!r}, average)
# because what the process that began this one had would count as well in `resource`
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(json.dumps([seconds, int(peak) / 1e6]))
"""


class Bench:
    """Runs one or the other in a process of its own, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, profiles: int, features: int) -> None:
        rng = np.random.default_rng(0)
        values = rng.normal(size=(profiles, features))
        values += 0.3 * np.repeat(rng.normal(size=(-(-profiles // REPLICATES), features)),
                                  REPLICATES, axis=0)[:profiles]  # fmt: skip
        np.save(self.folder / "features.npy", values)

    def run(self, code: str, cores: Sequence[int] = ()) -> tuple[float, float]:
        """Get the seconds, without imports, and the largest memory in GB."""
        made = MADE.format(features=str(self.folder / "features.npy"), replicates=REPLICATES)
        told = TOLD.format(result=str(self.result(code)))
        done = subprocess.run(
            [sys.executable, "-c", made + code + told],
            check=True,
            stdout=subprocess.PIPE,
            preexec_fn=(lambda: os.sched_setaffinity(0, cores)) if cores else None,
        )
        lines = done.stdout.decode().splitlines()
        print("  ", *lines, flush=True)
        seconds, gigabytes = json.loads(lines[-1])
        return seconds, gigabytes

    def result(self, code: str) -> Path:
        return self.folder / f"{'own' if code is OWN else 'copairs'}.npy"


def compare(bench: Bench, profiles: int, features: int, rounds: int) -> None:
    bench.write(profiles, features)
    pairs = [(bench.run(OWN), bench.run(COPAIRS)) for _ in range(rounds)]
    ratios = [theirs[0] / own[0] for own, theirs in pairs]
    own, theirs = (np.load(bench.result(code)) for code in (OWN, COPAIRS))
    # copairs ranks by 32-bit similarities
    apart = np.abs(own - theirs)
    print(
        f"copairs' mAP / kNN and mAP, {profiles:,} x {features}: {statistics.median(ratios):.0f} "
        f"({min(ratios):.0f} to {max(ratios):.0f}); wanted 20. Memory: "
        f"{max(own[1] for own, _ in pairs):.2f} GB, copairs {max(one[1] for _, one in pairs):.2f}. "
        f"Average precisions that differ by more than 1e-9: {(apart > 1e-9).mean():.2%}, by "
        f"{apart.max():.1e} at most",
        flush=True,
    )


def large(bench: Bench, profiles: int, features: int) -> None:
    bench.write(profiles, features)
    seconds, gigabytes = bench.run(OWN)
    print(
        f"kNN and mAP, {profiles:,} x {features}: {gigabytes:.2f} GB in {seconds:.0f} s; wanted "
        "4 GB",
        flush=True,
    )


def cores(bench: Bench, profiles: int, features: int, rounds: int) -> None:
    bench.write(profiles, features)
    there = sorted(os.sched_getaffinity(0))
    ratios = [bench.run(OWN, there[:1])[0] / bench.run(OWN)[0] for _ in range(max(rounds, 3))]
    print(
        f"one core / {len(there)} cores: {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
        f"{max(ratios):.2f}); wanted 1.7 of two",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--profiles", type=int, default=10_000)
    options.add_argument("--features", type=int, default=384)
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--large", type=int, default=100_000)
    cases = ("copairs", "memory", "cores")
    options.add_argument("--only", nargs="+", choices=cases, default=cases)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        if "copairs" in asked.only:
            compare(bench, asked.profiles, asked.features, asked.rounds)
        if "cores" in asked.only:
            cores(bench, asked.profiles, asked.features, asked.rounds)
        if "memory" in asked.only:
            large(bench, asked.large, asked.features)


if __name__ == "__main__":
    main()
