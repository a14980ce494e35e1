"""jumpduck get"""

import contextlib
import functools
import io
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from jumpduck.cli import app, is_interrupt
from jumpduck.cli.flags import (
    CHOOSE,
    OUTPUT,
    PLACES,
    RECIPE,
    WORK,
    DryRun,
    Json,
    Quiet,
    reads,
)
from jumpduck.cli.printer import Printer
from jumpduck.cli.settings import read_roots
from jumpduck.collections.about import collection_about
from jumpduck.database.sql_files import find_driver
from jumpduck.errors import InterruptedRunError, QueryError
from jumpduck.recipes.options import RecipeOptions
from jumpduck.selection.criteria import Names, Selection, as_names
from jumpduck.selection.pipeline import check_values
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.roots import Roots
from jumpduck.words import with_values, words_of

SELECTION = tuple(one.name for one in fields(Selection))
LIMITS = tuple(one.name for one in fields(Limits))
OF_RECIPE = tuple(one.name for one in fields(RecipeOptions) if one.name != "channels")

WHERE_TO_READ = (
    "collection", "studies", "package", "top_hash", "gallery", "project", "metadata", "samplesheet",
    "pattern", "platemap", "aliases", "endpoint",
)  # fmt: skip
NAMED = ("perturbations", "genes", "compounds")
PLATES_BY = ("sources", "plates", "plate_types")


@dataclass(frozen=True, kw_only=True)
class GetOptions(RecipeOptions, Limits, Selection):
    """What to get: a selection, and how to download it.

    Parameters
    ----------
    channels
        Channels to keep; a site that lacks one of them stays out. By default the stains of the
        collection, of which a site may lack some.
    illum
        Divide by the plate's illumination functions.
    collection
        Name of a collection, or path of a driver: ``folder/NAME.sql``.
    studies
        Studies to read, by their accessions.
    package
        Package to read: ``BUCKET/USER/NAME``, or the name of one that the collection knows.
    top_hash
        Revision of the package; the latest by default.
    gallery
        Root that stands for the collection's bucket: ``s3://``, ``http(s)://`` or a folder. The
        bucket itself by default.
    project
        Folder of the collection inside the gallery.
    metadata
        Folder of the published metadata tables: ``s3://``, ``http(s)://`` or a folder.
    samplesheet
        CSV file with a row for each image or site.
    pattern
        How the files are named, with placeholders: ``{plate}/{well}_s{site}_w{channel}.tif``.
    platemap
        CSV file that says what is in each well.
    aliases
        NCBI's ``Homo_sapiens.gene_info.gz``, to find genes by their other names.
    endpoint
        S3 server other than AWS.
    out
        Folder for the catalog, the manifest, and ``images``.
    """

    channels: Names = ()
    illum: bool = False
    out: str | Path
    collection: str = "jump"
    studies: Sequence[str] = ()
    package: str | None = None
    top_hash: str | None = None
    gallery: str | None = None
    project: str | None = None
    metadata: str | None = None
    samplesheet: str | Path | None = None
    pattern: str | None = None
    platemap: str | Path | None = None
    aliases: str | Path | None = None
    endpoint: str | None = None


