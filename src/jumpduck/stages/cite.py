"""An output folder -> what to cite for its images."""

from dataclasses import dataclass
from pathlib import Path

from jumpduck.descriptions.cited import Cited, cited, write_citations
from jumpduck.options import expanded, takes
from jumpduck.transfer.filled_folder import FilledFolder


@dataclass(frozen=True)
class CiteOptions:
    """Whose images to cite.

    Parameters
    ----------
    out
        Folder that `jumpduck download` filled.
    """

    out: str | Path = "images"


@takes(CiteOptions)
def cite(options: CiteOptions) -> Cited:
    """Get what to cite for the images that a folder has: datasets, publications, licences.

    ``text`` of what is returned has sentences for a publication, ``bibtex`` its references. Both
    are files of the folder too: ``citation.txt`` and ``citation.bib``, which each download writes.

    Raises
    ------
    StoreError
        Nothing was downloaded into the folder.
    ManifestError
        Its tables are not there.
    """
    found = cited(FilledFolder.open(options.out))
    write_citations(expanded(options.out))
    return found
