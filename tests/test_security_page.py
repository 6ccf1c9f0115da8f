"""The tables of docs/security.md: each test that they name is there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
FILES = {
    "A": "test_oauth_authorize.py",
    "T": "test_oauth_tokens.py",
    "P": "test_pages.py",
    "C": "test_clients.py",
    "D": "test_door.py",
    "S": "test_server.py",
}


def test_the_tests_that_the_security_page_names_are_there() -> None:
    page = (HERE.parent / "docs" / "security.md").read_text("utf-8")
    named = 0
    for row in re.findall(r"^\| [0-9].*\|$", page, re.MULTILINE):
        for part in row.strip("| ").rpartition("|")[2].split(";"):
            file, _, names = part.strip().partition(" ")
            for name in re.findall(r"`(\w+)`", names):
                assert f"def test_{name}(" in (HERE / FILES[file]).read_text("utf-8"), row
                named += 1
    assert named > 40
    for file in re.findall(r"`(test_\w+\.py)`", page):
        assert (HERE / file).exists(), file
