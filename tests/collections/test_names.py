"""What belongs to one collection is named in its SQL and in its own module, nowhere else."""

import csv
import re

from tests.support.places import ROOT

PACKAGE = ROOT / "src/jumpduck"
OF_JUMP = ("JCP2022", "cellpainting-gallery", "cpg0016")
MAY_NAME_THEM = ("collections", "synthetic")


def test_no_other_module_names_a_channel_or_an_identifier_or_the_bucket_of_jump():
    with (ROOT / "sql/jump/channels.csv").open() as file:
        channels = [row["Metadata_Channel"] for row in csv.DictReader(file)]
    assert "DNA" in channels
    names = re.compile(rf"\b({'|'.join(map(re.escape, channels))})\b|{'|'.join(OF_JUMP)}")
    found = {
        file.relative_to(PACKAGE).as_posix(): sorted({one[0] for one in names.finditer(text)})
        for file in PACKAGE.rglob("*.py")
        if names.search(text := file.read_text())
    }
    assert {file.split("/")[0] for file in found} >= set(MAY_NAME_THEM)
    assert {file: one for file, one in found.items() if not file.startswith(MAY_NAME_THEM)} == {}
