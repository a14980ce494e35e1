"""jumpduck embed and jumpduck models, as a user runs them."""

import json
import shlex

import polars as pl
import pytest

from jumpduck.embeddings.published_models import published_models


def test_models_are_listed_with_licence_and_origin_and_nothing_that_is_not_known(cli):
    found = json.loads(cli("models", "--json").out)["models"]
    assert found == published_models().to_dicts()
    assert len({one["name"] for one in found}) == len(found) > 3
    for one in found:
        assert one["origin"].startswith("https://")
        assert one["sha256"] is None or len(one["sha256"]) == 64
    assert "Apache-2.0" in cli("models", "--csv").out


def test_a_model_that_is_not_there_is_a_usage_error(cli):
    done = cli("embed", "images", "--model", "none.onnx")
    assert done.code == 2
    assert done.err == "jumpduck: --model none.onnx is not a file; give the file of the weights\n"
    assert cli("embed", "images").code == 2


@pytest.mark.torch
def test_the_command_says_what_it_did_and_exits_with_3_where_samples_are_left_out(
    cli, clean, tmp_path
):
    import torch
    from safetensors.torch import save_file

    from tests.support import nets

    save_file(nets.linear().state_dict(), tmp_path / "m.safetensors")
    words = ["embed", clean, "--model", "m.safetensors", "--architecture"]
    words.append("tests.support.nets:linear")
    plan = cli(*words, "--dry-run")
    assert plan.code == 0
    assert "gives 7 values, on cpu in float32" in plan.out or torch.cuda.is_available()
    assert "there already: 0; left to compute: 49; nothing done (--dry-run)" in plan.out
    assert not (tmp_path / "embeddings.parquet").exists()
    done = cli(*words)
    assert done.code == 3
    assert "49 rows -> embeddings.parquet" in done.out
    assert "left out 1: channel Mito: " in done.out
    assert "2 rows of embeddings_left_out.parquet say which samples have no embedding" in done.err
    assert pl.read_parquet(tmp_path / "embeddings_left_out.parquet").height == 2
    again = cli(*words, "--json")
    end = json.loads(again.out.splitlines()[-1])
    assert (end["event"], end["rows"], end["there"], end["left_out"]) == ("end", 49, 49, 2)
    assert cli(*words, "--quiet", "--embeddings", "b.parquet").out == ""
    assert cli(*words, "--channel", "DNA").code == 1


@pytest.mark.torch
def test_after_an_interruption_the_command_that_is_printed_goes_on(cli, clean, tmp_path):
    from safetensors.torch import save_file

    from tests.support import nets

    save_file(nets.Interrupted().state_dict(), tmp_path / "m.safetensors")
    words = ["embed", clean, "--model", "m.safetensors", "--architecture"]
    done = cli(*words, "tests.support.nets:Interrupted", "-o", "a b.parquet", "--workers", "3")
    assert done.code == 130
    again = done.err.partition("what is finished is kept. Go on with: jumpduck ")[2]
    (tmp_path / "alive").touch()
    assert cli(*shlex.split(again)).code == 3
    assert pl.read_parquet(tmp_path / "a b.parquet").height == 49
