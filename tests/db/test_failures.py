"""Failures of a database that only the operator can end: a damaged file, a full disk."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from regulars.cli.main import run
from regulars.db.connect import sqlite_path
from regulars.db.statement import Statement
from regulars.errors import Unavailable
from tests.conftest import FreshDatabase
from tests.support.world import LIST, World, expect_error

PAGE_SIZE = 4096


def path_of(world: World) -> Path:
    return Path(sqlite_path(world.url))


def page_of(world: World, table: str) -> int:
    """Return the number of the first page of a table."""
    with closing(sqlite3.connect(path_of(world))) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return int(page)


def overwrite(path: Path, first_page: int, last_page: int | None = None) -> None:
    """Overwrite pages of the file with random bytes."""
    content = bytearray(path.read_bytes())
    start, end = (first_page - 1) * PAGE_SIZE, last_page * PAGE_SIZE if last_page else len(content)
    content[start:end] = random.Random(1).randbytes(end - start)
    path.write_bytes(content)


def damage_middle(world: World) -> None:
    overwrite(path_of(world), 2)


def damage_start(world: World) -> None:
    overwrite(path_of(world), 1)


def damage_customers(world: World) -> None:
    page = page_of(world, "customers")
    overwrite(path_of(world), page, page)


@pytest.fixture
def damaged(fresh_database: FreshDatabase, request: pytest.FixtureRequest) -> World:
    """Return a world whose file is damaged by the function in the parameter."""
    damage: Callable[[World], None] = request.param
    with World.on(fresh_database("sqlite")) as world:
        # This also gets the token.
        world.create()
        # The last connection merges the write-ahead log into the file.
        world.database.close()
        damage(world)
        return world


every_damage = pytest.mark.parametrize("damaged", [damage_middle, damage_start, damage_customers], indirect=True)
damage_of_everything = pytest.mark.parametrize("damaged", [damage_middle, damage_start], indirect=True)


@every_damage
def test_a_request_on_a_damaged_file_is_503(damaged: World) -> None:
    for _ in range(2):  # a failed write must not keep the next one waiting
        for method, body in (("GET", None), ("POST", {"first_name": "Ayşe"})):
            with capture_logs() as logs:
                answer = damaged.send(method, LIST, body)
            message = expect_error(answer, 503, "unavailable")["message"]
            assert message.startswith("The database file is damaged: ")
            assert "backup" not in message, "advice for the operator"
            assert int(answer.headers["Retry-After"]) > 0
            (line,) = [line for line in logs if line["event"] == "unavailable"]
            assert "Restore a backup" in line["reason"]


@damage_of_everything
def test_readyz_says_that_the_file_is_damaged(damaged: World) -> None:
    message = expect_error(damaged.client.simulate_get("/readyz"), 503, "unavailable")["message"]
    assert message.startswith("The database file is damaged: ")
    assert "Restore a backup" in message


@every_damage
def test_the_command_line_advises_to_restore_a_backup(damaged: World, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["export", "--tenant", str(damaged.clinic)], ["import", "customers.csv", "--tenant", "1"]):
        Path("customers.csv").write_text("first_name\nAyşe\n", "utf-8")
        assert run([*command, "--database", damaged.url]) == 1
        complaint = capsys.readouterr().err
        assert "Restore a backup" in complaint, complaint
        assert complaint.count("\n") == 1


@damage_of_everything
def test_a_damaged_file_is_not_migrated(damaged: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["migrate", "--database", damaged.url]) == 1
    assert "Restore a backup" in capsys.readouterr().err


@pytest.fixture
def on_postgresql(fresh_database: FreshDatabase) -> str:
    return fresh_database("postgresql")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("sqlstate", "message"),
    [
        ("53100", "The disk of the database is full."),
        ("53200", "The database has too few resources: out of memory."),
        ("53300", "The database has too few resources: out of memory."),
        ("57P03", "The database does not answer."),
    ],
)
def test_an_error_of_postgresql_says_what_is_missing(
    on_postgresql: str, monkeypatch: pytest.MonkeyPatch, sqlstate: str, message: str
) -> None:
    failing = Statement(text(f"DO $$ BEGIN RAISE EXCEPTION 'out of memory' USING ERRCODE = '{sqlstate}'; END $$"))
    with World.on(on_postgresql) as world:
        assert world.get().status_code == 200
        with pytest.raises(Unavailable) as raised:
            world.database.execute(failing)
        assert raised.value.message == message
        # The same error at a request.
        fetch_all = world.database.fetch_all
        monkeypatch.setattr(world.database, "fetch_all", lambda *_: fetch_all(failing))
        assert expect_error(world.get(), 503, "unavailable")["message"] == message
        answer = world.get(headers={"Accept-Language": "tr"})
        assert answer.json["message"] != message
