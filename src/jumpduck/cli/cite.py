"""jumpduck cite"""

from dataclasses import asdict
from typing import Annotated

from jumpduck.cli.flags import PLACES, Json, reads, switch
from jumpduck.cli.printer import Printer
from jumpduck.stages.cite import CiteOptions
from jumpduck.stages.cite import cite as find_what_to_cite


@reads(CiteOptions, {PLACES: ("out",)}, positional="out")
def cite(
    options: CiteOptions,
    *,
    bibtex: Annotated[bool, switch("--bibtex", "Print BibTeX in place of the text.")] = False,
    json: Json = False,
) -> None:
    """Say what to cite for the images of a download: datasets, publications, licences.

    Each download writes the same into its folder, as citation.txt and citation.bib.

    For example:
    ```
    jumpduck cite images
    jumpduck cite images --bibtex > references.bib
    ```
    """
    printer = Printer(as_json=json)
    found = find_what_to_cite(**vars(options))
    printer.line((found.bibtex if bibtex else found.text).rstrip("\n"))
    printer.json({**asdict(found), "text": found.text, "bibtex": found.bibtex})
