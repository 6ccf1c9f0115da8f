"""What can be done to a customer: created, changed, put into the trash, brought back, purged."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, null, select, update

from regulars.customers.change_log import forget_fields, forget_merges
from regulars.customers.fields import PERSONAL_FIELDS, Record
from regulars.customers.write.change_set import ChangeSet
from regulars.db.database import Database
from regulars.db.idempotency_keys import erase_answers
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.errors import Conflict, NotFound, PreconditionFailed

Written = Mapping[str, Any]
"""Fields that somebody wrote, as `bodies.CustomerReader` gives them: those of a record, and `tags`."""

MERGED_INTO = Statement(
    select(customers.c.id)
    .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.merged_into_id == bindparam("merged_into_id"))
    .order_by(customers.c.id)
)
LET_GO = Statement(
    update(customers)
    .where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.merged_into_id == bindparam("of_customer"))
    .values(merged_into_id=null())
)


def create_customer(changes: ChangeSet, written: Written) -> Record:
    """A new customer. Raises `Conflict` where it has what may be another's alone."""
    values, tags = _parted(written)
    return changes.create(values, tags or ())


def update_customer(
    changes: ChangeSet, customer_id: int, written: Written, expected: Collection[int] | None = None
) -> Record:
    """Change the fields that are written; `expected` are the versions that this is meant for, where it matters.

    Raises `NotFound`, `Gone`, `PreconditionFailed`, and `Conflict` where it is in the trash or has what may be
    another's alone.
    """
    record = changes.get(customer_id)
    check_version(record, expected)
    if record.deleted_at is not None:
        raise Conflict(f"Customer {customer_id} is in the trash: restore it first.")
    values, tags = _parted(written)
    return changes.change(record, "updated", values, tags)


def trash_customer(changes: ChangeSet, customer_id: int, expected: Collection[int] | None = None) -> Record:
    """Put it into the trash, where it may be already. Raises `NotFound`, `Gone`, `PreconditionFailed`."""
    record = changes.get(customer_id)
    if record.deleted_at is not None:
        return record
    check_version(record, expected)
    return changes.change(record, "trashed", {"deleted_at": changes.now})


def restore_customer(changes: ChangeSet, customer_id: int, expected: Collection[int] | None = None) -> Record:
    """Take it out of the trash, if it is there.

    Raises `NotFound`, `Gone`, `PreconditionFailed`, and `Conflict` where another has by now what may be one's alone.
    """
    record = changes.get(customer_id)
    check_version(record, expected)
    return changes.change(record, "restored", {"deleted_at": None})


def purge_customer(changes: ChangeSet, customer_id: int, expected: Collection[int] | None = None) -> None:
    """Remove it from the trash for good; that it was there is kept, and nothing else of it.

    Raises `NotFound`, `PreconditionFailed`, and `Conflict` where it is not in the trash.
    """
    record = _find(changes, customer_id)
    check_version(record, expected)
    if record.deleted_at is None:
        raise Conflict(f"Customer {customer_id} is not in the trash: put it there first.")
    changes.database.execute(LET_GO, {"of_tenant": changes.tenant_id, "of_customer": customer_id})
    _forget(changes, customer_id)
    changes.remove(record, "purged", {})


def erase_customer(changes: ChangeSet, customer_id: int) -> list[str]:
    """Remove all that is held about a person: the customer, wherever it is, and those that were merged into it.

    Gives the kinds of data that there were; a record of them stays. Raises `NotFound`, `Gone`.
    """
    record = changes.get(customer_id)
    kinds: set[str] = set()
    others = merged_into(changes.database, changes.tenant_id, record.id)
    for number in [*reversed(others), record.id]:
        one = _find(changes, number)
        held = {name for name in PERSONAL_FIELDS if getattr(one, name) is not None}
        if changes.tags(number):
            held.add("tags")
        _forget(changes, number)
        forget_merges(changes.database, changes.tenant_id, number)
        changes.remove(one, "erased", dict.fromkeys(sorted(held), (None, None)))
        kinds |= held
    return sorted(kinds)


def merged_into(database: Database, tenant_id: int, customer_id: int) -> list[int]:
    """All that went, one into the other, into this customer; none before the one that it was merged into."""
    found: list[int] = []
    waiting = [customer_id]
    while waiting:
        values = {"tenant_id": tenant_id, "merged_into_id": waiting.pop(0)}
        others = [number for (number,) in database.fetch_all(MERGED_INTO, values)]
        found += others
        waiting += others
    return found


def _find(changes: ChangeSet, customer_id: int) -> Record:
    record = changes.find(customer_id)
    if record is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return record


def _forget(changes: ChangeSet, customer_id: int) -> None:
    """Forget what the history and the kept answers say of a customer."""
    forget_fields(changes.database, changes.tenant_id, customer_id)
    erase_answers(changes.database, changes.tenant_id, customer_id)


def check_version(record: Record, expected: Collection[int] | None) -> None:
    """Raise `PreconditionFailed` where the customer is not as it was expected."""
    if expected is not None and record.version not in expected:
        raise PreconditionFailed(f"Customer {record.id} has changed since you read it: read it again.")


def _parted(written: Written) -> tuple[dict[str, Any], Collection[int] | None]:
    values = {name: value for name, value in written.items() if name != "tags"}
    tags = written.get("tags")
    # A list that is emptied is an empty one.
    return values, [] if tags is None and "tags" in written else tags
