"""Mean and standard deviation of each channel, against numpy over all pixels."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError
from jumpduck.imaging.writers import encode_png
from tests.support.exports import changed


@pytest.fixture(scope="module")
def pixels(kept):
    """All pixels of each channel, as whole numbers."""
    samples = jumpduck.dataset(kept)
    images = [sample.image for sample in samples.read_all(range(len(samples)))]
    joined = np.concatenate([image.reshape(5, -1) for image in images], axis=1)
    return np.rint(joined.astype(np.float64) * 65535)


def test_statistics_are_those_of_all_pixels(kept, pixels, tmp_path):
    found = jumpduck.dataset(kept, cache=tmp_path).statistics()
    np.testing.assert_allclose(found.mean, pixels.mean(1) / 65535, rtol=1e-12)
    np.testing.assert_allclose(found.sd, pixels.std(1) / 65535, rtol=1e-12)
    assert found.count.tolist() == [pixels.shape[1]] * 5
    # as the difference of the mean of squares and the square of the mean they would be nothing
    assert found.sites == len(jumpduck.dataset(kept))


def test_they_are_computed_once_and_named_by_what_they_were_computed_on(kept, tmp_path):
    first = jumpduck.dataset(kept, cache=tmp_path)
    expected = first.statistics()
    (file,) = (tmp_path / "statistics").iterdir()
    # tiles, order and seed are of the same images
    tiles = jumpduck.dataset(kept, cache=tmp_path, unit="tile", size=32, seed=4)
    assert tiles.statistics().mean.tolist() == expected.mean.tolist()
    assert list((tmp_path / "statistics").iterdir()) == [file]
    # what is in the file counts, so it was not computed again
    known = json.loads(file.read_text())
    known["sums"][0][1] *= 2
    file.write_text(json.dumps(known))
    again = jumpduck.dataset(kept, cache=tmp_path).statistics()
    assert again.mean[0] == 2 * expected.mean[0]
    # other sites and other channels are others
    jumpduck.dataset(kept, cache=tmp_path, split="val").statistics()
    jumpduck.dataset(kept, cache=tmp_path, channels="DNA").statistics()
    assert len(list((tmp_path / "statistics").iterdir())) == 3


def test_an_image_of_another_checksum_has_statistics_of_its_own(kept, rows, tmp_path):
    jumpduck.dataset(kept, cache=tmp_path / "c", channels="DNA").statistics()
    # as if a file had been replaced by one of the same size
    other = pl.when(pl.col("checksum").is_not_null()).then(pl.lit("0" * 64))
    folder = changed(kept, tmp_path, rows.with_columns(checksum=other))
    jumpduck.dataset(folder, cache=tmp_path / "c", channels="DNA").statistics()
    assert len(list((tmp_path / "c" / "statistics").iterdir())) == 2


def test_standardised_samples_have_mean_0_and_standard_deviation_1(kept, tmp_path):
    samples = jumpduck.dataset(kept, cache=tmp_path, standardise=True)
    images = [one.image.reshape(5, -1) for one in samples.read_all(samples.order(0))]
    every = np.concatenate(images, axis=1).astype(np.float64)
    np.testing.assert_allclose(every.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(every.std(1), 1, rtol=1e-5)


def test_a_constant_channel_becomes_0(kept, rows, tmp_path):
    folder = changed(kept, tmp_path, rows)
    blank = encode_png(np.full((96, 96), 700, np.uint16), "")
    for path in rows.filter(Metadata_Channel="ER", status="fetched")["path"]:
        (folder / path).write_bytes(blank)
    same = pl.col("Metadata_Channel") == "ER"
    rows.with_columns(size=pl.when(same).then(len(blank)).otherwise("size")).write_parquet(
        folder / "results.parquet", metadata={"jumpduck.made_from": "x"}
    )
    where = "Metadata_Source = 'source_2'"
    samples = jumpduck.dataset(folder, where=where, cache=tmp_path / "c", standardise=True)
    found = samples[0].image
    assert np.abs(found[samples.channels.index("ER")]).max() < 1e-6
    assert np.isfinite(found).all()
    assert samples.statistics().sd[samples.channels.index("ER")] == 0


@pytest.mark.slow
def test_they_are_the_same_to_the_last_bit_whatever_the_order_of_the_files(kept, rows, tmp_path):
    folder = changed(kept, tmp_path, rows.sample(fraction=1, shuffle=True, seed=5))
    script = (
        "import sys, jumpduck;"
        f"s = jumpduck.dataset({str(folder)!r}, channels='DNA,Mito', cache=sys.argv[1]);"
        "t = s.statistics();"
        "print(s.digest, t.mean.tolist(), t.sd.tolist(), s.order(2).tolist())"
    )
    one = jumpduck.dataset(kept, channels="DNA,Mito", cache=tmp_path / "a")
    found = one.statistics()
    expected = f"{one.digest} {found.mean.tolist()} {found.sd.tolist()} {one.order(2).tolist()}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "b")],
        env={"PYTHONHASHSEED": "7", "PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == expected, done.stderr


def test_without_one_readable_image_they_are_refused(kept, rows, tmp_path):
    folder = changed(kept, tmp_path, rows)
    samples = jumpduck.dataset(folder, cache=tmp_path / "c")
    for path in rows.filter(status="fetched")["path"]:
        (folder / path).write_bytes(b"x")
    with pytest.raises(ManifestError, match="no image of any site can be read"):
        samples.statistics()
    assert not (tmp_path / "c" / "statistics").exists()


def test_where_they_cannot_be_kept_they_are_there_and_a_warning_says_so(kept, tmp_path, caplog):
    (tmp_path / "file").write_text("x")
    samples = jumpduck.dataset(kept, channels="DNA", cache=tmp_path / "file" / "cache")
    assert samples.statistics().sites == len(samples)
    assert "is computed again the next time" in caplog.text
