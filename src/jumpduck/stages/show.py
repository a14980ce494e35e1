"""A few sites of an output folder, or of a catalog -> a picture of them."""

import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Literal

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.figures.colours import Colour, added_up, channel_colours
from jumpduck.figures.montage import MAX_ROWS
from jumpduck.figures.pictures import picture_of
from jumpduck.options import expanded, takes
from jumpduck.rows import PLATE_KEY, ROLE
from jumpduck.selection.criteria import Names, Selection
from jumpduck.selection.folder_sites import FolderSites
from jumpduck.selection.shown_sites import (
    ShownSites,
    absent_images,
    beside,
    described,
    one_of_each_well,
    spread,
)
from jumpduck.selection.suggestions import known_names
from jumpduck.storage.atomic_files import atomic_write
from jumpduck.storage.replaced_files import is_png, refuse_file_as_folder, refuse_other_file
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.origins import Channel

CHOICE = (
    "perturbations", "genes", "compounds", "sources", "plates", "wells", "roles", "modalities",
)  # fmt: skip
"""Fields that say which sites to show, as `Selection` has them."""

PLACES_ONLY = ("sources", "plates", "modalities")
"""Fields of which none names a perturbation or a well: then one site of each well is shown."""

SITES, CONTROLS, WELLS = 6, 6, 96
"""Rows unless asked otherwise: of what was named, of its controls, and of one site of each well."""

REMOTE_RECIPE = "png16"
"""Keeps grey levels, so that images can be compared."""


@dataclass(frozen=True)
class ShowOptions:
    """What to show, and how.

    Parameters
    ----------
    perturbations
        Perturbations to show, by any name in the folder's tables; by further names if `catalog` is
        there.
    genes
        Genes to show: overexpressions and knock-outs of that name.
    compounds
        Compounds to show; what is not a compound is refused.
    sources
        Sources to show; all by default, as for all names.
    plates
        Plates to show.
    wells
        Wells to show, as A01.
    roles
        Roles to show: trt (treatment), negcon and poscon (negative and positive control) and
        others.
    modalities
        Ways of perturbing to show. In JUMP: compound, orf (overexpression), crispr (knock-out).
    channels
        Channels to show, in this order; all by default, in the collection's order.
    sites
        Rows of what was named at most: 6 by default. Without a perturbation, well or role, wells to
        show one site of: 96 by default.
    controls
        Rows of negative controls of the same plates and modality at most, spread evenly over the
        plates: 6 by default, 0 for none. Without a perturbation, well or role there are none beside
        the wells, because these are all wells of their plates.
    stretch
        Grey levels that become black and white: ``plate`` takes the same for all images of a
        channel and plate, so that differences are real, ``image`` those of each image.
    colours
        Colours of channels, as dna=#00FFFF,er=green; by default the collection's.
    composite
        Channels that the last column adds up in their colours: by default all but brightfield.
    out
        Folder that `jumpduck download` filled, with any recipe.
    path
        PNG to write.
    remote
        Show what the catalog has, as published: the images that are shown are fetched, and not
        kept.
    catalog
        Catalog made by `jumpduck catalog`, for `remote`, and for names that the folder does not
        have.
    """

    perturbations: Names = ()
    _: KW_ONLY
    genes: Names = ()
    compounds: Names = ()
    sources: Names = ()
    plates: Names = ()
    wells: Names = ()
    roles: Names = ()
    modalities: Names = ()
    channels: Names = ()
    sites: int | None = None
    controls: int | None = None
    stretch: Literal["plate", "image"] = "plate"
    colours: Mapping[str, str] = field(default_factory=dict[str, str])
    composite: Names = ()
    out: str | Path = "images"
    path: str | Path = "show.png"
    remote: bool = False
    catalog: str | Path = "catalog.duckdb"

    @property
    def choice(self) -> Selection:
        """What to show."""
        return Selection(**{name: getattr(self, name) for name in CHOICE})

    @property
    def is_named(self) -> bool:
        """Whether a perturbation, well or role is named, beside which controls are shown."""
        return any(getattr(self, name) for name in CHOICE if name not in PLACES_ONLY)

    @property
    def most(self) -> int:
        """Rows of what was named, or of one site of each well, at most."""
        return self.sites or (SITES if self.is_named else WELLS)

    @property
    def most_controls(self) -> int:
        """Rows of negative controls at most."""
        if not self.is_named:
            return 0
        return CONTROLS if self.controls is None else self.controls


