"""An output folder -> its README and what it is made of, to hand it on."""

import json
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from jumpduck.descriptions.card import CARD_FILE, MARK
from jumpduck.descriptions.card import card as describe
from jumpduck.descriptions.cited import cited, write_citations
from jumpduck.descriptions.croissant import CROISSANT_FILE, croissant
from jumpduck.errors import StoreError
from jumpduck.options import expanded, takes
from jumpduck.storage.atomic_files import atomic_write
from jumpduck.transfer.filled_folder import FilledFolder


@dataclass(frozen=True)
class CardOptions:
    """Which folder to describe.

    Parameters
    ----------
    out
        Folder that `jumpduck download` filled.
    name
        What the dataset is called; the name of the folder by default.
    """

    out: str | Path = "images"
    _: KW_ONLY
    name: str | None = None


@takes(CardOptions)
def card(options: CardOptions) -> list[Path]:
    """Write what a folder needs to be handed on, and get the files.

    ``README.md`` has counts by source, role and part, the recipe, the seed, what identifies the
    choice, the command that makes the folder again, and what to cite. ``croissant.json`` says the
    same to programs, as Croissant 1.0. Both are replaced if `card` wrote them; a README or a
    croissant.json of the user's own is not.

    Raises
    ------
    StoreError
        Nothing was downloaded into the folder, it cannot be written, or it has such a file that
        `card` did not write.
    ManifestError
        Its tables are not there.
    """
    folder = FilledFolder.open(options.out)
    path = expanded(options.out)
    name = options.name or path.absolute().name
    found = cited(folder)
    write_citations(path)
    texts = {
        CARD_FILE: describe(folder, name, found, None),
        CROISSANT_FILE: json.dumps(
            croissant(folder, name, found.text.partition("\n\n")[0], found), indent=1
        ),
    }
    for file, mark in ((CARD_FILE, MARK), (CROISSANT_FILE, "jumpduck")):
        _refuse_others(path / file, mark)
    for file, text in texts.items():
        atomic_write(path / file, text.encode())
    return [path / file for file in texts]


def _refuse_others(file: Path, mark: str) -> None:
    if file.exists() and mark.encode() not in file.read_bytes():
        raise StoreError(
            f"{file} is there, and was not written by `jumpduck card`; move it, or give it another "
            "name"
        )
