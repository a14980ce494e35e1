"""The sites of a folder that a download filled, plate by plate, for exports and samples."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from jumpduck.errors import ManifestError, StoreError
from jumpduck.rows import DONE, PLATE_KEY, SITE_KEY, WELL_KEY, PlateKey
from jumpduck.schema import OF_ONE_IMAGE, OUTCOME
from jumpduck.storage.atomic_files import refuse_links, sizes_in
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.manifest_paths import folders_of

CHANNEL = "Metadata_Channel"

SPLIT = "split"
"""Column of a manifest that says in which part a site is."""

OF_FILE = ("path", "size", "checksum")

HERE, FOUND, TAKEN, IN_FILE = "\nhere", "\nfound", "\ntaken", "\nin file"
"""Columns of ours beside those of the results, none of which can have a line end in its name:
whether the file is there, its size, whether its site is taken, and which channels the file holds,
one a line, also those that are not taken."""

LACKING: Mapping[str, pl.DataType] = {
    **{name: pl.String() for name in SITE_KEY[:-1]},
    "Metadata_Site": pl.Int32(),
    CHANNEL: pl.String(),
    "status": pl.String(),
    "error": pl.String(),
}
"""Columns of the images that a site lacks."""


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image of a site, and the file that has it; the channels of a stack share one.

    `width` and `height` are those of the image as published; `in_file` has all channels that
    the file holds, one a line, also those that are not taken.
    """

    channel: str
    path: str
    size: int
    checksum: str
    width: int
    height: int
    in_file: str

    @property
    def in_stack(self) -> bool:
        """Whether the file holds further channels."""
        return "\n" in self.in_file


@dataclass(frozen=True, slots=True)
class Site:
    """A site with its images.

    Attributes
    ----------
    columns
        Its columns of the results by their names, the key first.
    images
        Those that are there, in the order of the channels.
    lacks
        Why an image is not there, by its channel.
    """

    columns: Mapping[str, object]
    images: Sequence[KeptImage]
    lacks: Mapping[str, str]

    @property
    def key(self) -> tuple[str, ...]:
        """Source, batch, plate, well and site, as text."""
        return tuple(str(self.columns[name]) for name in SITE_KEY)

    @property
    def files(self) -> Mapping[str, KeptImage]:
        """Its files, each once, by their paths."""
        return {image.path: image for image in self.images}

    @property
    def is_stacked(self) -> bool:
        """Whether a file holds several channels."""
        return any(image.in_stack for image in self.images)


@dataclass(frozen=True)
class Plate:
    """What is taken of a plate.

    Attributes
    ----------
    channels
        Those that its sites should have, in their order.
    images
        Rows of the results of the images that are there, site by site, with `IN_FILE`.
    lacking
        Rows of images that a site should have and has not, of all its sites: `LACKING`.
    left_out
        Number of sites that are left out because they lack images.
    site_columns
        Columns of the results that belong to the site, the key first.
    """

    key: PlateKey
    channels: Sequence[str]
    images: pl.DataFrame
    lacking: pl.DataFrame
    left_out: int
    site_columns: Sequence[str]

    def sites(self) -> Iterator[Site]:
        """Get the sites that are taken."""
        reasons: dict[tuple[object, ...], dict[str, str]] = {}
        for *key, channel, status, error in self.lacking.rows():
            reasons.setdefault(tuple(key), {})[channel] = error or status
        grouped = self.images.group_by(SITE_KEY, maintain_order=True)
        for key, rows in grouped:
            columns = rows.select(self.site_columns).row(0, named=True)
            images = rows.select(CHANNEL, *OF_FILE, "width", "height", IN_FILE).rows()
            yield Site(columns, [KeptImage(*one) for one in images], reasons.get(key, {}))

    @cached_property
    def frame(self) -> pl.DataFrame:
        """A row for each site that is taken: its columns."""
        return self.images.select(self.site_columns).unique(
            SITE_KEY, keep="first", maintain_order=True
        )

    @property
    def is_stacked(self) -> bool:
        """Whether a file holds several channels."""
        return bool(self.images[IN_FILE].str.contains("\n", literal=True).any())


