"""What a model takes and gives, as a small JSON file beside its weights says it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from jumpduck.errors import ModelError

OUTPUTS = ("features", "cls", "mean", "pooled")
"""What becomes the embedding, see `Description`."""

RGB = ("concatenate", "average")
"""What becomes of the embeddings of the channels, where a model takes pictures of three colours."""

COLOURS = 3

MAX_SIZE_PIXELS = 16_384
"""Edge of an input at most: a larger number is one that was written wrong."""

MAX_FILE_BYTES = 2**20
"""Size of a description at most: a larger file is another one."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a model takes and gives.

    It holds data only: no code is named here, because such files come from others.

    Parameters
    ----------
    channels
        Names of the channels in the order in which the model takes them; none for the recorded
        order of the images.
    size
        Height and width in pixels that the model takes; None for any.
    range
        What grey level 0 and the largest one of the images' type become before the statistics
        are applied, such as (0, 255).
    mean, sd
        Statistics of each input channel, in units of `range`: a pixel x becomes (x - mean) / sd.
        One number is that of all channels; none leave the pixels as they are.
    output
        What becomes the embedding: ``features`` is the output as it is, of shape (N, D); ``cls``
        the first token of (N, tokens, D); ``mean`` the mean of the patch tokens, or of a map
        (N, D, h, w) over its pixels; ``pooled`` the output that is called pooler_output.
    output_name
        Name or number of the output, where a model has several.
    prefix_tokens
        Tokens before those of the patches, which ``mean`` leaves out; by default 1, or what the
        `transformers` configuration says.
    rgb
        The model takes pictures of three colours: each channel is given as a grey picture, and the
        embeddings of the channels are concatenated or averaged. None for a model of channels.
    arguments
        Arguments of the function that makes the module.
    transformers
        Configuration of a vision transformer, as ``config.json`` of the library transformers has
        it.
    weights
        Where in a checkpoint of torch the weights are: ``key``, such as teacher or model.state, and
        ``prefix`` of their names, such as backbone., which is taken off; names without it belong to
        other modules and are left out.
    """

    channels: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = ()
    sd: tuple[float, ...] = ()
    output: str = OUTPUTS[0]
    output_name: str | int | None = None
    prefix_tokens: int | None = None
    rgb: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    transformers: Mapping[str, Any] | None = None
    weights: Mapping[str, str] = field(default_factory=dict[str, str])

    def as_json(self) -> dict[str, Any]:
        """Get all of it as what JSON can hold."""
        return asdict(self)


def read_description(file: Path | None) -> Description:
    """Get the description that a file holds; the defaults where there is none.

    Raises
    ------
    ModelError
        The file cannot be read, or says what is not allowed.
    """
    if file is None:
        return Description()
    called = f"description {file}"
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(
                f"{called} has more than 1 MiB; give the JSON file that says what the model takes"
            )
        said = json.loads(file.read_bytes())
    except OSError as error:
        raise ModelError(f"{called} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{called} is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise ModelError(f'{called} is not a JSON object, such as {{"size": 224}}')
    values = cast("dict[str, Any]", said)
    if isinstance(values.get("transformers"), str):
        values["transformers"] = _configuration(file, values["transformers"])
    return description_of(values, called)


def description_of(said: Mapping[str, Any], called: str = "description") -> Description:
    """Get the description that values say.

    Raises
    ------
    ModelError
        A name or a value is not allowed.
    """
    known = [one.name for one in fields(Description)]
    for name in said:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            also = f"did you mean {near[0]}? " if near else ""
            raise ModelError(f"{called} says {name!r}; {also}it may say {', '.join(known)}")
    reader = _Reader(said, called)
    found = Description(
        channels=reader.texts("channels"),
        size=reader.size(),
        range=reader.range(),
        mean=reader.numbers("mean"),
        sd=reader.numbers("sd"),
        output=reader.choice("output", OUTPUTS) or OUTPUTS[0],
        output_name=reader.output_name(),
        prefix_tokens=reader.prefix_tokens(),
        rgb=reader.choice("rgb", RGB),
        arguments=reader.mapping("arguments") or {},
        transformers=reader.mapping("transformers"),
        weights=reader.weights(),
    )
    _check_statistics(found, called)
    return found


def _check_statistics(found: Description, called: str) -> None:
    if bool(found.mean) != bool(found.sd) or (found.mean and len(found.mean) != len(found.sd)):
        raise ModelError(
            f"{called} has {len(found.mean)} values as mean and {len(found.sd)} as sd; give as "
            "many of both, one for each channel or one for all"
        )
    if any(sd <= 0 for sd in found.sd):
        raise ModelError(f"{called} has a value in sd that is not above 0")
    width = COLOURS if found.rgb else len(found.channels)
    if len(found.mean) > 1 and width and len(found.mean) != width:
        raise ModelError(
            f"{called} has {len(found.mean)} values as mean, and the model takes {width} channels; "
            "give one for each channel or one for all"
        )


def _configuration(file: Path, name: str) -> object:
    """Get the configuration of a transformer that lies beside the description."""
    if Path(name).name != name:
        raise ModelError(
            f"description {file} names the configuration {name!r}; give the name of a file in the "
            "folder of the description"
        )
    place = file.with_name(name)
    try:
        if place.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(
                f"configuration {place} has more than 1 MiB; give the config.json of the model"
            )
        return json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise ModelError(f"configuration {place} cannot be read: {reason or error}") from error


class _Reader:
    """Reads the values of a description, which may be anything.

    Parameters
    ----------
    said
        The values by name.
    called
        What messages call the description.
    """

    def __init__(self, said: Mapping[str, Any], called: str) -> None:
        self._said = said
        self._called = called

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._said.get(name) or ()
        if not _is_list(value) or not all(isinstance(one, str) and one for one in value):
            raise self._wrong(name, "a list of names")
        if len(set(value)) < len(value):
            raise self._wrong(name, "a list in which each name stands once")
        return tuple(value)

    def numbers(self, name: str) -> tuple[float, ...]:
        value = self._said.get(name)
        if value is None:
            return ()
        values: Sequence[object] = value if _is_list(value) else [value]
        if not all(_is_number(one) for one in values):
            raise self._wrong(name, "a number, or a list of a number for each channel")
        return tuple(float(cast("float", one)) for one in values)

    def size(self) -> tuple[int, int] | None:
        value = self._said.get("size")
        if value is None:
            return None
        values: Sequence[object] = value if _is_list(value) else [value, value]
        if len(values) != 2 or not all(_is_whole(one, 1, MAX_SIZE_PIXELS) for one in values):
            raise self._wrong(
                "size", f"an edge from 1 to {MAX_SIZE_PIXELS:,} pixels, or [height, width]"
            )
        height, width = values
        return cast("int", height), cast("int", width)

    def range(self) -> tuple[float, float]:
        values = self.numbers("range") or (0.0, 1.0)
        if len(values) != 2 or values[0] == values[1]:
            raise self._wrong("range", "two numbers that differ, such as [0, 255]")
        return values[0], values[1]

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        value = self._said.get(name)
        if value is not None and value not in allowed:
            raise self._wrong(name, f"one of {', '.join(allowed)}")
        return value

    def output_name(self) -> str | int | None:
        value = self._said.get("output_name")
        if value is not None and not isinstance(value, str) and not _is_whole(value, 0, 1000):
            raise self._wrong("output_name", "the name of an output, or its number from 0")
        return value

    def prefix_tokens(self) -> int | None:
        value = self._said.get("prefix_tokens")
        if value is not None and not _is_whole(value, 0, 1000):
            raise self._wrong("prefix_tokens", "a number of tokens, such as 1")
        return value

    def mapping(self, name: str) -> Mapping[str, Any] | None:
        value = self._said.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "an object of names and values")
        return cast("Mapping[str, Any] | None", value)

    def weights(self) -> Mapping[str, str]:
        value = self.mapping("weights") or {}
        allowed = {"key", "prefix"}
        if not set(value) <= allowed or not all(isinstance(one, str) for one in value.values()):
            raise self._wrong(
                "weights", 'an object such as {"key": "teacher", "prefix": "backbone."}'
            )
        return value

    def _wrong(self, name: str, allowed: str) -> ModelError:
        value = json.dumps(self._said.get(name), default=str)
        shown = value if len(value) <= 60 else value[:60] + "…"
        return ModelError(f"{self._called} has {name} {shown}; give {allowed}")


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float has
        return False


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
