"""What can go wrong, by what to do about it.

JumpduckError
├── QueryError      a name, number or option that cannot be meant: the message suggests another
├── CatalogError    the published tables could not be read: the message names the file
├── ManifestError   a table lacks what the next stage needs: the message names table and column
├── StoreError      a bucket, server or folder cannot be reached or written
├── ImageError      bytes that are no image we can use; a row in the results, never the end of a run
├── PartialError    some files are missing: the message names the results table
└── InterruptedRunError  Ctrl-C: the message has the command that goes on
"""


class JumpduckError(Exception):
    """Anything jumpduck says is wrong; `exit_code` is what the command line ends with."""

    exit_code = 1


class QueryError(JumpduckError):
    """A name, number or option that cannot be meant."""

    exit_code = 2


class CatalogError(JumpduckError):
    """The published tables could not be read."""


class ManifestError(JumpduckError):
    """A table between two stages lacks what the next one needs."""


class StoreError(JumpduckError):
    """A bucket, server or folder cannot be reached or written, after so many `attempts`."""

    def __init__(self, message: str, attempts: int = 1) -> None:
        super().__init__(message)
        self.attempts = attempts


class ImageError(JumpduckError):
    """Bytes that are no image we can use, after so many `attempts` to get others."""

    def __init__(self, message: str, attempts: int = 1) -> None:
        super().__init__(message)
        self.attempts = attempts


class PartialError(JumpduckError):
    """Some of what was asked for could not be had; the rest is there."""

    exit_code = 3


class InterruptedRunError(JumpduckError):
    """The user stopped it; what is finished is there."""

    exit_code = 130
