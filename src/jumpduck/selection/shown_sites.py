"""A few sites to look at: what was asked for, beside negative controls of the same plates."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from jumpduck.rows import MODALITY, PLATE_KEY, ROLE, SITE_KEY, WELL_KEY
from jumpduck.schema import SITE_PATH, name_columns

CONCENTRATION = "Metadata_Concentration_Micromolar"

NAME = "name"
"""What was done to the cells of a site: a column of ours."""

ABSENT = "absent"
"""Images that a site lacks."""


@dataclass(frozen=True)
class ShownSites:
    """Sites in the order in which they are shown.

    Attributes
    ----------
    sites
        One row a site, with ``is_control``.
    left_out
        Sites that were asked for and are not shown.
    controls_left_out
        Controls of the same plates and modality that are not shown.
    """

    sites: pl.DataFrame
    left_out: int
    controls_left_out: int


def absent_images(sites: pl.LazyFrame, channels: Iterable[str]) -> pl.Expr:
    """Get how many of some channels a site of an output folder lacks."""
    there = sites.collect_schema()
    paths = (SITE_PATH + channel for channel in channels)
    return pl.sum_horizontal(pl.lit(0), *(pl.col(one).is_null() for one in paths if one in there))


def described(sites: pl.LazyFrame, absent: pl.Expr, *more: str) -> pl.LazyFrame:
    """Get the key, role, modality and name of sites, their concentration if there is one.

    Parameters
    ----------
    absent
        Images that a site lacks.
    more
        Further columns to keep.
    """
    schema = sites.collect_schema()
    names = [pl.col(name) for name in name_columns(schema)]
    own = [
        pl.col(name) if name in schema else pl.lit(None, dtype).alias(name)
        for name, dtype in ((ROLE, pl.String), (MODALITY, pl.String), (CONCENTRATION, pl.Float64))
    ]
    return sites.select(
        *SITE_KEY,
        *more,
        *own,
        pl.coalesce(*names, pl.lit("")).alias(NAME),
        absent.alias(ABSENT),
    )


def one_of_each_well(sites: pl.LazyFrame, most: int) -> ShownSites:
    """Get the site of each well that lacks the fewest images; of several, the first."""
    wells = sites.select(WELL_KEY).unique().sort(WELL_KEY).collect()
    some = sites.join(wells.head(most).lazy(), on=WELL_KEY, how="semi").collect()
    first = some.sort(*WELL_KEY, ABSENT, "Metadata_Site").unique(
        WELL_KEY, keep="first", maintain_order=True
    )
    left_out = max(0, wells.height - most)
    return ShownSites(first.with_columns(is_control=pl.lit(value=False)), left_out, 0)


def spread(sites: pl.DataFrame, most: int) -> pl.DataFrame:
    """Get some of the sites, spread evenly.

    The first site of every well comes before the second of any; the first well of a perturbation
    on a plate before the second, and within them plates come in turn. A well's sites that lack the
    fewest images come first.
    """
    ordered = sites.sort(*WELL_KEY, ABSENT, "Metadata_Site")
    in_well = ordered.with_columns(site_rank=pl.int_range(pl.len()).over(WELL_KEY))
    on_plate = in_well.with_columns(
        well_rank=pl.col("Metadata_Well").rank("dense").over(*PLATE_KEY, NAME)
    )
    perturbations = on_plate.with_columns(
        plate_rank=pl.struct(PLATE_KEY).rank("dense").over(NAME),
    )
    first = perturbations.sort("site_rank", "well_rank", "plate_rank", NAME, *SITE_KEY)
    return first.head(most).select(sites.columns)


def beside(
    asked: pl.DataFrame, shown: pl.DataFrame, controls: pl.DataFrame, most_controls: int
) -> ShownSites:
    """Get sites and their controls in the order in which they are shown.

    Parameters
    ----------
    asked, shown
        Sites that were asked for, and those of them that are shown.
    controls
        Negative controls of the plates of those; what was asked for is none.
    most_controls
        Sites of them at most; they are spread evenly over the plates and modalities.
    """
    others = controls.join(asked, on=SITE_KEY, how="anti")
    plates = shown.select(*PLATE_KEY, MODALITY).unique()
    # what has no modality of its own is fitted by every control of its plate
    any_modality = plates.filter(pl.col(MODALITY).fill_null("any") == "any")
    fitting = pl.concat(
        [
            others.join(plates, on=[*PLATE_KEY, MODALITY], how="semi"),
            others.join(any_modality, on=PLATE_KEY, how="semi"),
        ]
    ).unique(SITE_KEY)
    # the controls of a modality count as one perturbation, so that its plates come in turn
    chosen = spread(fitting.with_columns(pl.col(MODALITY).alias(NAME)), most_controls)
    chosen = fitting.join(chosen, on=SITE_KEY, how="semi")
    both = pl.concat(
        [
            shown.with_columns(is_control=pl.lit(value=False)),
            chosen.with_columns(is_control=pl.lit(value=True)),
        ]
    )
    ordered = both.sort(*PLATE_KEY, "is_control", NAME, *SITE_KEY[-2:])
    return ShownSites(ordered, asked.height - shown.height, fitting.height - chosen.height)
