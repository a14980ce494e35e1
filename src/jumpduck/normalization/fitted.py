"""A chain that was fitted: applied to other rows, and kept in a file."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, BinaryIO, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError
from jumpduck.normalization.affine import Affine, Values, arrays_of
from jumpduck.normalization.checks import (
    cells_column,
    cells_of,
    check_complete,
    takes_missing,
)
from jumpduck.normalization.kinds import KINDS, Key
from jumpduck.normalization.steps import Step
from jumpduck.profile_tables.checks import check_finite
from jumpduck.profile_tables.columns import ROW_NUMBER
from jumpduck.profile_tables.profiles import Profiles

FORMAT = 1
"""Version of the form of a file."""

_HEADER = "header"
_MAX_NAMED = 3
"""Names that a message lists."""


@dataclass(frozen=True)
class FittedStep:
    """A step with the map of each group.

    Parameters
    ----------
    step
        Which.
    names
        Features that it takes.
    maps
        The map of each group, by the values of the columns of `Step.by`.
    """

    step: Step
    names: tuple[str, ...]
    maps: dict[Key, Affine] = field(default_factory=dict[Key, Affine])

    @property
    def names_out(self) -> tuple[str, ...]:
        """Features that it gives."""
        if self.step.kind.drops:
            kept = self.maps[()].kept
            assert kept is not None
            return tuple(name for name, stays in zip(self.names, kept, strict=True) if stays)
        if self.step.name == "tvn" or str(self.step.options.get("kind")).startswith("PCA"):
            return tuple(f"PC{number}" for number in range(1, len(self.names) + 1))
        return self.names

    def apply(self, x: Values, metadata: pl.DataFrame, cells: Values | None) -> Values:
        """Get rows mapped, each by the map of its group.

        Raises
        ------
        ProfileError
            A group was not fitted.
        """
        groups = groups_of(metadata, self.step.by, len(x))
        if len(groups) == 1:
            (key,) = groups
            return self._map(key).apply(x, cells)
        y = np.empty((len(x), len(self.names_out)))
        for key, rows in groups.items():
            y[rows] = self._map(key).apply(x[rows], None if cells is None else cells[rows])
        return y

    def _map(self, key: Key) -> Affine:
        if key not in self.maps:
            raise ProfileError(
                f"{self.step.name} was not fitted for {said(self.step.by, key)}; fit it on a table "
                f"that has it, or on all rows together: {self.step.name}:by=none"
            )
        return self.maps[key]


@dataclass(frozen=True)
class Fitted:
    """A chain that was fitted.

    Parameters
    ----------
    steps
        Its steps, in their order.
    facts
        What it was fitted on: the conditions, versions of libraries.
    """

    steps: Sequence[FittedStep]
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def names(self) -> tuple[str, ...]:
        """Features that it takes."""
        return self.steps[0].names

    def columns_for(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Get where the features of the chain are among those of a table.

        Raises
        ------
        ProfileError
            Some are not there, or the table has others.
        """
        places = {name: place for place, name in enumerate(names)}
        missing = [name for name in self.names if name not in places]
        more = [name for name in names if name not in set(self.names)]
        if missing or more:
            what = [
                f"{verb} {len(some):,} ({', '.join(some[:_MAX_NAMED])}"
                + (", …)" if len(some) > _MAX_NAMED else ")")
                for verb, some in (("lacks", missing), ("has others:", more))
                if some
            ]
            raise ProfileError(
                f"the fit is of {len(self.names):,} features; the table {' and '.join(what)}; "
                "choose the same with `features`"
            )
        return np.array([places[name] for name in self.names], np.intp)

    def apply(self, profiles: Profiles) -> Profiles:
        """Get profiles mapped by all steps.

        Raises
        ------
        ProfileError
            They have other features, values that the steps do not take, or groups that were not
            fitted.
        """
        columns = self.columns_for(profiles.names)
        steps = [one.step for one in self.steps]
        if not np.array_equal(columns, np.arange(len(columns))):
            profiles = profiles.with_features(profiles.features[:, columns], self.names)
        check_finite(profiles, missing=takes_missing(steps))
        cells = cells_of(profiles, cells_column(steps))
        values = profiles.features
        for one in self.steps:
            check_complete(one.step, one.names, values, profiles.metadata)
            values = one.apply(values, profiles.metadata, cells)
        return profiles.with_features(values, self.steps[-1].names_out)

    def save(self, file: BinaryIO) -> None:
        """Write the chain as arrays of NumPy and a text, without pickled objects."""
        arrays: dict[str, Any] = {}
        steps: list[dict[str, Any]] = []
        for number, one in enumerate(self.steps):
            maps: list[dict[str, Any]] = []
            for place, (key, made) in enumerate(sorted(one.maps.items())):
                for name, array in arrays_of(made).items():
                    arrays[f"{number}/{place}/{name}"] = array
                maps.append({"key": key, "facts": dict(made.facts)})
            step = one.step
            steps.append(
                {
                    "name": step.name,
                    "on": step.on,
                    "by": step.by,
                    "options": dict(step.options),
                    "names": one.names,
                    "maps": maps,
                }
            )
        header = json.dumps({"format": FORMAT, "facts": dict(self.facts), "steps": steps})
        np.savez(file, **{_HEADER: np.array(header)}, **arrays)

    @classmethod
    def load(cls, data: bytes, called: str) -> "Fitted":
        """Read a chain that `save` wrote.

        Raises
        ------
        ProfileError
            The file is something else, or is damaged.
        """
        try:
            _check_stored(data)
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                header = cast("dict[str, Any]", json.loads(str(arrays[_HEADER])))
                if header["format"] != FORMAT:
                    raise ProfileError(
                        f"fit {called} has format {header['format']}, and {FORMAT} is read; fit it "
                        "again"
                    )
                steps = [_step(arrays, n, one) for n, one in enumerate(header["steps"])]
                if not steps or any(a.names_out != b.names for a, b in pairwise(steps)):
                    raise ValueError("its steps do not go together")
                facts = {str(key): str(value) for key, value in header["facts"].items()}
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            EOFError,
            zipfile.BadZipFile,
            OSError,
            MemoryError,
            RecursionError,
            SyntaxError,
        ) as error:
            raise ProfileError(
                f"fit {called} is not a file that `save_fit` wrote, or is damaged"
            ) from error
        return cls(steps, facts)


