"""How long `jumpduck get` of one gene takes until its first image is there.

    just bench get [--gene TP53] [--rounds 3]

Needs the published metadata (../shared/data or $JUMPDUCK_REAL_DATA). The load_data of the gene's
plates is made of the published wells; all images are one generated plane. `get` and the three
commands that it stands for run in turns, from a cache that one run has filled, as a command line
without pandas would (DuckDB before 2.0 imports pandas where it is there).
"""

import argparse
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import tifffile

from tests.support.real_metadata import write_real_metadata

STAINS = ("DNA", "RNA", "ER", "AGP", "Mito")
SITES = 9
LINE = "import sys; sys.modules['pandas'] = None; from jumpduck.__main__ import main; main()"


def write_gallery(folder: Path, metadata: Path, gene: str) -> None:
    """Write load_data of each plate that a gene is on, and the images of its wells."""
    tables = {
        name: pl.read_csv(metadata / f"{name}.csv.gz", infer_schema=False)
        for name in ("plate", "well", "orf", "crispr")
    }
    reagents = pl.concat(
        tables[name].filter(Metadata_Symbol=gene).select("Metadata_JCP2022")
        for name in ("orf", "crispr")
    )
    named = tables["well"].join(reagents, on="Metadata_JCP2022", how="semi")
    keys = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate"]
    plates = tables["plate"].join(named, on=[keys[0], keys[2]], how="semi").select(keys)
    noise = np.random.default_rng(0).integers(100, 4000, (1080, 1080), dtype=np.uint16)
    tifffile.imwrite(folder / "image.tif", noise // 8 * 8, compression="lzw")
    root = "s3://cellpainting-gallery/cpg0016-jump"
    place = pl.format(f"{root}/{{}}/images/{{}}/images/{{}}/{{}}_{{}}_", *keys, "well", "site")
    for source, batch, plate in plates.rows():
        wells = tables["well"].filter(Metadata_Source=source, Metadata_Plate=plate)
        sites = pl.DataFrame({"site": [str(n) for n in range(1, SITES + 1)]})
        rows = (
            wells.select(keys[0], pl.lit(batch).alias(keys[1]), keys[2], well="Metadata_Well")
            .join(sites, how="cross")
            .with_columns((place + f"{stain}.tif").alias(f"URL_Orig{stain}") for stain in STAINS)
            .rename({"well": "Metadata_Well", "site": "Metadata_Site"})
        )
        lists = folder / f"cpg0016-jump/{source}/workspace/load_data_csv/{batch}/{plate}"
        lists.mkdir(parents=True)
        (lists / "load_data_with_illum.csv.gz").write_bytes(
            gzip.compress(rows.write_csv().encode(), 6)
        )
        for url in rows.join(named, on=[keys[0], keys[2], "Metadata_Well"], how="semi").select(
            f"URL_Orig{stain}" for stain in STAINS
        ).unpivot()["value"]:  # fmt: skip
            image = folder / url.removeprefix("s3://cellpainting-gallery/")
            image.parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / "image.tif", image)


def first_image(folder: Path, *commands: list[str]) -> float:
    """Seconds from the start of the first command until an image is there."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    images = folder / "out/images"
    begun = time.perf_counter()
    first = None
    for words in commands:
        run = subprocess.Popen([sys.executable, "-c", LINE, *words, "--quiet"], cwd=folder)
        while run.poll() is None:
            if first is None and next(images.glob("*/*/*/*.png"), None):
                first = time.perf_counter() - begun
            time.sleep(0.005)
        if run.returncode:
            sys.exit(f"{words} failed")
    assert first is not None
    return first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gene", default="TP53")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["JUMPDUCK_CACHE"] = str(folder / "cache")
        for name in ("PYTHONDONTWRITEBYTECODE", "JUMPDUCK_REAL_DATA"):
            os.environ.pop(name, None)
        (folder / "gallery").mkdir()
        (folder / "metadata").mkdir()
        write_real_metadata(folder / "metadata")
        write_gallery(folder / "gallery", folder / "metadata", options.gene)
        where = ["--gallery", "gallery", "--metadata", "metadata"]
        files = ["--catalog", "out/c.duckdb"], ["--manifest", "out/m.parquet"]
        ways = {
            "get": [["get", options.gene, *where, "--out", "out"]],
            "three commands": [
                ["catalog", "--perturbation", options.gene, *where, *files[0]],
                ["manifest", options.gene, *files[0], *files[1]],
                ["download", *files[1], "--out", "out/images"],
            ],
        }
        first_image(folder, *ways["get"])  # fills the cache
        seen: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, commands in ways.items():
                seen[name].append(first_image(folder, *commands))
        mine, other = (statistics.median(seen[name]) for name in ways)
        print(
            f"{options.gene}: first image after {mine:.2f} s (from {min(seen['get']):.2f} to "
            f"{max(seen['get']):.2f}); three commands / get {other / mine:.2f}"
        )


if __name__ == "__main__":
    main()
