"""Bulk changes through the API, whose jobs run in the test."""

from typing import Any

from regulars.customers.counts.maintenance import check_counts
from tests.support.imports import work
from tests.support.world import World

BULK = "/api/v1/bulk-changes"


def start(world: World, filters: dict[str, Any], action: str = "update", **content: Any) -> str:
    """Start a bulk change as Alice, and return its id."""
    options = {name: content.pop(name) for name in ("user", "headers") if name in content}
    answer = world.send("POST", BULK, {"filters": filters, "action": action, **content}, **options)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"].endswith(f"{BULK}/{answer.json['data']['id']}")
    return str(answer.json["data"]["id"])


def get(world: World, bulk_change_id: str, **options: Any) -> dict[str, Any]:
    """Return a bulk change."""
    answer = world.send("GET", f"{BULK}/{bulk_change_id}", **options)
    assert answer.status_code == 200, answer.text
    return dict(answer.json["data"])


def change(world: World, filters: dict[str, Any], action: str = "update", **content: Any) -> dict[str, Any]:
    """Carry out a bulk change, and return it."""
    bulk_change_id = start(world, filters, action, **content)
    work(world)
    found = get(world, bulk_change_id)
    assert found["state"] == "completed", found
    assert check_counts(world.database, world.clinic) == []
    return found


def undo(world: World, bulk_change_id: str, **options: Any) -> dict[str, Any]:
    """Undo a bulk change, and return it."""
    answer = world.send("POST", f"{BULK}/{bulk_change_id}/undo", **options)
    assert answer.status_code == 202, answer.text
    work(world)
    found = get(world, bulk_change_id)
    assert found["state"] == "undone", found
    assert check_counts(world.database, world.clinic) == []
    return found


def counts(found: dict[str, Any]) -> dict[str, int]:
    """Return those counts of a bulk change that are not zero."""
    return {name: count for name, count in found["result"].items() if count}


def issues(world: World, bulk_change_id: str, kind: str = "refused", **options: Any) -> list[tuple[int, str]]:
    """Return the customers that a bulk change refused or its undo has kept, with the reasons."""
    params = {"kind": kind, **options.pop("params", {})}
    answer = world.send("GET", f"{BULK}/{bulk_change_id}/issues", params=params, **options)
    assert answer.status_code == 200, answer.text
    return [(issue["customer_id"], issue["message"]) for issue in answer.json["data"]]