def groups_of(
    metadata: pl.DataFrame, by: Sequence[str], height: int
) -> dict[Key, NDArray[np.intp]]:
    """Get the numbers of the rows of each group.

    Raises
    ------
    ProfileError
        A column is not there, cannot be text, or has no value in a row.
    """
    if not by:
        return {(): np.arange(height)}
    for name in by:
        if name not in metadata.columns:
            raise ProfileError(
                f"by {name!r} is not a column; there are {', '.join(metadata.columns)}; name "
                "another behind the step, as in tvn:by=Metadata_Plate"
            )
        dtype = metadata.schema[name]
        if dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Duration):
            raise ProfileError(f"by {name!r} is {dtype}; name a column of text, numbers or dates")
        if metadata[name].null_count():
            row = int(metadata[name].is_null().arg_max() or 0)
            raise ProfileError(f"row {row + 1} of the table has no {name}; give it one")
    texts = metadata.select(pl.col(*by).cast(pl.String))
    numbered = texts.with_row_index(ROW_NUMBER)
    found = numbered.group_by(by, maintain_order=True).agg(ROW_NUMBER)
    keys = found.select(by).rows()
    rows = found[ROW_NUMBER]
    return {key: rows[n].to_numpy().astype(np.intp) for n, key in enumerate(keys)}


def said(by: Sequence[str], key: Key) -> str:
    """Get a group as a message names it."""
    return ", ".join(f"{name} {value}" for name, value in zip(by, key, strict=True)) or "all rows"


def _step(arrays: Mapping[str, Any], number: int, header: dict[str, Any]) -> FittedStep:
    kind = KINDS[header["name"]]
    options = {name: header["options"][name] for name in kind.options}
    step = Step(str(header["name"]), str(header["on"]), tuple(map(str, header["by"])), options)
    names = tuple(map(str, header["names"]))
    maps: dict[Key, Affine] = {}
    for place, one in enumerate(header["maps"]):
        parts: dict[str, Any] = {}
        for name in ("kept", "center", "scale", "slope", "matrix"):
            if (where := f"{number}/{place}/{name}") in arrays:
                parts[name] = _checked(arrays[where], name, len(names))
        facts = {str(key): float(value) for key, value in one["facts"].items()}
        if not np.isfinite([*facts.values()]).all() or len(one["key"]) != len(step.by):
            raise ValueError(f"step {number + 1} has a fact or key that no fit gives")
        maps[tuple(map(str, one["key"]))] = Affine(**parts, facts=facts)
        if (kind.drops and [*parts] != ["kept"]) or (not kind.drops and "kept" in parts):
            raise ValueError(f"step {number + 1} keeps features as no fit does")
    if kind.drops and () not in maps:
        raise ValueError(f"step {number + 1} lacks what it keeps")
    return FittedStep(step, names, maps)


def _check_stored(data: bytes) -> None:
    """Raise ValueError for an archive that could be larger in memory than it is on the disk."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for one in archive.infolist():
            stored = one.compress_type == zipfile.ZIP_STORED and not one.flag_bits & 1
            if not stored or not one.filename.endswith(".npy"):
                raise ValueError(f"{one.filename} is not an array that was stored as it is")


def _checked(array: NDArray[Any], name: str, width: int) -> NDArray[Any]:
    """Get an array of a file if it has the type and shape that it must have."""
    wanted = (width, width) if name == "matrix" else (width,)
    if array.shape != wanted or array.dtype != (np.bool_ if name == "kept" else np.float64):
        raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, not {wanted}")
    return array
