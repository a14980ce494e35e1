"""What a download left in its output folder, to compare with another one."""

import polars as pl

from jumpduck.schema import OWN_FILES


def files(out):
    """Path and bytes of every image below `out`."""
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file() and ".jumpduck" not in file.parts and file.name not in OWN_FILES
    }


def facts(out):
    """The rows of results.parquet without times and numbers of attempts."""
    return pl.read_parquet(out / "results.parquet").drop("seconds", "attempts").sort("path")


def same(out, clean):
    """Assert that `out` holds the images and rows of `clean`, or a part of them."""
    paths = facts(out)["path"]
    assert files(out) == {path: data for path, data in files(clean).items() if path in set(paths)}
    assert facts(out).equals(facts(clean).filter(pl.col("path").is_in(paths.implode())))
