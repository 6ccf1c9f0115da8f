"""Two customers who are one person: the one flows into the other, and can be taken out of it again."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from regulars.customers.change_log import MERGED, UNMERGED, fields_of_merge
from regulars.customers.fields import PERSONAL_FIELDS, Record
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.commands import check_version
from regulars.errors import Conflict, Gone, NotFound


def merge_customers(
    changes: ChangeSet, customer_id: int, other_id: int, expected: Collection[int] | None = None
) -> Record:
    """Let the other customer flow into this one: what this one lacks is filled, and tags are united. The other goes to
    the trash and leads here from now on.

    Raises `NotFound`, `Gone`, `PreconditionFailed`; and `Conflict` for an other that there is not, or that is the same,
    and where one of them is in the trash.
    """
    survivor = changes.get(customer_id)
    check_version(survivor, expected)
    other = _other(changes, customer_id, other_id)
    for one in (survivor, other):
        if one.deleted_at is not None:
            raise Conflict(f"Customer {one.id} is in the trash: restore it first.")
    filled = _filled(survivor, other)
    tags = {*changes.tags(survivor.id), *changes.tags(other.id)}
    # It lets go first of what may be one's alone.
    changes.change(other, "trashed", {"deleted_at": changes.now, "merged_into_id": survivor.id}, other_id=survivor.id)
    return changes.change(survivor, MERGED, filled, tags, other_id=other.id)


def unmerge_customers(
    changes: ChangeSet, customer_id: int, other_id: int, expected: Collection[int] | None = None
) -> Record:
    """Take out again what flowed in with a merge, as far as it is still there, and bring the other customer back.

    Raises `NotFound`, `Gone`, `PreconditionFailed`; and `Conflict` for an other that was not merged into this one, and
    where somebody has by now what may be one's alone.
    """
    survivor = changes.get(customer_id)
    check_version(survivor, expected)
    other = changes.find(other_id)
    if other is None or other.merged_into_id != survivor.id:
        raise _about_other(f"The customer_id {other_id} is not that of one merged into {customer_id}.")
    came = fields_of_merge(changes.database, changes.tenant_id, survivor.id, other.id)
    shown: Mapping[str, Any] = msgspec.to_builtins({name: getattr(survivor, name) for name in PERSONAL_FIELDS})
    emptied = {name: None for name, (_, after) in came.items() if name in PERSONAL_FIELDS and shown[name] == after}
    # How a number is typed goes with it, even if it was typed anew since.
    emptied.pop("phone_number_as_typed", None)
    if "phone_number" in emptied:
        emptied["phone_number_as_typed"] = None
    before, after = came.get("tags", ([], []))
    tags = [tag for tag in changes.tags(survivor.id) if tag in before or tag not in after]
    survivor = changes.change(survivor, UNMERGED, emptied, tags, other_id=other.id)
    changes.change(other, "restored", {"deleted_at": None, "merged_into_id": None}, other_id=survivor.id)
    return survivor


def _other(changes: ChangeSet, customer_id: int, other_id: int) -> Record:
    if other_id == customer_id:
        raise _about_other(f"The customer_id {other_id} is the same: merge another customer into it.")
    try:
        return changes.get(other_id)
    except (NotFound, Gone) as error:
        raise _about_other(error.message) from None


def _about_other(sentence: str) -> Conflict:
    return Conflict(sentence, {"customer_id": [sentence]})


def _filled(survivor: Record, other: Record) -> dict[str, Any]:
    """What the survivor lacks and the other has; how a phone number was typed goes with the number."""
    filled = {
        name: getattr(other, name)
        for name in PERSONAL_FIELDS
        if getattr(survivor, name) is None and getattr(other, name) is not None
    }
    if survivor.phone_number is not None:
        filled.pop("phone_number_as_typed", None)
    return filled
