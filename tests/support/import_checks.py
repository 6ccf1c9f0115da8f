"""Checks of what an import or its undo has left in the database and in the change feed."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from regulars.customers.counts.maintenance import check_counts
from regulars.customers.tags import tags_of
from regulars.db.statement import Statement
from regulars.db.tables import customer_changes, customers
from tests.support.change_feed import Follower
from tests.support.import_plan import ImportPlan, known_email
from tests.support.imports import IMPORTS
from tests.support.world import LIST, World

FIND_BY_EMAIL = Statement(
    select(customers.c.email, customers.c.id, customers.c.first_name, customers.c.job, customers.c.address)
    .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.email.like(bindparam("pattern")))
    .order_by(customers.c.id)
)
COUNT_CHANGES = Statement(
    select(customer_changes.c.action, func.count(), func.count(customer_changes.c.customer_id.distinct()))
    .where(
        customer_changes.c.tenant_id == bindparam("tenant_id"),
        customer_changes.c.source_id == bindparam("import_id"),
    )
    .group_by(customer_changes.c.action)
)


class Stored(NamedTuple):
    """A customer in the database, with the names of its tags."""

    id: int
    first_name: str
    job: str | None
    address: str | None
    tags: tuple[str, ...]


def stored_customers(world: World, pattern: str, tenant_id: int | None = None) -> dict[str, Stored]:
    """Return the customers whose e-mail address matches a LIKE pattern, by address. Fail if two have the same one."""
    tenant_id = tenant_id or world.clinic
    rows = world.database.fetch_all(FIND_BY_EMAIL, {"tenant_id": tenant_id, "pattern": pattern})
    tags = tags_of(world.database, tenant_id, [row[1] for row in rows])
    found = {
        email: Stored(number, name, job, address, tuple(tag.name for tag in tags[number]))
        for email, number, name, job, address in rows
    }
    assert len(found) == len(rows)
    return found


def new_customers(world: World, plan: ImportPlan, tenant_id: int | None = None) -> dict[str, Stored]:
    """Return the customers that the import of a plan has created and that still exist."""
    return stored_customers(world, f"%-{plan.name}@example.com", tenant_id)


def known_customers_of(world: World, tenant_id: int | None = None) -> dict[str, Stored]:
    """Return the customers that existed before all imports."""
    return stored_customers(world, "known%@example.com", tenant_id)


def logged_changes(world: World, import_id: str, tenant_id: int | None = None) -> dict[str, tuple[int, int]]:
    """Return the numbers of changes that name an import, and of their customers, by action."""
    values = {"tenant_id": tenant_id or world.clinic, "import_id": import_id}
    return {action: (count, people) for action, count, people in world.database.fetch_all(COUNT_CHANGES, values)}


def check_imported(world: World, plan: ImportPlan, found: Mapping[str, Any], tenant_id: int | None = None) -> None:
    """Assert that an import has done everything exactly once."""
    assert found["state"] == "imported", found
    counts = {name: found["result"][name] for name in plan.counts}
    assert counts == plan.counts
    new = new_customers(world, plan, tenant_id)
    assert {email: each.job for email, each in new.items()} == plan.jobs
    with_street = {email for email, each in new.items() if each.address == f"Street {plan.name}"}
    assert with_street == (set() if plan.on_match == "skip" else plan.repeats)
    _check_tags(plan, new)
    changes = logged_changes(world, found["id"], tenant_id)
    assert changes.pop("created") == (plan.new, plan.new)
    assert changes.pop("updated", (0, 0)) == (counts["updated"], counts["updated"])
    assert changes == {}
    assert check_counts(world.database, tenant_id or world.clinic) == []


def _check_tags(plan: ImportPlan, new: Mapping[str, Stored]) -> None:
    for number in range(plan.new):
        expected = {plan.tag(number), plan.tag(number // 2)} if number % 3 else set()
        assert set(new[plan.email(number)].tags) == expected


def check_known_changed(plan: ImportPlan, before: Mapping[str, Stored], after: Mapping[str, Stored]) -> None:
    """Assert that an import has changed the customers that existed before as its settings say."""
    assert before.keys() == after.keys() == {known_email(number) for number in range(plan.known)}
    for email, each in after.items():
        was = before[email]
        if plan.on_match == "skip":
            assert (each.job, each.tags) == (was.job, was.tags)
        elif plan.on_match == "overwrite":
            assert (each.job, each.tags) == (f"Job {plan.name}", (plan.tag(0),))
        else:
            assert each.job == (was.job or f"Job {plan.name}")
            assert set(each.tags) == {*was.tags, plan.tag(0)}


def kept_customers(world: World, import_id: str) -> set[int]:
    """Return the customers that an undo has kept, as the API lists them."""
    parameters = {"kind": "kept", "limit": "1000"}
    answer = world.send("GET", f"{IMPORTS}/{import_id}/issues", params=parameters)
    assert answer.status_code == 200, answer.text
    listed = [issue["customer_id"] for issue in answer.json["data"]]
    assert len(listed) == len(set(listed))
    return set(listed)


def check_undone(world: World, plan: ImportPlan, found: Mapping[str, Any], kept: Collection[int] = ()) -> None:
    """Assert that an undo has removed every customer that the import created, except those in `kept`."""
    assert found["state"] == "undone", found
    listed = kept_customers(world, found["id"])
    assert listed >= set(kept)
    new = {each.id for each in new_customers(world, plan).values()}
    assert new <= listed
    assert found["undo"]["kept"] == len(listed)
    assert found["undo"]["removed"] == plan.new - len(new)
    assert logged_changes(world, found["id"]).get("purged", (0, 0)) == (plan.new - len(new),) * 2
    kept_of_known = len(listed) - len(new)
    # Each customer counts once, and those that the import created count as removed.
    assert found["undo"]["restored"] == (0 if plan.on_match == "skip" else plan.known - kept_of_known)
    assert check_counts(world.database, world.clinic) == []


def feed_of(world: World) -> Follower:
    """Return a follower of the change feed, which has read nothing yet."""
    return Follower(lambda asked: world.get(f"{LIST}/changes", params={**asked, "limit": "1000"}).json)


def check_feed(follower: Follower, stored: Mapping[str, Stored]) -> None:
    """Assert that the change feed, read to its end, has the current values of customers."""
    for email, each in stored.items():
        known = follower.customers[each.id]
        expected = {"email": email, "first_name": each.first_name, "job": each.job, "address": each.address}
        assert {name: known.get(name) for name in expected} == expected
        assert len(known.get("tags", [])) == len(each.tags)
