"""What stands in jumpduck.toml and in the environment is read or said."""

import pytest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("preset = 3", "[preset.NAME]"),
        ("[preset]\na = 3", "[preset.NAME]"),
        ("seed = 3", "'seed' outside of a table"),
        ("[manifst]\nseed = 3", "'manifst' outside of a table that is read; did you mean manifest"),
        ("[downlod]\nseed = 3", "did you mean download"),
        ("manifest = 3", "must be a mapping"),
        ("[[manifest]]\nseed = 3", "must be a mapping"),
        ("[manifest]\nseed = 'x'", "'x' is not a whole number"),
        ("[manifest]\nmax-sites = 2.7", "'2.7' is not a whole number"),
        ("[manifest]\nseed = [1]", "unable to convert"),
        ("[manifest]\nseed = {a = 1}", "[manifest] of jumpduck.toml has 'seed.a'"),
        ("[manifest]\nsede = 1", "[manifest] of jumpduck.toml has 'sede', which is not an option"),
        ("[manifest]\nsede = 1", "Did you mean seed?"),
        ("[preset.a]\nsede = 3", "preset a has 'sede', which is not an option of manifest"),
        ("[manifest]\nper-well = 3", "--per-well"),
        ("[manifest", "cannot be read as TOML"),
        ("\xff", "cannot be read as TOML"),
        (None, "cannot be read as TOML"),
    ],
)
def test_a_value_of_another_kind_in_the_file_ends_with_2_and_names_it(cli, tmp_path, text, said):
    file = tmp_path / "jumpduck.toml"
    if text is None:
        file.mkdir()
    else:
        file.write_text(text, encoding="latin-1")
    done = cli("manifest", *(["--preset", "a"] if "preset" in (text or "") else []))
    assert done.code == 2
    assert said in " ".join(done.err.replace("\u2502", "").split())


@pytest.mark.parametrize(
    ("verb", "flag"),
    [
        ("manifest", "--per-source"), ("manifest", "--seed"), ("manifest", "--controls-per-plate"),
        ("download", "--limit"), ("download", "--connections"), ("verify", "--threads"),
        ("get", "--max-sites"),
    ],
)  # fmt: skip
def test_a_fraction_is_refused_where_a_whole_number_is_wanted(cli, verb, flag):
    done = cli(verb, flag, "1.5")
    assert done.code == 2
    assert f"Invalid value for {flag}: '1.5' is not a whole number" in done.err


def test_a_variable_that_is_not_read_is_said(cli, tmp_path):
    set_ = {
        "JUMPDUCK_RECIPES_JSN": "1",
        "JUMPDUCK_CONNECTIONS": "5",
        "JUMPDUCK_RECIPES_QUIET": "false",
        "JUMPDUCK_DOWNLOAD_CONECTIONS": "5",
        "JUMPDUCK_CACHE": str(tmp_path),
    }
    done = cli("recipes", **set_)
    assert done.code == 0
    first, second = (line for line in done.err.splitlines() if line.startswith("jumpduck: "))
    assert first == (
        "jumpduck: JUMPDUCK_CONNECTIONS is not known and not read; "
        "a variable is JUMPDUCK_RECIPES_OPTION"
    )
    assert "JUMPDUCK_RECIPES_JSN is not known and not read; did you mean JUMPDUCK_RECIPES_JSON" in (
        second
    )
    assert "JUMPDUCK_DOWNLOAD_CONNECTIONS" in cli("download", **set_).err
