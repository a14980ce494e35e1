"""Roots: output folders on several disks, and which of them the files of a plate go to.

A rule is a source, or a pattern SOURCE/BATCH/PLATE in which ``*`` stands for any part of a name.
It names a root. Where several rules hold for a plate, the narrowest counts: the one for whose
plates all others hold, too.
"""

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jumpduck.errors import QueryError, StoreError
from jumpduck.options import expanded
from jumpduck.rows import PLATE_KEY
from jumpduck.transfer.manifest_reader import Manifest, PlateKey, PlateRows

ANY = "*"
"""Stands in a rule for any part of a name, or for nothing."""


@dataclass(frozen=True, slots=True)
class Share:
    """What of a manifest goes into one output folder."""

    root: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Rule:
    """The plates that a root is for: source, batch and plate, each a name or a pattern."""

    text: str
    parts: tuple[str, ...]
    root: Path

    @classmethod
    def read(cls, text: str, root: object) -> "Rule":
        """Get a rule from its text.

        Raises
        ------
        QueryError
            It is not written like a rule, or `root` is not the name of a folder.
        """
        parts = text.split("/")
        if not all(parts) or len(parts) > len(PLATE_KEY):
            raise QueryError(
                f"roots {text!r} names no plates; write a source, such as source_4, or a pattern "
                'SOURCE/BATCH/PLATE, such as "source_5/*/BR0011*"'
            )
        if not isinstance(root, str | Path) or not str(root).strip() or "\0" in str(root):
            raise QueryError(
                f"roots {text!r} has {root!r}, which is not the name of a folder; write it like "
                f'"{text}" = "/disk4/images", with both in quotation marks'
            )
        whole = (*parts, *itertools.repeat(ANY, len(PLATE_KEY) - len(parts)))
        return cls(text, whole, expanded(root))

    def holds_for(self, names: Sequence[str]) -> bool:
        """Get whether the rule holds for a plate, or for all plates of another rule."""
        return all(
            re.fullmatch(".*".join(map(re.escape, part.split(ANY))), name, re.DOTALL)
            for part, name in zip(self.parts, names, strict=True)
        )

    @property
    def is_for_all(self) -> bool:
        """Whether the rule holds for every plate."""
        return all(part.strip(ANY) == "" for part in self.parts)


class Roots:
    """The output folders of a run.

    Parameters
    ----------
    rules
        Root by source or pattern.
    out
        Folder of the plates that no rule holds for.

    Raises
    ------
    QueryError
        A rule is wrong, or one folder is inside another.
    """

    def __init__(self, rules: Mapping[str, str | Path], out: str | Path) -> None:
        self.rules = [Rule.read(text, root) for text, root in rules.items()]
        self._out = expanded(out)
        every = [rule.root for rule in self.rules]
        if not any(rule.is_for_all for rule in self.rules):
            every.append(self._out)
        self.folders = list(dict.fromkeys(every))
        """All of them, whichever plates a manifest has."""
        for one, other in itertools.permutations(self.folders, 2):
            _refuse_overlap(one, other)

    def root_of(self, key: PlateKey) -> Path:
        """Get the folder of a plate.

        Raises
        ------
        QueryError
            Several rules hold for it and none of them is the narrowest.
        """
        rules = [rule for rule in self.rules if rule.holds_for(key)]
        if not rules:
            return self._out
        narrowest = [
            rule for rule in rules if all(other.holds_for(rule.parts) for other in rules)
        ] or rules
        if len({rule.root for rule in narrowest}) > 1:
            one, other = narrowest[:2]
            raise QueryError(
                f"roots {one.text!r} and {other.text!r} both hold for plate {'/'.join(key)}, and "
                f"neither is a part of the other; add a rule for what both hold for, such as "
                f'"{"/".join(key)}" = "{one.root}"'
            )
        return narrowest[0].root

    def shares(self, manifest: Manifest) -> list[Share]:
        """Get what of a manifest goes where, in the order of the manifest.

        Raises
        ------
        QueryError, StoreError
            Rules contradict each other, or a root is not there.
        """
        plates: dict[Path, list[PlateRows]] = {}
        for plate in manifest.plates():
            plates.setdefault(self.root_of(plate.key), []).append(plate)
        for rule in self.rules:
            if rule.root in plates and not rule.root.is_dir():
                raise StoreError(
                    f"root {rule.root} of {rule.text!r} is not there; mount its disk, or make the "
                    "folder yourself: a root is not made, because without its disk it would be "
                    "made on the disk of the system"
                )
        if len(plates) == 1:
            return [Share(root, manifest) for root in plates]
        return [Share(root, manifest.part(some)) for root, some in plates.items()]

    def unused(self, manifest: Manifest) -> list[str]:
        """Get the rules that hold for no plate of a manifest."""
        keys = [plate.key for plate in manifest.plates()]
        return [rule.text for rule in self.rules if not any(map(rule.holds_for, keys))]


def is_inside(one: Path, other: Path) -> bool:
    """Get whether a folder is another one, by whatever name, or inside of it."""
    within, around = (Path(os.path.realpath(folder)) for folder in (one, other))
    return within.is_relative_to(around) or _is_same(one, other)


def _is_same(one: Path, other: Path) -> bool:
    same = os.path.realpath(one) == os.path.realpath(other)
    return same or (one.exists() and other.exists() and one.samefile(other))


def _refuse_overlap(one: Path, other: Path) -> None:
    """Refuse two names of one folder, and a folder inside another."""
    if is_inside(one, other):
        why = (
            "are one folder" if _is_same(one, other) else "overlap: the first is inside the second"
        )
        raise QueryError(
            f"roots {one} and {other} {why}; each root needs a folder of its own, beside the "
            "others and beside `out`"
        )
