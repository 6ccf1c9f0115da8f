"""Create, update, trash, restore, purge and erase customers."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, null, select, update

from regulars.customers.change_log import forget_fields, forget_merges
from regulars.customers.fields import PERSONAL_FIELDS, Record
from regulars.customers.imports.forget import forget_files_of
from regulars.customers.write.change_set import ChangeSet
from regulars.db.database import Database
from regulars.db.idempotency_keys import erase_responses
from regulars.db.statement import Statement
from regulars.db.tables import customers
from regulars.errors import Conflict, NotFound, PreconditionFailed
from regulars.i18n import _

WrittenValues = Mapping[str, Any]
"""Values by field, and `tags`, as `CustomerReader.read` returns them."""

LIST_MERGED = Statement(
    select(customers.c.id)
    .where(customers.c.tenant_id == bindparam("tenant_id"), customers.c.merged_into_id == bindparam("merged_into_id"))
    .order_by(customers.c.id)
)
DETACH_MERGED = Statement(
    update(customers)
    .where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.merged_into_id == bindparam("of_customer"))
    .values(merged_into_id=null())
)


def create_customer(changes: ChangeSet, written: WrittenValues) -> Record:
    """Create a customer, and return it. Raise `Conflict` if a unique value is taken."""
    values, tags = _split_tags(written)
    return changes.create(values, tags or ())


def update_customer(
    changes: ChangeSet, customer_id: int, written: WrittenValues, expected: Collection[int] | None = None
) -> Record:
    """Update the given fields, and return the customer.

    Raise `NotFound` if it does not exist, `Gone` if it was merged, `PreconditionFailed` if its version is not one of
    `expected`, and `Conflict` if it is in the trash or a unique value is taken.
    """
    record = changes.get(customer_id)
    check_version(record, expected)
    if record.deleted_at is not None:
        raise Conflict(_("Customer {id} is in the trash. Restore it first.", id=customer_id))
    values, tags = _split_tags(written)
    return changes.change(record, "updated", values, tags)


def trash_customer(changes: ChangeSet, customer_id: int, expected: Collection[int] | None = None) -> Record:
    """Move the customer to the trash, and return it. Do nothing if it is already there.

    Raise `NotFound` if it does not exist, `Gone` if it was merged, and `PreconditionFailed` if its version is not one
    of `expected`.
    """
    record = changes.get(customer_id)
    if record.deleted_at is not None:
        return record
    check_version(record, expected)
    return changes.change(record, "trashed", {"deleted_at": changes.now})


def restore_customer(changes: ChangeSet, customer_id: int, expected: Collection[int] | None = None) -> Record:
    """Take the customer out of the trash, and return it. Do nothing if it is not there.

    Raise `NotFound` if it does not exist, `Gone` if it was merged, `PreconditionFailed` if its version is not one of
    `expected`, and `Conflict` if another customer has taken a unique value.
    """
    record = changes.get(customer_id)
    check_version(record, expected)
    return changes.change(record, "restored", {"deleted_at": None})


def purge_customer(changes: ChangeSet, customer_id: int, expected: Collection[int] | None = None) -> None:
    """Delete the customer from the trash permanently. Its log entries stay, without values.

    Stored responses that may contain it are erased. Customers that were merged into it stay in the trash, no longer
    merged. Raise `NotFound` if it does not exist, `PreconditionFailed` if its version is not one of `expected`, and
    `Conflict` if it is not in the trash.
    """
    record = _find(changes, customer_id)
    check_version(record, expected)
    if record.deleted_at is None:
        raise Conflict(_("Customer {id} is not in the trash. Move it to the trash first.", id=customer_id))
    changes.database.execute(DETACH_MERGED, {"of_tenant": changes.tenant_id, "of_customer": customer_id})
    erase_log_values(changes, [customer_id])
    changes.remove(record, "purged", {})


def erase_customer(changes: ChangeSet, customer_id: int) -> list[str]:
    """Erase everything stored about a person: the customer, in the trash or not, and all customers merged into it.

    The files from which the customer was imported are deleted too. Return the names of the fields that had values. Log
    entries stay, without values. Raise `NotFound` if the customer does not exist, and `Gone` if it was merged into
    another.
    """
    record = changes.get(customer_id)
    kinds: set[str] = set()
    others = merged_into(changes.database, changes.tenant_id, record.id)
    forget_files_of(changes.database, changes.tenant_id, [*others, record.id])
    for number in [*reversed(others), record.id]:
        one = _find(changes, number)
        held = {name for name in PERSONAL_FIELDS if getattr(one, name) is not None}
        if changes.tags(number):
            held.add("tags")
        erase_log_values(changes, [number])
        forget_merges(changes.database, changes.tenant_id, number)
        changes.remove(one, "erased", dict.fromkeys(sorted(held), (None, None)))
        kinds |= held
    return sorted(kinds)


def merged_into(database: Database, tenant_id: int, customer_id: int) -> list[int]:
    """Return the ids of all customers that were merged into this one, directly or not.

    Each comes after the customer into which it was merged.
    """
    found: list[int] = []
    pending = [customer_id]
    while pending:
        values = {"tenant_id": tenant_id, "merged_into_id": pending.pop(0)}
        others = [number for (number,) in database.fetch_all(LIST_MERGED, values)]
        found += others
        pending += others
    return found


def _find(changes: ChangeSet, customer_id: int) -> Record:
    record = changes.find(customer_id)
    if record is None:
        raise NotFound(_("There is no customer {id}.", id=customer_id))
    return record


def erase_log_values(changes: ChangeSet, customer_ids: Collection[int]) -> None:
    """Erase the values of customers in the change log, and the stored responses that may contain them."""
    forget_fields(changes.database, changes.tenant_id, customer_ids)
    erase_responses(changes.database, changes.tenant_id, customer_ids)


def check_version(record: Record, expected: Collection[int] | None) -> None:
    """Raise `PreconditionFailed` if `expected` is given and the customer's version is not one of them."""
    if expected is not None and record.version not in expected:
        raise PreconditionFailed(_("Customer {id} has been changed since you read it. Read it again.", id=record.id))


def _split_tags(written: WrittenValues) -> tuple[dict[str, Any], Collection[int] | None]:
    values = {name: value for name, value in written.items() if name != "tags"}
    tags = written.get("tags")
    # Null removes all tags. Without the field, they stay.
    return values, [] if tags is None and "tags" in written else tags
