"""jumpduck profile"""

import shlex
from contextlib import closing
from dataclasses import fields, replace

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, RECIPE, WORK, DryRun, Json, Quiet, reads
from jumpduck.cli.printer import Printer
from jumpduck.cli.transfer_report import TransferReport, for_ever
from jumpduck.counts import counted
from jumpduck.errors import PartialError
from jumpduck.options import expanded
from jumpduck.profiling.before_run import remarks_before
from jumpduck.profiling.options import FLAGS, ProfileOptions
from jumpduck.profiling.plate_files import CELLS, IMAGES_FILE
from jumpduck.profiling.plate_profiles import PROFILES_FILE
from jumpduck.recipes.base import Recipe
from jumpduck.schema import RESULTS_FILE
from jumpduck.stages.profile import count_cells, profile_plates
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.run import foresee
from jumpduck.words import words_of

NOT_AGAIN = ("progress", "force")
"""Options that the command which goes on does not have."""


@reads(
    ProfileOptions,
    {
        CHOOSE: ("limit", "shard", "force"),
        PLACES: ("manifest", "endpoint"),
        RECIPE: (
            "nuclei", "cells", "nucleus_um", "pixel_um", "masks", "segmenter", "weights",
            "features", "model", "description", "architecture", "unit", "box",
            "illum", "illum_from_plate",
        ),
        WORK: tuple(one.name for one in fields(Limits)),
        OUTPUT: ("out", "aggregate", "average", "labels", "images", "scratch"),
    },
    flags=FLAGS,
)  # fmt: skip
def profile(
    options: ProfileOptions,
    *,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the cells of the manifest's sites; the images are not kept.

    Sites are fetched, divided by their illumination functions, searched for nuclei and cells, and
    measured. cells/ gets a table for each plate, a row a cell, images.parquet a row a site. What is
    there from an earlier run is not made again: after an interruption the same command goes on.
    Exit code 3 says that some sites could not be had.

    For example:
    ```
    jumpduck profile --out profiles --aggregate well
    jumpduck profile --cells none --features cellprofiler --labels
    jumpduck profile --illum-from-plate median --shard 7/200
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    manifest = Manifest.open(options.manifest, options.limit, options.shard)
    recipe = options.build(manifest)
    if dry_run:
        _say_plan(printer, options, manifest, recipe)
        return
    names = [one.name for one in fields(options) if one.name not in NOT_AGAIN]
    again = shlex.join(["jumpduck", "profile", *words_of(options, names, FLAGS)])
    with TransferReport(printer, manifest.files, manifest.plate_count, again, recipe) as transfer:
        options = replace(options, progress=transfer.event)
        with closing(profile_plates(options, manifest, recipe, again)) as plates:
            for rows in plates:
                transfer.add(rows)
    not_had = transfer.finish([options.out])
    out, cells = expanded(options.out), count_cells(options.out, manifest)
    tables = [out / CELLS, out / IMAGES_FILE]
    tables += [out / PROFILES_FILE] * (
        options.aggregate is not None and (out / PROFILES_FILE).is_file()
    )
    printer.line(f"{counted(cells, 'cell')} -> {', '.join(map(str, tables))}")
    printer.json({"event": "tables", "cells": cells, "tables": tables})
    if not_had:
        raise PartialError(
            f"{not_had.total():,} of {counted(manifest.files, 'image')} belong to sites that could "
            f"not be measured; {out / RESULTS_FILE} says why, and the same command tries "
            f"them again{for_ever(not_had, manifest.files - not_had.total())}"
        )


def _say_plan(
    printer: Printer, options: ProfileOptions, manifest: Manifest, recipe: Recipe
) -> None:
    """Say what a run would do."""
    limits = options.limits(manifest)
    found = foresee(manifest, options.out, recipe, limits, endpoint=options.endpoint)
    processes = limits.process_count(manifest.files, recipe)
    plates = counted(manifest.plate_count, "plate")
    parameters = recipe.parameters
    printer.line(f"{counted(manifest.files, 'image')} of {plates} -> {options.out}")
    printer.line(
        f"nuclei: {parameters['nuclei']}; cells: {parameters['cells'] or 'none'}; "
        f"{processes} process{'es'[: 2 * (processes != 1)]}"
    )
    for text in (
        *remarks_before(expanded(options.out), manifest, recipe, force=options.force),
        *found.remarks,
    ):
        printer.remark(text)
    left = manifest.files if options.force else manifest.files - found.there
    printer.line(
        f"there already: {counted(found.there, 'image')}; left: {left:,}; nothing fetched "
        "(--dry-run)"
    )
    printer.json(
        {
            "manifest": options.manifest,
            "out": options.out,
            "files": manifest.files,
            "plates": manifest.plate_count,
            "there": found.there,
            "left": left,
            "free_gb": found.free / 1e9,
            "recipe": recipe.label,
            "parameters": parameters,
            "processes": processes,
        }
    )
