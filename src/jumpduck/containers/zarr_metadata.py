"""What the metadata of a Zarr array say, version 2 or 3, after their check.

Anybody may have written them: each value is looked at before it is used.
"""

import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from jumpduck.containers.chunk_grid import ChunkGrid, Coordinates
from jumpduck.containers.decoders import Decode
from jumpduck.containers.plane_file import MAX_AXES
from jumpduck.containers.zarr_codecs import SHAPED, Chain, decoder_of
from jumpduck.errors import ImageError

MAX_EDGE = 1 << 40
"""Length of an axis; a larger one overflows what is computed with it."""

MAX_SHARD_CHUNKS = 1 << 16
"""Chunks of a shard, whose index has 16 bytes for each."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shards:
    """How several chunks are kept in one file.

    Parameters
    ----------
    chunks
        How many along each axis.
    index
        The codecs of the index: where each chunk begins, and its bytes.
    index_bytes
        Of the encoded index.
    at_end
        The index is at the end of the file, else at its beginning.
    """

    chunks: tuple[int, ...]
    index: Chain
    index_bytes: int
    at_end: bool


@dataclass(frozen=True, slots=True)
class ZarrArray:
    """An array, whose chunks are files or parts of shards."""

    grid: ChunkGrid
    dtype: np.dtype
    fill: float
    chain: Chain
    shards: Shards | None
    prefix: str
    separator: str

    def key(self, file: Coordinates) -> str:
        """Get the path of a chunk or shard below the array."""
        return self.separator.join([*([self.prefix] if self.prefix else []), *map(str, file)])


def parse_metadata(document: bytes | memoryview, version: int) -> ZarrArray:
    """Get an array from its document ``.zarray`` (version 2) or ``zarr.json`` (3).

    Raises
    ------
    ImageError
        It is not one of an array that can be read.
    """
    try:
        found: object = json.loads(bytes(document))
    except (ValueError, RecursionError) as error:
        raise ImageError(f"its metadata are not JSON: {str(error)[:100]}") from error
    metadata = _object(found, "metadata")
    if metadata.get("zarr_format") != version:
        raise ImageError(f"its zarr_format is {_short(metadata.get('zarr_format'))}, not {version}")
    return _parse_2(metadata) if version == 2 else _parse_3(metadata)


def _parse_2(metadata: Json) -> ZarrArray:
    dtype = _dtype(metadata.get("dtype"))
    grid = ChunkGrid(_edges(metadata, "shape"), _edges(metadata, "chunks"))
    if metadata.get("filters"):
        filters = _list(metadata["filters"], "filters")
        names = [_short(_object(one, "a filter").get("id")) for one in filters]
        raise ImageError(f"filters {', '.join(names)} are not read")
    axes = list(range(len(grid.shape)))
    order = metadata.get("order", "C")
    if order not in ("C", "F"):
        raise ImageError(f"its order is {_short(order)}, not C or F")
    decoders: list[Decode] = []
    compressor = metadata.get("compressor")
    name = None
    if compressor is not None:
        settings = _object(compressor, "compressor")
        name = _text(settings.get("id"), "the id of the compressor")
        decoders = [] if name == SHAPED else [decoder_of(name)]
    chain = Chain(dtype, axes if order == "C" else axes[::-1], name == SHAPED, decoders)
    separator = metadata.get("dimension_separator", ".")
    if separator not in (".", "/"):
        raise ImageError(f"its dimension_separator is {_short(separator)}, not . or /")
    fill = _fill(metadata.get("fill_value"), dtype)
    return ZarrArray(grid, dtype, fill, chain, None, "", separator)


def _parse_3(metadata: Json) -> ZarrArray:
    if metadata.get("node_type") != "array":
        raise ImageError(f"it is a {_short(metadata.get('node_type'))}, not an array")
    if metadata.get("storage_transformers"):
        raise ImageError("its storage_transformers are not read")
    kind = metadata.get("data_type")
    if not isinstance(kind, str) or not re.fullmatch(r"(u?int|float)(8|16|32|64)", kind):
        raise ImageError(f"not 8 or 16 bit unsigned: {_short(kind)}")
    dtype = _dtype(kind)
    chunk_grid, settings = _named(metadata.get("chunk_grid"), "chunk_grid")
    if chunk_grid != "regular":
        raise ImageError(f"its chunk_grid is {_short(chunk_grid)}, not regular")
    shape, files = _edges(metadata, "shape"), _edges(settings, "chunk_shape")
    prefix, separator = _key_encoding(metadata.get("chunk_key_encoding"))
    fill = _fill(metadata.get("fill_value"), dtype)
    codecs = _list(metadata.get("codecs"), "codecs")
    first, inner = _named(codecs[0] if codecs else "", "a codec")
    if first != "sharding_indexed":
        chain = _chain(codecs, dtype, len(shape))
        return ZarrArray(ChunkGrid(shape, files), dtype, fill, chain, None, prefix, separator)
    if len(codecs) > 1:
        raise ImageError("codecs after sharding_indexed are not read")
    chunks = _edges(inner, "chunk_shape")
    chain = _chain(_list(inner.get("codecs"), "codecs"), dtype, len(shape))
    shards = _shards(inner, files, chunks)
    return ZarrArray(ChunkGrid(shape, chunks), dtype, fill, chain, shards, prefix, separator)


def _shards(settings: Json, files: tuple[int, ...], chunks: tuple[int, ...]) -> Shards:
    if len(files) != len(chunks) or any(
        edge < 1 or file % edge for file, edge in zip(files, chunks, strict=True)
    ):
        raise ImageError(f"shards of {files} are not made of chunks of {chunks}")
    counts = tuple(file // edge for file, edge in zip(files, chunks, strict=True))
    if not 0 < math.prod(counts) <= MAX_SHARD_CHUNKS:
        raise ImageError(f"shards of {math.prod(counts)} chunks; at most {MAX_SHARD_CHUNKS}")
    codecs = _list(settings.get("index_codecs"), "index_codecs")
    names = [_named(one, "a codec")[0] for one in codecs]
    if names not in (["bytes"], ["bytes", "crc32c"]):
        raise ImageError(f"index_codecs {', '.join(map(_short, names))} are not read")
    chain = _chain(codecs, np.dtype(np.uint64), len(counts) + 1)
    location = settings.get("index_location", "end")
    if location not in ("start", "end"):
        raise ImageError(f"its index_location is {_short(location)}, not start or end")
    index_bytes = 16 * math.prod(counts) + 4 * (len(names) - 1)
    return Shards(counts, chain, index_bytes, location == "end")


def _chain(codecs: Sequence[object], dtype: np.dtype, rank: int) -> Chain:
    """The codecs of version 3, which come in the order in which they encode."""
    axes, stored = list(range(rank)), dtype
    is_jpegxl = is_bytes = False
    decoders: list[Decode] = []
    for codec in codecs:
        name, settings = _named(codec, "a codec")
        name = name.removeprefix("numcodecs.")
        if name == "transpose" and not is_bytes:
            order = _edges(settings, "order")
            if sorted(order) != sorted(axes):
                raise ImageError(f"codec transpose has the order {_short(order)}")
            axes = [axes[axis] for axis in order]
        elif name in ("bytes", SHAPED) and not is_bytes:
            is_bytes, is_jpegxl = True, name == SHAPED
            endian = settings.get("endian", "little")
            if endian not in ("little", "big"):
                raise ImageError(f"codec bytes has the endian {_short(endian)}")
            stored = dtype.newbyteorder("<" if endian == "little" else ">")
        elif is_bytes:
            decoders.insert(0, decoder_of(name))
        else:
            raise ImageError(f"codec {_short(name)} is not read before bytes")
    if not is_bytes:
        raise ImageError("its codecs lack bytes")
    return Chain(stored if not is_jpegxl else dtype, axes, is_jpegxl, decoders)


def _key_encoding(found: object) -> tuple[str, str]:
    name, settings = _named(found, "chunk_key_encoding")
    if name not in ("default", "v2"):
        raise ImageError(f"its chunk_key_encoding is {_short(name)}, not default or v2")
    separator = settings.get("separator", "/" if name == "default" else ".")
    if separator not in (".", "/"):
        raise ImageError(f"its separator is {_short(separator)}, not . or /")
    return ("c" if name == "default" else ""), separator


def _named(found: object, what: str) -> tuple[str, Json]:
    """The name and the configuration of an extension of version 3."""
    if isinstance(found, str):
        return found, _object({}, what)
    item = _object(found, what)
    return _text(item.get("name"), f"the name of {what}"), _object(
        item.get("configuration") or {}, f"the configuration of {what}"
    )


def _edges(metadata: Json, key: str) -> tuple[int, ...]:
    found = _list(metadata.get(key), key)
    edges = [edge for edge in found if type(edge) is int and 0 <= edge <= MAX_EDGE]
    if len(edges) != len(found) or len(edges) > MAX_AXES:
        raise ImageError(f"its {key} is {_short(found)}, not at most {MAX_AXES} lengths")
    return tuple(edges)


def _dtype(found: object) -> np.dtype:
    if not isinstance(found, str) or not re.fullmatch(r"[<>|=]?[uif][1248]|[a-z]+[0-9]+", found):
        raise ImageError(f"not 8 or 16 bit unsigned: {_short(found)}")
    try:
        return np.dtype(found)
    except TypeError as error:
        raise ImageError(f"not 8 or 16 bit unsigned: {_short(found)}") from error


def _fill(found: object, dtype: np.dtype) -> float:
    """The number of pixels that are in no chunk."""
    if found is None:
        return 0
    try:
        if isinstance(found, str) and found.startswith("0x"):
            form = {4: ">I", 8: ">Q"}[dtype.itemsize]
            found = float(
                np.frombuffer(struct.pack(form, int(found, 16)), dtype.newbyteorder(">"))[0]
            )
        number = float(cast("Any", found))
        if dtype.kind != "f" and not np.iinfo(dtype).min <= number <= np.iinfo(dtype).max:
            raise ValueError(number)
    except (TypeError, ValueError, KeyError, OverflowError, struct.error) as error:
        raise ImageError(f"its fill_value is {_short(found)}") from error
    return number if dtype.kind == "f" else int(number)


def _object(found: object, what: str) -> Json:
    if not isinstance(found, dict):
        raise ImageError(f"its {what} is {_short(found)}, not an object")
    return cast("dict[str, Any]", found)


def _list(found: object, what: str) -> Sequence[Any]:
    if not isinstance(found, list):
        raise ImageError(f"its {what} is {_short(found)}, not a list")
    return cast("list[Any]", found)


def _text(found: object, what: str) -> str:
    if not isinstance(found, str):
        raise ImageError(f"{what} is {_short(found)}, not a text")
    return found


def _short(found: object) -> str:
    return repr(found)[:60]
