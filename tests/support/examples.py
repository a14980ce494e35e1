"""How many examples a test tries: all of them in `just test-all`, some in `just test`."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import settings

THOROUGH_TIMES = 5


def examples(number: int, deadline_ms: int | None = None) -> settings:
    """Try so many examples, and five times as many in `just test-all`."""
    thorough = settings.get_current_profile_name() == "thorough"
    number *= THOROUGH_TIMES if thorough else 1
    return settings(max_examples=number, deadline=deadline_ms)


def first_quick(number: int, names: str | Sequence[str], values: Iterable[object], **options):
    """Parametrize a test; all values but the first so many are slow."""
    one = isinstance(names, str) and "," not in names

    def slow(value):
        if hasattr(value, "marks"):
            return pytest.param(*value.values, marks=[*value.marks, pytest.mark.slow], id=value.id)
        return pytest.param(*((value,) if one else value), marks=pytest.mark.slow)

    values = [*values]
    values[number:] = map(slow, values[number:])
    return pytest.mark.parametrize(names, values, **options)
