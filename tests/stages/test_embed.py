"""jumpduck.embed: a folder of images and a model -> a table of embeddings."""

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import save_file

import jumpduck
from jumpduck.errors import ModelError, QueryError, StoreError
from jumpduck.rows import SITE_KEY
from jumpduck.stages.embed import FACT, left_out_path
from tests.support import nets
from tests.support.places import ROOT

pytestmark = pytest.mark.torch

CHANNELS = ("AGP", "DNA", "ER", "Mito", "RNA")


@pytest.fixture(scope="module")
def images(catalog, tmp_path_factory):
    """The folder of a download; two of its files could not be had. No test may change it."""
    out = tmp_path_factory.mktemp("images")
    jumpduck.download(jumpduck.manifest(catalog), out)
    return out


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Weights and the function that makes their module, by its name, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def saved(name, said=None, **arguments):
        torch.manual_seed(1)
        save_file(getattr(nets, name)(**arguments).state_dict(), f"{name}.safetensors")
        (tmp_path / f"{name}.json").write_text(json.dumps({"arguments": arguments, **(said or {})}))
        return {
            "model": f"{name}.safetensors",
            "description": f"{name}.json",
            "architecture": f"tests.support.nets:{name}",
        }

    return saved


def table(path="embeddings.parquet"):
    return pl.read_parquet(path)


def numbers(frame):
    return frame.select(pl.col("^emb.*$")).to_numpy()


def said(path="embeddings.parquet"):
    return json.loads(pl.read_parquet_metadata(path)[FACT])


def test_a_linear_model_gives_its_closed_form_for_each_field(images, model):
    done = jumpduck.embed(images, **model("linear"))
    samples = jumpduck.dataset(images)
    found = table()
    assert found.height == len(samples) == done.rows == 49
    assert found.schema["emb0006"] == pl.Float32
    assert found.select(SITE_KEY).equals(samples.table.select(SITE_KEY))
    torch.manual_seed(1)
    weight, bias = (one.detach().numpy() for one in nets.linear()[1].parameters())
    means = np.stack([samples[n].image.mean((1, 2), dtype=np.float64) for n in range(49)])
    assert numbers(found) == pytest.approx(means @ weight.T + bias, abs=1e-6)


def test_a_shuffled_manifest_and_another_batch_size_change_nothing(
    catalog, images, model, tmp_path
):
    options = model("Given", {"channels": ["RNA", "DNA"]})
    jumpduck.embed(images, **options)
    shuffled = (
        jumpduck.manifest(catalog)
        .sample(fraction=1, shuffle=True, seed=3)
        .sort(["Metadata_Source", "Metadata_Batch", "Metadata_Plate"], maintain_order=True)
    )
    jumpduck.download(shuffled, tmp_path / "shuffled")
    jumpduck.embed(tmp_path / "shuffled", **options, batch=5, workers=3, path="other.parquet")
    assert table("other.parquet").equals(table())
    assert said()["channels"] == ["RNA", "DNA"]
    by_name = jumpduck.dataset(images, channels=["RNA", "DNA"])
    assert numbers(table())[7, 2:4] == pytest.approx(by_name[7].image[:, 0, 0])


def test_what_was_asked_for_is_what_the_model_gets_and_what_the_file_says(images, model):
    options = model("Given", {"size": [30, 20], "range": [0, 255], "mean": [3] * 5, "sd": [2] * 5})
    jumpduck.embed(images, **options)
    samples = jumpduck.dataset(images)
    found = numbers(table())
    assert (found[:, :2] == [30, 20]).all()
    means = (255 * samples[11].image.mean((1, 2)) - 3) / 2
    assert found[11, 7:] == pytest.approx(means, rel=1e-4)
    facts = said()
    assert facts["input_size"] == [30, 20]
    assert facts["channels"] == list(CHANNELS)
    assert facts["statistics"] == {
        "of": "the model", "scale": [127.5] * 5, "shift": [-1.5] * 5,
    }  # fmt: skip
    assert facts["model"]["sha256"] == sha256(Path("Given.safetensors").read_bytes()).hexdigest()
    assert {"torch", "architecture", "architecture_sha256", "description"} <= set(facts["model"])


def test_statistics_of_the_images_take_the_place_of_those_of_the_model(images, model):
    options = model("Given", {"mean": [3] * 5, "sd": [2] * 5})
    jumpduck.embed(images, **options, standardise=True)
    samples = jumpduck.dataset(images)
    known = samples.statistics()
    expected = (samples[4].image[:, 0, 0] - known.mean) / known.sd
    assert numbers(table())[4, 2:7] == pytest.approx(expected, rel=1e-4)
    facts = said()["statistics"]
    assert facts["of"] == "the images"
    assert facts["scale"] == pytest.approx(1 / known.sd)


