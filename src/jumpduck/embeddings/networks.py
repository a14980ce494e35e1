"""What a model computes of a batch: the part that libraries of models differ in."""

from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from jumpduck.embeddings.description import Description
from jumpduck.embeddings.inputs import Images
from jumpduck.errors import ModelError

Embeddings = NDArray[np.float32]
"""Values of shape (images, dimensions)."""


class OutOfMemoryError(Exception):
    """The device has too little memory for a batch."""


class Network(Protocol):
    """Computes the embeddings of a batch.

    Raises
    ------
    OutOfMemoryError
        The batch is too large for the device.
    ModelError
        The model does not take such a batch, or gives no embedding.
    """

    device: str
    """Where it computes, such as cpu."""

    @property
    def precision(self) -> str:
        """How exact it computes, such as float32."""
        ...

    def __call__(self, batch: Images) -> Embeddings:
        """Get the embeddings of a batch."""
        ...


class Batches:
    """Applies a network to any number of images, in batches that fit in memory.

    Parameters
    ----------
    network
        What computes a batch.
    size
        Images at the same time at most; halved, and kept so, where the device's memory is too
        small.
    say
        Called with a sentence when that happens.
    """

    def __init__(self, network: Network, size: int, say: Callable[[str], object]) -> None:
        self._network = network
        self.size = size
        self._say = say

    def __call__(self, images: Images) -> Embeddings:
        """Get the embeddings of images of the same shape."""
        found: list[Embeddings] = []
        start = 0
        while start < len(images):
            batch = images[start : start + self.size]
            try:
                values = self._network(batch)
            except OutOfMemoryError as error:
                self._halve(len(batch), error)
                continue
            if len(values) != len(batch):
                raise ModelError(
                    f"the model gives {len(values)} embeddings for {len(batch)} images; it must "
                    "give one for each, so take a model that computes each image by itself"
                )
            found.append(values)
            start += len(batch)
        return np.concatenate(found)

    def _halve(self, tried: int, error: OutOfMemoryError) -> None:
        device = self._network.device
        if tried == 1:
            raise ModelError(
                f"one image does not fit in the memory of the device {device} ({error}); use "
                "smaller images or tiles, or a device with more memory"
            ) from error
        self.size = tried // 2
        self._say(
            f"{tried} images at the same time do not fit in the memory of the device "
            f"{device}; {self.size} from now on"
        )


def picked(output: object, description: Description, prefix_tokens: int) -> Any:  # noqa: ANN401 - an array of either library
    """Get the embedding of each image from what a model gave.

    Parameters
    ----------
    output
        An array of torch or numpy, or several by name or in a row.
    prefix_tokens
        Tokens before those of the patches.

    Raises
    ------
    ModelError
        The model gave none that the description asks for.
    """
    values = _named(output, description)
    dimensions = len(values.shape)
    match description.output, dimensions:
        case "cls", 3:
            return values[:, 0]
        case "mean", 3 if values.shape[1] > prefix_tokens:
            return values[:, prefix_tokens:].mean(1)
        case "mean", 4:
            return values.mean((2, 3))
        case (("features" | "pooled"), 2):
            return values
        case _:
            raise ModelError(
                f"the model gives values of the shape {tuple(values.shape)}, which the "
                f"description's output {description.output!r} cannot be taken of; features and "
                "pooled take (N, D), cls takes (N, tokens, D), mean takes more than "
                f"{prefix_tokens} tokens or (N, D, height, width)"
            )


def _named(output: Any, description: Description) -> Any:  # noqa: ANN401 - as `picked`
    """Get one of the outputs of a model."""
    name = description.output_name
    if hasattr(output, "shape"):
        if name in (None, 0):
            return output
        raise ModelError(
            f"the model has one output, not one that is called {name!r}; leave "
            "output_name out of the description"
        )
    if hasattr(output, "keys"):
        named = {key: one for key, one in output.items() if hasattr(one, "shape")}
        wanted = name or (
            "pooler_output" if description.output == "pooled" else next(iter(named), "")
        )
        if isinstance(wanted, int):
            wanted = [*named][wanted] if wanted < len(named) else wanted
        if wanted in named:
            return named[cast("str", wanted)]
        raise ModelError(
            f"the model has no output {wanted!r}; say output_name in the description, one of "
            f"{', '.join(map(str, named)) or 'none'}"
        )
    if isinstance(output, list | tuple):
        arrays = cast("list[Any]", list(output))  # pyright: ignore[reportUnknownArgumentType]
        at = name or 0
        if isinstance(at, int) and at < len(arrays) and hasattr(arrays[at], "shape"):
            return arrays[at]
        raise ModelError(
            f"the model has no output {at!r}; say output_name in the description, a number below "
            f"{len(arrays)}"
        )
    raise ModelError(f"the model gives a {type(output).__name__}, not an array")
