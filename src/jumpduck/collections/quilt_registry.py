"""Where a bucket keeps the packages of Quilt: pointers to revisions, and their manifests."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from jumpduck.collections.quilt_packages import PackageName
from jumpduck.errors import CatalogError, JumpduckError, QueryError, StoreError
from jumpduck.selection.suggestions import check_names
from jumpduck.storage.file_lists import list_files, list_folders
from jumpduck.storage.object_reader import ObjectReader, scheme_of

T = TypeVar("T")

MAX_POINTER_BYTES = 1000

_TOP_HASH = re.compile(r"[0-9a-f]{64}")
_SHORT_HASH = re.compile(r"[0-9a-f]{6,64}")


class _Layout(NamedTuple):
    """Where a version of Quilt keeps the pointer to the latest revision, and manifests."""

    pointer: str
    manifests: str
    manifest: str


_LAYOUTS = (
    _Layout(
        ".quilt/named_packages/{user}/{name}/latest", ".quilt/packages", ".quilt/packages/{top}"
    ),
    _Layout(
        ".quilt/v2/tags/{user}@{name}/latest",
        ".quilt/v2/manifests/{user}@{name}",
        ".quilt/v2/manifests/{user}@{name}/{top}/manifest.jsonl",
    ),
)


class Registry:
    """The packages below a root.

    Parameters
    ----------
    root
        The bucket, or what stands for it.
    package
        The package that is asked for.
    endpoint
        S3 server other than AWS.
    """

    def __init__(self, root: str, package: PackageName, endpoint: str | None) -> None:
        self._root = root
        self._package = package
        self._endpoint = endpoint
        self._reader = ObjectReader(endpoint)

    def top_hash(self, asked: str | None) -> str:
        """Get the whole top hash of a revision: the latest, or the one that begins as `asked`.

        Raises
        ------
        QueryError
            `asked` cannot be the beginning of a top hash.
        CatalogError
            There is no such package or revision, or several begin so.
        StoreError
            The gallery cannot be read.
        """
        if asked is None:
            return self._latest()
        if not _SHORT_HASH.fullmatch(asked):
            raise QueryError(f"top_hash {asked!r} is not 6 to 64 of the letters 0-9 and a-f")
        if _TOP_HASH.fullmatch(asked):
            return asked
        alike = {one for one in self._revisions() if one.startswith(asked)}
        if len(alike) != 1:
            found = "several revisions begin" if alike else "no revision begins"
            raise CatalogError(f"{found} with top_hash {asked!r}; give more letters, or all 64")
        return alike.pop()

    def save_manifest(self, top_hash: str, file: Path) -> None:
        """Write the manifest of a revision into a file.

        Raises
        ------
        CatalogError
            There is no manifest of this revision.
        StoreError
            The gallery cannot be read.
        """

        def save(url: str) -> bool:
            self.save(url, file)
            return True

        if not self._first(lambda layout: save(self._url(layout.manifest, top_hash))):
            raise CatalogError(
                f"the manifest of top hash {top_hash} is not in {self._root}/.quilt, or may not be "
                "read; check `top_hash` and `gallery`"
            )

    def save(self, url: str, file: Path) -> None:
        """Write a file of the registry, of any size, to the disk."""
        if scheme_of(url) != "file":
            self._reader.save(url, file)
            return
        if not Path(url).is_file():
            raise FileNotFoundError(f"no such file: {url}")
        shutil.copyfile(url, file)

    def _latest(self) -> str:
        text = self._first(lambda layout: self._read_pointer(self._url(layout.pointer)))
        if text is None:
            self._refuse_unknown()
            raise CatalogError(
                f"there is no package {'/'.join(self._package[1:])} in {self._root}/.quilt, or it "
                "may not be read; check `package` and `gallery`"
            )
        if not _TOP_HASH.fullmatch(text):
            raise CatalogError(
                f"the pointer to the latest revision of {'/'.join(self._package)} has "
                f"{text[:80]!r}, which is not a top hash; name a revision with `top_hash`"
            )
        return text

    def _read_pointer(self, url: str) -> str:
        file = self._reader.read_if(url, lambda size: size <= MAX_POINTER_BYTES)
        if file is None:
            raise CatalogError(
                f"{url} has more than {MAX_POINTER_BYTES} bytes, which a pointer cannot have"
            )
        return bytes(file.data).decode(errors="replace").strip()

    def _first(self, get: Callable[[_Layout], T]) -> T | None:
        """Get what the first layout has; a bucket that cannot be listed forbids what it lacks."""
        for layout in _LAYOUTS:
            try:
                return get(layout)
            except (FileNotFoundError, PermissionError):
                continue
        return None

    def _url(self, path: str, top_hash: str = "") -> str:
        path = path.format(user=self._package.user, name=self._package.name, top=top_hash)
        return f"{self._root}/{path}"

    def _revisions(self) -> set[str]:
        first, second = (self._url(layout.manifests) for layout in _LAYOUTS)
        try:
            found = set(list_folders(second, self._endpoint))
            if scheme_of(first) != "file" or Path(first).is_dir():
                found |= {one.path for one in list_files(first, self._endpoint)}
            return found
        except (QueryError, StoreError) as error:
            raise StoreError(f"{error}; give `top_hash` whole, with 64 letters") from error

    def _refuse_unknown(self) -> None:
        """Raise QueryError with the nearest names, if the names of packages can be listed."""
        try:
            users = list_folders(f"{self._root}/.quilt/named_packages", self._endpoint)
            known = {
                f"{user}/{name}"
                for user in users
                for name in list_folders(
                    f"{self._root}/.quilt/named_packages/{user}", self._endpoint
                )
            }
            tags = list_folders(f"{self._root}/.quilt/v2/tags", self._endpoint)
        except (JumpduckError, OSError):
            return
        known |= {tag.replace("@", "/", 1) for tag in tags}
        if known:
            check_names("package", ["/".join(self._package[1:])], known)
