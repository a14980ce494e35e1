"""The published metadata tables: fetched once, checked, kept."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx

from jumpduck.errors import CatalogError, StoreError
from jumpduck.storage.atomic_files import atomic_path, atomic_write, writable_folder
from jumpduck.storage.cache_folder import cache_folder
from jumpduck.storage.object_reader import ObjectReader, scheme_of

T = TypeVar("T")

COMMIT = "016e865fa0691244e0860943e41c7d6a88ed2580"
ROOT = f"https://raw.githubusercontent.com/jump-cellpainting/datasets/{COMMIT}/metadata"

MANIFESTS = f"https://raw.githubusercontent.com/jump-cellpainting/datasets/{COMMIT}/manifests"
PROFILE_INDEX = "profile_index.json"
PROFILE_INDEX_BLOB = "848a0ac41263c46c7402277c4260f4ff13b910d9"
"""Which tables of profiles were published: address and ETag of each."""

SITE_INDEX = "https://zenodo.org/api/records/18729301/files/jump_index.parquet/content"
SITE_INDEX_SHA256 = "6dddbda730650a079005565ce7f1418555cbb0ac77f0e3ecbf9a538f11c9a156"
"""One row per site of all of JUMP, with the URL of each stain; no brightfield, no illum."""

BLOBS = {
    "plate.csv.gz": "05de532d2355081e65001546baa2c7f650d446ff",
    "well.csv.gz": "b3f95059d32a0793731f2b250060f2f44454bc0d",
    "compound.csv.gz": "0c4eaddfc388c25887c8f2b13a8dcdf71ae96dc5",
    "orf.csv.gz": "4a742a80d22b65672186f20e6274a19bad2c5c97",
    "crispr.csv.gz": "0e7b488948cf19ef05e94932688495ed866de0c4",
    "perturbation_control.csv": "c2b5083b2a78ac52490ecc4bf614b4d192dbaecf",
    "compound_source.csv.gz": "67d92eb7952200e44477335b0664c00902eab60a",
    "microscope_config.csv": "69d476677d5e1b8f5a991f228e021d01b7516a6d",
    "microscope_filter.csv": "b91859ca8bbe75036a961d81270f7a15dc8aa8f8",
    "cellprofiler_version.csv": "be8a9d38cc150ba513eaa88fed08d84813767294",
}
"""The files that sql/jump reads, with the git blob id of each at `COMMIT`."""

GIT_BLOBS = "https://api.github.com/repos/jump-cellpainting/{repository}/git/blobs/{blob}"

ANNOTATION_BLOBS = {
    "JUMP-Target-1_compound_metadata.tsv": "b2a11a7b23c93ccb720d77a7ab303a10e3db2178",
    "JUMP-Target-1_compound_platemap.tsv": "cb9432375d7caa81e757fa8e1a8e54c303ae13e5",
    "JUMP-Target-2_compound_metadata.tsv": "a3d30c5aaaf196f07cb3ff112dff8fcc3cfc21bc",
    "JUMP-Target-2_compound_platemap.tsv": "7ae5c041f4d2dfe7402b4107633a4e22f3edc7ad",
    "JUMP-MOA_compound_metadata.tsv": "254381ce59a78cd3df7dd065b4ca86257867165d",
}
"""Files that name compounds, and their git blob ids in JUMP-Target and JUMP-MOA (MIT licence).

