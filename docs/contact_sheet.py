"""Draw docs/contact_sheet.png: the demo's CRISPR plate. Run it with `just picture`."""

import tempfile
from pathlib import Path

from PIL import Image

import jumpduck
from jumpduck.figures.contact_sheet import contact_sheet
from jumpduck.synthetic.gallery import write_gallery

WIDTH = 700
GREY_LEVELS = 32


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write_gallery(folder)
        catalog = folder / "catalog.duckdb"
        jumpduck.catalog(catalog, gallery=str(made.gallery), metadata=str(made.metadata))
        rows = jumpduck.manifest(catalog, sources=["source_13"], per_well={"trt": 1, "negcon": 1})
        jumpduck.download(rows, folder / "images")
        sheet = Image.open(contact_sheet(folder / "images"))
    place = Path(__file__).with_suffix(".png")
    small = sheet.resize((WIDTH, WIDTH * sheet.height // sheet.width), Image.Resampling.LANCZOS)
    small.quantize(GREY_LEVELS).save(place, optimize=True)
    print(f"-> {place}")


if __name__ == "__main__":
    main()
