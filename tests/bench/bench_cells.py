"""How long it takes to find and to measure the cells of a site.

    just bench cells [core] [cellprofiler] [--rounds 3]

A generated field of five channels of 1080 x 1080 pixels with 121 cells that touch; each program is
a process of its own with one thread, and each time is that of the processor, without imports. The
fastest of the rounds counts.

core: nuclei, cells and cytoplasms, and the core set of nuclei; beside a straightforward script of
scikit-image: Gaussian, Otsu, distance, watershed, `regionprops_table` of each channel, and
correlations pair by pair. Wanted: 2 s, 3 times as fast, 1.5 GB. The same with all three kinds.

cellprofiler: all features of the three kinds; beside cp_measure, whose time is that of two channels
and one pair, times what there are. Wanted: 6 s, 1.5 GB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.support.cells import cells

EDGE_PIXELS, ACROSS, CHANNELS = 1080, 11, 5

HEAD = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
np.seterr(all="ignore")
data = np.load(sys.argv[1])
planes = {name: data[name] for name in data if name.startswith("ch")}
labels = {name: data[name] for name in data if not name.startswith("ch")}
"""

TAIL = """
if WARM:
    work()
begun = time.process_time()
found = work()
took = time.process_time() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"seconds": took + globals().get("beside", 0), "gib": peak, "features": found}))
"""

OURS = """
from jumpduck.profiling.measure import measure
from jumpduck.profiling.objects import Objects
from jumpduck.profiling.segmentation import SegmentOptions, segment
def work():
    objects = segment(planes, SegmentOptions(nuclei="ch1", cells=CELLS))
    return len(measure(planes, objects, [FEATURES]))
"""

SCRIPT = """
from itertools import combinations
from scipy import ndimage
from skimage import feature, filters, measure, morphology, segmentation
def quartile(share):
    def found(mask, values):
        return np.quantile(values[mask], share)
    found.__name__ = f"quartile{share}"
    return found
def mad(mask, values):
    return np.median(np.abs(values[mask] - np.median(values[mask])))
def edge(mask, values):
    found = values[mask & ~ndimage.binary_erosion(mask)]
    return np.array([found.sum(), found.mean(), found.std(), found.min(), found.max()])
def brightest(mask, values):
    return np.array(np.unravel_index(np.where(mask, values, -1).argmax(), mask.shape))
SHAPE = ("area", "area_bbox", "area_convex", "area_filled", "bbox", "centroid", "eccentricity",
    "equivalent_diameter_area", "euler_number", "extent", "axis_major_length",
    "axis_minor_length", "orientation", "perimeter", "perimeter_crofton", "solidity", "moments",
    "moments_central", "moments_normalized", "moments_hu", "inertia_tensor",
    "inertia_tensor_eigvals")
LIGHT = ("intensity_mean", "intensity_std", "intensity_min", "intensity_max",
    "centroid_weighted")
def nuclei():
    smooth = filters.gaussian(planes["ch1"], 2, preserve_range=True)
    mask = ndimage.binary_fill_holes(smooth > filters.threshold_otsu(smooth))
    mask = morphology.remove_small_objects(mask, max_size=50)
    distance = filters.gaussian(ndimage.distance_transform_edt(mask), 1)
    peaks = feature.peak_local_max(distance, min_distance=8, labels=measure.label(mask))
    seeds = np.zeros(mask.shape, int)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-distance, seeds, mask=mask)
def measured(labels):
    table = measure.regionprops_table(labels, properties=SHAPE)
    grey = {name: plane / 65535 for name, plane in planes.items()}
    extra = (quartile(0.25), quartile(0.5), quartile(0.75), mad, edge, brightest)
    for name, plane in grey.items():
        light = measure.regionprops_table(
            labels, plane, properties=LIGHT, extra_properties=extra)
        table |= {f"{column}_{name}": values for column, values in light.items()}
    regions = measure.regionprops(labels)
    for one, other in combinations(grey, 2):
        rows = []
        for region in regions:
            x, y = grey[one][region.slice][region.image], grey[other][region.slice][region.image]
            bright = x >= 0.15 * x.max(), y >= 0.15 * y.max()
            both = bright[0] & bright[1]
            rows.append((
                np.corrcoef(x, y)[0, 1], np.polyfit(x, y, 1)[0],
                x[both].sum() / x[bright[0]].sum(), y[both].sum() / y[bright[1]].sum(),
                (x * y)[both].sum() / np.sqrt((x * x)[both].sum() * (y * y)[both].sum()),
            ))
        table |= {f"{n}_{one}_{other}": values for n, values in enumerate(zip(*rows))}
    return table
def work():
    found = nuclei()
    kinds = [found]
    if CELLS:
        smooth = filters.gaussian(planes[CELLS], 2, preserve_range=True)
        mask = smooth > filters.threshold_otsu(smooth)
        whole = segmentation.watershed(filters.sobel(smooth), found, mask=mask | (found > 0))
        kinds += [whole, np.where(found > 0, 0, whole)]
    return sum(len(measured(one)) for one in kinds)
"""

