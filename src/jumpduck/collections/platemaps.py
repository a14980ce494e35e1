"""What is in each well, by the tables that labs keep: platemaps, barcodes and perturbations.

A platemap says what is in the wells of a layout, a table of barcodes which plate has which layout,
and a table of perturbations what a sample is. A table is known by its columns, not by its place.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import polars as pl

from jumpduck.collections.text_tables import LINE_PROBLEM, given
from jumpduck.errors import CatalogError
from jumpduck.rows import PLATE_KEY

KEYS: Mapping[str, Sequence[str]] = {
    "Metadata_Source": ("source",),
    "Metadata_Batch": ("batch",),
    "Metadata_Plate": ("plate", "plate_id", "assay_plate_barcode", "barcode"),
    "Metadata_Well": ("well", "well_position", "cpd_well_position", "well_id"),
    "map_name": ("plate_map_name", "platemap"),
}
"""Names of the columns that say which well it is, without ``Metadata_`` and in small letters."""

MEANINGS: Mapping[str, Sequence[str]] = {
    "perturbation": ("perturbation", "perturbation_id", "broad_sample", "jcp2022", "compound"),
    "pert_type": ("pert_type",),
    "control_type": ("control_type",),
    "modality": ("modality",),
    "solvent": ("solvent",),
    "concentration": ("concentration",),
    "name": ("pert_iname", "name", "gene", "symbol"),
    "inchikey": ("inchikey",),
    "pixel_size": ("pixel_size_microns", "pixel_size_um"),
}
"""What the SQL knows, and the columns that say it, the first of them that a table has."""

PLATE_TYPES = ("plate_type", "platetype", "perturbation")
"""Columns of a table of barcodes that say what a plate holds."""

RESERVED = {
    "source", "batch", "plate", "well", "site", "channel", "perturbation", "pert_type", "modality",
    "concentration", "name", "inchikey", "platetype", "pixel_size_microns",
}  # fmt: skip
"""Columns ``Metadata_*`` that the SQL makes; what a table says of them is in `MEANINGS`."""

_END_OF_SET = r"(?i)_(platemap|metadata(_targets)?)$"
"""JUMP-Target-1_orf_platemap goes with JUMP-Target-1_orf_metadata."""

WELL_COLUMNS = [*PLATE_KEY, "Metadata_Well", *MEANINGS, "map_name", "plate_type", "reason"]
PLATE_COLUMNS = [*PLATE_KEY, "map_name", "plate_type", "reason"]


@dataclass(frozen=True)
class NamedTable:
    """A table and the path of its file, of which a folder below ``platemaps/`` is a batch."""

    path: str
    table: pl.DataFrame
    source: str | None = None


@dataclass(frozen=True)
class Described:
    """The plates and wells of a collection, as the tables describe them."""

    plates: pl.DataFrame
    """`PLATE_COLUMNS`, and ``Metadata_*`` of the tables of barcodes."""
    wells: pl.DataFrame
    """`WELL_COLUMNS`, and ``Metadata_*`` of the platemaps and tables of perturbations."""
    has_maps: bool
    """Whether one of the tables is a platemap."""
    unused: pl.DataFrame
    """`PLATE_KEY` of the rows of platemaps that name a plate without images."""


def describe(plates: pl.DataFrame, tables: Iterable[NamedTable]) -> Described:
    """Get what tables say of plates: `PLATE_KEY`.

    Where two of them contradict each other, neither is believed, and the plate has a reason.
    """
    maps: list[pl.DataFrame] = []
    barcodes: list[pl.DataFrame] = []
    perturbations: list[pl.DataFrame] = []
    for one in tables:
        columns = _plain_names(one.table)
        has_sample = _first(columns, MEANINGS["perturbation"])
        if _first(columns, KEYS["Metadata_Well"]) and has_sample:
            maps.append(_normal(one, {**KEYS, **MEANINGS}))
        elif _first(columns, KEYS["Metadata_Plate"]) and _first(columns, KEYS["map_name"]):
            barcodes.append(_normal(one, {**KEYS, "plate_type": PLATE_TYPES}))
        elif has_sample:
            perturbations.append(_normal(one, MEANINGS))
    described = _with_barcodes(plates, barcodes)
    wells, unused = _with_maps(described, maps, has_barcodes=bool(barcodes))
    wells = _with_perturbations(wells, perturbations)
    said = [name for name in described.columns if name in wells.columns and name not in PLATE_KEY]
    drop = [name for name in said if name.startswith("Metadata_")]
    return Described(
        _shaped(described.drop(drop), PLATE_COLUMNS),
        _shaped(_told(wells), WELL_COLUMNS),
        has_maps=bool(maps),
        unused=unused,
    )


def _with_barcodes(plates: pl.DataFrame, barcodes: Sequence[pl.DataFrame]) -> pl.DataFrame:
    if not barcodes:
        return _shaped(plates, PLATE_COLUMNS)
    said = _of_plates(plates, _concat(barcodes))
    one_map = pl.col("map_name").drop_nulls().n_unique() < 2
    said = (
        said.drop("Metadata_Source_said", "Metadata_Batch_said", "Metadata_Well", "reason")
        .group_by(PLATE_KEY)
        .agg(
            pl.when(~one_map).then(pl.lit("two platemaps for one plate")).alias("reason"),
            *(_agreed(name) for name in said.columns if _is_said(name)),
        )
    )
    return _shaped(plates.join(said, on=PLATE_KEY, how="left"), PLATE_COLUMNS)


def _of_plates(plates: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Get what is said of plates by their names, with the key as it is said in ``*_said``."""
    batches = plates["Metadata_Batch"].implode()
    return plates.join(said, on="Metadata_Plate", suffix="_said").filter(
        pl.col("Metadata_Source_said").is_null()
        | (pl.col("Metadata_Source_said") == pl.col("Metadata_Source")),
        # a batch that no image has is another name for it
        pl.col("Metadata_Batch_said").is_null()
        | ~pl.col("Metadata_Batch_said").is_in(batches)
        | (pl.col("Metadata_Batch_said") == pl.col("Metadata_Batch")),
    )


