"""The command line: ``jumpduck``, and ``python -m jumpduck``.

Because its imports take a while, Ctrl-C must end them in one line, too.
"""

import os
import sys


def main() -> None:
    """Run the command line of this process and end the process."""
    try:
        from jumpduck.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("jumpduck: interrupted\n")
        sys.stderr.flush()
        os._exit(130)


if __name__ == "__main__":
    main()
