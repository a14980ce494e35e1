"""The command line: ``jumpduck``, and ``python -m jumpduck``.

Because its imports take a while, Ctrl-C must end them in one line, too.
"""

import os
import signal
import sys

from jumpduck.interrupts import Interrupts

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Run the command line of this process and end the process.

    What a batch scheduler sends to end it, SIGTERM, does the same as Ctrl-C.

    It ends without the interpreter's own shutdown, because that would wait for requests that hang,
    and because DuckDB 2.0.0 prints warnings in it.
    """
    code = 1
    with Interrupts() as interrupts:
        try:
            from jumpduck.cli import run

            code = run(sys.argv[1:])
        except KeyboardInterrupt:
            sys.stderr.write("jumpduck: interrupted\n")
            code = INTERRUPTED
        interrupts.told = code == INTERRUPTED
        if code == INTERRUPTED and interrupts.number:
            code = 128 + interrupts.number
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


if __name__ == "__main__":
    main()
