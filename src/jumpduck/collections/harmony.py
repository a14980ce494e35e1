"""The index that Harmony, the software of Opera Phenix microscopes, writes beside the images."""

import re
from collections.abc import Callable
from typing import cast
from xml.parsers import expat

import polars as pl

from jumpduck.collections.image_rows import image_table
from jumpduck.errors import CatalogError

INDEX_NAMES = ("Index.idx.xml", "Index.xml")

MAX_TEXT_LETTERS = 1000
"""Of an element that is read; others, such as flatfield profiles, are longer."""

_NUMBER = re.compile("[0-9]{1,9}")
_OF_IMAGE = (
    "id", "URL", "Row", "Col", "FieldID", "PlaneID", "TimepointID", "ChannelID", "ChannelName",
    "ImageResolutionX", "State",
)  # fmt: skip
_OF_CHANNEL = ("ChannelName", "ImageResolutionX")


class _Index:
    """Collects what an index says, element by element; nothing of it refers to anything else."""

    def __init__(self) -> None:
        self.plate: str | None = None
        self.images: list[dict[str, str]] = []
        self.channels: dict[str, dict[str, str]] = {}
        self._path: list[str] = []
        self._text = ""
        self._unit = 1.0
        self._image: dict[str, str] | None = None
        self._channel: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(" ")[2]
        parent = self._path[-1] if self._path else ""
        self._path.append(name)
        self._text = ""
        if name == "Image" and parent == "Images":
            self._image = {}
        elif name == "Entry" and parent == "Map":
            number = attributes.get("ChannelID", "")
            self._channel = self.channels.setdefault(number, {})

    def data(self, text: str) -> None:
        if len(self._text) < MAX_TEXT_LETTERS:
            self._text += text[:MAX_TEXT_LETTERS]

    def end(self, name: str) -> None:
        self._path.pop()
        name = name.rpartition(" ")[2]
        parent = self._path[-1] if self._path else ""
        text = self._text.strip()
        if name == "Image" and parent == "Images" and self._image is not None:
            self.images.append(self._image)
            self._image = None
        elif parent == "Image" and self._image is not None and name in _OF_IMAGE:
            self._image[name] = text
        elif parent == "Entry" and name in _OF_CHANNEL:
            self._channel[name] = text
        elif parent == "Plate" and (name == "Name" or (name == "PlateID" and not self.plate)):
            self.plate = text or self.plate


def rows_of_index(data: bytes) -> pl.DataFrame:
    """Get the images of an index; ``url`` is the path of a file from the index on.

    Channels have the names that Harmony has for them. Images of a time point other than the first
    of the index have a reason, because a site of several would mix them.

    Raises
    ------
    CatalogError
        It is not such an index.
    """
    index = _Index()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = index.start
    parser.EndElementHandler = index.end
    parser.CharacterDataHandler = index.data
    parser.StartDoctypeDeclHandler = cast("Callable[..., None]", _refuse)
    parser.EntityDeclHandler = cast("Callable[..., None]", _refuse)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise CatalogError(f"it is not XML: {error}") from error
    if not index.images:
        raise CatalogError("it has no images: no element Images/Image")
    of = [{**index.channels.get(one.get("ChannelID", ""), {}), **one} for one in index.images]
    first = min((time for one in of if (time := _time(one)) is not None), default=None)
    return image_table(
        {
            "Metadata_Plate": [index.plate] * len(of),
            "Metadata_Well": [f"{one.get('Row', '')}:{one.get('Col', '')}" for one in of],
            "Metadata_Site": [one.get("FieldID") for one in of],
            "Metadata_Channel": [
                one.get("ChannelName") or f"ch{one.get('ChannelID', '')}" for one in of
            ],
            "plane": [one.get("PlaneID") for one in of],
            "Metadata_Pixel_Size_Microns": [_microns(one.get("ImageResolutionX")) for one in of],
            "url": [one.get("URL") for one in of],
            "reason": [_doubt(one, first) for one in of],
        }
    )


def _refuse(*_: object) -> None:
    raise CatalogError("it has a DOCTYPE, which an index of Harmony does not have")


def _microns(metres: str | None) -> float | None:
    try:
        return float(metres or "") * 1e6
    except ValueError:
        return None


def _time(image: dict[str, str]) -> int | None:
    text = image.get("TimepointID", "")
    return int(text) if _NUMBER.fullmatch(text) else None


def _doubt(image: dict[str, str], first_time: int | None) -> str | None:
    url = image.get("URL", "")
    if not url or url.startswith("/") or ".." in url.replace("\\", "/").split("/") or "://" in url:
        return "a name of a file that leaves the folder of the index"
    if image.get("State", "Ok") != "Ok":
        return f"an image that Harmony says is {image['State']}"
    if (time := _time(image)) is None and image.get("TimepointID"):
        return "a time point that is not a number"
    if time != first_time:
        return "a later time point" if time is not None else "no time point, as others have"
    return None
