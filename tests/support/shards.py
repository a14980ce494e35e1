"""Shards of a manifest."""

from pathlib import Path

import polars as pl


def write_shards(manifest: Path, folder: Path, number: int) -> Path:
    """Write so many shards of a manifest, with their index."""
    folder.mkdir()
    rows = pl.read_parquet(manifest)
    metadata = {
        name: text
        for name, text in pl.read_parquet_metadata(manifest).items()
        if name != "ARROW:schema"
    }
    lines = ["shard\tfile\tplates\tfiles\tgb\tsha256"]
    for one in range(number):
        start, end = (rows.height * place // number for place in (one, one + 1))
        part = rows[start:end]
        part.write_parquet(folder / f"{one + 1:04}.parquet", metadata=metadata)
        lines.append(f"{one + 1}\t{one + 1:04}.parquet\t1\t{part.height}\t0.001\t0")
    (folder / "index.tsv").write_text("\n".join(lines) + "\n")
    return folder
