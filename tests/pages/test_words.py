"""Words that were riddles do not come back: see the six rules of CONTRIBUTING."""

import io
import re
import tokenize

import pytest

from tests.support.places import ROOT

RIDDLES = (
    # sentences that a reader has to solve
    r"cannot be meant", r"wakes? nobody", r"there at the end", r"\blet(s|ting)? go\b",
    r"\bcomes? near", r"looks? at the world", r"farewell", r"nobody can run", r"keeps? the peace",
    r"finds? no room", r"found no room", r"\bkeeper", r"\broom\b", r"\bLook back",
    r"a look at the", r"stands? twice", r"\bletters of\b",
    # "is no X" instead of "is not an X"
    r"(?<!there\s)(?<!There\s)\b(is|are|was) no (?!longer\b|more\b)\w+",
)  # fmt: skip

NAMES = {
    "AHEAD", "BEAT", "BURST", "Body", "Claim", "EASE", "Engine", "Finished", "Keeper", "LINGER",
    "Look", "NoRoomError", "OFTEN", "OpenPlate", "Pacer", "Part", "Plan", "Room", "SAMPLE", "SHARE",
    "SOON", "Seen", "Space", "OpenStores", "View", "_leave", "_settle", "at_least", "beat",
    "begun", "issues_of", "let_go", "letters", "load_rows", "lot", "of_channels",
    "predicate", "predicates", "run_driver", "thread", "turn",
}  # fmt: skip

PYTHON = sorted((ROOT / "src").rglob("*.py"))
SQL = sorted((ROOT / "sql").rglob("*.sql"))
PAGES = [ROOT / "README.md", ROOT / "sql/README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [*PAGES, *SQL, *PYTHON, *sorted((ROOT / "docs").glob("*.py")), ROOT / "justfile"]


@pytest.mark.parametrize("riddle", RIDDLES)
def test_a_riddle_does_not_come_back(riddle):
    found = [
        f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, one.start()) + 1}: {one[0]!r}"
        for file in TEXTS
        for text in [file.read_text(encoding="utf-8")]
        for one in re.finditer(riddle.replace(" ", r"[\s#-]+"), text)
    ]
    assert found == []


def test_a_name_that_was_replaced_does_not_come_back_in_python():
    names = re.compile(rf"\b({'|'.join(sorted(NAMES))})\b")
    found = [
        f"{file.relative_to(ROOT)}:{token.start[0]}: {token.string}"
        for file in PYTHON
        if names.search(text := file.read_text())  # because to take all apart takes a second
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME and token.string in NAMES
    ]
    assert found == []


def test_a_name_that_was_replaced_does_not_come_back_in_sql():
    names = re.compile(rf"\b({'|'.join(sorted(NAMES))})\b")
    found = [
        f"{file.relative_to(ROOT)}:{number}: {one[0]}"
        for file in SQL
        for number, line in enumerate(file.read_text().splitlines(), 1)
        for one in names.finditer(re.sub(r"'[^']*'|--.*", "", line))
    ]
    assert found == []
