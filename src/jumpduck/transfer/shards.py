"""How a manifest is divided into shards: which of its rows each has.

A shard has whole plates unless it may cut them. The same manifest and the same number of shards
give the same shards.
"""

import heapq
import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import polars as pl

from jumpduck.counts import counted
from jumpduck.errors import QueryError
from jumpduck.rows import PLATE_KEY, SITE_KEY, PlateKey
from jumpduck.transfer.manifest_files import rows_as_file
from jumpduck.transfer.manifest_plates import (
    find_plates,
    join_ranges,
    put_together,
    stand_together,
)

MAX_OF_MEAN = 1.1
"""Size of the largest shard, as a multiple of the mean, up to which shards are balanced."""

NEAR_ROWS = 600_000
"""Rows that are read together. The plates of a shard stand so near to one another if they can,
because reading some plates out of all parts of a manifest takes many times as long."""

Range = tuple[int, int]
"""First row and number of rows."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Some rows of a manifest.

    Attributes
    ----------
    ranges
        The rows, in the order of the manifest.
    plates
        Number of plates that they are of.
    size
        Bytes to fetch, as the manifest estimates them; the number of rows where it does not.
    cut
        It has a part of a plate, and others have the rest.
    """

    ranges: Sequence[Range]
    plates: int
    size: int
    cut: bool

    @property
    def files(self) -> int:
        """Number of its rows."""
        return sum(count for _, count in self.ranges)

    @property
    def span(self) -> Range:
        """Get the first row and the end of all rows."""
        return self.ranges[0][0], sum(self.ranges[-1])


class MeasuredPlates:
    """The plates of a manifest, with what there is to fetch of each.

    Parameters
    ----------
    rows
        The manifest.

    Attributes
    ----------
    rows
        The same, the rows of each plate together.
    keys, ranges
        Name and rows of each plate.
    sizes
        Bytes to fetch of each; the number of its rows where they are not known of all.
    in_bytes
        Whether they are known.

    Raises
    ------
    ManifestError
        A plate cannot be used; as `jumpduck.transfer.manifest_plates.find_plates`.
    """

    def __init__(self, rows: pl.LazyFrame) -> None:
        keys = rows.with_columns(pl.col(PLATE_KEY).cast(pl.String))
        plates = find_plates(keys)
        if not stand_together(plates):
            rows = put_together(keys, plates)
            plates = find_plates(rows)
        self.rows = rows
        self.keys: Sequence[PlateKey] = plates.select(PLATE_KEY).rows()
        self.ranges: Sequence[Range] = plates.select("first", "rows").rows()
        counts = plates["rows"].cast(pl.Int64).to_list()
        sizes = self._bytes(plates["first"].to_numpy())
        self.in_bytes = sizes is not None
        self.sizes: Sequence[int] = sizes or counts
        self.files = sum(counts)

    def _bytes(self, first: np.ndarray) -> list[int] | None:
        if "estimated_bytes" not in self.rows.collect_schema():
            return None
        known = self.rows.select(pl.col("estimated_bytes").cast(pl.Int64)).collect()
        sizes = known["estimated_bytes"]
        if sizes.null_count() or not sizes.sum() or int(sizes.min() or 0) < 0:  # pyright: ignore[reportArgumentType]
            return None
        return np.add.reduceat(sizes.to_numpy(), first.astype(np.int64)).tolist()

    def sites_stand_apart(self) -> bool:
        """Get whether there are rows of other sites between those of a site."""
        site = pl.struct(pl.col(SITE_KEY).cast(pl.String))
        found = self.rows.select(sites=site.n_unique(), runs=site.rle_id().max() + 1).collect()
        sites, runs = found.row(0)
        return sites < runs

    def why_not_cut_further(self) -> str:
        """Get why shards whose plates may be cut are not smaller."""
        if self.sites_stand_apart():
            return (
                "the rows of its sites do not stand together; sort the manifest by source, batch, "
                "plate, well and site"
            )
        return "a site is not divided"

    def ends_of_sites(self, plate: int) -> list[tuple[int, int]]:
        """Get the rows of a plate before which it can be cut, with the size of the rows before."""
        first, count = self.ranges[plate]
        size = pl.col("estimated_bytes").cast(pl.Int64) if self.in_bytes else pl.lit(1, pl.Int64)
        # a site whose rows do not follow one another is not cut either
        last = pl.col("number").max().over("Metadata_Well", "Metadata_Site").cum_max()
        found = (
            self.rows.slice(first, count)
            .select("Metadata_Well", "Metadata_Site", size=size)
            .with_row_index("number")
            .select(end=pl.col("number") + 1, last=last, before=pl.col("size").cum_sum())
            .filter(pl.col("last") + 1 == pl.col("end"))
            .collect()
        )
        return [(first + end, before) for end, before in found.select("end", "before").rows()]


