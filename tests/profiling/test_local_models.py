"""cellpose and stardist find nuclei with weights from the disk, and only so.

Neither can be installed beside the tests; small modules with their names and calls replace them.
"""

import json
import sys

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling import local_models
from jumpduck.profiling.local_models import weights_digest
from jumpduck.profiling.objects import CELLS, NUCLEI
from jumpduck.profiling.segmentation import SegmentOptions, segment
from jumpduck.recipes.registry import build, rebuild
from tests.support.fault_proxy import Faults

RECIPE = "jumpduck.profiling.recipe:profile"

CELLPOSE = """
import numpy as np
from pathlib import Path
class CellposeModel:
    def __init__(self, gpu, pretrained_model):
        assert gpu and Path(pretrained_model).is_absolute()
        self.answer = Path(pretrained_model).read_text()
    def eval(self, plane):
        assert plane.dtype == np.float32 and plane.ndim == 2
        return eval(self.answer), ["flows"], ["styles"]
"""
STARDIST = """
import numpy as np
from pathlib import Path
class StarDist2D:
    def __init__(self, config, name, basedir):
        assert config is None
        self.answer = (Path(basedir) / name / "config.json").read_text()
    def predict_instances(self, plane):
        return eval(self.answer), {"prob": []}
"""
TWO = "np.where(plane > 0.5, np.where(np.arange(plane.shape[1]) < 50, 7, 2), 0).astype(np.int64)"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a stand-in for a package where Python finds it."""
    packages = tmp_path / "packages"
    monkeypatch.syspath_prepend(str(packages))
    local_models._loaded.cache_clear()

    def installed(name, version, code):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text("")
        (packages / name / "models.py").write_text(code)
        about = packages / f"{name}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )

    yield installed
    local_models._loaded.cache_clear()
    for module in [one for one in sys.modules if one.split(".")[0] in ("cellpose", "stardist")]:
        del sys.modules[module]


def plane():
    image = np.full((60, 100), 300, np.uint16)
    image[20:40, 20:40] = image[20:40, 60:80] = 5000
    return image


@pytest.mark.parametrize("name", ["cellpose", "stardist"])
def test_a_model_with_local_weights_finds_the_nuclei_and_cells_grow_around_them(
    name, install, tmp_path
):
    weights = tmp_path / "weights"
    if name == "cellpose":
        install(name, "4.0.6", CELLPOSE)
        weights.write_text(TWO)
    else:
        install(name, "0.9.1", STARDIST)
        weights.mkdir()
        (weights / "config.json").write_text(TWO)
    options = SegmentOptions(nuclei="n", cells="n", segmenter=name, weights=str(weights))
    assert options.digests() == {"weights": weights_digest(weights)}
    found = segment({"n": plane()}, options)
    assert found.count == 2
    assert [found.labels[NUCLEI][30, column] for column in (30, 70)] == [2, 1]
    assert (found.labels[CELLS] > 0)[plane() > 300].all()
    blank = segment({"n": np.full((60, 100), 7, np.uint16)}, options)
    assert blank.count == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("1 / 0", "segmenter cellpose failed: division by zero"),
        ("plane", "segmenter cellpose gave float32 of 100 x 60 pixels, not objects"),
        ("np.zeros((5, 5), int)", "gave int64 of 5 x 5 pixels"),
        ("np.full(plane.shape, -1)", "not objects numbered from 1"),
    ],
)
def test_a_model_that_fails_is_a_fault_of_the_site(answer, said, install, tmp_path):
    install("cellpose", "4.0.6", CELLPOSE)
    (tmp_path / "weights").write_text(answer)
    options = SegmentOptions(nuclei="n", segmenter="cellpose", weights=str(tmp_path / "weights"))
    with pytest.raises(ImageError, match=said):
        segment({"n": plane()}, options)


def test_a_model_without_its_package_or_weights_is_refused_in_one_line(install, tmp_path):
    there = tmp_path / "weights"
    there.write_text("")
    for options, said in (
        (
            {"segmenter": "unet", "weights": str(there)},
            "segmenter 'unet' is not known; give cellpose",
        ),
        ({"segmenter": "cellpose"}, "segmenter cellpose needs `weights`, a file of weights"),
        ({"segmenter": "cellpose", "weights": str(tmp_path / "no")}, "nothing is downloaded"),
        ({"segmenter": "cellpose", "weights": str(tmp_path)}, "are not a file of weights"),
        ({"segmenter": "stardist", "weights": str(tmp_path)}, "there is no file .*config.json"),
        (
            {"segmenter": "cellpose", "weights": str(there)},
            "which is not installed: pip install cell",
        ),
        ({"weights": str(there)}, "are of no use without `segmenter`"),
    ):
        with pytest.raises(QueryError, match=said) as refused:
            SegmentOptions(nuclei="n", **options).digests()
        assert "\n" not in str(refused.value)
    install("cellpose", "3.1.1", CELLPOSE)
    with pytest.raises(QueryError, match=r"cellpose 4 or later.*3\.1\.1 is installed"):
        SegmentOptions(nuclei="n", segmenter="cellpose", weights=str(there)).digests()


def test_what_was_made_is_known_without_package_and_weights_and_wherever_they_lie():
    options = {"segment": {"segmenter": "cellpose", "weights": "ab"}, "deep": {"model": "cd"}}
    here, there = (
        build(RECIPE, **options, files={"ab": f"/{place}/weights", "cd": f"/{place}/model.pt"})
        for place in ("here", "there")
    )
    assert here.parameters == there.parameters
    again = rebuild(RECIPE, json.loads(here.parameters_text))
    assert again.parameters_text == here.parameters_text
    with pytest.raises(QueryError, match=r"SHA-256 ab, is not at hand; run `jumpduck profile`"):
        again.prepare([], lambda _: b"")


def test_other_weights_have_another_digest(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.json").write_text("1")
    (tmp_path / "file").write_text("1")
    digests = {weights_digest(tmp_path / "a"), weights_digest(tmp_path / "file")}
    (tmp_path / "a" / "config.json").write_text("2")
    (tmp_path / "file").write_text("2")
    digests |= {weights_digest(tmp_path / "a"), weights_digest(tmp_path / "file")}
    assert len(digests) == 4


@pytest.mark.slow
def test_a_model_that_lies_elsewhere_or_nowhere_makes_nothing_anew(
    install, manifest, s3, tmp_path, monkeypatch
):
    install("cellpose", "4.0.6", CELLPOSE)
    weights, out = tmp_path / "weights", tmp_path / "out"
    weights.write_text(TWO)
    rows = pl.read_parquet(manifest).filter(Metadata_Source="source_2", Metadata_Well="A01")
    options = {"endpoint": s3.endpoint, "nuclei": "DNA", "processes": 1, "segmenter": "cellpose"}
    images = jumpduck.profile(rows, out, **options, weights=weights)
    assert set(images["status"]) == {"fetched"}
    (table,) = out.glob("cells/*/*/*.parquet")
    before = table.read_bytes()
    weights = weights.rename(tmp_path / "moved")
    with Faults(s3.endpoint) as proxy:
        again = {**options, "endpoint": proxy.endpoint}
        jumpduck.profile(rows, out, **again, weights=weights)
    assert not proxy.asked
    assert table.read_bytes() == before
    weights.unlink()
    monkeypatch.undo()
    assert jumpduck.verify(out).is_empty(), "neither the package nor the weights are there"
    rows.write_parquet(tmp_path / "manifest.parquet")
    words = {"into": 1, "left": True, "out": out}
    assert jumpduck.split(tmp_path / "manifest.parquet", tmp_path / "left", **words).is_empty()
    table.unlink()
    wrong = jumpduck.verify(out)
    repaired = jumpduck.repair(wrong, out, endpoint=s3.endpoint)
    assert repaired["error"].str.contains("not at hand; run `jumpduck profile` again").all()
