"""Each plate goes to the root that the rules name for it, and wrong roots end a run early."""

import json
import os
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jumpduck
from jumpduck.errors import JumpduckError, QueryError, StoreError
from jumpduck.transfer import disk_space
from jumpduck.transfer.roots import Roots
from tests.support.command_line import process
from tests.support.disks import disk
from tests.support.examples import examples, first_quick
from tests.support.folders import facts, files


@pytest.fixture(scope="module")
def rows(choice):
    """Four files of each of the three plates."""
    rows = choice
    return rows.filter(pl.int_range(pl.len()).over("Metadata_Plate") < 4)


@pytest.fixture(scope="module")
def whole(rows, tmp_path_factory):
    """One folder with all of them. No test may change it."""
    out = tmp_path_factory.mktemp("whole")
    jumpduck.download(rows, out)
    return out


@pytest.fixture
def here(rows, tmp_path, monkeypatch):
    """A working folder with the manifest and two disks."""
    rows.write_parquet(tmp_path / "manifest.parquet")
    for name in ("disk2", "disk3"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_roots(here, *lines):
    (here / "jumpduck.toml").write_text("\n".join(["[roots]", *lines]))


TWO = ('source_2 = "disk2"', '"source_3/*/JD*" = "disk3"')


def sources(out):
    return {path.partition("/")[0] for path in files(Path(out))}


def test_plates_go_to_the_root_of_their_rule_and_all_others_to_out(here, whole, cli):
    write_roots(here, *TWO)
    done = cli("download", "--json")
    assert done.code == 0, done.err
    assert {out: sources(out) for out in ("disk2", "disk3", "images")} == {
        "disk2": {"source_2"}, "disk3": {"source_3"}, "images": {"source_13"},
    }  # fmt: skip
    together = {**files(here / "disk2"), **files(here / "disk3"), **files(here / "images")}
    assert together == files(whole)
    tables = pl.concat(facts(here / out) for out in ("disk2", "disk3", "images")).sort("path")
    assert tables.equals(facts(whole))
    assert pl.read_parquet(here / "disk2" / "sites.parquet")["Metadata_Source"].unique().item() == (
        "source_2"
    )
    *_, end = map(json.loads, done.out.splitlines())
    assert end["by_status"][0]["files"] == 12
    assert end["roots"] == ["images", "disk2", "disk3"]
    assert cli("status", "--out", "disk2").code == 0


@pytest.mark.slow
def test_the_same_command_goes_on_in_all_roots_and_status_and_verify_know_each(here, cli):
    write_roots(here, *TWO)
    assert cli("download", "--limit", 6).code == 0
    assert not (here / "disk3" / ".jumpduck").exists()
    said = cli("download", "--json").out.splitlines()
    (summary,) = (json.loads(said[-1]),)
    assert {row["status"]: row["files"] for row in summary["by_status"]} == {
        "present": 6, "fetched": 6,
    }  # fmt: skip
    assert cli("verify", "--out", "disk2").code == 0


@pytest.mark.slow
def test_status_verify_repair_and_split_read_all_roots_unless_folders_are_named(here, cli):
    write_roots(here, *TWO)
    cli("download")
    said = json.loads(cli("status", "--json").out)
    assert {one["out"]: one["done"] for one in said["by_folder"]} == {
        "images": 4, "disk2": 4, "disk3": 4,
    }  # fmt: skip
    other, third = (next(iter(files(here / out))) for out in ("disk2", "disk3"))
    (here / "disk2" / other).write_bytes(b"damaged")
    (here / "disk3" / third).unlink()
    done = cli("verify")
    assert done.code == 3
    assert "10 right, 2 wrong" in done.out
    assert cli("verify", "--out", "images").code == 0
    assert "shard" in cli("split", "--left", "--into", 1, "-o", "left", "--dry-run").out
    done = cli("verify", "--repair")
    assert done.code == 0, done
    assert "12 right" in cli("verify").out
    assert "nothing" in (split := cli("split", "--left", "--into", 1, "-o", "left")).out, split
    (here / "disk3").rename(here / "unmounted")
    for verb in ("status", "verify"):
        done = cli(verb)
        assert done.code == 1
        assert "root disk3 of 'source_3/*/JD*' is not there; mount its disk, or name" in done.err


def test_python_takes_roots_and_paths(here, rows):
    results = jumpduck.download(rows, here / "rest", roots={"source_2": here / "disk2"})
    assert set(results["url"]) == set(rows["url"])
    assert sources(here / "disk2") == {"source_2"}
    assert sources(here / "rest") == {"source_13", "source_3"}


@pytest.mark.slow
def test_get_honours_the_roots(here, gallery, cli):
    write_roots(here, 'source_3 = "disk3"')
    done = cli(
        "get", "--plate", "JD5876c3", "--gallery", gallery.gallery, "--metadata", gallery.metadata,
        "--max-sites", 1, "--out", "one",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert sources("disk3") == {"source_3"}
    assert not (here / "one" / "images").exists()


@pytest.mark.slow
def test_the_demo_keeps_to_its_folder(here, cli):
    write_roots(here, '"*" = "disk2"')
    assert cli("demo").code == 0
    assert not any((here / "disk2").iterdir())


def test_a_shard_needs_only_the_roots_of_its_plates(here, rows, cli):
    write_roots(here, *TWO, '"source_13" = "not/mounted"')
    rows.filter(Metadata_Source="source_2").write_parquet("shard.parquet")
    done = cli("download", "--manifest", "shard.parquet")
    assert done.code == 0, done.err
    assert sources("disk2") == {"source_2"}
    assert not (here / "images").exists()
    assert "the manifest has no plate for the roots of source_3/*/JD*, source_13" in done.err


def test_a_dry_run_has_a_line_for_each_root(here, cli):
    write_roots(here, *TWO)
    done = cli("download", "--dry-run", "--recipe", "raw")
    assert done.code == 0, done.err
    lines = [line for line in done.out.splitlines() if "disk" in line]
    assert [line.partition(":")[0] for line in lines] == [
        "recipe raw 1 -> disk2", "recipe raw 1 -> disk3",
    ]  # fmt: skip
    for line in lines:
        assert re.search(r": 4 files of 1 plate, about 0\.0\d+ GB to come, .* GB are free$", line)
    said = json.loads(cli("download", "--dry-run", "--json").out)
    assert [(one["out"], one["files"], one["plates"], one["there"]) for one in said["roots"]] == [
        ("images", 4, 1, 0), ("disk2", 4, 1, 0), ("disk3", 4, 1, 0),
    ]  # fmt: skip
    assert not (here / "images").exists()
    assert not any((here / "disk2").iterdir())


@pytest.mark.parametrize(
    ("rules", "root"),
    [
        ({}, "out"),
        ({"source_2": "a"}, "a"),
        ({"source_1": "a", "source_22": "b"}, "out"),
        ({"*": "a"}, "a"),
        ({"*": "a", "source_2": "b"}, "b"),
        ({"source_2": "b", "*": "a"}, "b"),
        ({"source_2": "a", "source_2/*/BR0011*": "b"}, "b"),
        ({"source_2/*/BR0011*": "b", "source_2/*/BR*": "a", "source_*": "c"}, "b"),
        ({"source_2/Batch1": "a", "source_2": "b"}, "a"),
        ({"source_2/Batch1/BR00117001": "a", "source_2/*/BR0011*": "b"}, "a"),
        ({"source_2/*/BR0012*": "b"}, "out"),
        ({"*/Batch1/*": "a", "source_2": "a"}, "a"),
        ({"source_[0-9]": "a", "source_?": "a"}, "out"),
        ({"*/Batch1": "a", "source_2": "b", "source_2/Batch1": "c"}, "c"),
    ],
)
def test_the_narrowest_rule_counts_whatever_their_order(rules, root):
    for some in (rules, dict(reversed(rules.items()))):
        assert Roots(some, "out").root_of(("source_2", "Batch1", "BR00117001")) == Path(root)


@pytest.mark.parametrize(
    "rules",
    [
        {"source_2": "a", "*/Batch1/*": "b"},
        {"source_2": "a", "source_2/*/*": "b"},
        {"source*": "a", "*2": "b"},
    ],
)
def test_rules_of_which_none_is_the_narrowest_are_refused(rules):
    with pytest.raises(QueryError, match=r"both hold for plate .*; add a rule"):
        Roots(rules, "out").root_of(("source_2", "Batch1", "BR1"))


NAMES = st.text("ab*", min_size=1, max_size=4)


@examples(50)
@given(NAMES, NAMES, st.lists(st.text("abc", min_size=1, max_size=5), max_size=30))
def test_a_rule_that_is_narrower_holds_for_no_plate_that_the_wider_does_not(one, other, names):
    narrow, wide = (Roots({text: "a"}, "out").rules[0] for text in (one, other))
    if wide.holds_for(narrow.parts):
        for name in names:
            key = (name, "b", "p")
            assert wide.holds_for(key) or not narrow.holds_for(key)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['source_2 = 3'], "[roots] 'source_2' has 3, which is not the name of a folder"),
        (['source_2 = ""'], "which is not the name of a folder"),
        (['source_2 = ["a"]'], "which is not the name of a folder"),
        (['source_2.Batch1 = "disk2"'], "[roots] 'source_2' has {'Batch1': 'disk2'}"),
        (['"a/b/c/d" = "disk2"'], "[roots] 'a/b/c/d' names no plates; write a source"),
        (['"source_2/" = "disk2"'], "names no plates"),
        (['"" = "disk2"'], "names no plates"),
        (['source_2 = "disk2"', 'source_3 = "disk2/inside"'], "disk2/inside and disk2 overlap"),
        (['source_2 = "images/source_2"'], "images/source_2 and images overlap"),
        (['source_2 = "disk2"', 'source_3 = "link"'], "disk2 and link are one folder"),
        (['source_2 = "disk2"', 'source_3 = "disk3/../disk2"'], "are one folder"),
        (['source_2 = "disk2"', '"source_2/*" = "disk3"'], "both hold for plate source_2/"),
        (['source_2 = "disk9/images"'], "root disk9/images of 'source_2' is not there; mount"),
        (['source_2 = "loop"'], "root loop of 'source_2' is not there; mount"),
        (['source_2 = "a\\u0000b"'], "which is not the name of a folder"),
        (['source_2 = "manifest.parquet"'], "root manifest.parquet of 'source_2' is not there"),
    ],
)  # fmt: skip
@first_quick(1, "more", [(), ("--dry-run",)])
def test_wrong_roots_are_one_line_before_anything_is_written(here, cli, lines, said, more):
    (here / "link").symlink_to("disk2")
    (here / "loop").symlink_to("loop")
    write_roots(here, *lines)
    done = cli("download", *more)
    assert done.code in (1, 2)
    assert done.err.count("\n") == 1
    assert said in done.err
    assert not (here / "images").exists()
    assert not [*(here / "disk2").iterdir(), *(here / "disk3").iterdir()]
    assert not (here / "disk9").exists()


