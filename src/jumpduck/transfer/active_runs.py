"""The runs that fill an output folder at the same time, on one machine or many.

``runs/TOKEN.lock`` is held by a run as long as it goes on. ``runs/TOKEN.json`` says which recipe
it has and how far it is.
"""

import json
import logging
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from jumpduck.recipes.base import Recipe
from jumpduck.rows import Row
from jumpduck.storage.atomic_files import atomic_path, make_folder, see_all_names
from jumpduck.storage.heartbeat_lock import POLL_SECONDS, STALE_SECONDS, HeartbeatLock, is_held

MIN_UPDATE_SECONDS = 2.0
"""Time between two notes of how far a run is."""

_log = logging.getLogger(__name__)


class ActiveRuns:
    """The runs of a folder: this one, which `begin` makes known, and the others.

    Parameters
    ----------
    folder
        Where the runs are; it need not exist.
    out
        The output folder, for messages.

    Attributes
    ----------
    token
        Names this run; no other one has it.
    """

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(8)
        self._out = out
        self._own = self._lock(self.token)
        self._others: dict[str, HeartbeatLock] = {}
        self._notes: Row = {}
        self._said = False

    def begin(self, recipe: Recipe) -> None:
        """Make this run known."""
        now = time.time()
        self._notes = {**made_with(recipe), "started": now, "updated": now, "done": 0}
        make_folder(self.folder)
        self._write()
        try:
            self._own.acquire()
        except OSError:
            self._notes_of(self.token).unlink()
            raise

    def end(self) -> None:
        """Make known that this run has ended; a second call does nothing."""
        if self._notes:
            self._notes = {}
            self._own.release()
            self._notes_of(self.token).unlink(missing_ok=True)

    def update(self, done: int) -> None:
        """Note how many images this run has done, every two seconds at most."""
        if time.time() - float(str(self._notes["updated"])) >= MIN_UPDATE_SECONDS:
            self._notes = {**self._notes, "done": done, "updated": time.time()}
            self._write()

    def is_lost(self) -> bool:
        """Get whether others take this run for dead, because it showed no sign."""
        return self._own.is_lost()

    def check(self) -> None:
        """Raise StoreError if others take this run for dead."""
        self._own.check()

    def others(self) -> Mapping[str, bool | None]:
        """Get the other runs by their tokens: whether they live, None while that is not known.

        What a dead one left is removed.
        """
        see_all_names(self.folder)
        here = {file.stem for file in self.folder.glob("*.lock")} - {self.token}
        self._others = {one: self._others.get(one) or self._lock(one) for one in sorted(here)}
        lives = {one: lock.holder_lives() for one, lock in self._others.items()}
        for one in [one for one, alive in lives.items() if alive is False]:
            if self._others[one].acquire():
                self._notes_of(one).unlink(missing_ok=True)
                self._others[one].release()
        return {one: alive for one, alive in lives.items() if alive is not False}

    def goes_on(self, token: str) -> bool:
        """Get whether a run goes on, or may; it is looked for by its name, not in a list."""
        if token == self.token:
            return True
        lock = self._others.setdefault(token, self._lock(token))
        return lock.holder_lives() is not False

    def wait_for_signs(self) -> None:
        """Wait a moment for signs of life of runs of which it is not known whether they live."""
        doubtful = [self._others[one].holder for one, alive in self.others().items() if not alive]
        if doubtful and not self._said:
            self._said = True
            _log.warning(
                "whether %s still fills %s is known after %.0f s at most; this run waits for that",
                " and ".join(doubtful), self._out, STALE_SECONDS,
            )  # fmt: skip
        time.sleep(POLL_SECONDS)

    def of_another_recipe(
        self, recipe: Recipe, runs: Mapping[str, bool | None]
    ) -> tuple[str, Row, bool | None] | None:
        """Get one of some runs with another recipe or parameters: holder, notes, if it lives."""
        for one, alive in runs.items():
            notes = self._read(one)
            if notes and made_with(recipe).items() - notes.items():
                lock = self._lock(one)
                lock.holder_lives()
                return lock.holder, notes, alive
        return None

    def look(self) -> Mapping[str, bool | None]:
        """Get the runs that go on, as far as one look tells; writes nothing."""
        return {file.stem: True for file in self.folder.glob("*.lock") if is_held(file)}

    def remove_notes(self) -> None:
        """Remove notes of runs that were killed in their first moment or their last."""
        for notes in self.folder.glob("*.json"):
            if notes.stem != self.token and not self.goes_on(notes.stem):
                notes.unlink(missing_ok=True)

    def notes(self) -> tuple[list[Row], list[Row]]:
        """Get what the runs that go on, and those that were killed, say; a look does not wait."""
        held = self.look()
        going_on: list[Row] = []
        killed: list[Row] = []
        for file in self.folder.glob("*.lock"):
            if notes := self._read(file.stem):
                (going_on if file.stem in held else killed).append(notes)
        return going_on, killed

    def _read(self, token: str) -> Row:
        try:
            notes = json.loads(self._notes_of(token).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}  # pyright: ignore[reportUnknownVariableType]

    def _write(self) -> None:
        with atomic_path(self._notes_of(self.token)) as part:
            part.write_text(json.dumps(self._notes), encoding="utf-8")

    def _notes_of(self, token: str) -> Path:
        return self.folder / f"{token}.json"

    def _lock(self, token: str) -> HeartbeatLock:
        return HeartbeatLock(self.folder / f"{token}.lock", self._out)


def made_with(recipe: Recipe) -> Row:
    """Get what must be the same in all runs that fill a folder at the same time."""
    return {"recipe": recipe.label, "parameters": recipe.parameters_text}
