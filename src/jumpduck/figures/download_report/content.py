"""What the report says -> the object that its script reads, each number once."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.figures.download_report.facts import NUMBER, Facts
from jumpduck.figures.download_report.tables import CHANNEL, MEASURES, WELL
from jumpduck.figures.download_report.thumbnails import SitePictures
from jumpduck.rows import PLATE_KEY
from jumpduck.wells.plate_shape import place_of, shape_of

MAX_VALUES = 1_000_000
"""Numbers of wells. With five channels a well has 23; so the wells of 100 plates of 384 are shown,
and of more plates those of the first ones."""

DIGITS = 4
"""Digits that the largest number of a column keeps; the others have as many behind the point."""

Json = dict[str, Any]

_COLOUR = re.compile("#[0-9a-fA-F]{6}")


def content_of(facts: Facts, charts: Mapping[str, Json]) -> Json:
    """Get what the script of the report reads, without pictures."""
    numbered = facts.plates.select(*PLATE_KEY, NUMBER)
    plates = {key: number for number, key in enumerate(numbered.select(PLATE_KEY).iter_rows())}
    channels = {one.name: number for number, one in enumerate(facts.channels)}

    def columns(frame: pl.DataFrame) -> Json:
        """Get the columns of a frame, with numbers for its plates and channels."""
        found = frame.join(numbered, on=PLATE_KEY, how="left", maintain_order="left")
        if CHANNEL in found.columns:
            found = found.with_columns(
                pl.col(CHANNEL).replace_strict(channels, return_dtype=pl.Int64)
            )
        found = found.drop(PLATE_KEY).rename({NUMBER: "plate"})
        return {_short(name): _column(found[name]) for name in found.columns}

    return {
        "channels": [{"name": one.name, "colour": _colour(one.colour)} for one in facts.channels],
        "plates": {
            _short(name): _column(facts.plates[name])
            for name in facts.plates.columns
            if name != NUMBER
        },
        "quality": columns(facts.quality),
        "outliers": columns(facts.outliers),
        "faults": columns(facts.faults),
        "issues": columns(facts.issues),
        "wells": _wells(facts, list(plates)),
        "shapes": _shapes(facts.wells, list(plates)),
        "charts": dict(charts),
    }


def pictures_of(pictures: Sequence[SitePictures], facts: Facts) -> list[Json]:
    """Get for each plate its wells with pictures: each site and channel, and why one has none."""
    keys = facts.plates.select(PLATE_KEY).iter_rows()
    plates = {key: number for number, key in enumerate(keys)}
    channels = {one.name: number for number, one in enumerate(facts.channels)}
    found: list[Json] = [{} for _ in plates]
    for site in pictures:
        *plate, well, number = site.key
        shown = [[channels[one.channel], one.webp, one.reason] for one in site.pictures]
        found[plates[tuple(map(str, plate))]].setdefault(str(well), []).append([number, shown])
    return found


def as_script(content: Json) -> str:
    """Get the object as JSON that no HTML can begin in."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _short(name: str) -> str:
    return name.removeprefix("Metadata_").lower()


def _colour(colour: str | None) -> str | None:
    return colour if colour is not None and _COLOUR.fullmatch(colour) else None


def _wells(facts: Facts, keys: Sequence[tuple[str, ...]]) -> list[Json | None]:
    """Get the wells of each plate, None for the plates that there is no space for."""
    wells = facts.wells
    own = [name for name in wells.columns if name not in PLATE_KEY]
    by_plate = wells.partition_by(*PLATE_KEY, as_dict=True, include_key=False)
    scales = {name: _scale(wells[name]) for name in own if name.rpartition("_")[0] in MEASURES}
    found: list[Json | None] = []
    left = MAX_VALUES
    for key in keys:
        rows = by_plate[key]
        left -= rows.height * len(own)
        found.append(_wells_of(rows, scales) if left >= 0 else None)
    return found


def _wells_of(rows: pl.DataFrame, scales: Mapping[str, float]) -> Json:
    return {
        "place": [place_of(well) for well in rows[WELL]],
        **{
            _short(name): _scaled(rows[name], scales[name])
            if name in scales
            else _column(rows[name])
            for name in rows.columns
        },
    }


def _shapes(wells: pl.DataFrame, keys: Sequence[tuple[str, ...]]) -> list[tuple[int, int] | None]:
    """Get rows and columns of each plate: those that hold all wells of its source."""
    found: dict[str, tuple[int, int] | None] = {}
    for (source,), rows in wells.partition_by(PLATE_KEY[0], as_dict=True).items():
        places = [place_of(well) for well in rows[WELL].unique()]
        known = [place for place in places if place is not None]
        try:
            shape = shape_of(known)
            found[str(source)] = (shape.rows, shape.columns) if known else None
        except QueryError:  # no plate has such a well
            found[str(source)] = None
    return [found[key[0]] for key in keys]


def _column(values: pl.Series) -> object:
    """Get a column as a list, or, of texts that repeat, the texts and a list of their numbers.

    Of a column that has one value in all its rows, it is the value and the number of rows.
    """
    if values.dtype.is_float():
        return _scaled(values, _scale(values))
    if values.len() > 1 and values.n_unique() == 1:
        return {"same": values[0], "rows": values.len()}
    if values.dtype == pl.Boolean:
        return values.cast(pl.Int8).to_list()
    if values.dtype != pl.String or values.n_unique() > values.len() / 2:
        return values.to_list()
    texts = values.unique(maintain_order=True).drop_nulls()
    numbers = values.replace_strict(
        texts, pl.Series(range(texts.len()), dtype=pl.Int64), return_dtype=pl.Int64
    )
    return {"texts": texts.to_list(), "numbers": numbers.to_list()}


def _scale(values: pl.Series) -> float:
    """Get the unit of the whole numbers that are written in place of floats."""
    largest = values.filter(values.is_finite()).abs().max()
    if not isinstance(largest, float) or not largest:
        return 1.0
    return float(f"1e{math.floor(math.log10(largest)) + 1 - DIGITS}")


def _scaled(values: pl.Series, scale: float) -> Json:
    whole = (values / scale).round().cast(pl.Int64, strict=False)
    if whole.len() > 1 and whole.n_unique() == 1:
        return {"same": None if whole[0] is None else whole[0] * scale, "rows": whole.len()}
    return {"scale": scale, "values": whole.to_list()}