CP_MEASURE = """
from cp_measure.bulk import get_core_measurements, get_correlation_measurements
of_light = ("intensity", "texture", "granularity", "radial_distribution", "radial_zernikes")
core, pairs = get_core_measurements(), get_correlation_measurements()
grey = {name: plane / 65535 for name, plane in planes.items()}
def work():
    count, seconds = 0, 0.0
    for one in labels.values():
        for name in ("sizeshape", "zernike", "feret"):
            count += len(core[name](one, None))
        begun = time.process_time()
        for name in of_light:
            count += len(core[name](one, grey["ch1"])) * len(grey)
        seconds += (time.process_time() - begun) * (len(grey) - 1)
        begun = time.process_time()
        for name, function in pairs.items():
            scale = {"scale_max": 65535} if name == "costes" else {}
            of_pair = len(grey) * (len(grey) - 1) // 2
            count += len(function(grey["ch1"], grey["ch2"], one, **scale)) * of_pair
        seconds += (time.process_time() - begun) * (of_pair - 1)
    global beside
    beside = seconds
    return count
"""


def run(
    program: str, field: Path, rounds: int, *, warm: bool = True, **names: object
) -> dict[str, float]:
    """Run a program in a process of its own, and get its fastest round."""
    given = "\n".join(f"{name} = {value!r}" for name, value in (("WARM", warm), *names.items()))
    code = HEAD + given + program + TAIL
    threads = {f"{one}_NUM_THREADS": "1" for one in ("OMP", "OPENBLAS", "MKL")}
    found = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", code, str(field)],
            env={**os.environ, **threads},
            check=True,
            capture_output=True,
            text=True,
        )
        found.append(json.loads(done.stdout))
    return min(found, key=lambda one: one["seconds"])


def say(what: str, one: dict[str, float], beside: float | None = None) -> None:
    ratio = f", {one['seconds'] / beside:.1f} times as long" if beside else ""
    print(f"{what}: {one['seconds']:.2f} s, {one['gib']:.2f} GiB, {one['features']} columns{ratio}")


def core(field: Path, rounds: int) -> None:
    for kinds, cell_channel in (("nuclei", None), ("nuclei, cells, cytoplasms", "ch3")):
        names = {"CELLS": cell_channel, "FEATURES": "core"}
        ours = run(OURS, field, rounds, **names)
        say(f"{kinds} and the core set", ours)
        say("  script of scikit-image", run(SCRIPT, field, rounds, **names), ours["seconds"])


def cellprofiler(field: Path, rounds: int) -> None:
    ours = run(OURS, field, rounds, CELLS="ch3", FEATURES="cellprofiler")
    say("all features of three kinds", ours)
    say(
        "  cp_measure, without finding cells",
        run(CP_MEASURE, field, 1, warm=False),
        ours["seconds"],
    )


PARTS = {"core": core, "cellprofiler": cellprofiler}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all without one")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        field = Path(folder) / "field.npz"
        planes, labels = cells(EDGE_PIXELS, ACROSS, CHANNELS)
        np.savez(field, **planes, **labels)
        for part in options.parts or PARTS:
            PARTS[part](field, options.rounds)


if __name__ == "__main__":
    main()
