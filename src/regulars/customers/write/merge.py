"""Merge two customers that are the same person, and undo a merge."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from regulars.customers.change_log import MERGED, UNMERGED, fields_of_merge
from regulars.customers.dismissals import forget_dismissals
from regulars.customers.fields import PERSONAL_FIELDS, Record
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.commands import check_version
from regulars.errors import Conflict, Gone, NotFound
from regulars.i18n import _


def merge_customers(
    changes: ChangeSet, customer_id: int, other_id: int, expected: Collection[int] | None = None
) -> Record:
    """Merge the other customer into this one: fill its empty fields, and add the tags. Return this customer.

    The other customer moves to the trash. Requests for it get the id of this one (`Gone`), and its dismissed duplicates
    are forgotten. Raise `NotFound` or `Gone`
    if this customer does not exist or was merged, `PreconditionFailed` if its version is not one of `expected`, and
    `Conflict` if the other customer does not exist, was merged or is the same, or if one of them is in the trash.
    """
    survivor = changes.get(customer_id)
    check_version(survivor, expected)
    other = _other(changes, customer_id, other_id)
    for customer in (survivor, other):
        if customer.deleted_at is not None:
            raise Conflict(_("Customer {id} is in the trash. Restore it first.", id=customer.id))
    missing = _missing_values(survivor, other)
    tags = {*changes.tags(survivor.id), *changes.tags(other.id)}
    forget_dismissals(changes.database, changes.tenant_id, [other.id])
    # The other customer must release its unique values first.
    changes.change(other, "trashed", {"deleted_at": changes.now, "merged_into_id": survivor.id}, other_id=survivor.id)
    return changes.change(survivor, MERGED, missing, tags, other_id=other.id)


def unmerge_customers(
    changes: ChangeSet, customer_id: int, other_id: int, expected: Collection[int] | None = None
) -> Record:
    """Undo a merge: remove the values that came with it and have not changed since, and restore the other customer.

    Return this customer. Raise `NotFound` or `Gone` if it does not exist or was merged, `PreconditionFailed` if its
    version is not one of `expected`, and `Conflict` if the other customer was not merged into this one, or if a third
    customer has taken a unique value.
    """
    survivor = changes.get(customer_id)
    check_version(survivor, expected)
    other = changes.find(other_id)
    if other is None or other.merged_into_id != survivor.id:
        raise _about_other(
            _(
                "Customer {other_id} was not merged into customer {customer_id}.",
                other_id=other_id,
                customer_id=customer_id,
            )
        )
    merged_values = fields_of_merge(changes.database, changes.tenant_id, survivor.id, other.id)
    current: Mapping[str, Any] = msgspec.to_builtins({name: getattr(survivor, name) for name in PERSONAL_FIELDS})
    removed = {
        name: None for name, (_, after) in merged_values.items() if name in PERSONAL_FIELDS and current[name] == after
    }
    # `phone_number_as_typed` is removed together with `phone_number`, even if it has been typed in another form since.
    removed.pop("phone_number_as_typed", None)
    if "phone_number" in removed:
        removed["phone_number_as_typed"] = None
    before, after = merged_values.get("tags", ([], []))
    tags = [tag for tag in changes.tags(survivor.id) if tag in before or tag not in after]
    survivor = changes.change(survivor, UNMERGED, removed, tags, other_id=other.id)
    changes.change(other, "restored", {"deleted_at": None, "merged_into_id": None}, other_id=survivor.id)
    return survivor


def _other(changes: ChangeSet, customer_id: int, other_id: int) -> Record:
    if other_id == customer_id:
        raise _about_other(
            _("customer_id {other_id} is the same customer. Give the id of another one.", other_id=other_id)
        )
    try:
        return changes.get(other_id)
    except (NotFound, Gone) as error:
        raise _about_other(error.message) from None


def _about_other(sentence: str) -> Conflict:
    return Conflict(sentence, {"customer_id": [sentence]})


def _missing_values(survivor: Record, other: Record) -> dict[str, Any]:
    """Return the values of the other customer for the survivor's empty fields.

    `phone_number_as_typed` is included only if the survivor has no phone number.
    """
    missing = {
        name: getattr(other, name)
        for name in PERSONAL_FIELDS
        if getattr(survivor, name) is None and getattr(other, name) is not None
    }
    if survivor.phone_number is not None:
        missing.pop("phone_number_as_typed", None)
    return missing
