"""Where what was fetched or measured once is kept for a user."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Get the platform's cache folder for jumpduck; JUMPDUCK_CACHE overrides it."""
    if own := os.environ.get("JUMPDUCK_CACHE"):
        return Path(own)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "jumpduck"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "jumpduck" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jumpduck"
