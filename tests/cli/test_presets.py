"""Selections that have a name."""

import json

import pytest


@pytest.mark.slow
def test_a_flag_wins_over_a_preset(cli, catalog, tmp_path):
    (tmp_path / "jumpduck.toml").write_text(
        '[preset.taste]\nper-well = "trt=1,poscon=1,negcon=1"\nseed = 3\n'
    )
    at = ("manifest", "--catalog", catalog, "--json")
    one = json.loads(cli(*at, "--preset", "taste").out)
    assert sum(row["sites"] for row in one["by_source"]) == 11
    two = json.loads(cli(*at, "--preset", "taste", "--per-well", "trt=2,poscon=1,negcon=1").out)
    assert sum(row["sites"] for row in two["by_source"]) == 16
    assert "taste" in cli(*at, "--preset", "tast").err
    shown = cli("manifest", "--preset", "taste", "--show-config").out
    assert 'per-well = "trt=1,poscon=1,negcon=1"' in shown
    assert "seed = 3" in shown


@pytest.mark.slow
def test_the_preset_jump_download_selects_the_sites_of_jump_download(cli, catalog):
    done = cli("manifest", "--catalog", catalog, "--preset", "jump-download", "--json")
    assert json.loads(done.out)["files"] == 255
