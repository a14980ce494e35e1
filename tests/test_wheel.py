"""What is installed is complete."""

import subprocess
import sys
import zipfile

import pytest

from tests.support.places import ROOT


@pytest.mark.slow
def test_the_wheel_holds_the_sql_the_report_and_the_licence(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    sql = {f"jumpduck/{file.relative_to(ROOT)}" for file in (ROOT / "sql").rglob("*.sql")}
    assert sql
    assert sql <= names
    report = {f"jumpduck/figures/download_report/report.{kind}" for kind in ("html", "css", "js")}
    assert report <= names
    assert "jumpduck/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("tests" in name for name in names)
