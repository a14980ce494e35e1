"""Sites divided among files of bounded size, those of each split by themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jumpduck.errors import QueryError
from jumpduck.exports.forms import Piece
from jumpduck.transfer.kept_sites import SPLIT, KeptSites, Site, Totals

MAX_SHARD_BYTES = 500_000_000
"""Bytes of the kept files in one shard at most, unless one site has more."""

_SPLIT = re.compile(r"[A-Za-z0-9]\w{0,63}", re.ASCII)


@dataclass
class Shards:
    """The shards of each split; the sites of a shard are in the order of the results.

    Parameters
    ----------
    kept, totals
        The sites to export.
    pattern
        Name of a shard, with ``split`` and ``number`` in braces.
    whole
        Name of the split where the results have no column `split`.

    Attributes
    ----------
    counts
        Number of shards and of sites of each split, of the pieces that were asked for.
    """

    kept: KeptSites
    totals: Totals
    pattern: str
    whole: str
    counts: dict[str, tuple[int, int]] = field(
        init=False, default_factory=dict[str, tuple[int, int]]
    )

    def __post_init__(self) -> None:
        for split in self.totals.splits:
            if split is None:
                raise QueryError(
                    "folder has sites without a value in the column split; choose all of them with "
                    "`jumpduck manifest --split`, and download into another folder"
                )
            if not _SPLIT.fullmatch(split):
                raise QueryError(
                    f"split {split!r} cannot be the name of a folder; name it with letters, "
                    "digits and underscores in `jumpduck manifest --split`"
                )

    def pieces(self) -> Iterator[Piece]:
        """Get the shards."""
        self.counts = dict.fromkeys(map(str, self.totals.splits), (0, 0))
        waiting: dict[str, list[Site]] = {}
        sizes: dict[str, int] = {}
        for plate in self.kept.plates():
            for site in plate.sites():
                split = str(site.columns.get(SPLIT, self.whole))
                size = sum(file.size for file in site.files.values())
                if waiting.get(split) and sizes[split] + size > MAX_SHARD_BYTES:
                    yield self._piece(split, waiting.pop(split))
                waiting.setdefault(split, []).append(site)
                sizes[split] = size + (sizes[split] if len(waiting[split]) > 1 else 0)
        for split in sorted(waiting):
            yield self._piece(split, waiting[split])

    def _piece(self, split: str, sites: list[Site]) -> Piece:
        number, before = self.counts.get(split, (0, 0))
        self.counts[split] = (number + 1, before + len(sites))
        return Piece(self.pattern.format(split=split, number=f"{number:06}"), sites)