def test_wrong_roots_end_get_before_its_catalog_is_made(here, cli):
    write_roots(here, 'source_2 = "disk2"', 'source_3 = "disk2/inside"')
    done = cli("get", "TP53", "--out", "tp53")
    assert done.code == 2
    assert "overlap" in done.err
    assert not (here / "tp53").exists()


def test_roots_that_are_no_table_are_refused_by_each_verb(here, cli):
    (here / "jumpduck.toml").write_text('roots = "disk2"')
    assert "which is not a table; write [roots]" in cli("recipes").err
    (here / "jumpduck.toml").write_text('[root]\nsource_2 = "disk2"')
    assert "did you mean roots?" in cli("download").err


def test_a_root_that_cannot_be_written_ends_the_run_before_the_first_root_is_filled(here, cli):
    with disk(here / "disk4", "ro"):
        write_roots(here, 'source_2 = "disk2"', 'source_3 = "disk4"')
        done = cli("download")
        assert done.code == 1
        assert "cannot write to disk4" in done.err
        assert not any((here / "disk2").iterdir())
        assert not (here / "images").exists()


def test_a_full_root_ends_the_run_before_the_first_root_is_filled(here, cli):
    with disk(here / "disk4", "size=100k") as place:
        (place / "other").write_bytes(bytes(os.statvfs(place).f_bavail * 4096))
        write_roots(here, 'source_2 = "disk2"', 'source_3 = "disk4"')
        done = cli("download")
        assert done.code == 1
        assert "no space on the disk of disk4: " in done.err
        assert "the 4 files left need about 0.8 MB" in done.err
        assert not any((here / "disk2").iterdir())


