"""jumpduck help"""

from typing import Annotated

from cyclopts import Parameter

from jumpduck.errors import QueryError


def help(  # noqa: A001 (a verb has the name that users type)
    verb: Annotated[str | None, Parameter(help="A verb; without it, all verbs.")] = None,
    /,
) -> None:
    """Say what a verb does, and list its options.

    For example:
    ```
    jumpduck help manifest
    ```
    """
    from jumpduck.cli import VERBS, app

    if verb is not None and verb not in VERBS:
        raise QueryError(f"there is no verb {verb!r}; there are {', '.join(VERBS)}")
    app.help_print([] if verb is None else [verb])
