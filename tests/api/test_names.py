"""Names need a visible character, however they are given."""

import io
import sys
from pathlib import Path

import pytest

from regulars.cli.main import run
from tests.support.oauth import Browser
from tests.support.world import LIST, World, expect_error

INVISIBLE = (
    "\N{ZERO WIDTH SPACE}",
    "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}",
    "\N{WORD JOINER}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\N{HANGUL FILLER}",
    "\N{HANGUL CHOSEONG FILLER}",
    "\N{HANGUL JUNGSEONG FILLER}",
    "\N{HALFWIDTH HANGUL FILLER}",
    "\N{SOFT HYPHEN}",
    "\N{BRAILLE PATTERN BLANK}",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\N{VARIATION SELECTOR-16}",
    "\N{TAG LATIN SMALL LETTER A}",
    " \N{HANGUL FILLER} \N{ZERO WIDTH SPACE} ",
)
PERSIAN = "علی\N{ZERO WIDTH NON-JOINER}رضا"
FAMILY = "👩\N{ZERO WIDTH JOINER}👧"


def test_an_invisible_name_of_a_customer_is_empty(empty_world: World) -> None:
    made = f"{LIST}/{empty_world.create(last_name='Yılmaz')}"
    for name in INVISIBLE:
        for method, path in (("POST", LIST), ("PATCH", made)):
            answer = empty_world.send(method, path, {"first_name": name})
            errors = expect_error(answer, 422, "validation_error")["errors"]
            assert errors == {"first_name": ["first_name must not be empty."]}, ascii(name)
    assert empty_world.send("PATCH", made, {"last_name": INVISIBLE[0]}).json["data"]["last_name"] is None


@pytest.mark.parametrize("name", [PERSIAN, FAMILY, "\N{ZERO WIDTH SPACE}Ayşe", "한\N{HANGUL FILLER}"], ids=ascii)
def test_a_name_may_contain_invisible_characters_beside_visible_ones(empty_world: World, name: str) -> None:
    made = empty_world.create(first_name=name)
    assert empty_world.get(f"{LIST}/{made}").json["data"]["first_name"] == name
    assert empty_world.send("POST", "/api/v1/tags", {"name": name, "color": "#E4572E"}).status_code == 201


def test_invisible_names_of_everything_else_are_refused(empty_world: World) -> None:
    browser = Browser.signed_in(empty_world, empty_world.alice)
    page = browser.get("/account/profile")
    for name in INVISIBLE:
        for method, path, body in (
            ("POST", "/api/v1/tags", {"name": name, "color": "#E4572E"}),
            ("POST", "/api/v1/channels", {"name": name, "kind": "website"}),
            ("PATCH", "/api/v1/account", {"name": name}),
            ("PATCH", f"/api/v1/tenants/{empty_world.clinic}", {"name": name}),
        ):
            errors = expect_error(empty_world.send(method, path, body), 422, "validation_error")["errors"]
            assert errors.keys() == {"name"}, path
        assert browser.submit(page, "/account/profile", name=name).status_code == 422


def test_the_command_line_refuses_invisible_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in INVISIBLE:
        monkeypatch.setattr(sys, "stdin", io.StringIO("a long password\n"))
        assert run(["user", "create", "--email", "x@example.com", "--name", name, "--password-stdin"]) == 1
        assert "name must have 1 to 255 printable characters" in capsys.readouterr().err
        assert run(["app", "create", "--kind", "device", "--scope", "customers:read", "--name", name]) == 1
        assert "name must have 1 to 100 printable characters" in capsys.readouterr().err


def test_an_invisible_name_in_a_file_is_missing(empty_world: World) -> None:
    rows = [f"{name},Yılmaz\nAyşe,{name}\n" for name in INVISIBLE]
    Path("customers.csv").write_text("first_name,last_name\n" + "".join(rows), "utf-8")
    arguments = ["--tenant", str(empty_world.clinic), "--database", empty_world.url]
    assert run(["import", "customers.csv", *arguments]) == 3
    assert Path("customers.csv.errors.csv").read_text("utf-8").count("first_name is required.") == len(INVISIBLE)
    found = empty_world.get().json["data"]
    assert {(each["first_name"], each["last_name"]) for each in found} == {("Ayşe", None)}
