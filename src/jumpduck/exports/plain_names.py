"""Names that other programs take for one word, made of names that may be any text."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.rows import PLATE_KEY, PlateKey
from jumpduck.wells.plate_shape import Place, place_of

MAX_NAME_BYTES = 255
"""Bytes of the name of a file or folder that file systems take."""

_UNDERSCORES = re.compile(r"^_|_$|_(?=_)")


def site_key(names: Iterable[object]) -> str:
    """Get names joined by two underscores, such as those of a site's key.

    What is not a letter, digit, ``-`` or ``_`` is written as ``%2E``, because a dot ends the key in
    webdataset, and so is an underscore that another one could follow. So two keys are never one.
    """
    plain = (quote(str(name), safe="").replace(".", "%2E").replace("~", "%7E") for name in names)
    return "__".join(_UNDERSCORES.sub("%5F", name) for name in plain)


def check_folder_names(folders: Mapping[PlateKey, str], form: str) -> None:
    """Check the names of the folders that plates get, before work begins.

    Raises
    ------
    QueryError
        One is longer than file systems take.
    """
    for key, folder in folders.items():
        for name in folder.split("/"):
            if len(name) > MAX_NAME_BYTES:
                raise QueryError(
                    f"plate {'/'.join(key)} would be a folder with a name of {len(name)} bytes in "
                    f"form {form}, and file systems take {MAX_NAME_BYTES}: {name[:40]}…; give its "
                    "source, batch and plate shorter names in the manifest, and download into "
                    "another folder"
                )


def words_of_channels(channels: Iterable[str]) -> Mapping[str, str]:
    """Get a word of letters, digits and underscores for each channel.

    Raises
    ------
    QueryError
        Two channels would have one word, also in small letters.
    """
    words = {name: re.sub(r"[^A-Za-z0-9_]", "_", name) for name in channels}
    seen: dict[str, str] = {}
    for name, word in words.items():
        other = seen.setdefault(word.lower(), name)
        if other != name:
            raise QueryError(
                f"channels {other!r} and {name!r} would both be called {word}; export one of them "
                "(`channels`)"
            )
    return words


def places_of_wells(wells: pl.DataFrame, form: str) -> dict[str, Place]:
    """Get the row and column of each well, by its name.

    Parameters
    ----------
    wells
        The key of each well, once.
    form
        What needs them, for messages.

    Raises
    ------
    QueryError
        A well has no name such as A01, or two wells of a plate are the same one.
    """
    places: dict[str, Place] = {}
    for name in wells["Metadata_Well"].unique().sort():
        place = place_of(name)
        if place is None:
            raise QueryError(
                f"well {name!r} is not like A01, from which {form} gets row and column; name the "
                "wells so in the manifest, and download again (files that are there are kept)"
            )
        places[name] = place
    plain = {name: f"{place.row} {place.column}" for name, place in places.items()}
    placed = wells.with_columns(place=pl.col("Metadata_Well").replace_strict(plain))
    key = (*PLATE_KEY, "place")
    same = placed.filter(pl.struct(key).is_duplicated()).sort(*key, "Metadata_Well")
    if len(twice := same["Metadata_Well"]):
        raise QueryError(
            f"wells {twice[0]!r} and {twice[1]!r} of a plate are the same one; give it one name in "
            "the manifest, and download again (files that are there are kept)"
        )
    return places
