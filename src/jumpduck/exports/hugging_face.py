"""A data set that the library datasets loads: Parquet with a column of images for each channel."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from jumpduck.counts import counted
from jumpduck.errors import QueryError, needs_extra
from jumpduck.exports.forms import Piece
from jumpduck.exports.plain_names import words_of_channels
from jumpduck.exports.shards import Shards
from jumpduck.transfer.kept_sites import KeptSites, Site, Totals

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
"""Suffixes of files that datasets opens, with Pillow."""

ALL = "all"

ROW_GROUP_BYTES = 32_000_000
"""Bytes of images that are in memory at once, for each thread, and that a reader has to read."""

TYPES: Mapping[type[pl.DataType], str] = {
    pl.String: "string",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.Float64: "float64",
    pl.Boolean: "bool",
}
"""Types of the columns of results, as datasets calls them."""


class HuggingFace:
    """``data/SPLIT-000000.parquet``, and a card that says what is in it."""

    name = "huggingface"
    out = "huggingface"

    def __init__(self, kept: KeptSites, totals: Totals) -> None:
        pa, _ = _arrow()
        if totals.has_stacks:
            raise QueryError(
                "form huggingface takes one file an image, because datasets would show the first "
                "page of a stack alone; download with `--recipe png16` into another folder"
            )
        if other := [suffix for suffix in totals.suffixes if suffix not in SUFFIXES]:
            raise QueryError(
                f"form huggingface takes files that Pillow opens, and {kept.folder.path} has "
                f"{other[0]}; download with `--recipe png16` or `--recipe png8` into another folder"
            )
        # datasets compares small letters
        if every := [one for one in totals.splits if str(one).lower() == ALL]:
            raise QueryError(
                f"split {every[0]!r} means all splits to datasets; name it otherwise in "
                "`jumpduck manifest --split`, and download into another folder"
            )
        self._kept = kept
        self._totals = totals
        self._shards = Shards(kept, totals, "data/{split}-{number}.parquet", "train")
        words = words_of_channels(kept.channels)
        self._columns = {channel: f"image_{word}" for channel, word in words.items()}
        types = kept.folder.results.collect_schema()
        own = {name: TYPES[type(types[name])] for name in kept.site_columns}
        if taken := [name for name in self._columns.values() if name in own]:
            raise QueryError(
                f"column {taken[0]!r} of the results has a name that images get here; rename it in "
                "the manifest, and download into another folder"
            )
        features = {
            **{name: {"dtype": dtype, "_type": "Value"} for name, dtype in own.items()},
            **{name: {"_type": "Image"} for name in self._columns.values()},
        }
        note = json.dumps({"info": {"features": features}})
        image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        arrow: dict[str, Any] = {
            **{name: pa.type_for_alias(dtype) for name, dtype in own.items()},
            **dict.fromkeys(self._columns.values(), image),
        }
        self._schema = pa.schema(arrow, metadata={"huggingface": note})

    def pieces(self) -> Iterator[Piece]:
        """Get the shards."""
        return self._shards.pieces()

    def write(self, piece: Piece, path: Path) -> None:
        """Write a shard."""
        pa, parquet = _arrow()
        # images are compressed, and none is like another
        own = list(self._kept.site_columns)
        compression = dict.fromkeys(own, "zstd")
        with parquet.ParquetWriter(
            path, self._schema, compression=compression, use_dictionary=own, write_statistics=own
        ) as file:
            for sites in _groups(piece.sites):
                rows = [self._row(site) for site in sites]
                file.write_table(pa.Table.from_pylist(rows, self._schema))

    def finish(self) -> Mapping[str, bytes]:
        """Get the card."""
        return {"README.md": self._card().encode()}

    def _row(self, site: Site) -> dict[str, object]:
        images = {
            self._columns[image.channel]: {
                "bytes": self._kept.read(image),
                "path": image.path.rpartition("/")[2],
            }
            for image in site.images
        }
        return {**site.columns, **images}

    def _card(self) -> str:
        splits = "".join(
            f"  - split: {json.dumps(split)}\n    path: data/{split}-*.parquet\n"
            for split in self._shards.counts
        )
        counts = "".join(
            f"| {split} | {sites:,} | {shards:,} |\n"
            for split, (shards, sites) in self._shards.counts.items()
        )
        channels = "".join(
            f"| `{column}` | {_plain(channel)} |\n" for channel, column in self._columns.items()
        )
        label, parameters = self._totals.recipes[0]
        origins = self._kept.folder.origins
        names = {str(one.catalog.get("collection", "")) for one in origins} - {""}
        source = f" of {', '.join(sorted(map(_plain, names)))}" if names else ""
        return (
            f"---\nconfigs:\n- config_name: default\n  data_files:\n{splits}---\n\n"
            f"# {counted(self._totals.sites, 'site')}{source}\n\n"
            "A row for each site, with a column of images for each channel and the columns "
            "`Metadata_*` as they are published. Made with jumpduck.\n\n"
            f"| split | sites | files |\n|---|---|---|\n{counts}\n"
            f"| column | channel |\n|---|---|\n{channels}\n"
            f"The images were made by the recipe {_plain(label)} with {_plain(parameters)}, and "
            "are copied byte for byte.\n\n"
            '```python\nfrom datasets import load_dataset\n\nload_dataset("FOLDER")\n```\n'
        )


def _arrow() -> tuple[Any, Any]:
    """Get pyarrow and its module for Parquet, which have no types."""
    try:
        import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]
        from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise QueryError(needs_extra("form huggingface", "pyarrow", "huggingface")) from None
    return pa, parquet


def _groups(sites: Sequence[Site]) -> Iterator[list[Site]]:
    """Get sites whose images may be in memory at once."""
    group: list[Site] = []
    size = 0
    for site in sites:
        more = sum(image.size for image in site.images)
        if group and size + more > ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(site)
        size += more
    if group:
        yield group


def _plain(text: str) -> str:
    """Get a text of the results as a code span, which no text can end."""
    return f"`{' '.join(text.replace('`', ' ').replace('|', '/').split())}`"
