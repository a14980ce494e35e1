"""The commands of the README and of docs/ run, and print what the pages say."""

import re
import shutil
import sys

import pytest

from tests.support.pages import blocks, matches, shell
from tests.support.places import ROOT

FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = {file.relative_to(ROOT).as_posix(): file.read_text() for file in FILES}
ALL = "\n".join(PAGES.values())

# because they change the machine of the reader, or run these tests; .ci/run runs them instead
NOT_HERE = re.compile(r"^(just |uv |python3 -m |export |git |cd )")


def commands(page):
    return [
        one for block in blocks(page) if block.language == "console" for one in block.commands()
    ]


def test_every_just_recipe_that_a_page_names_is_there():
    recipes = set(re.findall(r"^([\w-]+)[^:=]*:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\$ |&& )just ([\w-]+)", ALL, re.MULTILINE))
    assert {"test", "setup"} <= named <= recipes


def test_the_tests_that_guard_the_promises_are_there():
    there = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", ALL)
    assert len(named) > 10
    assert [name for name in named if f"def {name}(" not in there] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_links_to_is_there(page):
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGES[page])
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (folder / link).exists()] == []


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The folder that `jumpduck demo` fills, and what it printed."""
    folder = tmp_path_factory.mktemp("pages")
    done = shell("jumpduck demo", folder)
    assert done.returncode == 0, done.stderr
    return folder / "jumpduck-demo", done.stdout


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_says(demo):
    shown = [shown for command, shown in commands(PAGES["README.md"]) if command.endswith("demo")]
    shown = [lines for lines in shown if lines.strip()]
    assert shown
    assert all(matches(lines, demo[1]) for lines in shown)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(PAGES[page])])
def test_the_commands_of_a_page_run_and_print_what_it_says(page, demo, tmp_path):
    here, archive = tmp_path / "jumpduck-demo", tmp_path / "archive"
    shutil.copytree(demo[0], here, ignore=shutil.ignore_patterns("gallery"))
    (here / "gallery").symlink_to(demo[0] / "gallery")
    archive.mkdir()
    places = {
        "JUMPDUCK_CATALOG_GALLERY": str(here / "gallery"),
        "JUMPDUCK_CATALOG_METADATA": str(here / "metadata"),
    }
    for block in blocks(PAGES[page]):
        folder, env = (archive, places) if block.note == "archive" else (here, {})
        if block.language == "python" and block.note.startswith("file="):
            (folder / block.note.removeprefix("file=")).write_text(block.text)
        elif block.language == "python":
            (folder / "block.py").write_text(block.text)
            done = shell(f"{sys.executable} block.py", folder)
            assert done.returncode == 0, (block.text, done.stderr)
        elif block.language == "console":
            for command, shown in block.commands():
                if NOT_HERE.match(command) or command == "jumpduck demo":
                    continue
                done = shell(command, folder, **env)
                code = int((re.findall(r"# exits (\d+)$", command) or ["0"])[0])
                assert done.returncode == code, (command, done.stderr)
                assert not shown.strip() or matches(shown, done.stdout), (command, done.stdout)


def test_the_pages_hold_commands_to_run():
    assert sum(not NOT_HERE.match(command) for command, _ in commands(ALL)) >= 9
