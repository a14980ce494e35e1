"""The top hash of a Quilt package, from its manifest."""

import hashlib
import json
from pathlib import Path
from typing import Any, cast

import duckdb

from jumpduck.errors import CatalogError

MAX_HEADER_BYTES = 2**24
BATCH_LINES = 10_000

HASHED = ("hash", "logical_key", "meta", "size")
"""What is hashed of a file."""

_Line = tuple[str, str | None, dict[str, Any] | None]
"""A row of quilt_hashed_parts."""


def check_top_hash(con: duckdb.DuckDBPyConnection, manifest: Path, top_hash: str) -> None:
    """Check that a manifest is that of a revision, whatever the pointer to it says.

    Parameters
    ----------
    con
        Has the relation quilt_hashed_parts of this manifest.

    Raises
    ------
    CatalogError
        The manifest has another top hash, or is not one.
    """
    try:
        header = _header(manifest)
        found = _hash(con.execute("FROM quilt_hashed_parts"), header)
        if found is None:
            found = _hash(con.execute("FROM quilt_hashed_parts ORDER BY place"), header)
    except (duckdb.Error, ValueError, RecursionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CatalogError(
            f"the manifest of top hash {top_hash} cannot be read: {reason[:500]}"
        ) from error
    if found != top_hash:
        raise CatalogError(
            f"the manifest has the top hash {found}, and {top_hash} was asked for: it was changed "
            "after it was published; name another revision with `top_hash`"
        )


def _header(manifest: Path) -> str:
    with manifest.open("rb") as lines:
        header: object = json.loads(lines.readline(MAX_HEADER_BYTES))
    if not isinstance(header, dict) or "logical_key" in header:
        raise ValueError("its first line is not a header")
    said = cast("dict[str, object]", header)
    said.pop("top_hash", None)  # which early versions of Quilt wrote, and did not hash
    return _json(said)


def _hash(lines: duckdb.DuckDBPyConnection, header: str) -> str | None:
    """Get the top hash of lines, None if they are not in the order that Quilt hashes them in."""
    digest = hashlib.sha256(header.encode())
    last = ""
    headers = 0
    while batch := cast("list[_Line]", lines.fetchmany(BATCH_LINES)):
        parts: list[str] = []
        for place, plain, line in batch:
            if line is not None:
                if not place and headers == 0:
                    headers = 1
                    continue
                if line["reason"] is not None:
                    raise ValueError(f"{line['logical_key'] or 'a line'}: {line['reason']}")
                if line["is_folder"]:
                    continue
            part = plain or _part(line or {})
            if place <= last:
                if place == last:
                    raise ValueError(f"two lines have the logical_key {place.replace(chr(1), '/')}")
                return None
            last = place
            parts.append(part)
        digest.update("".join(parts).encode())
    return digest.hexdigest()


def _part(line: dict[str, Any]) -> str:
    return _json({name: json.loads(line[name]) for name in HASHED})


def _json(value: object) -> str:
    """Write JSON as Quilt does before it hashes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
