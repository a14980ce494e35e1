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
        ("[manifest]\nseed = 'x'", "unable to convert"),
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
