"""What belongs to the extra ``evaluation``: scikit-learn and scipy."""

from importlib.util import find_spec

from jumpduck.errors import QueryError, needs_extra


def check_extra(metric: str) -> None:
    """Raise QueryError where the libraries are not installed that a metric needs."""
    if any(find_spec(name) is None for name in ("sklearn", "scipy")):
        raise QueryError(needs_extra(f"metric {metric}", "scikit-learn and scipy", "evaluation"))
