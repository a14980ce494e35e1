"""What a user asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

Names = str | Sequence[str]

SITES_PER_WELL: Mapping[str, int] = {"trt": 6, "poscon": 4, "negcon": 3, "empty": 0, "unknown": 0}
"""Sites kept in a well by its role, unless asked otherwise."""


def as_names(names: Names) -> list[str]:
    """Get a list of names; one text is one name."""
    return [names] if isinstance(names, str) else list(names)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Images to choose.

    Parameters
    ----------
    sources, batches, plates, plate_types, wells, roles
        Names to keep; all by default.
    perturbations
        Any names of perturbations to keep. In JUMP: JCP2022 identifier, gene symbol, NCBI gene
        number, control name, InChIKey, SMILES.
    genes, compounds
        The same, only among overexpressions and knock-outs, or only among compounds.
    with_controls
        Add the negcon wells of the plates chosen.
    where
        One SQL condition over the columns of the collection's sites.
    channels
        Channels to keep; the stains of the collection by default.
    brightfield
        Add the channels that are brightfield.
    per_well
        Sites to keep in a well by its role; a role that is not named keeps its default.
    max_sites, max_gb
        A budget, spent on the first site of every well before the second of any.
    keep_known_bad
        Keep what known issues say to drop.
    illum
        Bring the URL of the illumination functions along.
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
    perturbations: Names = ()
    genes: Names = ()
    compounds: Names = ()
    with_controls: bool = False
    where: str | None = None
    channels: Names = ()
    brightfield: bool = False
    per_well: Mapping[str, int] = field(default_factory=dict[str, int])
    max_sites: int | None = None
    max_gb: float | None = None
    keep_known_bad: bool = False
    illum: bool = False
    seed: int = 0

    def as_options(self) -> dict[str, object]:
        """Get all that is set, by the names of the command line's options."""
        singular = {"batches": "batch", "per_well": "per-well"}
        options = {
            singular.get(
                one.name, one.name.removesuffix("s") if one.type == Names else one.name
            ).replace("_", "-"): getattr(self, one.name)
            for one in fields(Selection)
        }
        # a number is always set, everything else only if there is something in it
        return {
            name: value
            for name, value in options.items()
            if value or (isinstance(value, int | float) and not isinstance(value, bool))
        }
