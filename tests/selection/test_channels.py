"""A sample counts sites that have what was asked for."""

import pytest

import jumpduck

SITE = ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]


@pytest.mark.parametrize("channels", ["Brightfield", ["DNA", "Brightfield"]])
@pytest.mark.slow
def test_a_sample_counts_only_sites_that_have_the_channels_asked_for(plates, channels):
    """Brightfield was taken of one site of nine: a sample of all sites would miss most wells."""
    per_well = {"trt": 1, "negcon": 1, "poscon": 1}
    rows = jumpduck.manifest(plates, channels=channels, per_well=per_well)
    assert set(rows.select(SITE).rows()) == {("P1", f"A0{well}", 1) for well in (1, 2, 3, 4)}
    assert rows.height == 4 * (1 if channels == "Brightfield" else 2)


@pytest.mark.slow
def test_a_budget_counts_the_images_that_a_site_has(plates):
    """Of 36 sites with 5 images each, 4 have brightfield too; an image takes 2.53 MB."""
    asked = {
        "plates": "P1",
        "brightfield": True,
        "per_well": dict.fromkeys(("trt", "negcon", "poscon"), 9),
    }
    every = jumpduck.manifest(plates, **asked)
    assert every.height == 36 * 5 + 4
    assert jumpduck.manifest(plates, **asked, max_gb=184 * 0.00254).equals(every)


def test_brightfield_is_added_where_it_was_imaged_and_no_site_is_lost(plates):
    rows, more = (jumpduck.manifest(plates, brightfield=added) for added in (False, True))
    assert more.filter(channel_kind="stain").equals(rows)
    assert set(more.filter(channel_kind="brightfield")["Metadata_Site"]) == {1}


@pytest.mark.slow
def test_what_was_not_published_is_said(cli, plates):
    words = ("manifest", "--catalog", plates, "--dry-run", "--illum", "--brightfield")
    said = cli(*words, "--plate", "P1", "C2", "--role", "trt", "--per-well", "trt=9").out
    assert "25 of 27 sites have no brightfield image here (source_13, source_3)" in said
    assert "137 of 137 files have no illumination function here (source_13, source_3)" in said
