"""`regulars trash empty`."""

from datetime import UTC, datetime, timedelta

import pytest

from regulars.cli.main import run
from regulars.clock import utc_now
from regulars.customers.counts.maintenance import check_counts
from regulars.customers.write.empty_trash import LIST_OLD_TRASH, empty_trash
from regulars.db.database import NO_VALUES
from regulars.db.statement import Row, Statement, Values
from regulars.permissions import COMMAND_LINE
from tests.customers.test_write import total
from tests.support.world import LIST, World, expect_error


def test_what_has_been_in_the_trash_for_long_is_purged(
    empty_world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = empty_world
    monkeypatch.setattr("regulars.customers.write.empty_trash.CUSTOMERS_PER_BATCH", 2)
    now = utc_now()
    for days in (1, 29, 31, 32, 33, 34, 400):
        world.add(first_name=f"Gone for {days}", deleted_at=now - timedelta(days=days))
    world.add(world.salon, first_name="Gone", deleted_at=now - timedelta(days=99))
    kept = world.add()
    database = ["--database", world.url]
    assert run(["trash", "empty", "--older-than", "30d", "--tenant", str(world.clinic), *database]) == 0
    assert capsys.readouterr().out == f"Purged 5 customers of tenant {world.clinic}.\n"
    assert (total(world), total(world, trashed="true")) == (1, 2)
    capsys.readouterr()
    assert run(["trash", "empty", "--older-than", "30d", *database]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Purged 0 customers of tenant {world.clinic}.",
        f"Purged 1 customer of tenant {world.salon}.",
    ]
    assert check_counts(world.database, world.clinic) == []
    assert world.get(f"/api/v1/customers/{kept}").status_code == 200
    changes = world.get("/api/v1/customers/changes").json["data"]
    assert [change["client_id"] for change in changes if change["action"] == "purged"] == ["command-line"] * 5
    for time in ("soon", "36501d", "999999999d"):
        assert run(["trash", "empty", "--older-than", time, *database]) == 1
        assert "30d" in capsys.readouterr().err


def test_a_customer_restored_in_the_meantime_is_not_purged(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = empty_world
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    gone, back = (world.add(deleted_at=long_ago) for _ in range(2))
    fetch_all = world.database.fetch_all

    def fetch_and_restore(statement: Statement, values: Values = NO_VALUES) -> list[Row]:
        rows = fetch_all(statement, values)
        if statement is LIST_OLD_TRASH and rows:
            assert world.send("POST", f"{LIST}/{back}/restore").status_code == 200
        return rows

    monkeypatch.setattr(world.database, "fetch_all", fetch_and_restore)
    assert empty_trash(world.database, world.clinic, datetime.now(UTC), COMMAND_LINE) == 1
    assert (total(world), total(world, trashed="true")) == (1, 0)
    expect_error(world.get(f"{LIST}/{gone}"), 404, "not_found")
