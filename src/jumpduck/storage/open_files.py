"""How many connections fit into what the system lets this process open."""

import errno
import logging
from contextlib import suppress
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None

FILES_PER_CONNECTION = 3
"""Its socket, the file that was made of the answer before, until it is on the disk, and the lock of
the plate, if each file is of another one."""

OTHER_FILES = 192
"""Files that wait for the disk, tables, and modules that are imported while a run goes on."""

TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
"""Errors of the system that are about the process or the machine, not about the file asked for."""

_logger = logging.getLogger(__name__)


def allowed_connections(wanted: int) -> int:
    """Get how many of `wanted` connections can be open at a time; at least one.

    If they need more open files than the process may have, its soft limit is raised, at most to
    its hard limit. If that is not enough, a warning is logged.
    """
    if resource is None:
        return wanted
    needed = FILES_PER_CONNECTION * wanted + OTHER_FILES + _open_now()
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_enough(limit, needed):
        return wanted
    more = needed if _is_enough(hard, needed) else hard
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
        limit = more
    if _is_enough(limit, needed):
        return wanted
    allowed = max(1, wanted - (needed - limit + 1) // FILES_PER_CONNECTION)
    _logger.warning(
        "this process may open %d files, so that %d of %d connections are used; "
        "`ulimit -n %d` allows all of them", limit, allowed, wanted, needed,
    )  # fmt: skip
    return allowed


def reason_of(error: OSError) -> str:
    """Get what the system says, and what to do where a process may open too few files."""
    reason = error.strerror or str(error)
    if error.errno in TOO_MANY_FILES:
        reason += "; raise `ulimit -n`, or give fewer `connections` and `processes`"
    return reason


def _is_enough(limit: int, needed: int) -> bool:
    return resource is not None and (limit == resource.RLIM_INFINITY or limit >= needed)


def _open_now() -> int:
    """Get the number of files that are open; 0 where the system does not say."""
    with suppress(OSError):
        return sum(1 for _ in Path("/dev/fd").iterdir())
    return 0
