"""What can go wrong, by what to do about it.

JumpduckError
├── QueryError      a name, number or option is wrong: the message says what is allowed
├── CatalogError    the published tables could not be read: the message names the file
├── ManifestError   a table lacks what the next stage needs: the message names table and column
├── ProfileError    a table of profiles cannot be used: the message names column and row
├── ModelError      a model, its weights or its description cannot be used: the message says why
├── StoreError      a bucket, server or folder cannot be reached or written
├── ImageError      bytes that are not an image we can use; a row in the results, not an error
├── PartialError    some files are missing: the message names the results table
└── InterruptedRunError  Ctrl-C or SIGTERM: the message has the command that goes on

A message names parameters as the library does: at its beginning, or between backticks. The command
line writes them as flags.
"""


def needs_extra(what: str, libraries: str, extra: str) -> str:
    """Get what to say where the libraries of an extra are not installed."""
    return f"{what} needs {libraries}; install the extra: pip install 'jumpduck[{extra}]'"


class JumpduckError(Exception):
    """An error that jumpduck explains; `exit_code` is what the command line ends with."""

    exit_code = 1


class QueryError(JumpduckError):
    """A name, number or option is wrong."""

    exit_code = 2


class CatalogError(JumpduckError):
    """The published tables could not be read."""


class ManifestError(JumpduckError):
    """A table between two stages lacks what the next one needs."""


class ProfileError(JumpduckError):
    """A table of profiles cannot be used for what was asked."""


class ModelError(JumpduckError):
    """A model, its weights or its description cannot be used."""


class StoreError(JumpduckError):
    """A bucket, server or folder cannot be reached or written, after so many `attempts`."""

    def __init__(self, message: str, attempts: int = 1) -> None:
        super().__init__(message)
        self.attempts = attempts


class ImageError(JumpduckError):
    """Bytes are not an image that we can use, after so many `attempts` to fetch others."""

    def __init__(self, message: str, attempts: int = 1) -> None:
        super().__init__(message)
        self.attempts = attempts


class PartialError(JumpduckError):
    """Some of the files that were asked for could not be had; the others are there."""

    exit_code = 3


class InterruptedRunError(JumpduckError):
    """The user stopped a run; what is finished is kept."""

    exit_code = 130
