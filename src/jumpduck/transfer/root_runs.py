"""One run over several roots: all of them are checked, then one is filled after the other."""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import polars as pl

from jumpduck.recipes.base import Recipe
from jumpduck.storage.atomic_files import writable_folder
from jumpduck.transfer.disk_space import DiskSpace
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.plate_tables import PlateTables
from jumpduck.transfer.roots import Roots, Share
from jumpduck.transfer.run import check, check_platform, fill
from jumpduck.transfer.scheduler import Event
from jumpduck.transfer.scratch import check_scratch
from jumpduck.transfer.space_ahead import check_ahead


def fill_roots(
    manifest: Manifest,
    roots: Roots,
    recipe: Recipe,
    limits: Limits,
    *,
    endpoint: str | None,
    made_by: str,
    command: str | None,
    force: bool,
    scratch: str | Path | None,
    progress: Callable[[Event], None],
) -> Generator[pl.DataFrame]:
    """Fill each root with its plates, and get the results of each plate as soon as it is done.

    No file is fetched before all roots are known to be there, to be writable, and to have space.

    Raises
    ------
    ManifestError, StoreError, QueryError
        As `jumpduck.download`.
    """
    shares = roots.shares(manifest)
    if scratch is not None:
        check_scratch(scratch, roots.folders)
    if len(shares) > 1:
        check_platform()
    remarks, disks = check_shares(shares, roots, manifest, recipe, limits, endpoint=endpoint)
    for text in remarks:
        progress({"event": "remark", "text": text})
    for root in [share.root for share in shares if share.root.is_dir()]:
        writable_folder(root)
    for number, share in enumerate(shares):
        same = (disk for disk in disks[number + 1 :] if disk.device == disks[number].device)
        plates = fill(
            share.manifest,
            share.root,
            recipe,
            limits,
            endpoint=endpoint,
            made_by=made_by,
            command=command,
            force=force,
            scratch=scratch,
            rows_after=sum(disk.rows_ahead for disk in same) if disks else None,
            progress=progress,
        )
        with closing(plates):
            yield from plates


def check_shares(
    shares: list[Share],
    roots: Roots,
    manifest: Manifest,
    recipe: Recipe,
    limits: Limits,
    *,
    endpoint: str | None,
) -> tuple[list[str], list[DiskSpace]]:
    """Check all folders of a run together, if there are several; writes nothing.

    Gets what is to be said of them, and the space of each.

    Raises
    ------
    ManifestError, StoreError, QueryError
        As `jumpduck.download`.
    """
    remarks: list[str] = []
    if unused := roots.unused(manifest):
        remarks.append(f"the manifest has no plate for the roots of {', '.join(unused)}")
    remarks += _elsewhere(shares, roots)
    disks = [
        check(share.manifest, share.root, recipe, limits, endpoint=endpoint).disk
        for share in shares
        if len(shares) > 1  # of one folder, its own run says all
    ]
    return [*remarks, *(check_ahead(disks) if disks else ())], disks


def _elsewhere(shares: list[Share], roots: Roots) -> list[str]:
    """Say which plates another root has, as after a rule was added."""
    found: list[str] = []
    for folder in roots.folders:
        tables = folder / ".jumpduck" / "plates"
        there = frozenset(PlateTables(tables, Path()).plate_keys() if tables.is_dir() else ())
        for share in shares:
            count = sum(plate.key in there for plate in share.manifest.plates())
            if count and share.root != folder:
                found.append(
                    f"plates for {share.root} that an earlier run brought to {folder}, and that "
                    f"are fetched again, because the roots are others now: {count:,}"
                )
    return found