@dataclass(frozen=True)
class Totals:
    """What there is to export.

    Attributes
    ----------
    left_out
        Number of sites that are left out because they lack images.
    lacking
        The images that sites lack: `LACKING`.
    unfetched
        Number of images that runs were asked for and have not fetched yet.
    digest
        SHA-256 that is another one where another site, column or file is taken.
    recipes
        Name with version, and parameters, of each recipe that made the files.
    suffixes
        Suffixes of the files.
    has_stacks
        Whether files hold several channels.
    splits
        Values of the column `split`, in order; empty where there is none.
    """

    plates: int
    sites: int
    images: int
    bytes: int
    left_out: int
    lacking: pl.DataFrame
    unfetched: int
    digest: str
    recipes: Sequence[tuple[str, str]]
    suffixes: Sequence[str]
    has_stacks: bool
    splits: Sequence[str | None]


class KeptSites:
    """The sites of a folder, by default those that lack no image.

    A site should have each channel that its plate has in the results, or that was named.

    Parameters
    ----------
    folder
        Where the files are.
    channels
        The only channels to take, in this order; by default all, in that of the collection.
    incomplete
        Take sites, too, that lack some of their images.
    """

    def __init__(
        self, folder: FilledFolder, channels: Sequence[str] = (), *, incomplete: bool = False
    ) -> None:
        self.folder = folder
        self.channels = tuple(channels) or tuple(one.name for one in folder.channels)
        self._are_named = bool(channels)
        self.incomplete = incomplete
        self._columns = folder.results.collect_schema().names()
        of_image = {*SITE_KEY, *OF_ONE_IMAGE, *OUTCOME}
        own = [name for name in self._columns if name not in of_image]
        self.site_columns = (*SITE_KEY, *own)

    @property
    def root(self) -> Path:
        """The folder, from the root of the file system."""
        return self.folder.path.absolute()

    @cached_property
    def plate_keys(self) -> list[PlateKey]:
        """The plates of the results."""
        found = self.folder.results.select(PLATE_KEY).unique().collect(engine="streaming")
        return sorted(found.rows())

    @cached_property
    def wells(self) -> pl.DataFrame:
        """The wells of the results, each once."""
        wells = self.folder.results.select(WELL_KEY).unique()
        return wells.collect(engine="streaming").sort(pl.all())

    def plates(self) -> Iterator[Plate]:
        """Get what is taken of each plate, also of one of which that is nothing."""
        return map(self.plate, self.plate_keys)

    def totals(self) -> Totals:
        """Count what there is to export.

        Raises
        ------
        ManifestError
            The results are not those of a download.
        """
        unstable = ("seconds", "attempts", "status", IN_FILE)
        known = hashlib.sha256(repr((self.channels, self.incomplete)).encode())
        plates = sites = images = size = left_out = 0
        lacking = [pl.DataFrame(schema=LACKING)]
        recipes, suffixes, splits = set[tuple[str, str]](), set[str](), set[str | None]()
        has_stacks = False
        for plate in self.plates():
            lacking.append(plate.lacking)
            left_out += plate.left_out
            if plate.images.is_empty():
                continue
            known.update(plate.images.drop(unstable).write_csv().encode())
            plates += 1
            sites += plate.frame.height
            images += plate.images.height
            size += int(plate.images.unique("path")["size"].sum())
            recipes.update(plate.images.select("recipe", "parameters").unique().rows())
            suffixes.update(plate.images["path"].str.extract(r"(\.[^./]+)$").unique())
            has_stacks |= plate.is_stacked
            if SPLIT in self.site_columns:
                splits.update(plate.frame[SPLIT].cast(pl.String).unique())
        return Totals(
            plates, sites, images, size, left_out, pl.concat(lacking), self.folder.left,
            known.hexdigest(), sorted(recipes), sorted(suffixes), has_stacks,
            sorted(splits, key=str),
        )  # fmt: skip

    def read(self, image: KeptImage) -> bytes:
        """Get a file, compared with what the results say of it.

        Raises
        ------
        StoreError
            It cannot be read, or is not what was kept.
        """
        try:
            data = (self.folder.path / image.path).read_bytes()
        except OSError as error:
            raise StoreError(f"cannot read {image.path}: {error.strerror or error}") from error
        if len(data) != image.size or hashlib.sha256(data).hexdigest() != image.checksum:
            raise StoreError(
                f"{self.folder.path / image.path} has another checksum than it had; "
                f"`jumpduck verify --repair --out {self.folder.path}` fetches it again, then the "
                "same command goes on"
            )
        return data

    def plate(self, key: PlateKey) -> Plate:
        """Get what is taken of one plate."""
        same = [pl.col(name) == value for name, value in zip(PLATE_KEY, key, strict=True)]
        rows = self._checked(self.folder.results.filter(same).collect())
        there = set(rows[CHANNEL].unique())
        channels = [name for name in self.channels if self._are_named or name in there]
        in_file = pl.col(CHANNEL).filter(HERE).unique().sort().str.join("\n")
        # of two recipes, the one that ran last
        chosen = (
            rows.with_columns(in_file.over("path").alias(IN_FILE))
            .sort(HERE, maintain_order=True)
            .unique((*SITE_KEY, CHANNEL), keep="last", maintain_order=True)
        )
        order = pl.DataFrame({CHANNEL: channels}, schema={CHANNEL: pl.String})
        sites = rows.select(SITE_KEY).unique(maintain_order=True)
        full = sites.join(order, how="cross", maintain_order="left_right").join(
            chosen, on=(*SITE_KEY, CHANNEL), how="left", maintain_order="left"
        )
        full = full.with_columns(
            pl.col(HERE).fill_null(value=False),
            pl.col("status").fill_null("left"),
            pl.col("error").fill_null(
                pl.when(pl.col("status").is_null()).then(pl.lit("not in the results"))
            ),
        )
        taken = pl.col(HERE).any() if self.incomplete else pl.col(HERE).all()
        full = full.with_columns(taken.over(SITE_KEY).alias(TAKEN))
        counts = full.group_by(TAKEN).agg(pl.struct(SITE_KEY).n_unique())
        left_out = dict(counts.rows()).get(False, 0)
        lacking = full.filter(~pl.col(HERE)).select(
            pl.col(name).cast(dtype) for name, dtype in LACKING.items()
        )
        images = full.filter(TAKEN, HERE).select(*self._columns, IN_FILE)
        return Plate(key, channels, images, lacking, left_out, self.site_columns)

    def _checked(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Get rows with ``here``: whether the file is there, with the size that it had."""
        done = rows.filter(pl.col("status").is_in(DONE))
        if done.is_empty():
            return rows.with_columns(pl.lit(value=False).alias(HERE))
        columns = (*OF_FILE, "width", "height", "recipe", "parameters")
        if lacking := [name for name in columns if done[name].null_count()]:
            raise ManifestError(
                f"{self.folder.path}/results.parquet has files without {', '.join(lacking)}, which "
                "cannot be compared with what was kept; `jumpduck verify --repair --out "
                f"{self.folder.path}` fetches them again"
            )
        try:
            folders = folders_of(done["path"])
        except ManifestError as error:
            text = str(error).replace("of the manifest", f"of {self.folder.path}/results.parquet")
            raise ManifestError(text) from error
        found = [pl.DataFrame(schema={"path": pl.String, FOUND: pl.Int64})]
        for folder in sorted(folders):
            refuse_links(self.folder.path, folder)
            sizes = sizes_in(self.folder.path / folder)
            paths = [f"{folder}/{name}" for name in sizes]
            found.append(
                pl.DataFrame({"path": paths, FOUND: list(sizes.values())}, schema=found[0].schema)
            )
        rows = rows.join(pl.concat(found), on="path", how="left", maintain_order="left")
        is_done = pl.col("status").is_in(DONE)
        here = is_done & (pl.col(FOUND) == pl.col("size")).fill_null(value=False)
        gone = is_done & ~here
        why = (
            pl.when(pl.col(FOUND).is_null())
            .then(pl.lit("the file is not there"))
            .otherwise(pl.format("the file has {} bytes and had {}", FOUND, "size"))
        )
        return rows.with_columns(
            here.alias(HERE),
            status=pl.when(gone).then(pl.lit("wrong")).otherwise("status"),
            error=pl.when(gone).then(why).otherwise("error"),
        ).drop(FOUND)
