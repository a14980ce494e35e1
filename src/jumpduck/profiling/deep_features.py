"""What a model of the user's says of the cells of a site, or of the whole site."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.objects import Objects

if TYPE_CHECKING:
    from jumpduck.embeddings.models import Model

Unit = Literal["cell", "site"]
UNITS = ("cell", "site")

BOX_PIXELS = 128
"""Edge of the box around a nucleus where the model takes any size: IDR_stream's."""

BATCH_BYTES = 256 << 20
"""Of the boxes that a model is given together."""

_one_loads = threading.Lock()
"""Because threads that begin together would each load the model."""


@dataclass(frozen=True)
class DeepOptions:
    """A model, and what it is given.

    Attributes
    ----------
    model, description, architecture
        As `jumpduck.embeddings.models.load_model` takes them.
    unit
        ``cell``: a box around each nucleus. ``site``: whole images.
    box
        Edge of the box in pixels; by default what the model takes.
    architecture_sha256, configuration_sha256
        Of the file of the architecture, and of the configuration that the description names.
    """

    model: str
    description: str | None = None
    architecture: str | None = None
    unit: Unit = "cell"
    box: int | None = None
    architecture_sha256: str | None = None
    configuration_sha256: str | None = None

    def __post_init__(self) -> None:
        """Check the options.

        Raises
        ------
        QueryError
            There is no such unit, or the edge is below 1.
        """
        if self.unit not in UNITS:
            raise QueryError(f"unit {self.unit!r} is not one of {', '.join(UNITS)}")
        if self.box is not None and self.box < 1:
            raise QueryError(f"box {self.box} is below 1; give an edge in pixels")

    def digests(self) -> dict[str, str]:
        """Get the SHA-256 of the model, and of the description if there is one.

        Raises
        ------
        QueryError
            A file is not there.
        """
        files = {"model": self.model, "description": self.description}
        for option, file in files.items():
            if file is not None and not Path(file).is_file():
                raise QueryError(f"{option} {file} is not a file; give the file of the {option}")
        return {name: _sha256(file) for name, file in files.items() if file is not None}

    def load(self) -> "Model":
        """Get the model; it is loaded once a process.

        Raises
        ------
        QueryError, ModelError
            As `jumpduck.embeddings.models.load_model`.
        """
        with _one_loads:
            return _loaded(self.model, self.description, self.architecture)


def cell_features(
    planes: Mapping[str, NDArray[np.unsignedinteger]], objects: Objects, options: DeepOptions
) -> dict[str, NDArray[np.float32]]:
    """Get what the model says of a box around each nucleus, a column ``Cells_Embedding_0000`` each.

    What lies beyond the image is 0. The middle of a box is the centre of the nucleus; that of a
    cell without one is the middle of the image.
    """
    model = options.load()
    edge = options.box or (model.description.size or (BOX_PIXELS,))[0]
    before, after = edge // 2, edge - edge // 2
    whole = np.pad(_stacked(planes), ((0, 0), (before, after), (before, after)))
    tops, lefts = _centres(next(iter(objects.labels.values())), objects.count)
    most = max(1, BATCH_BYTES // (4 * len(planes) * edge * edge))
    # the number of values is needed of no cells, too
    found = [_embedded(model, whole[None, :, :edge, :edge], planes)[:0]]
    for first in range(0, objects.count, most):
        boxes = [
            whole[:, top : top + edge, left : left + edge]
            for top, left in zip(
                tops[first : first + most], lefts[first : first + most], strict=True
            )
        ]
        found.append(_embedded(model, np.stack(boxes), planes))
    values = np.concatenate(found)
    return {f"Cells_Embedding_{n:04}": values[:, n] for n in range(values.shape[1])}


def site_features(
    planes: Mapping[str, NDArray[np.unsignedinteger]], options: DeepOptions
) -> dict[str, float]:
    """Get what the model says of the whole images, as ``Embedding_0000`` and so on."""
    (values,) = _embedded(options.load(), _stacked(planes)[None], planes)
    return {f"Embedding_{n:04}": float(value) for n, value in enumerate(values)}


def _embedded(
    model: "Model", images: NDArray[np.float32], planes: Mapping[str, object]
) -> NDArray[np.float32]:
    from jumpduck.embeddings.models import embed_arrays

    values = embed_arrays(model, images, channels=list(planes))
    if not np.isfinite(values).all():
        raise ImageError("the model gave values that are not finite")
    return values


def _stacked(planes: Mapping[str, NDArray[np.unsignedinteger]]) -> NDArray[np.float32]:
    """Get the planes as shares of the largest grey level of their type."""
    return np.stack(
        [
            plane.astype(np.float32) / np.float32(np.iinfo(plane.dtype).max)
            for plane in planes.values()
        ]
    )


def _centres(labels: NDArray[np.int32], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Get the row and column of the middle of each object, as whole numbers."""
    pixels = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    rows, columns = np.indices(labels.shape)
    middles: list[NDArray[Any]] = []
    for places, edge in zip((rows, columns), labels.shape, strict=True):
        sums = np.bincount(labels.ravel(), places.ravel(), minlength=count + 1)[1:]
        means = np.where(pixels > 0, sums / np.maximum(pixels, 1), edge // 2)
        middles.append(np.rint(means).astype(np.intp))
    return middles[0], middles[1]


def _sha256(file: str) -> str:
    with Path(file).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@lru_cache(maxsize=1)
def _loaded(model: str, description: str | None, architecture: str | None) -> "Model":
    from jumpduck.embeddings.models import load_model

    return load_model(model, description, architecture=architecture)
