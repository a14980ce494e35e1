"""Draw docs/recipes.png: two generated sites in every recipe. Run it with `just picture`."""

import io
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageFont

from jumpduck.imaging.readers import decode_image
from jumpduck.imaging.transforms import resize
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import build
from jumpduck.synthetic.cells import STAINS, Phenotype, draw_site

EDGE_PIXELS = 1080
TILE_PIXELS = 240
GAP_PIXELS = 10
TEXT_PIXELS = 50
CHANNEL = "ER"
ACROSS = 5
SITES = {"untreated": Phenotype(), "treated": Phenotype(cells=0.7, er=2.0)}
WHITE_LEVEL = 9000  # the grey level that is drawn white where a file holds 16 bit
BACKGROUND, BRIGHT_TEXT, TEXT = "#15171c", "#f4f5f7", "#9aa2b1"

COLUMNS = (
    ("png8", {}), ("png8-plate", {}), ("png8", {"illum": True}), ("png8", {"resize": 96}),
    ("png16", {}), ("tiff16", {}), ("jxl", {}), ("jxl", {"distance": 1.0}), ("stack", {}),
    ("raw", {}),
)  # fmt: skip


def illum():
    """The vignette of draw_site, in the form that CellProfiler publishes it."""
    from_middle = np.linspace(-1, 1, EDGE_PIXELS) ** 2
    vignette = 1 - 0.15 * (from_middle[:, None] + from_middle[None, :])
    buffer = io.BytesIO()
    np.save(buffer, vignette / vignette.min())
    return buffer.getvalue()


def gallery():
    """The files by their URL, and the rows of their manifest."""
    files, rows = {}, []
    for number, (site, phenotype) in enumerate(SITES.items()):
        planes = draw_site(EDGE_PIXELS, phenotype, 10 + number)
        for channel in STAINS:
            buffer = io.BytesIO()
            tifffile.imwrite(buffer, planes[channel], metadata=None)
            url = f"{site}/{channel}.tif"
            files[url] = buffer.getvalue()
            rows.append({
                "Metadata_Well": site, "Metadata_Channel": channel,
                "url": url, "path": url, "url_illum": f"{channel}.npy",
            })  # fmt: skip
    return files | {f"{channel}.npy": illum() for channel in STAINS}, rows


def tile(recipe, data):
    page = STAINS.index(CHANNEL) if recipe.per_site else 0
    plane = decode_image(bytes(data), page=page)
    if plane.dtype == np.uint16:
        plane = (np.minimum(plane, WHITE_LEVEL) * (255 / WHITE_LEVEL)).astype(np.uint8)
    return Image.fromarray(resize(plane, TILE_PIXELS))


def main():
    files, rows = gallery()
    step = TILE_PIXELS + GAP_PIXELS, TILE_PIXELS + TEXT_PIXELS
    lines = len(SITES) * len(COLUMNS) // ACROSS
    size = ACROSS * step[0] + GAP_PIXELS, lines * step[1] + GAP_PIXELS
    picture = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for column, (name, options) in enumerate(COLUMNS):
        recipe = build(name, **options)
        context = recipe.prepare(rows, files.__getitem__) if recipe.prepare else None
        for line, site in enumerate(SITES):
            sources = [
                Source(files[row["url"]], row)
                for row in rows
                if row["Metadata_Well"] == site
                and (recipe.per_site or row["Metadata_Channel"] == CHANNEL)
            ]
            data = recipe.make(sources, context).data
            left = GAP_PIXELS + column % ACROSS * step[0]
            top = (column // ACROSS * len(SITES) + line) * step[1] + TEXT_PIXELS
            picture.paste(tile(recipe, data), (left, top))
            what = " ".join([name, *(f"{key} {value}" for key, value in options.items())])
            what = what.replace(" True", "")
            draw.text((left, top - 26), what, BRIGHT_TEXT, ImageFont.load_default(16), anchor="ls")
            about = f"{site}, {len(data) / 1e3:,.0f} kB"
            draw.text((left, top - 8), about, TEXT, ImageFont.load_default(13), anchor="ls")
    place = Path(__file__).with_suffix(".png")
    picture.quantize(128).save(place, optimize=True)
    print(f"-> {place}")


if __name__ == "__main__":
    main()
