"""Folders that a download filled."""

import shutil
from pathlib import Path

import pytest

import jumpduck


@pytest.fixture(scope="module")
def rows(catalog):
    return jumpduck.manifest(catalog, plates=["JD5876c3"], per_well={"trt": 2})


@pytest.fixture(scope="module")
def whole(rows, tmp_path_factory):
    """A folder with all files of the manifest. No test may change it."""
    out = tmp_path_factory.mktemp("whole")
    jumpduck.download(rows, out)
    return out


@pytest.fixture
def out(whole, tmp_path):
    """A copy of that folder, to change."""
    return Path(shutil.copytree(whole, tmp_path / "images"))


@pytest.fixture
def copied(whole, tmp_path):
    """A copy of it without hidden files."""
    return Path(
        shutil.copytree(whole, tmp_path / "copy", ignore=shutil.ignore_patterns(".jumpduck"))
    )
