import random
from pathlib import Path

import pytest

from tests.support.site_index import catalog_of_plates

SITES = range(1, 10)

COMPOUNDS = """\
Metadata_JCP2022,Metadata_InChIKey,Metadata_InChI,Metadata_SMILES
JCP2022_033924,IAZDPXIOMUYVGZ-UHFFFAOYSA-N,,CS(C)=O
JCP2022_037716,,,
JCP2022_050797,LOUPRKONTZGTKE-UHFFFAOYSA-N,,
JCP2022_050798,LOUPRKONTZGTKE-WZBLMQSHSA-N,,
"""
ORFS = """\
Metadata_JCP2022,Metadata_Symbol,Metadata_NCBI_Gene_ID,Metadata_pert_type
JCP2022_915131,LacZ,LacZ,negcon
JCP2022_900101,TP53,7157,trt
"""
KNOCK_OUT, OVEREXPRESSION = "JCP2022_800101", "JCP2022_900101"
DMSO, AMG900, NON_TARGETING, LACZ = (
    "JCP2022_033924", "JCP2022_037716", "JCP2022_800002", "JCP2022_915131",
)  # fmt: skip

PLATES = {
    # 12 wells of controls for one of a gene; DMSO stands beside knock-outs, as it does in source_13
    ("source_13", "B", "C1", "CRISPR"): {
        "A01": KNOCK_OUT, "A02": DMSO, "A03": DMSO, "A04": "JCP2022_UNKNOWN",
        **{f"B{column:02d}": NON_TARGETING for column in range(1, 13)},
    },
    ("source_13", "B", "C2", "CRISPR"): {
        "A01": KNOCK_OUT, **{f"B{column:02d}": NON_TARGETING for column in range(1, 13)},
    },
    # compounds as positive controls beside overexpressions, as in source_4
    ("source_4", "B", "O1", "ORF"): {
        "A01": OVEREXPRESSION, "A02": AMG900, "A03": DMSO, "A04": LACZ, "A05": "JCP2022_999999",
    },
    # brightfield of the first site of each well alone; the two of a pair of mirror images
    ("source_3", "B", "P1", "COMPOUND"): {
        "A01": "JCP2022_050797", "A02": "JCP2022_050798", "A03": DMSO, "A04": AMG900,
        "A05": "JCP2022_UNKNOWN", "A06": "JCP2022_999999",
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def plates(tmp_path_factory) -> Path:
    """A catalog of PLATES, of a site index without images. No test may change it."""
    folder = tmp_path_factory.mktemp("plates")
    return catalog_of_plates(folder, PLATES, compounds=COMPOUNDS, orfs=ORFS, sites=SITES)


RANDOM_COMPOUNDS = [f"JCP2022_{number:06d}" for number in range(1, 13)]
TABLE = "Metadata_JCP2022,Metadata_InChIKey,Metadata_InChI,Metadata_SMILES\n" + "".join(
    f"{name},,,{'C' * number}C1CCCC{'C' * (number % 3)}1\n"
    for number, name in enumerate([DMSO, *RANDOM_COMPOUNDS])
)


def random_plates(seed, sources=(1, 2, 3)):
    """Plates of one to four wells a row: sources and batches of different sizes."""
    chance = random.Random(seed)
    return {
        (f"source_{source}", f"B{batch}", f"P{source}{batch}{plate}", "COMPOUND"): {
            f"{row}{column:02d}": chance.choice([DMSO, *RANDOM_COMPOUNDS])
            for row in "ABC"
            for column in range(1, chance.randint(2, 5))
        }
        for source in sources
        for batch in range(chance.randint(1, 3))
        for plate in range(chance.randint(1, 3))
    }


def made(folder, plates, *, reverse=False):
    folder.mkdir()
    return catalog_of_plates(
        folder, plates, compounds=TABLE, orfs="Metadata_JCP2022\n", sites=range(6), reverse=reverse
    )


@pytest.fixture(scope="session", params=[0, pytest.param(1, marks=pytest.mark.slow)])
def galleries(request, tmp_path_factory):
    """A random gallery; the same in another order; and the same with one source more."""
    folder = tmp_path_factory.mktemp("random")
    plates = random_plates(request.param)
    more = {**plates, **random_plates(request.param + 100, sources=[4])}
    return (
        made(folder / "one", plates),
        made(folder / "again", plates, reverse=True),
        made(folder / "more", more),
    )


@pytest.fixture
def many_plates(tmp_path) -> Path:
    """A catalog of 90 full plates, each with 32 wells of DMSO."""
    wells = [f"{chr(65 + row)}{column:02d}" for row in range(16) for column in range(1, 25)]
    named = {
        well: DMSO if well.endswith(("01", "02")) else RANDOM_COMPOUNDS[place % 12]
        for place, well in enumerate(wells)
    }
    plates = {("source_2", "B", f"P{number:03d}", "COMPOUND"): named for number in range(90)}
    return catalog_of_plates(tmp_path, plates, compounds=TABLE, orfs=ORFS, sites=range(1, 4))
