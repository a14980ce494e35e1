"""Images as a model takes them: their size, range and statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.embeddings.description import COLOURS, Description
from jumpduck.errors import ModelError

Images = NDArray[np.float32]
"""Images of shape (N, channels, height, width), or one without N."""


@dataclass(frozen=True)
class Inputs:
    """What becomes of images before a model sees them.

    Parameters
    ----------
    size
        Height and width in pixels that images of another size are resized to; None for no resizing.
    scale, shift
        A pixel x, from 0 to 1, becomes ``x * scale + shift``, by channel.
    rgb
        Whether each channel becomes a grey picture of three colours.
    """

    size: tuple[int, int] | None
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    rgb: bool = False

    def prepared(self, images: Sequence[Images]) -> Images:
        """Get images (channels, height, width) as the model takes them; they stay as they are.

        With `rgb` each channel of each image is one of the result.

        Parameters
        ----------
        images
            Images that have the same shape, or a size to be resized to.
        """
        if self.size is not None:
            images = [
                one if one.shape[1:] == self.size else resized(one, self.size) for one in images
            ]
        taken = self.check(images[0].shape[0])
        batch = np.empty((len(images), *self._one(images[0]).shape), np.float32)
        for number, image in enumerate(images):
            np.multiply(self._one(image), self.scale[:, None, None], out=batch[number])
        batch += self.shift[:, None, None]
        return batch.reshape(-1, taken, *batch.shape[-2:])

    def check(self, channels: int) -> int:
        """Get how many channels the model is given for images of so many.

        Raises
        ------
        ModelError
            There are statistics of another number of channels.
        """
        taken = COLOURS if self.rgb else channels
        if len(self.scale) not in (1, taken):
            raise ModelError(
                f"the model has statistics of {len(self.scale)} channels, and the images have "
                f"{taken}; name the channels that it takes with `channels`"
            )
        return taken

    def _one(self, image: Images) -> Images:
        """Get an image, or with `rgb` a picture of three colours for each channel."""
        if not self.rgb:
            return image
        return np.broadcast_to(image[:, None], (len(image), COLOURS, *image.shape[1:]))


def inputs_of(
    description: Description, statistics: tuple[Sequence[float], Sequence[float]] | None = None
) -> Inputs:
    """Get what a description says of the images.

    Parameters
    ----------
    statistics
        Mean and standard deviation of each channel of the images, of pixels from 0 to 1, in the
        place of those of the description.
    """
    low, high = description.range
    if statistics is not None:
        low, high = 0.0, 1.0
    mean, sd = statistics or (description.mean or (0.0,), description.sd or (1.0,))
    deviation = np.asarray(sd, np.float64)
    deviation = np.where(deviation > 0, deviation, 1)  # a constant channel of images becomes 0
    return Inputs(
        size=description.size,
        scale=((high - low) / deviation).astype(np.float32),
        shift=((low - np.asarray(mean, np.float64)) / deviation).astype(np.float32),
        rgb=description.rgb is not None,
    )


def resized(image: Images, size: tuple[int, int]) -> Images:
    """Get an image of shape (channels, height, width) in another size.

    An axis that becomes shorter has the means of the areas that its pixels cover. One that becomes
    longer is interpolated linearly between the centers of its pixels.
    """
    for axis, pixels in zip((1, 2), size, strict=True):
        image = np.moveaxis(
            np.tensordot(_weights(image.shape[axis], pixels), image, (1, axis)), 0, axis
        )
    return np.ascontiguousarray(image)


def _weights(before: int, after: int) -> NDArray[np.float32]:
    """Get the share that each pixel of an axis has in each pixel of the new one."""
    if after <= before:
        edges = np.arange(after + 1) * (before / after)
        pixels = np.arange(before)
        overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        shares = np.clip(overlap, 0, None) * (after / before)
    else:
        centers = np.clip((np.arange(after) + 0.5) * (before / after) - 0.5, 0, before - 1)
        shares = np.clip(1 - np.abs(centers[:, None] - np.arange(before)), 0, None)
    return shares.astype(np.float32)
