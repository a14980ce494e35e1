"""Where the checkout and the real data lie."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("JUMPDUCK_REAL_DATA", ROOT.parent / "shared" / "data"))
