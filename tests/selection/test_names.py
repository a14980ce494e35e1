"""Names as people write them: in any case, as a number, several in one text."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jumpduck
from jumpduck.errors import QueryError
from jumpduck.selection.suggestions import known_names
from tests.support.examples import examples

SOURCES = ("source_2", "source_3", "source_13")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Source_3", ["source_3"]),
        ("3", ["source_3"]),
        (["3", "source_3"], ["source_3"]),
        ("13,2", ["source_13", "source_2"]),
        (" source_2 , 3 ", ["source_2", "source_3"]),
        (["2 3", "13"], ["source_2", "source_3", "source_13"]),
        ((), []),
    ],
)
def test_a_name_may_be_written_in_another_case_or_as_its_number(asked, found):
    assert known_names("source", asked, SOURCES) == found


def test_a_name_that_may_mean_two_is_refused():
    with pytest.raises(QueryError, match="there is no plate 'pa'; did you mean"):
        known_names("plate", "pa", ["PA", "Pa"])
    assert known_names("plate", "PA", ["PA", "Pa"]) == ["PA"]
    with pytest.raises(QueryError, match="there is no batch '1'"):
        known_names("batch", "1", ["run_1", "day_1"])


@examples(100)
@given(
    names=st.lists(st.text("abAB01_", min_size=1, max_size=4), min_size=1, unique=True),
    separators=st.lists(st.sampled_from([",", " ", ", ", "\t"]), min_size=9, max_size=9),
)
def test_each_known_name_means_itself_however_it_is_separated(names, separators):
    assert known_names("plate", names, names) == names
    text = "".join(itertools.chain(*zip(names, itertools.cycle(separators), strict=False)))
    assert known_names("plate", text, names) == names


@pytest.mark.slow
def test_a_name_with_a_blank_or_comma_of_its_own_is_one_name(plates):
    assert known_names("plate", ["a 1", "b,2 c"], ["a 1", "a", "1", "b", "2", "c"]) == [
        "a 1", "b", "2", "c",
    ]  # fmt: skip
    # "AMG 900" is another spelling of the control AMG900
    rows = jumpduck.manifest(plates, perturbations="AMG 900", per_well={"poscon": 1})
    assert set(rows["Metadata_Name"]) == {"AMG900"}
    rows = jumpduck.manifest(plates, perturbations="TP53, AMG900", per_well={"poscon": 1})
    assert set(rows["Metadata_Name"]) == {"TP53", "AMG900"}
    assert set(jumpduck.find("TP53,DMSO", plates)["asked"]) == {"TP53", "DMSO"}


@pytest.mark.slow
def test_what_is_chosen_is_what_the_names_as_written_choose(plates):
    written = {
        "sources": ["source_13", "source_4"], "channels": ["DNA", "ER"], "roles": ["trt", "negcon"],
        "wells": ["A01", "B01"], "plate_types": ["CRISPR", "ORF"],
    }  # fmt: skip
    meant = {
        "sources": "13,4", "channels": "dna er", "roles": "TRT negcon",
        "wells": "a1, b1", "plate_types": "crispr orf",
    }  # fmt: skip
    assert jumpduck.manifest(plates, **meant).equals(jumpduck.manifest(plates, **written))


@pytest.mark.slow
def test_a_modality_chooses_among_the_perturbations_of_a_name(plates):
    both = jumpduck.manifest(plates, genes="TP53")
    assert set(both["Metadata_modality"]) == {"crispr", "orf"}
    one = jumpduck.manifest(plates, genes="TP53", modalities="CRISPR", with_controls=True)
    assert set(one["Metadata_modality"]) == {"crispr"}
    assert set(one["Metadata_pert_type"]) == {"trt", "negcon"}
