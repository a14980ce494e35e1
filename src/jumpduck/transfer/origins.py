"""Where the images of a folder come from: what the manifest of each run says of itself.

``asked/ID.origin`` is beside what the run was asked for. A copy of the folder without its hidden
files has it from ``results.parquet``.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from jumpduck.errors import StoreError
from jumpduck.storage.atomic_files import atomic_path, make_folder

SUFFIX = ".origin"

MAX_QUERY_CHARACTERS = 1_000_000
"""A longer choice, of many thousands of names, is not kept, because each status would read it."""


@dataclass(frozen=True)
class Channel:
    """A channel of a collection.

    Attributes
    ----------
    name
        Its ``Metadata_Channel``.
    kind
        ``stain``, ``brightfield`` or ``other``.
    colour
        Colour to show it in, ``#RRGGBB``; None where the collection has none.
    emission_nm
        Middle of the emission band in nanometres.
    marks
        ``nuclei`` or ``cells`` where it shows them; of several, the first in the collection's
        order is to be used.
    """

    name: str
    kind: str | None = None
    colour: str | None = None
    emission_nm: float | None = None
    marks: str | None = None


@dataclass(frozen=True)
class Origin:
    """What the manifest of a run says of itself; nothing where it was a frame or a CSV file.

    Attributes
    ----------
    digest
        SHA-256 of the keys, URLs and paths, in their order.
    query
        Parameters of `jumpduck.manifest`.
    catalog
        Settings of the catalog: ``collection``, ``gallery``, ``metadata``, ``revision`` and others.
    channels
        Channels of the collection, in its order.
    part
        What `jumpduck.download` took of it: ``limit``, ``shard``, or ``shards`` of a split that
        ``shard`` cannot name; nothing where it took all.
    """

    digest: str
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    catalog: Mapping[str, Any] = field(default_factory=dict[str, Any])
    channels: tuple[Channel, ...] = ()
    part: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of_manifest(
        cls, digest: str, notes: Mapping[str, str], part: Mapping[str, Any] | None = None
    ) -> "Origin":
        """Get the origin that the metadata of a manifest's file describe.

        Parameters
        ----------
        notes
            ``jumpduck.query``, ``jumpduck.catalog`` and ``jumpduck.channels`` as JSON; what is
            damaged or lacks counts as not said.
        """
        found: dict[str, Any] = {"digest": digest, "part": part}
        for name in ("query", "catalog", "channels"):
            text = notes.get(f"jumpduck.{name}", "")
            if name != "query" or len(text) <= MAX_QUERY_CHARACTERS:
                with suppress(ValueError, RecursionError):
                    found[name] = json.loads(text)
        return cls.of_json(found)

    @classmethod
    def of_json(cls, values: object) -> "Origin":
        """Get an origin from what `json` has of it; what has a wrong type counts as not said."""
        found = _mapping(values)
        return cls(
            str(found.get("digest", "")),
            _mapping(found.get("query")),
            _mapping(found.get("catalog")),
            tuple(map(_channel, _list(found.get("channels")))),
            _mapping(found.get("part")),
        )

    @property
    def json(self) -> dict[str, Any]:
        """What `of_json` takes."""
        return asdict(self)


OriginsOfRuns = Mapping[str, Sequence[Origin]]
"""The origins of runs, one for each file of their manifest, by the ID of the run."""


class Origins:
    """The origins of all runs into an output folder, by the ID of the run.

    Parameters
    ----------
    folder
        Where they are kept; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, run: str, origins: Sequence[Origin]) -> None:
        """Keep where the images of a run come from, in place of what was said earlier."""
        make_folder(self._folder)
        with atomic_path(self._folder / f"{run}{SUFFIX}") as part:
            part.write_text(json.dumps([one.json for one in origins]), encoding="utf-8")

    def adopt(self, others: OriginsOfRuns) -> None:
        """Keep the origins of runs elsewhere that are not known here."""
        known = self.all()
        for run, origins in others.items():
            if run not in known:
                self.keep(run, origins)

    def all(self) -> dict[str, list[Origin]]:
        """Get all origins, by the ID of the run.

        Raises
        ------
        StoreError
            One cannot be read.
        """
        found: dict[str, list[Origin]] = {}
        for file in sorted(self._folder.glob(f"*{SUFFIX}")):
            try:
                found[file.stem] = origins_of_json(json.loads(file.read_text(encoding="utf-8")))
            except (ValueError, RecursionError) as error:
                raise StoreError(f"{file} is damaged: {error}; remove it") from error
        return found


def origins_of_json(values: object) -> list[Origin]:
    """Get the origins that `json` has as a list; what is not a list counts as none."""
    return [Origin.of_json(one) for one in _list(values)]


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _channel(value: object) -> Channel:
    found = _mapping(value)
    emission = found.get("emission_nm")
    texts = (found.get(name) for name in ("kind", "colour", "marks"))
    kind, colour, marks = (text if isinstance(text, str) else None for text in texts)
    nanometres = float(emission) if isinstance(emission, int | float) else None
    return Channel(str(found.get("name")), kind, colour, nanometres, marks)