def shards_of(plates: MeasuredPlates, into: int, *, cut: bool) -> list[Shard]:
    """Divide a manifest into so many shards, the largest as small as can be.

    Raises
    ------
    QueryError
        There are fewer plates than shards, or fewer sites if plates may be cut.
    """
    if into < 1:
        raise QueryError(f"into {into} is below 1; give the number of shards")
    if cut:
        return _cut(plates, into)
    count = len(plates.keys)
    if into > count:
        raise QueryError(
            f"into {into} is more than the {counted(count, 'plate')} to fetch, and "
            f"a plate is not divided; give {count} or fewer, or `cut` to divide plates"
        )
    dealt = _dealt_nearby(plates, into)
    if _largest(plates, dealt) * into > MAX_OF_MEAN * sum(plates.sizes):
        # because plates of very different sizes need a choice among all
        every = _dealt(range(count), plates.sizes, into)
        dealt = min(dealt, every, key=lambda one: _largest(plates, one))
    return [_whole(plates, places) for places in dealt]


def one_a_plate(plates: MeasuredPlates) -> list[Shard]:
    """Get a shard for each plate."""
    return [_whole(plates, [place]) for place in range(len(plates.keys))]


def shards_up_to(plates: MeasuredPlates, size: float, *, cut: bool) -> list[Shard]:
    """Get as few shards as are not larger than `size`, as far as plates allow.

    Where plates may be cut, a shard may be larger by a part of a site.
    """
    into = max(1, math.ceil(sum(plates.sizes) / size))
    if cut:
        return _cut(plates, into)
    # because no two plates of more than half the size go together, fewer need not be tried
    into = max(into, sum(one > size / 2 for one in plates.sizes))
    while True:
        into = min(into, len(plates.keys))
        shards = shards_of(plates, into, cut=False)
        if not any(shard.size > size and shard.plates > 1 for shard in shards):
            return shards
        into += 1


def why_unbalanced(plates: MeasuredPlates, shards: Sequence[Shard], *, cut: bool) -> str | None:
    """Get why the largest shard is larger than it should be; None if it is not.

    Parameters
    ----------
    cut
        Plates may be cut.
    """
    largest = max(shards, key=lambda shard: shard.size)
    mean = sum(shard.size for shard in shards) / len(shards)
    if largest.size <= MAX_OF_MEAN * mean:
        return None
    much = f"the largest shard has {largest.size / mean:.2f} times the mean"
    if cut:
        return f"{much}, because {plates.why_not_cut_further()}"
    if largest.plates == 1:
        place = plates.ranges.index(largest.ranges[0])
        return f"{much}, because plate {plates.keys[place][2]} has it; `cut` divides plates"
    each = len(plates.keys) / len(shards)
    return f"{much}, because there are {each:,.1f} plates a shard; `cut` divides plates"


def rows_of(rows: pl.LazyFrame, ranges: Iterable[Range]) -> pl.LazyFrame:
    """Get some rows."""
    return pl.concat([rows.slice(first, count) for first, count in ranges])


def rows_of_shard(rows: pl.LazyFrame, shard: str) -> pl.LazyFrame:
    """Get a copy of the rows that a shard has, written as NUMBER/OF.

    Raises
    ------
    QueryError
        There is no such shard.
    ManifestError
        A plate cannot be used.
    """
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*", shard)
    if found is None:
        raise QueryError(f"shard {shard!r} is not like 7/200, which is NUMBER/OF")
    number, into = int(found[1]), int(found[2])
    if not 1 <= number <= into:
        raise QueryError(
            f"shard {shard!r} is not one of {into:,}; the first is 1/{into} and the last "
            f"{into}/{into}"
            if into
            else f"shard {shard!r} is one of none; give NUMBER/OF, as 1/200"
        )
    plates = MeasuredPlates(rows)
    if into > len(plates.keys):
        count = len(plates.keys)
        raise QueryError(
            f"shard {shard!r} is one of more than the {counted(count, 'plate')} of the "
            f"manifest, and a plate is not divided; give one of {count} or fewer, or write shards "
            "with `jumpduck split --cut`"
        )
    ranges = shards_of(plates, into, cut=False)[number - 1].ranges
    return rows_as_file(rows_of(plates.rows, ranges))


