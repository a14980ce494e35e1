"""A folder that a download filled, or a manifest -> samples to train a model on."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.samples.opening import open_samples
from jumpduck.samples.options import SampleOptions
from jumpduck.samples.samples import Samples

LIBRARIES = ("numpy",)


@dataclass(frozen=True)
class DatasetOptions(SampleOptions):
    """What to take samples of, and for which library.

    Parameters
    ----------
    place
        Folder that `jumpduck download` filled, or a manifest: then its images are fetched when
        they are needed.
    library
        numpy: arrays.
    """

    place: str | Path = "images"
    _: KW_ONLY
    library: str = "numpy"


@takes(DatasetOptions)
def dataset(options: DatasetOptions) -> Samples:
    """Get samples of the images of a folder or manifest: fields, tiles or cells.

    Returns
    -------
    Samples
        ``samples[0].image`` is an array (C, H, W) of float32 and ``samples[0].metadata`` its row of
        ``samples.table``. ``samples.order(epoch)`` gives the indices of an epoch, and
        ``samples.read_all(indices, threads=2)`` their samples.

    Raises
    ------
    QueryError
        There is no such channel, column or value, or two options contradict each other.
    ManifestError
        The place has no tables of a download, no site has all channels, or one lacks some and
        `missing` is raise.
    """
    if options.library not in LIBRARIES:
        raise QueryError(f"library {options.library!r} is not one of {', '.join(LIBRARIES)}")
    return open_samples(options)
