"""API errors in the language of the client, and the catalogue of translations."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from tests.support.world import World

ROOT = Path(__file__).parent.parent
PLACEHOLDER = re.compile(r"\{\w+\}")

CUSTOMERS = "/api/v1/customers"


def test_api_errors_are_in_the_language_that_the_client_prefers(world: World) -> None:
    in_turkish = world.get("/api/v1/nothing", headers={"Accept-Language": "tr-TR,tr;q=0.9,en;q=0.5"})
    assert in_turkish.status_code == 404
    assert in_turkish.json == {"error": "not_found", "message": "Bu adreste bir şey yok."}
    assert in_turkish.headers["Content-Language"] == "tr"
    assert "Accept-Language" in in_turkish.headers["Vary"]


def test_api_errors_are_in_english_otherwise(world: World) -> None:
    for accepted in ("", "de", "en, tr;q=0.5", "tr;q=x", "*"):
        answer = world.get("/api/v1/nothing", headers={"Accept-Language": accepted})
        assert answer.json == {"error": "not_found", "message": "There is nothing at this address."}
        assert answer.headers["Content-Language"] == "en"


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The English messages in the source, found as `make messages` finds them."""
    template = tmp_path_factory.mktemp("messages") / "messages.pot"
    command = "extract --no-default-keywords -k _ -F pyproject.toml --omit-header -o".split()
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", *command, str(template), "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return {str(message.id) for message in read(template) if message.id}


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="tr")


def test_every_message_has_a_turkish_translation_with_the_same_placeholders(extracted: set[str]) -> None:
    translations = {str(message.id): str(message.string) for message in read(ROOT / "src/regulars/locale/tr.po")}
    translations.pop("", None)
    assert len(extracted) > 300
    assert {message for message in extracted if not translations.get(message)} == set()
    assert translations.keys() - extracted == set()
    different = {
        english: turkish
        for english, turkish in translations.items()
        if set(PLACEHOLDER.findall(english)) != set(PLACEHOLDER.findall(turkish))
    }
    assert different == {}
