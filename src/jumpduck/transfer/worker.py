"""One job: rows of the manifest -> one file under a provisional name, and what became of it."""

import errno
import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from jumpduck.errors import ImageError, JumpduckError, ManifestError, StoreError
from jumpduck.recipes.base import Encoded, Recipe, Source
from jumpduck.storage.atomic_files import write_part
from jumpduck.storage.object_reader import FetchedFile, ObjectReader
from jumpduck.transfer.committer import DiskError, Finished
from jumpduck.transfer.manifest_reader import Plate
from jumpduck.transfer.memory_budget import ROOM, Claim, NoRoomError, Room
from jumpduck.transfer.output_folder import DONE

Row = dict[str, object]

_MEASURED = ("width", "height", "low", "high", "mean", "saturated", "focus", "constant")
_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}


class Worker:
    """Does jobs on the thread that calls it; the computing is done by `cores`."""

    def __init__(
        self, results: Path, stores: ObjectReader, recipe: Recipe, cores: ThreadPoolExecutor
    ) -> None:
        self._out = results
        self._stores = stores
        self._recipe = recipe
        self._cores = cores
        self._room = Room()
        self.name = f"{recipe.name} {recipe.version}"
        self.parameters = json.dumps(dict(recipe.parameters), sort_keys=True)

    def prepare(self, rows: Sequence[Row]) -> tuple[object, Row | None]:
        """Get what the recipe needs to know of the plate, or what to say of all its rows."""
        if self._recipe.prepare is None:
            return None, None
        try:
            fetch = self._stores.read
            return self._recipe.prepare(
                rows, lambda url: bytes(fetch(url, _refuse_large).data)
            ), None
        except ManifestError:
            raise  # the manifest lacks what the recipe asks for: no plate will fare better
        except (JumpduckError, OSError) as error:
            return None, _failure(error)

    def do(
        self, plate: Plate, rows: Sequence[Row], context: object, reason: Row | None
    ) -> Finished:
        """Do one job; whatever happens to it is in its rows.

        Raises
        ------
        DiskError
            The file could not be written, and no other could.
        """
        started = time.perf_counter()
        base: Row = {"recipe": self.name, "parameters": self.parameters}
        try:
            said = [reason] * len(rows) if reason else None
            file = Finished(plate, [])
            if said is None:
                said, file = self._keep(plate, rows, context)
        except (JumpduckError, OSError) as error:
            said = [_failure(error)] * len(rows)
            file = Finished(plate, [])
        seconds = {"seconds": time.perf_counter() - started}
        results = [{**row, **base, **more, **seconds} for row, more in zip(rows, said, strict=True)]
        return replace(file, rows=results)

    def _keep(
        self, plate: Plate, rows: Sequence[Row], context: object
    ) -> tuple[list[Row], Finished]:
        """Fetch, make and write, with as much in memory as there is room for."""
        size = 0
        while True:
            try:
                with self._room.claim(size) as claim:
                    made, said = self._make(rows, context, claim)
                    return said, self._write(plate, rows, made)
            except NoRoomError as more:
                size = more.size

    def _write(self, plate: Plate, rows: Sequence[Row], data: bytes | memoryview) -> Finished:
        target = self._out / str(rows[0]["path"])
        try:
            file, part = write_part(target, data)
        except OSError as error:
            if error.errno in _FATAL:
                raise DiskError(len(rows), len(data)) from error
            raise
        return Finished(plate, [], file, part, target)

    def _make(
        self, rows: Sequence[Row], context: object, claim: Claim
    ) -> tuple[bytes | memoryview, list[Row]]:
        """Fetch and make; what came broken is fetched again until the same bytes come twice."""
        before: set[bytes] = set()
        attempts = [0] * len(rows)
        while True:
            bodies: list[FetchedFile] = []
            for left, row in zip(range(len(rows), 0, -1), rows, strict=True):
                there = sum(len(body.data) for body in bodies)

                def announced(size: int, there: int = there, left: int = left) -> None:
                    claim.at_least(there + size * left, held=there)  # the others are about as large

                bodies.append(self._stores.read(str(row["url"]), announced))
            attempts = [n + body.attempts for n, body in zip(attempts, bodies, strict=True)]
            sources = [Source(body.data, row) for body, row in zip(bodies, rows, strict=True)]
            try:
                encoded = self._cores.submit(self._recipe.make, sources, context).result()
                return encoded.data, _said(encoded, bodies, attempts)
            except ImageError as error:
                came = hashlib.sha256(b"".join(body.data for body in bodies)).digest()
                if came in before or len(before) + 1 == self._stores.attempts:
                    error.attempts = max(attempts)
                    raise
                before.add(came)


def _refuse_large(size: int) -> None:
    """For a recipe that looks at a plate: how many of them it keeps, it alone knows."""
    if size > ROOM // 8:
        raise StoreError(f"{size} bytes are too many for a look at the plate")


def _said(encoded: Encoded, bodies: Sequence[FetchedFile], attempts: Sequence[int]) -> list[Row]:
    shared: Row = {
        "status": DONE[0],
        "size": len(encoded.data),
        "checksum": hashlib.sha256(encoded.data).hexdigest(),
    }
    return [
        {
            **shared,
            "bytes": len(body.data),
            "etag": body.etag,
            "attempts": count,
            **{name: getattr(seen, name) for name in _MEASURED},
        }
        for body, count, seen in zip(bodies, attempts, encoded.measured, strict=True)
    ]


def _failure(error: Exception) -> Row:
    """What to say of a row that came to nothing."""
    status = "failed"
    if isinstance(error, FileNotFoundError):
        status = "missing"
    elif isinstance(error, ImageError):
        status = "corrupt"
    return {"status": status, "error": str(error), "attempts": getattr(error, "attempts", 1)}