@pytest.fixture
def free(monkeypatch):
    """Say how many bytes are free on every disk."""

    def set_(count):
        monkeypatch.setattr(disk_space, "free_bytes", lambda _: count)

    return set_


def test_roots_on_one_disk_are_summed_before_anything_starts(here, rows, free, whole):
    """Of published files 2.8 MB each are expected, of which 80 % are sure."""
    roots = {"source_2": "disk2", "source_3": "disk3"}
    expected = sum(rows["estimated_bytes"])
    free(int(expected * 0.79))
    with pytest.raises(StoreError, match=r"no space on the disk of images and disk2 and disk3: "):
        jumpduck.download(rows, "images", recipe="raw", roots=roots)
    assert not any((here / "disk2").iterdir())
    said = []
    free(int(expected * 0.9))
    jumpduck.download(rows, "images", recipe="raw", roots=roots, progress=said.append)
    (text,) = [event["text"] for event in said if event["event"] == "remark"]
    assert "images and disk2 and disk3 may have too little space" in text
    assert "the 12 files to come need about 29" in text
    assert files(here / "disk2")


@pytest.mark.slow
def test_what_one_root_has_tells_how_much_the_others_need(here, choice, free):
    rows = choice
    roots = {"source_2": "disk2"}
    jumpduck.download(rows.filter(Metadata_Source="source_2"), roots=roots)
    used = sum(map(len, files(here / "disk2").values()))
    free(used // 2)
    with pytest.raises(StoreError, match=r"no space on the disk of images and disk2: .* 161 files"):
        jumpduck.download(rows, roots=roots)
    assert not (here / "images").exists()


@pytest.mark.slow
def test_a_rule_that_is_added_later_is_said_to_fetch_plates_again(here, rows, cli):
    assert cli("download", "--limit", 12).code == 0
    write_roots(here, *TWO)
    done = cli("download", "--dry-run")
    assert "plates for disk2 that an earlier run brought to images, and that are" in done.err
    assert done.err.count("fetched again, because the roots are others now: 1") == 2


def test_a_wrong_manifest_or_option_writes_into_no_root(here, rows):
    bad = rows.with_columns(url=pl.lit("ftp://host/a.tif"))
    for wrong, more in ((bad, {}), (rows, {"recipe": "none"}), (rows, {"connections": 0})):
        with pytest.raises(JumpduckError):
            jumpduck.download(wrong, roots={"source_2": "disk2"}, **more)
    assert not any((here / "disk2").iterdir())


@pytest.mark.slow
def test_a_run_sees_that_the_next_root_on_its_disk_will_not_fit(here, choice, monkeypatch):
    """The first root has space for its own 95 files, and not for the 160 of the others."""
    rows = choice.filter(pl.col("Metadata_Channel") != "Brightfield")
    jumpduck.download(rows, "whole")
    sizes = pl.read_parquet("whole/results.parquet").group_by("Metadata_Source").agg(
        pl.col("size").sum()
    )  # fmt: skip
    size = dict(sizes.rows())
    monkeypatch.setattr(disk_space, "free_bytes", lambda _: int(1.3 * size["source_13"]))
    monkeypatch.setattr(disk_space, "ROWS_BETWEEN_CHECKS", 8)
    with pytest.raises(StoreError, match=r"no space on the disk of images: "):
        jumpduck.download(rows, roots={"source_2": "disk2", "source_3": "disk3"})
    assert len(files(Path("images"))) < 95
    assert not any((here / "disk2").iterdir())


@pytest.mark.slow
def test_two_runs_at_once_over_the_same_roots_fill_them_together(here, whole):
    write_roots(here, *TWO)
    with process("download", cwd=here) as one, process("download", cwd=here) as other:
        ended = [run.communicate()[1] for run in (one, other)]
        assert [one.returncode, other.returncode] == [0, 0], ended
    together = {**files(here / "disk2"), **files(here / "disk3"), **files(here / "images")}
    assert together == files(whole)
    tables = pl.concat(facts(here / out) for out in ("disk2", "disk3", "images")).sort("path")
    assert tables.equals(facts(whole))