def _whole(plates: MeasuredPlates, places: Sequence[int]) -> Shard:
    ranges = join_ranges(plates.ranges[place] for place in places)
    return Shard(ranges, len(places), sum(plates.sizes[place] for place in places), cut=False)


def _dealt(places: Sequence[int], sizes: Sequence[int], into: int) -> list[list[int]]:
    """Deal out plates: the largest first, each to the shard that has least; ties by their place."""
    shards: list[list[int]] = [[] for _ in range(into)]
    loads = [(0, 0, number) for number in range(into)]
    for place in sorted(places, key=lambda place: (-sizes[place], place)):
        load, count, number = heapq.heappop(loads)
        shards[number].append(place)
        heapq.heappush(loads, (load + sizes[place], count + 1, number))
    return sorted(sorted(shard) for shard in shards)


def _dealt_nearby(plates: MeasuredPlates, into: int) -> list[list[int]]:
    """Deal out plates that stand near one another, a few shards at a time."""
    before = [0, *accumulate(plates.sizes)]
    count = len(plates.sizes)
    together = max(1, NEAR_ROWS * into // plates.files)
    shards: list[list[int]] = []
    start = 0
    while (done := len(shards)) < into:
        some = min(together, into - done)
        left = into - done - some
        end = _nearest(before, before[-1] * (done + some) / into) if left else count
        end = min(max(end, start + some), count - left)
        shards += _dealt(range(start, end), plates.sizes, some)
        start = end
    return shards


def _largest(plates: MeasuredPlates, dealt: Sequence[Sequence[int]]) -> int:
    return max(sum(plates.sizes[place] for place in shard) for shard in dealt)


def _nearest(values: Sequence[int], target: float) -> int:
    """Get the place of the value that is nearest to `target`; the values do not decrease."""
    after = bisect_left(values, target)
    if after == 0 or (after < len(values) and values[after] - target < target - values[after - 1]):
        return min(after, len(values) - 1)
    return after - 1


def _cut(plates: MeasuredPlates, into: int) -> list[Shard]:
    """Divide a manifest between sites, wherever its plates end."""
    before = [0, *accumulate(plates.sizes)]
    targets = [before[-1] * number / into for number in range(1, into)]
    hit = {min(bisect_left(before, target), len(plates.keys)) - 1 for target in targets}
    ends = _ends(plates, before, sorted(hit - {-1}))
    if len(ends) <= into:  # too few to choose from
        ends = _ends(plates, before, range(len(plates.keys)))
    if len(ends) <= into:
        count = len(ends) - 1
        whole = not plates.sites_stand_apart()
        what = "sites of the manifest" if whole else "parts that it can be cut into"
        raise QueryError(
            f"into {into} is more than the {count:,} {what}, because "
            f"{plates.why_not_cut_further()}; give {count} or fewer"
        )
    sizes = [size for _, size in ends]
    places = [_nearest(sizes, target) for target in targets]
    for number in range(len(places)):
        least = places[number - 1] + 1 if number else 1
        places[number] = max(places[number], least)
    for number in reversed(range(len(places))):
        places[number] = min(places[number], len(ends) - 1 - (len(places) - number))
    firsts = {first for first, _ in plates.ranges} | {plates.files}
    shards: list[Shard] = []
    for start, end in pairwise([0, *places, len(ends) - 1]):
        (first, size), (last, more) = ends[start], ends[end]
        own = sum(at < last and at + count > first for at, count in plates.ranges)
        shards.append(Shard([(first, last - first)], own, more - size, not {first, last} <= firsts))
    return shards


def _ends(
    plates: MeasuredPlates, before: Sequence[int], cut: Iterable[int]
) -> list[tuple[int, int]]:
    """Get the rows before which a shard may end, with the size of all rows before."""
    ends = {0: 0}
    ends |= {sum(range_): size for range_, size in zip(plates.ranges, before[1:], strict=True)}
    for plate in cut:
        ends |= {row: before[plate] + size for row, size in plates.ends_of_sites(plate)}
    return sorted(ends.items())
