"""Rows, their keys and statuses, without Polars: worker processes do not import that."""

from collections.abc import Mapping

Row = Mapping[str, object]
"""One row of a table: a value for each column, by its name."""

PlateKey = tuple[str, str, str]
"""Source, batch and plate of a row."""

PLATE_KEY = ("Metadata_Source", "Metadata_Batch", "Metadata_Plate")

WELL_KEY = (*PLATE_KEY, "Metadata_Well")

SITE_KEY = (*WELL_KEY, "Metadata_Site")

IMAGE_KEY = ("path", "Metadata_Channel")
"""What tells the rows of results apart: the channels of a site may share a file."""

ROLE, MODALITY = "Metadata_pert_type", "Metadata_modality"
"""Columns that say what a well is for, and how its cells were perturbed."""

DONE = ("fetched", "present")
"""Statuses of a file that is there. A table on disk says fetched, whichever run it was."""

FAULTS = ("failed", "missing", "corrupt")
"""Statuses of a file that is not there, the worst last."""
