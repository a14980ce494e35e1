"""jumpduck embed"""

import shlex
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import fields, replace

import polars as pl

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, WORK, DryRun, Json, Quiet, reads
from jumpduck.cli.printer import Printer
from jumpduck.counts import counted
from jumpduck.embeddings.tables import REASON
from jumpduck.errors import InterruptedRunError, PartialError
from jumpduck.options import expanded
from jumpduck.rows import SITE_KEY
from jumpduck.stages.embed import Embeddings, EmbedOptions, Event, embed_samples, left_out_path
from jumpduck.words import words_of

FLAG_OF_PATH = "--embeddings"

NOT_AGAIN = ("progress", "path")
"""Options that the command which goes on does not have, or has under another name."""

MAX_SHOWN_REASONS = 5


@reads(
    EmbedOptions,
    {
        PLACES: ("place", "model", "description", "architecture", "cells", "endpoint", "cache",
                 "cache_gb"),
        CHOOSE: ("channels", "where", "split", "missing"),
        WORK: ("unit", "size", "stride", "tiles", "nuclei", "standardise", "batch", "workers",
               "amp"),
        OUTPUT: ("path",),
    },
    positional="place",
    flags={"path": FLAG_OF_PATH},
    short={"path": ["-o"]},
)  # fmt: skip
def embed(
    options: EmbedOptions, *, dry_run: DryRun = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Compute the embeddings of images with a model of yours.

    Each field, tile or cell becomes a row of a table that normalize and evaluate take. The model is
    a file: ONNX, TorchScript, or weights of a module of torch or of a vision transformer; a small
    JSON file says what it takes and gives. docs/embed.md has examples. No Python code of such a
    file is run, but TorchScript and ONNX are programs: take them from those whom you trust. Nothing
    is fetched: `jumpduck models` lists published models.

    The command goes on where an earlier one was interrupted. Exit code 3 says that some samples
    have no embedding; the table beside the other says why.

    For example:

    ```
    jumpduck embed images --model model.onnx --description model.json
    jumpduck embed images --model dino.safetensors --architecture nets:small --unit tile --size 224
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    if dry_run:
        _say_plan(printer, options, embed_samples(options, dry_run=True))
        return
    names = [one.name for one in fields(options) if one.name not in NOT_AGAIN]
    words = [*words_of(options, names), FLAG_OF_PATH, str(options.path)]
    again = shlex.join(["jumpduck", "embed", *words])
    try:
        with _shown(printer) as progress:
            done = embed_samples(replace(options, progress=progress))
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted; what is finished is kept. Go on with: {again}"
        ) from None
    _say(printer, options, done)
    if left_out := done.left_out.height:
        raise PartialError(
            f"{counted(left_out, 'row')} of {left_out_path(expanded(options.path))} "
            f"{'says' if left_out == 1 else 'say'} which samples have no embedding, and why; the "
            "same command tries them again"
        )


@contextmanager
def _shown(printer: Printer) -> Generator[Callable[[Event], None]]:
    """Get what shows the events of a run."""
    with printer.progress() as bars:
        bar = bars.add_task("samples", total=None, note="")

        def show(event: Event) -> None:
            match event["event"]:
                case "plan":
                    bars.update(bar, total=event["samples"], completed=event["there"])
                    printer.event(event)
                case "batch":
                    bars.update(bar, advance=event["samples"])
                case "part":
                    bars.update(bar, note=str(event["plate"]))
                    printer.event(event)
                case "remark":
                    printer.remark(str(event["text"]))
                    printer.event(event)
                case _:
                    printer.event(event)

        yield show


def _say_plan(printer: Printer, options: EmbedOptions, plan: Embeddings) -> None:
    """Say what a run would do."""
    printer.line(_model_line(plan))
    printer.line(f"{counted(plan.rows, 'sample')} -> {options.path}")
    if plan.left_out.height:
        printer.line(_lacking_line(plan))
    left = plan.rows - plan.there
    printer.line(
        f"there already: {plan.there:,}; left to compute: {left:,}; nothing done (--dry-run)"
    )
    printer.json(_as_object(options, plan))


def _say(printer: Printer, options: EmbedOptions, done: Embeddings) -> None:
    """Say what was done, and what was left out."""
    printer.line(_model_line(done))
    again = f", {done.there:,} of them from an earlier run" * bool(done.there)
    printer.line(f"{counted(done.rows, 'row')}{again} -> {done.path}")
    reasons = done.left_out.group_by(REASON).agg(samples=pl.len())
    for reason, samples in (
        reasons.sort("samples", REASON, descending=[True, False])
        .head(MAX_SHOWN_REASONS)
        .iter_rows()
    ):
        printer.line(f"left out {samples:,}: {reason}")
    if reasons.height > MAX_SHOWN_REASONS:
        printer.line(f"... {reasons.height:,} reasons in all; these are the most frequent")
    printer.json({"event": "end", **_as_object(options, done)})


def _model_line(one: Embeddings) -> str:
    model = one.facts["model"]
    return (
        f"{model['file']} ({model['kind']}, SHA-256 {model['sha256'][:12]}…) takes "
        f"{', '.join(one.facts['channels'])} and gives {counted(one.dimensions, 'value')}, on "
        f"{one.facts['device']} in {one.facts['precision']}"
    )


def _lacking_line(one: Embeddings) -> str:
    sites = one.left_out.select(SITE_KEY).n_unique()
    return f"left out because they lack images: {counted(sites, 'site')}"


def _as_object(options: EmbedOptions, one: Embeddings) -> dict[str, object]:
    return {
        "embeddings": one.path,
        "rows": one.rows,
        "there": one.there,
        "dimensions": one.dimensions,
        "left_out": one.left_out.height,
        "left_out_table": left_out_path(expanded(options.path)),
        "facts": one.facts,
    }
