"""Modules of torch: by a function that makes them, as TorchScript, or of transformers."""

import importlib
import inspect
import sys
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from jumpduck.embeddings.checkpoints import first_line
from jumpduck.embeddings.description import Description
from jumpduck.embeddings.inputs import Images
from jumpduck.embeddings.networks import Embeddings, OutOfMemoryError, picked
from jumpduck.errors import ModelError, QueryError, needs_extra

TRANSFORMERS = (
    "deit", "dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "vit_mae", "vit_msn",
)  # fmt: skip
"""Kinds of transformers, as their configuration calls them, that take images of any channels."""

NOT_OF_MODEL = ("architectures", "auto_map", "dtype", "model_type", "torch_dtype",
                "transformers_version")  # fmt: skip
"""What a configuration says beside the arguments of its model. A model is always of float32, and
code that comes with a model is never run."""

BY_CODE = "_implementation"
"""Ends the names of what says by which code a model computes: transformers would fetch the code
from its hub, and run it."""

POOLER = "pooler."
"""Begins the names of weights that only the output ``pooled`` needs."""

_INTERPRETER = "failed in the TorchScript interpreter"

_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


@dataclass
class TorchNetwork:
    """A module of torch, on a GPU where torch has one.

    Parameters
    ----------
    module
        Takes a tensor (N, channels, height, width).
    description
        Which output becomes the embedding.
    prefix_tokens
        Tokens before those of the patches.
    amp
        Compute in mixed precision on a GPU.
    further
        Gets further arguments of the module for a batch.
    """

    module: torch.nn.Module
    description: Description
    prefix_tokens: int = 1
    amp: bool = False
    further: Callable[[torch.Tensor], Mapping[str, Any]] = field(default=lambda _: {})

    def __post_init__(self) -> None:
        self.device = device_name()
        self.module = self.module.to(self.device).eval()

    @property
    def precision(self) -> str:
        """How exact it computes."""
        return "mixed, float16" if self.amp and self.device != "cpu" else "float32"

    def __call__(self, batch: Images) -> Embeddings:
        """Get the embeddings of a batch."""
        mixed = self.precision != "float32"
        try:
            with torch.inference_mode(), torch.autocast(self.device, torch.float16, enabled=mixed):
                images = torch.as_tensor(np.ascontiguousarray(batch), device=self.device)
                output = self.module(images, **self.further(images))
                found = picked(output, self.description, self.prefix_tokens)
            if found.is_complex():
                raise ModelError(
                    "the model gives complex values, and an embedding has real ones; take a model "
                    "that ends with their real parts or magnitudes"
                )
            return found.float().cpu().numpy()
        except ModelError:
            raise
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemoryError(first_line(error)) from error
        except Exception as error:
            # because a module of a user may raise anything, and each means the same here
            said = _reason(error)
            if isinstance(error, MemoryError) or any(one in str(error) for one in _NO_MEMORY):
                raise OutOfMemoryError(said) from error
            raise ModelError(
                f"the model does not take images of the shape {batch.shape[1:]} (channels, height, "
                f"width): {type(error).__name__}: {said}; name its channels with `channels`, and "
                "say the size that it takes in the description"
            ) from error


def _reason(error: Exception) -> str:
    """Get what an error says, in one line: that of TorchScript begins with a traceback."""
    lines = str(error).strip().splitlines()
    return lines[-1] if lines and _INTERPRETER in lines[0] else first_line(error)


