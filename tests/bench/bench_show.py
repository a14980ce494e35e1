"""How long pictures, reports and exports take.

    just bench show [montage | report] [--fields 30] [--rounds 3]

montage: `jumpduck show --gene` from the shell, on kept files of so many fields of five channels of
768 x 768 pixels, beside the floor: a bare Python that decodes the same files on as many threads.

report: `jumpduck report` for 100 plates of 384 wells with two sites of five channels, with memory
and the size of the file, beside a bare Python that reads the same table once.
Wanted: 20 s, 1 GB, 10 MB.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from tests.support import measured_folders
from tests.support.generated_fields import write_images

DECODE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import imagecodecs
with ThreadPoolExecutor({threads}) as pool:
    list(pool.map(lambda file: imagecodecs.png_decode(file.read_bytes()), {files}))
"""


PEAK = "\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def timed(command: list[str], rounds: int) -> tuple[float, float]:
    """Get the median of the seconds, and the processor seconds, of a command."""
    walls, used = [], []
    for _ in range(rounds):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls), statistics.median(used)


def montage(folder: Path, fields: int, rounds: int) -> None:
    """Print what `show --gene` takes from the shell."""
    write_images(folder, fields)
    half = str(fields // 2)
    words = ["--gene", "MYT1", "--out", str(folder / "images"), "--picture", str(folder / "a.png")]
    show = [sys.executable, "-m", "jumpduck", "show", *words, "--sites", half, "--controls", half]
    files = sorted((folder / "images").rglob("*.png"))
    threads = os.cpu_count() or 1
    text = DECODE.format(threads=threads, files=f"[Path(one) for one in {list(map(str, files))}]")
    for what, command in (
        ("jumpduck show", show),
        ("decoding alone", [sys.executable, "-c", text]),
    ):
        wall, used = timed(command, rounds)
        print(f"{what:15} {len(files)} files: {wall:.2f} s, {used:.2f} s of processors")


def report(folder: Path, _fields: int, rounds: int) -> None:
    """Print what `report` takes for 100 plates."""
    rows = measured_folders.table(plates=100, wells=384, sites=2)
    images = measured_folders.write(folder / "images", rows)
    write_images(folder / "one", 1)
    kept = next((folder / "one" / "images").rglob("*.png"))
    # those that the report shows are among them
    for path in rows.filter(pl.col("Metadata_Well").str.contains("^A0"))["path"]:
        (images / path).parent.mkdir(parents=True, exist_ok=True)
        (images / path).hardlink_to(kept)
    file = folder / "report.html"
    own = f"from jumpduck.cli import run; run(['report', '{images}', '--report', '{file}'])"
    floor = f"import polars; polars.read_parquet('{images / 'results.parquet'}')"
    for what, code in (("jumpduck report", own), ("reading alone", floor)):
        wall, used = timed([sys.executable, "-c", code], rounds)
        done = subprocess.run(
            [sys.executable, "-c", code + PEAK], check=True, stdout=subprocess.PIPE
        )
        peak = int(done.stdout.split()[-1]) / 1e6
        print(f"{what:15} {wall:.2f} s, {used:.2f} s of processors, {peak:.2f} GB")
    print(f"{rows.height:,} images, {file.stat().st_size / 1e6:.2f} MB")


SUBJECTS: dict[str, Callable[[Path, int, int], None]] = {
    "montage": montage,
    "report": report,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", nargs="?", choices=SUBJECTS)
    parser.add_argument("--fields", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    for name, subject in SUBJECTS.items():
        if given.subject in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                subject(Path(folder), given.fields, given.rounds)


if __name__ == "__main__":
    main()
