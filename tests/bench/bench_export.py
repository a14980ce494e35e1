"""Exports against the same bytes or pixels on the disk without the form.

webdataset: the kept files, compared with their checksums and copied by as many threads, each synced
and named. ome-zarr: the same
levels of the same pixels, decoded and encoded by the same codec in the same chunks by as many
threads, a file for each field, synced. In turns, medians; a ratio of 1 is the floor. Run it with
`just bench export`.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import polars as pl

import jumpduck
from jumpduck.cores import usable_cores
from jumpduck.exports import shards
from jumpduck.exports.filling import MORE_THAN_CORES
from jumpduck.exports.ome_zarr_images import CODEC_LEVEL, chunks_of, levels_of
from jumpduck.imaging.readers import decode_image
from jumpduck.imaging.writers import encode_tiff
from jumpduck.rows import SITE_KEY
from jumpduck.synthetic.cells import STAINS, Phenotype, draw_site

ROUNDS = 5
EDGE = 1080


def make_folder(place, recipe, wells, sites):
    """Download so many sites of a plate from local files."""
    drawn = [draw_site(EDGE, Phenotype(), seed) for seed in (1, 2)]
    rows = []
    for well in range(wells):
        for site in range(1, sites + 1):
            name = f"{chr(65 + well // 24)}{well % 24 + 1:02}"
            for channel in STAINS:
                url = place / "gallery" / f"{name}-{site}-{channel}.tiff"
                url.parent.mkdir(exist_ok=True)
                if not url.exists():
                    url.write_bytes(encode_tiff(drawn[site % 2][channel], compression="deflate"))
                key = dict(zip(SITE_KEY, ("s", "b", "p", name, site), strict=True))
                path = f"s/b/p/{name}__{site}__{channel}"
                rows.append({**key, "Metadata_Channel": channel, "url": str(url), "path": path})
    jumpduck.download(pl.DataFrame(rows), place / recipe, recipe=recipe)
    return place / recipe


def synced(path, data):
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def in_threads(work, items):
    with ThreadPoolExecutor(usable_cores() + MORE_THAN_CORES) as pool:
        list(pool.map(work, items))


def copied(folder, out):
    """The floor of webdataset."""
    out.mkdir()
    files = pl.read_parquet(folder / "results.parquet", columns=["path", "checksum"]).rows()

    def copy(file):
        path, checksum = file
        data = (folder / path).read_bytes()
        assert hashlib.sha256(data).hexdigest() == checksum
        target = out / path.replace("/", "__")
        part = target.with_suffix(".part")
        synced(part, data)
        part.rename(target)

    in_threads(copy, files)


def encoded(folder, out):
    """The floor of ome-zarr."""
    out.mkdir()
    rows = pl.read_parquet(folder / "results.parquet")
    fields = rows.group_by(SITE_KEY, maintain_order=True).agg("path")["path"].to_list()

    def encode(paths):
        planes = [decode_image((folder / path).read_bytes()) for path in paths]
        found = []
        for level in levels_of(np.stack(planes)):
            (_, *edges), _ = chunks_of(level.shape)
            for plane in level:
                for row in range(0, plane.shape[0], edges[0]):
                    for column in range(0, plane.shape[1], edges[1]):
                        chunk = plane[row : row + edges[0], column : column + edges[1]]
                        found.append(
                            imagecodecs.blosc_encode(
                                np.ascontiguousarray(chunk),
                                level=CODEC_LEVEL,
                                compressor="zstd",
                                shuffle="shuffle",
                                typesize=chunk.itemsize,
                                numthreads=1,
                            )
                        )
        synced(out / paths[0].replace("/", "__"), b"".join(found))

    in_threads(encode, fields)


def exported(form):
    def export(folder, out):
        jumpduck.export(form, folder, out)

    return export


def size_mb(out):
    return sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6


def compare(name, ours, floor, folder, rounds, place):
    """Print the seconds of both, in turns, and the share of the floor's speed."""
    times = []
    for turn in range(rounds + 1):  # the first, which imports libraries, does not count
        took = []
        for which in (ours, floor) if turn % 2 else (floor, ours):
            out = Path(tempfile.mkdtemp(dir=place)) / "out"
            os.sync()
            wall, work = time.perf_counter(), time.process_time()
            which(folder, out)
            took.append(
                (which, time.perf_counter() - wall, time.process_time() - work, size_mb(out))
            )
            shutil.rmtree(out.parent)
        if turn:
            times.append({which: numbers for which, *numbers in took})
    walls = [(one[ours][0], one[floor][0]) for one in times]
    works = [(one[ours][1], one[floor][1]) for one in times]
    sizes = times[0][ours][2], times[0][floor][2]
    ratios = sorted(theirs / own for own, theirs in walls)
    print(
        f"{name:28} {statistics.median(own for own, _ in walls):6.2f} s, floor "
        f"{statistics.median(theirs for _, theirs in walls):6.2f} s; share of its speed "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); processor s "
        f"{statistics.median(own for own, _ in works):.2f} and "
        f"{statistics.median(theirs for _, theirs in works):.2f}; "
        f"{sizes[0]:.0f} and {sizes[1]:.0f} MB"
    )


def main():
    # so that there are as many shards for each thread as with terabytes
    shards.MAX_SHARD_BYTES = 50_000_000
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--wells", type=int, default=8)
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--only", nargs="+", default=["webdataset", "ome-zarr"])
    parser.add_argument("--recipes", nargs="+", default=["png8", "raw"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        for recipe in options.recipes:
            images = make_folder(place, recipe, options.wells, options.sites)
            floors = {"webdataset": copied, "ome-zarr": encoded}
            for form, floor in ((form, floors[form]) for form in options.only):
                name = f"{form}, {recipe}"
                compare(name, exported(form), floor, images, options.rounds, place)


if __name__ == "__main__":
    main()
