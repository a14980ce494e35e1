"""Models from files, applied to arrays."""

import os
import pickle
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from jumpduck.embeddings.description import description_of
from jumpduck.embeddings.models import embed_arrays, load_model
from jumpduck.errors import ModelError, QueryError
from tests.support import nets

pytestmark = pytest.mark.torch

IMAGES = np.random.default_rng(3).random((10, 5, 16, 16), np.float32)

VIT = {
    "model_type": "vit", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "image_size": 16, "patch_size": 8, "num_channels": 5,
}  # fmt: skip


def made(name, **arguments):
    torch.manual_seed(1)
    return getattr(nets, name)(**arguments).eval()


def saved(module, folder, name="model.safetensors"):
    save_file(module.state_dict(), folder / name)
    return folder / name


def loaded(folder, name, said=None, **arguments):
    said = {"arguments": arguments, **(said or {})}
    file = saved(made(name, **arguments), folder)
    return load_model(file, description_of(said), architecture=f"tests.support.nets:{name}")


def values_of(module, images=IMAGES):
    with torch.inference_mode():
        return module(torch.from_numpy(images)).numpy()


def test_a_linear_model_gives_its_closed_form(tmp_path):
    module = made("linear")
    model = loaded(tmp_path, "linear", {"mean": [0.1] * 5, "sd": [2] * 5})
    weight, bias = (one.detach().numpy() for one in module[1].parameters())
    means = (IMAGES.astype(np.float64).mean((2, 3)) - 0.1) / 2
    found = embed_arrays(model, IMAGES)
    assert found.dtype == np.float32
    assert found == pytest.approx(means @ weight.T + bias, abs=1e-6)


def test_the_same_images_in_another_batch_size_have_the_same_embeddings(tmp_path):
    model = loaded(tmp_path, "convolution")
    whole = embed_arrays(model, IMAGES, batch=32)
    for batch in (1, 3, 10):
        assert np.abs(embed_arrays(model, IMAGES, batch=batch) - whole).max() < 1e-5
    assert embed_arrays(model, IMAGES[:0]).shape == (0, 6)


def test_channels_are_taken_by_their_names_in_the_order_of_the_model(tmp_path):
    model = loaded(tmp_path, "Given", {"channels": ["c", "a"]})
    found = embed_arrays(model, IMAGES[:, :3], channels=["a", "b", "c"])
    assert np.array_equal(found[:, 2:4], IMAGES[:, [2, 0], 0, 0])
    with pytest.raises(ModelError, match="takes the channel c, and the images have a, b"):
        embed_arrays(model, IMAGES[:, :2], channels=["a", "b"])


