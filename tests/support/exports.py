"""Folders that a download filled, and the bytes of what was exported of them."""

import shutil
from pathlib import Path

import polars as pl


def results(folder):
    """Rows of the results of a folder."""
    return pl.read_parquet(folder / "results.parquet")


def changed(images, tmp_path, rows):
    """A copy of a folder without its hidden files, with these results."""
    folder = Path(
        shutil.copytree(images, tmp_path / "images", ignore=shutil.ignore_patterns(".jumpduck"))
    )
    rows.write_parquet(folder / "results.parquet", metadata={"jumpduck.made_from": "x"})
    return folder


def exported(out):
    """Path and bytes of each file of an export, without its own notes."""
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in sorted(out.rglob("*"))
        if file.is_file() and ".jumpduck" not in file.parts
    }
