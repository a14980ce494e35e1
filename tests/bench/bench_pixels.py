"""The pixel path against jump_download's: PIL, np.percentile in float32, PIL's PNG.

In turns, median of ROUNDS; each figure is milliseconds an image in one thread, and how many
times as long jump_download's way takes. Run it with `just bench pixels`; with ``--against PATH``
it compares the recipes with those of another checkout instead.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from jumpduck.imaging.tiff_header import read_header
from jumpduck.imaging.tiff_reader import decode, decode_rows
from jumpduck.imaging.transforms import crop_slices, to_8bit
from jumpduck.imaging.writers import encode_png
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import BUILT_IN, build
from jumpduck.synthetic.cells import STAINS, Phenotype, draw_site
from tests.support.checkouts import compare as compare_checkouts
from tests.support.places import DATA

ROUNDS = 7
CROP = 768
ROW = {"Metadata_Channel": "DNA", "url": "x", "path": "x"}
PHENIX = DATA / "images/pe2loaddata_v1"


def centre_crop(plane, edge):
    return plane[crop_slices(plane.shape, edge)]


def theirs_decode(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def theirs_8bit(plane):
    plane = plane.astype(np.float32)
    low, high = np.percentile(plane, 1), np.percentile(plane, 99)
    return np.floor(255 * np.clip((plane - low) / (high - low + 2.2e-16), 0, 1)).astype(np.uint8)


def theirs_png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue()


def theirs(data):
    return theirs_png(theirs_8bit(centre_crop(theirs_decode(data), CROP)))


def ours(data, recipe=build("png8")):  # noqa: B008
    return recipe.make([Source(data, ROW)], None).data


def ours_decode(data):
    header = read_header(data)
    rows, _ = crop_slices((header.height, header.width), CROP)
    return decode_rows(data, header, rows.stop)


def seconds(function, *arguments):
    begun = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begun


def compare(name, pairs):
    """Print the medians of two functions, called in turn on each of their inputs."""
    times = [(seconds(one, a), seconds(two, b)) for _ in range(ROUNDS) for one, a, two, b in pairs]
    per_pair = [times[place :: len(pairs)] for place in range(len(pairs))]
    first = statistics.mean(statistics.median(t for t, _ in some) for some in per_pair)
    second = statistics.mean(statistics.median(t for _, t in some) for some in per_pair)
    print(f"{name:28} {first * 1e3:8.2f} {second * 1e3:8.2f} {first / second:7.1f}x")


def tiff(plane, **options):
    buffer = io.BytesIO()
    options = {"rowsperstrip": len(plane), "metadata": None, **options}
    tifffile.imwrite(buffer, plane, **options)
    return buffer.getvalue()


def cases():
    for edge in (1080, 2160):
        planes = [draw_site(edge, Phenotype(), seed)["RNA"] for seed in (1, 2)]
        yield f"{edge} raw", [tiff(plane, rowsperstrip=8) for plane in planes]
        yield f"{edge} LZW", [tiff(plane, compression="lzw") for plane in planes]
        yield f"{edge} deflate", [tiff(plane, compression="deflate") for plane in planes]
    if PHENIX.is_dir():
        names = [f"r01c01f01p01-ch{number}sk1fk1fl1.tiff" for number in range(1, 7)]
        yield "1080 LZW, real Phenix", [(PHENIX / name).read_bytes() for name in names]


def synthetic_site():
    planes = draw_site(1080, Phenotype(), 1)
    return [tiff(planes[channel], compression="lzw") for channel in STAINS]


def stages(name, files):
    planes = [decode(data) for data in files]
    crops = [np.ascontiguousarray(centre_crop(plane, CROP)) for plane in planes]
    images = [theirs_8bit(crop) for crop in crops]
    compare(f"{name}: decode", [(theirs_decode, data, ours_decode, data) for data in files])
    eight = lambda crop: to_8bit(crop, 1.0)  # noqa: E731
    compare(f"{name}: 8 bit", [(theirs_8bit, crop, eight, crop) for crop in crops])
    compare(f"{name}: PNG", [(theirs_png, image, encode_png, image) for image in images])


def whole(name, files):
    compare(f"{name}: whole", [(theirs, data, ours, data) for data in files])
    sizes = [len(ours(data)) / len(theirs(data)) for data in files]
    print(f"{'':28} PNG of PIL's size: mean {statistics.mean(sizes):.3f}, max {max(sizes):.3f}")


def threads(name, function, inputs, rounds=5, each=40):
    """Print how many times as much two threads do as one, interleaved."""
    work = [inputs[place % len(inputs)] for place in range(each)]
    ratios = []
    with ThreadPoolExecutor(2) as two, ThreadPoolExecutor(1) as one:
        for _ in range(rounds):
            alone = seconds(lambda: list(one.map(function, work)))
            both = seconds(lambda: list(two.map(function, work)))
            ratios.append(alone / both)
    print(f"{name:40} {statistics.median(ratios):5.2f}x  ({min(ratios):.2f}-{max(ratios):.2f})")


RECIPES = {name: (name, {}) for name in BUILT_IN} | {
    "jxl bits=8": ("jxl", {"bits": 8}),
    "jxl distance=1": ("jxl", {"distance": 1.0}),
    "tiff16 deflate": ("tiff16", {"compression": "deflate"}),
    "png8 resize=256": ("png8", {"resize": 256}),
}


def recipes(files):
    """Print the size and the time of a site's files in each recipe, an image."""
    rows = [{**ROW, "Metadata_Channel": channel} for channel in STAINS]
    site = [Source(data, row) for data, row in zip(files, rows, strict=True)]
    for name, (recipe_name, options) in RECIPES.items():
        recipe = build(recipe_name, **options)
        groups = [site] if recipe.per_site else [[source] for source in site]
        size = sum(len(recipe.make(group, None).data) for group in groups) / len(site)

        def make(recipe=recipe, groups=groups):
            for group in groups:
                recipe.make(group, None)

        time_ms = 1e3 * statistics.median(seconds(make) for _ in range(ROUNDS)) / len(site)
        print(f"{name:16} {size / 1e6:6.3f} MB {time_ms:7.2f} ms")


