"""How fast the last download on this machine was, to tell how long the next one may take."""

import json
from contextlib import suppress

from jumpduck.storage.atomic_files import atomic_write
from jumpduck.storage.cache_folder import cache_folder

MIN_FILES = 100
"""Files that a run has to fetch for its rate to say something."""

FILE = "last_rate.json"


def remember(files: int, size: int, seconds: float) -> None:
    """Keep the rate of a run; without a word where the cache cannot be written."""
    if files < MIN_FILES or not seconds > 0:
        return
    rate = {"bytes_per_second": size / seconds, "files_per_second": files / seconds}
    with suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
        atomic_write(cache_folder() / FILE, json.dumps(rate).encode())


def bytes_per_second() -> float | None:
    """Get the rate of the last run; None where none is known."""
    try:
        rate = float(json.loads((cache_folder() / FILE).read_bytes())["bytes_per_second"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return rate if rate > 0 else None
