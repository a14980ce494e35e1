"""Draw docs/recipes.png: two generated fields in every recipe. Run it with `just picture`."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from jumpduck.figures.letters import write_text
from jumpduck.imaging.tiff_reader import decode
from jumpduck.imaging.transforms import resize
from jumpduck.imaging.writers import encode_png
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import build
from jumpduck.schema import CHANNELS
from jumpduck.synthetic.cells import Phenotype, draw_site

EDGE = 1080
TILE = 240
GAP = 8
HEAD = 44
CHANNEL = "ER"
ACROSS = 5
FIELDS = {"untreated": Phenotype(), "treated": Phenotype(cells=0.7, er=2.0)}
SHOWN = 9000  # the grey level that is white where a file holds 16 bit

COLUMNS = (
    ("png8", {}), ("png8-plate", {}), ("png8", {"illum": True}), ("png8", {"resize": 96}),
    ("png16", {}), ("tiff16", {}), ("jxl", {}), ("jxl", {"distance": 1.0}), ("stack", {}),
    ("raw", {}),
)  # fmt: skip


def illum():
    """The shade that draw_site lays over its fields, as CellProfiler would publish it."""
    across = np.linspace(-1, 1, EDGE) ** 2
    shade = 1 - 0.15 * (across[:, None] + across[None, :])
    buffer = io.BytesIO()
    np.save(buffer, shade / shade.min())
    return buffer.getvalue()


def read(suffix, data):
    """The plane of CHANNEL in a file of this suffix."""
    match suffix:
        case ".png":
            return imagecodecs.png_decode(data)
        case ".jxl":
            return imagecodecs.jpegxl_decode(data)
        case ".ome.tiff":
            return decode(data, page=CHANNELS.index(CHANNEL))
        case _:
            return decode(data)


def main():
    files, rows = {}, []
    for number, (field, look) in enumerate(FIELDS.items()):
        for channel, plane in draw_site(EDGE, look, 10 + number).items():
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, plane, metadata=None)
            url = f"{field}/{channel}.tif"
            files[url] = buffer.getvalue()
            rows.append({
                "Metadata_Well": field, "Metadata_Channel": channel,
                "url": url, "path": url, "url_illum": f"{channel}.npy",
            })  # fmt: skip
        files |= {f"{channel}.npy": illum() for channel in CHANNELS}
    rows = [row for row in rows if row["Metadata_Channel"] in CHANNELS]
    lines = len(FIELDS) * len(COLUMNS) // ACROSS
    picture = np.zeros((lines * (TILE + HEAD) + GAP, ACROSS * (TILE + GAP) + GAP), np.uint8)
    for column, (name, options) in enumerate(COLUMNS):
        recipe = build(name, **options)
        context = recipe.prepare(rows, files.__getitem__) if recipe.prepare else None
        for line, field in enumerate(FIELDS):
            mine = [
                Source(files[row["url"]], row)
                for row in rows
                if row["Metadata_Well"] == field
                and (recipe.per_site or row["Metadata_Channel"] == CHANNEL)
            ]
            data = recipe.make(mine, context).data
            plane = read(recipe.suffix, data)
            if plane.dtype == np.uint16:
                plane = (np.minimum(plane, SHOWN) * (255 / SHOWN)).astype(np.uint8)
            down = column // ACROSS * len(FIELDS) + line
            top, left = down * (TILE + HEAD) + HEAD, GAP + column % ACROSS * (TILE + GAP)
            picture[top : top + TILE, left : left + TILE] = resize(plane, TILE)
            what = " ".join([name, *(f"{key} {value}" for key, value in options.items())])
            what = what.replace(" True", "")
            write_text(picture, what, top - HEAD + 8, left)
            write_text(picture, f"{field} {len(data) / 1e3:,.0f} KB", top - HEAD + 26, left)
    place = Path(__file__).with_suffix(".png")
    place.write_bytes(encode_png(picture))
    print(f"-> {place}")


if __name__ == "__main__":
    main()
