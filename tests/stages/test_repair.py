"""A repair makes the file that was there, or says that it cannot."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from tests.support.folders import facts, files
from tests.support.interruption import interrupt
from tests.support.web_server import web_server

BRIGHT = 10_000


@pytest.fixture
def dark_and_bright(rows, tmp_path):
    """Two manifests of one plate: that of the second has brighter images."""
    one = rows.filter(Metadata_Channel="DNA").head(6)
    urls: list[str] = []
    for url in one["url"]:
        file = tmp_path / f"{len(urls)}.tiff"
        tifffile.imwrite(file, tifffile.imread(url) // 2 + np.uint16(BRIGHT))
        urls.append(str(file))
    site = pl.col("Metadata_Site") + 100
    return one, one.with_columns(site, url=pl.Series(urls), path="bright/" + pl.col("path"))


def damage(out, before, number):
    """Damage a file of one of the two manifests; get its name."""
    name = next(name for name in before if name.startswith("bright/") == bool(number))
    (out / name).write_bytes(b"damaged")
    return name


@pytest.mark.slow
def test_a_repair_has_the_levels_of_the_run_that_was_asked_for_the_file(dark_and_bright, tmp_path):
    out = tmp_path / "out"
    for manifest in dark_and_bright:
        jumpduck.download(manifest, out, recipe="png8-plate")
    before, rows = files(out), facts(out)
    for number in (0, 1):
        damage(out, before, number)
    repaired = jumpduck.repair(jumpduck.verify(out), out)
    assert repaired["status"].to_list() == ["fetched"] * 2
    assert files(out) == before
    assert facts(out).equals(rows)


@pytest.mark.slow
def test_levels_of_a_repair_are_those_of_all_that_an_interrupted_run_was_asked_for(
    dark_and_bright, tmp_path, monkeypatch
):
    out, manifest = tmp_path / "out", pl.concat(dark_and_bright)
    interrupt(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        jumpduck.download(manifest, out, recipe="png8-plate", connections=1)
    before = files(out)
    damage(out, before, 0)
    jumpduck.repair(jumpduck.verify(out), out)
    assert files(out) == before


@pytest.mark.slow
def test_a_file_that_would_get_other_levels_stays_wrong(dark_and_bright, tmp_path, cli):
    for manifest in dark_and_bright:
        jumpduck.download(manifest, tmp_path / "out", recipe="png8-plate")
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "out", copy, ignore=shutil.ignore_patterns(".jumpduck"))
    before = facts(copy)
    name = damage(copy, files(copy), 0)
    said = cli("verify", "--out", copy, "--repair")
    assert said.code == 3
    assert "would not become the file that it was" in said.out
    assert jumpduck.verify(copy)["path"].to_list() == [name]
    assert facts(copy).equals(before)
    jumpduck.download(dark_and_bright[0], copy, recipe="png8-plate")
    assert files(copy) == files(tmp_path / "out")


@pytest.mark.slow
def test_a_file_is_repaired_from_the_server_of_the_run_that_was_asked_for_it(rows, tmp_path):
    some, out = rows.head(3), tmp_path / "out"
    (tmp_path / "www" / "bucket").mkdir(parents=True)
    for number, url in enumerate(some["url"]):
        shutil.copy(url, tmp_path / "www" / "bucket" / f"{number}.tiff")
    numbers = pl.int_range(pl.len()).cast(pl.String)
    remote = some.with_columns(url="s3://bucket/" + numbers + ".tiff")
    local = rows.tail(3)
    with web_server(tmp_path / "www") as server:
        jumpduck.download(remote, out, endpoint=server)
        jumpduck.download(local, out)
        before = files(out)
        for name in before:
            (out / name).write_bytes(b"damaged")
        repaired = jumpduck.repair(jumpduck.verify(out), out, connections=2)
    assert repaired["status"].to_list() == ["fetched"] * 6
    assert files(out) == before


@pytest.mark.slow
def test_a_repair_says_what_is_right_after_it(rows, tmp_path, cli):
    jumpduck.download(rows, tmp_path / "images")
    names = [*files(tmp_path / "images")][:3]
    for words in ((), ("--json",)):
        for name in names:
            (tmp_path / "images" / name).write_bytes(b"damaged")
        said = cli("verify", "--repair", *words)
        assert (said.code, said.err) == (0, "")
    assert json.loads(said.out.splitlines()[-1]) == {
        "out": "images", "files": rows.height, "by_status": {"right": rows.height, "wrong": 0},
        "wrong": [],
    }  # fmt: skip
    (tmp_path / "images" / names[0]).write_bytes(b"damaged")
    first, *_, last = cli("verify", "--repair").out.splitlines()
    assert first == f"{rows.height - 1} right, 1 wrong"
    assert last == f"1 repaired; now {rows.height} right"


@pytest.mark.slow
def test_a_repair_that_fails_says_why_and_that_the_file_is_still_wrong(rows, tmp_path, cli):
    image = tmp_path / "image.tiff"
    shutil.copy(rows["url"][0], image)
    out = tmp_path / "out"
    jumpduck.download(rows.head(1).with_columns(url=pl.lit(str(image))), out)
    image.unlink()
    next(out.rglob("*.png")).write_bytes(b"damaged")
    said = cli("verify", "--out", "out", "--repair")
    assert said.code == 3
    assert f"missing: {facts(out)['path'].item()}: " in said.out
    assert "0 repaired; now 0 right, 1 wrong" in said.out
    assert said.err == (
        "jumpduck: of 1 file in out, 1 are not what was kept, and "
        "`jumpduck verify --repair --out out` fetches them again\n"
    )
    assert facts(out)["status"].to_list() == ["fetched"]