def against(other, files, rounds):
    """Print how long a site takes in each recipe, here and in another checkout."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / channel for channel in STAINS]
        for path, data in zip(paths, files, strict=True):
            path.write_bytes(data)
        site = [(path.name, str(path)) for path in paths]
        tasks = {
            name: {"task": "make", "name": recipe, "options": options, "files": site}
            for name, (recipe, options) in RECIPES.items()
        }
        compare_checkouts(other, tasks, rounds)


def memory(edge, crop, compression):
    """Print the highest memory of a process above what it holds with the file read, in planes.

    As seen from outside while it makes the same image again and again.
    """
    plane = draw_site(edge, Phenotype(), 1)["RNA"]
    script = f"""
import sys
from tests.bench.bench_pixels import ROW, Source, build, np, tiff
recipe = build("png8", crop={crop})
recipe.make([Source(tiff(np.ones((99, 99), np.uint16), compression="lzw"), ROW)], None)
data = sys.stdin.buffer.read()
print("ready", flush=True)
for _ in range(60):
    recipe.make([Source(data, ROW)], None)
"""
    # what is freed goes back at once, and does not hide in what was held before
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script], env=env, **pipes) as child:
        child.stdin.write(tiff(plane, compression=compression))
        child.stdin.close()
        child.stdout.readline()
        status = Path(f"/proc/{child.pid}/statm")
        seen = []
        while child.poll() is None:
            seen.append(int((status.read_text().split() or [0, 0])[1]) * os.sysconf("SC_PAGE_SIZE"))
    print(f"{edge} {compression or 'raw'}, crop {crop}: {(max(seen) - seen[0]) / plane.nbytes:.2f}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--against", metavar="PATH")
    options.add_argument("--rounds", type=int, default=40)
    asked = options.parse_args()
    if asked.against:
        some = [PHENIX / f"r01c01f01p01-ch{n}sk1fk1fl1.tiff" for n in range(1, 6)]
        real = PHENIX.is_dir()
        files = [path.read_bytes() for path in some] if real else synthetic_site()
        against(asked.against, files, asked.rounds)
        return
    found = dict(cases())
    print(f"{'':28} {'theirs':>8} {'ours':>8}")
    for name, files in found.items():
        stages(name, files)
        whole(name, files)
    real = found.get("1080 LZW, real Phenix", found["1080 LZW"])
    print("\ntwo threads do as much as one, times")
    crops = [np.ascontiguousarray(centre_crop(decode(data), CROP)) for data in real]
    threads("decode, 1080 LZW", ours_decode, real)
    threads("8 bit, 768", lambda crop: to_8bit(crop, 1.0), crops)
    threads("PNG, 768", encode_png, [to_8bit(crop, 1.0) for crop in crops])
    for name in ("1080 raw", "1080 LZW", "2160 LZW"):
        threads(f"png8 whole, {name}", ours, found[name])
    threads("png8 whole, real Phenix", ours, real)
    print("\nrecipes, crop 768, mean size and median time of the five stains")
    recipes(real[:5])
    print("\npeak memory of png8 beside the file, in planes")
    for edge, crop in ((1080, 768), (1080, 0), (2160, 768), (2160, 0)):
        for compression in (None, "lzw"):
            memory(edge, crop, compression)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
