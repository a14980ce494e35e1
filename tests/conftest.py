import functools
import os
import signal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings

import jumpduck
from jumpduck.cores import usable_cores
from jumpduck.synthetic.gallery import Gallery, write_gallery
from tests.support import browser, slurm, torch_room
from tests.support.command_line import run_here
from tests.support.places import DATA

settings.register_profile("thorough")  # asked for by `just test-all`, see tests/support/examples.py


MUST_RUN = {
    "real": "JUMPDUCK_REAL_DATA", "slurm": "JUMPDUCK_SLURM", "browser": "JUMPDUCK_BROWSER",
    "torch": "JUMPDUCK_TORCH",
}  # fmt: skip
"""Variables with which tests of a marker end the run where what they need is absent."""


def pytest_collection_modifyitems(items):
    absent = {
        "real": None if DATA.is_dir() else f"no real data: {DATA} is not there",
        "slurm": slurm.why_not(),
        "browser": browser.why_not(),
        "torch": torch_room.why_not(),
    }
    for marker, reason in absent.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if reason is None or not marked:
            continue
        check_may_be_absent(marker, reason)
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_pycollect_makemodule(module_path, parent):
    reason = torch_room.why_not()
    if reason is None or torch_room.MARKED not in module_path.read_text():
        return None
    check_may_be_absent("torch", reason)
    return torch_room.SkippedModule.from_parent(parent, path=module_path)


def check_may_be_absent(marker, reason):
    if MUST_RUN[marker] in os.environ:
        raise pytest.UsageError(f"{reason}, and {MUST_RUN[marker]} says that it must be there")


def pytest_configure():
    """Take Ctrl-C, which tests send, also where a shell started the tests in the background.

    It has them ignore it, and their processes too: such a test would fail, or wait for ever.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers():
    """One worker more than cores, because tests wait for processes, servers and disks."""
    return usable_cores() + 1


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path_factory):
    """Keep the configuration of the person who runs the tests out of them.

    Processes write bytecode, because each would otherwise spend a second on compiling imports.
    """
    for name in os.environ:
        unwanted = ("AWS_", "JUMPDUCK_", "PYTHONDONTWRITEBYTECODE")
        if name.startswith(unwanted) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("JUMPDUCK_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep the tables of tests out of the user's cache, also those of fixtures of the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUMPDUCK_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="session")
def gallery(tmp_path_factory) -> Gallery:
    """The demo's gallery with small images. No test may change it."""
    return write_gallery(tmp_path_factory.mktemp("demo"), edges=(96, 128))


@pytest.fixture(scope="session")
def catalog(gallery, tmp_path_factory) -> Path:
    """The catalog of that gallery. No test may change it."""
    path = tmp_path_factory.mktemp("catalog") / "catalog.duckdb"
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(gallery.metadata))
    return path


@pytest.fixture(scope="session")
def choice(catalog) -> pl.DataFrame:
    """The manifest of that catalog that options choose nothing of: three plates, 255 images."""
    return jumpduck.manifest(catalog)


@pytest.fixture(scope="session")
def choice_of_plate(catalog) -> pl.DataFrame:
    """The manifest of one plate of that catalog."""
    return jumpduck.manifest(catalog, plates=["JD5876c3"])


@pytest.fixture(scope="session")
def real_metadata(tmp_path_factory) -> Path:
    """The metadata folder as published, made of the real tables at hand."""
    from tests.support.real_metadata import write_real_metadata

    folder = tmp_path_factory.mktemp("metadata")
    write_real_metadata(folder)
    return folder


@pytest.fixture
def cli(tmp_path):
    """Run the command line in an empty folder, in this process."""
    return functools.partial(run_here, cwd=tmp_path)


@pytest.fixture(scope="session")
def s3(gallery):
    """A real S3 server on loopback that holds the demo's gallery, readable without credentials."""
    from tests.support.fault_proxy import Faults
    from tests.support.s3_server import S3Server

    with S3Server() as server:
        server.put_folder("cellpainting-gallery", gallery.gallery)
        server.put_folder("metadata", gallery.metadata)
        # it keeps the answers, because the server computes as long for one as a recipe for an image
        with Faults(server.endpoint) as front:
            server.endpoint = front.endpoint
            yield server


@pytest.fixture(scope="session")
def manifest(choice, gallery, tmp_path_factory) -> Path:
    """Three plates over S3; two of their files cannot be had. No test may change it."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.parquet"
    url = pl.col("url").str.replace(str(gallery.gallery), "s3://cellpainting-gallery", literal=True)
    choice.with_columns(url).write_parquet(path)
    return path


@pytest.fixture(scope="session")
def clean(manifest, s3, tmp_path_factory) -> Path:
    """The folder of one download of that manifest. No test may change it."""
    out = tmp_path_factory.mktemp("clean")
    jumpduck.download(manifest, out, endpoint=s3.endpoint)
    return out