def test_the_table_is_taken_by_normalize_and_evaluate(images, model):
    jumpduck.embed(images, **model("linear"))
    done = jumpduck.normalize("embeddings.parquet", methods=["standardize:on=all"])
    assert len(done.features) == 7
    found = jumpduck.evaluate(
        "normalized.parquet", metrics=["pert_acc"], treatments=["Metadata_JCP2022"]
    )
    assert found.metrics["n"][0] > 0


def test_a_run_that_was_killed_goes_on_and_its_table_has_the_same_bytes(images, model, tmp_path):
    options = model("Killed", {"size": 8})
    script = f"import jumpduck; jumpduck.embed({str(images)!r}, batch=10, **{options!r})"

    def run():
        env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "HOME": str(tmp_path)}
        return subprocess.run([sys.executable, "-c", script], env=env, cwd=tmp_path).returncode

    assert run() == -9
    assert not (tmp_path / "embeddings.parquet").exists()
    (tmp_path / "alive").touch()
    events = []
    again = jumpduck.embed(images, batch=10, **options, progress=events.append)
    assert again.there == 18  # of the plate that was done
    assert sum(one["samples"] for one in events if one["event"] == "batch") == 31
    whole = jumpduck.embed(images, batch=10, **options, path="whole.parquet")
    assert whole.there == 0
    assert (tmp_path / "embeddings.parquet").read_bytes() == (
        tmp_path / "whole.parquet"
    ).read_bytes()
    assert not (tmp_path / "embeddings.parquet.parts").exists()


def test_the_name_of_the_table_may_have_brackets(images, model):
    for there in (0, 49):
        assert jumpduck.embed(images, **model("Given"), path="a[1].parquet").there == there


def test_another_model_or_other_parameters_take_nothing_of_an_earlier_run(images, model):
    first = model("Given", {"size": 8})
    jumpduck.embed(images, **first)
    before = table()
    assert jumpduck.embed(images, **model("Given", {"size": 9})).there == 0
    assert (numbers(table())[:, 0] == 9).all()
    assert jumpduck.embed(images, **model("Given", {"size": 8})).there == 0
    assert table().equals(before)


def test_rows_of_an_earlier_table_are_taken_where_nothing_of_them_changed(images, model, tmp_path):
    options = model("Given", {"size": 8})
    one = "Metadata_Plate = '1000000001'"
    assert jumpduck.embed(images, **options, where=one).rows == 18
    before = Path("embeddings.parquet").read_bytes()
    again = jumpduck.embed(images, **options, where=one)
    assert (again.there, again.rows) == (18, 18)
    assert Path("embeddings.parquet").read_bytes() == before
    other = "Metadata_Plate <> 'JD5876c3'"
    more = jumpduck.embed(images, **options, where=other)
    assert (more.there, more.rows) == (18, 36)
    whole = jumpduck.embed(images, **options, where=other, path="whole.parquet")
    assert whole.there == 0
    assert table().equals(table("whole.parquet"))
    # a file whose parts are not as it says is not believed
    table().head(20).write_parquet(
        "embeddings.parquet", metadata=pl.read_parquet_metadata("whole.parquet")
    )
    assert jumpduck.embed(images, **options, where=other).there == 0
    assert table().equals(table("whole.parquet"))


