"""An output folder or a catalog -> values by well of one plate, and a map of it."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.database.connection import frame, held_collection, open_catalog
from jumpduck.errors import ManifestError, QueryError
from jumpduck.figures.charts import SUFFIXES, check_charts, write_chart
from jumpduck.options import expanded, takes
from jumpduck.rows import PLATE_KEY
from jumpduck.schema import CANNOT_READ, OUTCOME, is_any_csv
from jumpduck.selection.suggestions import known_names, some_of
from jumpduck.storage.replaced_files import refuse_file_as_folder
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.wells.well_values import PERTURBATION, WellValues, column_of, well_values


@dataclass(frozen=True)
class PlateOptions:
    """Which plate to show, and by what.

    Parameters
    ----------
    plate
        Plate to show. Without one, the error names those that there are.
    by
        What gives a well its colour: role, perturbation, or a column of results.parquet (status,
        mean, saturated, focus and others), of the catalog's sites or of `join`; Metadata_ can be
        left out. Numbers of a well become their median, statuses the worst of them.
    out
        Folder that a download filled; ``images`` where no `catalog` is given.
    catalog
        Catalog made by `jumpduck catalog`. Alone, the plate is shown as it was published; beside
        `out`, wells that were not downloaded are hatched.
    source
        Source of the plate, where several have one of that name.
    batch
        Batch of the plate, where several have one of that name.
    channel
        Channel whose images to look at; all by default.
    join
        Further columns: a Parquet or CSV file (also .csv.gz), or a frame, with Metadata_Plate and
        Metadata_Well, such as profiles. Metadata_Source and Metadata_Batch are compared where it
        has them.
    wells
        Wells that the plate has: 6, 12, 24, 48, 96, 384 or 1536; by default as many as the smallest
        one that holds those that are known.
    path
        Picture to write: PNG or SVG, by the end of its name.
    """

    plate: str = ""
    by: str = "role"
    _: KW_ONLY
    out: str | Path | None = None
    catalog: str | Path | None = None
    source: str | None = None
    batch: str | None = None
    channel: str | None = None
    join: str | Path | pl.DataFrame | None = None
    wells: int | None = None
    path: str | Path | None = None


@dataclass(frozen=True)
class PlateMap:
    """The values of a plate by well.

    Attributes
    ----------
    key
        Source, batch and plate.
    values
        One value a well; ``values.wells`` is the table.
    said
        What the values are, in a line.
    path
        The picture, if one was asked for.
    """

    key: tuple[str, str, str]
    values: WellValues
    said: str
    path: Path | None


@dataclass(frozen=True)
class _Rows:
    """Rows of one plate, what they are, and which wells the plate has."""

    key: tuple[str, str, str]
    rows: pl.DataFrame
    what: str
    wells: Sequence[str]


@takes(PlateOptions)
def plate(options: PlateOptions) -> PlateMap:
    """Get one value for each well of a plate, and draw the plate in its true shape.

    Returns
    -------
    PlateMap
        ``values.wells`` has one row a well that is known: Metadata_Well, row, column, value, and of
        how many rows it is made. ``path`` is the picture.

    Raises
    ------
    QueryError
        There is no such plate, column or channel, with the nearest ones; no plate is named, or
        several have the name; the column is neither numbers nor text, or has no value on the
        plate; the plate has too few wells; or the extra report, which draws pictures, is not
        installed.
    ManifestError
        `join` cannot be read or lacks a column; the folder or catalog is none.
    StoreError
        Nothing was downloaded into the folder; `path` is a file of another kind.
    """
    if options.out is not None:
        refuse_file_as_folder(options.out, SUFFIXES)
    target = None if options.path is None else expanded(options.path)
    if target is not None:
        check_charts(target)
    found = _of_folder(options) if _has_folder(options) else _of_catalog(options)
    if options.join is not None:
        found = _with_joined(found, options.by, options.join)
    elif options.by in OUTCOME and options.by not in found.rows.columns:
        raise QueryError(
            f"by {options.by!r} is what a download measures; give its folder with `out`"
        )
    values = well_values(found.rows, options.by, known=found.wells, wells=options.wells)
    if values.wells["value"].is_null().all():
        raise QueryError(f"by {options.by!r} has no value on plate {found.key[2]!r}; give another")
    said = _said(options, found, values)
    if target is not None:
        from jumpduck.figures.plate_map import plate_map  # of the extra report

        source, batch, name = found.key
        write_chart(plate_map(values, name, [f"{source} / {batch}", said]), target)
    return PlateMap(found.key, values, said, target)


def _has_folder(options: PlateOptions) -> bool:
    return options.out is not None or options.catalog is None


def _said(options: PlateOptions, found: _Rows, values: WellValues) -> str:
    """Get what the values are, in a line."""
    if values.rule == "all that differ":
        return options.by
    of = ""
    if options.channel is not None and found.what == "images":
        of = f", channel {', '.join(found.rows['Metadata_Channel'].unique())}"
    elif column_of(options.by, found.rows.columns) in OUTCOME and found.what == "images":
        channels = found.rows["Metadata_Channel"].n_unique()
        of = f", {channels} channels together" if channels > 1 else ""
    return f"{options.by}: {values.rule} of the {found.what} of a well{of}"


def _of_folder(options: PlateOptions) -> _Rows:
    folder = FilledFolder.open("images" if options.out is None else options.out)
    plates = folder.results.select(PLATE_KEY).unique().collect(engine="streaming")
    key = _key_of(plates, options)
    rows = folder.results.filter(_is_plate(key)).collect()
    wells: list[str] = rows["Metadata_Well"].unique().to_list()
    if options.channel is not None:
        channels = known_names("channel", options.channel, set(rows["Metadata_Channel"]))
        rows = rows.filter(pl.col("Metadata_Channel").is_in(channels))
    if options.catalog is not None:
        with open_catalog(options.catalog) as con:
            wells += _sites(con, key)["Metadata_Well"].to_list()
    return _Rows(key, rows, "images", wells)


def _of_catalog(options: PlateOptions) -> _Rows:
    if options.channel is not None:
        raise QueryError("channel is that of downloaded images; give their folder with `out`")
    with open_catalog(str(options.catalog)) as con:
        keys = ", ".join(f"any_value({name}) AS {name}" for name in PLATE_KEY)
        sites = held_collection(con).relation("sites")
        key = _key_of(frame(con, f"SELECT {keys} FROM {sites} GROUP BY plate_number"), options)  # noqa: S608
        rows = _sites(con, key)
    return _Rows(key, rows, "sites", rows["Metadata_Well"].unique().to_list())


def _sites(con: duckdb.DuckDBPyConnection, key: tuple[str, str, str]) -> pl.DataFrame:
    """Get the sites of a plate, with the columns that are passed on to a manifest."""
    same = " AND ".join(f"{name} = ${name}" for name in PLATE_KEY)
    query = f"""
        SELECT COLUMNS('Metadata_.*') FROM {held_collection(con).relation("sites")} WHERE {same}
        """  # noqa: S608
    return frame(con, query, dict(zip(PLATE_KEY, key, strict=True)))


def _key_of(plates: pl.DataFrame, options: PlateOptions) -> tuple[str, str, str]:
    """Get the key of the one plate that is meant.

    Raises
    ------
    QueryError
        There is none, with the nearest names, or there are several.
    """
    if not options.plate:
        if _has_folder(options):
            where = options.out or "images"
            all_of_them = f"`jumpduck status --plates --out {where}`"
        else:
            where, all_of_them = options.catalog, f"`jumpduck plates --catalog {options.catalog}`"
        names = some_of(set(plates["Metadata_Plate"]))
        raise QueryError(f"plate is not given; in {where} {names}; name one: {all_of_them}")
    left = plates
    for what, column, asked in (
        ("plate", "Metadata_Plate", options.plate),
        ("source", "Metadata_Source", options.source),
        ("batch", "Metadata_Batch", options.batch),
    ):
        if asked is not None:
            # the whole name, because a plate's may have a blank or a comma
            names = (
                [asked] if asked in left[column] else known_names(what, asked, set(left[column]))
            )
            left = left.filter(pl.col(column).is_in(names))
    if left.height == 1:
        return left.select(PLATE_KEY).row(0)
    if left["Metadata_Plate"].n_unique() > 1:
        raise QueryError(f"plate {options.plate!r} names {left.height} plates; give one")
    by = "source" if left["Metadata_Source"].n_unique() > 1 else "batch"
    names = ", ".join(sorted(left[f"Metadata_{by.title()}"].unique()))
    raise QueryError(f"plate {options.plate!r} is in several: {names}; say which with `{by}`")


def _is_plate(key: Sequence[str]) -> pl.Expr:
    return pl.all_horizontal(
        pl.col(name) == value for name, value in zip(PLATE_KEY, key, strict=True)
    )


def _with_joined(found: _Rows, by: str, join: str | Path | pl.DataFrame) -> _Rows:
    """Get the rows of a joined table instead, if it has the column asked for."""
    called = "frame" if isinstance(join, pl.DataFrame) else str(join)
    try:
        table = join.lazy() if isinstance(join, pl.DataFrame) else _scan(expanded(join))
        columns = table.collect_schema()
        for name in ("Metadata_Plate", "Metadata_Well"):
            if name not in columns:
                raise ManifestError(
                    f"join {called} has no column {name}; give a table with Metadata_Plate and "
                    "Metadata_Well"
                )
        name = column_of(by, {**found.rows.schema, **columns})
        if name == PERTURBATION or name not in columns:
            return found
        keys = dict(zip(PLATE_KEY, found.key, strict=True))
        same = [pl.col(one).cast(pl.String) == keys[one] for one in PLATE_KEY if one in columns]
        rows = table.filter(*same).select(pl.col("Metadata_Well").cast(pl.String), name).collect()
    except (OSError, *CANNOT_READ) as error:
        reason = str(error).partition("\n")[0]
        raise ManifestError(
            f"join {called} cannot be read: {reason}; give a Parquet or CSV file"
        ) from error
    if rows.is_empty():
        raise QueryError(f"join {called} has no row of plate {', '.join(found.key)}")
    return _Rows(found.key, rows, "joined rows", found.wells)


def _scan(path: Path) -> pl.LazyFrame:
    if not path.is_file():
        raise ManifestError(f"join {path} is not a file ({path.absolute()}); give Parquet or CSV")
    if not is_any_csv(path):
        return pl.scan_parquet(path, glob=False)
    keys = dict.fromkeys((*PLATE_KEY, "Metadata_Well"), pl.String())
    names = pl.scan_csv(path, infer_schema=False, glob=False).collect_schema().names()
    texts = {name: of for name, of in keys.items() if name in names}
    return pl.scan_csv(path, schema_overrides=texts, infer_schema_length=None, glob=False)
