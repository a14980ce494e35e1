"""The JSON file that says what a model takes and gives."""

import json

import pytest

from jumpduck.embeddings.description import Description, description_of, read_description
from jumpduck.errors import ModelError


def test_without_a_file_a_model_takes_images_of_any_size_as_they_are():
    assert read_description(None) == Description()


def test_a_file_says_all_of_it_and_one_number_stands_for_a_square(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    said = {
        "channels": ["b", "a"], "size": 224, "range": [0, 255], "mean": [1, 2], "sd": [3, 4.5],
        "output": "mean", "output_name": "tokens", "prefix_tokens": 5,
        "arguments": {"depth": 3}, "transformers": "config.json", "weights": {"prefix": "vit."},
    }  # fmt: skip
    (tmp_path / "model.json").write_text(json.dumps(said))
    found = read_description(tmp_path / "model.json")
    assert found.size == (224, 224)
    assert found.channels == ("b", "a")
    assert (found.mean, found.sd, found.range) == ((1, 2), (3, 4.5), (0, 255))
    assert found.transformers == {"model_type": "vit"}
    assert description_of(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"sise": 3}, "says 'sise'; did you mean size? it may say channels, size"),
        ({"size": 0}, "has size 0; give an edge from 1 to 16,384 pixels"),
        ({"size": [3, 4, 5]}, "has size [3, 4, 5]; give"),
        ({"size": True}, "has size true; give"),
        ({"channels": "DNA"}, "give a list of names"),
        ({"channels": ["a", "a"]}, "each name stands once"),
        ({"mean": [1, 2]}, "has 2 values as mean and 0 as sd; give as many of both"),
        ({"mean": [1, 2], "sd": [1, 0]}, "a value in sd that is not above 0"),
        ({"mean": 1, "sd": float("nan")}, "give a number, or a list of a number for each channel"),
        ({"mean": [1, 2], "sd": [1, 2], "channels": ["a", "b", "c"]}, "takes 3 channels"),
        ({"mean": [1, 2], "sd": [1, 2], "rgb": "average"}, "takes 3 channels"),
        ({"range": [1, 1]}, "two numbers that differ"),
        ({"output": "last"}, 'has output "last"; give one of features, cls, mean, pooled'),
        ({"output": ["cls"]}, "give one of features, cls, mean, pooled"),
        ({"rgb": "first"}, "give one of concatenate, average"),
        ({"prefix_tokens": -1}, "give a number of tokens"),
        ({"output_name": 1.5}, "its number from 0"),
        ({"arguments": [1]}, "give an object of names and values"),
        ({"weights": {"file": "x"}}, 'give an object such as {"key": "teacher"'),
    ],
)
def test_what_a_description_may_not_say_is_one_line_that_says_what_it_may(said, message):
    with pytest.raises(ModelError) as error:
        description_of(said)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "is not a JSON object"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('{"transformers": "../config.json"}', "the name of a file in the folder"),
        ('{"mean": 1' + "0" * 400 + ', "sd": 1}', "give a number"),
        ('{"transformers": "none.json"}', "none.json cannot be read: No such file"),
        (" " * 2**21, "more than 1 MiB"),
    ],
)
def test_a_file_that_is_no_description_is_one_line(tmp_path, text, message):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match=message):
        read_description(tmp_path / "model.json")


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(ModelError, match=r"model.json cannot be read: No such file"):
        read_description(tmp_path / "model.json")


def test_a_large_file_is_no_configuration(tmp_path):
    (tmp_path / "config.json").write_bytes(b" " * 2**21)
    (tmp_path / "model.json").write_text('{"transformers": "config.json"}')
    with pytest.raises(ModelError, match=r"configuration .*config.json has more than 1 MiB"):
        read_description(tmp_path / "model.json")
