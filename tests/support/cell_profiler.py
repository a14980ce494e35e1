"""A LoadData CSV as CellProfiler's module reads it, by the rules of its documentation.

CellProfiler itself cannot be installed beside this package.
"""

import csv
import re
from pathlib import Path

IMAGE = ("FileName", "PathName", "URL", "Series", "Frame")


def read_load_data(file):
    """Get for each row its image files with frame by image name, and its other columns."""
    with Path(file).open(newline="") as opened:
        header, *rows = csv.reader(opened)
    assert len(set(header)) == len(header)
    names = {kind: {} for kind in IMAGE}
    others = {}
    for place, column in enumerate(header):
        kind, _, name = column.partition("_")
        if kind in IMAGE:
            # the name of an image is a word, because later modules refer to it
            assert re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII), column
            names[kind][name] = place
        else:
            others[column] = place
    # a folder needs a file of the same image, and a file alone would be in the default folder
    assert names["FileName"].keys() == names["PathName"].keys()
    assert names["Frame"].keys() <= names["FileName"].keys()
    found = []
    for row in rows:
        assert len(row) == len(header), row
        images = {}
        for name, place in names["FileName"].items():
            frame = names["Frame"].get(name)
            assert row[place], (name, "CellProfiler stops at an image without a file")
            path = Path(row[names["PathName"][name]], row[place])
            images[name] = (path, 0 if frame is None else int(row[frame]))
        found.append((images, {column: row[place] for column, place in others.items()}))
    return found
