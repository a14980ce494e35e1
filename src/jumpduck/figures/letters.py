"""Small upper-case letters for pictures, five pixels wide and seven high."""

import numpy as np
from numpy.typing import NDArray

# five columns a glyph, two hex digits each, the lowest bit at the top
_GLYPHS = {
    " ": "0000000000", "(": "001C224100", ")": "0041221C00", "+": "08083E0808",
    ",": "0050300000", "-": "0808080808", ".": "0060600000", "/": "2010080402",
    ":": "0036360000", "?": "0201590906", "_": "4040404040", "0": "3E5149453E",
    "1": "00427F4000", "2": "4261514946", "3": "2141454B31", "4": "1814127F10",
    "5": "2745454539", "6": "3C4A494930", "7": "0171090503", "8": "3649494936",
    "9": "064949291E", "A": "7E1111117E", "B": "7F49494936", "C": "3E41414122",
    "D": "7F4141413E", "E": "7F49494941", "F": "7F09090901", "G": "3E4149497A",
    "H": "7F0808087F", "I": "00417F4100", "J": "2040413F01", "K": "7F08142241",
    "L": "7F40404040", "M": "7F020C027F", "N": "7F0408107F", "O": "3E4141413E",
    "P": "7F09090906", "Q": "3E4151215E", "R": "7F09192946", "S": "4649494931",
    "T": "01017F0101", "U": "3F4040403F", "V": "1F2040201F", "W": "3F4038403F",
    "X": "6314081463", "Y": "0708700807", "Z": "6151494543",
}  # fmt: skip


def write_text(
    picture: NDArray[np.uint8], text: str, top: int, left: int, *, scale: int = 2
) -> None:
    """Write `text` into a grey picture in white; what does not fit is cut off."""
    glyphs = [_glyph(letter) for letter in text.upper()]
    if not glyphs:
        return
    line = np.kron(np.hstack(glyphs), np.ones((scale, scale), np.uint8))
    room = picture[top : top + line.shape[0], left : left + line.shape[1]]
    np.maximum(room, line[: room.shape[0], : room.shape[1]] * np.uint8(255), out=room)


def _glyph(letter: str) -> NDArray[np.uint8]:
    columns = np.frombuffer(bytes.fromhex(_GLYPHS.get(letter, _GLYPHS["?"])), np.uint8)
    rows = np.unpackbits(columns[None, :], axis=0, bitorder="little")[:7]
    return np.pad(rows, ((0, 0), (0, 1)))
