"""The command line as on a machine that reaches its output folder by NFS.

It has no `flock`, is no other machine's kernel, and remembers what it has seen in a folder until it
changes the folder itself: names that other machines give, replace or remove come late. What a file
says is always of now, because opening it asks the server.
"""

import errno
import fcntl
import os
import sys
from contextlib import contextmanager

from jumpduck.storage import heartbeat_lock

HIDDEN = f"{os.sep}.jumpduck{os.sep}"


def install():
    names, stats = {}, {}
    scandir, stat, opened = os.scandir, os.stat, os.open

    def is_hidden(path):
        return isinstance(path, str | os.PathLike) and HIDDEN in f"{os.fspath(path)}{os.sep}"

    def changed(path):
        if isinstance(path, str | os.PathLike):
            folder = os.fspath(path).rpartition(os.sep)[0]
            names.pop(folder, None)
            for known in [known for known in stats if known.rpartition(os.sep)[0] == folder]:
                del stats[known]

    @contextmanager
    def entries_of(folder):
        if folder not in names:
            with scandir(folder) as entries:
                names[folder] = list(entries)
        yield iter(names[folder])

    def late_scandir(path="."):
        return entries_of(os.fspath(path)) if is_hidden(path) else scandir(path)

    def late_stat(path, **options):
        if not is_hidden(path) or options.get("dir_fd") is not None:
            return stat(path, **options)
        known = os.fspath(path)
        if known not in stats:
            try:
                stats[known] = stat(path, **options)
            except FileNotFoundError as error:
                stats[known] = error
        if isinstance(stats[known], FileNotFoundError):
            raise stats[known]
        return stats[known]

    def late_open(path, flags, *more, **options):
        if flags & os.O_CREAT:
            changed(path)
        return opened(path, flags, *more, **options)

    def changing(function):
        def call(*paths, **options):
            for path in paths:
                changed(path)
            return function(*paths, **options)

        return call

    def no_flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    os.scandir, os.stat, os.open = late_scandir, late_stat, late_open
    for name in ("replace", "rename", "unlink", "mkdir"):
        setattr(os, name, changing(getattr(os, name)))
    fcntl.flock = no_flock
    heartbeat_lock._kernel = lambda: f"kernel of {os.getpid()}"
    heartbeat_lock.BEAT_SECONDS = 0.2


if __name__ == "__main__":
    from jumpduck.cli import run

    install()
    sys.exit(run(sys.argv[1:]))
