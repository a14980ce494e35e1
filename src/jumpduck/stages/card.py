"""An output folder -> its README and what it is made of, to hand it on."""

import json
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.descriptions.card import CARD_FILE, MARK
from jumpduck.descriptions.card import card as describe
from jumpduck.descriptions.cited import cited, write_citations
from jumpduck.descriptions.croissant import CROISSANT_FILE, croissant
from jumpduck.errors import ManifestError, StoreError
from jumpduck.figures.colours import added_up, channel_colours
from jumpduck.figures.pictures import picture_of
from jumpduck.options import expanded, takes
from jumpduck.rows import SITE_KEY
from jumpduck.selection.shown_sites import absent_images, described, spread
from jumpduck.storage.atomic_files import atomic_write
from jumpduck.storage.replaced_files import is_png, refuse_other_file
from jumpduck.transfer.filled_folder import FilledFolder

MONTAGE_FILE = "montage.png"
MONTAGE_SITES = 8


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

    ``montage.png`` shows a few sites. ``README.md`` has counts by source, role and part, the
    recipe, the seed, what identifies the choice, the command that makes the folder again, and what
    to cite. ``croissant.json`` says the same to programs, as Croissant 1.0. What `card` wrote
    earlier is replaced; a README or a croissant.json of the user's own is not.

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
    for file, mark in ((CARD_FILE, MARK), (CROISSANT_FILE, "jumpduck")):
        _refuse_others(path / file, mark)
    refuse_other_file(path / MONTAGE_FILE, "a picture", is_png)
    name = options.name or path.absolute().name
    found = cited(folder)
    write_citations(path)
    picture = _picture(folder)
    texts = {
        CARD_FILE: describe(folder, name, found, MONTAGE_FILE if picture else None),
        CROISSANT_FILE: json.dumps(
            croissant(folder, name, found.text.partition("\n\n")[0], found), indent=1
        ),
    }
    written = {file: text.encode() for file, text in texts.items()}
    if picture is not None:
        written[MONTAGE_FILE] = picture
    for file, data in written.items():
        atomic_write(path / file, data)
    return [path / file for file in written]


def _picture(folder: FilledFolder) -> bytes | None:
    """Get a PNG of a few sites; None where no picture can be made of them."""
    absent = absent_images(folder.sites, [one.name for one in folder.channels])
    sites = spread(described(folder.sites, absent).collect(), MONTAGE_SITES)
    if sites.is_empty():
        return None
    shown = sites.sort(SITE_KEY).with_columns(is_control=pl.lit(value=False))
    try:
        picture, _ = picture_of(
            folder.path,
            folder.results,
            shown,
            channel_colours(folder.channels, {}),
            composite=added_up(folder.channels),
        )
    except ManifestError:  # of two recipes, whose images are not compared
        return None
    return picture


def _refuse_others(file: Path, mark: str) -> None:
    if file.exists() and (file.is_dir() or mark.encode() not in file.read_bytes()):
        raise StoreError(
            f"{file} is there, and was not written by `jumpduck card`; move it, or give it another "
            "name"
        )
