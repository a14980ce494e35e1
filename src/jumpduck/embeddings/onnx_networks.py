"""Models in ONNX, computed by onnxruntime."""

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from jumpduck.embeddings.description import Description
from jumpduck.embeddings.inputs import Images
from jumpduck.embeddings.networks import Embeddings, OutOfMemoryError, picked
from jumpduck.errors import ModelError, QueryError, needs_extra

_FOLDER_OF_WEIGHTS = "session.model_external_initializers_file_folder_path"

_NO_MEMORY = ("Failed to allocate memory", "out of memory", "bad allocation", "std::bad_alloc")

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
"""Types of an input that images are given as."""


class OnnxNetwork:
    """A model in ONNX, on a GPU where onnxruntime has one.

    Parameters
    ----------
    data
        The file. Weights that lie in files beside it are not read.
    file
        Its name, for messages.

    Raises
    ------
    QueryError
        The library is not installed.
    ModelError
        The file is not such a model, or takes no images.
    """

    def __init__(self, data: bytes, file: Path, description: Description) -> None:
        if find_spec("onnxruntime") is None:
            raise QueryError(needs_extra("a model in ONNX", "onnxruntime", "onnx"))
        import onnxruntime as library  # pyright: ignore[reportMissingTypeStubs]

        onnxruntime: Any = library

        wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
        there = onnxruntime.get_available_providers()
        options: Any = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # because what fails is raised, too
        try:
            # weights of a model in memory would be looked for in the current folder, so the digest
            # of the file would not be that of the weights; an empty folder has none
            with TemporaryDirectory(prefix="jumpduck-") as empty:
                options.add_session_config_entry(_FOLDER_OF_WEIGHTS, empty)
                self._session: Any = onnxruntime.InferenceSession(
                    data, options, providers=[one for one in wanted if one in there]
                )
        except Exception as error:
            # because the library raises classes of its own
            raise ModelError(
                f"model {file} is not a model in ONNX that onnxruntime takes: "
                f"{_line(error)}; weights must stand in the file itself (external_data=False)"
            ) from error
        self.device = "cuda" if self._session.get_providers()[0] == wanted[0] else "cpu"
        self.precision = "float32"
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type not in _TYPES:
            said = ", ".join(f"{one.name} {one.shape} {one.type}" for one in inputs)
            raise ModelError(
                f"model {file} takes {said or 'nothing'}; it must take one array of images of "
                "the shape (N, channels, height, width)"
            )
        self._input = inputs[0]
        self._description = description
        self._prefix_tokens = 1 if description.prefix_tokens is None else description.prefix_tokens
        self._names = [one.name for one in self._session.get_outputs()]

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width that the model takes, if it takes only these."""
        height, width = self._input.shape[2:]
        return (height, width) if isinstance(height, int) and isinstance(width, int) else None

    def __call__(self, batch: Images) -> Embeddings:
        """Get the embeddings of a batch."""
        fixed = self._input.shape[0]
        if not isinstance(fixed, int) or len(batch) == fixed:
            return self._run(batch)
        found: list[Embeddings] = []
        for start in range(0, len(batch), fixed):
            some = batch[start : start + fixed]
            filled = np.zeros((fixed, *some.shape[1:]), np.float32)
            filled[: len(some)] = some
            found.append(self._run(filled)[: len(some)])
        return np.concatenate(found)

    def _run(self, batch: Images) -> Embeddings:
        given = np.ascontiguousarray(batch, _TYPES[self._input.type])
        try:
            values = self._session.run(None, {self._input.name: given})
        except Exception as error:
            # because the library raises classes of its own
            if isinstance(error, MemoryError) or any(one in str(error) for one in _NO_MEMORY):
                raise OutOfMemoryError(_line(error)) from error
            raise ModelError(
                f"the model does not take images of the shape {batch.shape[1:]} (channels, height, "
                f"width), it takes {self._input.shape[1:]}: {_line(error)}; name its channels "
                "with `channels`, and say the size that it takes in the description"
            ) from error
        outputs = values[0] if len(values) == 1 else dict(zip(self._names, values, strict=True))
        if len(values) == 1 and self._description.output_name == self._names[0]:
            outputs = dict(zip(self._names, values, strict=True))
        found = picked(outputs, self._description, self._prefix_tokens)
        return np.ascontiguousarray(found, np.float32)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