They are asked for by these ids, because both repositories replaced their tables several times.
"""


def metadata_folder(root: str, scratch: Path, stores: ObjectReader) -> Path:
    """Get a local folder that holds the metadata files of `root`.

    The pinned revision is kept in the user's cache and checked against its blob ids every time;
    any other remote root is fetched into `scratch`, which the caller removes.

    Raises
    ------
    CatalogError
        A file is missing, or is not the one that was published.
    StoreError
        The server cannot be reached, or the cache folder cannot be written.
    """
    if scheme_of(root) == "file":
        folder = Path(root)
        if not folder.is_dir():
            raise CatalogError(f"no metadata folder {folder}; check `metadata`")
        absent = [name for name in BLOBS if not (folder / name).is_file()]
        if absent:
            raise CatalogError(
                f"metadata folder {folder} has no {', '.join(absent)}; "
                "copy metadata/ of jump-cellpainting/datasets whole"
            )
        return folder
    folder = cache_folder() / "metadata" / COMMIT if root == ROOT else scratch / "metadata"
    writable_folder(folder)
    for name, blob in BLOBS.items():
        file = folder / name
        if root == ROOT and file.is_file() and blob_id(file.read_bytes()) == blob:
            continue
        url = f"{root}/{name}"
        try:
            data = _get(url) if root.startswith("http") else bytes(stores.read(url).data)
        except FileNotFoundError as error:
            raise CatalogError(f"{error}; check `metadata`") from error
        if root == ROOT and blob_id(data) != blob:
            raise CatalogError(
                f"{url} is not the published file: its git blob id is {blob_id(data)}, "
                f"expected {blob}; try again, or give another folder as metadata"
            )
        atomic_write(file, data)
    return folder


def fetch_annotations(root: str, folder: Path, stores: ObjectReader) -> list[dict[str, str | None]]:
    """Bring the files that name compounds into `folder`, and get which could not be had, and why.

    Nothing but names depends on them. Therefore a metadata folder of the user may lack them, and a
    published one that cannot be had does not end the build.
    """
    if scheme_of(root) == "file":
        return []
    unread: list[dict[str, str | None]] = []
    for name, blob in ANNOTATION_BLOBS.items():
        file = folder / name
        if root == ROOT and file.is_file() and blob_id(file.read_bytes()) == blob:
            continue
        file.unlink(missing_ok=True)
        try:
            data = _annotation(root, name, stores)
        except (StoreError, OSError) as error:
            if root == ROOT:
                unread.append({"file": name, "reason": f"{name}: {error}"})
            if isinstance(error, StoreError):  # the others would be waited for as long
                break
            continue
        if root == ROOT and blob_id(data) != blob:
            reason = f"{name}: its git blob id is {blob_id(data)}, expected {blob}"
            unread.append({"file": name, "reason": reason})
            continue
        atomic_write(file, data)
    return unread


def fetch_profile_index(root: str, folder: Path, stores: ObjectReader) -> str | None:
    """Bring the list of published profiles into `folder`, and get why it could not be had, if so.

    Nothing but profiles depends on it. Therefore a metadata folder of the user may lack it, and a
    published one that cannot be had does not end the build.
    """
    if scheme_of(root) == "file":
        return None
    file = folder / PROFILE_INDEX
    if root == ROOT and file.is_file() and blob_id(file.read_bytes()) == PROFILE_INDEX_BLOB:
        return None
    file.unlink(missing_ok=True)
    url = f"{MANIFESTS if root == ROOT else root}/{PROFILE_INDEX}"
    try:
        data = _get(url) if root.startswith("http") else bytes(stores.read(url).data)
    except (StoreError, OSError) as error:
        return str(error) if root == ROOT else None
    if root == ROOT and blob_id(data) != PROFILE_INDEX_BLOB:
        return f"{url}: its git blob id is {blob_id(data)}, expected {PROFILE_INDEX_BLOB}"
    atomic_write(file, data)
    return None


def _annotation(root: str, name: str, stores: ObjectReader) -> bytes:
    if root == ROOT:
        repository = name.partition("_")[0].rstrip("-12")
        return _get(GIT_BLOBS.format(repository=repository, blob=ANNOTATION_BLOBS[name]))
    url = f"{root}/{name}"
    return _get(url) if root.startswith("http") else bytes(stores.read(url).data)


def revision(root: str, folder: Path) -> str:
    """Get what tells one revision of the metadata from another: commit, or digest of the files."""
    if root == ROOT:
        return COMMIT
    digest = hashlib.sha256()
    for name in BLOBS:
        digest.update(f"{name} {blob_id((folder / name).read_bytes())}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def site_index(
    url: str, scratch: Path, stores: ObjectReader, progress: Callable[[int, int], None]
) -> Path:
    """Get a local file that holds a site index.

    The published one is kept in the user's cache and checked against its sha256 when it comes.

    Raises
    ------
    CatalogError
        There is no such file, or it is not the one that was published.
    StoreError
        The server cannot be reached, or the cache folder cannot be written.
    """
    if scheme_of(url) == "file":
        if not Path(url).is_file():
            raise CatalogError(f"no site index {url}; check `index`")
        return Path(url)
    kept = cache_folder() / f"jump_index-{SITE_INDEX_SHA256[:12]}.parquet"
    file = kept if url == SITE_INDEX else scratch / "index.parquet"
    if file.is_file():
        return file
    writable_folder(file.parent)
    try:
        with atomic_path(file) as part:
            if url.startswith("http"):
                _download(url, part, progress)
            else:
                part.write_bytes(stores.read(url).data)
            if url == SITE_INDEX and (digest := _sha256(part)) != SITE_INDEX_SHA256:
                raise CatalogError(
                    f"{url} is not the published file: its sha256 is {digest}, expected "
                    f"{SITE_INDEX_SHA256}; try again, or give another file as index"
                )
    except FileNotFoundError as error:
        raise CatalogError(f"{error}; check `index`") from error
    return file


def blob_id(data: bytes) -> str:
    """Get the id that git gives to a file with these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _get(url: str) -> bytes:
    def get() -> bytes:
        # what a git blob is sent as; other servers ignore it
        headers = {"Accept": "application/vnd.github.raw+json, */*"}
        answer = httpx.get(url, headers=headers, follow_redirects=True, timeout=60)
        return _good(answer).content

    return _insist(url, get)


def _download(url: str, file: Path, progress: Callable[[int, int], None]) -> None:
    def get() -> None:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=60) as answer,
            file.open("wb") as target,
        ):
            total = int(_good(answer).headers.get("content-length", 0))
            for part in answer.iter_bytes(1 << 20):
                target.write(part)
                progress(target.tell(), total)

    _insist(url, get)


def _good(answer: httpx.Response) -> httpx.Response:
    if answer.status_code == 404:
        raise FileNotFoundError(f"no such file: {answer.url}")
    return answer.raise_for_status()


def _insist(url: str, get: Callable[[], T], attempts: int = 4) -> T:
    for attempt in range(1, attempts + 1):
        try:
            return get()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            lasting = isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol) or (
                isinstance(error, httpx.HTTPStatusError) and error.response.is_client_error
            )
            if lasting or attempt == attempts:
                raise StoreError(f"{url}: {error} ({attempt} attempts){_hint(error)}") from error
            time.sleep(0.5 * 2**attempt)
    raise AssertionError("unreachable")


def _hint(error: Exception) -> str:
    """Get what to do where no server answers at all."""
    if not isinstance(error, httpx.TransportError) or isinstance(error, httpx.UnsupportedProtocol):
        return ""
    return (
        "; no server answers, therefore look at the network and at HTTPS_PROXY, or name a folder "
        "with copies of the tables with `metadata`"
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
