"""The README of a folder that a download filled."""

import json
from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from jumpduck.counts import counted
from jumpduck.descriptions.again import command_again, parts_of
from jumpduck.descriptions.cited import Cited
from jumpduck.rows import DONE, PLATE_KEY, ROLE, SITE_KEY, WELL_KEY
from jumpduck.schema import BIBTEX_FILE, CITATION_FILE, RESULTS_FILE, SITES_FILE
from jumpduck.transfer.filled_folder import FilledFolder

CARD_FILE = "README.md"

MARK = "<!-- made by jumpduck card -->"
"""In each card, so that a README of the user's own is not replaced."""

SPLIT = "split"

MAX_SOURCES = 50
"""Rows of a table; its last line says how many were left out."""


def card(folder: FilledFolder, name: str, cited: Cited, montage: str | None) -> str:
    """Get the README of a folder: what it holds, what made it, and how to make it again.

    Parameters
    ----------
    name
        What the dataset is called.
    montage
        Path of a picture in the folder; None for none.
    """
    parts = [
        _front_matter(name, cited),
        f"{MARK}\n# {_plain(name)}",
        _plain(cited.text.partition("\n\n")[0]),
        *([f"![Some of the images]({montage})"] if montage else []),
        "## What it holds\n\n" + _counts(folder),
        *_tables(folder),
        _files(folder),
        "## How it was made\n\n" + "\n".join(_made(folder)),
        _again(folder),
        "## Citing\n\n" + _licences(cited) + f"\n\nSee `{CITATION_FILE}` and `{BIBTEX_FILE}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(name: str, cited: Cited) -> str:
    """Get the metadata that hubs read, as YAML; JSON texts are YAML texts, too."""
    lines = [f"pretty_name: {json.dumps(name, ensure_ascii=False)}", "tags:", "- cell-painting"]
    if {one.licence for one in cited.datasets} == {"CC0 1.0"}:
        lines.insert(0, "license: cc0-1.0")
    return "\n".join(["---", *lines, "---"])


def _counts(folder: FilledFolder) -> str:
    done = pl.col("status").is_in(list(DONE))
    lacking = folder.results.select((~done).sum()).collect(engine="streaming").item()
    kept = pl.struct("path", "size").unique()  # because the channels of a stack share a file
    row = (
        folder.results.filter(done)
        .select(
            images=pl.len(),
            plates=pl.struct(PLATE_KEY).n_unique(),
            wells=pl.struct(WELL_KEY).n_unique(),
            sites=pl.struct(SITE_KEY).n_unique(),
            unknown=pl.col("checksum").null_count(),
            gigabytes=kept.struct.field("size").sum() / 1e9,
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    text = (
        f"{counted(row['images'], 'image')} of {counted(row['sites'], 'site')} in "
        f"{counted(row['wells'], 'well')} on {counted(row['plates'], 'plate')}, "
        f"{row['gigabytes']:.3g} GB. "
        f"Channels: {', '.join(_plain(one.name) for one in folder.channels)}."
    )
    if row["unknown"]:
        text += f" Not verified, for lack of a checksum: {counted(row['unknown'], 'image')}."
    if lacking:
        text += f" {counted(lacking, 'further image')} could not be had; `{RESULTS_FILE}` says why."
    if folder.left:
        text += f" Not fetched yet: {counted(folder.left, 'image')}."
    return text


def _tables(folder: FilledFolder) -> Iterator[str]:
    columns = folder.results.collect_schema()
    for title, column in (("Source", "Metadata_Source"), ("Role", ROLE), ("Part", SPLIT)):
        if column not in columns:
            continue
        counted = (
            folder.results.filter(pl.col("status").is_in(list(DONE)))
            .group_by(column)
            .agg(
                plates=pl.struct(PLATE_KEY).n_unique(),
                wells=pl.struct(WELL_KEY).n_unique(),
                sites=pl.struct(SITE_KEY).n_unique(),
                images=pl.len(),
            )
            .sort(column)
            .collect(engine="streaming")
        )
        rows = counted.head(MAX_SOURCES).rows()
        text = _table((title, "plates", "wells", "sites", "images"), rows)
        if counted.height > MAX_SOURCES:
            text += f"\n\nand {counted.height - MAX_SOURCES:,} more"
        yield text


def _files(folder: FilledFolder) -> str:
    paths = folder.results.filter(pl.col("status").is_in(list(DONE))).select("path").head(1)
    example = "".join(paths.collect()["path"].to_list())
    images = f"- `{_code(example)}` and so on: the images\n" if example else ""
    return (
        f"## Files\n\n{images}"
        f"- `{SITES_FILE}`: one row a site, with the path of each channel\n"
        f"- `{RESULTS_FILE}`: one row an image, with its URL, checksum and what was measured"
    )


def _made(folder: FilledFolder) -> Iterator[str]:
    for label, parameters in folder.recipes:
        given = ", ".join(
            f"{name} {json.dumps(value)}" for name, value in parameters.items() if value is not None
        )
        yield f"- recipe `{_code(label)}`" + (f": {_plain(given)}" if given else "")
    for origin in folder.origins:
        catalog = origin.catalog
        if "collection" in catalog:
            revision = catalog.get("revision")
            said = f", revision `{_code(revision)}`" if revision else ""
            yield f"- collection `{_code(catalog['collection'])}`{said}"
        if "seed" in origin.query:
            yield f"- seed {_plain(str(origin.query['seed']))}"
        yield f"- SHA-256 of the chosen keys, URLs and paths: `{_code(origin.digest)}`"


def _again(folder: FilledFolder) -> str:
    command = command_again(folder)
    parts = parts_of(folder)
    if command is None and parts:
        return (
            f"It was filled from a part of a manifest, {_plain(', '.join(parts))}, so no one "
            f"command makes it again; `{RESULTS_FILE}` has the URL and the checksum of each image."
        )
    if command is None:
        return (
            "It was filled from several choices, with several recipes, or from a table that "
            f"jumpduck did not make, so no one command makes it again; `{RESULTS_FILE}` has the "
            "URL and the checksum of each image."
        )
    fence = "`" * max(3, 1 + max((len(run) for run in _runs_of_backticks(command)), default=0))
    return f"To make it again:\n\n{fence}console\n$ {command}\n{fence}"


def _runs_of_backticks(text: str) -> Iterable[str]:
    return (part for part in "".join(c if c == "`" else " " for c in text).split() if part)


def _licences(cited: Cited) -> str:
    licences = (
        f"{_plain(one.name)}: {one.licence or 'see its publisher'}" for one in cited.datasets
    )
    references = (one.text for one in cited.references)
    unknown = map(_plain, cited.unknown)  # they have names that a manifest gave
    return "\n".join(f"- {line}" for line in (*licences, *references, *unknown))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "none" if value is None else _plain(str(value))


def _plain(text: str) -> str:
    """Get a text in which nothing is taken for Markdown or HTML."""
    one_line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!&" else c for c in one_line)


def _code(value: object) -> str:
    return " ".join(str(value).split()).replace("`", "'")
