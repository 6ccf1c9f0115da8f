"""Tables of docs/security.md: each test that they name must exist."""

import re

from tests.support import ROOT

TESTS = ROOT / "tests"
FILES = {
    "A": "oauth/test_authorize.py",
    "T": "oauth/test_tokens.py",
    "P": "console/test_pages.py",
    "C": "system/test_oauth_clients.py",
    "D": "api/test_authentication.py",
    "S": "system/test_server.py",
}


def test_the_tests_that_the_security_page_names_are_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    named = 0
    for row in re.findall(r"^\| [0-9].*\|$", page, re.MULTILINE):
        for part in row.strip("| ").rpartition("|")[2].split(";"):
            file, _, names = part.strip().partition(" ")
            for name in re.findall(r"`(\w+)`", names):
                assert f"def test_{name}(" in (TESTS / FILES[file]).read_text("utf-8"), row
                named += 1
    assert named > 40
    for file in re.findall(r"`((?:\w+/)*test_\w+\.py)`", page):
        assert (TESTS / file).exists(), file
