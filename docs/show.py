"""Draw docs/show.png: a gene of the demo beside its controls. Run it with `just picture`."""

import tempfile
from pathlib import Path

from PIL import Image

import jumpduck
from jumpduck.synthetic.gallery import write_gallery

WIDTH = 800
COLOURS = 128


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write_gallery(folder)
        catalog = folder / "catalog.duckdb"
        jumpduck.catalog(catalog, gallery=str(made.gallery), metadata=str(made.metadata))
        manifest = folder / "manifest.parquet"
        jumpduck.manifest(catalog, manifest, genes="TP53", with_controls=True)
        jumpduck.download(manifest, folder / "images")
        shown = jumpduck.show(
            "TP53", out=folder / "images", path=folder / "show.png", sites=2, controls=2
        )
        picture = Image.open(shown.path)
    place = Path(__file__).with_suffix(".png")
    size = (WIDTH, WIDTH * picture.height // picture.width)
    small = picture.resize(size, Image.Resampling.LANCZOS)
    small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(place, optimize=True)
    print(f"-> {place}")


if __name__ == "__main__":
    main()
