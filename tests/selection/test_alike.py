"""A perturbation that is only alike what was named is chosen or left out, and it is said."""

import logging

import pytest

import jumpduck
from tests.support.examples import first_quick

PAIR = {"LOUPRKONTZGTKE-UHFFFAOYSA-N": "A01", "LOUPRKONTZGTKE-WZBLMQSHSA-N": "A02"}
"""The keys of a pair of mirror images on plate P1, and their wells."""


@pytest.mark.parametrize(
    "option", ["compounds", pytest.param("perturbations", marks=pytest.mark.slow)]
)
@first_quick(2, "key", [*PAIR, *map(str.lower, PAIR)])
@pytest.mark.slow
def test_a_whole_key_chooses_what_has_it_and_says_what_is_left_out(plates, caplog, option, key):
    rows = jumpduck.manifest(plates, **{option: key})
    assert set(rows["Metadata_Well"]) == {PAIR[key.upper()]}
    (said,) = caplog.messages
    assert key in said
    assert "left out, alike only by the first layer of InChIKey" in said


def test_a_first_layer_chooses_all_that_have_it(plates, caplog):
    rows = jumpduck.manifest(plates, compounds=["LOUPRKONTZGTKE"])
    assert set(rows["Metadata_Well"]) == set(PAIR.values())
    assert caplog.messages == []


def test_a_key_that_nothing_has_chooses_by_its_first_layer_and_says_so(cli, plates, caplog):
    caplog.set_level(logging.WARNING)
    key = "LOUPRKONTZGTKE-AAAAAAAAAA-N"
    said = cli("manifest", "--catalog", plates, "--compound", key, "--dry-run").out
    line = f"compound '{key}' is not known; chosen is JCP2022_050797, JCP2022_050798"
    assert line in said
    assert caplog.messages == [], "the command line prints it, and does not log it"
    assert len(jumpduck.manifest(plates, compounds=[key, "DMSO"])["Metadata_Well"].unique()) > 2
    assert line in caplog.messages[0]


def test_find_shows_what_is_alike_and_says_how(plates):
    found = jumpduck.find([next(iter(PAIR))], plates)
    assert found["matched_by"].to_list() == ["InChIKey", "first layer of InChIKey"]