def test_safetensors_a_checkpoint_torchscript_and_onnx_give_the_same(tmp_path):
    module = made("convolution")
    expected = values_of(module)
    files = {"s": saved(module, tmp_path)}
    torch.save({"epoch": 3, "model": module.state_dict()}, tmp_path / "m.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(module, torch.from_numpy(IMAGES)).save(tmp_path / "script.pt")
        torch.onnx.export(
            module, (torch.from_numpy(IMAGES),), tmp_path / "model.onnx", dynamo=False,
            input_names=["x"], dynamic_axes={"x": {0: "n"}},
        )  # fmt: skip
        torch.onnx.export(
            module, (torch.from_numpy(IMAGES[:4]),), tmp_path / "of_four.onnx", dynamo=False,
            output_names=["found"],
        )  # fmt: skip
    net = "tests.support.nets:convolution"
    weights = description_of({"weights": {"key": "model"}})
    models = [
        load_model(files["s"], architecture=net),
        load_model(tmp_path / "m.pt", weights, architecture=net),
        load_model(tmp_path / "script.pt"),
        load_model(tmp_path / "model.onnx"),
        load_model(tmp_path / "of_four.onnx", description_of({"output_name": "found"})),
    ]
    assert [one.kind for one in models] == ["torch", "torch", "torchscript", "onnx", "onnx"]
    with pytest.raises(QueryError, match="is TorchScript and says by itself how to compute"):
        load_model(tmp_path / "script.pt", architecture=net)
    assert models[3].description.size == (16, 16)
    for model in models:
        assert np.abs(embed_arrays(model, IMAGES) - expected).max() < 1e-5
        assert len(model.facts["sha256"]) == 64


def test_weights_of_another_shape_missing_or_further_ones_are_refused_by_name(tmp_path):
    state = made("linear").state_dict()
    net = "tests.support.nets:linear"

    def refused(change, message):
        save_file(change, tmp_path / "x.safetensors")
        with pytest.raises(ModelError) as error:
            load_model(tmp_path / "x.safetensors", architecture=net)
        assert message in str(error.value)
        assert "\n" not in str(error.value)

    bias = {"1.bias": state["1.bias"]}
    refused(bias, "has other weights than the module (1 missing: 1.weight)")
    refused({**state, "head.weight": torch.ones(1)}, "(1 further: head.weight)")
    refused({**state, **{f"h{n}": torch.ones(1) for n in range(5)}}, "h0, h1, h2 and 2 more")
    other = {**bias, "1.weight": torch.ones(7, 4)}
    refused(other, "1 of another shape: 1.weight (7, 4) instead of (7, 5)")


def test_weights_are_taken_under_a_key_and_with_a_prefix_and_the_others_are_counted(tmp_path):
    state = made("linear").state_dict()
    teacher = {f"backbone.{name}": one for name, one in state.items()} | {"head.x": torch.ones(1)}
    torch.save({"teacher": teacher, "epoch": 1}, tmp_path / "m.pth")
    net = "tests.support.nets:linear"
    said = {"weights": {"key": "teacher", "prefix": "backbone."}}
    model = load_model(tmp_path / "m.pth", description_of(said), architecture=net)
    assert model.facts["left_out_tensors"] == 1
    assert embed_arrays(model, IMAGES) == pytest.approx(values_of(made("linear")))
    for weights, message in (
        ({}, "has teacher, epoch beside tensors; say in the description where"),
        ({"key": "student"}, "has no 'student'.*it has teacher, epoch"),
        ({"key": "teacher", "prefix": "vit."}, "begins with the prefix 'vit.'.*like backbone.1"),
    ):
        with pytest.raises(ModelError, match=message):
            load_model(tmp_path / "m.pth", description_of({"weights": weights}), architecture=net)


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("architecture", [None, "tests.support.nets:linear"])
def test_pickled_code_is_refused_and_not_run(tmp_path, monkeypatch, architecture):
    monkeypatch.chdir(tmp_path)
    torch.save(made("linear"), tmp_path / "module.pt")
    torch.save({"state": Harmful()}, tmp_path / "harmful.pt")
    (tmp_path / "harmful.pkl").write_bytes(pickle.dumps({"state": Harmful()}, protocol=2))
    for name, code in (("module.pt", r"\(torch"), ("harmful.pt", r"\("), ("harmful.pkl", "")):
        with pytest.raises(ModelError, match=f"{name} holds pickled code.?{code}") as error:
            load_model(tmp_path / name, architecture=architecture)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("name", ["m.safetensors", "m.pt", "m.onnx"])
def test_a_file_that_is_something_else_is_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"something else, and not a model at all")
    with pytest.raises(ModelError, match=name) as error:
        load_model(
            tmp_path / name, architecture=None if "onnx" in name else "tests.support.nets:Given"
        )
    assert "\n" not in str(error.value)


def test_a_damaged_archive_is_one_line(tmp_path):
    file = tmp_path / "m.pt"
    torch.save({"weight": torch.zeros(3)}, file)
    file.write_bytes(file.read_bytes().replace(b"PK\1\2", b"none"))
    with pytest.raises(ModelError, match=r"m\.pt is not a checkpoint of torch"):
        load_model(file)


def test_onnx_with_its_weights_in_another_file_is_refused(tmp_path, monkeypatch):
    import onnx

    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(made("linear"), (torch.zeros(1, 5, 8, 8),), "whole.onnx", dynamo=False)
    assert load_model("whole.onnx").dimensions(5) == 7
    onnx.save_model(onnx.load("whole.onnx"), "m.onnx", save_as_external_data=True, size_threshold=0)
    with pytest.raises(ModelError, match="weights must stand in the file itself"):
        load_model("m.onnx")


