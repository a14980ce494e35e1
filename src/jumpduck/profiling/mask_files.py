"""Where the masks of a site are, by a pattern of their paths."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.masks import Numbers, read_mask
from jumpduck.profiling.objects import CELLS, CYTOPLASM, NUCLEI

OBJECT = "object"
KEYS = {
    "source": "Metadata_Source",
    "batch": "Metadata_Batch",
    "plate": "Metadata_Plate",
    "well": "Metadata_Well",
    "site": "Metadata_Site",
}
"""Placeholders and the columns that their values are from."""

HEADER_BYTES = 1 << 20
"""What a file may have beside 4 bytes for each pixel."""

_PART = re.compile(r"\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class MaskFiles:
    """The masks of sites, as files.

    Attributes
    ----------
    pattern
        A path with placeholders for the key of a site, such as
        ``masks/{plate}/{well}_{site}_{object}.tiff``. ``{object}`` becomes ``Nuclei``, ``Cells``
        and ``Cytoplasm``; without it the files are nuclei.
    """

    pattern: str

    def __post_init__(self) -> None:
        """Check the pattern.

        Raises
        ------
        QueryError
            It has no placeholder of a site, an unknown one, or a single brace.
        """
        known = ", ".join(f"{{{name}}}" for name in (*KEYS, OBJECT))
        names = [found[1] for found in _PART.finditer(self.pattern)]
        for name in names:
            if name not in KEYS and name != OBJECT:
                what = "a single brace" if name is None else f"{{{name}}}"
                raise QueryError(f"masks {self.pattern!r} have {what}; placeholders are {known}")
        if not set(names) & set(KEYS):
            raise QueryError(
                f"masks {self.pattern!r} say nothing of a site; placeholders are {known}"
            )

    def read(self, row: Mapping[str, object], shape: tuple[int, int]) -> dict[str, Numbers]:
        """Get the masks of a site that there are, by what they are of.

        Parameters
        ----------
        row
            A row of the manifest.
        shape
            Height and width of the site's planes.

        Raises
        ------
        ImageError
            The site has no mask, or one cannot be read, as `jumpduck.profiling.masks.read_mask`
            says; or a value of the key cannot be a part of a path.
        """
        names = (NUCLEI, CELLS, CYTOPLASM) if f"{{{OBJECT}}}" in self.pattern else (NUCLEI,)
        paths = {name: self._path(row, name) for name in names}
        found = {name: path for name, path in paths.items() if path.is_file()}
        if not found:
            raise ImageError(f"no mask: there is no file {paths[NUCLEI]}")
        return {name: self._read(path, shape) for name, path in found.items()}

    def _path(self, row: Mapping[str, object], name: str) -> Path:
        def value(found: re.Match[str]) -> str:
            if found[1] == OBJECT:
                return name
            text = str(row.get(KEYS[found[1]]))
            if not text or text in (".", "..") or re.search(r"[/\\\0]", text):
                raise ImageError(f"no mask: {KEYS[found[1]]} {text!r} cannot be a part of a path")
            return text

        return Path(_PART.sub(value, self.pattern)).expanduser()

    @staticmethod
    def _read(path: Path, shape: tuple[int, int]) -> Numbers:
        most = 4 * shape[0] * shape[1] + HEADER_BYTES
        try:
            if (size := path.stat().st_size) > most:
                raise ImageError(
                    f"{size} bytes, where {shape[1]} x {shape[0]} pixels take at most {most}"
                )
            return read_mask(path.read_bytes(), shape)
        except OSError as error:
            raise ImageError(f"mask {path} cannot be read: {error.strerror or error}") from error
        except ImageError as error:
            raise ImageError(f"mask {path}: {error}") from error
