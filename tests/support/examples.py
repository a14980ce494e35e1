"""How many examples hypothesis tries."""

from hypothesis import settings

THOROUGH_TIMES = 10


def examples(number: int, deadline_ms: int | None = None) -> settings:
    """Try so many examples, and ten times as many in `just test-all`."""
    thorough = settings.get_current_profile_name() == "thorough"
    number *= THOROUGH_TIMES if thorough else 1
    return settings(max_examples=number, deadline=deadline_ms)
