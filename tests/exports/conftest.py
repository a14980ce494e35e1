"""Folders that a download filled, of which one image is missing at its source."""

import pytest

import jumpduck


@pytest.fixture(scope="session")
def rows(catalog):
    """Sites of two plates; one lacks ER."""
    return jumpduck.manifest(
        catalog, plates=["1000000001", "JD5876c3"], wells=["A01", "B01"], per_well="all"
    )


@pytest.fixture(scope="session")
def images(rows, tmp_path_factory):
    """PNGs of 8 bit. No test may change them."""
    out = tmp_path_factory.mktemp("exports") / "images"
    jumpduck.download(rows, out)
    return out


@pytest.fixture(scope="session")
def tiffs(rows, tmp_path_factory):
    """TIFFs as published. No test may change them."""
    out = tmp_path_factory.mktemp("exports") / "raw"
    jumpduck.download(rows, out, recipe="raw")
    return out


@pytest.fixture(scope="session")
def stacks(rows, tmp_path_factory):
    """One TIFF for each site. No test may change them."""
    out = tmp_path_factory.mktemp("exports") / "stacks"
    jumpduck.download(rows, out, recipe="stack")
    return out
