"""The command line that chooses the same again."""

from jumpduck.descriptions.again import manifest_again
from jumpduck.selection.criteria import ALL_SITES, SITES_PER_WELL
from jumpduck.transfer.origins import Origin


def test_a_table_of_what_was_left_out_is_called_by_the_name_of_its_file():
    note = {"name": "outliers.parquet", "rows": 3, "sha256": "00"}
    origin = Origin("", {"roles": ["negcon"], "exclude": note})
    assert manifest_again(origin) == ("jumpduck manifest --role negcon --exclude outliers.parquet")
    assert manifest_again(Origin("", {"exclude": {**note, "name": None}})) is None
    assert manifest_again(Origin("", {"exclude": None, "seed": 7})) == "jumpduck manifest --seed 7"
    assert manifest_again(Origin("")) is None


def test_sites_a_well_are_written_only_where_they_are_not_the_default():
    def of(per_well):
        return manifest_again(Origin("", {"per_well": per_well}))

    assert of(dict(SITES_PER_WELL)) == "jumpduck manifest"
    assert of({**SITES_PER_WELL, "trt": 2}) == "jumpduck manifest --per-well trt=2"
    assert of(dict.fromkeys(SITES_PER_WELL, ALL_SITES)) == "jumpduck manifest --per-well all"
