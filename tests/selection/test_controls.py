"""Which wells are compared with what was named."""

import pytest

import jumpduck


def wells(rows):
    return set(rows.select("Metadata_Plate", "Metadata_Well").rows())


@pytest.mark.parametrize(
    ("asked", "controls"),
    [
        ({"genes": "TP53", "plates": ["C1"]}, {"non-targeting"}),
        ({"genes": "TP53", "plates": ["O1"]}, {"LacZ"}),
        ({"compounds": "AMG900", "plates": ["O1"]}, {"DMSO"}),
        ({"plates": ["P1"], "wells": ["A01"]}, {"DMSO"}),
    ],
)
def test_controls_are_of_the_modality_of_what_they_are_compared_with(plates, asked, controls):
    """DMSO beside a knock-out is the control of neither gene; LacZ that of no compound."""
    rows = jumpduck.manifest(plates, **asked, with_controls=True)
    negcon = rows.filter(Metadata_pert_type="negcon")
    assert set(negcon["Metadata_Name"]) == controls
    assert set(negcon["Metadata_modality"]) == set(rows["Metadata_modality"])


def test_wells_without_a_modality_of_their_own_get_every_negative_control_of_their_plate(plates):
    asked = {"per_well": {"unknown": 1, "empty": 1}, "with_controls": True}
    unknown = jumpduck.manifest(plates, roles=["unknown"], plates=["C1"], **asked)
    assert set(unknown["Metadata_Name"].drop_nulls()) == {"non-targeting", "DMSO"}
    empty = jumpduck.manifest(plates, roles=["empty"], plates=["O1"], **asked)
    assert set(empty["Metadata_Name"]) == {"Empty", "LacZ", "DMSO"}
