"""Models: files of weights with what makes them compute embeddings."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from jumpduck.embeddings.description import Description, read_description
from jumpduck.embeddings.inputs import Images, inputs_of
from jumpduck.embeddings.networks import Batches, Embeddings, Network
from jumpduck.embeddings.onnx_networks import OnnxNetwork
from jumpduck.errors import ModelError, QueryError, needs_extra

BATCH_IMAGES = 32
"""Images that a model is given at the same time by default."""

DEFAULT_SIZE_PIXELS = 64
"""Edge of the images that a model is tried with which takes any size."""


MAX_IMAGE_BYTES = 2**30
"""Of one image of float32: 7,000 x 7,000 pixels of five channels. What a model makes of it on its
way is several times as much, and the system would end the process without a word."""


@dataclass(frozen=True)
class Model:
    """A model, ready to compute.

    Attributes
    ----------
    file
        Its weights.
    kind
        torch, torchscript, transformers or onnx.
    description
        What it takes and gives; the size that it takes is filled in where the file says it.
    network
        What computes a batch.
    facts
        What a table says of the model that it was made with: names, digests and versions.
    """

    file: Path
    kind: str
    description: Description
    network: Network
    facts: dict[str, Any]

    def embed(self, batch: Images, channels: int, batches: Batches) -> Embeddings:
        """Get the embedding of each image, from what `Inputs.prepared` made of images.

        Parameters
        ----------
        channels
            Channels that the images had.
        batches
            Applies the network.
        """
        found = batches(batch)
        if self.description.rgb is None:
            return found
        by_channel = found.reshape(len(batch) // channels, channels, -1)
        if self.description.rgb == "average":
            return by_channel.mean(1)
        return by_channel.reshape(len(by_channel), -1)

    def dimensions(self, channels: int, size: tuple[int, int] | None = None) -> int:
        """Get the number of values of an embedding, by a try with an empty image.

        Parameters
        ----------
        channels
            Channels of the images.
        size
            Height and width of the images, where the model takes any.

        Raises
        ------
        ModelError
            The model does not take images of so many channels.
        """
        size = self.description.size or size or (DEFAULT_SIZE_PIXELS, DEFAULT_SIZE_PIXELS)
        if (needed := 4 * channels * size[0] * size[1]) > MAX_IMAGE_BYTES:
            raise ModelError(
                f"an image of {channels} channels and {size[0]} x {size[1]} pixels has "
                f"{needed / 2**30:.1f} GiB as the model takes it, and "
                f"{MAX_IMAGE_BYTES / 2**30:.0f} GiB are the most; say a smaller size in the "
                "description, or take tiles"
            )
        inputs = inputs_of(replace(self.description, mean=(), sd=()))
        batches = Batches(self.network, 1, lambda _: None)
        batch = inputs.prepared([np.zeros((channels, *size), np.float32)])
        found = self.embed(batch, channels, batches).shape[1]
        if not found:
            raise ModelError(f"model {self.file} gives embeddings without a value; take another")
        return found


def load_model(
    file: str | Path,
    description: str | Path | Description | None = None,
    *,
    architecture: str | None = None,
    amp: bool = False,
) -> Model:
    """Get a model from a file of weights; no Python code of the file is run, nothing is fetched.

    TorchScript and ONNX are programs, which may do more than compute: TorchScript can write files.

    Parameters
    ----------
    file
        ONNX, TorchScript, or weights as safetensors or as a checkpoint of torch.
    description
        What it takes and gives: a JSON file, see `Description`.
    architecture
        MODULE:FUNCTION that makes the module of torch which the weights are of.
    amp
        Compute in mixed precision on a GPU.

    Raises
    ------
    QueryError
        There is no such file, a library is not installed, or the options do not go together.
    ModelError
        The file or the description cannot be used.
    """
    file = Path(file)
    if not file.is_file():
        raise QueryError(f"model {file} is not a file; give the file of the weights")
    if not isinstance(description, Description):
        description = read_description(None if description is None else Path(description))
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    facts: dict[str, Any] = {"file": file.name, "sha256": sha256}
    if file.suffix.lower() == ".onnx":
        if architecture is not None:
            raise QueryError(f"architecture {architecture!r} has no effect on a model in ONNX")
        network = OnnxNetwork(file.read_bytes(), file, description)
        description = replace(description, size=description.size or network.size)
        facts |= {"kind": "onnx", "onnxruntime": version("onnxruntime")}
        return Model(file, "onnx", description, network, facts)
    return _torch_model(file, description, facts, architecture, amp=amp)


def _torch_model(
    file: Path,
    description: Description,
    facts: dict[str, Any],
    architecture: str | None,
    *,
    amp: bool,
) -> Model:
    if any(find_spec(name) is None for name in ("torch", "safetensors")):
        raise QueryError(needs_extra(f"model {file.name}", "torch and safetensors", "torch"))
    from jumpduck.embeddings import torch_networks
    from jumpduck.embeddings.checkpoints import load_weights, refuse_code

    tokens, further = 1, None
    if architecture is not None:
        if description.transformers is not None:
            raise QueryError(
                f"architecture {architecture!r} does not go with the description's transformers; "
                "leave one out"
            )
        if torch_networks.is_torchscript(file):
            raise QueryError(
                f"architecture {architecture!r} has no effect on {file}, which is TorchScript and "
                "says by itself how to compute; leave it out"
            )
        kind = "torch"
        module, source = torch_networks.made_by(architecture, description.arguments)
        left_out = load_weights(module, file, description)
        facts |= {"architecture": architecture, "left_out_tensors": left_out}
        if source is not None:
            facts["architecture_sha256"] = hashlib.sha256(source.read_bytes()).hexdigest()
    elif description.transformers is not None:
        kind = "transformers"
        pooled = description.output == "pooled"
        made = torch_networks.made_of_configuration(description.transformers, pooled=pooled)
        not_needed = () if pooled else (torch_networks.POOLER,)
        left_out = load_weights(made.module, file, description, not_needed)
        description = replace(description, size=description.size or made.size)
        module, tokens, further = (
            made.module,
            made.prefix_tokens,
            made.further(description.size or made.size),
        )
        facts |= {"left_out_tensors": left_out, "transformers": version("transformers")}
    elif torch_networks.is_torchscript(file):
        kind, module = "torchscript", torch_networks.open_torchscript(file)
    else:
        refuse_code(file)
        raise QueryError(
            f"model {file} holds weights only; name the function that makes the module with "
            "`architecture` as MODULE:FUNCTION, or give its configuration as transformers in the "
            "`description`"
        )
    if description.prefix_tokens is not None:
        tokens = description.prefix_tokens
    network = torch_networks.TorchNetwork(module, description, tokens, amp=amp)
    if further is not None:
        network.further = further
    facts |= {"kind": kind, "torch": version("torch")}
    return Model(file, kind, replace(description, prefix_tokens=tokens), network, facts)


def embed_arrays(
    model: Model,
    images: Images,
    *,
    channels: Sequence[str] = (),
    batch: int = BATCH_IMAGES,
    say: Callable[[str], object] = lambda _: None,
) -> Embeddings:
    """Get the embedding of each image, of shape (N, dimensions).

    Parameters
    ----------
    images
        Array (N, channels, height, width) of pixels from 0 to 1; it stays as it is.
    channels
        Names of the channels of the images, to take those of the model in its order; without
        them the images have them in that order.
    batch
        Images that the model is given at the same time at most.
    say
        Called with a sentence where the memory of the device is too small for that.

    Raises
    ------
    ModelError
        The model does not take such images, or names a channel that they lack.
    """
    wanted = model.description.channels
    if channels and wanted:
        if lacking := [name for name in wanted if name not in channels]:
            raise ModelError(
                f"the model takes the channel {', '.join(lacking)}, and the images have "
                f"{', '.join(channels)}"
            )
        images = images[:, [list(channels).index(name) for name in wanted]]
    if not len(images):
        return np.empty((0, model.dimensions(images.shape[1])), np.float32)
    inputs, batches = inputs_of(model.description), Batches(model.network, batch, say)
    starts = range(0, len(images), batch)
    return np.concatenate(
        [
            model.embed(inputs.prepared([*images[start : start + batch]]), images.shape[1], batches)
            for start in starts
        ]
    )
