"""jumpduck card"""

from jumpduck.cli.flags import OUTPUT, PLACES, Json, Quiet, reads
from jumpduck.cli.printer import Printer
from jumpduck.stages.card import CardOptions
from jumpduck.stages.card import card as write_card


@reads(CardOptions, {PLACES: ("out",), OUTPUT: ("name",)}, positional="out")
def card(options: CardOptions, *, json: Json = False, quiet: Quiet = False) -> None:
    """Write the README of a download, and croissant.json: what others need to use it.

    For example:
    ```
    jumpduck card images --name "TP53 beside its controls"
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    files = write_card(**vars(options))
    printer.line("-> " + ", ".join(map(str, files)))
    printer.json({"files": [str(file) for file in files]})
