"""Normalization against pycytominer's, its memory, its cost by rows, and two cores against one.

Run it with `just bench normalize`; ``--rows 10000 --features 300 --plates 26`` is short. Times of
pycytominer and of jumpduck are taken in turns, each in a process of its own; the ratio is the
median of the ratios of the rounds. A generated table of ``--plates`` plates of 384 wells and
``--wide`` features is then streamed: 260 of 3,600 are a tenth of JUMP's published well profiles.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.large_profiles import write_large_profiles

CONTROLS = "Metadata_pert_type = 'negcon'"

OURS = """
import json, resource, sys, time
import numpy as np, polars as pl
from jumpduck.normalization.fitting import Fitting, InMemory
from jumpduck.normalization.references import References
from jumpduck.normalization.steps import read_steps
from jumpduck.profile_tables.profiles import Profiles
method, rows, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = np.random.default_rng(0).normal(size=(rows, width))
control = np.arange(rows) % 6 == 0
names = tuple(f"Cells_{n}" for n in range(width))
profiles = Profiles(pl.DataFrame({"Metadata_n": range(rows)}), x, names)
own = profiles.metadata
steps = {"spherize": "spherize", "mad_robustize": "mad_robustize:on=all,by=none"}[method]
begun, cpu = time.perf_counter(), time.process_time()
chain = Fitting(InMemory(profiles), read_steps([steps]), References(own, control, control | True))
found = [part.features for _, part in chain.normalized()]
took, cpu = time.perf_counter() - begun, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
total = float(sum(np.abs(one).sum() for one in found))
print(json.dumps({"seconds": took, "gib": peak, "cpu": cpu, "sum": total}))
"""

THEIRS = """
import json, resource, sys, time
import numpy as np, pandas as pd
from pycytominer import normalize
method, rows, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
x = np.random.default_rng(0).normal(size=(rows, width))
frame = pd.DataFrame(x, columns=[f"Cells_{n}" for n in range(width)])
frame.insert(0, "Metadata_control", np.arange(rows) % 6 == 0)
begun, cpu = time.perf_counter(), time.process_time()
found = normalize(
    frame, method=method, samples="Metadata_control" if method == "spherize" else "all",
)
took, cpu = time.perf_counter() - begun, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
total = float(np.abs(found.iloc[:, 1:].to_numpy()).sum())
print(json.dumps({"seconds": took, "gib": peak, "cpu": cpu, "sum": total}))
"""

STREAMED = """
import json, resource, sys, time
import jumpduck
from pathlib import Path
begun = time.perf_counter()
jumpduck.normalize(
    sys.argv[2], methods=[sys.argv[1]], controls="Metadata_pert_type = 'negcon'",
    path=Path(sys.argv[2]).with_name("normalized.parquet"),
)
took = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"seconds": took, "gib": peak}))
"""


def measured(script, *words, cores=None):
    """What a process prints that runs a script; with so many cores, if a number is given."""
    threads = ("OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS")
    env = os.environ | ({} if cores is None else dict.fromkeys(threads, str(cores)))
    some = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        stdout=subprocess.PIPE,
        env=env,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, some),
    )
    return json.loads(done.stdout)


def against_pycytominer(method, rows, features, rounds):
    pairs = [
        [measured(script, method, rows, features) for script in (OURS, THEIRS)]
        for _ in range(rounds)
    ]
    for ours, theirs in pairs:
        assert abs(ours["sum"] / theirs["sum"] - 1) < 1e-6, "both compute the same"
    ratio = statistics.median(theirs["seconds"] / ours["seconds"] for ours, theirs in pairs)
    ours, theirs = ([pair[n] for pair in pairs] for n in (0, 1))
    work = statistics.median(theirs["cpu"] / ours["cpu"] for ours, theirs in pairs)
    seconds = [statistics.median(one["seconds"] for one in some) for some in (ours, theirs)]
    peaks = [max(one["gib"] for one in some) for some in (ours, theirs)]
    print(
        f"{method:14} {rows:,} x {features:,}: jumpduck {seconds[0]:.2f} s, {peaks[0]:.2f} GiB; "
        f"pycytominer {seconds[1]:.2f} s, {peaks[1]:.2f} GiB; {ratio:.1f} times, "
        f"{work:.1f} times by processor time"
    )


def streamed(method, folder, plates, wide):
    """Time and memory by the number of plates; the cost of a row stays the same."""
    for some in (plates // 4, plates // 2, plates):
        path = folder / "profiles.parquet"
        write_large_profiles(path, some, features=wide)
        done = measured(STREAMED, method, path)
        rows = some * 384
        print(
            f"{method} streamed, {rows:,} x {wide:,}: {done['seconds']:.1f} s, "
            f"{1e3 * done['seconds'] / rows:.2f} ms a row, {done['gib']:.2f} GiB"
        )


def two_cores(method, path, rounds):
    ratios = []
    for _ in range(rounds):
        one, two = (measured(STREAMED, method, path, cores=cores) for cores in (1, 2))
        ratios.append(one["seconds"] / two["seconds"])
    middle = statistics.median(ratios)
    print(
        f"{method}: two cores {middle:.2f} times as fast as one "
        f"({min(ratios):.2f}-{max(ratios):.2f})"
    )


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--features", type=int, default=1000)
    options.add_argument("--plates", type=int, default=260)
    options.add_argument("--wide", type=int, default=3600)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    for method in ("mad_robustize", "spherize"):
        against_pycytominer(method, asked.rows, asked.features, asked.rounds)
    with tempfile.TemporaryDirectory() as folder:
        streamed("spherize_mad_robustize", Path(folder), asked.plates, asked.wide)
        path = Path(folder) / "profiles.parquet"
        write_large_profiles(path, max(8, asked.plates // 10), features=asked.wide)
        for method in ("mad_robustize", "spherize_mad_robustize"):
            two_cores(method, path, asked.rounds)


if __name__ == "__main__":
    main()
