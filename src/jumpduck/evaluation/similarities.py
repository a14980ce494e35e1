"""Similarities of profiles, block by block, so that memory does not grow with their square."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ProfileError, QueryError

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
"""Numbers of rows."""

DISTANCES = ("cosine", "correlation", "euclidean")

TIE = 1e-12
"""Similarities that differ by less count as equal, because sums of floats are no more exact."""

BLOCK_BYTES = 96 * 1024 * 1024
"""Similarities in memory at once."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Similarities:
    """Profiles as two sets of vectors, whose products are similarities.

    Attributes
    ----------
    left, right
        Shape (profiles, coordinates). ``left @ right.T`` is the cosine, the correlation, or minus
        half of the squared Euclidean distance.
    distance
        One of `DISTANCES`.
    ties
        Shape (profiles,): similarities of each that differ by at most that much count as equal.
    """

    left: Floats
    right: Floats
    distance: str
    ties: Floats

    @classmethod
    def of(cls, features: Floats, distance: str = "cosine") -> "Similarities":
        """Get the similarities of some profiles.

        Raises
        ------
        QueryError
            There is no such distance.
        ProfileError
            A profile has no direction: it is 0 everywhere, or, for the correlation, constant.
        """
        if distance not in DISTANCES:
            raise QueryError(f"distance {distance!r} is not one of {', '.join(DISTANCES)}")
        if distance == "euclidean":
            centred = features - np.median(features, axis=0)  # which one large profile cannot move
            half = 0.5 * np.einsum("ij,ij->i", centred, centred)[:, None]
            one = np.ones_like(half)
            # roundings are those of its own size and of the usual one; with that of the largest,
            # one outlier would make the neighbours of all others equal
            sizes = np.maximum(half[:, 0], np.median(half))
            return cls(
                np.hstack([centred, one, -half]), np.hstack([centred, -half, one]), distance,
                TIE * sizes,
            )  # fmt: skip
        if distance == "correlation":
            features = features - features.mean(axis=1, keepdims=True)
        norms = np.sqrt(np.einsum("ij,ij->i", features, features))
        largest = np.abs(features).max(axis=1, initial=0.0)
        # because the mean of equal numbers may differ from them by a rounding
        flat = norms <= (0.0 if distance == "cosine" else 1e-14 * largest)
        if flat.any():
            what = "0 everywhere" if distance == "cosine" else "the same everywhere"
            raise ProfileError(
                f"{int(flat.sum())} profiles are {what}, so that they have no {distance} distance; "
                "leave them out with `where`, or give `distance` euclidean"
            )
        unit = features / norms[:, None]
        return cls(unit, unit, distance, np.full(len(unit), TIE))

    def __len__(self) -> int:
        return len(self.left)

    def distances(self, similarities: Floats) -> Floats:
        """Get the distances that belong to similarities: 1 - cosine, 1 - correlation, Euclidean."""
        if self.distance == "euclidean":
            return np.sqrt(np.maximum(-2.0 * similarities, 0.0))
        return 1.0 - similarities

    def each(
        self,
        score: Callable[[int, Floats], _Result],
        queries: Rows | None = None,
        workers: int = 1,
    ) -> list[_Result]:
        """Get what `score` makes of each query's similarities with all profiles.

        Parameters
        ----------
        score
            Gets a row and its similarities, which it may change and must not keep: their memory is
            used again.
        queries
            Rows to ask for; all by default.
        workers
            Threads that score; BLAS has threads of its own.
        """
        asked = np.arange(len(self)) if queries is None else queries
        rows = max(workers, BLOCK_BYTES // (8 * max(len(self), 1)))
        results: list[_Result] = []
        block = np.empty((min(rows, len(asked)), len(self)))  # once, because the system fills it

        def part(chosen: Rows, values: Floats) -> list[_Result]:
            return [score(int(row), own) for row, own in zip(chosen, values, strict=True)]

        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(asked), rows):
                chosen = asked[start : start + rows]
                values = np.matmul(self.left[chosen], self.right.T, out=block[: len(chosen)])
                parts: Sequence[list[_Result]] = list(
                    pool.map(part, np.array_split(chosen, workers), np.array_split(values, workers))
                )
                results += [one for some in parts for one in some]
        return results
