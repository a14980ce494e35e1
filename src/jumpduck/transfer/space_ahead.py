"""Whether disks have space for what is to come, before anything starts."""

from collections import defaultdict
from collections.abc import Sequence

from jumpduck.transfer.disk_space import DiskSpace, free_ahead, no_space, size_text

FULL_BYTES = 2**16
"""Free bytes below which a disk counts as full if the size of no file is known."""


def check_ahead(disks: Sequence[DiskSpace]) -> list[str]:
    """Check the disks of output folders, those on one disk together, and get what is doubtful.

    Raises
    ------
    StoreError
        What is surely to come has no space.
    """
    by_device: dict[int, list[DiskSpace]] = defaultdict(list)
    rows, size = (sum(counts) for counts in zip(*(disk.known for disk in disks), strict=True))
    for disk in disks:
        if rows:
            disk.expect(size / rows)
        by_device[disk.device].append(disk)
    return [text for some in by_device.values() if (text := _check(some))]


def _check(disks: Sequence[DiskSpace]) -> str | None:
    """Check folders that are on one disk."""
    disks = [disk for disk in disks if disk.rows_ahead]
    if not disks:
        return None
    folders, rows = [disk.folder for disk in disks], sum(disk.rows_ahead for disk in disks)
    free = free_ahead(folders[0])
    ahead = [disk.bytes_ahead() for disk in disks]
    if free < FULL_BYTES and not any(disk.is_known for disk in disks):
        raise no_space(folders, rows, None if None in ahead else sum(size or 0 for size in ahead))
    if sum(size or 0 for size in ahead) <= free:
        return None
    needed = [disk.bytes_ahead(exactly=True) or 0 for disk in disks]
    if sum(size * disk.sure_share for size, disk in zip(needed, disks, strict=True)) > free:
        raise no_space(folders, rows, sum(needed))
    if sum(needed) <= free:
        return None
    return (
        f"the disk of {' and '.join(map(str, folders))} may have too little space: "
        f"{size_text(free)} are free, and the {rows:,} files to come need about "
        f"{size_text(sum(needed))}, an estimate; a run that finds the disk full stops, and goes on "
        "when there is more space"
    )