@reads(
    GetOptions,
    {
        CHOOSE: SELECTION,
        PLACES: WHERE_TO_READ,
        RECIPE: tuple(name for name in OF_RECIPE if name not in SELECTION),
        WORK: LIMITS,
        OUTPUT: ("out",),
    },
    positional="perturbations",
)
def get(
    options: GetOptions, *, dry_run: DryRun = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Do catalog, manifest and download in one go.

    Of JUMP, only the plates that are needed are read. Prints each of the three commands before its
    output: they can be copied and run again one by one, and the same `get` goes on after an
    interruption. With --dry-run, the catalog and the manifest are made in a folder that is removed,
    and no image is fetched.

    For example:
    ```
    jumpduck get TP53 --with-controls -o tp53/
    jumpduck get AMG900 --source 3 --channel dna --max-gb 1 -o amg900
    jumpduck get taxol --collection bbbc021 --max-sites 20 -o taxol
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    flags = [flag for flag, given in (("--json", json), ("--quiet", quiet)) if given]
    if dry_run:
        _foresee(options, printer, flags)
        return
    commands = three_commands(options)
    calls = checked([[*words, *flags] for words in commands])
    try:
        for words, call in zip(commands, calls, strict=True):
            printer.line(shlex.join(["jumpduck", *words]))
            call()
    except (KeyboardInterrupt, RuntimeError, InterruptedRunError) as error:
        if not isinstance(error, InterruptedRunError) and not is_interrupt(error):
            raise
        again = words_of(options, [one.name for one in fields(options)])
        raise InterruptedRunError(
            "interrupted; what is finished is kept. Go on with: "
            + shlex.join(["jumpduck", "get", *again])
        ) from None


def _foresee(options: GetOptions, printer: Printer, flags: Sequence[str]) -> None:
    """Say what the manifest would hold and what there is to fetch."""
    images = str(Path(options.out) / "images")
    with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch:
        catalog, manifest, download = three_commands(replace(options, out=scratch))
        download = [*download[:-2], *with_values("--out", [images])]
        make_catalog, foresee_manifest, foresee_download = checked(
            [catalog, *([*words, "--dry-run", *flags] for words in (manifest, download))]
        )
        for words in three_commands(options):
            printer.line(shlex.join(["jumpduck", *words]))
        # not --quiet, because a user wants to see its progress
        with contextlib.redirect_stdout(io.StringIO()):
            make_catalog()
        foresee_manifest()
        _parsed([*manifest, "--quiet"])()
        foresee_download()


def _parsed(words: Sequence[str]) -> functools.partial[None]:
    command, given, _ = app.parse_args(words, exit_on_error=False)
    return functools.partial(command, *given.args, **given.kwargs)


def checked(commands: Sequence[Sequence[str]]) -> list[functools.partial[None]]:
    """Get the calls of the three commands, once the options of all of them are checked.

    With the settings of each command, and before the first of them writes a file.

    Raises
    ------
    CycloptsError, QueryError
        An option is wrong, whatever the catalog holds.
    """
    calls = [_parsed(words) for words in commands]
    _, selection, images = (_options(call) for call in calls)
    check_values(selection)
    images.build()
    Roots(read_roots(), images.out)
    return calls


def _options(call: functools.partial[None]) -> Any:
    return call.func.read(*call.args, **call.keywords)[0]  # pyright: ignore[reportFunctionMemberAccess]


def three_commands(options: GetOptions) -> list[list[str]]:
    """Get the words of the three command lines that `get` stands for.

    Raises
    ------
    QueryError
        Nothing says which plates are needed.
    """
    driver = find_driver(options.collection)
    taken = collection_about(driver).options
    named = [name for field in NAMED for name in as_names(getattr(options, field))]
    by_plate = words_of(options, PLATES_BY)
    if "plates" not in taken:
        by_plate = []  # because this collection is read whole
    elif not named and not by_plate:
        raise QueryError(
            "perturbations, `sources`, `plates` and `plate_types` are all missing; name what to "
            "get, like `jumpduck get TP53 -o tp53`"
        )
    out = Path(options.out)
    catalog, manifest = str(out / "catalog.duckdb"), str(out / "manifest.parquet")
    needed = named if "perturbations" in taken else []
    perturbations = with_values("--perturbation", needed) if needed else []
    return [
        ["catalog", *perturbations, *by_plate, *words_of(options, WHERE_TO_READ),
         *with_values("--catalog", [catalog])],
        ["manifest", *words_of(options, SELECTION), *with_values("--catalog", [catalog]),
         *with_values("--manifest", [manifest])],
        ["download", *words_of(options, (*OF_RECIPE, *LIMITS)),
         *with_values("--manifest", [manifest]), *with_values("--out", [str(out / "images")])],
    ]  # fmt: skip
