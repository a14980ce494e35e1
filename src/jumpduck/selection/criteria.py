"""What a user asks for.

A text that is not itself a name may hold several, separated by commas or blanks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

Names = str | Sequence[str]

SITES_PER_WELL: Mapping[str, int] = {
    "trt": 6, "poscon": 4, "negcon": 3, "empty": 0, "bad_construct": 0, "unknown": 0,
}  # fmt: skip
"""Sites kept in a well by its role, unless asked otherwise."""

ALL_SITES = 1_000_000
"""More sites than a well has."""

CONTROL_ROLES = ("negcon", "poscon")
"""Roles of wells that others are compared with; the first alone is added unless asked otherwise."""

GENES = ("orf", "crispr", "sirna")
COMPOUNDS = ("compound",)
"""Metadata_modality of what `genes` and `compounds` look among."""

MODALITIES = {"knockout": "crispr", "knock-out": "crispr", "overexpression": "orf"}
"""Other words for values of Metadata_modality."""


def as_names(names: Names) -> list[str]:
    """Get a list of names; one text is one name."""
    return [names] if isinstance(names, str) else list(names)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Images to choose.

    Parameters
    ----------
    sources
        Sources to keep; all by default, as for all names.
    batches
        Batches to keep.
    plates
        Plates to keep.
    plate_types
        Plate types to keep. In JUMP: COMPOUND, ORF, CRISPR, TARGET2 and others.
    wells
        Wells to keep, as A01.
    roles
        Roles to keep: trt (treatment), negcon and poscon (negative and positive control), empty
        (untreated cells), bad_construct (a reagent that was not what it should have been), unknown.
    modalities
        Ways of perturbing to keep. In JUMP: compound, orf (overexpression), crispr (knock-out).
    perturbations
        Perturbations to keep, by any name that the collection knows. In JUMP: identifier, gene
        symbol, NCBI gene number, name of a control, InChIKey, SMILES.
    genes
        Genes to keep: overexpressions and knock-outs of that name, named as in `perturbations`.
    compounds
        Compounds to keep, named as in `perturbations`; what is not a compound is refused.
    with_controls
        Add the negcon (negative control) wells of the same plates and modality. In JUMP: DMSO for a
        compound, reagents without effect for a gene.
    controls
        Roles of the controls to add: negcon (negative control, the default) and poscon (positive
        control). Naming them adds them, as `with_controls` does.
    controls_per_plate
        Wells of controls to add on a plate at most: the first of each role and modality before the
        second of any. It adds them, as `with_controls` does.
    where
        One SQL condition over the columns of the collection's sites. Like the other conditions it
        says what is named: controls that `with_controls` adds need not fulfil it. Functions
        whose result differs from call to call, like random(), are refused.
    channels
        Channels to keep; a site that lacks one of them stays out. By default the stains of the
        collection, of which a site may lack some.
    brightfield
        Add brightfield where it was imaged; a site without it stays.
    per_well
        Sites to keep in a well by its role: trt (treatment), poscon and negcon (positive and
        negative control), empty, bad_construct, unknown. A role that is not named keeps its
        default, which is trt=6,poscon=4,negcon=3 and 0 for the others. ``all`` keeps every site of
        every well.
    per_source
        Sites to keep of each source, from those that `per_well` leaves: exactly so many, or all
        where there are fewer. They are spread evenly over batches, then plates, then wells.
        Controls that were added are not counted. Give only one of `per_source`, `per_batch`,
        `per_plate`, `per_perturbation` and `per_compound`.
    per_batch
        Sites to keep of each batch, in the same way.
    per_plate
        Sites to keep of each plate, in the same way.
    per_perturbation
        Sites to keep of each perturbation, spread evenly over sources, then batches, plates and
        wells. What is chosen of one depends on its sites and the seed alone.
    per_compound
        The same of each compound: identifiers with the same first layer of the InChIKey are one.
        What is not a compound is refused.
    split
        Parts of the choice and their shares, which sum to 1, as train=0.8,val=0.1,test=0.1. They
        become the column split. Which part a group belongs to depends on `seed` and its name alone;
        the shares hold where there are many groups, within each role and modality, too.
    split_by
        What no two parts share: compound (identifiers with the same first layer of the InChIKey),
        perturbation, plate, batch, source, scaffold (through RDKit), or a column of the collection,
        such as Metadata_Well.
    max_sites
        Sites in all at most: the first site of every well comes before the second of any, and all
        that was named before controls.
    max_gb
        Gigabytes to fetch at most (estimate), spread like `max_sites`.
    keep_known_bad
        Keep what known issues say to drop.
    exclude
        Sites and wells to leave out, also as controls: a Parquet or CSV file (also .csv.gz),
        or a frame, with Metadata_Source, _Batch, _Plate, _Well, and Metadata_Site where a row is
        about a site, such as `jumpduck quality --outliers` makes. They stay out before sites are
        chosen, so that another site of the well can take the place.
    illum
        Also list the URLs of the illumination functions (column url_illum), where they were
        published: `jumpduck download --illum` divides by them.
    seed
        Another seed, another choice. Nothing else changes it: not the number of threads, not the
        other plates in the catalog.
    """

    sources: Names = ()
    batches: Names = ()
    plates: Names = ()
    plate_types: Names = ()
    wells: Names = ()
    roles: Names = ()
    modalities: Names = ()
    perturbations: Names = ()
    genes: Names = ()
    compounds: Names = ()
    with_controls: bool = False
    controls: Names = ()
    controls_per_plate: int | None = None
    where: str | None = None
    channels: Names = ()
    brightfield: bool = False
    per_well: Mapping[str, int] | str | None = None
    per_source: int | None = None
    per_batch: int | None = None
    per_plate: int | None = None
    per_perturbation: int | None = None
    per_compound: int | None = None
    split: Mapping[str, float] | None = None
    split_by: str | None = None
    max_sites: int | None = None
    max_gb: float | None = None
    keep_known_bad: bool = False
    exclude: str | Path | pl.DataFrame | None = None
    illum: bool = False
    seed: int = 0

    @property
    def adds_controls(self) -> bool:
        """Whether controls are added to what is named."""
        return self.with_controls or bool(self.controls) or self.controls_per_plate is not None
