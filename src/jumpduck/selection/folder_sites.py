"""Sites of an output folder that a user names: by the columns of its tables, else by a catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.options import expanded
from jumpduck.rows import MODALITY, ROLE
from jumpduck.schema import name_columns
from jumpduck.selection.criteria import COMPOUNDS, GENES, MODALITIES, Names, Selection, as_names
from jumpduck.selection.suggestions import check_names, known_names, separate

OF_KIND: tuple[tuple[str, str, Sequence[str] | None], ...] = (
    ("perturbations", "perturbation", None),
    ("genes", "gene", GENES),
    ("compounds", "compound", COMPOUNDS),
)
"""Parameters that name perturbations, their word, and the modalities that they look among."""

OF_PLACE = (
    ("sources", "source", "Metadata_Source"),
    ("plates", "plate", "Metadata_Plate"),
    ("wells", "well", "Metadata_Well"),
    ("roles", "role", ROLE),
    ("modalities", "modality", MODALITY),
)
"""Parameters that name places and kinds of wells, their word and column."""


@dataclass(frozen=True)
class FolderSites:
    """Finds sites of an output folder.

    Parameters
    ----------
    folder
        Folder, as messages name it.
    sites
        Its sites.
    catalog
        Catalog that knows further names, if it is there.
    """

    folder: str
    sites: pl.LazyFrame
    catalog: str | Path

    def asked(self, selection: Selection) -> tuple[pl.LazyFrame, list[str]]:
        """Get the sites that fulfil a selection, and what a user should know of the names.

        Only the names of perturbations, sources, plates, wells, roles and modalities count.

        Raises
        ------
        QueryError
            A name that neither the folder nor the catalog knows, with the nearest ones, or no site
            fits all of them.
        """
        sites, notes = self.sites, list[str]()
        for parameter, what, column in OF_PLACE:
            if asked := as_names(getattr(selection, parameter)):
                sites = sites.filter(pl.col(column).is_in(self._known(what, column, asked)))
        named: list[pl.Expr] = []
        for parameter, what, modalities in OF_KIND:
            if asked := as_names(getattr(selection, parameter)):
                found, said = self._perturbations(parameter, what, asked, modalities)
                named.append(found)
                notes += said
        return sites.filter(pl.any_horizontal(named)) if named else sites, notes

    def _known(self, what: str, column: str, asked: Sequence[str]) -> list[str]:
        if column not in self.sites.collect_schema():
            raise QueryError(
                f"{what} {asked[0]!r} cannot be looked for, because the sites of {self.folder} "
                f"have no column {column}; leave it out"
            )
        known = set(self.sites.select(pl.col(column).drop_nulls().unique()).collect()[column])
        if what == "well":
            from jumpduck.selection.places import known_wells  # it needs DuckDB, which takes 0.1 s

            return known_wells(asked, known)
        if what == "modality":
            asked = [MODALITIES.get(name.lower(), name) for name in separate(asked, known)]
        return known_names(what, asked, known)

    def _perturbations(
        self, parameter: str, what: str, asked: Names, modalities: Sequence[str] | None
    ) -> tuple[pl.Expr, list[str]]:
        """Get the condition of the sites that have one of the names."""
        schema = self.sites.collect_schema()
        columns = name_columns(schema)
        of_kind = pl.lit(value=True)
        if modalities is not None and MODALITY in schema:
            of_kind = pl.col(MODALITY).is_in(modalities)
        lower = [pl.col(name).str.to_lowercase() for name in columns]
        wanted = {name.lower() for name in (*as_names(asked), *separate(asked, ()))}
        has_one = pl.any_horizontal(pl.lit(value=False), *(one.is_in(wanted) for one in lower))
        rows = self.sites.filter(of_kind, has_one).select(columns).unique().collect()
        texts = {text for name in columns for text in rows[name].drop_nulls()}
        found = {text.lower() for text in texts} & wanted
        whole = {name for name in as_names(asked) if name.lower() in found}
        names = separate(asked, whole)
        condition = of_kind & pl.any_horizontal(
            pl.lit(value=False), *(one.is_in({name.lower() for name in names}) for one in lower)
        )
        missing = [name for name in names if name.lower() not in found]
        if not missing:
            return condition, []
        if not expanded(self.catalog).is_file():
            known = self.sites.filter(of_kind).select(columns).unique().collect()
            self._refuse(
                what, missing, {text for one in columns for text in known[one].drop_nulls()}
            )
        column, identifiers, notes = _in_catalog(self.catalog, parameter, missing)
        there = pl.col(column).is_in(identifiers) if column in schema else pl.lit(value=False)
        if self.sites.filter(there).head(1).collect().is_empty():
            raise QueryError(
                f"{what} {missing[0]!r} is known, but {self.folder} has no site of it; `remote` "
                "shows it as published, or download it: `jumpduck manifest`"
            )
        return condition | there, notes

    def _refuse(self, what: str, missing: Sequence[str], known: set[str]) -> None:
        try:
            check_names(what, missing, known)
        except QueryError as error:
            end = "" if str(error).endswith("?") else ";"
            raise QueryError(
                f"{error}{end} {self.folder} has no other; a `catalog` knows further names, and "
                f"{self.catalog} is not there"
            ) from None


def _in_catalog(
    catalog: str | Path, parameter: str, names: Sequence[str]
) -> tuple[str, list[str], list[str]]:
    """Get the column of identifiers, those of perturbations, and what is to be said of them."""
    from jumpduck.database.connection import held_collection, open_catalog
    from jumpduck.selection.pipeline import known_perturbations

    with open_catalog(catalog) as con:
        held = held_collection(con)
        selection = Selection(**{parameter: names})  # pyright: ignore[reportArgumentType]
        found, notes = known_perturbations(con, held, selection)
    return held.perturbation, found or [], notes
