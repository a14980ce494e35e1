"""Images and a model -> a table of embeddings."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jumpduck.embeddings.description import read_description
from jumpduck.embeddings.inputs import Inputs, inputs_of
from jumpduck.embeddings.models import BATCH_IMAGES, Model, load_model
from jumpduck.embeddings.networks import Batches
from jumpduck.embeddings.parts import PartTables, digest_of, parts_of
from jumpduck.embeddings.tables import kept_of, left_out_of, reason_last, tables_of, with_reason
from jumpduck.errors import ImageError, QueryError, StoreError
from jumpduck.options import expanded, takes
from jumpduck.profile_tables.writing import write_frames
from jumpduck.samples.opening import open_samples
from jumpduck.samples.options import SampleOptions
from jumpduck.schema import CANNOT_READ
from jumpduck.selection.criteria import as_names
from jumpduck.storage.atomic_files import make_folder
from jumpduck.storage.heartbeat_lock import HeartbeatLock
from jumpduck.storage.object_reader import scheme_of
from jumpduck.storage.replaced_files import check_ending, is_parquet, refuse_other_file

FACT = "jumpduck.embed"
"""Fact of the file: the model, what it was given and what was taken of it, as JSON."""

LEFT_OUT_SUFFIX = "_left_out.parquet"
"""Ends the name of the table of the samples that are left out, beside that of the others."""

OF_CHOICE = ("place", "where", "split")
"""Facts that change which samples there are, and nothing of one of them."""

MAX_BATCH_IMAGES = 65_536

TRIED_IMAGES = 8
"""Images that are read before one is found whose size the model is tried with."""

Event = Mapping[str, Any]


def _no_progress(_: Event) -> None: ...


@dataclass(frozen=True)
class EmbedOptions(SampleOptions):
    """What to embed, with which model.

    Parameters
    ----------
    place
        Folder that `jumpduck download` filled, or a manifest: then its images are fetched when
        they are needed.
    model
        File of the model: ONNX, TorchScript, or weights of a module of torch as safetensors or as
        a checkpoint without code.
    description
        JSON file that says what the model takes and gives, see docs/embed.md.
    architecture
        MODULE:FUNCTION that makes the module which the weights are of; MODULE.py is in the current
        folder or installed.
    channels
        Channels of the images in the order in which the model takes them; by default as the
        description has them, else all in the order of the collection.
    size
        Edge of a tile or cell in pixels of the kept images; by default the size that the model
        takes. Another size than that is resized to it.
    tiles
        Which tiles: grid (all that fit, from the top left) or foreground (those of the grid of
        which at least 1 % is brighter than 0.7 of Otsu's threshold in the channel of the nuclei;
        the middle one of a site that has none).
    cells
        Table of profiles of cells, in which the position of each cell is.
    missing
        What to do with a site that lacks a channel, or has an image that cannot be read: skip (it
        is a row of the table of what is left out, beside `path`) or raise.
    standardise
        Use the mean and the standard deviation of each channel of these images, in the place of
        those of the description.
    batch
        Images that the model is given at the same time at most.
    workers
        Threads that read images; by default one for each core that this process may use, and more
        for a manifest.
    amp
        Compute in mixed precision on a GPU.
    path
        File to write, as Parquet. What is left out is a table beside it.
    progress
        Called with each event: ``{"event": "plan" | "part" | "remark", ...}``.
    """

    place: str | Path = "images"
    _: KW_ONLY
    model: str | Path
    description: str | Path | None = None
    architecture: str | None = None
    batch: int = BATCH_IMAGES
    workers: int | None = None
    amp: bool = False
    path: str | Path = "embeddings.parquet"
    progress: Callable[[Event], None] = _no_progress

    def __post_init__(self) -> None:
        # the size of tiles and cells may be that of the model, which is not known yet
        if self.unit not in ("tile", "cell") or self.size is not None:
            super().__post_init__()
        if self.tiles == "random":
            raise QueryError(
                "tiles 'random' are others each time; give grid or foreground, so that a table "
                "can be made again"
            )
        for name, value, most in (("batch", self.batch, MAX_BATCH_IMAGES),
                                  ("workers", self.workers, 1024)):  # fmt: skip
            if value is not None and not 1 <= value <= most:
                raise QueryError(f"{name} {value} is not from 1 to {most:,}")


@dataclass(frozen=True)
class Embeddings:
    """What became of the samples.

    Attributes
    ----------
    path
        The table; None where nothing was written.
    rows
        Its rows: samples with an embedding. Before a run, those to come.
    dimensions
        Values of an embedding.
    left_out
        A row for each sample without an embedding, and each image that a site lacks, with the
        reason.
    there
        Samples that were there from an earlier run.
    facts
        What the file says of the model, and of what it was given.
    """

    path: Path | None
    rows: int
    dimensions: int
    left_out: pl.DataFrame
    there: int
    facts: Mapping[str, Any]


@takes(EmbedOptions)
def embed(options: EmbedOptions) -> Embeddings:
    """Compute the embedding of each field, tile or cell with a model, and write them to a file.

    The file has the columns ``Metadata_*`` of the samples, and ``emb0000`` and so on of float32. A
    sample whose image cannot be read, or for which the model gives no numbers, is a row of a table
    beside it. After an interruption the same call goes on.

    Returns
    -------
    Embeddings
        What became of the samples.

    Raises
    ------
    QueryError
        An option is wrong, or the library that the model needs is not installed.
    ModelError
        The model, its weights or its description cannot be used.
    ManifestError
        The place has no tables of a download, or no site has all channels.
    StoreError
        A file cannot be written.
    """
    return embed_samples(options)


def embed_samples(options: EmbedOptions, *, dry_run: bool = False) -> Embeddings:
    """Do what `embed` does; with `dry_run`, check everything but the images, and write nothing."""
    target = expanded(options.path)
    check_ending("path", target, (".parquet",))
    for file in (target, left_out_path(target)):
        refuse_other_file(file, "a table of embeddings", _is_embeddings)
    run = _Run(options)
    if dry_run:
        return run.foreseen(target)
    make_folder(target.parent)
    with HeartbeatLock(target.with_name(f".{target.name}.lock"), target):
        return run.write(target)


def left_out_path(path: Path) -> Path:
    """Get where the table of the samples without an embedding lies."""
    return path.with_name(path.stem + LEFT_OUT_SUFFIX)


class _Run:
    """One run: the model, the samples, and what the model is given of them."""

    def __init__(self, options: EmbedOptions) -> None:
        description = read_description(
            None if options.description is None else expanded(options.description)
        )
        self.options = options
        self.model = load_model(
            expanded(options.model), description, architecture=options.architecture, amp=options.amp
        )
        self.samples = open_samples(_sample_options(options, self.model))
        channels = self.samples.channels
        wanted = self.model.description.channels
        if wanted and len(channels) != len(wanted):
            raise QueryError(
                f"channels {', '.join(channels)} are {len(channels)}, and the model takes "
                f"{len(wanted)}, {', '.join(wanted)}; name one for each of these"
            )
        self.inputs = self._inputs()
        self.inputs.check(len(channels))
        self.dimensions = self.model.dimensions(len(channels), self._size())
        self.skipped = self.samples.skipped
        self.facts = self._facts()
        self.parts = parts_of(self.samples.table, self._digest_of)

    def foreseen(self, target: Path) -> Embeddings:
        """Get what a run would do."""
        there = self._there(_tables(target))
        return self._embeddings(None, len(self.samples), with_reason(self.skipped), there)

    def write(self, target: Path) -> Embeddings:
        """Compute what is missing, and write the table."""
        tables = _tables(target)
        there = self._there(tables)
        self._say(event="plan", samples=len(self.samples), there=there, dimensions=self.dimensions)
        network = self.model.network
        if self.options.amp and network.precision == "float32":
            text = f"amp has no effect: the model computes on {network.device} in float32"
            self._say(event="remark", text=text)
        batches = Batches(
            network, self.options.batch, lambda text: self._say(event="remark", text=text)
        )
        computed = tables_of(
            self.model,
            self.inputs,
            self.samples,
            tables.missing(self.parts),
            batches=batches,
            threads=self.options.workers,
            dimensions=self.dimensions,
            computed=lambda samples: self._say(event="batch", samples=samples),
        )
        for part, frame in computed:
            tables.write(part, frame)
            self._say(event="part", plate=part.plate[-1], samples=frame.height)
        return self._gathered(target, tables, there)

    def _gathered(self, target: Path, tables: PartTables, there: int) -> Embeddings:
        """Write the table of all parts, and that of what is left out."""
        lost = [left_out_of(frame) for frame in tables.read(self.parts)]
        left_out = reason_last(
            pl.concat([with_reason(self.skipped), *lost], how="diagonal_relaxed")
        )
        ledger = [
            (part.digest, len(part.rows) - rows.height)
            for part, rows in zip(self.parts, lost, strict=True)
        ]
        told = {**self.facts, "left_out": left_out.height, "parts": ledger}
        text = {FACT: json.dumps(told)}
        write_frames([left_out], left_out_path(target), text)
        rows = sum(count for _, count in ledger)
        if there < len(self.samples) or not tables.are_the_table(self.parts):
            write_frames(map(kept_of, tables.read(self.parts)), target, text)
        tables.remove()
        return self._embeddings(target, rows, left_out, there)

    def _embeddings(
        self, path: Path | None, rows: int, left_out: pl.DataFrame, there: int
    ) -> Embeddings:
        return Embeddings(path, rows, self.dimensions, left_out, there, self.facts)

    def _digest_of(self, rows: range) -> str:
        known = {name: value for name, value in self.facts.items() if name not in OF_CHOICE}
        return digest_of({**known, "samples": self.samples.digest_of(rows)})

    def _there(self, tables: PartTables) -> int:
        """Get the number of samples that an earlier run did."""
        return len(self.samples) - sum(len(part.rows) for part in tables.missing(self.parts))

    def _inputs(self) -> Inputs:
        description = self.model.description
        if not self.options.standardise:
            return inputs_of(description)
        if description.rgb is not None:
            raise QueryError(
                "standardise does not go with the description's rgb: a model of three colours has "
                "statistics of its own; leave it out"
            )
        found = self.samples.statistics()
        return inputs_of(description, (found.mean.tolist(), found.sd.tolist()))

    def _size(self) -> tuple[int, int] | None:
        """Get the size of an image, to try the model with where it takes any."""
        edge = self.samples.options.size
        if edge is not None:
            return edge, edge
        if self.model.description.size is not None:
            return None
        for index in range(min(len(self.samples), TRIED_IMAGES)):
            with suppress(ImageError, StoreError):
                height, width = self.samples[index].image.shape[1:]
                return height, width
        return None

    def _facts(self) -> dict[str, Any]:
        """Get what the file says of how it was made."""
        taken, description = self.samples.options, self.model.description
        said = description.as_json()
        statistics = {
            "of": "the images" if self.options.standardise else "the model",
            # of pixels from 0 to 1: a pixel x became x * scale + shift
            "scale": self.inputs.scale.tolist(),
            "shift": self.inputs.shift.tolist(),
        }
        return {
            "place": _name(self.options.place),
            "model": {**self.model.facts, "description": said},
            "channels": list(self.samples.channels),
            "unit": taken.unit,
            "size": taken.size,
            "stride": taken.stride or taken.size,
            "tiles": taken.tiles if taken.unit == "tile" else None,
            "where": taken.where,
            "split": taken.split,
            "input_size": description.size,
            "statistics": statistics,
            "output": description.output,
            "dimensions": self.dimensions,
            "device": self.model.network.device,
            "precision": self.model.network.precision,
            "jumpduck": version("jumpduck"),
            "numpy": np.__version__,
        }

    def _say(self, **event: object) -> None:
        self.options.progress(event)


def _sample_options(options: EmbedOptions, model: Model) -> SampleOptions:
    """Get which samples to take, where the model says what the options do not."""
    values: dict[str, Any] = {one.name: getattr(options, one.name) for one in fields(SampleOptions)}
    size = model.description.size
    if options.unit != "field" and options.size is None and size is not None:
        if size[0] != size[1]:
            raise QueryError(
                f"unit {options.unit!r} needs `size`, because the {size[0]} x {size[1]} pixels "
                "that the model takes are not a square"
            )
        values["size"] = size[0]
    values["channels"] = as_names(options.channels) or model.description.channels
    values["standardise"] = False  # because the model's inputs are, in one step
    return SampleOptions(**values)


def _name(place: str | Path) -> str:
    """Get a place without its folders if it is on this machine, which is nobody else's concern."""
    return Path(place).name if scheme_of(str(place)) == "file" else str(place)


def _facts_of(file: Path) -> dict[str, Any] | None:
    """Get what a table of embeddings says of itself; None for another file."""
    try:
        said = pl.read_parquet_metadata(file).get(FACT) if is_parquet(file) else None
        return None if said is None else dict(json.loads(said))
    except (OSError, ValueError, TypeError, *CANNOT_READ):
        return None


def _is_embeddings(file: Path) -> bool:
    return _facts_of(file) is not None


def _tables(target: Path) -> PartTables:
    """Get the parts that are there of a table to write."""
    ledger = (_facts_of(target) or {}).get("parts", [])
    parts = [(str(digest), int(rows)) for digest, rows in ledger]
    if parts and pl.scan_parquet(target, glob=False).select(pl.len()).collect().item() != sum(
        rows for _, rows in parts
    ):
        parts = []  # another program changed the rows, and kept what the file says of itself
    return PartTables(target, parts)
