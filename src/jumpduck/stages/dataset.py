"""A folder that a download filled, or a manifest -> samples to train a model on."""

from dataclasses import KW_ONLY, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from jumpduck.errors import QueryError, needs_extra
from jumpduck.options import takes
from jumpduck.samples.opening import open_samples
from jumpduck.samples.options import SampleOptions
from jumpduck.samples.samples import Samples

if TYPE_CHECKING:
    from jumpduck.embeddings.augmentations import Augmentation
    from jumpduck.embeddings.torch_dataset import IterableDataset, MapDataset

LIBRARIES = ("numpy", "torch")

KINDS = ("map", "iterable")


@dataclass(frozen=True)
class DatasetOptions(SampleOptions):
    """What to take samples of, and for which library.

    Parameters
    ----------
    place
        Folder that `jumpduck download` filled, or a manifest: then its images are fetched when
        they are needed.
    library
        numpy (arrays) or torch (tensors).
    kind
        With torch, which kind of dataset: map (an item for each index; the default) or iterable
        (each worker gives its part of an epoch, in its order).
    augmentation
        With torch, what is done to each image, such as `jumpduck.embeddings.augmentations.preset`.
    """

    place: str | Path = "images"
    _: KW_ONLY
    library: str = "numpy"
    kind: str | None = None
    augmentation: "Augmentation | None" = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.library not in LIBRARIES:
            raise QueryError(f"library {self.library!r} is not one of {', '.join(LIBRARIES)}")
        if self.kind not in (None, *KINDS):
            raise QueryError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")
        for name in ("kind", "augmentation"):
            if getattr(self, name) is not None and self.library != "torch":
                raise QueryError(
                    f"{name} {getattr(self, name)!r} has no effect with `library` "
                    f"{self.library!r}; leave it out, or take `library` 'torch'"
                )
        if self.library == "torch" and find_spec("torch") is None:
            raise QueryError(needs_extra("library 'torch'", "torch", "torch"))


@takes(DatasetOptions)
def dataset(options: DatasetOptions) -> "Samples | MapDataset | IterableDataset":
    """Get samples of the images of a folder or manifest: fields, tiles or cells.

    Returns
    -------
    Samples, MapDataset or IterableDataset
        For numpy, ``samples[0].image`` is an array (C, H, W) of float32, and
        ``samples[0].metadata`` its row of ``samples.table``. ``samples.order(epoch)`` gives the
        indices of an epoch, and ``samples.read_all(indices, threads=2)`` their samples. For torch,
        an item is a tensor (C, H, W) and its metadata, and `SampleLoader` makes batches.

    Raises
    ------
    QueryError
        There is no such channel, column or value, or two options contradict each other.
    ManifestError
        The place has no tables of a download, no site has all channels, or one lacks some and
        `missing` is raise.
    """
    samples = open_samples(options)
    if options.library == "numpy":
        return samples
    # imported here, because it takes seconds
    from jumpduck.embeddings.torch_dataset import IterableDataset, MapDataset

    kind = IterableDataset if options.kind == "iterable" else MapDataset
    return kind(samples, options.augmentation)
