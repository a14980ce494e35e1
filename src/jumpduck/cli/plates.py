"""jumpduck plates"""

from jumpduck.cli.flags import CHOOSE, PLACES, Csv, Json, reads
from jumpduck.cli.printer import Printer
from jumpduck.counts import counted
from jumpduck.rows import PLATE_KEY
from jumpduck.stages.plates import PlatesOptions
from jumpduck.stages.plates import plates as list_plates

LEAST = ("Metadata_PlateType", "known_issues", "brightfield")
"""What a narrow terminal leaves out first, so that wells, sites and gigabytes remain."""


@reads(
    PlatesOptions,
    {CHOOSE: ("sources", "batches", "plates", "plate_types"), PLACES: ("catalog",)},
)
def plates(options: PlatesOptions, *, csv: Csv = False, json: Json = False) -> None:
    """List the plates of the collection: what each holds, and what there is to see of it.

    Wells, sites, brightfield, gigabytes (an estimate, of all images) and known issues are those of
    the images in this catalog; a plate that was published and that it has no image of has 0 wells.

    For example:

    ```
    jumpduck plates --plate-type TARGET2
    jumpduck plates --source 3 --csv
    ```
    """
    printer = Printer(as_json=json, as_csv=csv)
    found = list_plates(**vars(options))
    printer.table(found, keys=PLATE_KEY, least=LEAST)
    imaged = int((found["wells"] > 0).sum())
    if imaged < found.height:
        printer.remark(
            f"{imaged:,} of {counted(found.height, 'plate')} with images in this catalog; "
            "jumpduck catalog --plate NAME reads those of another one"
        )
    printer.json({"plates": found.to_dicts()})
