"""A chain fitted to a table and applied to it, with few plates in memory at a time."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError
from jumpduck.normalization.affine import Affine, Values
from jumpduck.normalization.checks import (
    cells_column,
    cells_of,
    check_complete,
    takes_missing,
)
from jumpduck.normalization.fitted import Fitted, FittedStep, groups_of
from jumpduck.normalization.kinds import PLATE, Key
from jumpduck.normalization.moments import Scatter
from jumpduck.normalization.references import References, Rows
from jumpduck.normalization.steps import Step
from jumpduck.profile_tables.checks import check_finite
from jumpduck.profile_tables.profiles import Profiles

READ_BYTES = 128 * 2**20
"""Of features that are read at a time, as 8-byte numbers; of one plate at least."""

HELD_BYTES = 900 * 2**20
"""A table of at most so many bytes of features is read once and held; a larger one is read once
for each step that is fitted over all plates, and once more."""

GATHERED_BYTES = 512 * 2**20
"""Of features that a step gathers at a time; the table is read once for each so many."""

MAX_NAMED = 5

Numbers = NDArray[np.intp]


class Table(Protocol):
    """A table whose features are read by row."""

    metadata: pl.DataFrame
    names: tuple[str, ...]

    def read(self, numbers: Numbers | None = None) -> Profiles:
        """Get rows by their numbers in `metadata`."""
        ...


class InMemory:
    """A table that is in memory."""

    def __init__(self, profiles: Profiles) -> None:
        self.metadata, self.names = profiles.metadata, profiles.names
        self._profiles = profiles

    def read(self, numbers: Numbers | None = None) -> Profiles:
        """Get rows by their numbers in `metadata`."""
        if numbers is None:
            return self._profiles
        if len(numbers) and (np.diff(numbers) == 1).all():  # no copy is needed
            start = int(numbers[0])
            values = self._profiles.features[start : start + len(numbers)]
            return Profiles(self.metadata[start : start + len(numbers)], values, self.names)
        return self._profiles.select(numbers)


@dataclass
class StepCounts:
    """What a step did, counted while it was fitted."""

    groups: int = 0
    rows: int = 0
    flat: int = 0
    flat_groups: int = 0
    shrinkage: list[float] = field(default_factory=list[float])
    _seen: set[Key] = field(default_factory=set[Key])

    def add(self, maps: Mapping[Key, Affine]) -> None:
        """Count the maps of some groups, each once."""
        for one in (maps[key] for key in maps.keys() - self._seen):
            self.groups += 1
            self.flat += int(one.facts.get("flat", 0))
            self.flat_groups += bool(one.facts.get("flat", 0))
            if "shrinkage" in one.facts:
                self.shrinkage.append(one.facts["shrinkage"])
        self._seen |= maps.keys()


@dataclass(frozen=True)
class _Block:
    """Rows of whole plates, mapped by the first steps of the chain."""

    rows: Numbers
    metadata: pl.DataFrame
    values: Values
    cells: Values | None
    done: int = 0


class Fitting:
    """Fits a chain to a table, step after step, and applies it.

    A step that is fitted on each plate by itself is fitted when the plate is read. Any other one
    is fitted on all plates, which are read and mapped by the steps before it.

    Parameters
    ----------
    table
        The profiles.
    steps
        The chain.
    references
        Which rows steps are fitted on; of `table`.
    stay
        Rows to go on with; by default all.
    keep
        Keep what was fitted on each plate, to be saved; matrices of many plates are large.
    """

    def __init__(
        self,
        table: Table,
        steps: Sequence[Step],
        references: References,
        *,
        stay: Rows | None = None,
        keep: bool = False,
    ) -> None:
        self.counts = [StepCounts() for _ in steps]
        self._table = table
        self._keep = keep
        self._steps: list[FittedStep] = []
        self._stay = np.ones(table.metadata.height, np.bool_) if stay is None else stay
        self._references = {number: references.of(step) for number, step in enumerate(steps)}
        for count, of_roles in zip(self.counts, self._references.values(), strict=True):
            count.rows = sum(int((rows & self._stay).sum()) for rows in of_roles.values())
        self._missing_allowed = takes_missing(steps)
        self._cells = cells_column(steps)
        self._plates = plates_of(table.metadata, self._stay)
        rows, width = int(self._stay.sum()), len(table.names)
        check_held(steps, rows, width)
        held = rows * width * 8 <= HELD_BYTES
        self._held = list(self._read()) if held else None
        names = table.names
        for number, step in enumerate(steps):
            fitted = FittedStep(step, names)
            if step.kind.align:
                self._align(fitted, number)
            elif PLATE not in step.by:
                self._fit(fitted, number)
            self._steps.append(fitted)
            names = fitted.names_out
            if not names:
                raise ProfileError(f"{step.name} drops all {len(fitted.names):,} features")
        self.names = names

    @property
    def fitted(self) -> Fitted:
        """The chain that was fitted; that of plates is whole when `normalized` is through."""
        return Fitted(self._steps)

    def normalized(self) -> Generator[tuple[Numbers, Profiles]]:
        """Get the plates mapped, with the numbers of their rows."""
        for block in self._blocks():
            done = self._through(block)
            yield done.rows, Profiles(done.metadata, done.values, self.names)

    def _fit(self, fitted: FittedStep, number: int) -> None:
        """Fit a step on the rows of all plates."""
        kind = fitted.step.kind
        width = len(fitted.names)
        parts = 1
        if kind.gathers:
            rows = sum(int(some.sum()) for some in self._references[number].values())
            parts = max(1, min(width, -(-rows * width * 8 // GATHERED_BYTES)))
        found: list[Mapping[Key, Affine]] = []
        for columns in _slices(width, parts):
            taken: dict[Key, Any] = {}
            for place, block in enumerate(self._blocks()):
                there = self._through(block)
                if self._held is not None:
                    self._held[place] = there
                check_complete(fitted.step, fitted.names, there.values, there.metadata)
                self._take(fitted.step, number, there, taken, columns)
            self._check_varying(fitted, taken)
            found.append(kind.end(taken, fitted.step.options))
        fitted.maps.update(_beside(found))
        self.counts[number].add(fitted.maps)

    def _align(self, fitted: FittedStep, number: int) -> None:
        """Change all rows together."""
        step, kind = fitted.step, fitted.step.kind
        assert self._held is not None
        assert kind.align is not None
        blocks = [self._through(one) for one in self._held]
        for one in blocks:
            check_complete(step, fitted.names, one.values, one.metadata)
        self._held = None  # because the library needs the memory
        batches = pl.concat([one.metadata[str(step.options["batch"])] for one in blocks])
        values = kind.align(
            np.concatenate([one.values for one in blocks]), batches.cast(pl.String).to_list()
        )
        ends = np.cumsum([len(one.values) for one in blocks])[:-1]
        self._held = [
            replace(one, values=part, done=number + 1)
            for one, part in zip(blocks, np.split(values, ends), strict=True)
        ]
        self.counts[number].groups = batches.n_unique()

    def _take(
        self,
        step: Step,
        number: int,
        block: _Block,
        taken: dict[Key, Any],
        columns: slice = slice(None),
    ) -> None:
        """Let what the maps are made of take those rows of a block that the step is fitted on."""
        whole = self._held is not None or columns == slice(None)
        for key, rows in groups_of(block.metadata, step.by, len(block.rows)).items():
            for role, reference in self._references[number].items():
                chosen = rows[reference[block.rows[rows]]]
                if len(chosen) < len(block.values):
                    x = block.values[chosen, columns]
                else:
                    x = block.values[:, columns]
                    # a view would keep all features of a block that is read in memory
                    x = x if whole else x.copy()
                group = (*key, *role)
                if group not in taken:
                    taken[group] = step.kind.begin(x.shape[1])
                if step.kind.counted and block.cells is not None:
                    taken[group].add(x, block.cells[chosen])
                else:
                    taken[group].add(x)

    def _through(self, block: _Block) -> _Block:
        """Get a block mapped by the steps that were fitted, and by those of its plates."""
        values = block.values
        for number, fitted in list(enumerate(self._steps))[block.done :]:
            here = _Block(block.rows, block.metadata, values, block.cells)
            check_complete(fitted.step, fitted.names, values, block.metadata)
            one = fitted
            if PLATE in fitted.step.by:
                one = self._of_plates(fitted, number, here)
            values = one.apply(values, block.metadata, block.cells)
        return _Block(block.rows, block.metadata, values, block.cells, len(self._steps))

    def _of_plates(self, fitted: FittedStep, number: int, block: _Block) -> FittedStep:
        """Get a step of each plate for the plates of a block."""
        keys = groups_of(block.metadata, fitted.step.by, len(block.rows))
        if all(key in fitted.maps for key in keys):
            return fitted
        taken: dict[Key, Any] = {}
        self._take(fitted.step, number, block, taken)
        self._check_varying(fitted, taken)
        maps = dict(fitted.step.kind.end(taken, fitted.step.options))
        self.counts[number].add(maps)
        if self._keep or all(one.matrix is None for one in maps.values()):
            fitted.maps.update(maps)
        return FittedStep(fitted.step, fitted.names, maps)

    def _blocks(self) -> Generator[_Block]:
        yield from self._read() if self._held is None else self._held

    def _read(self) -> Generator[_Block]:
        """Read whole plates, several at a time if they are small."""
        for rows in together(self._plates, rows_at_a_time(len(self._table.names))):
            read = self._table.read(rows)
            check_finite(read, missing=self._missing_allowed)
            yield _Block(rows, read.metadata, read.features, cells_of(read, self._cells))

    def _check_varying(self, fitted: FittedStep, taken: Mapping[Key, Any]) -> None:
        """Raise ProfileError for constant features, in whose direction nothing can be whitened."""
        if fitted.step.name != "spherize":
            return
        for scatter in taken.values():
            assert isinstance(scatter, Scatter)
            mean, matrix = scatter.merged()
            spread = np.sqrt(np.diag(matrix) / scatter.count)
            constant: list[int] = np.flatnonzero(
                spread <= 10 * np.finfo(float).eps * np.abs(mean)
            ).tolist()
            if constant:
                named = ", ".join(fitted.names[place] for place in constant[:MAX_NAMED])
                more = ", …" if len(constant) > MAX_NAMED else ""
                raise ProfileError(
                    f"spherize: {len(constant):,} features are constant among the {scatter.count:,}"
                    f" rows that it is fitted on ({named}{more}); put variance_filter or "
                    "variance_threshold before it"
                )


class Applied:
    """A chain that was fitted before, applied to a table.

    Parameters
    ----------
    fitted
        The chain.
    table
        The profiles.
    """

    def __init__(self, fitted: Fitted, table: Table) -> None:
        self._fitted, self._table = fitted, table
        self.names = fitted.steps[-1].names_out

    def normalized(self) -> Generator[tuple[Numbers, Profiles]]:
        """Get the plates mapped, with the numbers of their rows."""
        every = np.ones(self._table.metadata.height, np.bool_)
        plates = plates_of(self._table.metadata, every)
        for rows in together(plates, rows_at_a_time(len(self._table.names))):
            yield rows, self._fitted.apply(self._table.read(rows))


def check_held(steps: Sequence[Step], rows: int, width: int) -> None:
    """Raise ProfileError for a table that is too large for a step that changes all its rows."""
    size = rows * width * 8
    together = next((one.name for one in steps if one.kind.align), None)
    if size > HELD_BYTES and together is not None:
        raise ProfileError(
            f"{together} needs all rows in memory, at most {HELD_BYTES / 1e9:.1f} GB of features, "
            f"and {rows:,} rows of {width:,} features are {size / 1e9:.1f} GB; drop features in a "
            "run of its own before it, or choose rows (`where`)"
        )


def plates_of(metadata: pl.DataFrame, stay: Rows) -> list[Numbers]:
    """Get the numbers of the rows of each plate; of a table without plates, one by one."""
    if PLATE in metadata.columns and not metadata[PLATE].null_count():
        groups = groups_of(metadata, (PLATE,), metadata.height).values()
        kept = [rows[stay[rows]] for rows in groups]
        return [rows for rows in kept if len(rows)]
    chosen = np.flatnonzero(stay)
    return np.array_split(chosen, max(1, len(chosen) // 256))


def rows_at_a_time(features: int) -> int:
    """Get how many rows of so many features are read at a time."""
    return max(1, READ_BYTES // (8 * max(1, features)))


def together(plates: Sequence[Numbers], most: int) -> Generator[Numbers]:
    """Get the numbers of the rows of several plates, `most` or those of one plate."""
    waiting: list[Numbers] = []
    for rows in plates:
        if waiting and sum(map(len, waiting)) + len(rows) > most:
            yield np.concatenate(waiting)
            waiting = []
        waiting.append(rows)
    if waiting:
        yield np.concatenate(waiting)


def _slices(width: int, parts: int) -> list[slice]:
    """Get so many parts of the features, of about the same size."""
    ends = np.linspace(0, width, parts + 1).astype(int).tolist()
    return [slice(start, end) for start, end in pairwise(ends)]


def _beside(parts: Sequence[Mapping[Key, Affine]]) -> Mapping[Key, Affine]:
    """Get the maps of all features from those of some each."""
    if len(parts) == 1:
        return parts[0]

    def joined(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
        there = [one for one in arrays if one is not None]
        return np.concatenate(there) if there else None

    maps: dict[Key, Affine] = {}
    for key in parts[0]:
        own = [part[key] for part in parts]
        facts = dict(own[0].facts)
        if "flat" in facts:
            facts["flat"] = sum(one.facts["flat"] for one in own)
        maps[key] = Affine(
            kept=joined([one.kept for one in own]),
            center=joined([one.center for one in own]),
            scale=joined([one.scale for one in own]),
            facts=facts,
        )
    return maps
