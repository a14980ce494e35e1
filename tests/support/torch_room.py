"""Whether the tests that need torch can run here, and modules of tests that import it."""

from importlib.util import find_spec

import pytest

MARKED = "\npytestmark = pytest.mark.torch\n"
"""A line of a module all of whose tests need torch."""


def why_not() -> str | None:
    """Why no test that needs torch can run here; None if they can."""
    return None if find_spec("torch") else "torch is not installed; see `just test-torch`"


class SkippedModule(pytest.Module):
    """A module that is not imported, because it imports torch at its top."""

    def collect(self):
        """Skip all of it."""
        pytest.skip(why_not(), allow_module_level=True)