@dataclass(frozen=True)
class Shown:
    """A picture, and what is in it.

    Attributes
    ----------
    path
        The PNG.
    images
        One row an image, in the order of the picture: the columns of the key of a site, name,
        Metadata_pert_type, Metadata_modality, is_control, Metadata_Channel, path, status, error,
        and the grey levels that are drawn black and white.
    left_out
        Sites that were asked for and are not shown; of one site of each well, wells.
    controls_left_out
        Sites of negative controls of the same plates and modality that are not shown.
    notes
        What a user should know of the names and the choice.
    """

    path: Path
    images: pl.DataFrame
    left_out: int
    controls_left_out: int
    notes: Sequence[str]

    @property
    def left_out_text(self) -> str:
        """What the picture says of the sites that it does not show."""
        return left_out_text(self.left_out, self.controls_left_out)


@dataclass(frozen=True)
class Found:
    """Sites to draw, before anything of them is fetched or read.

    Attributes
    ----------
    shown
        The sites.
    channels
        All channels that there are.
    notes
        What a user should know of the names and the choice.
    folder
        Where their files are; None if they are to be fetched.
    rows
        Images to fetch, as a manifest has them; none of a folder.
    endpoint
        S3 server to fetch them from; None for AWS.
    """

    shown: ShownSites
    channels: Sequence[Channel]
    notes: Sequence[str]
    folder: FilledFolder | None
    rows: pl.DataFrame
    endpoint: str | None = None


@takes(ShowOptions)
def show(options: ShowOptions) -> Shown:
    """Draw a picture of sites, beside negative controls of the same plates and modality.

    A row is a site, a column a channel; the last column has them in the colours of the collection.
    Without a perturbation, well or role, it is one site of each well: the one that lacks the fewest
    images. An image that could not be had, or read, is a hatched tile with the reason. The scale
    bar is that of the image that it is drawn on, and of those below it: of the last column whose
    pixels have one known size, which a composite of channels of different sizes has not. There is
    none where Metadata_Pixel_Size_Microns is not known.

    Grey levels are compared as published, whatever the recipe made of them: for a file of 8 bit
    that was stretched between two levels of its own, such as those of png8, the columns low and
    high of the results say which levels 0 and 255 stand for. What lies beyond them was cut off.

    Returns
    -------
    Shown
        The path of the PNG, and a table of what is in it.

    Raises
    ------
    QueryError
        A name, channel, colour or number is wrong, or no site fits all of them.
    ManifestError
        The folder was not filled by a download, the sites of a plate are files of two recipes, or
        `catalog` is not a catalog.
    StoreError
        `path` is a file of another kind, or cannot be written.
    """
    target = expanded(options.path)
    if target.suffix.lower() != ".png":
        raise QueryError(f"path {target} is not a PNG; give a name that ends with .png")
    refuse_other_file(target, "a picture", is_png)
    found = find_sites(options)
    colours, composite = _columns(options, found.channels)
    footer = left_out_text(found.shown.left_out, found.shown.controls_left_out)
    with _kept(found) as (folder, results):
        picture, images = picture_of(
            folder, results, found.shown.sites, colours,
            composite=composite, footer=footer, each_alone=options.stretch == "image",
        )  # fmt: skip
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(target, picture)
    return Shown(
        target,
        images,
        found.shown.left_out,
        found.shown.controls_left_out,
        tuple(found.notes),
    )


def find_sites(options: ShowOptions) -> Found:
    """Get the sites to draw, after the checks of all options.

    Raises
    ------
    QueryError, ManifestError, StoreError
        As `show`.
    """
    refuse_file_as_folder(options.out, (".png",))
    for name, least in (("sites", 1), ("controls", 0)):
        number = getattr(options, name)
        if number is not None and (number % 1 or not least <= number <= MAX_ROWS):
            raise QueryError(
                f"{name} {number} is not a whole number from {least} to {MAX_ROWS}, the rows that "
                "a picture can have; draw other plates or wells in pictures of their own"
            )
    if options.stretch not in ("plate", "image"):
        raise QueryError(f"stretch {options.stretch!r} is not one of plate, image")
    if options.controls is not None and not options.is_named:
        raise QueryError(
            f"controls {options.controls} has no effect without a perturbation, gene, compound, "
            "well or role: one site of each well is shown, negative controls among them; name one, "
            "or leave `controls` out"
        )
    if options.most + options.most_controls > MAX_ROWS:
        raise QueryError(
            f"sites {options.most} and `controls` {options.most_controls} are more than {MAX_ROWS} "
            "rows, which a picture can have; lower one of them, and draw other plates or wells in "
            "pictures of their own"
        )
    found = _published(options) if options.remote else _of_folder(options)
    if found.shown.sites.is_empty():
        where = options.catalog if options.remote else options.out
        raise QueryError(
            f"no site of {where} fits all that was asked for together; name less at once"
        )
    _columns(options, found.channels)
    return found