def test_samples_without_an_embedding_are_rows_with_the_reason(images, model, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(images, broken)
    rows = pl.read_parquet(broken / "results.parquet")
    lost = rows.filter(status="fetched", Metadata_Channel="DNA").row(4, named=True)
    file = broken / lost["path"]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    samples = jumpduck.dataset(images)
    nan = sum(samples[n].image[0, 0, 0] > 0.5 for n in range(49))
    assert nan
    done = jumpduck.embed(broken, **model("NotFinite"))
    left_out = pl.read_parquet(left_out_path(tmp_path / "embeddings.parquet"))
    assert done.left_out.equals(left_out)
    reasons = left_out["reason"].to_list()
    assert reasons.count("the model gave nan or infinity") == nan
    of_broken = left_out.filter(pl.col(name) == lost[name] for name in SITE_KEY)["reason"]
    assert of_broken.str.contains("DNA").any()
    assert left_out.height == nan + 1 + 2  # two sites lack an image
    assert table().height == done.rows == 49 - nan - 1
    assert np.isfinite(numbers(table())).all()
    # what could not be read is tried again
    file.write_bytes((images / lost["path"]).read_bytes())
    done = jumpduck.embed(broken, **model("NotFinite"))
    assert done.rows == 49 - nan
    assert not (tmp_path / "embeddings.parquet.parts").exists()


def test_tiles_have_the_size_and_stride_that_were_asked_for_or_the_size_of_the_model(images, model):
    options = model("Given", {"size": 24})
    jumpduck.embed(images, **options, unit="tile", size=32, stride=16)
    found, samples = table(), jumpduck.dataset(images, unit="tile", size=32, stride=16)
    assert found.select("Metadata_Tile_Y", "Metadata_Tile_X").equals(
        samples.table.select("Metadata_Tile_Y", "Metadata_Tile_X")
    )
    assert (numbers(found)[:, :2] == 24).all()
    assert numbers(found)[:, 7:].mean(0) == pytest.approx(
        np.mean([samples[n].image.mean((1, 2)) for n in range(len(samples))], 0), rel=1e-4
    )
    assert [said()[name] for name in ("unit", "size", "stride", "input_size")] == [
        "tile", 32, 16, [24, 24],
    ]  # fmt: skip
    jumpduck.embed(images, **options, unit="tile")
    assert [said()[name] for name in ("size", "stride")] == [24, 24]
    tile = jumpduck.dataset(images, unit="tile", size=24)[5].image
    assert numbers(table())[5, 2:7] == pytest.approx(tile[:, 0, 0])


def test_images_of_a_manifest_are_embedded_without_a_download(manifest, s3, model, tmp_path):
    done = jumpduck.embed(
        manifest, **model("Given", {"size": 16}), endpoint=s3.endpoint, cache=tmp_path / "cache"
    )
    assert table().height == done.rows == 49
    assert len(done.left_out) == 2
    assert done.left_out["reason"].null_count() == 0
    found = jumpduck.dataset(manifest, endpoint=s3.endpoint, cache=tmp_path / "cache")
    (first,) = found.read_all([0])
    assert numbers(table())[0, 7:] == pytest.approx(first.image.mean((1, 2)), rel=1e-3)


def test_cells_are_squares_around_the_positions_of_a_table(images, model, tmp_path):
    sites = jumpduck.dataset(images).table.select(SITE_KEY)
    cells = sites.with_columns(Nuclei_Location_Center_X=pl.lit(40.0), Nuclei_Location_Center_Y=50.0)
    cells.write_parquet("cells.parquet")
    jumpduck.embed(images, **model("Given"), unit="cell", size=20, cells="cells.parquet")
    samples = jumpduck.dataset(images, unit="cell", size=20, cells=cells)
    assert table().height == len(samples) > 0
    assert {"Metadata_Cell_Y", "Metadata_Cell_X"} <= set(table().columns)
    assert numbers(table())[3, 2:7] == pytest.approx(samples[3].image[:, 0, 0])


def test_where_the_disk_is_full_one_line_says_so_and_what_is_finished_stays(
    images, model, tmp_path
):
    options = model("Given", {"size": 8})
    # a file may have 4 kB, a part has more
    script = (
        "import resource, signal, jumpduck\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from jumpduck.errors import StoreError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"try: jumpduck.embed({str(images)!r}, **{options!r})\n"
        "except StoreError as error: print(error)"
    )
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert "File too large" in done.stdout, done.stderr
    assert "what is finished is kept" in done.stdout
    assert not list(tmp_path.rglob("*.part"))


def test_a_wrong_option_is_one_line_before_anything_is_read(images, model, tmp_path):
    options = model("Given", {"channels": ["RNA", "DNA"], "size": [8, 9]})
    for wrong, error, message in (
        ({"batch": 0}, QueryError, "batch 0 is not from 1 to 65,536"),
        ({"path": "x.csv"}, QueryError, "give a name that ends with .parquet"),
        ({"tiles": "random", "unit": "tile", "size": 8}, QueryError, "tiles 'random' are others"),
        ({"unit": "tile"}, QueryError, "needs `size`, because the 8 x 9 pixels"),
        ({"channels": ["AGP"]}, QueryError, "and the model takes 2, RNA, DNA"),
        ({"channels": ["AGP", "NON"]}, QueryError, "NON"),
        ({"description": "none.json"}, ModelError, "none.json cannot be read"),
        ({"path": "Given.safetensors.parquet"}, StoreError, "not a table of embeddings"),
    ):
        (tmp_path / "Given.safetensors.parquet").write_text("mine")
        with pytest.raises(error, match=message):
            jumpduck.embed(images, **{**options, **wrong})


def test_a_model_of_more_channels_than_there_are_is_one_line(images, model):
    with pytest.raises(QueryError, match="DAPI"):
        jumpduck.embed(images, **model("Given", {"channels": ["DNA", "DAPI"]}))
    with pytest.raises(ModelError, match=r"shape \(5, .*name its channels"):
        jumpduck.embed(images, **model("linear", channels=4))


def test_a_model_with_another_number_of_values_for_some_images_is_one_line(images, model):
    with pytest.raises(ModelError, match="gives 2 values for some images and 3 for others"):
        jumpduck.embed(images, **model("OfLight"))
