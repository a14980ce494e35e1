"""Models of other programs that find nuclei: cellpose and stardist, with weights from the disk.

Neither is a dependency, and nothing is downloaded: a model is used if its package is installed and
its weights are where the option says.
"""

import hashlib
import importlib
import threading
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.filters import Image
from jumpduck.profiling.objects import Labels, numbered, sized

ModelName = Literal["cellpose", "stardist"]
FindNuclei = Callable[[Image], Any]

LEAST_CELLPOSE = 4
"""Version from which cellpose loads weights alone; earlier ones run code that is in the file."""

_one_at_a_time = threading.Lock()


def check_model(name: str, weights: str | Path | None) -> Path:
    """Get the path of a model's weights.

    Raises
    ------
    QueryError
        There is no such model, its package is not installed or too old, or the weights are not
        there.
    """
    if name not in get_args(ModelName):
        known = " or ".join(get_args(ModelName))
        raise QueryError(f"segmenter {name!r} is not known; give {known}")
    if weights is None:
        raise QueryError(
            f"segmenter {name} needs `weights`, a {_what(name)}; nothing is downloaded"
        )
    path = Path(weights).expanduser().resolve()
    needed = path / "config.json" if name == "stardist" else path
    if not needed.is_file():
        raise QueryError(
            f"weights {weights} are not a {_what(name)}: there is no file {needed}; nothing is "
            "downloaded"
        )
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError as error:
        raise QueryError(
            f"segmenter {name} needs the package {name}, which is not installed: pip install {name}"
        ) from error
    if name == "cellpose" and int(version.partition(".")[0]) < LEAST_CELLPOSE:
        raise QueryError(
            f"segmenter cellpose needs cellpose {LEAST_CELLPOSE} or later, because earlier ones "
            f"run code from the weights; {version} is installed: pip install -U cellpose"
        )
    return path


def weights_digest(path: Path) -> str:
    """Get the SHA-256 of a model's weights: of the file, or of all files of the folder by name."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        # the name of a file alone says nothing of what is in it
        name = "" if file == path else file.relative_to(path)
        total.update(f"{name} {digest}\n".encode())
    return total.hexdigest()


def nuclei_by_model(plane: Image, name: str, weights: str | Path | None) -> tuple[Labels, int]:
    """Get the nuclei that a model finds in a plane, and their number.

    The model is loaded once a process, and used by one thread at a time.

    Parameters
    ----------
    plane
        Brightness; it is scaled to percentiles 1 and 99.8, as both models were trained.

    Raises
    ------
    QueryError
        As `check_model`.
    ImageError
        The model fails, or what it returns are not numbered objects of this plane.
    """
    path = check_model(name, weights)
    low, high = np.percentile(plane, (1, 99.8))
    if not high > low:
        return np.zeros(plane.shape, np.int32), 0
    scaled = ((plane - low) / (high - low)).astype(np.float32)
    with _one_at_a_time:
        try:
            found = np.asarray(_loaded(name, path)(scaled))
        except Exception as error:  # of any kind: they are other programs
            why = str(error).strip().partition("\n")[0] or type(error).__name__
            raise ImageError(f"segmenter {name} failed: {why}") from error
    if found.shape != plane.shape or found.dtype.kind not in "ui" or (found < 0).any():
        raise ImageError(
            f"segmenter {name} gave {found.dtype} of {sized(found)}, not objects numbered "
            f"from 1 in {sized(plane)}"
        )
    labels, count = numbered({name: found})
    return labels[name], count


@lru_cache(maxsize=1)
def _loaded(name: str, path: Path) -> FindNuclei:
    if name == "cellpose":
        models: Any = importlib.import_module("cellpose.models")
        # a GPU where there is one: without one, cellpose takes the processor
        model = models.CellposeModel(gpu=True, pretrained_model=str(path))
        return lambda plane: model.eval(plane)[0]
    stardist: Any = importlib.import_module("stardist.models")
    model = stardist.StarDist2D(None, name=path.name, basedir=str(path.parent))
    return lambda plane: model.predict_instances(plane)[0]


def _what(name: str) -> str:
    return "folder with config.json" if name == "stardist" else "file of weights"
