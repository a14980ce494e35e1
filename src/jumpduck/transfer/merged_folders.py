"""Several output folders -> one: their files, results, sites, and what their runs were asked for.

A plate of a folder is done when its files have their new place and its rows are in the table there;
then its table in the folder is removed. So a merge that was killed goes on where it was.
"""

import hashlib
import itertools
import os
import shlex
import shutil
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import QueryError, StoreError
from jumpduck.rows import DONE, PlateKey
from jumpduck.schema import OWN_FILES
from jumpduck.storage.atomic_files import (
    free_bytes,
    make_folder,
    part_path,
    refuse_links,
    sync_folder,
    sync_part,
)
from jumpduck.transfer.asked import Run, refuse_shared_paths
from jumpduck.transfer.disk_space import size_text
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.roots import is_inside
from jumpduck.words import with_values

THREADS = 8
"""Files that are moved or copied at the same time, because a disk takes its time for each."""

READ_BYTES = 2**20

MOVED, SAME, GONE = "moved", "same", "gone"


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of the files of a folder.

    Attributes
    ----------
    moved, same
        Files that got their new place, and files that were there already.
    gone
        Files that are not there as the results say. They count as left.
    size
        Bytes of those that were moved.
    """

    moved: int
    same: int
    gone: int
    size: int


class MergedFolders:
    """Output folders that become one.

    Parameters
    ----------
    sources
        The folders to adopt from.
    into
        The folder that gets all; it may exist.
    copy
        The sources keep what they have.

    Raises
    ------
    QueryError
        `into` is inside of a source.
    """

    def __init__(self, sources: Sequence[Path], into: Path, *, copy: bool) -> None:
        for source in sources:
            if is_inside(into, source) and not is_inside(source, into):
                raise QueryError(
                    f"out {into} is inside of {source}, which is merged into it; give a folder "
                    "beside it, or one of those that are merged"
                )
        here = into.resolve()
        by_place = {source.resolve(): source for source in sources}
        self.sources = [_filled(one) for place, one in by_place.items() if place != here]
        self.into = OutputFolder(into)
        self._copy = copy
        self._numbers = itertools.count()

    def check(self) -> None:
        """Check that no folder is being filled, and that no two say different things of one path.

        Raises
        ------
        StoreError
            A folder is being filled, or two have different files of the same path.
        ManifestError
            Two plates share a path.
        """
        every = [self.into, *self.sources]
        refuse_links(self.into.path, ".jumpduck/plates")
        for folder in every:
            folder.refuse_if_filled()
        runs: list[Run] = []
        for folder in every:
            own = folder.asked.runs()
            for run in own:
                refuse_shared_paths(run, [one for one in runs if one.id != run.id])
            runs += own
        plates = [set(folder.plates.plate_keys()) for folder in every]
        for key in sorted(set[PlateKey]().union(*plates)):
            having = [one for one, keys in zip(every, plates, strict=True) if key in keys]
            if len(having) > 1:
                _refuse_different(having, key)

    def preview(self, source: OutputFolder) -> tuple[int, int]:
        """Get the number of files that a folder's results name, and their bytes."""
        files = [_files(source.plates.read(key)) for key in source.plates.plate_keys()]
        return sum(one.height for one in files), sum(int(one["size"].sum()) for one in files)

    def check_space(self) -> None:
        """Check that the disk has space for what is copied to it.

        Raises
        ------
        StoreError
            It has not.
        """
        parents = (self.into.path, *self.into.path.absolute().parents)
        place = next(one for one in parents if one.exists())
        device = place.stat().st_dev
        copied = [one for one in self.sources if self._copy or one.path.stat().st_dev != device]
        needed = sum(self.preview(source)[1] for source in copied)
        if needed > (free := free_bytes(place)):
            raise StoreError(
                f"no space on the disk of {self.into.path}: the files to copy have "
                f"{size_text(needed)} and {size_text(free)} are free; free some space and "
                "run the same command again"
            )

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep runs out of the folders in the block."""
        # in one order, because two merges must not wait for each other
        folders = [self.into, *([] if self._copy else self.sources)]
        with ExitStack() as stack:
            for folder in sorted(folders, key=lambda folder: folder.path.resolve()):
                stack.enter_context(folder.alone())
            yield

    def keep_asked(self) -> None:
        """Let the folder know what all runs were asked for."""
        runs = [run for source in self.sources for run in source.asked.runs()]
        for run in sorted(runs, key=lambda run: float(str(run.notes["started"]))):
            command = run.notes.get("command")
            again = _with_out(str(command), self.into.path) if command else None
            self.into.asked.add(run, again)
        for source in self.sources:
            if source.plates.is_copy:
                left, origins = source.gathered.left, source.gathered.origins
            else:
                left, origins = source.asked.adopted(), source.asked.origins.all()
            self.into.asked.adopt(left, origins)

    def adopt(self, source: OutputFolder, progress: Callable[[int], None]) -> Adopted:
        """Give all files and rows of a folder their new place.

        Parameters
        ----------
        progress
            Called with the number of files since the last call.
        """
        keys = source.plates.plate_keys()
        if not self._copy:
            # because they would bring back the rows of plates whose table is removed
            for name in OWN_FILES:
                (source.path / name).unlink(missing_ok=True)
        counts = pl.DataFrame(schema={"became": pl.String, "size": pl.Int64})
        for key in keys:
            found = self._adopt_plate(source, key)
            counts = pl.concat([counts, found])
            progress(found.height)
        number = dict(counts.group_by("became").len().rows())
        size = int(counts.filter(became=MOVED)["size"].sum())
        return Adopted(number.get(MOVED, 0), number.get(SAME, 0), number.get(GONE, 0), size)

    def empty(self) -> None:
        """Remove the tables of the folders whose rows are elsewhere, and their empty folders."""
        for source in [] if self._copy else self.sources:
            for entry in source.state.iterdir():
                if entry == source.lock.path:
                    continue  # it is held until the merge ends
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
            for folder, _, _ in os.walk(source.path, topdown=False):
                if Path(folder) not in (source.path, source.state):
                    with suppress(OSError):  # it is not empty
                        Path(folder).rmdir()

    def _adopt_plate(self, source: OutputFolder, key: PlateKey) -> pl.DataFrame:
        """Get what became of each file of a plate: became, size."""
        rows, known = source.plates.read(key), self.into.plates.read(key)
        files = _files(rows)
        folders = {str(path).rpartition("/")[0] for path in files["path"]}
        for folder in folders:
            refuse_links(self.into.path, folder)
            make_folder(self.into.path / folder)
        with ThreadPoolExecutor(THREADS) as pool:
            paths = files["path"].to_list(), files["size"].to_list(), files["checksum"].to_list()
            became = list(pool.map(self._adopt_file, itertools.repeat(source.path), *paths))
        for folder in folders:
            sync_folder(self.into.path / folder)
        files = files.with_columns(became=pl.Series(became, dtype=pl.String))
        here = known.filter(pl.col("status").is_in(DONE))
        is_moved = pl.col("path").is_in(files.filter(became=MOVED)["path"].implode())
        is_gone = pl.col("path").is_in(files.filter(became=GONE)["path"].implode())
        is_here = pl.col("path").is_in(here["path"].implode())
        new = rows.filter(is_moved | ~(is_gone | is_here))
        if new.height:
            self.into.plates.update(key, new)
        if not self._copy:
            source.plates.remove_table(key)
        return files.select("became", "size")

    def _adopt_file(self, source: Path, path: str, size: int, checksum: str) -> str:
        """Give a file its new place, and get what became of it."""
        old, new = source / path, self.into.path / path
        if _size(new) == size and _checksum(new) == checksum:
            if not self._copy and _size(old) == size:
                old.unlink()
            return SAME
        if _size(old) != size:
            return GONE
        if not self._copy:
            with suppress(OSError):  # another disk, of which the next lines make a copy
                old.replace(new)
                return MOVED
        part = part_path(self.into.runs.token, new, next(self._numbers))
        try:
            if _copied(old, part) != checksum:
                return GONE
            part.replace(new)
        finally:
            part.unlink(missing_ok=True)
        if not self._copy:
            sync_folder(new.parent)
            old.unlink()
        return MOVED


def _filled(path: Path) -> OutputFolder:
    """Get a folder; one that a merge has emptied, and that was killed then, counts as filled."""
    folder = OutputFolder(path)
    return folder if folder.state.is_dir() else OutputFolder.read(path)


def _refuse_different(folders: Sequence[OutputFolder], key: PlateKey) -> None:
    """Refuse two folders with different files of one path."""
    files = pl.concat(
        _files(folder.plates.read(key)).with_columns(folder=pl.lit(number, pl.Int64))
        for number, folder in enumerate(folders)
    )
    different = files.filter(pl.col("checksum").n_unique().over("path") > 1).sort("path", "folder")
    seen: dict[str, tuple[str, Path]] = {}
    for path, size, checksum, number in different.rows():
        place = folders[int(number)].path
        if _size(place / path) != size:
            continue  # it is not adopted either
        known, other = seen.setdefault(path, (checksum, place))
        if checksum != known:
            raise StoreError(
                f"{path} is in {other} and in {place} with different checksums, therefore nothing "
                "was moved; remove that file from the folder in which it should not count, or "
                "merge these folders into different ones"
            )


def _files(rows: pl.DataFrame) -> pl.DataFrame:
    """Get path, size and checksum of each file that results name."""
    done = rows.filter(pl.col("status").is_in(DONE))
    return done.select("path", "size", "checksum").unique("path", maintain_order=True)


def _size(file: Path) -> int | None:
    """Get the bytes of a plain file; None where there is none."""
    try:
        return None if file.is_symlink() or not file.is_file() else file.stat().st_size
    except OSError:
        return None


def _checksum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _copied(old: Path, new: Path) -> str:
    """Copy a file, and get the checksum of what was copied when it is on the disk."""
    known = hashlib.sha256()
    with old.open("rb") as read, new.open("xb") as written:
        while some := read.read(READ_BYTES):
            known.update(some)
            written.write(some)
        written.flush()
        sync_part(written.fileno())
    return known.hexdigest()


def _with_out(command: str, out: Path) -> str:
    """Get a command line with another output folder."""
    kept = list[str]()
    skipped = False
    for word in shlex.split(command):
        if word.startswith("--"):
            skipped = word.partition("=")[0] == "--out"
        if not skipped:
            kept.append(word)
    return shlex.join([*kept, *with_values("--out", [str(out)])])