def test_options_that_do_not_go_together_are_one_line(tmp_path):
    file = saved(made("linear"), tmp_path)
    for architecture, message in (
        (None, "holds weights only; name the function that makes the module with `architecture`"),
        ("tests.support.nets", "is not like MODULE:FUNCTION"),
        ("tests.support.nets:none", "AttributeError"),
        ("nowhere:none", "No module named 'nowhere'"),
        ("tests.support.nets:not_a_module", "makes a str, not a module of torch"),
    ):
        with pytest.raises(QueryError, match=message):
            load_model(file, architecture=architecture)
    said = description_of({"arguments": {"depth": 1}})
    with pytest.raises(QueryError, match="unexpected keyword argument 'depth'"):
        load_model(file, said, architecture="tests.support.nets:linear")
    with pytest.raises(QueryError, match=r"none\.onnx is not a file"):
        load_model(tmp_path / "none.onnx")


def test_images_that_the_model_does_not_take_are_one_line(tmp_path):
    model = loaded(tmp_path, "convolution")
    with pytest.raises(ModelError, match=r"shape \(4, 64, 64\).*name its channels"):
        model.dimensions(4)


def test_a_size_that_no_memory_holds_is_refused_before_the_model_is_tried(tmp_path):
    model = loaded(tmp_path, "convolution", {"size": 16384})
    with pytest.raises(ModelError, match=r"5 channels and 16384 x 16384 pixels has 5\.0 GiB"):
        model.dimensions(5)


def test_a_model_that_gives_less_than_an_embedding_for_each_image_is_refused(tmp_path):
    with pytest.raises(ModelError, match="gives 1 embeddings for 10 images"):
        embed_arrays(loaded(tmp_path, "First"), IMAGES)
    with pytest.raises(ModelError, match="embeddings without a value"):
        loaded(tmp_path, "Nothing").dimensions(5)


def test_complex_values_are_refused_and_not_cut_to_their_real_parts(tmp_path):
    with pytest.raises(ModelError, match="complex values"):
        embed_arrays(loaded(tmp_path, "Complex"), IMAGES)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_error_inside_of_torchscript_says_its_reason(tmp_path):
    file = tmp_path / "model.pt"
    torch.jit.script(nets.Refusing()).save(file)
    with pytest.raises(ModelError, match="takes four channels"):
        embed_arrays(load_model(file), IMAGES)


def test_an_embedding_is_the_output_that_was_asked_for(tmp_path):
    first = IMAGES.mean((1, 2, 3))[:, None]
    for said, expected in (
        ({"output": "cls"}, 10 * first),
        ({"output": "mean"}, 2.5 * first),
        ({"output": "mean", "prefix_tokens": 3}, 3.5 * first),
        ({"output": "mean", "prefix_tokens": 0}, 4 * first),
        ({"output": "pooled"}, 10 * first + 1),
        ({"output_name": "pooler_output"}, 10 * first + 1),
        ({"output_name": 1}, 10 * first + 1),
    ):
        found = embed_arrays(loaded(tmp_path, "Tokens", said), IMAGES)
        assert found == pytest.approx(np.repeat(expected, 2, axis=1), rel=1e-5), said
    for said, message in (
        ({}, r"shape \(1, 5, 2\), which the description's output 'features'"),
        ({"output": "mean", "prefix_tokens": 5}, "more than 5 tokens"),
        ({"output_name": "other"}, "one of last_hidden_state, pooler_output"),
        ({"output_name": 2}, "has no output 2"),
    ):
        with pytest.raises(ModelError, match=message):
            loaded(tmp_path, "Tokens", said).dimensions(5)


def test_a_picture_of_three_colours_for_each_channel_is_concatenated_or_averaged(tmp_path):
    module = made("linear", channels=3, dimensions=2)
    values = [values_of(module, IMAGES[:, [n] * 3]) for n in range(5)]
    for rgb, expected in (("concatenate", np.hstack(values)), ("average", np.mean(values, 0))):
        model = loaded(tmp_path, "linear", {"rgb": rgb}, channels=3, dimensions=2)
        assert embed_arrays(model, IMAGES, batch=4) == pytest.approx(expected, abs=1e-6)


def transformer(folder, configuration, said):
    import transformers

    torch.manual_seed(2)
    config = transformers.AutoConfig.for_model(**configuration)
    module = transformers.AutoModel.from_config(config).eval()
    file = saved(module, folder)
    said = description_of({"transformers": {**configuration, "dtype": "float16"}, **said})
    return module, load_model(file, said)


