"""What runs on macOS and Windows, shown on Linux by taking away what they lack."""

import os
import subprocess
import sys
import tomllib

import pytest

# imported before a test says that this is Windows, because modules look when they are imported
import jumpduck.cli.demo
import jumpduck.cli.download
import jumpduck.cli.manifest
import jumpduck.cli.verify  # noqa: F401
from tests.support.places import ROOT

LINUX_ONLY = (
    "posix_fadvise", "sync_file_range", "copy_file_range", "memfd_create", "splice", "eventfd",
    "sched_getaffinity", "O_TMPFILE", "getrandom",
)  # fmt: skip
POSIX_ONLY = (
    *LINUX_ONLY, "statvfs", "fork", "getuid", "geteuid", "O_NOFOLLOW", "O_CLOEXEC", "O_DIRECTORY",
    "pread", "pwrite", "fdatasync", "fchmod", "chown", "setsid", "killpg", "mkfifo",
)  # fmt: skip
LACKS = {
    "darwin": (LINUX_ONLY, ()),
    "win32": (POSIX_ONLY, ("fcntl", "resource", "pwd", "grp", "termios")),
}

SCRIPT = """
import os, sys
# libraries of others decide when they are imported, and belong to the machine that they run on
import cyclopts, cyclopts.config, duckdb, httpx, imagecodecs, numpy, obstore.store, PIL.Image
import polars, pty, rich.console, rich.progress, rich.table, subprocess, tempfile, tifffile
import shutil, urllib.request
usage = shutil.disk_usage(".")
shutil.disk_usage = lambda _path: usage
for name in {names}:
    if hasattr(os, name):
        delattr(os, name)
for name in {modules}:
    sys.modules[name] = None
sys.platform = {platform!r}
from jumpduck.cli import run
for words in {commands}:
    print("==", words[0], run(words), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("platform", LACKS)
def test_all_verbs_run_on_macos_and_those_without_a_download_on_windows(
    platform, gallery, tmp_path
):
    names, modules = LACKS[platform]
    places = ["--gallery", str(gallery.gallery), "--metadata", str(gallery.metadata)]
    commands = [
        ["catalog", *places, "--plate", "JD5876c3"], ["find", "TP53"], ["manifest"],
        ["sql", "FROM jump.plates"], ["recipes"], ["download", "--dry-run"],
        ["download", "--quiet"], ["verify"], ["status"],
    ]  # fmt: skip
    script = SCRIPT.format(names=names, modules=modules, platform=platform, commands=commands)
    # as on a terminal, because a pipe gets remarks on stderr
    env = {**os.environ, "TTY_COMPATIBLE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, env=env
    )
    codes = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("==")]
    works = [words[0] for words in commands[:6]]
    others = ["download", "verify", "status"]
    code = "0" if platform == "darwin" else "1"
    assert codes == [*([verb, "0"] for verb in works), *([verb, code] for verb in others)], done
    if platform == "win32":
        assert done.stderr.count("Linux and macOS only") == 1
        assert done.stderr.count("\n") == len(others)
        assert not (tmp_path / "images").exists()
    else:
        assert done.stderr == ""


@pytest.mark.slow
def test_a_download_says_in_one_line_why_it_does_not_run_on_windows(
    cli, catalog, tmp_path, monkeypatch
):
    assert cli("manifest", "--catalog", catalog, "--plate", "JD5876c3").code == 0
    monkeypatch.setattr(sys, "platform", "win32")
    for words in (("download",), ("demo",)):
        done = cli(*words)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert "Linux and macOS only" in done.err
        assert "WSL" in done.err
    assert cli("download", "--dry-run").code == 0
    assert cli("manifest", "--catalog", catalog).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.parquet"]


@pytest.mark.slow
def test_a_download_runs_without_what_only_linux_has(cli, catalog, monkeypatch):
    assert cli("manifest", "--catalog", catalog, "--plate", "JD5876c3").code == 0
    monkeypatch.setattr(sys, "platform", "darwin")
    for name in LINUX_ONLY:
        monkeypatch.delattr(os, name, raising=False)
    assert cli("download").code == 0
    assert cli("verify").code == 0


def test_the_classifiers_name_the_systems_that_all_verbs_run_on():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    systems = {one for one in project["classifiers"] if one.startswith("Operating System")}
    assert systems == {"Operating System :: MacOS", "Operating System :: POSIX :: Linux"}
