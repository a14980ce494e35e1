"""jumpduck completion"""

from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.completion.detect import ShellDetectionError

from jumpduck.cli.flags import PLACES
from jumpduck.errors import QueryError, StoreError

Shell = Literal["bash", "zsh", "fish"]


def completion(
    action: Annotated[
        Literal["install", "show"], Parameter(help="install writes the file, show prints it.")
    ],
    /,
    *,
    shell: Annotated[
        Shell | None, Parameter(group=PLACES, help="By default the shell that runs the command.")
    ] = None,
) -> None:
    """Make the shell complete verbs and options when Tab is pressed.

    install writes a file where the shell looks for such files, and a line into the shell's
    startup file that reads it; a new shell then completes.

    For example:
    ```
    jumpduck completion install
    jumpduck completion show --shell zsh
    ```
    """
    from jumpduck.cli import app

    try:
        if action == "show":
            print(app.generate_completion(shell=shell))
        else:
            print(f"-> {app.install_completion(shell=shell)}; open a new shell")
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(f"cannot write the file of completions: {error}") from error
    except ShellDetectionError as error:
        raise QueryError(
            "which shell this is cannot be told; name it with --shell: bash, zsh or fish"
        ) from error
