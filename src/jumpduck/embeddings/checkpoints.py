"""Weights of a module of torch, from a file in which no code is run."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

from jumpduck.embeddings.description import Description
from jumpduck.errors import ModelError

State = dict[str, torch.Tensor]

SHOWN_NAMES = 3
"""Names of weights that a message lists."""

_CLASS = re.compile(r"GLOBAL ([\w.]+)")
"""What torch says of code in a pickle."""


def load_weights(
    module: torch.nn.Module, file: Path, description: Description, not_needed: tuple[str, ...] = ()
) -> int:
    """Load weights into a module, each of them and no others.

    Parameters
    ----------
    file
        Safetensors, or a checkpoint of torch that holds tensors only.
    description
        Its `weights` say where in a checkpoint they are.
    not_needed
        What the names of weights begin with that the embedding does not need.

    Returns
    -------
    int
        Number of tensors that were left out because their names lack the prefix, or because they
        are not needed.

    Raises
    ------
    ModelError
        The file cannot be read or holds pickled code, or its weights are not those of the module.
    """
    state = _of_key(_read(file), description.weights.get("key", ""), file)
    prefix = description.weights.get("prefix", "")
    own = {name[len(prefix) :]: one for name, one in state.items() if name.startswith(prefix)}
    if state and not own:
        raise ModelError(
            f"model {file}: no name of its weights begins with the prefix {prefix!r}; they begin "
            f"like {_some(list(state))}"
        )
    own = {name: one for name, one in own.items() if not name.startswith(not_needed)}
    _check(module, own, file)
    module.load_state_dict(own, strict=False)  # because of tied weights, which `_check` knows
    return len(state) - len(own)


def _read(file: Path) -> Mapping[str, Any]:
    """Get what a file of weights holds."""
    if file.suffix == ".safetensors":
        try:
            return load_file(file)
        except (SafetensorError, OSError, ValueError) as error:
            raise ModelError(f"model {file} is not safetensors: {error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that are not checkpoints
            held: object = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"model {file} holds pickled code{_named_code(str(error))}, which is never run: it "
            "must hold tensors only; where you trust it, write its state_dict as safetensors "
            "with safetensors.torch.save_file"
        ) from error
    except Exception as error:
        # because torch raises anything for a file that is something else
        raise ModelError(
            f"model {file} is not a checkpoint of torch: {first_line(error)}"
        ) from error
    if not isinstance(held, dict):
        raise ModelError(f"model {file} holds a {type(held).__name__}, not weights by name")
    return cast("dict[str, Any]", held)


def refuse_code(file: Path) -> None:
    """Check that a file holds weights and no code; ModelError if not."""
    _read(file)


def _of_key(held: Mapping[str, Any], key: str, file: Path) -> State:
    """Get the tensors under a key such as ``model.state``, or the first level."""
    for part in key.split(".") if key else ():
        inner = held.get(part)
        if not isinstance(inner, dict):
            raise ModelError(
                f"model {file} has no {key!r}, which the description's weights name as key; it has "
                f"{_some(list(held))}"
            )
        held = cast("dict[str, Any]", inner)
    others = [name for name, one in held.items() if not isinstance(one, torch.Tensor)]
    if others:
        raise ModelError(
            f"model {file} has {_some(others)} beside tensors; say in the description where the "
            'weights are, as {"weights": {"key": "' + str(others[0]) + '"}}'
        )
    return cast("State", dict(held))


def _check(module: torch.nn.Module, state: State, file: Path) -> None:
    """Check that weights are those of a module by name and shape."""
    wanted = module.state_dict()
    there = {one.data_ptr() for name, one in wanted.items() if name in state and one.numel()}
    # tied weights have several names, of which safetensors keeps one
    missing = [n for n, one in wanted.items() if n not in state and one.data_ptr() not in there]
    further = [name for name in state if name not in wanted]
    shapes = [
        f"{name} {tuple(one.shape)} instead of {tuple(wanted[name].shape)}"
        for name, one in state.items()
        if name in wanted and one.shape != wanted[name].shape
    ]
    said = [
        f"{len(names):,} {what}: {_some(names)}"
        for what, names in (
            ("missing", missing),
            ("further", further),
            ("of another shape", shapes),
        )
        if names
    ]
    if said:
        raise ModelError(
            f"model {file} has other weights than the module ({'; '.join(said)}); use the module "
            "that they were trained with, with the same arguments, or say in the description's "
            "weights where they are"
        )


def _named_code(said: str) -> str:
    found = _CLASS.search(said)
    return f" ({found[1]})" if found else ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES:,} more" * (len(names) > SHOWN_NAMES)
    return ", ".join(map(str, names[:SHOWN_NAMES])) + more


def first_line(error: BaseException) -> str:
    """Get what an error of another library says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
