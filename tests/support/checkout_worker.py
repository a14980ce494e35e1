"""Do what a benchmark asks for with the jumpduck of one checkout; see `tests.support.checkouts`.

Reads a JSON object a line and answers each with the seconds that it took. It works with checkouts
from before and after the rooms, whose module names and manifests differ.
"""

import importlib.util
import json
import shutil
import sys
import time
from functools import cache
from pathlib import Path

import polars as pl

import jumpduck

if importlib.util.find_spec("jumpduck.transfer"):
    from jumpduck.recipes.base import Source
    from jumpduck.recipes.registry import build

    SUFFIX = ""
else:
    from jumpduck.recipes import Source, build

    SUFFIX = ".png"

ROW = {
    "Metadata_Source": "x", "Metadata_Batch": "x", "Metadata_Plate": "x", "Metadata_Well": "A01",
    "Metadata_Site": 1, "Metadata_JCP2022": "x", "Metadata_Name": "x", "Metadata_pert_type": "x",
    "Metadata_PlateType": "x", "kind": "image",
}  # fmt: skip


@cache
def sources(files):
    """The images of a site, one a channel; `files` are (channel, path)."""
    return [
        Source(Path(path).read_bytes(), {**ROW, "Metadata_Channel": channel, "path": channel})
        for channel, path in files
    ]


@cache
def recipe_of(name, options):
    return build(name, **dict(options))


def make(name, options, files):
    """Make the files of one site with a recipe."""
    recipe = recipe_of(name, tuple(options.items()))
    images = sources(tuple(map(tuple, files)))
    for group in [images] if recipe.per_site else [[image] for image in images]:
        recipe.make(group, None)


def download(urls, out, endpoint, recipe):
    """Download images into a folder."""
    rows = pl.DataFrame([
        {
            **ROW, "Metadata_Site": number, "Metadata_Channel": "DNA", "url": url,
            "path": f"x/x/x/x__x__x__A01__{number}__DNA{SUFFIX}",
        }
        for number, url in enumerate(urls)
    ]).with_columns(pl.col("Metadata_Site").cast(pl.Int32))  # fmt: skip
    results = jumpduck.download(rows, out, endpoint=endpoint, recipe=recipe)
    assert set(results["status"]) == {"fetched"}, results["error"].unique()


# making files needs one core, so its processor time counts, which other programs change less
TASKS = {"make": (make, time.process_time), "download": (download, time.perf_counter)}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        task, clock = TASKS[request.pop("task")]
        if "out" in request:
            shutil.rmtree(request["out"], ignore_errors=True)
        begin = clock()
        task(**request)
        print(clock() - begin, flush=True)


if __name__ == "__main__":
    main()
