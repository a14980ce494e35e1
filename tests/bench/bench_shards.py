"""Many jobs: splitting all of JUMP, its plan, the start of one job, and what Dask adds to a shard.

    just bench shards [--plates 2378] [--rounds 3] [--only split plan start dask]

The manifest is made up: 384 wells of 9 sites with five stains each, as large as the real one. The
two things compared run one after the other in the same round, each in a process of its own; medians
of the rounds are printed, with what we want on 2 cores without other work beside them.

Several processes against one is `just bench processes`.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.cluster.dask import Workers, client_of, run_tasks
from jumpduck.stages.manifest import ROW_GROUP_ROWS

ROWS_A_PLATE = 384 * 9 * 5
SHARDS = 200
TASKS = 200
WAIT_SECONDS = 0.01

MANIFEST = """
COPY (
    SELECT
        'source_' || (1 + plate // 200) AS Metadata_Source,
        'Batch' || (plate // 40) AS Metadata_Batch,
        'BR' || (117000 + plate) AS Metadata_Plate,
        chr(65 + (well // 24)::INT) || lpad((1 + well % 24)::VARCHAR, 2, '0') AS Metadata_Well,
        (1 + i // 5 % 9)::INT AS Metadata_Site,
        ['DNA', 'RNA', 'ER', 'AGP', 'Mito'][1 + i % 5] AS Metadata_Channel,
        'JCP2022_' || lpad((well * 131 % 9000)::VARCHAR, 6, '0') AS Metadata_JCP2022,
        'trt' AS Metadata_pert_type,
        'COMPOUND' AS Metadata_PlateType,
        'stain' AS channel_kind,
        2_360_000 + i * 7919 % 1000 AS estimated_bytes,
        's3://cellpainting-gallery/cpg0016-jump/' || Metadata_Source || '/images/' || Metadata_Batch
        || '/images/' || Metadata_Plate || '__2021-05-02T16_02_51-Measurement1/Images/r'
        || lpad((1 + well // 24)::VARCHAR, 2, '0') || 'c' || lpad((1 + well % 24)::VARCHAR, 2, '0')
        || 'f0' || Metadata_Site || 'p01-ch' || (1 + i % 5) || 'sk1fk1fl1.tiff' AS url,
        NULL::VARCHAR AS url_illum,
        concat_ws('/', Metadata_Source, Metadata_Batch, Metadata_Plate, concat_ws(
            '__', Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site,
            Metadata_Channel
        )) AS path,
        NULL::VARCHAR AS known_issue
    FROM (
        SELECT range AS i, range // {a_plate} AS plate, range // 45 % 384 AS well
        FROM range({plates} * {a_plate})
    )
) TO '{file}' (FORMAT parquet)
"""

MEASURED = """
import json, time
from pathlib import Path
import polars as pl
from jumpduck.cli import run
begin = time.perf_counter()
{code}
seconds = time.perf_counter() - begin
# because what the process that began this one had would count as well in `resource`
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(json.dumps([seconds, int(peak) / 1e6]))
"""

SPLIT = """
words = ['split', '--manifest', {manifest!r}, '--into', '{into}', '-o', {out!r}, '--quiet']
assert not run(words)
"""
COPY = "pl.scan_parquet({manifest!r}).sink_parquet({out!r} + '.parquet')"
PLAN = """
words = ['download', '--manifest', {manifest!r}, '--out', {out!r}, '--dry-run', '--quiet']
assert not run(words)
"""
READ = """
for start in range(0, {rows}, 1 << 18):
    pl.scan_parquet({manifest!r}).select('path', 'url').slice(start, 1 << 18).collect()
"""
IMPORTS = "import polars, numpy, obstore, imagecodecs, cyclopts, rich.progress"

Timed = tuple[float, float]
"""Seconds, and the largest memory in GB."""


def measured(code: str) -> Timed:
    """Run some Python in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(code=code)], check=True, stdout=subprocess.PIPE
    )
    seconds, gigabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, gigabytes


def compare(
    what: str, wanted: str, rounds: int, own: Callable[[], Timed], other: Callable[[], Timed]
) -> None:
    """Run two things in turns, and print the medians and their ratio."""
    pairs = [(own(), other()) for _ in range(rounds)]
    seconds = statistics.median(mine[0] for mine, _ in pairs)
    gigabytes = max(mine[1] for mine, _ in pairs)
    ratios = [mine[0] / others[0] for mine, others in pairs]
    print(
        f"{what}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); "
        f"{seconds:.2f} s{f', {gigabytes:.2f} GB' if gigabytes else ''}; wanted {wanted}",
        flush=True,
    )


def splitting(root: Path, manifest: Path, into: int, rounds: int) -> None:
    def run(code: str) -> Timed:
        out = root / "out"
        try:
            return measured(code.format(manifest=str(manifest), out=str(out), into=into))
        finally:
            shutil.rmtree(out, ignore_errors=True)

    what = f"split into {into} / a copy of all rows by Polars"
    compare(what, "15 s and 2 GB", rounds, lambda: run(SPLIT), lambda: run(COPY))


def planning(root: Path, manifest: Path, rows: int, rounds: int) -> None:
    values = {"manifest": str(manifest), "out": str(root / "images"), "rows": rows}
    what = "plan of the whole manifest / reading its paths and URLs once"
    compare(
        what, "6 s", rounds,
        lambda: measured(PLAN.format(**values)), lambda: measured(READ.format(**values)),
    )  # fmt: skip


class Server(ThreadingHTTPServer):
    """A server without images that notes when the first request came."""

    daemon_threads = True
    first: float | None = None

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that was killed."""


class Missing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.server.first is None:
            self.server.first = time.perf_counter()
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


def until_first_request(root: Path, manifest: Path) -> Timed:
    """From the start of a process to its first request."""
    with Server(("127.0.0.1", 0), Missing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        out = root / "job"
        endpoint = f"http://127.0.0.1:{server.server_port}"
        words = ("download", "--manifest", manifest, "--out", out, "--endpoint", endpoint)
        begin = time.perf_counter()
        job = subprocess.Popen(
            [sys.executable, "-m", "jumpduck", *map(str, words), "--quiet"],
            stderr=subprocess.DEVNULL,
        )
        while server.first is None and job.poll() is None:
            time.sleep(0.001)
        job.terminate()
        job.wait()
        server.shutdown()
    shutil.rmtree(out)
    assert server.first is not None
    return server.first - begin, 0.0


def importing() -> Timed:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - begin, 0.0


def starting(root: Path, rounds: int) -> None:
    for plates in (1, 12):
        write(root / "shard.parquet", plates)
        what = f"from the start of a job of {plates} plates to its first request / its libraries"
        compare(
            what, "1.2 s", rounds,
            lambda: until_first_request(root, root / "shard.parquet"), importing,
        )  # fmt: skip


def waiting(_item: object) -> None:
    time.sleep(WAIT_SECONDS)


def with_dask() -> None:
    with client_of(Workers(local=1), 1, 3) as client:
        list(run_tasks(client, waiting, range(20), 1))
        begin = time.perf_counter()
        list(run_tasks(client, waiting, range(TASKS), 1))
        spent = (time.perf_counter() - begin) / TASKS - WAIT_SECONDS
    print(f"Dask, a shard beside its download: {spent * 1e3:.1f} ms; wanted 100 ms")


def write(file: Path, plates: int) -> None:
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '1500MB'")
        con.execute(MANIFEST.format(file=f"{file}.part", plates=plates, a_plate=ROWS_A_PLATE))
    # by Polars as `jumpduck manifest` does, because the pages of DuckDB's files are as large as
    # their row groups
    pl.scan_parquet(f"{file}.part").sink_parquet(file, row_group_size=ROW_GROUP_ROWS)
    Path(f"{file}.part").unlink()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--plates", type=int, default=2378)
    options.add_argument("--rounds", type=int, default=3)
    cases = ("split", "plan", "start", "dask")
    options.add_argument("--only", nargs="+", choices=cases, default=cases)
    asked = options.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # because each start would compile all modules
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        manifest = root / "manifest.parquet"
        if {"split", "plan"} & {*asked.only}:
            write(manifest, asked.plates)
            print(f"{asked.plates * ROWS_A_PLATE:,} rows, {manifest.stat().st_size / 1e6:,.0f} MB")
        if "split" in asked.only:
            splitting(root, manifest, min(SHARDS, asked.plates), asked.rounds)
        if "plan" in asked.only:
            planning(root, manifest, asked.plates * ROWS_A_PLATE, asked.rounds)
        if "start" in asked.only:
            starting(root, asked.rounds)
        if "dask" in asked.only:
            with_dask()


if __name__ == "__main__":
    main()
