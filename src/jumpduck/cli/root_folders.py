"""Which output folders `jumpduck status` and `jumpduck verify` read if none is named."""

from jumpduck.cli.settings import read_roots
from jumpduck.errors import StoreError
from jumpduck.schema import RESULTS_FILE
from jumpduck.transfer.output_folder import OutputFolders
from jumpduck.transfer.roots import Roots

DEFAULT_OUT = "images"

NOT_NAMED = ()
"""The default of `out` on the command line, because `images` may be named beside roots."""


def folders_to_read(out: OutputFolders) -> OutputFolders:
    """Get the folders that were named, or else all roots of jumpduck.toml that were filled.

    Raises
    ------
    StoreError
        A root is not there.
    """
    if out or not (rules := read_roots()):
        return out or DEFAULT_OUT
    roots = Roots(rules, DEFAULT_OUT)
    for rule in roots.rules:
        if not rule.root.is_dir():
            raise StoreError(
                f"root {rule.root} of {rule.text!r} is not there; mount its disk, or name the "
                "folders to read with `out`"
            )
    parts = (RESULTS_FILE, ".jumpduck")
    filled = [one for one in roots.folders if any((one / part).exists() for part in parts)]
    return filled or roots.folders