def _with_maps(
    plates: pl.DataFrame, maps: Sequence[pl.DataFrame], *, has_barcodes: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Get the wells of plates, and the keys of the rows that name a plate without images."""
    if not maps:
        nothing = pl.DataFrame(schema=dict.fromkeys(WELL_COLUMNS, pl.String))
        return nothing, nothing.select(PLATE_KEY)
    every = _concat([one.with_columns(map=pl.lit(number)) for number, one in enumerate(maps)])
    named = every.filter(pl.col("Metadata_Plate").is_not_null()).with_row_index("line")
    keys = plates.select(*PLATE_KEY, "map_name", "plate_type")
    by_plate = _of_plates(keys.drop("map_name"), named)
    unused = named.join(by_plate, on="line", how="anti").select(PLATE_KEY)
    others = every.filter(pl.col("Metadata_Plate").is_null())
    others = others.rename({"Metadata_Batch": "batch_of_map"}).drop(
        "Metadata_Source", "Metadata_Plate"
    )
    if has_barcodes:
        # of two platemaps of one name that of the plate's own batch
        own = pl.col("batch_of_map").eq_missing(pl.col("Metadata_Batch"))
        by_map = keys.join(others, on="map_name").filter(own | ~own.any().over(PLATE_KEY))
    else:
        # two that differ contradict each other as all do, and all for each plate would not fit
        said = [name for name in others.columns if name not in ("map", "batch_of_map")]
        is_one_of_two = pl.col("map").rank("dense").over("Metadata_Well") <= 2
        two = others.unique(said, maintain_order=True).filter(is_one_of_two)
        by_map = keys.drop("map_name").join(two, how="cross")
    by_plate = by_plate.drop("line", "map", "Metadata_Source_said", "Metadata_Batch_said")
    wells = pl.concat([by_plate, by_map.drop("map", "batch_of_map")], how="diagonal").unique()
    return wells, unused


def _with_perturbations(wells: pl.DataFrame, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add what is said of a sample: by the table that goes with the platemap, else by all."""
    if not tables:
        return wells
    every = _concat(tables).filter(pl.col("perturbation").is_not_null())
    every = every.rename({"map_name": "set"}).drop("reason", "Metadata_Well", *PLATE_KEY)
    facts = [name for name in every.columns if name not in ("set", "perturbation")]
    of_set = every.group_by("set", "perturbation").agg(map(_agreed, facts))
    of_all = every.group_by("perturbation").agg(map(_agreed, facts))
    wells = wells.with_columns(pl.col("map_name").str.replace(_END_OF_SET, "").alias("set"))
    known = wells.join(of_set, on=["set", "perturbation"], how="semi")
    rest = wells.join(of_set, on=["set", "perturbation"], how="anti")
    joined = [
        known.join(of_set, on=["set", "perturbation"], how="left", suffix="_said"),
        rest.join(of_all, on="perturbation", how="left", suffix="_said"),
    ]
    both = [name for name in facts if name in wells.columns]
    return (
        pl.concat(joined, how="diagonal")
        .with_columns(pl.coalesce(name, f"{name}_said").alias(name) for name in both)
        .drop("set", *(f"{name}_said" for name in both))
    )


def _normal(one: NamedTable, meanings: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Get a table with our names for what the SQL knows, and ``Metadata_*`` for the rest."""
    columns = _plain_names(one.table)
    values: dict[str, pl.Expr] = {}
    for meaning, names in meanings.items():
        if name := _first(columns, names):
            values[meaning] = given(columns[name]).alias(meaning)
    keys = {name for key in KEYS if key in meanings for name in KEYS[key]} | {LINE_PROBLEM}
    for name, column in columns.items():
        if name not in keys and name not in RESERVED:
            plain = f"Metadata_{_plain(column.removeprefix('Metadata_'))}"
            values[plain] = given(column).alias(plain)
    table = one.table.select(*values.values(), pl.col(LINE_PROBLEM).alias("reason"))
    folders = PurePosixPath(one.path).parts[:-1]
    batch = folders[folders.index("platemaps") + 1 :][:1] if "platemaps" in folders else ()
    stem = PurePosixPath(one.path).name.partition(".")[0]
    known = {"Metadata_Source": one.source, "Metadata_Batch": batch[0] if batch else None}
    known["map_name"] = stem if "Metadata_Well" in values else None
    if "Metadata_Well" not in meanings:
        known["map_name"] = re.sub(_END_OF_SET, "", stem)
    table = _shaped(table, [*KEYS, "reason"])
    return table.with_columns(
        pl.coalesce(name, pl.lit(value, pl.String)).alias(name) for name, value in known.items()
    )


def _told(wells: pl.DataFrame) -> pl.DataFrame:
    """Get the wells without the columns ``Metadata_*`` that say nothing."""
    empty = [name for name in wells.columns if wells[name].null_count() == wells.height]
    return wells.drop(name for name in empty if name.startswith("Metadata_"))


def _agreed(name: str) -> pl.Expr:
    """Get the value of a group if all that is said is the same, else NULL."""
    said = pl.col(name).drop_nulls()
    return pl.when(said.n_unique() == 1).then(said.first()).alias(name)


def _is_said(name: str) -> bool:
    return name in ("map_name", "plate_type") or (
        name.startswith("Metadata_")
        and not name.endswith("_said")
        and name not in (*PLATE_KEY, "Metadata_Well")
    )


def _concat(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Get all rows of tables; names of columns that differ in case alone are one name."""
    first: dict[str, str] = {}
    for table in tables:
        for name in table.columns:
            first.setdefault(name.lower(), name)
    return pl.concat(
        [table.rename({name: first[name.lower()] for name in table.columns}) for table in tables],
        how="diagonal",
    )


def _shaped(table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Get a table that has these columns, NULL where it had none."""
    return table.with_columns(
        pl.lit(None, pl.String).alias(name) for name in columns if name not in table.columns
    )


def _plain_names(table: pl.DataFrame) -> dict[str, str]:
    """Get the columns by their names without ``Metadata_`` and in small letters."""
    names: dict[str, str] = {}
    for column in table.columns:
        plain = _plain(re.sub(r"(?i)^metadata_", "", column)).lower()
        if plain in names:
            raise CatalogError(
                f"columns {names[plain]!r} and {column!r} of a platemap mean the same; remove one"
            )
        names[plain] = column
    return names


def _first(columns: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name)
