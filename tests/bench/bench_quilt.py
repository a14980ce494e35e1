"""A package of Quilt with a million entries -> a manifest table, in time and memory.

    just bench quilt [--entries 1000000] [--without-meta] [--keep FOLDER]

The package is generated in the layout of hipsc_single_cell_image_dataset: two files a cell, a table
with a row a cell, and a user_meta of each file, as quilt3distribute writes it. The catalog and the
manifest are made in a process of their own, of which the time and the highest memory are printed.
"""

import argparse
import csv
import hashlib
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

PACKAGE = "allencell/aics/cells"
COLUMNS = ("crop_raw", "crop_seg")


def write_package(folder: Path, entries: int, *, with_meta: bool) -> None:
    """Write a package whose objects are not there."""
    cells = entries // 2
    digest = hashlib.sha256
    keys = {
        column: [
            f"{column}/{digest(f'{column}{n}'.encode()).hexdigest()}.ome.tif" for n in range(cells)
        ]
        for column in COLUMNS
    }
    with (folder / "metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("CellId", "FOVId", "PlateId", "WellId", "structure_name", *COLUMNS))
        for n in range(cells):
            paths = (keys[column][n] for column in COLUMNS)
            rows.writerow((n, n // 10, n // 2000, n // 40, f"GENE{n // 1000 % 25}", *paths))
    table = (folder / "metadata.csv").read_bytes()
    lines = [("metadata.csv", {}, len(table), digest(table).hexdigest())]
    for column in COLUMNS:
        for n, key in enumerate(keys[column]):
            said = {"CellId": n, "structure_name": "TOMM20", "FOVId": n // 10, "scale": 0.108333}
            meta = {"user_meta": said} if with_meta else {}
            lines.append((key, meta, 1_000_000 + n, key.partition("/")[2][:64]))
    lines.sort(key=lambda line: line[0].split("/"))
    header = {"version": "v0", "user_meta": {}, "message": "generated"}
    packages = folder / ".quilt" / "packages"
    packages.mkdir(parents=True)
    whole = digest(_hashed(header))
    with (packages / "new").open("w") as file:
        file.write(json.dumps(header) + "\n")
        for key, meta, size, value in lines:
            kind = {"type": "SHA256", "value": value}
            place = (
                f"s3://allencell/aics/cells/{key}?versionId={value[:32]}"
                if "/" in key
                else (f"s3://allencell/{key}")
            )
            line = {"logical_key": key, "physical_keys": [place], "size": size, "hash": kind}
            file.write(json.dumps(line | {"meta": meta}) + "\n")
            whole.update(_hashed({"logical_key": key, "size": size, "hash": kind, "meta": meta}))
    top_hash = whole.hexdigest()
    (packages / "new").rename(packages / top_hash)
    pointers = folder / ".quilt" / "named_packages" / PACKAGE.partition("/")[2]
    pointers.mkdir(parents=True)
    (pointers / "latest").write_text(top_hash)


def _hashed(part: object) -> bytes:
    return json.dumps(part, sort_keys=True, separators=(",", ":")).encode()


def make_tables(folder: Path) -> None:
    """Make catalog and manifest, and print what that takes."""
    import jumpduck
    from jumpduck.selection.criteria import Selection
    from jumpduck.stages.manifest import write_manifest

    first, processor = time.perf_counter(), time.process_time()
    jumpduck.catalog(
        folder / "catalog.duckdb", collection="quilt", package=PACKAGE, gallery=str(folder)
    )
    made = time.perf_counter()
    selection = Selection(channels=COLUMNS, per_well="all")
    write_manifest(folder / "catalog.duckdb", folder / "manifest.parquet", selection)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    size = (folder / "catalog.duckdb").stat().st_size / 1e6
    print(
        f"catalog {made - first:.1f} s ({size:.0f} MB), manifest {done - made:.1f} s, together "
        f"{done - first:.1f} s, {time.process_time() - processor:.1f} s of processor, "
        f"{peak:.0f} MB at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--without-meta", action="store_true")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        if not (folder / "metadata.csv").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_package(folder, asked.entries, with_meta=not asked.without_meta)
        process = multiprocessing.get_context("spawn").Process(target=make_tables, args=(folder,))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
