"""The options of a job that profiles one shard of a manifest."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from jumpduck.errors import QueryError
from jumpduck.options import refuse_empty_paths
from jumpduck.profiling.options import ProfileOptions

OF_THE_SHARD = ("manifest", "limit", "shard", "force", "progress")
"""Options that the job of a shard cannot have."""

OF_ALL_SHARDS = ("aggregate", "average")
"""Options for what is made of all plates, of which a job has a part."""

NAMES = tuple(
    one.name for one in fields(ProfileOptions) if one.name not in OF_THE_SHARD + OF_ALL_SHARDS
)
"""Options that the job of a shard may have."""


def options_of_job(given: Mapping[str, Any]) -> ProfileOptions:
    """Get the options of a job, but its shard.

    Raises
    ------
    QueryError
        One is not an option of `jumpduck.profile`, is not for a job, or is out of range.
    """
    for name in given:
        if name in OF_ALL_SHARDS:
            raise QueryError(
                f"{name} is not for a job, because it has a part of the plates alone; leave it out,"
                " and average after all jobs with `jumpduck profile`, the folder of the shards as "
                f"`manifest`, `{name}` and the other options: it makes nothing twice"
            )
        if name in OF_THE_SHARD:
            raise QueryError(f"{name} is not for a job, which takes one shard whole; leave it out")
        if name not in NAMES:
            raise QueryError(f"profile {name!r} is not one of its options: {', '.join(NAMES)}")
    options = ProfileOptions(**given)
    refuse_empty_paths(options)
    return options