def left_out_text(sites: int, controls: int) -> str:
    """Get what a picture says of the sites that it does not show; nothing if it shows all."""
    counts = ((sites, "of what was asked for"), (controls, "of negative controls"))
    parts = [f"{count:,} more {what}" for count, what in counts if count]
    return f"Not shown: {' and '.join(parts)}" if parts else ""


def _of_folder(options: ShowOptions) -> Found:
    folder = FilledFolder.open(options.out)
    channels = known_names("channel", options.channels, [one.name for one in folder.channels])
    absent = absent_images(folder.sites, channels or [one.name for one in folder.channels])
    kept = FolderSites(str(folder.path), folder.sites, options.catalog)
    asked, notes = kept.asked(options.choice)
    if not options.is_named:
        shown = one_of_each_well(described(asked, absent), options.most)
        return Found(shown, folder.channels, notes, folder, pl.DataFrame())
    every = described(asked, absent).collect()
    some = spread(every, options.most)
    controls = every.clear()
    if options.most_controls and ROLE in folder.sites.collect_schema():
        beside_them = folder.sites.filter(pl.col(ROLE) == "negcon").join(
            some.lazy(), on=PLATE_KEY, how="semi"
        )
        controls = described(beside_them, absent).collect()
    shown = beside(every, some, controls, options.most_controls)
    roles = set(some[ROLE])
    if options.most_controls and roles != {"negcon"} and not shown.sites["is_control"].any():
        notes.append(
            f"{folder.path} has no negative control of the same plates and modality; "
            "`jumpduck manifest --with-controls` adds them to what is downloaded"
        )
    return Found(shown, folder.channels, notes, folder, pl.DataFrame())


def _published(options: ShowOptions) -> Found:
    # imported here, because it needs DuckDB, and a folder does not
    from jumpduck.selection.catalog_sites import published_sites
    from jumpduck.transfer.origins import Origin

    selection = replace(options.choice, channels=options.channels)
    found = published_sites(options.catalog, selection, options.most, options.most_controls)
    there = set(found.rows["Metadata_Channel"])
    channels = Origin.of_json({"channels": found.channels}).channels
    there = [one for one in channels if one.name in there]
    return Found(found.shown, there, found.notes, None, found.rows, found.endpoint)


@contextmanager
def _kept(found: Found) -> Generator[tuple[Path, pl.LazyFrame]]:
    """Get a folder with the files of some sites, and its results; what is fetched goes again."""
    if found.folder is not None:
        yield found.folder.path, found.folder.results
        return
    from jumpduck.recipes.registry import build
    from jumpduck.transfer.limits import Limits
    from jumpduck.transfer.manifest_reader import Manifest
    from jumpduck.transfer.run import fill

    with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch:
        recipe = build(REMOTE_RECIPE)
        manifest, limits = Manifest.open(found.rows), Limits()
        with closing(
            fill(manifest, scratch, recipe, limits, endpoint=found.endpoint, made_by=recipe.name)
        ) as plates:
            results = pl.concat(plates, how="diagonal")
        yield Path(scratch), results.lazy()


def _columns(options: ShowOptions, there: Sequence[Channel]) -> tuple[dict[str, Colour], list[str]]:
    """Get the channels to show and their colours, and those that are added up."""
    known = [one.name for one in there]
    channels = known_names("channel", options.channels, known) or known
    asked = {known_names("channel", [name], known)[0]: one for name, one in options.colours.items()}
    colours = channel_colours(there, asked)
    composite = known_names("channel", options.composite, channels) or added_up(
        [one for one in there if one.name in channels]
    )
    return {name: colours[name] for name in channels}, composite
