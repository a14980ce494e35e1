"""``python -m jumpduck`` is the command line."""

from jumpduck.cli import main

main()
