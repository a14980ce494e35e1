"""The command line: each verb in a module of its own, imported when it runs."""

import functools
import inspect
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Env, Toml

import jumpduck
from jumpduck.cli.flags import with_flags
from jumpduck.cli.meanings import explained
from jumpduck.cli.presets import fill_from_preset
from jumpduck.cli.settings import CONFIG, VARIABLES, check_settings
from jumpduck.errors import JumpduckError, QueryError
from jumpduck.storage.open_files import TOO_MANY_FILES, reason_of

INTERRUPTED = 128 + signal.SIGINT

VERBS = (
    "demo",
    "collections",
    "get",
    "catalog",
    "find",
    "plates",
    "manifest",
    "split",
    "download",
    "submit",
    "status",
    "verify",
    "merge",
    "show",
    "plate",
    "quality",
    "report",
    "embed",
    "models",
    "profile",
    "profiles",
    "normalize",
    "evaluate",
    "export",
    "cite",
    "card",
    "recipes",
    "sql",
    "completion",
    "help",
)

app = App(
    name="jumpduck",
    help="""
    From petabyte-scale microscopy archives to verified images: metadata first.

    catalog, then manifest, then download: each verb finds the previous one's file in the
    current folder. Options may also stand in jumpduck.toml or in the environment
    (JUMPDUCK_DOWNLOAD_CONNECTIONS=64); a flag wins over both.

    Exit codes: 0 all well, 1 error, 2 usage, 3 some files could not be had,
    130 interrupted, 143 ended by SIGTERM.
    """,
    help_format="markdown",
    version=jumpduck.__version__,
    version_flags=["--version", "-V"],
    default_parameter=Parameter(show_env_var=False),
    suppress_keyboard_interrupt=False,
    error_formatter=explained,
    config=(
        functools.partial(check_settings, VERBS),
        Env(VARIABLES),
        Toml(CONFIG, must_exist=False),
        fill_from_preset,
    ),
)
app["--help"].group = app["--version"].group = "Options"


def _docstring(verb: str) -> str:
    """The docstring of a verb, read without importing or parsing all that the verb needs."""
    text = (Path(__file__).parent / f"{verb}.py").read_text(encoding="utf-8")
    return inspect.cleandoc(text.partition(f"\ndef {verb}(")[2].split('"""', 2)[1])


for _verb in VERBS:
    _help, _, _examples = _docstring(_verb).partition("For example:")
    app.command(
        f"jumpduck.cli.{_verb}:{_verb}",
        name=_verb,
        help=_help,
        help_epilogue=f"For example:{_examples}",
    )


def _check_utf8(tokens: Sequence[str]) -> None:
    """Refuse text that is not UTF-8, because neither DuckDB nor Polars takes it."""
    settings = ((name, text) for name, text in os.environ.items() if name.startswith(VARIABLES))
    for name, text in (*zip(("", *tokens), tokens, strict=False), *settings):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            given = f"{name} {text!a}" if name.startswith(("-", VARIABLES)) else f"{text!a}"
            raise QueryError(
                f"{given} is not UTF-8; correct it, or give the file or folder another name"
            ) from error


def is_interrupt(error: BaseException) -> bool:
    """Get whether an error is that of Ctrl-C or SIGTERM.

    DuckDB raises a RuntimeError for the KeyboardInterrupt that ends a query.
    """
    return isinstance(error, KeyboardInterrupt) or str(error) == "Query interrupted"


def run(tokens: Sequence[str]) -> int:
    """Run one command line and get its exit code; an error is one line on stderr."""
    code = 1
    try:
        _check_utf8(tokens)
        app(tokens, exit_on_error=False, result_action="return_value")
        code = 0
    except CycloptsError:
        code = 2  # cyclopts has said what is wrong
    except JumpduckError as error:
        print(f"jumpduck: {with_flags(str(error))}", file=sys.stderr)
        code = error.exit_code
    except (KeyboardInterrupt, RuntimeError) as error:
        if str(error) == "can't start new thread":
            print(
                "jumpduck: the system lets this process start no further thread; use fewer "
                "--connections, --workers and --processes, or raise `ulimit -u` and `ulimit -v`",
                file=sys.stderr,
            )
            return code
        if not is_interrupt(error):
            raise
        print("jumpduck: interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a disk or a system that refuses, wherever it was asked
        said = str(error) if error.errno not in TOO_MANY_FILES else reason_of(error)
        print(f"jumpduck: {with_flags(said)}", file=sys.stderr)
    except Exception as error:
        duckdb = sys.modules.get("duckdb")  # not imported here, because most verbs need it late
        if duckdb is None or not isinstance(error, duckdb.Error):
            raise
        reason = str(error).strip().splitlines()[0]
        more = (
            "end what else needs memory on this machine, or ask for less"
            if isinstance(error, duckdb.OutOfMemoryException)
            else "if another version of DuckDB made the catalog, build it again with "
            "`jumpduck catalog`"
        )
        print(f"jumpduck: DuckDB cannot answer: {reason}; {more}", file=sys.stderr)
    return code
