"""JUMP-lite: the tables of the release, which was laid out in two ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jumpduck.collections.base import CatalogOptions, TableSource
from jumpduck.database.sql_files import Value, as_pattern
from jumpduck.errors import CatalogError
from jumpduck.selection.suggestions import check_names
from jumpduck.storage.object_reader import ObjectReader, root_of, scheme_of

GALLERY = "s3://cellpainting-gallery"
PROJECT = "cpg0016-jump"

PACKAGES = ("zstd", "jpegxl_lossy_hq", "jpegxl_lossy_mq", "jpegxl_lossy_d20")
"""The packings of the arrays; the first loses nothing, and is the one that is read by default."""

INDEX = "jump_lite_site_index.parquet"
PERTURBATIONS = "jump_lite_perturbation_metadata.parquet"


@dataclass(frozen=True)
class Layout:
    """Where the release is, below ``PROJECT/source_all``.

    Attributes
    ----------
    metadata
        Folder of the tables.
    images
        Folder of the stores of arrays: ``PACKAGE.zarr``.
    embeddings
        Folder of embeddings; ``{set}`` stands for the model and what it saw.
    """

    metadata: str
    images: str
    embeddings: str


LAYOUTS = (
    Layout(
        metadata="workspace/publication_data/2026_jump_lite/metadata/v1.0",
        images="images/2026_jump_lite_v1.0/images_compressed",
        embeddings="workspace_dl/embeddings/{set}/2026_jump_lite_v1.0",
    ),
    Layout(
        metadata="workspace/metadata/jump_lite/v1.0",
        images="images_compressed/jump_lite/v1.0",
        embeddings="workspace_dl/embeddings/{set}/jump_lite/v1.0",
    ),
)
"""The layouts that its authors have written of, the newest first."""


class JumpLiteTables(TableSource):
    """Where the tables of JUMP-lite come from.

    Parameters
    ----------
    options
        What to read.
    scratch
        Folder for copies; the caller removes it.

    Raises
    ------
    QueryError
        The package is not one of the release.
    """

    def __init__(self, options: CatalogOptions, scratch: Path) -> None:
        self._options = options
        self._scratch = scratch
        self._gallery = root_of(options.gallery or GALLERY)
        self._root = f"{self._gallery}/{options.project or PROJECT}/source_all"
        self._package = options.package or PACKAGES[0]
        check_names("package", [self._package], PACKAGES)
        self._reader = ObjectReader(options.endpoint)

    def variables(self) -> Mapping[str, Value]:
        """Fetch the tables, and get the variables that say where everything is."""
        layout, metadata, index = self._found()
        self._options.progress("metadata", 1, 2)
        perturbations = self._needed(metadata, PERTURBATIONS)
        self._options.progress("metadata", 2, 2)
        return {
            "jump_lite_gallery": self._gallery,
            "jump_lite_endpoint": self._options.endpoint,
            "jump_lite_images": f"{self._root}/{layout.images}/{self._package}.zarr",
            "jump_lite_embeddings": f"{self._root}/{layout.embeddings}",
            "jump_lite_package": self._package,
            "jump_lite_index": as_pattern(index),
            "jump_lite_perturbations": as_pattern(perturbations),
        }

    def _found(self) -> tuple[Layout, str, Path]:
        """Get the layout of the gallery, the folder of the tables, and the index of sites."""
        if self._options.metadata is not None:
            metadata = root_of(self._options.metadata)
            layout = next(filter(self._has_images, LAYOUTS), LAYOUTS[0])
            return layout, metadata, self._needed(metadata, INDEX)
        for layout in LAYOUTS:
            metadata = f"{self._root}/{layout.metadata}"
            try:
                return layout, metadata, self._file(metadata, INDEX)
            except FileNotFoundError:
                continue
        places = " or ".join(one.metadata for one in LAYOUTS)
        raise CatalogError(
            f"{self._root} has no {INDEX} in {places}; the release may not be public yet, or lie "
            "elsewhere: check `gallery` and `project`, or give the folder of its tables as "
            "`metadata`"
        )

    def _has_images(self, layout: Layout) -> bool:
        for name in ("zarr.json", ".zgroup"):
            try:
                self._reader.read(f"{self._root}/{layout.images}/{self._package}.zarr/{name}")
            except FileNotFoundError:
                continue
            return True
        return False

    def _needed(self, metadata: str, name: str) -> Path:
        try:
            return self._file(metadata, name)
        except FileNotFoundError as error:
            raise CatalogError(
                f"{metadata} has no {name}; give the folder of the release's tables as `metadata`"
            ) from error

    def _file(self, metadata: str, name: str) -> Path:
        """Get a local file of the tables; FileNotFoundError if there is none."""
        url, file = f"{metadata}/{name}", self._scratch / name
        if scheme_of(url) != "file":
            self._reader.save(url, file)
        elif not (file := Path(url)).is_file():
            raise FileNotFoundError(url)
        return file
