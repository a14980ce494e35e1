"""The folder that an export fills: what it is, and which of its pieces are finished.

``.jumpduck/export.json`` says what is exported, ``.jumpduck/pieces.jsonl`` has a line for each
finished piece, and ``.jumpduck/pieces.TOKEN`` holds those in work. A piece has its name only when
all of it is on the disk.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zlib_ng import zlib_ng

from jumpduck.counts import counted
from jumpduck.errors import StoreError
from jumpduck.storage.atomic_files import (
    atomic_write,
    has_entries,
    make_folder,
    refuse_links,
    sync,
    sync_folder,
    writable_folder,
)
from jumpduck.storage.heartbeat_lock import HeartbeatLock
from jumpduck.storage.replaced_files import check_place

STATE = ".jumpduck"

WORK = "pieces."

SYNC_THREADS = 8

READ_BYTES = 2**20


class ExportFolder:
    """A folder that one export fills, also in several runs.

    Parameters
    ----------
    path
        The folder; it need not exist.
    about
        What is exported: another export has another value.
    """

    def __init__(self, path: Path, about: Mapping[str, object]) -> None:
        self.path = path
        self._about = json.loads(json.dumps(about))
        self._state = path / STATE
        self._journal = self._state / "pieces.jsonl"
        self._work = self._state / f"{WORK}{secrets.token_hex(8)}"
        self._finished: dict[str, dict[str, Any]] = {}

    def check(self) -> None:
        """Check that the folder is empty, not there, or has this export.

        Raises
        ------
        StoreError
            It has something else, or would be below a file.
        """
        check_place(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"out {self.path} is not a folder; give the name of one")
        refuse_links(self.path, STATE)
        if not has_entries(self.path):
            return
        try:
            known = json.loads((self._state / "export.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            entries = {entry.name for entry in self.path.iterdir()}
            # a run that was killed in its first moment left no more than this
            if entries == {STATE} and not has_entries(self._state):
                return
            raise StoreError(
                f"out {self.path} is there and is not an export; give another folder, nothing in "
                "this one is changed"
            ) from None
        except ValueError as error:
            raise StoreError(f"{self._state}/export.json is damaged: {error}") from error
        if known != self._about:
            raise StoreError(
                f"out {self.path} has another export: {_described(known)}, and this one would be "
                f"{_described(self._about)}; give another folder, or remove that one"
            )

    @contextmanager
    def open(self) -> Generator[None]:
        """Have the folder for this run alone, made if need be, in the block."""
        self.check()
        writable_folder(self._state)
        with HeartbeatLock(self._state / "lock", self.path):
            self._check_again()
            atomic_write(self._state / "export.json", json.dumps(self._about).encode())
            for left in self._state.glob(f"{WORK}*"):
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
            self._finished = self._read_journal()
            self._work.mkdir()
            try:
                yield
            finally:
                shutil.rmtree(self._work, ignore_errors=True)

    def work_path(self, name: str) -> Path:
        """Get the path to write a piece to."""
        return self._work / hashlib.sha256(name.encode()).hexdigest()[:32]

    def is_finished(self, name: str) -> bool:
        """Get whether a piece is there as it was written; its bytes are read."""
        known = self._finished.get(name)
        path = self.path / name
        return known is not None and path.exists() and digest(path) == known["digest"]

    def sync(self, name: str) -> str:
        """Bring a piece that was written to the disk, and get its digest."""
        path = self.work_path(name)
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        folders = [path, *(one for one in path.rglob("*") if one.is_dir())] * path.is_dir()
        # several at once, because a file system brings them to the disk together
        with ThreadPoolExecutor(SYNC_THREADS) as pool:
            done = [pool.submit(_sync_file, file) for file in files]
            done += [pool.submit(sync_folder, folder) for folder in folders]
            found = digest(path)
            for one in done:
                one.result()
        return found

    def finish(self, name: str, found: str) -> None:
        """Give a piece that was written its name.

        Raises
        ------
        StoreError
            Something else has that name.
        """
        path, target = self.work_path(name), self.path / name
        refuse_links(self.path, target.parent.relative_to(self.path).as_posix())
        if target.exists() or target.is_symlink():
            # a run that was killed here has given it its name, or it was damaged since
            if name not in self._finished and digest(target) != found:
                raise StoreError(
                    f"{target} is there and was not written by this export; move it away, and "
                    "run the same command again"
                )
            if target.is_dir() and not target.is_symlink():
                target.replace(self._work / f"{path.name}.old")
        make_folder(target.parent)
        path.replace(target)
        sync_folder(target.parent)
        line = json.dumps({"piece": name, "digest": found})
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write(f"{line}\n")
            journal.flush()
            sync(journal.fileno())

    def write(self, name: str, data: bytes) -> None:
        """Write a file that stands beside the pieces, if it is not there as it should be.

        It is written where pieces are, because a part file beside them would stay after a kill.
        """
        target = self.path / name
        refuse_links(self.path, target.parent.relative_to(self.path).as_posix())
        if target.is_file() and target.read_bytes() == data:
            return
        if target.is_dir():
            raise StoreError(f"cannot write {target}: it is a folder; move it away")
        make_folder(target.parent)
        path = self.work_path(name)
        path.write_bytes(data)
        _sync_file(path)
        path.replace(target)
        sync_folder(target.parent)

    def _check_again(self) -> None:
        """Check what another run may have written before this one had the lock."""
        if (self._state / "export.json").exists():
            self.check()

    def _read_journal(self) -> dict[str, dict[str, Any]]:
        """Get what is known of each finished piece; a line that a kill cut short is left out."""
        found: dict[str, dict[str, Any]] = {}
        try:
            lines = self._journal.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return found
        if lines and not lines[-1].endswith(b"\n"):
            atomic_write(self._journal, b"".join(lines[:-1]))
        for line in lines:
            if line.endswith(b"\n"):
                one = json.loads(line)
                found[one["piece"]] = one
        return found


def digest(path: Path) -> str:
    """Get the size and CRC-32 of a file, or those of the files of a folder with their names.

    It finds what a disk or an accident has changed, and takes a tenth of the time of SHA-256.
    """
    if path.is_symlink():
        return "a link"
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if not one.is_dir())
        lines = [f"{one.relative_to(path).as_posix()} {digest(one)}\n" for one in files]
        crc = zlib_ng.crc32("".join(lines).encode())  # pyright: ignore[reportUnknownMemberType]
        return f"{len(files)} {crc:08x}"
    size = crc = 0
    with path.open("rb") as file:
        while some := file.read(READ_BYTES):
            size += len(some)
            crc = zlib_ng.crc32(some, crc)  # pyright: ignore[reportUnknownMemberType]
    return f"{size} {crc:08x}"


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        sync(file.fileno())


def _described(about: Mapping[str, Any]) -> str:
    return (
        f"{about.get('form')} of {counted(about['sites'], 'site')} with "
        f"{counted(about['images'], 'image')} (digest {str(about.get('digest'))[:8]})"
    )
