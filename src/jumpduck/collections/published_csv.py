"""CSV tables as a publisher has them: a wrong line is named, with the file it is in."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator

from jumpduck.errors import CatalogError


def csv_lines(name: str, data: bytes) -> Iterator[list[str]]:
    """Get the values of each line that is not empty, the first line of all as the first.

    Parameters
    ----------
    name
        What errors call the table.
    data
        Its text in UTF-8.

    Raises
    ------
    CatalogError
        A line has not as many values as the first, a quote does not end, or it is not UTF-8.
    """
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    lines = csv.reader(text, strict=True)
    try:
        header = next(lines, list[str]())
        yield header
        for line in lines:
            if line and len(line) != len(header):
                raise CatalogError(
                    f"line {lines.line_num} of {name} has {len(line)} values, the header has "
                    f"{len(header)}; fetch the file again, or correct this line"
                )
            if line:
                yield line
    except UnicodeDecodeError as error:
        raise CatalogError(f"{name} is not UTF-8: {error}; fetch it again") from error
    except csv.Error as error:
        raise CatalogError(
            f"line {lines.line_num} of {name} cannot be read: {error}; fetch the file again"
        ) from error


def no_header(name: str, header: list[str], expected: str) -> CatalogError:
    """Get the error for a table whose first line names none of the columns that it needs."""
    return CatalogError(
        f"the first line of {name} is not its header, which names {expected}: it is "
        f"{','.join(header)[:200]!r}; remove what stands above the header, or give the "
        "published file"
    )


def unpacked(url: str, data: bytes, max_bytes: int) -> bytes:
    """Get the bytes of a table, which is compressed if its URL ends with .gz.

    Raises
    ------
    CatalogError
        They cannot be unpacked, or are more than `max_bytes`.
    """
    if url.endswith(".gz"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(max_bytes + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise CatalogError(f"{url} cannot be unpacked: {error}; fetch it again") from error
    if len(data) > max_bytes:
        raise too_large(url, max_bytes)
    return data


def too_large(url: str, max_bytes: int) -> CatalogError:
    """Get the error for a table that has more bytes than any published one."""
    return CatalogError(
        f"{url} has more than {max_bytes:,} bytes, which the published table does not have; give "
        "another folder as `metadata`"
    )
