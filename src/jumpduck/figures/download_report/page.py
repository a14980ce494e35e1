"""What is known of a folder -> the report: one HTML file that needs no network."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import polars as pl

from jumpduck.figures.download_report.content import as_script, content_of, pictures_of
from jumpduck.figures.download_report.facts import MAX_ROWS, Facts, facts_of
from jumpduck.figures.download_report.thumbnails import thumbnails
from jumpduck.rows import FAULTS
from jumpduck.schema import RESULTS_FILE, SITES_FILE
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.wells.outliers import MIN_COMPARED, THRESHOLD

MAX_BYTES = 9_500_000
"""Of the libraries, tables and pictures; the rest of a report has less than 0.2 MB."""

MAX_PICTURE_BYTES = 4_000_000

FIRST_LINES = b"<!doctype html>\n<!-- report of jumpduck -->\n"
"""What a report begins with."""

_HERE = Path(__file__).parent

MAX_VALUE_CHARACTERS = 2_000
"""Of a value that was asked for: a choice can have thousands of names."""

_OF_SOURCES: Mapping[str, str] = {
    "plates": "Plates", "wells": "Wells", "sites": "Sites", "images": "Images", "done": "Done",
    **{status: status.capitalize() for status in FAULTS}, "kept_bytes": "MB kept",
}  # fmt: skip
"""Columns of the table of sources, and their titles."""


@dataclass(frozen=True)
class AskedFor:
    """What a manifest was asked for.

    Attributes
    ----------
    facts
        Terms and what is said of them.
    command
        The command line that writes such a manifest; None if it is not known.
    """

    facts: Sequence[tuple[str, str]]
    command: str | None = None


@dataclass(frozen=True)
class Told:
    """What the report says beside what is in the tables of the folder.

    Attributes
    ----------
    asked
        What the manifests were asked for.
    again
        The command line that fills another folder with the same files; None if it is not known.
    notices
        What a reader should know first.
    citation
        How to cite the images.
    """

    asked: Sequence[AskedFor]
    again: str | None
    notices: Sequence[str]
    citation: str


@dataclass(frozen=True)
class Report:
    """A report, and how much it shows.

    Attributes
    ----------
    html
        The file.
    plates, wells
        How many the folder has.
    images, done
        Images that were tried, and those of them that came.
    wells_shown, wells_with_pictures
        Wells that are in its plate maps, and of which it has pictures.
    """

    html: bytes
    plates: int
    wells: int
    images: int
    done: int
    wells_shown: int
    wells_with_pictures: int


def is_report(file: Path) -> bool:
    """Get whether a file is a report, by its first lines."""
    with file.open("rb") as opened:
        return opened.read(len(FIRST_LINES)) == FIRST_LINES


def report_of(folder: FilledFolder, told: Told) -> Report:
    """Get the report about a folder, after `jumpduck.figures.charts.check_charts`."""
    # imported here, because they belong to an extra
    import jinja2

    from jumpduck.figures.download_report.charts import charts, libraries

    own_charts, vega = charts(), libraries()
    facts = facts_of(folder)
    content = content_of(facts, own_charts)
    space = min(MAX_PICTURE_BYTES, MAX_BYTES - len(vega) - len(as_script(content).encode()))
    content["pictures"] = pictures_of(thumbnails(folder, facts.wells, space), facts)
    wells_shown = sum(len(one["place"]) for one in content["wells"] if one is not None)
    with_pictures = sum(map(len, content["pictures"]))
    style, script = ((_HERE / name).read_text("utf-8") for name in ("report.css", "report.js"))
    totals = facts.plates.sum().row(0, named=True)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    html = environment.from_string((_HERE / "report.html").read_text("utf-8")).render(
        policy=_policy([style], [vega, script]),
        # the template takes these four as they are: three are ours, and the content has no <
        style=style,
        libraries=vega,
        script=script,
        content=as_script(content),
        version=version("jumpduck"),
        title=folder.path.resolve().name or str(folder.path),
        notices=told.notices,
        again=told.again if len(told.again or "") <= MAX_VALUE_CHARACTERS else None,
        asked=[_shortened(one) for one in told.asked],
        totals=_totals(facts, totals),
        recipes=[(label, _said(parameters)) for label, parameters in folder.recipes],
        source_columns=list(_OF_SOURCES.values()),
        sources=_cells(facts.sources),
        outlier_rule=f"a robust z of {THRESHOLD:g} or more within its plate and channel, where "
        f"these have {MIN_COMPARED} or more",
        outliers_left_out=_left_out(facts.outlier_rows, "what stands out: jumpduck quality"),
        reasons=[(status, why, f"{images:,}") for status, why, images in facts.reasons.rows()],
        faults_left_out=_left_out(sum(totals[name] for name in FAULTS), f"all: {RESULTS_FILE}"),
        has_issues=bool(facts.issues.height),
        citation=told.citation,
        pictures_note=f"The report has pictures of {with_pictures:,} of {facts.wells.height:,} "
        "wells: first those with a failure or outlier, then some of each role and plate. The "
        "pictures of a channel and plate have one scale of grey levels.",
        tables=f"{RESULTS_FILE} and {SITES_FILE}",
    )
    return Report(
        html.encode("utf-8", "replace"),
        plates=facts.plates.height,
        wells=facts.wells.height,
        images=totals["images"],
        done=totals["done"],
        wells_shown=wells_shown,
        wells_with_pictures=with_pictures,
    )


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Get the Content-Security-Policy: these scripts and styles, pictures inside, no network."""

    def hashes(texts: Sequence[str]) -> str:
        digests = (hashlib.sha256(text.encode()).digest() for text in texts)
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashes(scripts)}; style-src {hashes(styles)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _totals(facts: Facts, sums: Mapping[str, int]) -> list[tuple[str, str]]:
    counts = {
        "Images done": f"{sums['done']:,} of {sums['images']:,}",
        "Sources": f"{facts.sources.height:,}",
        "Plates": f"{facts.plates.height:,}",
        "Wells": f"{sums['wells']:,}",
        "Sites": f"{sums['sites']:,}",
        "Kept, MB": f"{sums['kept_bytes'] / 1e6:,.0f}",
        "Wells with outliers": f"{sums['outlier_wells']:,}",
    }
    return list(counts.items())


def _shortened(asked: AskedFor) -> AskedFor:
    """Get what was asked for without the end of what is long; a command is shown whole or not."""
    facts = [
        (term, f"{value[:MAX_VALUE_CHARACTERS]} … of {len(value):,} characters")
        if len(value) > MAX_VALUE_CHARACTERS
        else (term, value)
        for term, value in asked.facts
    ]
    whole = len(asked.command or "") <= MAX_VALUE_CHARACTERS
    return AskedFor(facts, asked.command if whole else None)


def _cells(sources: pl.DataFrame) -> list[tuple[str, list[str]]]:
    """Get the rows of the table of sources."""
    found: list[tuple[str, list[str]]] = []
    for row in sources.iter_rows(named=True):
        values = [
            f"{row[name] / 1e6:,.1f}" if name == "kept_bytes" else f"{row[name]:,}"
            for name in _OF_SOURCES
        ]
        found.append((row["Metadata_Source"], values))
    return found


def _said(parameters: Mapping[str, object]) -> str:
    given = {name: value for name, value in parameters.items() if value not in (None, False)}
    return ", ".join(f"{name} {value}" for name, value in given.items()) or "no parameters"


def _left_out(rows: int, where: str) -> str:
    return f"The first {MAX_ROWS:,} of {rows:,} rows; {where}." if rows > MAX_ROWS else ""