def test_a_vision_transformer_of_five_channels_gives_its_tokens(tmp_path):
    pixels = torch.from_numpy(IMAGES)
    for output in ("cls", "mean", "pooled"):
        module, model = transformer(tmp_path, VIT, {"output": output})
        with torch.inference_mode():
            found = module(pixels)
        tokens = found.last_hidden_state
        expected = {
            "cls": tokens[:, 0], "mean": tokens[:, 1:].mean(1), "pooled": found.pooler_output,
        }[output]  # fmt: skip
        assert model.description.size == (16, 16)
        assert np.abs(embed_arrays(model, IMAGES, batch=3) - expected.numpy()).max() < 1e-5


def test_a_transformer_takes_another_size_where_that_is_asked_for(tmp_path):
    module, model = transformer(tmp_path, VIT, {"output": "cls", "size": 32})
    larger = np.random.default_rng(4).random((2, 5, 32, 32), np.float32)
    with torch.inference_mode():
        found = module(torch.from_numpy(larger), interpolate_pos_encoding=True)
    expected = found.last_hidden_state[:, 0].numpy()
    assert np.abs(embed_arrays(model, larger) - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [("dinov2", 1), ("dinov2_with_registers", 5), ("deit", 2), ("vit_msn", 1), ("vit_mae", 1)],
)
def test_other_transformers_leave_out_the_tokens_that_are_not_of_patches(tmp_path, kind, prefix):
    module, model = transformer(tmp_path, {**VIT, "model_type": kind}, {"output": "mean"})
    assert model.description.prefix_tokens == prefix
    found = embed_arrays(model, IMAGES)
    # a masked autoencoder sees the whole image, and each time the same
    assert np.array_equal(embed_arrays(model, IMAGES), found)
    if kind != "vit_mae":
        with torch.inference_mode():
            tokens = module(torch.from_numpy(IMAGES)).last_hidden_state
        assert np.abs(tokens[:, prefix:].mean(1).numpy() - found).max() < 1e-5


def test_a_configuration_cannot_name_code_to_fetch(tmp_path):
    said = {"attn_implementation": "someone/code", "experts_implementation": "someone/code"}
    _, plain = transformer(tmp_path, VIT, {"output": "cls"})
    model = load_model(
        plain.file, description_of({"transformers": {**VIT, **said}, "output": "cls"})
    )
    assert np.array_equal(embed_arrays(model, IMAGES), embed_arrays(plain, IMAGES))


def test_a_configuration_of_something_else_is_one_line(tmp_path):
    file = saved(made("linear"), tmp_path)
    for configuration, message in (
        ({"model_type": "bert"}, "model_type 'bert' is none of deit, dinov2"),
        ({**VIT, "patch_size": "x"}, "the configuration of the transformer is wrong"),
        (VIT, "has other weights than the module"),
    ):
        with pytest.raises(ModelError, match=message):
            load_model(file, description_of({"transformers": configuration}))


def test_where_the_memory_is_too_small_batches_become_smaller_and_that_is_said(tmp_path):
    said = []
    found = embed_arrays(loaded(tmp_path, "Small"), IMAGES, batch=8, say=said.append)
    assert np.array_equal(found[:, 2:7], IMAGES[:, :, 0, 0])
    assert said == [
        "8 images at the same time do not fit in the memory of the device cpu; 4 from now on",
        "4 images at the same time do not fit in the memory of the device cpu; 2 from now on",
    ]
    with pytest.raises(ModelError, match="one image does not fit in the memory of the device cpu"):
        embed_arrays(loaded(tmp_path, "Tiny"), IMAGES)


@pytest.mark.parametrize(
    ("name", "missing", "extra"),
    [("m.safetensors", "torch", "torch"), ("m.onnx", "onnxruntime", "onnx")],
)
def test_without_its_library_a_model_names_the_extra(tmp_path, monkeypatch, name, missing, extra):
    from jumpduck.embeddings import models, onnx_networks

    for module in (models, onnx_networks):
        monkeypatch.setattr(module, "find_spec", lambda one: None if one == missing else True)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(QueryError, match=rf"install the extra: pip install 'jumpduck\[{extra}\]'"):
        load_model(tmp_path / name)
