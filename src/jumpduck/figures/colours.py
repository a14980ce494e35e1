"""Colours of channels: the collection's, a user's, or those of a palette."""

from collections.abc import Mapping, Sequence

from PIL import ImageColor

from jumpduck.errors import QueryError
from jumpduck.transfer.origins import Channel

Colour = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""

PALETTE = ("#3D7BFF", "#30E060", "#FF4040", "#FFD030", "#E050FF", "#20E0E0", "#FF8A20", "#C8C8C8")
"""Colours of channels that have none, in turn."""

LIKE = "write it like #00FFFF, or as a name such as cyan"


def colour_of(text: str) -> Colour:
    """Get a colour of its name in HTML, or of ``#RRGGBB``.

    Raises
    ------
    ValueError
        It is none.
    """
    found = ImageColor.getrgb(text.strip())
    return found[0], found[1], found[2]


def added_up(channels: Sequence[Channel]) -> list[str]:
    """Get the channels that a composite adds up unless asked otherwise: all but brightfield."""
    return [one.name for one in channels if one.kind != "brightfield"]


def channel_colours(channels: Sequence[Channel], asked: Mapping[str, str]) -> dict[str, Colour]:
    """Get the colour of each channel: the one asked for, else the collection's, else a palette's.

    Raises
    ------
    QueryError
        A colour that was asked for is none.
    """
    colours: dict[str, Colour] = {}
    for number, channel in enumerate(channels):
        colour = colour_of(PALETTE[number % len(PALETTE)])
        try:
            colour = colour_of(asked.get(channel.name) or channel.colour or "")
        except ValueError as error:
            if channel.name in asked:
                raise QueryError(
                    f"colours {channel.name}={asked[channel.name]} is not a colour; {LIKE}"
                ) from error
        colours[channel.name] = colour
    return colours