def device_name() -> str:
    """Get what modules of torch compute on."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def made_by(architecture: str, arguments: Mapping[str, Any]) -> tuple[torch.nn.Module, Path | None]:
    """Get the module that a function makes, and the file of the function.

    Parameters
    ----------
    architecture
        MODULE:FUNCTION, where MODULE.py is in the current folder or installed.

    Raises
    ------
    QueryError
        There is no such function, or it makes no module.
    """
    name, _, attribute = architecture.partition(":")
    if not name or not attribute:
        raise QueryError(f"architecture {architecture!r} is not like MODULE:FUNCTION")
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        function = getattr(importlib.import_module(name), attribute)
        module = function(**arguments)
    except Exception as error:
        # because a user's module may raise anything, and each means the same here
        raise QueryError(
            f"architecture {architecture!r} makes no module: {type(error).__name__}: "
            f"{first_line(error)}; write MODULE:FUNCTION, where MODULE.py is in this folder or "
            "installed; its arguments stand in the description"
        ) from error
    finally:
        sys.path.remove(here)
    if not isinstance(module, torch.nn.Module):
        raise QueryError(
            f"architecture {architecture!r} makes a {type(module).__name__}, not a module of torch"
        )
    source = getattr(sys.modules[name], "__file__", None)
    return module, Path(source) if source else None


def is_torchscript(file: Path) -> bool:
    """Get whether a file is TorchScript, which says by itself how to compute."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def open_torchscript(file: Path) -> torch.nn.Module:
    """Get the module that a file of TorchScript holds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # files of it go on to be there
            library: Any = torch
            module: torch.nn.Module = library.jit.load(str(file), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"model {file} is not TorchScript: {first_line(error)}") from error
    return module


@dataclass(frozen=True)
class Transformer:
    """A vision transformer without its weights.

    Attributes
    ----------
    size
        Height and width that its positions are of.
    prefix_tokens
        Tokens before those of the patches.
    """

    module: torch.nn.Module
    kind: str
    size: tuple[int, int]
    prefix_tokens: int

    def further(self, size: tuple[int, int]) -> Callable[[torch.Tensor], Mapping[str, Any]]:
        """Get what gives further arguments for images of this size."""
        takes = inspect.signature(self.module.forward).parameters
        fixed = (
            {"interpolate_pos_encoding": True}
            if (size != self.size and "interpolate_pos_encoding" in takes)
            else {}
        )
        if self.kind != "vit_mae":
            return lambda _: fixed
        patch = int(cast("Any", self.module.config).patch_size)
        tokens = (size[0] // patch) * (size[1] // patch)

        def in_order(images: torch.Tensor) -> Mapping[str, Any]:
            # without it the patches of each image would come in a random order
            order = torch.arange(tokens, dtype=torch.float32, device=images.device)
            return {**fixed, "noise": order.expand(len(images), tokens)}

        return in_order


def made_of_configuration(configuration: Mapping[str, Any], *, pooled: bool) -> Transformer:
    """Get the vision transformer that a configuration says; nothing is fetched.

    Raises
    ------
    QueryError
        The library is not installed.
    ModelError
        The configuration is of another kind of model, or wrong.
    """
    if find_spec("transformers") is None:
        raise QueryError(needs_extra("a model of transformers", "transformers", "transformers"))
    import transformers as library

    transformers: Any = library

    kind = configuration.get("model_type")
    if kind not in TRANSFORMERS:
        raise ModelError(
            f"the configuration's model_type {kind!r} is none of {', '.join(TRANSFORMERS)}; give "
            "the function that makes the module with `architecture`, or the model as ONNX"
        )
    values = {
        name: value
        for name, value in configuration.items()
        if name not in NOT_OF_MODEL and not name.startswith("_") and not name.endswith(BY_CODE)
    }
    if kind == "vit_mae":
        values["mask_ratio"] = 0.0  # because an embedding is of the whole image
    try:
        config: Any = transformers.AutoConfig.for_model(kind, **values)
        made: Any = transformers.AutoModel.from_config(config, trust_remote_code=False)
    except Exception as error:
        # because the libraries raise anything for a wrong value
        raise ModelError(
            f"the configuration of the transformer is wrong: {type(error).__name__}: "
            f"{first_line(error)}"
        ) from error
    if not pooled and getattr(made, "pooler", None) is not None:
        made.pooler = None
    size: Any = config.image_size
    height, width = cast(
        "tuple[Any, Any]", size if isinstance(size, list | tuple) else (size, size)
    )
    tokens = 1 + int(getattr(config, "num_register_tokens", 0) or 0) + (kind == "deit")
    return Transformer(made, kind, (int(height), int(width)), tokens)
