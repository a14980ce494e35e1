"""Shards that webdataset reads: in tar files, a sample for each site.

A sample is ``KEY.json``, then ``KEY.dna.png`` and so on in the order of the channels; of stacks it
is ``KEY.stack.ome.tiff``. The JSON has the columns of the site, and which file and page each
channel is. The bytes of a shard depend on nothing but its sites.
"""

import json
import math
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jumpduck.errors import QueryError
from jumpduck.exports.forms import Piece
from jumpduck.exports.plain_names import site_key, words_of_channels
from jumpduck.exports.shards import Shards
from jumpduck.imaging.readers import page_channels
from jumpduck.storage.atomic_files import begin_to_sync
from jumpduck.transfer.kept_sites import KeptSites, Site, Totals
from jumpduck.transfer.stacks import check_pages

OWN = ("channels", "files", "pages", "lacks")
"""Names in the JSON of a sample, beside the columns of its site."""

SYNC_BYTES = 2**23
"""Bytes after which the disk begins to write, while more are read."""

_SUFFIX = re.compile(r"(\.ome)?\.[A-Za-z0-9]+$")


class WebDataset:
    """Tar files, in a folder for each split where there are splits."""

    name = "webdataset"
    out = "webdataset"

    def __init__(self, kept: KeptSites, totals: Totals) -> None:
        if taken := [name for name in OWN if name in kept.site_columns]:
            raise QueryError(
                f"column {taken[0]!r} of the results has a name that each sample has, too; "
                "rename it in the manifest, and download into another folder"
            )
        self._kept = kept
        self._recipe = totals.recipes[0]
        self._words = words_of_channels(kept.channels)
        name = "{split}/shard-{number}.tar" if totals.splits else "shard-{number}.tar"
        self._shards = Shards(kept, totals, name, "")

    def pieces(self) -> Iterator[Piece]:
        """Get the shards."""
        return self._shards.pieces()

    def write(self, piece: Piece, path: Path) -> None:
        """Write a shard."""
        synced = 0
        with path.open("wb") as file:
            for site in piece.sites:
                key = site_key(site.key)
                members, about = self._sample(site)
                text = json.dumps(about, ensure_ascii=False).encode()
                for suffix, data in (("json", text), *members.items()):
                    entry = tarfile.TarInfo(f"{key}.{suffix}")
                    entry.size = len(data)
                    file.write(entry.tobuf(tarfile.PAX_FORMAT))
                    file.write(data)
                    file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
                if (end := file.tell()) - synced > SYNC_BYTES:
                    begin_to_sync(file.fileno(), synced, end - synced)
                    synced = end
            file.write(bytes(2 * tarfile.BLOCKSIZE))

    def finish(self) -> Mapping[str, bytes]:
        """Get ``dataset.json``: the shards of each split, as webdataset takes them."""
        splits: dict[str, Any] = {}
        for split, (shards, sites) in self._shards.counts.items():
            place = f"{split}/" if split else ""
            numbers = f"{{000000..{shards - 1:06}}}" if shards > 1 else "000000"
            splits[split or "all"] = {"urls": f"{place}shard-{numbers}.tar", "sites": sites}
        label, parameters = self._recipe
        about = {
            "channels": list(self._kept.channels),
            "recipe": label,
            "parameters": json.loads(parameters),
            "splits": splits,
        }
        return {"dataset.json": json.dumps(about, indent=1, ensure_ascii=False).encode()}

    def _sample(self, site: Site) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Get the files of a sample by their suffixes, and its JSON."""
        members: dict[str, bytes] = {}
        files: dict[str, str] = {}
        pages: dict[str, int] = {}
        channels = [image.channel for image in site.images]
        is_stacked = site.is_stacked
        for path, file in site.files.items():
            data = self._kept.read(file)
            ending = found[0] if (found := _SUFFIX.search(path)) else ""
            if is_stacked:
                suffix = f"stack{ending}"
                order = page_channels(data)
                check_pages(channels, order, path)
                pages = {channel: order.index(channel) for channel in channels}
                files = dict.fromkeys(pages, suffix)
            else:
                # small letters, because webdataset gives names in small letters
                suffix = f"{self._words[file.channel].lower()}{ending}"
                files[file.channel] = suffix
            members[suffix] = data
        about = {
            **_without_nan(site.columns),
            "channels": channels,
            "files": files,
            **({"pages": pages} if is_stacked else {}),
            "lacks": dict(site.lacks),
        }
        return members, about


def _without_nan(columns: Mapping[str, object]) -> dict[str, object]:
    """Get columns with null for numbers that JSON does not have."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in columns.items()
    }
